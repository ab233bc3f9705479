/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief The seam to a folder into which people put packages.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "esp_err.h"

/** Longest path of a package, without the final NUL. */
#define DROP_PATH_MAX 255u

/** The next package that lies there completely. @return false: none does */
bool drop_backend_next(char path[DROP_PATH_MAX + 1]);

/** What came of it: it is removed, or set aside under another name.
 *  @return false: neither can be done, and it would be given again */
bool drop_backend_done(const char *path, esp_err_t ret);

/** Milliseconds between two looks while the board runs; 0: looking again is no use. */
uint32_t drop_backend_period_ms(void);
