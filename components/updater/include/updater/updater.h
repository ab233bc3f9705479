/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief A new image of the firmware is kept once it has proven itself, else the one before
 * returns.
 *
 * Whoever writes an image (esp_ota_begin() ... esp_ota_set_boot_partition()) has it started by the
 * next reset, on probation: the boot loader starts it once. What is here confirms it after
 * CONFIG_UPDATER_CONFIRM_S, and gives it up at once when the system is in safe mode by then.
 */

#include <stdbool.h>

#include "esp_err.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @brief Begin the probation of the running image, if it is on one.
 *
 * @context main task, after system_service_init()  @blocks never
 * @return ESP_OK, also when there is nothing to confirm, or
 *  - ESP_ERR_INVALID_STATE  the probation has begun already
 *  - ESP_ERR_NO_MEM         no timer: the image will not be confirmed
 */
esp_err_t updater_start(void);

/** @brief The running image is not confirmed yet.  @context any task  @blocks on a flash read */
bool updater_on_probation(void);

#ifdef __cplusplus
}
#endif
