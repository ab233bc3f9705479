/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events, and whom they are for: whoever was in front when the hand went down gets all that follows
 * from it, also when another app comes to the front meanwhile.
 */
#include "input_internal.h"

#include <string.h>

#include "esp_check.h"
#include "esp_timer.h"
#include "system_service/event_bus.h"

static const char *TAG = "input";

static const char *const s_names[INPUT_OUTS] = {
    [INPUT_OUT_PRESS] = INPUT_PRESS_EVENT,     [INPUT_OUT_RELEASE] = INPUT_RELEASE_EVENT,
    [INPUT_OUT_CLICK] = INPUT_CLICK_EVENT,     [INPUT_OUT_DOUBLE] = INPUT_DOUBLE_EVENT,
    [INPUT_OUT_LONG] = INPUT_LONG_EVENT,       [INPUT_OUT_REPEAT] = INPUT_REPEAT_EVENT,
    [INPUT_OUT_GESTURE] = INPUT_GESTURE_EVENT,
};

typedef struct {
    system_service_id_t app;
    uint16_t top;
} owner_t;

/* Outlive the service: a press that was told is released, whatever happens in between. */
static uint32_t s_told_down;
static owner_t s_owners[INPUT_BUTTONS];

static system_service_id_t s_id;
static system_event_type_t s_types[INPUT_OUTS];
static status_focus_t s_focus;
static uint32_t s_events;
static uint32_t s_refused;
static uint32_t s_handled[INPUT_LATENCY_BUCKETS];
static uint32_t s_handled_worst_us;

/** One handler like any other one's, to know how long an event takes. */
static void on_own(const system_event_t *event, void *user_data)
{
    (void)user_data;
    const input_event_t *input = event->data;
    if (event->source == s_id &&
        status_event_fits(input, event->data_size, INPUT_EVENT_VERSION, sizeof(*input))) {
        input_latency_add(s_handled, &s_handled_worst_us, input->edge_us);
    }
}

void input_post_focus(const status_focus_t *focus)
{
    s_focus = *focus;
}

const status_focus_t *input_post_get_focus(void)
{
    return &s_focus;
}

void input_post(input_out_t what, const input_event_t *found)
{
    input_event_t event = *found;
    owner_t *owner = &s_owners[event.button];
    const uint32_t bit = UINT32_C(1) << event.button;

    if (what == INPUT_OUT_PRESS || event.gesture == INPUT_GESTURE_TURN) {
        *owner = (owner_t){.app = s_focus.app, .top = s_focus.top};
    }
    event.header = (status_header_t)STATUS_HEADER(input_event_t, INPUT_EVENT_VERSION);
    event.focus = owner->app;
    if (event.button == INPUT_TOUCH) {
        event.y = (int16_t)(event.y - owner->top);
    }
    if (what == INPUT_OUT_PRESS) {
        s_told_down |= bit;
    } else if (what == INPUT_OUT_RELEASE) {
        s_told_down &= ~bit;
    }
    const esp_err_t ret =
        system_event_post(s_id, s_types[what], &event, sizeof(event), SYSTEM_EVENT_PRIORITY_HIGH);
    s_events++;
    if (ret != ESP_OK) {
        s_refused++;
        ESP_LOGD(TAG, "%s %s: %s", s_names[what], input_button_name(event.button),
                 system_error_to_string(ret));
    }
}

void input_post_count(input_info_t *info)
{
    info->events = s_events;
    info->refused = s_refused;
    info->handled_worst_us = s_handled_worst_us;
    memcpy(info->handled, s_handled, sizeof(info->handled));
}

/** What an earlier life had pressed: nobody else would ever release it. */
static void release_all(void)
{
    for (unsigned button = 0; button < INPUT_BUTTONS; button++) {
        if ((s_told_down & UINT32_C(1) << button) != 0) {
            const input_event_t event = {.button = (uint8_t)button,
                                         .edge_us = esp_timer_get_time()};
            input_post(INPUT_OUT_RELEASE, &event);
        }
    }
}

esp_err_t input_post_begin(system_service_id_t id)
{
    static const input_out_t watched[] = {INPUT_OUT_PRESS, INPUT_OUT_RELEASE, INPUT_OUT_GESTURE};
    s_id = id;
    memset(&s_focus, 0, sizeof(s_focus));
    for (size_t i = 0; i < INPUT_OUTS; i++) {
        ESP_RETURN_ON_ERROR(system_event_register_type(s_names[i], &s_types[i]), TAG, "type");
    }
    for (size_t i = 0; i < sizeof(watched) / sizeof(watched[0]); i++) {
        ESP_RETURN_ON_ERROR(system_event_subscribe(id, s_types[watched[i]], on_own, NULL), TAG,
                            "subscribe");
    }
    release_all();
    return ESP_OK;
}
