// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <assert.h>
#include "esp_assert.h"
#include "esp_compiler.h"

#ifndef ESP_UNUSED
#define ESP_UNUSED(x) ((void)(x))
#endif

// A loop that says it is meant; it is a scheduling point for nobody.
#define ESP_INFINITE_LOOP()                                                                        \
    do {                                                                                           \
        while (1) {                                                                                \
        }                                                                                          \
    } while (1)
