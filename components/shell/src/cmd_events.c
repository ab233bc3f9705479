/* SPDX-License-Identifier: Apache-2.0 */
/* events: the types, the counts, and a tap that prints events as they are delivered */
#include <ctype.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "shell_internal.h"
#include "system_service/common_events.h"
#include "system_service/event_bus.h"
#include "system_service/event_timer.h"

#define TAP_BYTES       16 /* of the payload that are shown in a line */
#define TAP_SECONDS_MAX 3600

/* One tap at a time; 0 = none. Its events wait with "drop oldest": a tap slows nobody down. */
static _Atomic system_subscription_t s_tap;
static _Atomic uint32_t s_seen;
static _Atomic bool s_whole; /* payloads are shown to their end */
static system_event_timer_t s_timer;
static system_event_type_t s_end;

/* The payload of s_end. */
typedef struct {
    system_subscription_t tap;
    uint32_t seconds;
} tap_end_t;

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

/** Bytes and what they are as text; rows of zeros alone are left out. */
static void show_rows(const uint8_t *bytes, size_t size)
{
    for (size_t row = 0; row < size; row += TAP_BYTES) {
        char hex[3 * TAP_BYTES + 1] = "";
        char text[TAP_BYTES + 1] = "";
        uint8_t any = 0;
        for (size_t i = 0; i < TAP_BYTES && row + i < size; i++) {
            const uint8_t byte = bytes[row + i];
            snprintf(hex + 3 * i, 4, "%02x ", byte);
            text[i] = byte < 0x80 && isprint(byte) ? (char)byte : '.';
            any |= byte;
        }
        if (any != 0) {
            shell_print("  %4u  %-48s %s", (unsigned)row, hex, text);
        }
    }
}

static void on_tapped(const system_event_t *event, void *user_data)
{
    (void)user_data;
    char data[2 * TAP_BYTES + 4] = "";
    system_service_info_t source;
    const uint8_t *bytes = event->data;
    const bool rows = atomic_load(&s_whole) && event->data_size > TAP_BYTES;
    const size_t shown = rows ? 0 : event->data_size < TAP_BYTES ? event->data_size : TAP_BYTES;

    for (size_t i = 0; i < shown; i++) {
        snprintf(data + 2 * i, 3, "%02x", bytes[i]);
    }
    if (shown < event->data_size && !rows) {
        snprintf(data + 2 * shown, sizeof(data) - 2 * shown, "...");
    }
    const bool known = system_service_get_info(event->source, &source) == ESP_OK;
    atomic_fetch_add(&s_seen, 1);
    shell_print("tap #%" PRIu32 " %-8s %-24s from %s, %u bytes %s", event->sequence,
                priority_name(event->priority), event->name, known ? source.name : "the system",
                (unsigned)event->data_size, data);
    if (rows) {
        show_rows(bytes, event->data_size);
    }
}

void events_tap_forget(void)
{
    atomic_store(&s_tap, 0);
}

static esp_err_t tap_off(void)
{
    const system_subscription_t tap = atomic_exchange(&s_tap, 0);
    if (s_end != SYSTEM_EVENT_TYPE_NONE) {
        (void)system_event_timer_cancel(shell_id(), s_timer);
        (void)system_event_unsubscribe_type(shell_id(), s_end, NULL);
    }
    return tap == 0 ? ESP_ERR_EVENT_NOT_SUBSCRIBED : system_event_unsubscribe(shell_id(), tap);
}

/** In the worker that prints the events too, so nobody waits for one that is being printed.
 * Commands go on meanwhile: an hour of tapping must not keep the other faces waiting. */
static void on_end(const system_event_t *event, void *user_data)
{
    tap_end_t end;
    (void)user_data;
    memcpy(&end, event->data, sizeof(end));
    system_subscription_t tap = end.tap;
    if (atomic_compare_exchange_strong(&s_tap, &tap, 0)) {
        (void)system_event_unsubscribe(shell_id(), end.tap);
        shell_print("%" PRIu32 " events in %" PRIu32 " s", atomic_load(&s_seen), end.seconds);
        (void)system_event_unsubscribe_type(shell_id(), event->type, NULL);
    }
}

static esp_err_t end_after(system_subscription_t tap, uint32_t seconds)
{
    const tap_end_t end = {tap, seconds};
    esp_err_t ret = system_event_register_type("shell.tap_end", &s_end);
    if (ret == ESP_OK) {
        ret = system_event_subscribe(shell_id(), s_end, on_end, NULL);
    }
    if (ret == ESP_OK) {
        ret = system_event_post_after(shell_id(), s_end, &end, sizeof(end),
                                      SYSTEM_EVENT_PRIORITY_NORMAL, seconds * 1000, &s_timer);
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
    atomic_store(&s_whole, strchr(pattern, '*') == NULL);
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
