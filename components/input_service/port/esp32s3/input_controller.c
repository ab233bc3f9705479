/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FT6336 (and its kin from FT6206 on) and CST816 have one layout: how many fingers, then the first
 * one's coordinates, of 12 bits each. A GT911 has registers of 16 bits, keeps a report until it is
 * acknowledged, and is at one of two addresses, as its interrupt pin was at reset.
 */
#include "input_controller.h"

#include "sdkconfig.h"

#ifndef CONFIG_INPUT_TOUCH_NONE

#ifdef CONFIG_INPUT_TOUCH_GT911

#define REG_STATUS   0x814E
#define REG_POINT    0x8150 /* of the first finger: x, y, low bytes first */
#define STATUS_READY 0x80
#define STATUS_COUNT 0x0F

const uint8_t input_controller_addresses[INPUT_CONTROLLER_ADDRESSES] = {0x5D, 0x14};

static esp_err_t get(i2c_master_dev_handle_t controller, uint16_t reg, uint8_t *data, size_t size)
{
    const uint8_t address[] = {(uint8_t)(reg >> 8), (uint8_t)reg};
    return i2c_master_transmit_receive(controller, address, sizeof(address), data, size,
                                       INPUT_CONTROLLER_MS);
}

static esp_err_t acknowledge(i2c_master_dev_handle_t controller)
{
    const uint8_t bytes[] = {(uint8_t)(REG_STATUS >> 8), (uint8_t)REG_STATUS, 0};
    return i2c_master_transmit(controller, bytes, sizeof(bytes), INPUT_CONTROLLER_MS);
}

esp_err_t input_controller_set_up(i2c_master_dev_handle_t controller)
{
    return acknowledge(controller); /* its settings are in its own flash */
}

input_report_t input_controller_read(i2c_master_dev_handle_t controller, input_finger_t *finger)
{
    uint8_t status = 0;
    uint8_t point[4];

    if (get(controller, REG_STATUS, &status, 1) != ESP_OK) {
        return INPUT_REPORT_FAILED;
    }
    if ((status & STATUS_READY) == 0) {
        return INPUT_REPORT_SILENT;
    }
    finger->down = (status & STATUS_COUNT) != 0;
    if (finger->down) {
        if (get(controller, REG_POINT, point, sizeof(point)) != ESP_OK) {
            return INPUT_REPORT_FAILED;
        }
        finger->x = (int16_t)(point[0] | point[1] << 8);
        finger->y = (int16_t)(point[2] | point[3] << 8);
    }
    return acknowledge(controller) == ESP_OK ? INPUT_REPORT_NEWS : INPUT_REPORT_FAILED;
}

#else

#define REG_FINGERS  0x02
#define FINGERS_MAX  2 /* more is what it says before it is ready */
#define REG_NO_SLEEP 0xFE

#ifdef CONFIG_INPUT_TOUCH_CST816
const uint8_t input_controller_addresses[INPUT_CONTROLLER_ADDRESSES] = {0x15, 0};
#else
const uint8_t input_controller_addresses[INPUT_CONTROLLER_ADDRESSES] = {0x38, 0};
#endif

esp_err_t input_controller_set_up(i2c_master_dev_handle_t controller)
{
#ifdef CONFIG_INPUT_TOUCH_CST816
    /* It would not answer while it sleeps, as if it were gone. */
    const uint8_t bytes[] = {REG_NO_SLEEP, 1};
    return i2c_master_transmit(controller, bytes, sizeof(bytes), INPUT_CONTROLLER_MS);
#else
    (void)controller;
    return ESP_OK;
#endif
}

input_report_t input_controller_read(i2c_master_dev_handle_t controller, input_finger_t *finger)
{
    const uint8_t reg = REG_FINGERS;
    uint8_t data[5];
    if (i2c_master_transmit_receive(controller, &reg, 1, data, sizeof(data), INPUT_CONTROLLER_MS) !=
        ESP_OK) {
        return INPUT_REPORT_FAILED;
    }
    const unsigned fingers = data[0] & 0x0F;
    finger->down = fingers != 0 && fingers <= FINGERS_MAX;
    if (finger->down) {
        finger->x = (int16_t)((data[1] & 0x0F) << 8 | data[2]);
        finger->y = (int16_t)((data[3] & 0x0F) << 8 | data[4]);
    }
    return INPUT_REPORT_NEWS;
}

#endif
#endif
