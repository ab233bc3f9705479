/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief The seam to a FLAC decoder: port/linux is libFLAC; ESP-IDF has none, so port/esp32s3 says
 * so.
 *
 * Every byte of the file may be wrong. Memory is plain malloc() of the task that calls.
 */

#include "audio_decoder.h"

typedef struct flac_backend flac_backend_t;

/** Read what comes before the sound. reader stays the caller's and must live as long.
 *  @return ESP_OK; ESP_ERR_NOT_SUPPORTED; ESP_ERR_INVALID_RESPONSE; ESP_ERR_NO_MEM; what the
 *          reader returned */
esp_err_t flac_backend_open(audio_reader_t *reader, audio_track_info_t *info, flac_backend_t **out);

/** @param[out] got 0 at the end  @return ESP_OK; ESP_ERR_INVALID_RESPONSE; ESP_ERR_NO_MEM; what
 *  the reader returned */
esp_err_t flac_backend_read(flac_backend_t *flac, audio_frame_t *frames, size_t count, size_t *got);

/** @return as flac_backend_read() */
esp_err_t flac_backend_seek(flac_backend_t *flac, uint32_t frame);

void flac_backend_close(flac_backend_t *flac);
