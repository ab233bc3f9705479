/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A board without a loudspeaker: sound is taken as fast as one would play it, and goes nowhere.
 * Computed from the clock when asked, so nothing runs while nobody asks.
 */
#include "audio_backend.h"

#include "sdkconfig.h"

#include "esp_log.h"
#include "esp_timer.h"

#define BLOCKS 6 /* as many as with I2S */

static bool s_open;
static bool s_running;
static uint32_t s_held;  /* blocks that are not played yet */
static int64_t s_due_us; /* when the first of them is */
static uint32_t s_underruns;

/** What was played meanwhile leaves. */
static void go_on(void)
{
    const int64_t block_us = (int64_t)AUDIO_BLOCK_FRAMES * 1000000 / CONFIG_AUDIO_RATE;
    const int64_t now_us = esp_timer_get_time();

    if (!s_running || now_us < s_due_us) {
        return;
    }
    const int64_t played = 1 + (now_us - s_due_us) / block_us;
    if (s_held != 0 && played > s_held) {
        s_underruns++; /* once each time it runs dry */
    }
    s_held = played < s_held ? s_held - (uint32_t)played : 0;
    s_due_us += played * block_us;
}

esp_err_t audio_backend_open(uint32_t *rate, uint32_t *blocks)
{
    s_open = true;
    s_running = false;
    *rate = CONFIG_AUDIO_RATE;
    *blocks = BLOCKS;
    ESP_LOGI("audio", "this board has no loudspeaker: sound goes nowhere");
    return ESP_OK;
}

void audio_backend_close(void)
{
    s_open = false;
    s_running = false;
}

esp_err_t audio_backend_run(bool on)
{
    if (!s_open) {
        return ESP_ERR_NOT_FOUND;
    }
    if (on && !s_running) {
        s_held = 0;
        s_due_us = esp_timer_get_time();
    }
    s_running = on;
    return ESP_OK;
}

esp_err_t audio_backend_room(uint32_t *blocks)
{
    if (!s_open) {
        return ESP_ERR_NOT_FOUND;
    }
    go_on();
    *blocks = s_running ? BLOCKS - s_held : 0;
    return ESP_OK;
}

esp_err_t audio_backend_write(const audio_frame_t block[AUDIO_BLOCK_FRAMES])
{
    (void)block;
    if (!s_open) {
        return ESP_ERR_NOT_FOUND;
    }
    go_on();
    if (!s_running || s_held == BLOCKS) {
        return ESP_ERR_TIMEOUT;
    }
    s_held++;
    return ESP_OK;
}

uint32_t audio_backend_underruns(void)
{
    return s_underruns;
}

esp_err_t audio_backend_probe(void)
{
    return s_open ? ESP_OK : ESP_ERR_NOT_FOUND;
}
