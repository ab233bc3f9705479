/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief The seam to the radio: who is there, who is connected, and whether it is safe.
 *
 * Called by the service alone, one call at a time. Nothing here waits for a peer: how it went comes
 * as an event (bluetooth_radio.h), from a task of the backend. When the service is restarted,
 * bluetooth_gap_open() comes without a close before it, in another task, whatever an earlier task
 * was doing: connections end, and nothing is advertised.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bluetooth_service/bluetooth_events.h"
#include "esp_err.h"

/** Longest advertising data (Core Specification, Vol 6 Part B 2.3.1.1). */
#define BLUETOOTH_ADV 31

/**
 * @brief Switch the radio on.
 * @param[out] own our address
 * @return ESP_OK; ESP_ERR_NOT_FOUND there is no radio; ESP_ERR_NOT_FINISHED it begins:
 *         BLUETOOTH_RADIO_RESET says when to call again; ESP_ERR_NO_MEM; what the drivers returned
 */
esp_err_t bluetooth_gap_open(bluetooth_address_t *own);

/** Switch it off. Fine on one that is not on. */
void bluetooth_gap_close(void);

/** Be seen and be connected to; data NULL = not any more. A connection ends it.
 *  @param[in] data, response of at most BLUETOOTH_ADV bytes  @return what the drivers said */
esp_err_t bluetooth_gap_advertise(const uint8_t *data, size_t size, const uint8_t *response,
                                  size_t response_size);

/** Look for others, or stop. @return what the drivers said */
esp_err_t bluetooth_gap_scan(bool on);

/** Connect; NULL = give up. @return ESP_OK; ESP_ERR_INVALID_STATE one is under way;
 *  ESP_ERR_NO_MEM; what the drivers said */
esp_err_t bluetooth_gap_connect(const bluetooth_address_t *address);

/** @return ESP_OK; ESP_ERR_NOT_FOUND there is no such link */
esp_err_t bluetooth_gap_disconnect(uint8_t link);

/** Pair, and encrypt the link; with a peer that has paired before, encrypt it. BLUETOOTH_NO_LINK:
 *  forget all who have paired; links that are encrypted stay so. @return ESP_OK; ESP_ERR_NOT_FOUND
 * no such link; ESP_ERR_INVALID_STATE it is under way */
esp_err_t bluetooth_gap_pair(uint8_t link);

/** What the peer shows. @return ESP_OK; ESP_ERR_NOT_FOUND; ESP_ERR_INVALID_STATE nobody asked */
esp_err_t bluetooth_gap_passkey(uint8_t link, uint32_t passkey);
