/* SPDX-License-Identifier: Apache-2.0 */
/* Kraken-OS with everything switched on: quotas, monitors, statistics, recorder. */

#include <inttypes.h>
#include <stdio.h>

#include "esp_log.h"
#include "esp_timer.h"
#include "freertos/FreeRTOS.h"
#include "freertos/semphr.h"

#include "bench_idf.h"
#include "flight_recorder_internal.h"
#include "system_service/event_bus.h"
#include "system_service/flight_recorder.h"
#include "system_service/memory_pool.h"
#include "system_service/resource_quota.h"
#include "system_service/service_manager.h"
#include "system_service/system_service.h"

#define SUBSCRIBERS 8u

static const uint8_t s_payload[BENCH_PAYLOAD] __attribute__((aligned(4)));
static system_service_id_t s_poster;
static SemaphoreHandle_t s_held;
static int64_t s_now_us;

typedef struct {
    system_event_type_t type;
    uint8_t priority;
} how_t;

static system_service_id_t service(const char *name)
{
    static const service_quota_t wide = {
        .max_events_per_sec = 1000000,
        .max_subscriptions = 16,
        .max_event_data_size = 4096,
        .max_memory_bytes = 64 * 1024,
        .max_cpu_percent = 99,
    };
    system_service_id_t id;
    BENCH_CHECK(system_service_register(name, NULL, &id) == ESP_OK);
    BENCH_CHECK(quota_set(id, &wide) == ESP_OK);
    return id;
}

static system_event_type_t type(const char *name)
{
    system_event_type_t number = SYSTEM_EVENT_TYPE_NONE;
    BENCH_CHECK(system_event_register_type(name, &number) == ESP_OK);
    return number;
}

static void on_event(const system_event_t *event, void *user_data)
{
    (void)event, (void)user_data;
    bench_arrived();
}

/** A subscriber that does not come back for a while: its backlog stays. */
static void on_held(const system_event_t *event, void *user_data)
{
    (void)event, (void)user_data;
    (void)xSemaphoreTake(s_held, portMAX_DELAY);
}

static void post(void *arg)
{
    const how_t *how = arg;
    BENCH_CHECK(system_event_post(s_poster, how->type, s_payload, sizeof(s_payload),
                                  how->priority) == ESP_OK);
}

/* ---- the rest of the table ---- */

static void pool(void *arg)
{
    void *volatile block = memory_pool_alloc(BENCH_PAYLOAD);
    (void)arg;
    (void)memory_pool_free(block);
}

static void mark(void *arg)
{
    (void)arg;
    flight_recorder_mark(1, 2);
}

/** As system_event_post() does for CRITICAL, which has looked at the clock already. */
static void record(void *arg)
{
    flight_record_post(s_poster, *(const system_event_type_t *)arg, BENCH_PAYLOAD, s_now_us);
}

/* ---- measuring ---- */

static system_event_type_t bench_subscribers(void)
{
    char name[24];
    system_event_type_t one = SYSTEM_EVENT_TYPE_NONE;
    uint32_t first = 0;
    uint32_t last = 0;
    system_service_id_t ids[SUBSCRIBERS];
    for (unsigned i = 0; i < SUBSCRIBERS; i++) {
        snprintf(name, sizeof(name), "sub%u", i);
        ids[i] = service(name);
    }
    for (unsigned n = 1; n <= SUBSCRIBERS; n *= SUBSCRIBERS) {
        snprintf(name, sizeof(name), "bench.of%u", n);
        how_t how = {type(name), SYSTEM_EVENT_PRIORITY_NORMAL};
        for (unsigned i = 0; i < n; i++) {
            BENCH_CHECK(system_event_subscribe(ids[i], how.type, on_event, NULL) == ESP_OK);
        }
        if (n == 1) {
            one = how.type;
        }
        BENCH_CHECK(system_service_attach_task(s_poster) == ESP_OK);
        if (n == 1) {
            bench_alone("Kraken-OS, NORMAL", post, &how);
            how.priority = SYSTEM_EVENT_PRIORITY_CRITICAL;
            bench_alone("Kraken-OS, CRITICAL", post, &how);
            how.priority = SYSTEM_EVENT_PRIORITY_NORMAL;
        }
        last = bench_burst(n == 1 ? "Kraken-OS, burst of 32, each"
                                  : "Kraken-OS, burst of 32, 8 subscribers, each",
                           post, &how, n);
        first = n == 1 ? last : first;
        BENCH_CHECK(system_service_detach_task() == ESP_OK);
    }
    bench_print("Kraken-OS, each further subscriber, burst", (last - first) / (SUBSCRIBERS - 1));
    return one;
}

/** CRITICAL to one subscriber while another has a full LOW lane and a handler that does not return.
 */
static void bench_backlog(system_event_type_t one)
{
    const system_event_type_t slow = type("bench.slow");
    const system_service_id_t other = service("slow");
    how_t how = {one, SYSTEM_EVENT_PRIORITY_CRITICAL};
    unsigned queued = 0;
    s_held = xSemaphoreCreateCounting(64, 0);
    BENCH_CHECK(s_held != NULL);
    BENCH_CHECK(system_event_subscribe(other, slow, on_held, NULL) == ESP_OK);
    BENCH_CHECK(system_service_attach_task(s_poster) == ESP_OK);
    while (system_event_post(s_poster, slow, s_payload, sizeof(s_payload),
                             SYSTEM_EVENT_PRIORITY_LOW) == ESP_OK) {
        BENCH_CHECK(++queued < 64);
    }
    BENCH_CHECK(queued >= CONFIG_SYSTEM_QUEUE_LOW);
    bench_alone("Kraken-OS, CRITICAL, full LOW backlog beside", post, &how);
    for (unsigned i = 0; i < 64; i++) {
        (void)xSemaphoreGive(s_held);
    }
    vTaskDelay(pdMS_TO_TICKS(50));
    BENCH_CHECK(system_service_detach_task() == ESP_OK);
}

void bench_kraken(void)
{
    system_secure_key_t key;
    esp_log_level_set("*", ESP_LOG_WARN);
    BENCH_CHECK(system_service_init(&key) == ESP_OK);
    s_poster = service("poster");
    const system_event_type_t one = bench_subscribers();
    bench_backlog(one);
    BENCH_CHECK(system_service_seal(key) == ESP_OK);
    BENCH_CHECK(system_service_attach_task(s_poster) == ESP_OK);
    bench_call("Kraken-OS, pool: allocate and free", pool, NULL);
    system_event_type_t recorded = one;
    s_now_us = esp_timer_get_time();
    bench_call("Kraken-OS, flight recorder: record of an event", record, &recorded);
    bench_call("Kraken-OS, flight recorder: mark, clock and task too", mark, NULL);
    how_t how = {one, SYSTEM_EVENT_PRIORITY_NORMAL};
    (void)bench_burst("Kraken-OS, burst of 32, sealed, each", post, &how, 1);
    BENCH_CHECK(system_service_detach_task() == ESP_OK);
    bench_print("Kraken-OS, heap calls of the bus since the seal", system_seal_violations());
}
