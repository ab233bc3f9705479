// SPDX-License-Identifier: Apache-2.0
#include "audio_player.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "audio_measure.h"
#include "audio_service/audio_service.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "host_audio.h"
#include "ktest.h"
#include "system_service/service_supervisor.h"
#include "system_up.h"

#define HEARD     (10 * AUDIO_PLAYER_RATE)
#define HEADER(t) STATUS_HEADER(t, AUDIO_EVENTS_VERSION)

static system_secure_key_t s_key;
system_service_id_t audio_player_service;
static system_service_id_t s_observer;
audio_state_t audio_player_state;
audio_level_t audio_player_level;
static audio_stream_event_t s_events[16];
static _Atomic uint32_t s_event_count;

/* ---- what is heard ------------------------------------------------------------------------------
 */

int16_t audio_player_heard[2 * HEARD];
size_t audio_player_count;
uint64_t audio_player_total;
static atomic_bool s_anew; // what is heard next is the first

// Called with the loudspeaker's lock held: it must not be a scheduling point.
__attribute__((no_sanitize("thread"))) static void hear(const int16_t *samples, unsigned frames,
                                                        void *arg)
{
    (void)arg;
    if (atomic_exchange(&s_anew, false)) { // here, where nobody else counts
        audio_player_count = 0;
    }
    audio_player_total += frames;
    for (unsigned i = 0; i < frames && audio_player_count < HEARD; i++, audio_player_count++) {
        audio_player_heard[2 * audio_player_count] = samples[2 * i];
        audio_player_heard[2 * audio_player_count + 1] = samples[2 * i + 1];
    }
}

void audio_player_listen(uint32_t ms)
{
    atomic_store(&s_anew, true);
    vTaskDelay(pdMS_TO_TICKS(ms));
    if (atomic_exchange(&s_anew, false)) { // nothing was played
        audio_player_count = 0;
    }
}

double audio_player_tone(void)
{
    return audio_measure_tone(audio_player_heard, audio_player_count, 0, AUDIO_PLAYER_HZ,
                              AUDIO_PLAYER_RATE);
}

bool audio_player_sounds(void)
{
    audio_player_listen(200);
    return fabs(20 * log10(audio_player_tone() / AUDIO_PLAYER_AMPLITUDE)) < 0.5;
}

bool audio_player_silent(void)
{
    audio_player_listen(200);
    return audio_measure_rms(audio_player_heard, audio_player_count, 0) == 0;
}

/* ---- the app ------------------------------------------------------------------------------------
 */

static _Atomic(audio_player_work_t) s_work;
static _Atomic uint32_t s_done;
static esp_err_t s_result;
static atomic_bool s_playing;
audio_stream_t audio_player_stream;

static void write_some(app_context_t *ctx, double *phase)
{
    static int16_t samples[2 * 2048];
    audio_measure_sine(samples, 2048, AUDIO_PLAYER_AMPLITUDE, AUDIO_PLAYER_HZ, 48000, phase);
    const esp_err_t ret = audio_stream_write(
        ctx, &audio_player_stream, (const audio_frame_t *)(const void *)samples, 2048, 500, NULL);
    KTEST_CHECK(ret != ESP_ERR_INVALID_ARG);
}

static void player_main(app_context_t *ctx)
{
    double phase = 0;
    for (;;) {
        const audio_player_work_t what = atomic_exchange(&s_work, NULL);
        if (what != NULL) {
            s_result = what(ctx, &audio_player_stream);
            atomic_fetch_add(&s_done, 1);
        }
        if (atomic_load(&s_playing)) {
            write_some(ctx, &phase);
            if (ctx->should_stop(ctx)) {
                return;
            }
        } else if (!ctx->sleep_ms(ctx, 5)) {
            return;
        }
    }
}

static const service_quota_t s_quota = SYSTEM_UP_WIDE_QUOTA;
static const app_manifest_t s_player = {.name = "player",
                                        .entry_point = player_main,
                                        .stack_size = 8192,
                                        .priority = 5,
                                        .quota = &s_quota};

esp_err_t audio_player_do(audio_player_work_t what)
{
    const uint32_t before = atomic_load(&s_done);
    atomic_store(&s_work, what);
    KTEST_CHECK(system_up_wait(&s_done, before + 1, 10000));
    return s_result;
}

int audio_player_kink(void)
{
    return audio_measure_kink(audio_player_heard, audio_player_count, 0);
}

void audio_player_play(bool on)
{
    atomic_store(&s_playing, on);
}

esp_err_t audio_player_open(app_context_t *ctx, audio_stream_t *stream)
{
    return audio_stream_open(ctx, 48000, AUDIO_CATEGORY_MUSIC, stream);
}

/* ---- firmware -----------------------------------------------------------------------------------
 */

esp_err_t audio_player_ask(const char *what, const void *data, size_t size, void *answer,
                           size_t room)
{
    return system_request_sync(SYSTEM_SERVICE_ID_NONE, SYSTEM_SERVICE_ID_NONE, system_up_type(what),
                               data, size, SYSTEM_EVENT_PRIORITY_NORMAL, answer,
                               answer != NULL ? &room : NULL,
                               ktest_patience_ms(CONFIG_SYSTEM_REQUEST_TIMEOUT_MS));
}

audio_info_t audio_player_info(void)
{
    audio_info_t now = {0};
    for (int i = 0; audio_player_ask(AUDIO_GET_REQUEST, NULL, 0, &now, sizeof(now)) != ESP_OK;
         i++) {
        KTEST_CHECK(i < ktest_polls(1000)); // it may be down just now
        vTaskDelay(pdMS_TO_TICKS(10));
    }
    return now;
}

void audio_player_fault(audio_fault_t which)
{
    const audio_fault_request_t wish = {.header = HEADER(audio_fault_request_t),
                                        .fault = (uint8_t)which};
    KTEST_CHECK(audio_player_ask(AUDIO_FAULT_REQUEST, &wish, sizeof(wish), NULL, 0) == ESP_OK);
}

static void on_state(const system_event_t *event, void *user_data)
{
    (void)user_data;
    KTEST_CHECK(event->data_size == sizeof(audio_player_state));
    memcpy(&audio_player_state, event->data, sizeof(audio_player_state));
}

static void on_level(const system_event_t *event, void *user_data)
{
    (void)user_data;
    KTEST_CHECK(event->data_size == sizeof(audio_player_level));
    memcpy(&audio_player_level, event->data, sizeof(audio_player_level));
}

static void on_stream(const system_event_t *event, void *user_data)
{
    (void)user_data;
    KTEST_CHECK(event->data_size == sizeof(s_events[0]));
    memcpy(&s_events[atomic_load(&s_event_count) % 16], event->data, sizeof(s_events[0]));
    atomic_fetch_add(&s_event_count, 1);
}

bool audio_player_told(audio_stream_change_t change)
{
    for (uint32_t i = 0; i < atomic_load(&s_event_count) && i < 16; i++) {
        if (s_events[i].change == change && s_events[i].stream == audio_player_stream.handle) {
            return true;
        }
    }
    return false;
}

int audio_player_up(void **state)
{
    (void)state;
    s_key = system_up();
    KTEST_CHECK(system_service_register(audio_service.name, &audio_service,
                                        &audio_player_service) == ESP_OK);
    KTEST_CHECK(system_service_start(audio_player_service) == ESP_OK);
    s_observer = system_up_service("observer");
    KTEST_CHECK(system_event_subscribe(s_observer, system_up_type(AUDIO_STATE_EVENT), on_state,
                                       NULL) == ESP_OK);
    KTEST_CHECK(system_event_subscribe(s_observer, system_up_type(AUDIO_LEVEL_EVENT), on_level,
                                       NULL) == ESP_OK);
    KTEST_CHECK(system_event_subscribe(s_observer, system_up_type(AUDIO_STREAM_EVENT), on_stream,
                                       NULL) == ESP_OK);
    KTEST_CHECK(app_manager_register(&s_player) == ESP_OK);
    KTEST_CHECK(app_manager_start("player") == ESP_OK);
    host_audio_set_tap(hear, NULL);
    return 0;
}

int audio_player_down(void **state)
{
    (void)state;
    host_audio_set_tap(NULL, NULL);
    KTEST_CHECK(app_manager_stop("player") == ESP_OK);
    KTEST_CHECK(app_manager_unregister("player") == ESP_OK);
    system_down(s_key);
    return 0;
}
