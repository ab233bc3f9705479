/* SPDX-License-Identifier: Apache-2.0 */
/* The virtual board's loudspeaker. */
#include "audio_backend.h"

#include "sdkconfig.h"

#include "host_audio.h"

/* 80 ms at 48 kHz: a PC may be late by more than a board. */
#define BLOCKS 16

static bool s_open;

esp_err_t audio_backend_open(uint32_t *rate, uint32_t *blocks)
{
    s_open = host_audio_open(CONFIG_AUDIO_RATE, BLOCKS * AUDIO_BLOCK_FRAMES);
    *rate = CONFIG_AUDIO_RATE;
    *blocks = BLOCKS;
    return s_open ? ESP_OK : ESP_ERR_NOT_FOUND;
}

void audio_backend_close(void)
{
    if (s_open) {
        host_audio_run(false);
    }
    s_open = false;
}

esp_err_t audio_backend_run(bool on)
{
    if (!s_open) {
        return ESP_ERR_NOT_FOUND;
    }
    host_audio_run(on);
    return ESP_OK;
}

esp_err_t audio_backend_room(uint32_t *blocks)
{
    *blocks = host_audio_room() / AUDIO_BLOCK_FRAMES;
    return s_open ? ESP_OK : ESP_ERR_NOT_FOUND;
}

esp_err_t audio_backend_write(const audio_frame_t block[AUDIO_BLOCK_FRAMES])
{
    if (!s_open) {
        return ESP_ERR_NOT_FOUND;
    }
    if (host_audio_room() < AUDIO_BLOCK_FRAMES) {
        return ESP_ERR_TIMEOUT;
    }
    const unsigned taken = host_audio_write((const int16_t *)block, AUDIO_BLOCK_FRAMES);
    return taken == AUDIO_BLOCK_FRAMES ? ESP_OK : ESP_ERR_INVALID_SIZE;
}

uint32_t audio_backend_underruns(void)
{
    return host_audio_underruns();
}

esp_err_t audio_backend_probe(void)
{
    return s_open ? ESP_OK : ESP_ERR_NOT_FOUND;
}
