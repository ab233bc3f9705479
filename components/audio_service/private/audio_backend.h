/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief The seam to the loudspeaker: port/esp32s3 feeds I2S, port/linux the virtual board's.
 *
 * Called by the audio service alone, one call at a time, arguments already checked. Nothing here
 * waits for the device to play. When the service is restarted, audio_backend_open() comes without a
 * close before it, in another task, whatever an earlier task was doing.
 */

#include <stdbool.h>
#include <stdint.h>

#include "audio_app/audio_types.h"
#include "esp_err.h"

/** Sound goes to the device in blocks of so many frames: 5 ms at 48 kHz. */
#define AUDIO_BLOCK_FRAMES 240

/**
 * @brief Claim the bus and set the codec up, silent.
 * @param[out] rate   frames a second
 * @param[out] blocks that the device can hold
 * @return ESP_OK; ESP_ERR_NOT_FOUND no codec answers; ESP_ERR_NO_MEM; what the drivers returned
 */
esp_err_t audio_backend_open(uint32_t *rate, uint32_t *blocks);

/** Fall silent and release the bus. Fine on one that is not open. */
void audio_backend_close(void);

/** Switch clocks and amplifier on or off. It starts empty. @return ESP_OK; what the drivers
 *  returned */
esp_err_t audio_backend_run(bool on);

/** @param[out] blocks that can be written now  @return ESP_OK; ESP_ERR_NOT_FOUND not open */
esp_err_t audio_backend_room(uint32_t *blocks);

/**
 * @brief Hand over one block; the frames may be changed as soon as this returns.
 * @return ESP_OK; ESP_ERR_NOT_FOUND unplugged; ESP_ERR_TIMEOUT there is no room;
 *         ESP_ERR_INVALID_SIZE only a part was taken; what the drivers returned
 */
esp_err_t audio_backend_write(const audio_frame_t block[AUDIO_BLOCK_FRAMES]);

/** How often the device had nothing to play while it ran, since boot; wraps. */
uint32_t audio_backend_underruns(void);

/**
 * @brief Ask the codec whether it is well.
 * @return ESP_OK; ESP_ERR_NOT_FOUND no answer; ESP_ERR_INVALID_RESPONSE not what was set: it was
 *         reset or disturbed and must be opened anew; ESP_ERR_NOT_SUPPORTED there is no way to ask
 */
esp_err_t audio_backend_probe(void);
