/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The service: takes what the radio tells, and sleeps until something is due. Everything below runs
 * in its mailbox or its lifecycle functions, but for bluetooth_service_wake().
 */
#include "bluetooth_service/bluetooth_service.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "sdkconfig.h"

#include "bluetooth_ad.h"
#include "bluetooth_internal.h"
#include "esp_attr.h"
#include "esp_check.h"
#include "esp_timer.h"
#include "system_service/common_events.h"
#include "system_service/event_bus.h"
#include "system_service/event_timer.h"

static const char *TAG = "bluetooth";

#define TAKE_AT_ONCE 16 /* then others have their turn */
#define SCAN_MS_MAX  60000

static _Atomic system_service_id_t s_id;
static system_event_type_t s_work; /* empty: there is something to do */
static system_event_type_t s_state;
static system_event_type_t s_told;
static system_event_type_t s_control;
static _Atomic bool s_woken; /* a work event is under way */

static bool s_open; /* the radio answers */
static bool s_advertising;
static int64_t s_scan_until_us;    /* 0 = no scan */
static int64_t s_connect_until_us; /* 0 = nobody */
static bluetooth_address_t s_own;
static bluetooth_address_t s_wanted; /* to connect to */
static status_bluetooth_t s_known;

/* What people set; survives a restart of the service. */
#ifdef CONFIG_BLUETOOTH_ADVERTISE
static bool s_visible = true;
#else
static bool s_visible;
#endif

/* ---- what it tells -----------------------------------------------------------------------------
 */

void bluetooth_service_wake(void)
{
    if (!atomic_exchange(&s_woken, true) &&
        system_event_post(s_id, s_work, NULL, 0, SYSTEM_EVENT_PRIORITY_NORMAL) != ESP_OK) {
        atomic_store(&s_woken, false); /* the next one tries again, at last the next look */
    }
}

static void tell(system_event_type_t type, const void *data, size_t size, uint8_t priority)
{
    const esp_err_t ret = system_event_post(s_id, type, data, size, priority);
    if (ret != ESP_OK && ret != ESP_ERR_EVENT_QUEUE_FULL) {
        ESP_LOGW(TAG, "not told: %s", system_error_to_string(ret));
        memset(&s_known, 0, sizeof(s_known)); /* differs from everything */
    }
}

void bluetooth_service_tell(const bluetooth_told_t *told)
{
    tell(s_told, told, sizeof(*told), SYSTEM_EVENT_PRIORITY_NORMAL);
}

void bluetooth_service_control(const bluetooth_control_t *control)
{
    tell(s_control, control, sizeof(*control), SYSTEM_EVENT_PRIORITY_HIGH);
}

static void describe(status_bluetooth_t *state)
{
    memset(state, 0, sizeof(*state)); /* it is compared, its holes too */
    state->header = (status_header_t)STATUS_HEADER(status_bluetooth_t, STATUS_BLUETOOTH_VERSION);
    state->enabled = s_open;
    state->advertising = s_advertising;
    state->scanning = s_scan_until_us != 0;
    state->connections = (uint8_t)bluetooth_peers_count();
}

static void settle(void)
{
    status_bluetooth_t state;
    describe(&state);
    if (memcmp(&state, &s_known, sizeof(state)) != 0) {
        s_known = state;
        tell(s_state, &state, sizeof(state), SYSTEM_EVENT_PRIORITY_NORMAL);
    }
}

/* ---- the radio ---------------------------------------------------------------------------------
 */

static esp_err_t advertise(bool on)
{
    uint8_t data[BLUETOOTH_ADV], response[BLUETOOTH_ADV];
    const size_t size = bluetooth_ad_build(data);
    const size_t more = bluetooth_ad_build_response(response, CONFIG_BLUETOOTH_NAME);
    esp_err_t ret = bluetooth_link_call();
    if (ret == ESP_OK) {
        ret = bluetooth_gap_advertise(on ? data : NULL, size, response, more);
    }
    s_advertising = on && ret == ESP_OK;
    return ret;
}

static esp_err_t scan(uint32_t ms)
{
    esp_err_t ret = bluetooth_link_call();
    ret = ret == ESP_OK ? bluetooth_gap_scan(ms != 0) : ret;
    s_scan_until_us = ms != 0 && ret == ESP_OK ? esp_timer_get_time() + ms * 1000LL : 0;
    return ret;
}

void bluetooth_service_connected(void)
{
    s_advertising = false; /* the radio has stopped, or can take one more */
}

void bluetooth_service_connect_over(void)
{
    s_connect_until_us = 0;
}

void bluetooth_service_radio_lost(void)
{
    for (uint8_t i = 0; i < BLUETOOTH_LINKS; i++) {
        bluetooth_package_link_lost(i);
    }
    bluetooth_peers_begin();
    s_open = false;
    s_advertising = false;
    s_scan_until_us = 0;
    s_connect_until_us = 0;
}

static esp_err_t open_radio(void)
{
    esp_err_t ret = bluetooth_link_call();
    ret = ret == ESP_OK ? bluetooth_gap_open(&s_own) : ret;
    ret = ret == ESP_OK ? bluetooth_gatts_open() : ret;
    s_open = ret == ESP_OK;
    if (ret != ESP_OK) {
        ESP_LOGD(TAG, "no radio: %s", system_error_to_string(ret));
    }
    return ret;
}

/** What is due, and what should be but is not. */
static void tend(void)
{
    const int64_t now_us = esp_timer_get_time();
    if (!s_open) {
        (void)open_radio();
    } else if (bluetooth_link_call() != ESP_OK) {
        bluetooth_gap_close();
        bluetooth_service_radio_lost();
    }
    if (!s_open) {
        return;
    }
    if (s_scan_until_us != 0 && s_scan_until_us <= now_us) {
        (void)scan(0);
    }
    if (s_connect_until_us != 0 && s_connect_until_us <= now_us) {
        const bluetooth_told_t told = {
            .header = BLUETOOTH_HEADER(bluetooth_told_t),
            .kind = BLUETOOTH_TOLD_NOT_CONNECTED,
            .link = BLUETOOTH_NO_LINK,
            .code = 0x3c, /* Advertising Timeout: it was not heard */
            .address = s_wanted,
        };
        (void)bluetooth_gap_connect(NULL);
        s_connect_until_us = 0;
        bluetooth_service_tell(&told);
    }
    if (s_visible && !s_advertising && bluetooth_peers_count() < BLUETOOTH_LINKS) {
        (void)advertise(true);
    }
}

static void on_work(const system_event_t *event, void *user_data)
{
    static EXT_RAM_BSS_ATTR bluetooth_radio_event_t s_event; /* large for a stack */
    unsigned taken = 0;
    (void)event;
    (void)user_data;
    atomic_store(&s_woken, false); /* first: whatever comes from here on wakes us again */
    while (taken < TAKE_AT_ONCE && bluetooth_link_take(&s_event)) {
        bluetooth_peers_hear(&s_event);
        taken++;
    }
    if (taken == TAKE_AT_ONCE) {
        bluetooth_service_wake();
    }
    bluetooth_package_look();
    bluetooth_setup_look();
    bluetooth_peers_notify();
    tend();
    settle();
}

static void on_health(const system_event_t *event, void *user_data)
{
    (void)user_data;
    const health_event_t *health = event->data;
    if (event->data_size >= sizeof(*health)) {
        bluetooth_control_health(health->verdict, health->reasons);
        bluetooth_peers_notify();
    }
}

/* ---- what it is asked --------------------------------------------------------------------------
 */

static void answer(const system_request_t *request, esp_err_t status, const void *data, size_t size)
{
    const esp_err_t ret = system_request_respond(request->id, status, data, size);
    if (ret != ESP_OK && ret != ESP_ERR_REQUEST_NOT_FOUND) {
        ESP_LOGW(TAG, "an answer is lost: %s", system_error_to_string(ret));
    }
    settle();
}

static void on_get(const system_request_t *request, void *user_data)
{
    (void)user_data;
    bluetooth_info_t info = {
        .header = BLUETOOTH_HEADER(bluetooth_info_t),
        .address = s_own,
        .radio = s_open,
        .overrun = bluetooth_inbox_overruns(),
    };
    describe(&info.state);
    (void)snprintf(info.name, sizeof(info.name), "%s", CONFIG_BLUETOOTH_NAME);
    bluetooth_peers_describe(&info);
    bluetooth_package_describe(&info);
    answer(request, ESP_OK, &info, sizeof(info));
}

static esp_err_t look_in(uint32_t ms)
{
    return system_event_post_after(s_id, s_work, NULL, 0, SYSTEM_EVENT_PRIORITY_NORMAL, ms, NULL);
}

static esp_err_t do_scan(uint32_t ms)
{
    if (ms > SCAN_MS_MAX) {
        return ESP_ERR_INVALID_ARG;
    }
    const esp_err_t ret = scan(ms);
    return ret == ESP_OK && ms != 0 ? look_in(ms + 1) : ret;
}

static esp_err_t do_connect(const bluetooth_address_t *address)
{
    if (s_connect_until_us != 0) {
        return ESP_ERR_INVALID_STATE;
    }
    if (bluetooth_peers_count() == BLUETOOTH_LINKS) {
        return ESP_ERR_NO_MEM;
    }
    const esp_err_t ret = bluetooth_gap_connect(address);
    if (ret == ESP_OK) {
        s_wanted = *address;
        s_connect_until_us = esp_timer_get_time() + CONFIG_BLUETOOTH_CONNECT_MS * 1000LL;
    }
    return ret;
}

/** What is about one connection. */
static esp_err_t do_on_link(const bluetooth_do_t *wish)
{
    if (!bluetooth_peers_has(wish->link)) {
        return ESP_ERR_NOT_FOUND;
    }
    switch (wish->what) {
    case BLUETOOTH_DO_DISCONNECT:
        return bluetooth_gap_disconnect(wish->link);
    case BLUETOOTH_DO_PAIR:
        return bluetooth_gap_pair(wish->link);
    case BLUETOOTH_DO_PASSKEY:
        return wish->value <= 999999 ? bluetooth_gap_passkey(wish->link, wish->value)
                                     : ESP_ERR_INVALID_ARG;
    case BLUETOOTH_DO_DISCOVER:
        return bluetooth_gattc_discover(wish->link);
    case BLUETOOTH_DO_READ:
        return bluetooth_gattc_read(wish->link, wish->handle);
    case BLUETOOTH_DO_WRITE:
        return wish->data_size <= BLUETOOTH_VALUE
                   ? bluetooth_gattc_write(wish->link, wish->handle, wish->data, wish->data_size)
                   : ESP_ERR_INVALID_ARG;
    case BLUETOOTH_DO_SUBSCRIBE:
        return wish->value <= 1
                   ? bluetooth_gattc_subscribe(wish->link, wish->handle, wish->value != 0)
                   : ESP_ERR_INVALID_ARG;
    default:
        return ESP_ERR_INVALID_ARG;
    }
}

static esp_err_t do_it(const bluetooth_do_t *wish)
{
    if (wish->what >= BLUETOOTH_DOES || (wish->what == BLUETOOTH_DO_ADVERTISE && wish->value > 1)) {
        return ESP_ERR_INVALID_ARG;
    }
    if (wish->what == BLUETOOTH_DO_ADVERTISE) {
        s_visible = wish->value != 0;
    }
    const esp_err_t ret = s_open ? bluetooth_link_call() : ESP_ERR_NOT_FOUND;
    if (ret != ESP_OK) {
        return ret;
    }
    switch (wish->what) {
    case BLUETOOTH_DO_ADVERTISE:
        return advertise(s_visible && bluetooth_peers_count() < BLUETOOTH_LINKS);
    case BLUETOOTH_DO_SCAN:
        return do_scan(wish->value);
    case BLUETOOTH_DO_CONNECT:
        return do_connect(&wish->address);
    case BLUETOOTH_DO_FORGET:
        return bluetooth_gap_pair(BLUETOOTH_NO_LINK);
    default:
        return do_on_link(wish);
    }
}

static void on_do(const system_request_t *request, void *user_data)
{
    (void)user_data;
    const bluetooth_do_t *wish = request->data;
    esp_err_t ret = ESP_ERR_INVALID_ARG;
    if (status_event_fits(wish, request->data_size, BLUETOOTH_EVENTS_VERSION, sizeof(*wish))) {
        const bool fault = wish->what == BLUETOOTH_DO_FAULT;
        if ((fault || wish->what == BLUETOOTH_DO_FORGET) &&
            request->from != SYSTEM_SERVICE_ID_NONE) {
            ret = ESP_ERR_NOT_OWNER;
        } else {
            ret = fault ? bluetooth_link_inject((bluetooth_fault_t)wish->value) : do_it(wish);
        }
    }
    answer(request, ret, NULL, 0);
}

/* ---- lifecycle ---------------------------------------------------------------------------------
 */

static esp_err_t register_types(void)
{
    ESP_RETURN_ON_ERROR(system_event_register_type("bluetooth.work", &s_work), TAG, "type");
    ESP_RETURN_ON_ERROR(system_event_register_type(BLUETOOTH_TOLD_EVENT, &s_told), TAG, "type");
    ESP_RETURN_ON_ERROR(system_event_register_type(BLUETOOTH_CONTROL_EVENT, &s_control), TAG,
                        "type");
    ESP_RETURN_ON_ERROR(system_event_register_type(STATUS_BLUETOOTH_EVENT, &s_state), TAG, "type");
    return system_event_set_retained(s_state, true);
}

static esp_err_t subscribe_all(system_service_id_t id)
{
    /* Work that could not be done in time is done once. */
    static const system_subscription_config_t latest = {.overflow = SYSTEM_OVERFLOW_KEEP_LATEST};
    system_event_type_t type;
    ESP_RETURN_ON_ERROR(system_event_register_type(BLUETOOTH_DO_REQUEST, &type), TAG, "type");
    ESP_RETURN_ON_ERROR(system_request_serve(id, type, on_do, NULL), TAG, "serve");
    ESP_RETURN_ON_ERROR(system_event_register_type(BLUETOOTH_GET_REQUEST, &type), TAG, "type");
    ESP_RETURN_ON_ERROR(system_request_serve(id, type, on_get, NULL), TAG, "serve");
    ESP_RETURN_ON_ERROR(system_event_subscribe_ex(id, s_work, on_work, NULL, &latest, NULL), TAG,
                        "subscribe");
    ESP_RETURN_ON_ERROR(
        system_event_subscribe_ex(id, SYSTEM_EVENT_HEALTH, on_health, NULL, &latest, NULL), TAG,
        "subscribe");
    return system_event_post_every(id, s_work, NULL, 0, SYSTEM_EVENT_PRIORITY_NORMAL,
                                   CONFIG_BLUETOOTH_LOOK_MS, NULL);
}

static esp_err_t bluetooth_start(system_service_id_t id, void *arg)
{
    (void)arg;
    ESP_RETURN_ON_ERROR(register_types(), TAG, "types");
    atomic_store(&s_id, id);
    memset(&s_known, 0, sizeof(s_known));
    bluetooth_service_radio_lost(); /* whatever an earlier life had */
    bluetooth_control_begin(CONFIG_BLUETOOTH_NAME);
    bluetooth_control_health(0, 0);
    bluetooth_package_begin();
    bluetooth_setup_begin();
    bluetooth_inbox_begin(bluetooth_service_wake);
    ESP_RETURN_ON_ERROR(subscribe_all(id), TAG, "events");
    atomic_store(&s_woken, false);
    const esp_err_t ret = open_radio();
    if (ret != ESP_OK && ret != ESP_ERR_NOT_FINISHED) {
        ESP_LOGW(TAG, "no radio answers; it is looked for every %d ms", CONFIG_BLUETOOTH_LOOK_MS);
    }
    bluetooth_service_wake();
    return ESP_OK;
}

static esp_err_t bluetooth_stop(system_service_id_t id, void *arg)
{
    static const status_bluetooth_t s_off = {
        .header = STATUS_HEADER(status_bluetooth_t, STATUS_BLUETOOTH_VERSION)};
    (void)arg;
    bluetooth_gap_close();
    bluetooth_service_radio_lost();
    bluetooth_package_end();
    return system_event_post(id, s_state, &s_off, sizeof(s_off), SYSTEM_EVENT_PRIORITY_NORMAL);
}

/* No call of a backend waits for a peer: what takes so long is stuck. */
static const service_watchdog_config_t s_watchdog = {.timeout_ms = CONFIG_BLUETOOTH_WATCHDOG_MS,
                                                     .auto_restart = true};

static const service_quota_t s_quota = {
    .max_events_per_sec = CONFIG_BLUETOOTH_EVENTS_PER_SECOND,
    .max_subscriptions = 8,
    .max_event_data_size = 512,
    .max_memory_bytes = 28 * 1024, /* with the stack of a task that installs */
    .max_cpu_percent = 50,
};

const system_service_descriptor_t bluetooth_service = {
    .name = BLUETOOTH_SERVICE_NAME,
    .lifecycle = {.start = bluetooth_start, .stop = bluetooth_stop},
    .watchdog = &s_watchdog,
    .quota = &s_quota,
};
