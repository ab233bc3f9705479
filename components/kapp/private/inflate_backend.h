/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief Unpacking a zlib stream: zlib on the PC, miniz in the ROM of the device.
 */

#include <stddef.h>
#include <stdint.h>

#include "esp_err.h"

/** Gives the next part of the stream: 1..room bytes, and 0 at its end. */
typedef esp_err_t (*inflate_read_t)(void *arg, uint8_t *to, size_t room, size_t *got);

/**
 * Unpack a whole stream, whose window is the memory that it is unpacked to.
 *
 * @return ESP_OK the stream is right, gave exactly size bytes, and ended with its last byte; an
 *         error of read(); ESP_FAIL it did not; ESP_ERR_NO_MEM
 */
esp_err_t inflate_backend(inflate_read_t read, void *arg, uint8_t *to, size_t size);
