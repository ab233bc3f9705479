// SPDX-License-Identifier: Apache-2.0
#include "services_at_work.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audio_service/audio_events.h"
#include "audio_service/audio_service.h"
#include "bluetooth_ad.h"
#include "bluetooth_service/bluetooth_events.h"
#include "bluetooth_service/bluetooth_service.h"
#include "display_service/display_events.h"
#include "display_service/display_service.h"
#include "esp_app_desc.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "host_audio.h"
#include "host_input.h"
#include "host_media.h"
#include "host_network.h"
#include "host_radio.h"
#include "input_service/input_control.h"
#include "input_service/input_events.h"
#include "input_service/input_service.h"
#include "ktest.h"
#include "music_app.h"
#include "network_service/network_events.h"
#include "network_service/network_service.h"
#include "nvs_flash.h"
#include "scenario.h"
#include "system_service/app_manager.h"
#include "system_service/request_response.h"
#include "system_service/service_supervisor.h"
#include "system_up.h"

#define POLL_MS   20
#define ANSWER_MS 200
#define SEEN_MS   500 /* an advertisement comes at least five times in it */
#define SECONDS   300u
#define RATE      8000u
#define LOUD      200 /* of 32767: a sample of music, not of a fading one */

static system_service_id_t s_hand;
static _Atomic uint32_t s_loud;  /* blocks with sound in them */
static _Atomic uint32_t s_keys;  /* presses that were told */
static _Atomic uint32_t s_plays; /* states of the app that plays */
static host_radio_t *s_phone;

static esp_err_t ask(const char *what, const void *data, size_t size, void *answer, size_t room)
{
    return system_request_sync(SYSTEM_SERVICE_ID_NONE, SYSTEM_SERVICE_ID_NONE, system_up_type(what),
                               data, size, SYSTEM_EVENT_PRIORITY_NORMAL, answer,
                               answer != NULL ? &room : NULL, ANSWER_MS);
}

/* ---- audio ---------------------------------------------------------------------------------- */

__attribute__((no_sanitize("thread"))) static void hear(const int16_t *samples, unsigned frames,
                                                        void *arg)
{
    (void)arg;
    for (unsigned i = 0; i < frames; i++) {
        if (abs(samples[2 * i]) > LOUD) {
            atomic_fetch_add(&s_loud, 1);
            return;
        }
    }
}

static bool audio_answers(void)
{
    audio_info_t info;
    return ask(AUDIO_GET_REQUEST, NULL, 0, &info, sizeof(info)) == ESP_OK;
}

static bool audio_works(void)
{
    const uint32_t before = atomic_load(&s_loud);
    vTaskDelay(pdMS_TO_TICKS(100));
    return atomic_load(&s_loud) > before && audio_answers();
}

static esp_err_t audio_fault(work_fault_t fault)
{
    const audio_fault_request_t wish = {
        .header = STATUS_HEADER(audio_fault_request_t, AUDIO_EVENTS_VERSION),
        .fault = (uint8_t)fault,
    };
    return ask(AUDIO_FAULT_REQUEST, &wish, sizeof(wish), NULL, 0);
}

/* ---- bluetooth ------------------------------------------------------------------------------ */

static void wake(void *arg)
{
    (void)arg; /* whoever listens looks every millisecond */
}

/** Does the phone hear the board now, by its name? */
static bool phone_hears(void)
{
    host_radio_event_t event;
    char name[BLUETOOTH_NAME] = "";
    bool kraken = false;
    while (host_radio_take(s_phone, &event)) { /* what it heard before */
    }
    host_radio_scan(s_phone, true);
    for (unsigned ms = 0; ms < SEEN_MS && !(kraken && name[0] != '\0'); ms++) {
        (void)host_radio_run(s_phone);
        while (host_radio_take(s_phone, &event)) {
            if (event.kind == HOST_RADIO_FOUND) {
                bluetooth_ad_read(event.data, event.size, &kraken, name);
            }
        }
        vTaskDelay(pdMS_TO_TICKS(1));
    }
    host_radio_scan(s_phone, false);
    return kraken && strcmp(name, CONFIG_BLUETOOTH_NAME) == 0;
}

static bool bluetooth_answers(void)
{
    bluetooth_info_t info;
    return ask(BLUETOOTH_GET_REQUEST, NULL, 0, &info, sizeof(info)) == ESP_OK;
}

static bool bluetooth_works(void)
{
    return bluetooth_answers() && phone_hears();
}

static esp_err_t bluetooth_fault(work_fault_t fault)
{
    const bluetooth_do_t wish = {
        .header = STATUS_HEADER(bluetooth_do_t, BLUETOOTH_EVENTS_VERSION),
        .what = BLUETOOTH_DO_FAULT,
        .value = (uint32_t)fault,
    };
    return ask(BLUETOOTH_DO_REQUEST, &wish, sizeof(wish), NULL, 0);
}

/* ---- display -------------------------------------------------------------------------------- */

static bool display_info(display_info_t *info)
{
    return ask(DISPLAY_GET_REQUEST, NULL, 0, info, sizeof(*info)) == ESP_OK;
}

static bool display_answers(void)
{
    display_info_t info;
    return display_info(&info);
}

/** A line over everything goes to the panel, at a brightness of its own. */
static bool display_works(void)
{
    static unsigned s_line;
    display_info_t before, after;
    display_toast_t toast = {.header = STATUS_HEADER(display_toast_t, DISPLAY_EVENTS_VERSION)};
    const display_set_t wish = {.header = STATUS_HEADER(display_set_t, DISPLAY_EVENTS_VERSION),
                                .what = DISPLAY_SET_BRIGHTNESS,
                                .brightness = (uint8_t)(50 + ++s_line % 40)};
    snprintf(toast.text, sizeof(toast.text), "Line %u", s_line);
    if (!display_info(&before) ||
        ask(DISPLAY_SET_REQUEST, &wish, sizeof(wish), NULL, 0) != ESP_OK ||
        system_event_post(s_hand, system_up_type(DISPLAY_TOAST_EVENT), &toast, sizeof(toast),
                          SYSTEM_EVENT_PRIORITY_NORMAL) != ESP_OK) {
        return false;
    }
    vTaskDelay(pdMS_TO_TICKS(100));
    return display_info(&after) && after.flushes != before.flushes &&
           after.state.brightness == wish.brightness && after.state.panel == DISPLAY_PANEL_WELL;
}

static esp_err_t display_fault(work_fault_t fault)
{
    const display_fault_request_t wish = {
        .header = STATUS_HEADER(display_fault_request_t, DISPLAY_EVENTS_VERSION),
        .fault = (uint8_t)fault,
    };
    return ask(DISPLAY_FAULT_REQUEST, &wish, sizeof(wish), NULL, 0);
}

/* ---- input ---------------------------------------------------------------------------------- */

static void on_press(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
    atomic_fetch_add(&s_keys, 1);
}

static bool input_answers(void)
{
    input_info_t info;
    return ask(INPUT_GET_REQUEST, NULL, 0, &info, sizeof(info)) == ESP_OK;
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
    return atomic_load(&s_keys) > before && input_answers();
}

static esp_err_t input_fault(work_fault_t fault)
{
    const input_fault_request_t wish = {
        .header = STATUS_HEADER(input_fault_request_t, INPUT_CONTROL_VERSION),
        .fault = (uint8_t)fault,
    };
    return ask(INPUT_FAULT_REQUEST, &wish, sizeof(wish), NULL, 0);
}

/* ---- network -------------------------------------------------------------------------------- */

static bool network_info(network_info_t *info)
{
    return ask(NETWORK_GET_REQUEST, NULL, 0, info, sizeof(*info)) == ESP_OK;
}

static bool network_answers(void)
{
    network_info_t info;
    return network_info(&info);
}

static bool network_works(void)
{
    network_info_t info;
    return network_info(&info) && info.state.state == STATUS_NETWORK_CONNECTED;
}

static esp_err_t network_fault(work_fault_t fault)
{
    const network_control_t wish = {
        .header = STATUS_HEADER(network_control_t, NETWORK_EVENTS_VERSION),
        .what = NETWORK_FAULT,
        .fault = (uint8_t)fault,
    };
    return ask(NETWORK_CONTROL_REQUEST, &wish, sizeof(wish), NULL, 0);
}

/* ---- all of them ---------------------------------------------------------------------------- */

static struct {
    const system_service_descriptor_t *service;
    bool (*works)(void);
    bool (*answers)(void);
    esp_err_t (*fault)(work_fault_t fault);
    system_service_id_t id;
} s_services[WORK_SERVICES] = {
    [WORK_AUDIO] = {&audio_service, audio_works, audio_answers, audio_fault, 0},
    [WORK_BLUETOOTH] = {&bluetooth_service, bluetooth_works, bluetooth_answers, bluetooth_fault, 0},
    [WORK_DISPLAY] = {&display_service, display_works, display_answers, display_fault, 0},
    [WORK_INPUT] = {&input_service, input_works, input_answers, input_fault, 0},
    [WORK_NETWORK] = {&network_service, network_works, network_answers, network_fault, 0},
};

/* One request for all services says what is to go wrong in the same order. */
_Static_assert((int)AUDIO_FAULT_WRONG == WORK_FAULT_WRONG &&
                   (int)BLUETOOTH_FAULT_WRONG == WORK_FAULT_WRONG &&
                   (int)DISPLAY_FAULT_WRONG == WORK_FAULT_WRONG &&
                   (int)INPUT_FAULT_WRONG == WORK_FAULT_WRONG &&
                   (int)NETWORK_FAULT_WRONG == WORK_FAULT_WRONG,
               "a service numbers its faults otherwise");

const char *work_name(work_service_t which)
{
    return s_services[which].service->name;
}

system_service_id_t work_id(work_service_t which)
{
    return s_services[which].id;
}

uint32_t work_restarts(work_service_t which)
{
    system_service_info_t info;
    SCENARIO_CHECK_INT(system_service_get_info(s_services[which].id, &info), ==, ESP_OK);
    return info.restart_count;
}

bool work_is_done(work_service_t which)
{
    return s_services[which].works();
}

bool work_soon(work_service_t which, uint32_t ms)
{
    const TickType_t start = xTaskGetTickCount();
    const TickType_t bound = pdMS_TO_TICKS(ktest_patience_ms(ms));
    while (!s_services[which].works()) {
        if (xTaskGetTickCount() - start > bound) {
            return false;
        }
        vTaskDelay(pdMS_TO_TICKS(POLL_MS));
    }
    return true;
}

bool work_answers(work_service_t which)
{
    return s_services[which].answers();
}

esp_err_t work_fault(work_service_t which, work_fault_t fault)
{
    return s_services[which].fault(fault);
}

/* ---- setting up ----------------------------------------------------------------------------- */

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

void work_again(void)
{
    const bluetooth_control_t play = {
        .header = STATUS_HEADER(bluetooth_control_t, BLUETOOTH_EVENTS_VERSION),
        .action = BLUETOOTH_CONTROL_PLAY};
    const uint32_t before = atomic_load(&s_plays);
    SCENARIO_CHECK_INT(app_manager_start("music"), ==, ESP_OK);
    for (int ms = 0; atomic_load(&s_plays) == before; ms += 200) {
        SCENARIO_CHECK(ms < ktest_polls(10000));
        (void)system_event_post(s_hand, system_up_type(BLUETOOTH_CONTROL_EVENT), &play,
                                sizeof(play), SYSTEM_EVENT_PRIORITY_HIGH);
        vTaskDelay(pdMS_TO_TICKS(200));
    }
    for (unsigned i = 0; i < WORK_SERVICES; i++) {
        SCENARIO_CHECK(work_soon((work_service_t)i, 3000));
    }
}

void work_end(void)
{
    SCENARIO_CHECK_INT(app_manager_stop("music"), ==, ESP_OK);
}

void work_begin(void)
{
    static const uint8_t s_phone_address[6] = {1, 2, 3, 4, 5, 0xc6};
    (void)esp_app_get_description(); /* once, and slow under a sanitizer */
    SCENARIO_CHECK_INT(nvs_flash_init(), ==, ESP_OK);
    host_network_script(true);
    fill_card();
    for (unsigned i = 0; i < WORK_SERVICES; i++) {
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
    s_phone = host_radio_open(s_phone_address, true, wake, NULL);
    SCENARIO_CHECK(s_phone != NULL);
    SCENARIO_CHECK_INT(app_manager_register(&music_app_manifest), ==, ESP_OK);
    work_again();
}
