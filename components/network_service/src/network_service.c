/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The service: what wakes it, what it tells, and what it is asked. It has a worker of its own,
 * since drivers of radios take their time. Everything below runs in that worker, but for changed(),
 * which drivers call from wherever they are; the lifecycle functions run when the worker does not.
 */
#include "network_service/network_service.h"

#include <string.h>

#include "sdkconfig.h"

#include "esp_attr.h"
#include "esp_check.h"
#include "esp_timer.h"
#include "network_internal.h"
#include "system_service/event_bus.h"
#include "system_service/event_timer.h"
#include "system_service/request_response.h"

static const char *TAG = "network";

#define HEADER(type) STATUS_HEADER(type, NETWORK_EVENTS_VERSION)
#define ASKERS       4 /* that wait for a scan at once */

static system_service_id_t s_id;
static system_event_type_t s_work;
static system_event_type_t s_state;
static system_event_type_t s_time;
static system_event_type_t s_bridge;
static _Atomic bool s_woken; /* a wake event is under way */
static system_event_timer_t s_timer;
static int64_t s_timer_us = NETWORK_NEVER;
static status_network_t s_told;
static network_bridge_t s_bridge_told;
static system_request_id_t s_askers[ASKERS];
static uint32_t s_clock_sets;

/* ---- what it tells ------------------------------------------------------------------------------
 */

static bool tell(system_event_type_t type, const void *data, size_t size)
{
    const esp_err_t ret = system_event_post(s_id, type, data, size, SYSTEM_EVENT_PRIORITY_NORMAL);
    if (ret != ESP_OK && ret != ESP_ERR_EVENT_QUEUE_FULL) {
        ESP_LOGW(TAG, "not told: %s", system_error_to_string(ret));
        return false; /* the next look tells it */
    }
    return true;
}

static void describe(status_network_t *state)
{
    memset(state, 0, sizeof(*state)); /* it is compared, its holes too */
    state->header = (status_header_t)STATUS_HEADER(status_network_t, STATUS_NETWORK_VERSION);
    network_machine_describe(state);
}

/** A radio is never quite still: what counts is what is shown. */
static bool differs(const status_network_t *a, const status_network_t *b)
{
    status_network_t still = *a;
    still.rssi_dbm = b->rssi_dbm;
    /* Both began as zeros, holes too. NOLINTNEXTLINE(bugprone-suspicious-memory-comparison) */
    return memcmp(&still, b, sizeof(still)) != 0;
}

static void announce(void)
{
    status_network_t state;
    describe(&state);
    if (differs(&state, &s_told) && tell(s_state, &state, sizeof(state))) {
        s_told = state;
    }
    network_bridge_t bridge = {.header = HEADER(network_bridge_t)};
    network_bridge_describe(&bridge);
    const bool same = bridge.state == s_bridge_told.state && bridge.reason == s_bridge_told.reason;
    if (!same && tell(s_bridge, &bridge, sizeof(bridge))) {
        s_bridge_told = bridge;
    }
}

void network_service_set_time(const link_event_t *event)
{
    const status_time_t now = {
        .header = STATUS_HEADER(status_time_t, STATUS_TIME_VERSION),
        .offset_minutes = event->offset_minutes,
        .utc_us = event->utc_us,
        .at_us = event->at_us,
    };
    s_clock_sets++;
    (void)tell(s_time, &now, sizeof(now));
}

/* ---- what wakes it ------------------------------------------------------------------------------
 */

/** However much there is to take, one event waits. @context any, interrupts too */
static void changed(void)
{
    esp_err_t ret;
    if (atomic_exchange(&s_woken, true)) {
        return;
    }
    if (xPortInIsrContext()) {
        BaseType_t woken = pdFALSE;
        ret =
            system_event_post_from_isr(s_id, s_work, NULL, 0, SYSTEM_EVENT_PRIORITY_NORMAL, &woken);
        portYIELD_FROM_ISR(woken);
    } else {
        ret = system_event_post(s_id, s_work, NULL, 0, SYSTEM_EVENT_PRIORITY_NORMAL);
    }
    if (ret != ESP_OK) {
        atomic_store(&s_woken, false); /* the next one tries again, at last the next look */
    }
}

static void sleep_until(int64_t due_us)
{
    if (due_us == s_timer_us) {
        return;
    }
    if (s_timer_us != NETWORK_NEVER) {
        (void)system_event_timer_cancel(s_id, s_timer); /* one that has fired wakes us in vain */
    }
    s_timer_us = NETWORK_NEVER;
    if (due_us == NETWORK_NEVER) {
        return;
    }
    const int64_t now_us = esp_timer_get_time();
    const int64_t ms = due_us > now_us ? (due_us - now_us + 999) / 1000 : 1;
    const esp_err_t ret = system_event_post_after(
        s_id, s_work, NULL, 0, SYSTEM_EVENT_PRIORITY_NORMAL, (uint32_t)ms, &s_timer);
    if (ret == ESP_OK) {
        s_timer_us = due_us;
    } else { /* the next look makes up for it */
        ESP_LOGW(TAG, "late: %s", system_error_to_string(ret));
    }
}

static void work(void)
{
    const int64_t now_us = esp_timer_get_time();
    if (s_timer_us <= now_us) {
        s_timer_us = NETWORK_NEVER;
    }
    network_machine_work(now_us);
    network_bridge_work(now_us);
    announce();
    const int64_t link_us = network_machine_due();
    const int64_t bridge_us = network_bridge_due();
    sleep_until(link_us < bridge_us ? link_us : bridge_us);
}

static void on_work(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
    atomic_store(&s_woken, false); /* first: whatever comes from here on wakes us again */
    work();
}

/* ---- what it is asked ---------------------------------------------------------------------------
 */

static void answer(system_request_id_t request, esp_err_t status, const void *data, size_t size)
{
    const esp_err_t ret = system_request_respond(request, status, data, size);
    if (ret != ESP_OK && ret != ESP_ERR_REQUEST_NOT_FOUND) {
        ESP_LOGW(TAG, "an answer is lost: %s", system_error_to_string(ret));
    }
}

static void sort(network_scan_t *scan)
{
    for (uint32_t i = 1; i < scan->count; i++) {
        const network_seen_t one = scan->seen[i];
        uint32_t at = i;
        for (; at > 0 && scan->seen[at - 1].rssi_dbm < one.rssi_dbm; at--) {
            scan->seen[at] = scan->seen[at - 1];
        }
        scan->seen[at] = one;
    }
}

void network_service_scanned(esp_err_t ret)
{
    static EXT_RAM_BSS_ATTR network_scan_t s_scan;
    status_network_t state;
    describe(&state);
    memset(&s_scan, 0, sizeof(s_scan));
    s_scan.header = (status_header_t)HEADER(network_scan_t);
    s_scan.count =
        ret == ESP_OK ? (uint32_t)link_backend_networks(s_scan.seen, NETWORK_SCAN_MAX) : 0;
    for (uint32_t i = 0; i < s_scan.count; i++) {
        network_seen_t *seen = &s_scan.seen[i];
        seen->bars = seen->rssi_dbm != 0 ? network_machine_bars(seen->rssi_dbm) : 4;
        seen->known = network_store_find(seen->name) != NULL;
        seen->joined =
            state.state == STATUS_NETWORK_CONNECTED && strcmp(seen->name, state.name) == 0;
    }
    sort(&s_scan);
    for (unsigned i = 0; i < ASKERS; i++) {
        if (s_askers[i] != 0) {
            answer(s_askers[i], ret, &s_scan, sizeof(s_scan));
            s_askers[i] = 0;
        }
    }
}

/** Answered when it is done. */
static esp_err_t scan_for(system_request_id_t request)
{
    unsigned i = 0;
    while (i < ASKERS && s_askers[i] != 0) {
        i++;
    }
    if (i == ASKERS) {
        return ESP_ERR_NO_MEM;
    }
    const esp_err_t ret = network_machine_scan();
    s_askers[i] = ret == ESP_OK ? request : 0;
    return ret;
}

static bool ends(const char *text, size_t room)
{
    return strnlen(text, room) < room;
}

static bool makes_sense(const system_request_t *request)
{
    const network_control_t *wish = request->data;
    return status_event_fits(wish, request->data_size, NETWORK_EVENTS_VERSION, sizeof(*wish)) &&
           wish->what < NETWORK_WISHES && ends(wish->name, sizeof(wish->name)) &&
           ends(wish->secret, sizeof(wish->secret)) && ends(wish->text, sizeof(wish->text));
}

/** The copy that came in the event goes back to a pool, where others would find the secret. */
static void forget_secret(const system_request_t *request)
{
    explicit_bzero((void *)(uintptr_t)request->data, request->data_size);
}

static void on_control(const system_request_t *request, void *user_data)
{
    (void)user_data;
    const network_control_t *wish = request->data;
    esp_err_t ret = ESP_ERR_INVALID_ARG;
    if (!makes_sense(request)) {
        answer(request->id, ret, NULL, 0);
        return;
    }
    if (wish->what == NETWORK_SCAN) {
        ret = scan_for(request->id);
        if (ret == ESP_OK) {
            return;
        }
    } else if (request->from != SYSTEM_SERVICE_ID_NONE) {
        ret = ESP_ERR_NOT_OWNER;
    } else if (wish->what == NETWORK_FAULT) {
        ret = network_link_inject((network_fault_t)wish->fault);
    } else if (wish->what >= NETWORK_BRIDGE_SET) {
        ret = network_bridge_control(wish);
    } else {
        ret = network_machine_control(wish);
    }
    forget_secret(request);
    answer(request->id, ret, NULL, 0);
    work();
}

static void on_get(const system_request_t *request, void *user_data)
{
    static EXT_RAM_BSS_ATTR network_info_t s_info;
    (void)user_data;
    memset(&s_info, 0, sizeof(s_info));
    s_info.header = (status_header_t)HEADER(network_info_t);
    describe(&s_info.state);
    network_machine_count(&s_info);
    network_http_count(&s_info);
    s_info.bridge.header = (status_header_t)HEADER(network_bridge_t);
    network_bridge_describe(&s_info.bridge);
    network_bridge_count(&s_info);
    s_info.clock_sets = s_clock_sets;
    answer(request->id, ESP_OK, &s_info, sizeof(s_info));
}

/* ---- lifecycle ----------------------------------------------------------------------------------
 */

static esp_err_t register_all(system_service_id_t id)
{
    /* Work that could not be done in time is done once. */
    static const system_subscription_config_t latest = {.overflow = SYSTEM_OVERFLOW_KEEP_LATEST};
    system_event_type_t get, control;
    ESP_RETURN_ON_ERROR(system_event_register_type("network.work", &s_work), TAG, "type");
    ESP_RETURN_ON_ERROR(system_event_register_type(STATUS_NETWORK_EVENT, &s_state), TAG, "type");
    ESP_RETURN_ON_ERROR(system_event_register_type(STATUS_TIME_EVENT, &s_time), TAG, "type");
    ESP_RETURN_ON_ERROR(system_event_register_type(NETWORK_BRIDGE_EVENT, &s_bridge), TAG, "type");
    ESP_RETURN_ON_ERROR(system_event_register_type(NETWORK_GET_REQUEST, &get), TAG, "type");
    ESP_RETURN_ON_ERROR(system_event_register_type(NETWORK_CONTROL_REQUEST, &control), TAG, "type");
    /* Who shows them made them retained if it came first. */
    (void)system_event_set_retained(s_state, true);
    (void)system_event_set_retained(s_time, true);
    (void)system_event_set_retained(s_bridge, true);
    ESP_RETURN_ON_ERROR(system_event_subscribe_ex(id, s_work, on_work, NULL, &latest, NULL), TAG,
                        "subscribe");
    ESP_RETURN_ON_ERROR(system_request_serve(id, get, on_get, NULL), TAG, "serve");
    ESP_RETURN_ON_ERROR(system_request_serve(id, control, on_control, NULL), TAG, "serve");
    return system_event_post_every(id, s_work, NULL, 0, SYSTEM_EVENT_PRIORITY_NORMAL,
                                   CONFIG_NETWORK_LOOK_MS, NULL);
}

static esp_err_t network_start(system_service_id_t id, void *arg)
{
    (void)arg;
    s_id = id;
    s_timer_us = NETWORK_NEVER; /* an earlier life's timer went with it */
    memset(&s_told, 0xff, sizeof(s_told));
    memset(s_askers, 0, sizeof(s_askers));
    atomic_store(&s_woken, false);
    network_store_begin();
    ESP_RETURN_ON_ERROR(register_all(id), TAG, "events");
    memset(&s_bridge_told, 0xff, sizeof(s_bridge_told));
    network_bridge_begin(id, changed);
    network_machine_begin(changed);
    changed(); /* for the first attempt */
    return ESP_OK;
}

static esp_err_t network_stop(system_service_id_t id, void *arg)
{
    (void)id;
    (void)arg;
    network_machine_end();
    network_bridge_end();
    announce();
    return ESP_OK;
}

/* Drivers of radios take up to a second for what takes longest, their own start. */
static const service_watchdog_config_t s_watchdog = {.timeout_ms = 5000, .auto_restart = true};

static const service_quota_t s_quota = {
    .max_events_per_sec = 200,
    .max_subscriptions = 24,
    .max_event_data_size = 1024,
    .max_memory_bytes = 512 * 1024,
    .max_cpu_percent = 50,
};

const system_service_descriptor_t network_service = {
    .name = NETWORK_SERVICE_NAME,
    .lifecycle = {.start = network_start, .stop = network_stop},
    .watchdog = &s_watchdog,
    .quota = &s_quota,
    .own_worker = true,
};
