// SPDX-License-Identifier: Apache-2.0

// From before the post to the first line of the handler, one event at a time. load=flood: another
// task keeps the mailbox of another subscriber full of LOW events, or the loop where there is one.

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "bench.h"
#include "event_system.h"

#define SAMPLES_MAX      100000u
#define SUBSCRIBERS_MAX  8
#define FLOOD_HANDLER_US 20

static _Atomic uint64_t s_posted_ns;
static uint64_t s_samples[SAMPLES_MAX * SUBSCRIBERS_MAX];
static _Atomic uint32_t s_taken;
static uint32_t s_target;
static TaskHandle_t s_main;
static _Atomic uint32_t s_stop, s_stopped, s_flooded, s_refused;

static void on_event(const void *data, size_t size)
{
    (void)data;
    (void)size;
    const uint64_t ns = bench_now_ns() - atomic_load(&s_posted_ns);
    const uint32_t n = atomic_fetch_add(&s_taken, 1);
    s_samples[n] = ns;
    if (n + 1 == s_target) {
        xTaskNotifyGive(s_main);
    }
}

static void on_low(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
    host_busy(FLOOD_HANDLER_US);
    atomic_fetch_add(&s_flooded, 1);
}

static void flood(void *arg)
{
    const system_service_id_t victim = bench_service("flooded");
    const system_service_id_t flooder = bench_service("flooder");
    const system_event_type_t low = bench_type("bench.low");
    (void)arg;
    BENCH_CHECK(system_event_subscribe(victim, low, on_low, NULL) == ESP_OK);
    while (!atomic_load(&s_stop)) {
        if (system_event_post(flooder, low, NULL, 0, SYSTEM_EVENT_PRIORITY_LOW) ==
            ESP_ERR_EVENT_QUEUE_FULL) {
            atomic_fetch_add(&s_refused, 1);
            /* Full: come back before it is empty, and leave a core to the others meanwhile. */
            vTaskDelay(0);
            host_busy(FLOOD_HANDLER_US);
        }
    }
    atomic_store(&s_stopped, 1);
    vTaskDelete(NULL);
}

static void start_flood(void)
{
    BENCH_CHECK(xTaskCreatePinnedToCore(flood, "flood", 8192, NULL, 2, NULL, 1) == pdPASS);
    while (atomic_load(&s_refused) == 0) {
        vTaskDelay(1);
    }
}

static void stop_flood(void)
{
    atomic_store(&s_stop, 1);
    while (!atomic_load(&s_stopped)) {
        vTaskDelay(1);
    }
    bench_figure_count("flood_handled", atomic_load(&s_flooded));
    bench_figure_count("flood_refused", atomic_load(&s_refused));
}

static void run(const bench_args_t *args)
{
    const event_system_t *system = event_system_find(bench_arg(args, "system", "kraken"));
    const unsigned subscribers = bench_arg_number(args, "subscribers", 1, 1, SUBSCRIBERS_MAX);
    const size_t size = bench_arg_number(args, "size", 32, 0, 4096);
    const unsigned priority =
        bench_arg_number(args, "priority", SYSTEM_EVENT_PRIORITY_NORMAL, 0, 255);
    const uint32_t samples = bench_arg_number(args, "samples", 500, 1, SAMPLES_MAX);
    const bool flooded = strcmp(bench_arg(args, "load", "idle"), "flood") == 0;
    static uint8_t data[4096];
    s_main = xTaskGetCurrentTaskHandle();
    system->start(subscribers, size, on_event);
    if (flooded) {
        BENCH_CHECK(system == &event_system_kraken);
        start_flood();
    }
    const uint32_t warm_up = 10;
    for (uint32_t i = 0; i < samples + warm_up; i++) {
        if (i == warm_up) {
            atomic_store(&s_taken, 0);
        }
        vTaskDelay(1); /* idle again: the worker sleeps */
        s_target = atomic_load(&s_taken) + subscribers;
        atomic_store(&s_posted_ns, bench_now_ns());
        system->post(data, size, priority);
        if (ulTaskNotifyTake(pdTRUE, pdMS_TO_TICKS(10000)) == 0) {
            bench_fail("%s: an event did not arrive within 10 s", system->name);
        }
    }
    bench_figure_percentiles("ns", s_samples, (size_t)samples * subscribers);
    if (flooded) {
        stop_flood();
    }
    system->stop();
}

const bench_case_t bench_case_latency = {
    .name = "latency",
    .help = "system= subscribers= size= priority= load=idle|flood samples=",
    .sched = HOST_SCHED_THREADS,
    .run = run,
};
