// SPDX-License-Identifier: Apache-2.0
/*
 * All services of the hardware are up, music plays and is drawn, a hand presses keys. Then one of
 * them hangs or crashes, whichever the seed says, and another one, and so on. Each comes back by
 * itself, and all the while the others do their work: sound is heard, the screen changes, keys are
 * told, the network answers. None of them is restarted with it.
 */
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "audio_service/audio_events.h"
#include "audio_service/audio_service.h"
#include "bluetooth_service/bluetooth_events.h"
#include "display_service/display_events.h"
#include "display_service/display_service.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "host_audio.h"
#include "host_input.h"
#include "host_media.h"
#include "host_network.h"
#include "input_service/input_events.h"
#include "input_service/input_service.h"
#include "music_app.h"
#include "network_service/network_events.h"
#include "network_service/network_service.h"
#include "nvs_flash.h"
#include "scenario.h"
#include "system_service/app_manager.h"
#include "system_service/fault_injection.h"
#include "system_service/request_response.h"
#include "system_service/service_supervisor.h"
#include "system_up.h"

#define VICTIMS   3    /* one after the other */
#define PATIENCE  1000 /* ms for the others to show that they work */
#define RECOVERED 8000 /* ms: to notice, and five seconds to come back */
#define POLL      20
#define SECONDS   300u
#define RATE      8000u

static system_service_id_t s_hand;
static _Atomic uint32_t s_loud;  /* blocks with sound in them */
static _Atomic uint32_t s_keys;  /* presses that were told */
static _Atomic uint32_t s_plays; /* states of the app that plays */

static esp_err_t ask(const char *what, const void *data, size_t size, void *answer, size_t room)
{
    return system_request_sync(SYSTEM_SERVICE_ID_NONE, SYSTEM_SERVICE_ID_NONE, system_up_type(what),
                               data, size, SYSTEM_EVENT_PRIORITY_NORMAL, answer,
                               answer != NULL ? &room : NULL, 200);
}

// ---- proofs of work: each does something and sees what comes of it
// -------------------------------

__attribute__((no_sanitize("thread"))) static void hear(const int16_t *samples, unsigned frames,
                                                        void *arg)
{
    (void)arg;
    for (unsigned i = 0; i < frames; i++) {
        if (abs(samples[2 * i]) > 200) {
            atomic_fetch_add(&s_loud, 1);
            return;
        }
    }
}

static bool audio_works(void)
{
    const uint32_t before = atomic_load(&s_loud);
    vTaskDelay(pdMS_TO_TICKS(100));
    return atomic_load(&s_loud) > before;
}

static bool display_works(void)
{
    static uint8_t s_brightness = 50;
    display_info_t info;
    const display_set_t wish = {.header = STATUS_HEADER(display_set_t, DISPLAY_EVENTS_VERSION),
                                .what = DISPLAY_SET_BRIGHTNESS,
                                .brightness = (uint8_t)(50 + ++s_brightness % 40)};
    return ask(DISPLAY_SET_REQUEST, &wish, sizeof(wish), NULL, 0) == ESP_OK &&
           ask(DISPLAY_GET_REQUEST, NULL, 0, &info, sizeof(info)) == ESP_OK &&
           info.state.brightness == wish.brightness && info.state.panel == DISPLAY_PANEL_WELL;
}

static bool input_works(void)
{
    const uint32_t before = atomic_load(&s_keys);
    host_input_t change = {.kind = HOST_INPUT_KEY, .down = true, .key = "left"};
    host_input_put(&change);
    vTaskDelay(pdMS_TO_TICKS(60));
    change.down = false;
    host_input_put(&change);
    vTaskDelay(pdMS_TO_TICKS(60));
    return atomic_load(&s_keys) > before;
}

static bool network_works(void)
{
    network_info_t info;
    return ask(NETWORK_GET_REQUEST, NULL, 0, &info, sizeof(info)) == ESP_OK;
}

static struct {
    const system_service_descriptor_t *service;
    bool (*works)(void);
    system_service_id_t id;
} s_services[] = {
    {&audio_service, audio_works, 0},
    {&display_service, display_works, 0},
    {&input_service, input_works, 0},
    {&network_service, network_works, 0},
};

#define SERVICES (sizeof(s_services) / sizeof(s_services[0]))

static bool works_soon(unsigned which, uint32_t ms)
{
    const TickType_t start = xTaskGetTickCount();
    while (!s_services[which].works()) {
        if (xTaskGetTickCount() - start > pdMS_TO_TICKS(ms)) {
            return false;
        }
        vTaskDelay(pdMS_TO_TICKS(POLL));
    }
    return true;
}

static uint32_t restarts(unsigned which)
{
    system_service_info_t info;
    SCENARIO_CHECK_INT(system_service_get_info(s_services[which].id, &info), ==, ESP_OK);
    return info.restart_count;
}

// ---- the story
// -----------------------------------------------------------------------------------

static void on_press(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
    atomic_fetch_add(&s_keys, 1);
}

static void on_music(const system_event_t *event, void *user_data)
{
    (void)user_data;
    const music_state_t *state = event->data;
    atomic_fetch_add(&s_plays, state->mode == MUSIC_PLAYING);
}

/** A WAV file that is long enough. */
static void fill_card(void)
{
    static uint8_t *s_file;
    const uint32_t bytes = SECONDS * RATE;
    static const uint8_t head[44] = "RIFF\xff\xff\xff\x7fWAVEfmt \x10\0\0\0\1\0\1\0\x40\x1f\0\0"
                                    "\x40\x1f\0\0\1\0\x08\0data\xff\xff\xff\x7f";
    if (s_file == NULL) {
        s_file = malloc(sizeof(head) + bytes);
        SCENARIO_CHECK(s_file != NULL);
        memcpy(s_file, head, sizeof(head));
        for (uint32_t i = 0; i < bytes; i++) {
            s_file[sizeof(head) + i] = (uint8_t)(i / 10 % 2 != 0 ? 228 : 28);
        }
    }
    SCENARIO_CHECK(host_media_put("tune.wav", s_file, sizeof(head) + bytes));
}

static void bring_up(void)
{
    SCENARIO_CHECK_INT(nvs_flash_init(), ==, ESP_OK);
    host_network_script(true);
    fill_card();
    for (unsigned i = 0; i < SERVICES; i++) {
        SCENARIO_CHECK_INT(system_service_register(s_services[i].service->name,
                                                   s_services[i].service, &s_services[i].id),
                           ==, ESP_OK);
        SCENARIO_CHECK_INT(system_service_start(s_services[i].id), ==, ESP_OK);
    }
    s_hand = system_up_service("hand");
    SCENARIO_CHECK_INT(
        system_event_subscribe(s_hand, system_up_type(INPUT_PRESS_EVENT), on_press, NULL), ==,
        ESP_OK);
    SCENARIO_CHECK_INT(
        system_event_subscribe(s_hand, system_up_type(MUSIC_STATE_EVENT), on_music, NULL), ==,
        ESP_OK);
    host_audio_set_tap(hear, NULL);
    SCENARIO_CHECK_INT(app_manager_register(&music_app_manifest), ==, ESP_OK);
    SCENARIO_CHECK_INT(app_manager_start("music"), ==, ESP_OK);
    const bluetooth_control_t play = {
        .header = STATUS_HEADER(bluetooth_control_t, BLUETOOTH_EVENTS_VERSION),
        .action = BLUETOOTH_CONTROL_PLAY};
    for (int i = 0; atomic_load(&s_plays) == 0; i++) {
        SCENARIO_CHECK(i < 50);
        (void)system_event_post(s_hand, system_up_type(BLUETOOTH_CONTROL_EVENT), &play,
                                sizeof(play), SYSTEM_EVENT_PRIORITY_HIGH);
        vTaskDelay(pdMS_TO_TICKS(200));
    }
    for (unsigned i = 0; i < SERVICES; i++) {
        SCENARIO_CHECK(works_soon(i, 3000));
    }
}

static void let_fail(unsigned victim, system_fault_t how)
{
    uint32_t before[SERVICES];
    for (unsigned i = 0; i < SERVICES; i++) {
        before[i] = restarts(i);
    }
    SCENARIO_CHECK_INT(system_fault_inject(s_services[victim].id, how, 0), ==, ESP_OK);
    const TickType_t start = xTaskGetTickCount();
    do { // while it is down, and once more when it is back
        for (unsigned i = 0; i < SERVICES; i++) {
            SCENARIO_CHECK(i == victim || works_soon(i, PATIENCE));
        }
        SCENARIO_CHECK(xTaskGetTickCount() - start < pdMS_TO_TICKS(RECOVERED));
    } while (restarts(victim) == before[victim]);
    SCENARIO_CHECK(works_soon(victim, RECOVERED));
    for (unsigned i = 0; i < SERVICES; i++) {
        SCENARIO_CHECK_INT(restarts(i), ==, before[i] + (i == victim));
        SCENARIO_CHECK(works_soon(i, PATIENCE));
    }
}

static void run(void)
{
    const system_secure_key_t key = system_up();
    const uint64_t seed = scenario_seed();
    app_info_t info;
    bring_up();
    for (unsigned n = 0; n < VICTIMS; n++) {
        const unsigned victim = (unsigned)((seed + n) % SERVICES);
        let_fail(victim,
                 ((seed >> 1 ^ seed) + n) % 2 != 0 ? SYSTEM_FAULT_CRASH : SYSTEM_FAULT_HANG);
    }
    SCENARIO_CHECK_INT(app_manager_get_info("music", &info), ==, ESP_OK);
    SCENARIO_CHECK_INT(info.crashes, ==, 0);
    SCENARIO_CHECK_INT(info.state, ==, APP_STATE_RUNNING);
    SCENARIO_CHECK_INT(app_manager_stop("music"), ==, ESP_OK);
    host_audio_set_tap(NULL, NULL);
    system_down(key);
}

int main(int argc, char **argv)
{
    static const scenario_t scenario = {.name = "services_fail_alone", .run = run};
    return scenario_main(argc, argv, &scenario);
}
