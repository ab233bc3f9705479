/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device: there or not, well or not. Without one, time goes on: blocks are mixed as fast as
 * they would be heard, so that songs end when they should and are in their place when it is back.
 */
#include "audio_internal.h"

#include "sdkconfig.h"

#include "esp_attr.h"
#include "esp_log.h"
#include "esp_timer.h"
#include "system_service/error_codes.h"

static const char *TAG = "audio";

/* So many blocks in a row fail before the device is set up anew; the next time twice as many. */
#define FAILURES_MAX 3
/* Most blocks that are made up for after a delay, without a device: 60 ms. */
#define BLOCKS_MAX 12

static audio_device_t s_state;
static bool s_running;
static bool s_told_absent;
static uint32_t s_failures_in_row;
static uint32_t s_patience = FAILURES_MAX;
static uint32_t s_rate = CONFIG_AUDIO_RATE;

/* Without a device: how many blocks were mixed since when. */
static int64_t s_silent_since_us;
static int64_t s_silent_blocks;

static uint64_t s_frames;
static uint32_t s_failures;
static uint32_t s_reopened;
static uint32_t s_lost;
static EXT_RAM_BSS_ATTR audio_frame_t s_block[AUDIO_BLOCK_FRAMES];

static void become(audio_device_t state)
{
    if (s_state != state) {
        s_state = state;
        audio_service_announce();
    }
}

static void begin_silence(void)
{
    s_silent_since_us = esp_timer_get_time();
    s_silent_blocks = 0;
}

static void lose(esp_err_t why)
{
    if (!s_told_absent) {
        ESP_LOGE(TAG, "the device does not answer (%s): looking for it every %d ms",
                 system_error_to_string(why), CONFIG_AUDIO_PROBE_MS);
        s_told_absent = true;
    }
    s_failures_in_row = 0;
    s_patience = FAILURES_MAX;
    audio_link_close();
    begin_silence();
    become(AUDIO_DEVICE_ABSENT);
}

static esp_err_t open_device(void)
{
    uint32_t rate = 0;
    uint32_t blocks = 0;
    esp_err_t ret = audio_link_open(&rate, &blocks);
    if (ret == ESP_OK && s_running) {
        ret = audio_link_run(true);
    }
    if (ret != ESP_OK) {
        lose(ret);
        return ret;
    }
    if (rate != s_rate) { /* before the first block at the new rate */
        s_rate = rate;
        audio_service_rate_changed(rate);
    }
    s_told_absent = false;
    become(s_failures_in_row == 0 ? AUDIO_DEVICE_WELL : AUDIO_DEVICE_FAILING);
    return ESP_OK;
}

static void reopen(esp_err_t why)
{
    ESP_LOGW(TAG, "the device is set up anew: %s", system_error_to_string(why));
    s_reopened++;
    audio_link_close();
    (void)open_device();
}

void audio_device_begin(void)
{
    s_state = AUDIO_DEVICE_ABSENT;
    s_failures_in_row = 0;
    s_patience = FAILURES_MAX;
    s_running = false;
    s_told_absent = false;
    begin_silence();
    (void)open_device();
}

void audio_device_end(void)
{
    audio_link_close();
    s_state = AUDIO_DEVICE_ABSENT;
}

void audio_device_look(void)
{
    if (s_state == AUDIO_DEVICE_ABSENT) {
        if (open_device() == ESP_OK) {
            s_reopened++;
            ESP_LOGI(TAG, "the device is there");
        }
        return;
    }
    const esp_err_t ret = audio_link_probe();
    if (ret == ESP_ERR_NOT_FOUND) {
        lose(ret);
    } else if (ret != ESP_OK && ret != ESP_ERR_NOT_SUPPORTED) {
        reopen(ret);
    }
}

static void failed(esp_err_t why)
{
    s_failures++;
    s_failures_in_row++;
    if (why == ESP_ERR_NOT_FOUND) {
        lose(why);
        return;
    }
    become(AUDIO_DEVICE_FAILING);
    if (s_failures_in_row == s_patience) {
        s_patience = s_patience < UINT32_MAX / 2 ? 2 * s_patience : UINT32_MAX;
        reopen(why); /* only a block that arrives makes it well */
    }
}

static void feed_nobody(void (*mix)(audio_frame_t *block))
{
    const int64_t passed_us = esp_timer_get_time() - s_silent_since_us;
    int64_t due = passed_us * s_rate / (AUDIO_BLOCK_FRAMES * 1000000LL) - s_silent_blocks;
    if (due < 0 || due > BLOCKS_MAX) { /* the clock was set, or we were away: from now on */
        begin_silence();
        due = due < 0 ? 0 : 1;
    }
    for (; due > 0; due--) {
        mix(s_block);
        s_silent_blocks++;
        s_lost++;
    }
}

void audio_device_feed(void (*mix)(audio_frame_t *block))
{
    uint32_t room = 0;
    if (s_state == AUDIO_DEVICE_ABSENT) {
        feed_nobody(mix);
        return;
    }
    esp_err_t ret = audio_link_room(&room);
    if (ret != ESP_OK) {
        failed(ret);
        return;
    }
    for (; room > 0; room--) {
        mix(s_block);
        ret = audio_link_write(s_block);
        if (ret != ESP_OK) {
            failed(ret);
            return;
        }
        s_frames += AUDIO_BLOCK_FRAMES;
        if (s_failures_in_row != 0) {
            s_failures_in_row = 0;
            s_patience = FAILURES_MAX;
            become(AUDIO_DEVICE_WELL);
        }
    }
}

void audio_device_run(bool on)
{
    if (s_running == on) {
        return;
    }
    s_running = on;
    begin_silence();
    const esp_err_t ret = s_state != AUDIO_DEVICE_ABSENT ? audio_link_run(on) : ESP_OK;
    if (ret == ESP_ERR_NOT_FOUND) {
        lose(ret);
    } else if (ret != ESP_OK) {
        reopen(ret);
    }
}

uint32_t audio_device_rate(void)
{
    return s_rate;
}

void audio_device_describe(audio_state_t *state)
{
    state->rate = s_rate;
    state->device = (uint8_t)s_state;
}

void audio_device_count(audio_info_t *info)
{
    info->frames = s_frames;
    info->failures = s_failures;
    info->reopened = s_reopened;
    info->lost = s_lost;
    info->device_underruns = audio_backend_underruns();
}
