/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief Two wires, several chips: who comes first opens the bus, who leaves last closes it.
 *
 * The driver serialises the transfers of different tasks by itself.
 */

#include "driver/i2c_master.h"
#include "esp_err.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @brief Use the I2C bus on these pins, which is opened if nobody uses it yet.
 * @context any task  @blocks while another task opens or closes a bus
 * @owns the bus is the caller's until i2c_share_release(), as often as it was claimed
 * @return ESP_OK; ESP_ERR_NOT_FOUND both controllers serve other pins; what the driver returned
 */
esp_err_t i2c_share_claim(int sda, int scl, i2c_master_bus_handle_t *bus);

/** @brief Use it no longer; the caller's devices were removed. NULL is fine.
 *  @context any task  @blocks while another task opens or closes a bus */
void i2c_share_release(i2c_master_bus_handle_t bus);

#ifdef __cplusplus
}
#endif
