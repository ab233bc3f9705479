/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief The seam to the GATT server: what we offer (bluetooth_table.h). Peers read
 *        bluetooth_value_get(), in the backend's task; what they write comes as an event.
 *
 * Called as bluetooth_gap.h says, between its open and close.
 */

#include <stddef.h>
#include <stdint.h>

#include "esp_err.h"

/** Offer the table. Once per bluetooth_gap_open(). @return ESP_OK; what the drivers said */
esp_err_t bluetooth_gatts_open(void);

/** Send a value to one who subscribed to it; cut at what the link takes.
 *  @return ESP_OK; ESP_ERR_NOT_FOUND no such link; ESP_ERR_INVALID_STATE it has not subscribed;
 *          ESP_ERR_NO_MEM no room: BLUETOOTH_RADIO_ROOM follows */
esp_err_t bluetooth_gatts_notify(uint8_t link, uint8_t value, const void *data, size_t size);
