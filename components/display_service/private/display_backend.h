/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief The seam to the panel: port/esp32s3 drives one over SPI, port/linux the virtual board's.
 *
 * Called by the display service alone, one call at a time, arguments already checked. A call may
 * take as long as its transfer; it returns an error rather than wait for ever. When the service is
 * restarted, display_backend_open() comes without a close before it, in another task, whatever an
 * earlier task was doing.
 */

#include <stdbool.h>
#include <stdint.h>

#include "display_app/display_types.h"
#include "esp_err.h"

/**
 * @brief Claim the bus, reset the panel, and set it up: upright, dark, switched on.
 * @param[out] width, height of the panel when it stands upright
 * @return ESP_OK; ESP_ERR_NOT_FOUND no panel answers; ESP_ERR_NO_MEM no memory for transfers; what
 *         the drivers returned
 */
esp_err_t display_backend_open(uint16_t *width, uint16_t *height);

/** Switch the panel off and release the bus. Fine on one that is not open. */
void display_backend_close(void);

/**
 * @brief Show pixels in a rectangle of the panel, in its present orientation. They may be changed
 *        as soon as this returns.
 * @param[in] pixels the upper left one; stride pixels from one row to the next
 * @return ESP_OK; ESP_ERR_NOT_FOUND unplugged; ESP_ERR_TIMEOUT the bus did not finish;
 *         ESP_ERR_INVALID_SIZE only a part was transferred; what the drivers returned
 */
esp_err_t display_backend_flush(display_rect_t area, const display_color_t *pixels,
                                uint32_t stride);

/** Turn what is flushed from now on clockwise by 0, 90, 180 or 270 degrees.
 *  @return ESP_OK; what the drivers returned */
esp_err_t display_backend_set_orientation(uint16_t degrees);

/** @param[in] percent 0..100 of full light  @return ESP_OK; what the drivers returned */
esp_err_t display_backend_set_brightness(uint8_t percent);

/** Sleep and wake: light, picture and panel, whose memory stays.
 *  @return ESP_OK; what the drivers returned */
esp_err_t display_backend_set_power(bool on);

/**
 * @brief Ask the panel whether it is well.
 * @return ESP_OK; ESP_ERR_NOT_FOUND no answer; ESP_ERR_INVALID_RESPONSE not what was set: it was
 *         reset or disturbed and must be opened anew, or sleeps; ESP_ERR_NOT_SUPPORTED there is no
 *         way to ask
 */
esp_err_t display_backend_probe(void);
