/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What hears the I2S bus: settings and amplifier. */

#include <stdbool.h>
#include <stdint.h>

#include "esp_err.h"

/** Find it and set it up for 16 bits and a master clock of 256 times the rate, silent. The clocks
 *  need not run yet. @return ESP_OK; ESP_ERR_NOT_FOUND; what the drivers returned */
esp_err_t audio_codec_open(uint32_t rate);
void audio_codec_close(void);
/** The amplifier on or off. The clocks run. */
esp_err_t audio_codec_run(bool on);
/** @return as audio_backend_probe() */
esp_err_t audio_codec_probe(void);
