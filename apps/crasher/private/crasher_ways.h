/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief The ways to fail.
 */

#include "system_service/app_manager.h"

typedef struct {
    const char *name;
    void (*fail)(app_context_t *ctx); /* some of them come back */
} crasher_way_t;

/** @return NULL: no such way */
const crasher_way_t *crasher_way(const char *name, size_t length);
