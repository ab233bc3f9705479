/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The three seams, once for each radio of the PC. */

#include "bluetooth_gap.h"
#include "bluetooth_gattc.h"
#include "bluetooth_gatts.h"

typedef struct {
    esp_err_t (*open)(bluetooth_address_t *own);
    void (*close)(void);
    esp_err_t (*advertise)(const uint8_t *data, size_t size, const uint8_t *response,
                           size_t response_size);
    esp_err_t (*scan)(bool on);
    esp_err_t (*connect)(const bluetooth_address_t *address);
    esp_err_t (*disconnect)(uint8_t link);
    esp_err_t (*pair)(uint8_t link);
    esp_err_t (*passkey)(uint8_t link, uint32_t passkey);
    esp_err_t (*notify)(uint8_t link, uint8_t value, const void *data, size_t size);
    esp_err_t (*discover)(uint8_t link);
    esp_err_t (*read)(uint8_t link, uint16_t handle);
    esp_err_t (*write)(uint8_t link, uint16_t handle, const void *data, size_t size);
    esp_err_t (*subscribe)(uint8_t link, uint16_t handle, bool on);
} bluetooth_port_t;

extern const bluetooth_port_t bluetooth_port_virtual;
extern const bluetooth_port_t bluetooth_port_bluez;
