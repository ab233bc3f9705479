/* SPDX-License-Identifier: Apache-2.0 */
/*
 * demo.observer: subscribes to what the story is about and writes down what it was told and when.
 * Nothing here decides whether that is good; demo_steps.c does.
 */
#include "demo_internal.h"

#include <stdlib.h>
#include <string.h>

#include "esp_attr.h"
#include "esp_check.h"
#include "esp_timer.h"
#include "freertos/FreeRTOS.h"
#include "freertos/semphr.h"

#include "system_service/common_events.h"
#include "system_service/event_bus.h"
#include "system_service/service_supervisor.h"

static const char *TAG = "demo.observer";

#define DEPENDANT   "demo.logger"
#define HOLD_MS     1000 /* longest time that the handler waits to be let go */
#define DELIVERY_MS 2000 /* longest time that a delivery may take */

/* s_lock (leaf): protects s_seen, which handlers write and the story reads. */
static portMUX_TYPE s_lock = portMUX_INITIALIZER_UNLOCKED;
static demo_observed_t s_seen;

static system_service_id_t s_id;
static system_event_type_t s_gate;
static system_event_type_t s_letter;
static system_event_type_t s_timed;

static StaticSemaphore_t s_held_storage, s_let_go_storage, s_came_storage;
static SemaphoreHandle_t s_held;   /* given by the handler that is being held */
static SemaphoreHandle_t s_let_go; /* lets it go */
static SemaphoreHandle_t s_came;   /* given for each letter and each timed event */

/* Written by handlers of the observer before they give s_came. */
static uint8_t s_order[SYSTEM_EVENT_LANES * DEMO_LETTERS];
static unsigned s_ordered;
static uint32_t s_latency_us;

/* ---- what it hears ----------------------------------------------------------------------------
 */

static void on_app_event(const system_event_t *event, void *user_data)
{
    (void)user_data;
    portENTER_CRITICAL(&s_lock);
    if (strncmp(event->name, "hello.", 6) == 0) {
        s_seen.hello_events++;
    } else {
        s_seen.goodbye_events++;
    }
    portEXIT_CRITICAL(&s_lock);
}

static void on_sample(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
    portENTER_CRITICAL(&s_lock);
    s_seen.samples++;
    portEXIT_CRITICAL(&s_lock);
}

static void on_slow(const system_event_t *event, void *user_data)
{
    (void)user_data;
    const handler_slow_event_t *slow = event->data;
    portENTER_CRITICAL(&s_lock);
    if (s_seen.slow_us == 0) {
        s_seen.slow_us = event->timestamp_us;
        memcpy(s_seen.slow_name, slow->name, sizeof(s_seen.slow_name));
    }
    portEXIT_CRITICAL(&s_lock);
}

static void on_service(const system_event_t *event, void *user_data)
{
    (void)user_data;
    const service_event_t *what = event->data;
    const bool dependant = strcmp(what->name, DEPENDANT) == 0;

    portENTER_CRITICAL(&s_lock);
    if (event->type == SYSTEM_EVENT_SERVICE_RESTARTING) {
        s_seen.restarting_us = event->timestamp_us;
        memcpy(s_seen.restarted_name, what->name, sizeof(s_seen.restarted_name));
    } else if (event->type == SYSTEM_EVENT_SERVICE_RECOVERED) {
        s_seen.recovered_us = event->timestamp_us;
        s_seen.recovery_ms = what->recovery_ms;
    } else if (event->type == SYSTEM_EVENT_SERVICE_PAUSED) {
        s_seen.dependant_paused |= dependant;
    } else {
        s_seen.dependant_resumed |= dependant;
    }
    portEXIT_CRITICAL(&s_lock);
}

static void on_quota(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
    portENTER_CRITICAL(&s_lock);
    s_seen.quota_reports++;
    portEXIT_CRITICAL(&s_lock);
}

static void on_gate(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
    (void)xSemaphoreGive(s_held);
    (void)xSemaphoreTake(s_let_go, pdMS_TO_TICKS(HOLD_MS));
}

static void on_letter(const system_event_t *event, void *user_data)
{
    (void)user_data;
    if (s_ordered < sizeof(s_order)) {
        s_order[s_ordered++] = *(const uint8_t *)event->data;
    }
    (void)xSemaphoreGive(s_came);
}

static void on_timed(const system_event_t *event, void *user_data)
{
    (void)user_data;
    s_latency_us = (uint32_t)(esp_timer_get_time() - event->timestamp_us);
    (void)xSemaphoreGive(s_came);
}

/* ---- the service ------------------------------------------------------------------------------
 */

static esp_err_t subscribe_common(system_service_id_t id)
{
    static const struct {
        system_event_type_t type;
        system_event_handler_t handler;
    } wanted[] = {
        {SYSTEM_EVENT_HANDLER_SLOW, on_slow},          {SYSTEM_EVENT_QUOTA_VIOLATION, on_quota},
        {SYSTEM_EVENT_SERVICE_RESTARTING, on_service}, {SYSTEM_EVENT_SERVICE_RECOVERED, on_service},
        {SYSTEM_EVENT_SERVICE_PAUSED, on_service},     {SYSTEM_EVENT_SERVICE_RESUMED, on_service},
    };
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        ESP_RETURN_ON_ERROR(system_event_subscribe(id, wanted[i].type, wanted[i].handler, NULL),
                            TAG, "subscribe");
    }
    return ESP_OK;
}

static esp_err_t observer_begin(system_service_id_t id, void *arg)
{
    (void)arg;
    static const system_subscription_config_t patient = {.time_limit_ms = 2 * HOLD_MS};
    const struct {
        const char *name;
        system_event_handler_t handler;
        const system_subscription_config_t *config;
        system_event_type_t *type;
    } own[] = {
        {"demo.gate", on_gate, &patient, &s_gate},
        {"demo.letter", on_letter, NULL, &s_letter},
        {"demo.timed", on_timed, NULL, &s_timed},
    };
    system_event_type_t sample;

    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
        ESP_RETURN_ON_ERROR(system_event_register_type(own[i].name, own[i].type), TAG, "type");
        ESP_RETURN_ON_ERROR(
            system_event_subscribe_ex(id, *own[i].type, own[i].handler, NULL, own[i].config, NULL),
            TAG, "subscribe");
    }
    ESP_RETURN_ON_ERROR(system_event_register_type(DEMO_SAMPLE_EVENT, &sample), TAG, "type");
    ESP_RETURN_ON_ERROR(system_event_subscribe(id, sample, on_sample, NULL), TAG, "subscribe");
    ESP_RETURN_ON_ERROR(
        system_event_subscribe_pattern(id, "hello.*", on_app_event, NULL, NULL, NULL), TAG,
        "subscribe");
    ESP_RETURN_ON_ERROR(
        system_event_subscribe_pattern(id, "goodbye.*", on_app_event, NULL, NULL, NULL), TAG,
        "subscribe");
    return subscribe_common(id);
}

static const service_quota_t s_quota = {
    .max_events_per_sec = 100000,
    .max_subscriptions = 16,
    .max_cpu_percent = 100,
};

static const system_service_descriptor_t s_descriptor = {
    .name = "demo.observer",
    .lifecycle = {.start = observer_begin},
    .quota = &s_quota,
};

esp_err_t demo_observer_start(void)
{
    s_held = xSemaphoreCreateBinaryStatic(&s_held_storage);
    s_let_go = xSemaphoreCreateBinaryStatic(&s_let_go_storage);
    s_came = xSemaphoreCreateCountingStatic(sizeof(s_order), 0, &s_came_storage);
    ESP_RETURN_ON_ERROR(system_service_register(s_descriptor.name, &s_descriptor, &s_id), TAG,
                        "register");
    return system_service_start(s_id);
}

void demo_observer_stop(void)
{
    (void)system_service_unregister(s_id);
    s_id = SYSTEM_SERVICE_ID_NONE;
}

system_service_id_t demo_observer_id(void)
{
    return s_id;
}

demo_observed_t demo_observed(void)
{
    portENTER_CRITICAL(&s_lock);
    const demo_observed_t seen = s_seen;
    portEXIT_CRITICAL(&s_lock);
    return seen;
}

void demo_observer_reset(void)
{
    portENTER_CRITICAL(&s_lock);
    s_seen = (demo_observed_t){0};
    portEXIT_CRITICAL(&s_lock);
}

/* ---- priorities -------------------------------------------------------------------------------
 */

static const uint8_t s_priorities[SYSTEM_EVENT_LANES] = {
    SYSTEM_EVENT_PRIORITY_CRITICAL,
    SYSTEM_EVENT_PRIORITY_HIGH,
    SYSTEM_EVENT_PRIORITY_NORMAL,
    SYSTEM_EVENT_PRIORITY_LOW,
};

/** Wait for n letters or timed events. @return how many came */
static unsigned wait_for(unsigned n)
{
    unsigned came = 0;
    while (came < n && xSemaphoreTake(s_came, pdMS_TO_TICKS(DELIVERY_MS)) == pdTRUE) {
        came++;
    }
    return came;
}

unsigned demo_observer_order(uint8_t order[SYSTEM_EVENT_LANES * DEMO_LETTERS])
{
    unsigned posted = 0;

    s_ordered = 0;
    if (system_event_post(s_id, s_gate, NULL, 0, SYSTEM_EVENT_PRIORITY_NORMAL) != ESP_OK ||
        xSemaphoreTake(s_held, pdMS_TO_TICKS(DELIVERY_MS)) != pdTRUE) {
        return 0;
    }
    for (unsigned lane = SYSTEM_EVENT_LANES; lane-- > 0;) {
        const uint8_t payload = (uint8_t)lane;
        for (unsigned i = 0; i < DEMO_LETTERS; i++) {
            posted += system_event_post(s_id, s_letter, &payload, sizeof(payload),
                                        s_priorities[lane]) == ESP_OK;
        }
    }
    (void)xSemaphoreGive(s_let_go);
    const unsigned came = wait_for(posted);
    memcpy(order, s_order, sizeof(s_order));
    return came;
}

static int by_value(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a;
    const uint32_t y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

unsigned demo_observer_latency(uint8_t priority, uint32_t *p50_us, uint32_t *max_us)
{
    static EXT_RAM_BSS_ATTR uint32_t s_times[DEMO_TIMED];
    unsigned came = 0;

    while (came < DEMO_TIMED && system_event_post(s_id, s_timed, NULL, 0, priority) == ESP_OK &&
           wait_for(1) == 1) {
        s_times[came++] = s_latency_us;
    }
    qsort(s_times, came, sizeof(s_times[0]), by_value);
    *p50_us = came != 0 ? s_times[came / 2] : 0;
    *max_us = came != 0 ? s_times[came - 1] : 0;
    return came;
}
