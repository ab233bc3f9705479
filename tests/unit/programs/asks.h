// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdint.h>

#include "esp_err.h"

// What asks.c was answered, in the payload of "asks.answers".
typedef struct {
    esp_err_t own, own_pattern;                // its own names
    esp_err_t post, subscribe, serve, request; // "granted.*" and "read.only"
    esp_err_t post_other, subscribe_other, pattern_other, register_other;
    uint8_t memory_works, limit_works;
} asks_answers_t;
