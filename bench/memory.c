// SPDX-License-Identifier: Apache-2.0

// RAM that the core takes from the heap when it comes up, and per service and subscription.

#include <stdlib.h>

#include "esp_heap_caps.h"

#include "bench.h"

static size_t free_bytes(void)
{
    return heap_caps_get_free_size(MALLOC_CAP_INTERNAL | MALLOC_CAP_8BIT);
}

static void on_event(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
}

static void run(const bench_args_t *args)
{
    (void)args;
    const size_t before = free_bytes();
    (void)bench_system_up();
    const size_t up = free_bytes();
    const system_service_id_t service = bench_service("memory");
    const system_event_type_t type = bench_type("bench.memory");
    BENCH_CHECK(system_event_subscribe(service, type, on_event, NULL) == ESP_OK);
    const size_t subscribed = free_bytes();
    BENCH_CHECK(system_event_post(service, type, NULL, 0, SYSTEM_EVENT_PRIORITY_NORMAL) == ESP_OK);
    bench_figure_count("heap_at_start", before - up);
    bench_figure_count("heap_per_service", up - subscribed);
    bench_figure_count("heap_per_event", subscribed - free_bytes());
}

const bench_case_t bench_case_memory = {
    .name = "memory",
    .help = "heap that the core takes",
    .sched = HOST_SCHED_SIM,
    .run = run,
};
