/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The registers of the touch controller that the board has. */

#include <stdbool.h>
#include <stdint.h>

#include "driver/i2c_master.h"
#include "esp_err.h"

#define INPUT_CONTROLLER_MS        20 /* that a transfer may take */
#define INPUT_CONTROLLER_ADDRESSES 2

typedef struct {
    bool down;
    int16_t x; /* as the controller counts */
    int16_t y;
} input_finger_t;

typedef enum {
    INPUT_REPORT_FAILED, /* no answer */
    INPUT_REPORT_SILENT, /* nothing since the last time */
    INPUT_REPORT_NEWS,   /* where the finger is, or that there is none */
} input_report_t;

/** Where it may be on the bus; 0 = no other. */
extern const uint8_t input_controller_addresses[INPUT_CONTROLLER_ADDRESSES];

/** After a reset. @return ESP_OK; what the driver returned */
esp_err_t input_controller_set_up(i2c_master_dev_handle_t controller);

/** The first finger; the others do not count. @param[out] finger set by news */
input_report_t input_controller_read(i2c_master_dev_handle_t controller, input_finger_t *finger);
