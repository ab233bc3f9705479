/* SPDX-License-Identifier: Apache-2.0 */
/*
 * demo.sensor: a timer event to itself is its clock; each one makes a sample. It has no task: its
 * handler runs in a worker of the bus, and it is alive while its mailbox answers.
 */
#include "demo_service/demo_service.h"

#include "esp_check.h"

#include "system_service/event_bus.h"
#include "system_service/event_timer.h"

static const char *TAG = "demo.sensor";

#define FULL_SCALE_MV 3300
#define STEP_MV       150

static system_event_type_t s_tick;
static system_event_type_t s_sample;
static demo_sample_t s_last; /* handlers of one service never run at the same time: no lock */

static void on_tick(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
    const int32_t phase = (int32_t)(s_last.number * STEP_MV % (2 * FULL_SCALE_MV));
    s_last.number++;
    s_last.millivolt = phase < FULL_SCALE_MV ? phase : 2 * FULL_SCALE_MV - phase;
    (void)system_event_post(
        system_service_current(), s_sample, &s_last, sizeof(s_last),
        SYSTEM_EVENT_PRIORITY_NORMAL); /* a full subscriber misses it: counted */
}

static esp_err_t sensor_start(system_service_id_t id, void *arg)
{
    (void)arg;
    s_last = (demo_sample_t){0};
    ESP_RETURN_ON_ERROR(system_event_register_type("demo.tick", &s_tick), TAG, "tick");
    ESP_RETURN_ON_ERROR(system_event_register_type(DEMO_SAMPLE_EVENT, &s_sample), TAG, "sample");
    ESP_RETURN_ON_ERROR(system_event_subscribe(id, s_tick, on_tick, NULL), TAG, "subscribe");
    return system_event_post_every(id, s_tick, NULL, 0, SYSTEM_EVENT_PRIORITY_NORMAL,
                                   DEMO_SAMPLE_PERIOD_MS, NULL);
}

/* Silent for more than a second = hung; a restart is what helps a sensor. */
static const service_watchdog_config_t s_watchdog = {.timeout_ms = 1000, .auto_restart = true};

/* Ticks and samples make 20 events a second. */
static const service_quota_t s_quota = {.max_events_per_sec = 50, .max_event_data_size = 64};

/* No stop(): subscriptions and timers are taken back by the system. */
const system_service_descriptor_t demo_sensor_service = {
    .name = "demo.sensor",
    .lifecycle = {.start = sensor_start},
    .watchdog = &s_watchdog,
    .quota = &s_quota,
};
