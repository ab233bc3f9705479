/* SPDX-License-Identifier: Apache-2.0 */
/* events: the types, the counts, and a tap that prints events as they are delivered */
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "esp_timer.h"

#include "shell_internal.h"
#include "system_service/common_events.h"
#include "system_service/event_bus.h"

#define TAP_BYTES       16 /* of the payload that are shown */
#define TAP_SECONDS_MAX 3600

/* One tap at a time; 0 = none. Its events wait with "drop oldest": a tap slows nobody down. */
static _Atomic system_subscription_t s_tap;
static _Atomic uint32_t s_seen;
static _Atomic system_subscription_t s_timed; /* the tap that the timer ends */
static uint32_t s_seconds;
static esp_timer_handle_t s_timer;

static const char *priority_name(uint8_t priority)
{
    if (priority == SYSTEM_EVENT_PRIORITY_CRITICAL) {
        return "CRITICAL";
    }
    if (priority <= SYSTEM_EVENT_PRIORITY_HIGH) {
        return "HIGH";
    }
    return priority <= SYSTEM_EVENT_PRIORITY_NORMAL ? "NORMAL" : "LOW";
}

static void on_tapped(const system_event_t *event, void *user_data)
{
    (void)user_data;
    char data[2 * TAP_BYTES + 4] = "";
    system_service_info_t source;
    const uint8_t *bytes = event->data;
    size_t shown = event->data_size < TAP_BYTES ? event->data_size : TAP_BYTES;

    for (size_t i = 0; i < shown; i++) {
        snprintf(data + 2 * i, 3, "%02x", bytes[i]);
    }
    if (shown < event->data_size) {
        snprintf(data + 2 * shown, sizeof(data) - 2 * shown, "...");
    }
    const bool known = system_service_get_info(event->source, &source) == ESP_OK;
    atomic_fetch_add(&s_seen, 1);
    shell_print("tap #%" PRIu32 " %-8s %-24s from %s, %u bytes %s", event->sequence,
                priority_name(event->priority), event->name, known ? source.name : "the system",
                (unsigned)event->data_size, data);
}

void events_tap_forget(void)
{
    atomic_store(&s_tap, 0);
}

static esp_err_t tap_off(void)
{
    const system_subscription_t tap = atomic_exchange(&s_tap, 0);
    if (s_timer != NULL) {
        (void)esp_timer_stop(s_timer);
    }
    return tap == 0 ? ESP_ERR_EVENT_NOT_SUBSCRIBED : system_event_unsubscribe(shell_id(), tap);
}

/** Commands go on meanwhile: an hour of tapping must not keep the other faces waiting. */
static void on_end(void *arg)
{
    system_subscription_t timed = atomic_load(&s_timed);
    (void)arg;
    if (timed != 0 && atomic_compare_exchange_strong(&s_tap, &timed, 0)) {
        (void)system_event_unsubscribe(shell_id(), timed);
        shell_print("%" PRIu32 " events in %" PRIu32 " s", atomic_load(&s_seen), s_seconds);
    }
}

static esp_err_t end_after(system_subscription_t tap, uint32_t seconds)
{
    static const esp_timer_create_args_t args = {.callback = on_end, .name = "tap"};
    esp_err_t ret = s_timer == NULL ? esp_timer_create(&args, &s_timer) : ESP_OK;
    if (ret == ESP_OK) {
        s_seconds = seconds;
        atomic_store(&s_timed, tap);
        ret = esp_timer_start_once(s_timer, seconds * UINT64_C(1000000));
    }
    return ret;
}

static int tap_on(const char *pattern, uint32_t seconds)
{
    static const system_subscription_config_t config = {.overflow = SYSTEM_OVERFLOW_DROP_OLDEST};
    system_subscription_t tap;

    if (shell_id() == SYSTEM_SERVICE_ID_NONE) {
        return shell_result("events tap", ESP_ERR_SERVICE_NOT_RUNNING);
    }
    (void)tap_off();
    atomic_store(&s_seen, 0);
    esp_err_t ret =
        system_event_subscribe_pattern(shell_id(), pattern, on_tapped, NULL, &config, &tap);
    if (ret != ESP_OK) {
        return shell_result(pattern, ret);
    }
    atomic_store(&s_tap, tap);
    if (seconds == 0) {
        shell_print("tapping %s until \"events tap off\"", pattern);
        return SHELL_OK;
    }
    ret = end_after(tap, seconds);
    if (ret != ESP_OK) {
        (void)tap_off();
        return shell_result("events tap", ret);
    }
    shell_print("tapping %s for %" PRIu32 " s", pattern, seconds);
    return SHELL_OK;
}

static int tap(int argc, char **argv)
{
    uint32_t seconds = 0;
    if (argc == 3 && strcmp(argv[2], "off") == 0) {
        return shell_result("events tap", tap_off());
    }
    if (argc > 4 || (argc == 4 && !shell_number(argv[3], 1, TAP_SECONDS_MAX, &seconds))) {
        return shell_usage("events");
    }
    return tap_on(argc >= 3 ? argv[2] : "*", seconds);
}

static void list_types(void)
{
    system_event_bus_stats_t bus;
    char name[SYSTEM_NAME_MAX + 1];

    shell_print("%4s  %s", "type", "name");
    for (system_event_type_t type = 1; type <= CONFIG_SYSTEM_MAX_EVENT_TYPES; type++) {
        if (system_event_get_type_name(type, name, sizeof(name)) == ESP_OK) {
            shell_print("%4u  %s%s", type, name,
                        type <= SYSTEM_EVENT_COMMON_COUNT ? "  (common)" : "");
        }
    }
    (void)system_event_get_bus_stats(&bus);
    shell_print("posted %" PRIu32 ", delivered %" PRIu32 ", handled %" PRIu32 ", refused %" PRIu32
                ", displaced %" PRIu32 ", discarded %" PRIu32 ", no memory %" PRIu32,
                bus.posted, bus.delivered, bus.handled, bus.refused, bus.displaced, bus.discarded,
                bus.no_memory);
}

int cmd_events(int argc, char **argv)
{
    if (argc == 1) {
        list_types();
        return SHELL_OK;
    }
    return strcmp(argv[1], "tap") == 0 ? tap(argc, argv) : shell_usage("events");
}
