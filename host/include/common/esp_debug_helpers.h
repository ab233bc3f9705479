// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include "sdkconfig.h"
#include "esp_err.h"
#include "esp_cpu.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Prints the caller's call chain on the console, addresses with symbol names where known.
 * @return ESP_OK; ESP_ERR_INVALID_ARG if depth <= 0; ESP_FAIL if the chain could not be followed
 */
esp_err_t esp_backtrace_print(int depth);

#ifdef __cplusplus
}
#endif
