/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The service: takes what the hardware tells, has it understood, and sleeps until something is due.
 * Everything below runs in its mailbox, but for changed(), which interrupts call.
 */
#include "input_service/input_service.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <string.h>

#include "esp_attr.h"
#include "esp_check.h"
#include "esp_timer.h"
#include "input_internal.h"
#include "system_service/event_bus.h"
#include "system_service/event_timer.h"
#include "system_service/request_response.h"

static const char *TAG = "input";

#define TAKE_AT_ONCE 64 /* then others have their turn */
#define LOOK         0  /* number of the periodic timer */
#define HEADER(type) STATUS_HEADER(type, INPUT_CONTROL_VERSION)

static system_service_id_t s_id;
static system_event_type_t s_work; /* empty: there is something to take; or a number */
static system_event_type_t s_state;
static _Atomic bool s_woken; /* a wake event is under way */

static EXT_RAM_BSS_ATTR input_key_t s_keys[INPUT_TOUCH];
static input_touch_t s_touch;
static input_knob_t s_knob;
static uint16_t s_turned; /* count of the knob, as the hardware told it last */
static uint16_t s_fed;    /* and what was fed besides */
static uint8_t s_has;
static input_state_t s_told;
static system_event_timer_t s_timer;
static int64_t s_timer_us = INPUT_NEVER;
static uint32_t s_timer_number = LOOK + 1; /* of the timer; its event brings it */
static uint32_t s_edges;
static uint32_t s_taken[INPUT_LATENCY_BUCKETS];
static uint32_t s_taken_worst_us;

/* ---- what the hardware tells --------------------------------------------------------------------
 */

/** An interrupt: however many edges there are, one event waits. */
static void changed(void)
{
    BaseType_t woken = pdFALSE;
    if (atomic_exchange(&s_woken, true)) {
        return;
    }
    if (system_event_post_from_isr(s_id, s_work, NULL, 0, SYSTEM_EVENT_PRIORITY_HIGH, &woken) !=
        ESP_OK) {
        atomic_store(&s_woken, false); /* the next edge tries again, at last the next look */
    }
    portYIELD_FROM_ISR(woken);
}

/** The same from a task. */
static void go_on(void)
{
    if (!atomic_exchange(&s_woken, true) &&
        system_event_post(s_id, s_work, NULL, 0, SYSTEM_EVENT_PRIORITY_HIGH) != ESP_OK) {
        atomic_store(&s_woken, false);
    }
}

static void take_key(const input_raw_t *raw)
{
    if (raw->key >= INPUT_TOUCH) {
        return;
    }
    input_key_t *key = &s_keys[raw->key];
    if (raw->held) {
        input_key_hold(key);
        return;
    }
    if (!key->down && !key->level) {
        key->button = input_map_of(raw->key);
    }
    if (key->button != INPUT_BUTTON_NONE) {
        input_key_edge(key, raw->down, raw->at_us);
    }
}

static int16_t within(int32_t value, uint16_t size)
{
    return (int16_t)(value < 0 ? 0 : value >= size ? size - 1 : value);
}

static void take_touch(const input_raw_t *raw)
{
    const status_focus_t *screen = input_post_get_focus();
    const bool across = screen->degrees == 90 || screen->degrees == 270;
    const int32_t w = across ? screen->height : screen->width; /* of the panel, upright */
    const int32_t h = across ? screen->width : screen->height;
    int32_t x = raw->x;
    int32_t y = raw->y;
    if (raw->upright && w != 0) {
        switch (screen->degrees) {
        case 90:
            x = raw->y;
            y = w - 1 - raw->x;
            break;
        case 180:
            x = w - 1 - raw->x;
            y = h - 1 - raw->y;
            break;
        case 270:
            x = h - 1 - raw->y;
            y = raw->x;
            break;
        default:
            break;
        }
    }
    if (raw->down && w != 0) {
        const bool outside = x < 0 || y < 0 || x >= screen->width || y >= screen->height;
        if (outside && !s_touch.down) {
            return; /* nobody can put a finger there */
        }
        x = within(x, screen->width);
        y = within(y, screen->height);
    }
    input_touch_at(&s_touch, raw->down, (int16_t)x, (int16_t)y, raw->at_us, input_post);
}

static void advance(int64_t now_us)
{
    for (size_t i = 0; i < INPUT_TOUCH; i++) {
        input_key_advance(&s_keys[i], now_us, input_post);
    }
    input_touch_advance(&s_touch, now_us, input_post);
}

static void take(const input_raw_t *raw)
{
    s_edges++;
    input_latency_add(s_taken, &s_taken_worst_us, raw->at_us);
    advance(raw->at_us);
    switch (raw->kind) {
    case INPUT_RAW_KEY:
        take_key(raw);
        break;
    case INPUT_RAW_TOUCH:
        take_touch(raw);
        break;
    case INPUT_RAW_KNOB:
        s_turned = raw->count;
        input_knob_at(&s_knob, (uint16_t)(s_turned + s_fed), raw->at_us, input_post);
        break;
    }
}

/* ---- what is told about it ----------------------------------------------------------------------
 */

static void describe(input_state_t *state)
{
    memset(state, 0, sizeof(*state)); /* it is compared, its holes too */
    state->header = (status_header_t)HEADER(input_state_t);
    state->keys = (s_has & INPUT_HAS_KEYS) != 0;
    state->touch = (s_has & INPUT_HAS_TOUCH) != 0;
    state->knob = (s_has & INPUT_HAS_KNOB) != 0;
    for (size_t i = 0; i < INPUT_TOUCH; i++) {
        if (s_keys[i].down) {
            *(s_keys[i].dead ? &state->stuck : &state->down) |= UINT32_C(1) << s_keys[i].button;
        }
    }
    if (s_touch.down) {
        *(s_touch.dead ? &state->stuck : &state->down) |= UINT32_C(1) << INPUT_TOUCH;
    }
}

static void warn(uint32_t newly_stuck)
{
    for (unsigned button = 0; button < INPUT_BUTTONS; button++) {
        if ((newly_stuck & UINT32_C(1) << button) != 0) {
            ESP_LOGW(TAG, "%s is stuck: it counts as released until it comes up",
                     input_button_name(button));
        }
    }
}

static void announce(void)
{
    input_state_t state;
    describe(&state);
    if (memcmp(&state, &s_told, sizeof(state)) == 0) {
        return;
    }
    warn(state.stuck & ~s_told.stuck);
    const esp_err_t ret =
        system_event_post(s_id, s_state, &state, sizeof(state), SYSTEM_EVENT_PRIORITY_NORMAL);
    if (ret == ESP_OK || ret == ESP_ERR_EVENT_QUEUE_FULL) {
        s_told = state; /* otherwise the next look tells it */
    }
}

/* ---- what wakes it ------------------------------------------------------------------------------
 */

static int64_t next_due(int64_t now_us)
{
    int64_t due_us = input_touch_due(&s_touch);
    for (size_t i = 0; i < INPUT_TOUCH; i++) {
        const int64_t key_us = input_key_due(&s_keys[i]);
        due_us = key_us < due_us ? key_us : due_us;
    }
    const uint32_t poll_ms = input_backend_poll_ms();
    if (poll_ms != 0 && now_us + INPUT_MS(poll_ms) < due_us) {
        due_us = now_us + INPUT_MS(poll_ms);
    }
    return due_us;
}

static void sleep_until(int64_t due_us, int64_t now_us)
{
    if (due_us == s_timer_us) {
        return;
    }
    if (s_timer_us != INPUT_NEVER) {
        (void)system_event_timer_cancel(s_id, s_timer); /* one that has fired wakes us in vain */
    }
    s_timer_us = INPUT_NEVER;
    if (due_us == INPUT_NEVER) {
        return;
    }
    const int64_t ms = due_us > now_us ? (due_us - now_us + 999) / 1000 : 1;
    s_timer_number = s_timer_number + 1 != LOOK ? s_timer_number + 1 : LOOK + 1;
    const esp_err_t ret =
        system_event_post_after(s_id, s_work, &s_timer_number, sizeof(s_timer_number),
                                SYSTEM_EVENT_PRIORITY_HIGH, (uint32_t)ms, &s_timer);
    if (ret == ESP_OK) {
        s_timer_us = due_us;
    } else { /* the next look makes up for it */
        ESP_LOGW(TAG, "input is late: %s", system_error_to_string(ret));
    }
}

static void work(void)
{
    input_raw_t raw;
    unsigned taken = 0;

    atomic_store(&s_woken, false); /* first: whatever comes from here on wakes us again */
    while (taken < TAKE_AT_ONCE && input_link_take(&raw)) {
        take(&raw);
        taken++;
    }
    const int64_t now_us = esp_timer_get_time();
    if (taken < TAKE_AT_ONCE) {
        advance(now_us);
    } else {
        go_on(); /* what waits is older than now: first that */
    }
    announce();
    sleep_until(next_due(now_us), now_us);
}

static void on_work(const system_event_t *event, void *user_data)
{
    (void)user_data;
    uint32_t number;
    if (event->data_size == sizeof(number)) {
        memcpy(&number, event->data, sizeof(number));
        if (number == s_timer_number) {
            s_timer_us = INPUT_NEVER; /* also when it came a tick early: it is set again */
        } else if (number == LOOK) {
            input_link_probe(&s_has);
            if (s_timer_us <= esp_timer_get_time()) {
                s_timer_us = INPUT_NEVER; /* its event is lost, or comes */
            }
        }
    }
    work();
}

static void on_focus(const system_event_t *event, void *user_data)
{
    (void)user_data;
    const status_focus_t *focus = event->data;
    if (status_event_fits(focus, event->data_size, STATUS_FOCUS_VERSION, sizeof(*focus))) {
        input_post_focus(focus);
    }
}

/* ---- what it is asked ---------------------------------------------------------------------------
 */

static void answer(const system_request_t *request, esp_err_t status, const void *data, size_t size)
{
    const esp_err_t ret = system_request_respond(request->id, status, data, size);
    if (ret != ESP_OK && ret != ESP_ERR_REQUEST_NOT_FOUND) {
        ESP_LOGW(TAG, "an answer is lost: %s", system_error_to_string(ret));
    }
}

static void on_get(const system_request_t *request, void *user_data)
{
    (void)user_data;
    input_info_t info = {.header = HEADER(input_info_t)};
    describe(&info.state);
    for (unsigned key = 0; key < INPUT_BUTTONS; key++) {
        info.map[key] = input_map_of(key);
    }
    info.edges = s_edges;
    info.lost = input_backend_lost();
    info.taken_worst_us = s_taken_worst_us;
    memcpy(info.taken, s_taken, sizeof(info.taken));
    input_post_count(&info);
    answer(request, ESP_OK, &info, sizeof(info));
}

static void on_map(const system_request_t *request, void *user_data)
{
    (void)user_data;
    const input_map_request_t *wish = request->data;
    esp_err_t ret = ESP_ERR_INVALID_ARG;
    if (request->from != SYSTEM_SERVICE_ID_NONE) {
        ret = ESP_ERR_NOT_OWNER;
    } else if (status_event_fits(wish, request->data_size, INPUT_CONTROL_VERSION, sizeof(*wish))) {
        ret = input_map_set(wish->key, wish->button);
    }
    answer(request, ret, NULL, 0);
}

static void on_fault(const system_request_t *request, void *user_data)
{
    (void)user_data;
    const input_fault_request_t *wish = request->data;
    esp_err_t ret = ESP_ERR_INVALID_ARG;
    if (request->from != SYSTEM_SERVICE_ID_NONE) {
        ret = ESP_ERR_NOT_OWNER;
    } else if (status_event_fits(wish, request->data_size, INPUT_CONTROL_VERSION, sizeof(*wish))) {
        ret = input_link_inject((input_fault_t)wish->fault);
    }
    answer(request, ret, NULL, 0);
}

static void turn(int16_t counts, int64_t now_us)
{
    if (!s_knob.known) {
        input_knob_at(&s_knob, (uint16_t)(s_turned + s_fed), now_us, input_post);
    }
    s_fed = (uint16_t)(s_fed + (uint16_t)counts);
    input_knob_at(&s_knob, (uint16_t)(s_turned + s_fed), now_us, input_post);
}

static esp_err_t feed(const input_feed_request_t *wish)
{
    input_raw_t raw = {
        .kind = INPUT_RAW_KEY,
        .key = wish->key,
        .down = wish->down,
        .x = wish->x,
        .y = wish->y,
        .at_us = esp_timer_get_time(),
    };
    if (wish->what >= INPUT_FEEDS || (wish->what == INPUT_FEED_KEY && wish->key >= INPUT_TOUCH)) {
        return ESP_ERR_INVALID_ARG;
    }
    work(); /* first what came before */
    if (wish->what == INPUT_FEED_TURN) {
        turn(wish->x, raw.at_us);
    } else {
        if (wish->what == INPUT_FEED_TOUCH) {
            raw.kind = INPUT_RAW_TOUCH;
            raw.upright = true;
        }
        take(&raw);
    }
    work(); /* and when to look again */
    return ESP_OK;
}

static void on_feed(const system_request_t *request, void *user_data)
{
    (void)user_data;
    const input_feed_request_t *wish = request->data;
    esp_err_t ret = ESP_ERR_INVALID_ARG;
    if (request->from != SYSTEM_SERVICE_ID_NONE) {
        ret = ESP_ERR_NOT_OWNER;
    } else if (status_event_fits(wish, request->data_size, INPUT_CONTROL_VERSION, sizeof(*wish))) {
        ret = feed(wish);
    }
    answer(request, ret, NULL, 0);
}

/* ---- lifecycle ----------------------------------------------------------------------------------
 */

static esp_err_t subscribe_all(system_service_id_t id)
{
    static const struct {
        const char *name;
        system_event_handler_t handler;
    } wanted[] = {
        {"input.work", on_work},
        {STATUS_FOCUS_EVENT, on_focus},
    };
    static const struct {
        const char *name;
        system_request_handler_t handler;
    } served[] = {
        {INPUT_GET_REQUEST, on_get},
        {INPUT_MAP_REQUEST, on_map},
        {INPUT_FAULT_REQUEST, on_fault},
        {INPUT_FEED_REQUEST, on_feed},
    };
    system_event_type_t type;
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        ESP_RETURN_ON_ERROR(system_event_register_type(wanted[i].name, &type), TAG, "type");
        ESP_RETURN_ON_ERROR(system_event_subscribe(id, type, wanted[i].handler, NULL), TAG,
                            "subscribe");
    }
    for (size_t i = 0; i < sizeof(served) / sizeof(served[0]); i++) {
        ESP_RETURN_ON_ERROR(system_event_register_type(served[i].name, &type), TAG, "type");
        ESP_RETURN_ON_ERROR(system_request_serve(id, type, served[i].handler, NULL), TAG, "serve");
    }
    static const uint32_t look = LOOK;
    ESP_RETURN_ON_ERROR(system_event_register_type("input.work", &s_work), TAG, "type");
    return system_event_post_every(id, s_work, &look, sizeof(look), SYSTEM_EVENT_PRIORITY_NORMAL,
                                   CONFIG_INPUT_LOOK_MS, NULL);
}

static esp_err_t input_start(system_service_id_t id, void *arg)
{
    (void)arg;
    s_id = id;
    s_timer_us = INPUT_NEVER; /* an earlier life's timer went with it */
    memset(&s_told, 0, sizeof(s_told));
    for (unsigned i = 0; i < INPUT_TOUCH; i++) {
        input_key_reset(&s_keys[i], i);
    }
    input_touch_reset(&s_touch);
    input_knob_reset(&s_knob);
    input_map_begin();
    ESP_RETURN_ON_ERROR(system_event_register_type(INPUT_STATE_EVENT, &s_state), TAG, "type");
    ESP_RETURN_ON_ERROR(system_event_set_retained(s_state, true), TAG, "retained");
    ESP_RETURN_ON_ERROR(input_post_begin(id), TAG, "events");
    ESP_RETURN_ON_ERROR(subscribe_all(id), TAG, "events");
    atomic_store(&s_woken, false);
    ESP_RETURN_ON_ERROR(input_backend_open(changed, &s_has), TAG, "hardware");
    go_on(); /* for what waits already */
    return ESP_OK;
}

static esp_err_t input_stop(system_service_id_t id, void *arg)
{
    (void)id;
    (void)arg;
    input_backend_close();
    return ESP_OK;
}

static const service_watchdog_config_t s_watchdog = {.timeout_ms = 3000, .auto_restart = true};

static const service_quota_t s_quota = {
    .max_events_per_sec = CONFIG_INPUT_EVENTS_PER_SECOND,
    .max_subscriptions = 16,
    .max_event_data_size = 256,
    .max_cpu_percent = 50,
};

const system_service_descriptor_t input_service = {
    .name = INPUT_SERVICE_NAME,
    .lifecycle = {.start = input_start, .stop = input_stop},
    .watchdog = &s_watchdog,
    .quota = &s_quota,
};
