/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ESP-IDF has no FLAC decoder, and this firmware builds without the component registry: FLAC files
 * are refused by name, WAV is read. A project that has a decoder puts its own file in this place.
 */
#include "flac_backend.h"

esp_err_t flac_backend_open(audio_reader_t *reader, audio_track_info_t *info, flac_backend_t **out)
{
    (void)reader;
    (void)info;
    *out = NULL;
    return ESP_ERR_NOT_SUPPORTED;
}

esp_err_t flac_backend_read(flac_backend_t *flac, audio_frame_t *frames, size_t count, size_t *got)
{
    (void)flac;
    (void)frames;
    (void)count;
    *got = 0;
    return ESP_ERR_NOT_SUPPORTED;
}

esp_err_t flac_backend_seek(flac_backend_t *flac, uint32_t frame)
{
    (void)flac;
    (void)frame;
    return ESP_ERR_NOT_SUPPORTED;
}

void flac_backend_close(flac_backend_t *flac)
{
    (void)flac;
}
