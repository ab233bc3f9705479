/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief The seam to the GATT client: what a peer offers. One thing at a time on each link.
 *
 * Called as bluetooth_gap.h says, between its open and close. Each returns ESP_OK: how it went
 * comes as an event; ESP_ERR_NOT_FOUND no such link; ESP_ERR_INVALID_STATE something is under way
 * on it; ESP_ERR_INVALID_SIZE more than the link takes; ESP_ERR_NO_MEM.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "esp_err.h"

/** Find all characteristics. */
esp_err_t bluetooth_gattc_discover(uint8_t link);
esp_err_t bluetooth_gattc_read(uint8_t link, uint16_t handle);
esp_err_t bluetooth_gattc_write(uint8_t link, uint16_t handle, const void *data, size_t size);
/** Want notifications of a value, or no more. */
esp_err_t bluetooth_gattc_subscribe(uint8_t link, uint16_t handle, bool on);
