/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The status bar. Network, Bluetooth, time and health come as retained events, so it is right from
 * the first frame on, and again after a restart; what nobody tells is not shown.
 */
#include "display_internal.h"

#include <stdio.h>
#include <string.h>

#include "esp_check.h"
#include "esp_timer.h"
#include "system_service/common_events.h"
#include "system_service/event_bus.h"
#include "system_service/health_report.h"
#include "system_service/heap_monitor.h"

static const char *TAG = "display";

#define MINUTE_US   60000000LL
#define DAY_MINUTES 1440

static display_status_bar_t s_bar;
static status_time_t s_time;
static bool s_time_known;

static void copy_clock(char out[sizeof(s_bar.clock)])
{
    out[0] = '\0';
    if (!s_time_known) {
        return;
    }
    const int64_t now_us = s_time.utc_us + (esp_timer_get_time() - s_time.at_us);
    int64_t minutes = (now_us / MINUTE_US + s_time.offset_minutes) % DAY_MINUTES;
    minutes += minutes < 0 ? DAY_MINUTES : 0;
    (void)snprintf(out, sizeof(s_bar.clock), "%02u:%02u", (unsigned)(minutes / 60) % 24,
                   (unsigned)(minutes % 60));
}

static uint8_t memory_in_use(void)
{
    static heap_stats_t s_stats; /* large for a stack */
    const heap_region_stats_t *internal = &s_stats.regions[HEAP_REGION_INTERNAL];
    if (heap_monitor_get_stats(&s_stats) != ESP_OK || internal->total_bytes == 0) {
        return 0;
    }
    const uint64_t used = internal->total_bytes - internal->free_bytes;
    return (uint8_t)(used * 100 / internal->total_bytes);
}

void display_status_update(void)
{
    const display_status_bar_t before = s_bar;
    copy_clock(s_bar.clock);
    s_bar.memory_percent = memory_in_use();
    const char *title = display_surfaces_front().title;
    memset(s_bar.title, 0, sizeof(s_bar.title));
    memcpy(s_bar.title, title, strnlen(title, sizeof(s_bar.title) - 1));
    if (memcmp(&before, &s_bar, sizeof(s_bar)) != 0) {
        display_rect_t bar = display_screen_area();
        bar.h = DISPLAY_TOP;
        display_screen_damage(bar);
    }
}

void display_status_draw(display_canvas_t *screen)
{
    display_status_bar_draw(screen, &s_bar);
}

/* ---- what others tell --------------------------------------------------------------------------
 */

static void redraw(void)
{
    display_rect_t bar = display_screen_area();
    bar.h = DISPLAY_TOP;
    display_screen_damage(bar);
    display_status_update();
}

static void on_network(const system_event_t *event, void *user_data)
{
    (void)user_data;
    const status_network_t *network = event->data;
    if (!status_event_fits(network, event->data_size, STATUS_NETWORK_VERSION, sizeof(*network))) {
        return;
    }
    const bool connected = network->state == STATUS_NETWORK_CONNECTED;
    s_bar.network = network->state != STATUS_NETWORK_OFF;
    s_bar.network_busy =
        network->state == STATUS_NETWORK_SCANNING || network->state == STATUS_NETWORK_CONNECTING;
    s_bar.network_bars = connected ? network->bars : 0;
    redraw();
}

static void on_bluetooth(const system_event_t *event, void *user_data)
{
    (void)user_data;
    const status_bluetooth_t *radio = event->data;
    if (!status_event_fits(radio, event->data_size, STATUS_BLUETOOTH_VERSION, sizeof(*radio))) {
        return;
    }
    s_bar.bluetooth = radio->enabled;
    s_bar.bluetooth_connected = radio->connections != 0;
    redraw();
}

static void on_time(const system_event_t *event, void *user_data)
{
    (void)user_data;
    if (status_event_fits(event->data, event->data_size, STATUS_TIME_VERSION, sizeof(s_time))) {
        memcpy(&s_time, event->data, sizeof(s_time));
        s_time_known = true;
        redraw();
    }
}

static void on_health(const system_event_t *event, void *user_data)
{
    (void)user_data;
    const health_event_t *health = event->data;
    const uint32_t scarce =
        HEALTH_REASON_HEAP | HEALTH_REASON_POOL_LOW | HEALTH_REASON_POOL_EXHAUSTED;
    if (event->data_size >= sizeof(*health)) {
        s_bar.memory_level = (health->reasons & HEALTH_REASON_MEMORY_CORRUPTED) != 0 ? 2
                             : (health->reasons & scarce) != 0                       ? 1
                                                                                     : 0;
        redraw();
    }
}

esp_err_t display_status_begin(system_service_id_t id)
{
    static const struct {
        const char *name;
        system_event_handler_t handler;
    } told[] = {
        {STATUS_NETWORK_EVENT, on_network},
        {STATUS_BLUETOOTH_EVENT, on_bluetooth},
        {STATUS_TIME_EVENT, on_time},
    };
    static const system_subscription_config_t latest = {.overflow = SYSTEM_OVERFLOW_KEEP_LATEST};
    system_event_type_t type;

    memset(&s_bar, 0, sizeof(s_bar));
    s_time_known = false;
    for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++) {
        ESP_RETURN_ON_ERROR(system_event_register_type(told[i].name, &type), TAG, "type");
        ESP_RETURN_ON_ERROR(
            system_event_subscribe_ex(id, type, told[i].handler, NULL, &latest, NULL), TAG,
            "subscribe");
    }
    return system_event_subscribe_ex(id, SYSTEM_EVENT_HEALTH, on_health, NULL, &latest, NULL);
}
