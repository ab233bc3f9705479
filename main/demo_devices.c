/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The demonstration's chapter about what this firmware can be seen and heard by: services are asked
 * for something, and it is what they measured at their devices that is compared.
 */
#include "boot_tables.h"

#include <inttypes.h>
#include <stdatomic.h>

#include "sdkconfig.h"

#include "audio_service/audio_events.h"
#include "demo_service/demo_tell.h"
#include "display_service/display_events.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "system_service/event_bus.h"
#include "system_service/request_response.h"

#define TONE_HZ  1000
#define TONE_MS  400
#define VOLUME   70 /* percent */
#define FULL     32767
#define POLL_MS  20
#define PATIENCE 3000 /* ms; as a rule it takes a twentieth of that */

#if defined(CONFIG_AUDIO_SERVICE) || defined(CONFIG_DISPLAY_SERVICE)
static esp_err_t ask(const char *what, void *answer, size_t size)
{
    system_event_type_t type;
    const esp_err_t ret = system_event_register_type(what, &type);
    return ret == ESP_OK
               ? system_request_sync(SYSTEM_SERVICE_ID_NONE, SYSTEM_SERVICE_ID_NONE, type, NULL, 0,
                                     SYSTEM_EVENT_PRIORITY_NORMAL, answer, &size, 0)
               : ret;
}

static esp_err_t post(const char *what, const void *data, size_t size)
{
    system_event_type_t type;
    const esp_err_t ret = system_event_register_type(what, &type);
    return ret == ESP_OK ? system_event_post(demo_observer_id(), type, data, size,
                                             SYSTEM_EVENT_PRIORITY_NORMAL)
                         : ret;
}

#endif

#ifdef CONFIG_AUDIO_SERVICE
static _Atomic uint32_t s_loudest;

static void on_level(const system_event_t *event, void *user_data)
{
    (void)user_data;
    const audio_level_t *level = event->data;
    if (status_event_fits(level, event->data_size, AUDIO_EVENTS_VERSION, sizeof(*level)) &&
        level->peak_left > atomic_load(&s_loudest)) {
        atomic_store(&s_loudest, level->peak_left);
    }
}

static uint32_t cube(uint32_t full, uint32_t percent)
{
    return (uint32_t)((uint64_t)full * percent * percent * percent / 1000000);
}

static bool heard_enough(uint32_t before, uint32_t *blocks)
{
    audio_info_t now = {0};
    *blocks = 0;
    if (ask(AUDIO_GET_REQUEST, &now, sizeof(now)) == ESP_OK) {
        *blocks = (uint32_t)(now.frames / 240) + now.lost - before;
    }
    return *blocks >= TONE_MS / 5; /* a block is 5 ms at 48 kHz */
}

static void hear(void)
{
    const audio_tone_t tone = {
        .header = STATUS_HEADER(audio_tone_t, AUDIO_EVENTS_VERSION),
        .hz = TONE_HZ,
        .ms = TONE_MS,
        .volume = VOLUME,
    };
    audio_info_t before = {0};
    system_event_type_t level;
    esp_err_t ret = ask(AUDIO_GET_REQUEST, &before, sizeof(before));
    atomic_store(&s_loudest, 0);
    if (ret == ESP_OK) {
        ret = system_event_register_type(AUDIO_LEVEL_EVENT, &level);
    }
    if (ret == ESP_OK) {
        ret = system_event_subscribe(demo_observer_id(), level, on_level, NULL);
    }
    if (ret == ESP_OK) {
        ret = post(AUDIO_TONE_EVENT, &tone, sizeof(tone));
    }
    if (!demo_check(ret == ESP_OK, "audio: a tone of %d Hz was asked for (%s)", TONE_HZ,
                    system_error_to_string(ret))) {
        return;
    }
    const uint32_t played = (uint32_t)(before.frames / 240) + before.lost;
    uint32_t blocks = 0;
    for (int waited = 0; waited < PATIENCE && !heard_enough(played, &blocks); waited += POLL_MS) {
        vTaskDelay(pdMS_TO_TICKS(POLL_MS));
    }
    vTaskDelay(pdMS_TO_TICKS(2 * CONFIG_AUDIO_LEVEL_MS)); /* for what is told of it */
    const uint32_t expected =
        before.state.muted ? 0 : cube(cube(FULL, VOLUME), before.state.volume);
    const uint32_t loudest = atomic_load(&s_loudest);
    demo_check(blocks >= TONE_MS / 5 && loudest + expected / 20 >= expected &&
                   loudest <= expected + expected / 20,
               "it was played: %" PRIu32 " ms, as loud as %" PRIu32 "; %" PRIu32
               " is right at volume %u",
               blocks * 5, loudest, expected, before.state.volume);
}
#endif

#ifdef CONFIG_DISPLAY_SERVICE
static void see(void)
{
    const display_toast_t toast = {
        .header = STATUS_HEADER(display_toast_t, DISPLAY_EVENTS_VERSION),
        .duration_ms = 10000,
        .text = "This is a demonstration",
    };
    display_info_t before = {0};
    display_info_t now = {0};
    esp_err_t ret = ask(DISPLAY_GET_REQUEST, &before, sizeof(before));
    if (ret == ESP_OK) {
        ret = post(DISPLAY_TOAST_EVENT, &toast, sizeof(toast));
    }
    if (!demo_check(ret == ESP_OK, "display: a line over everything was asked for (%s)",
                    system_error_to_string(ret))) {
        return;
    }
    if (before.state.panel == DISPLAY_PANEL_ABSENT) {
        demo_say("no panel answers: there is nothing to see");
        return;
    }
    for (int waited = 0; waited < PATIENCE && now.pixels <= before.pixels; waited += POLL_MS) {
        vTaskDelay(pdMS_TO_TICKS(POLL_MS));
        (void)ask(DISPLAY_GET_REQUEST, &now, sizeof(now));
    }
    demo_check(now.pixels > before.pixels && now.failures == before.failures,
               "it was shown: %" PRIu64 " pixels went to the panel, %" PRIu32 " transfers failed",
               now.pixels - before.pixels, now.failures - before.failures);
}
#endif

void demo_devices(void)
{
    demo_step("Devices: what is seen and heard is what was asked for");
#ifdef CONFIG_AUDIO_SERVICE
    hear();
#endif
#ifdef CONFIG_DISPLAY_SERVICE
    see();
#endif
}
