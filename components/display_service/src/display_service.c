/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The service: what wakes it, and what it tells. It has a worker of its own, since drawing and
 * transferring a frame takes milliseconds. Everything below runs in that worker; the lifecycle
 * functions run when it does not.
 */
#include "display_service/display_service.h"

#include <string.h>

#include "sdkconfig.h"

#include "display_internal.h"
#include "esp_check.h"
#include "esp_timer.h"
#include "system_service/common_events.h"
#include "system_service/event_bus.h"
#include "system_service/event_timer.h"

static const char *TAG = "display";

#define TICK_MS      1000 /* clock and memory */
#define RETRY_MS     500  /* after a transfer that failed */
#define LOST_MS      500  /* a frame so late was refused on its way, and does not come */
#define HEADER(type) STATUS_HEADER(type, DISPLAY_EVENTS_VERSION)

static system_service_id_t s_id;
static system_event_type_t s_frame;
static system_event_type_t s_state;
static system_event_type_t s_focus;
static int64_t s_frame_due_us;           /* 0 = none is on its way */
static system_event_timer_t s_toast_end; /* 0 = none; or one that has fired */
static bool s_state_stale;
static int64_t s_last_frame_us;
static display_state_t s_told_state;
static status_focus_t s_told_focus;

/* ---- frames ------------------------------------------------------------------------------------
 */

static bool frame_is_coming(void)
{
    return s_frame_due_us != 0 && esp_timer_get_time() < s_frame_due_us + LOST_MS * 1000;
}

static void frame_in(uint32_t ms)
{
    const esp_err_t ret =
        system_event_post_after(s_id, s_frame, NULL, 0, SYSTEM_EVENT_PRIORITY_NORMAL, ms, NULL);
    if (ret == ESP_OK) {
        s_frame_due_us = esp_timer_get_time() + (int64_t)ms * 1000;
    } else { /* the next tick tries again */
        ESP_LOGW(TAG, "a frame is late: %s", system_error_to_string(ret));
    }
}

void display_service_wake(void)
{
    if (s_frame == SYSTEM_EVENT_TYPE_NONE || frame_is_coming()) {
        return;
    }
    const int64_t since_ms = (esp_timer_get_time() - s_last_frame_us) / 1000;
    const bool soon = since_ms >= 0 && since_ms < CONFIG_DISPLAY_FRAME_MS;
    frame_in(soon ? (uint32_t)(CONFIG_DISPLAY_FRAME_MS - since_ms) : 0);
}

void display_service_announce(void)
{
    s_state_stale = true;
    display_service_wake();
}

/** @return false: again with the next frame */
static bool tell(system_event_type_t type, const void *data, size_t size)
{
    const esp_err_t ret = system_event_post(s_id, type, data, size, SYSTEM_EVENT_PRIORITY_NORMAL);
    if (ret != ESP_OK && ret != ESP_ERR_EVENT_QUEUE_FULL) {
        ESP_LOGW(TAG, "state not told: %s", system_error_to_string(ret));
        s_state_stale = true;
        return false;
    }
    return true;
}

static void describe(display_state_t *state)
{
    const display_rect_t area = display_screen_area();
    memset(state, 0, sizeof(*state)); /* it is compared, its holes too */
    state->header = (status_header_t)HEADER(display_state_t);
    state->width = (uint16_t)area.w;
    state->height = (uint16_t)area.h;
    state->top = DISPLAY_TOP;
    state->surfaces = (uint8_t)display_surfaces_count();
    display_panel_describe(state);
}

/** Post what changed. */
static void announce(void)
{
    const display_front_t front = display_surfaces_front();
    display_state_t state;
    status_focus_t focus;

    s_state_stale = false;
    describe(&state);
    if (memcmp(&state, &s_told_state, sizeof(state)) != 0 && tell(s_state, &state, sizeof(state))) {
        s_told_state = state;
    }
    memset(&focus, 0, sizeof(focus));
    focus.header.version = STATUS_FOCUS_VERSION;
    focus.header.size = sizeof(focus);
    focus.app = front.app;
    memcpy(focus.name, front.name, strnlen(front.name, sizeof(focus.name) - 1));
    focus.width = state.width;
    focus.height = state.height;
    focus.top = state.top;
    focus.degrees = state.degrees;
    if (memcmp(&focus, &s_told_focus, sizeof(focus)) != 0 && tell(s_focus, &focus, sizeof(focus))) {
        s_told_focus = focus;
    }
}

static void on_frame(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
    s_frame_due_us = 0;
    s_last_frame_us = esp_timer_get_time();
    display_overlay_update();
    display_status_update();
    bool complete = true;
    if (display_panel_ready() && display_screen_is_damaged()) {
        complete = display_screen_present();
    }
    if (s_state_stale) {
        announce();
    }
    if (!complete && display_panel_ready() && !frame_is_coming()) {
        frame_in(RETRY_MS);
    }
}

/* ---- what wakes it -----------------------------------------------------------------------------
 */

static void on_tick(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
    display_surfaces_forget_the_dead(); /* the event of an end may be lost */
    display_overlay_update();
    display_status_update();
    if (s_state_stale || (display_panel_ready() && display_screen_is_damaged())) {
        display_service_wake();
    }
}

static void on_look(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
    display_panel_look();
}

static void on_toast(const system_event_t *event, void *user_data)
{
    (void)user_data;
    const display_toast_t *toast = event->data;
    if (status_event_fits(toast, event->data_size, DISPLAY_EVENTS_VERSION, sizeof(*toast))) {
        const uint32_t ms = display_overlay_show(toast);
        /* Beside the frame that shows it: the one that takes it away, or else the next tick. One
         * timer, however many toasts there are: frames need the others. */
        if (s_toast_end != 0) {
            (void)system_event_timer_cancel(s_id, s_toast_end);
            s_toast_end = 0;
        }
        (void)system_event_post_after(s_id, s_frame, NULL, 0, SYSTEM_EVENT_PRIORITY_NORMAL, ms + 1,
                                      &s_toast_end);
    }
}

static void on_app_ended(const system_event_t *event, void *user_data)
{
    (void)user_data;
    const service_event_t *app = event->data;
    if (event->data_size >= sizeof(*app)) {
        display_surfaces_app_ended(app->id);
    }
}

/* ---- what it is asked --------------------------------------------------------------------------
 */

void display_service_answer(const system_request_t *request, esp_err_t status, const void *data,
                            size_t size)
{
    const esp_err_t ret = system_request_respond(request->id, status, data, size);
    if (ret != ESP_OK && ret != ESP_ERR_REQUEST_NOT_FOUND) { /* the asker's timeout tells it */
        ESP_LOGW(TAG, "an answer is lost: %s", system_error_to_string(ret));
    }
}

static void on_set(const system_request_t *request, void *user_data)
{
    (void)user_data;
    esp_err_t ret = ESP_ERR_INVALID_ARG;
    if (status_event_fits(request->data, request->data_size, DISPLAY_EVENTS_VERSION,
                          sizeof(display_set_t))) {
        ret = display_panel_set(request->data);
    }
    display_service_answer(request, ret, NULL, 0);
}

static void on_get(const system_request_t *request, void *user_data)
{
    (void)user_data;
    display_info_t info = {.header = HEADER(display_info_t)};
    describe(&info.state);
    info.due = frame_is_coming();
    display_screen_count(&info);
    display_panel_count(&info);
    display_service_answer(request, ESP_OK, &info, sizeof(info));
}

static void on_fault(const system_request_t *request, void *user_data)
{
    (void)user_data;
    const display_fault_request_t *wish = request->data;
    esp_err_t ret = ESP_ERR_INVALID_ARG;
    if (request->from != SYSTEM_SERVICE_ID_NONE) {
        ret = ESP_ERR_NOT_OWNER;
    } else if (status_event_fits(wish, request->data_size, DISPLAY_EVENTS_VERSION, sizeof(*wish))) {
        ret = display_link_inject((display_fault_t)wish->fault);
    }
    display_service_answer(request, ret, NULL, 0);
}

/* ---- lifecycle ---------------------------------------------------------------------------------
 */

static esp_err_t serve_all(system_service_id_t id)
{
    static const struct {
        const char *name;
        system_request_handler_t handler;
    } served[] = {
        {DISPLAY_SET_REQUEST, on_set},
        {DISPLAY_GET_REQUEST, on_get},
        {DISPLAY_FAULT_REQUEST, on_fault},
        {DISPLAY_RAISE_REQUEST, display_surfaces_on_raise},
        {DISPLAY_OPEN_REQUEST, display_surfaces_on_open},
        {DISPLAY_COMMIT_REQUEST, display_surfaces_on_commit},
        {DISPLAY_CLOSE_REQUEST, display_surfaces_on_close},
    };
    system_event_type_t type;
    for (size_t i = 0; i < sizeof(served) / sizeof(served[0]); i++) {
        ESP_RETURN_ON_ERROR(system_event_register_type(served[i].name, &type), TAG, "type");
        ESP_RETURN_ON_ERROR(system_request_serve(id, type, served[i].handler, NULL), TAG, "serve");
    }
    return ESP_OK;
}

static esp_err_t subscribe_all(system_service_id_t id)
{
    system_event_type_t tick, look, toast;
    ESP_RETURN_ON_ERROR(system_event_register_type("display.frame", &s_frame), TAG, "type");
    ESP_RETURN_ON_ERROR(system_event_register_type("display.tick", &tick), TAG, "type");
    ESP_RETURN_ON_ERROR(system_event_register_type("display.look", &look), TAG, "type");
    ESP_RETURN_ON_ERROR(system_event_register_type(DISPLAY_TOAST_EVENT, &toast), TAG, "type");
    const struct {
        system_event_type_t type;
        system_event_handler_t handler;
    } wanted[] = {
        {s_frame, on_frame},
        {tick, on_tick},
        {look, on_look},
        {toast, on_toast},
        {SYSTEM_EVENT_APP_STOPPED, on_app_ended},
        {SYSTEM_EVENT_APP_CRASHED, on_app_ended},
    };
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        ESP_RETURN_ON_ERROR(system_event_subscribe(id, wanted[i].type, wanted[i].handler, NULL),
                            TAG, "subscribe");
    }
    ESP_RETURN_ON_ERROR(
        system_event_post_every(id, tick, NULL, 0, SYSTEM_EVENT_PRIORITY_NORMAL, TICK_MS, NULL),
        TAG, "tick");
    return system_event_post_every(id, look, NULL, 0, SYSTEM_EVENT_PRIORITY_NORMAL,
                                   CONFIG_DISPLAY_PROBE_MS, NULL);
}

static esp_err_t display_start(system_service_id_t id, void *arg)
{
    (void)arg;
    s_id = id;
    s_frame = SYSTEM_EVENT_TYPE_NONE; /* nothing is drawn before all is ready */
    s_frame_due_us = 0;
    s_toast_end = 0; /* the last life's timers went with it */
    s_last_frame_us = 0;
    memset(&s_told_state, 0, sizeof(s_told_state));
    memset(&s_told_focus, 0, sizeof(s_told_focus));
    display_overlay_begin();
    display_panel_begin();
    display_surfaces_forget_the_dead();
    ESP_RETURN_ON_ERROR(system_event_register_type(DISPLAY_STATE_EVENT, &s_state), TAG, "type");
    ESP_RETURN_ON_ERROR(system_event_register_type(STATUS_FOCUS_EVENT, &s_focus), TAG, "type");
    ESP_RETURN_ON_ERROR(system_event_set_retained(s_state, true), TAG, "retained");
    ESP_RETURN_ON_ERROR(system_event_set_retained(s_focus, true), TAG, "retained");
    ESP_RETURN_ON_ERROR(display_status_begin(id), TAG, "status");
    ESP_RETURN_ON_ERROR(serve_all(id), TAG, "requests");
    ESP_RETURN_ON_ERROR(subscribe_all(id), TAG, "events");
    display_service_announce();
    return ESP_OK;
}

static esp_err_t display_stop(system_service_id_t id, void *arg)
{
    (void)id;
    (void)arg;
    display_panel_end();
    return ESP_OK;
}

/* A frame takes milliseconds; one that takes a second is stuck. */
static const service_watchdog_config_t s_watchdog = {.timeout_ms = 3000, .auto_restart = true};

/* Frames and ticks of its own; answers count as well. Two frames and all surfaces are its memory.
 */
static const service_quota_t s_quota = {
    .max_events_per_sec = 2000,
    .max_subscriptions = 24,
    .max_event_data_size = 256,
    .max_cpu_percent = 90,
};

const system_service_descriptor_t display_service = {
    .name = DISPLAY_SERVICE_NAME,
    .lifecycle = {.start = display_start, .stop = display_stop},
    .watchdog = &s_watchdog,
    .quota = &s_quota,
    .own_worker = true,
};
