// SPDX-License-Identifier: Apache-2.0

// RAM that the core takes from the heap when it comes up, and per service and subscription.

#include <stddef.h>

#include "esp_heap_caps.h"

#include "bench.h"
#include "event_internal.h"
#include "service_record.h"

static size_t free_bytes(void)
{
    return heap_caps_get_free_size(MALLOC_CAP_INTERNAL | MALLOC_CAP_8BIT);
}

static void on_event(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
}

/** Bytes between two blocks of the smallest class beyond its payload: guard and sequence. */
static size_t tail_bytes(system_service_id_t service)
{
    void *blocks[2];
    for (unsigned i = 0; i < 2; i++) {
        BENCH_CHECK(system_event_loan(service, 64, &blocks[i]) == ESP_OK);
    }
    const ptrdiff_t apart = (const uint8_t *)blocks[1] - (const uint8_t *)blocks[0];
    for (unsigned i = 0; i < 2; i++) {
        BENCH_CHECK(system_event_return(service, blocks[i]) == ESP_OK);
    }
    return (size_t)(apart < 0 ? -apart : apart) - 64;
}

static void run(const bench_args_t *args)
{
    (void)args;
    const size_t before = free_bytes();
    (void)bench_system_up();
    const size_t up = free_bytes();
    const system_service_id_t service = bench_service("memory");
    const system_event_type_t type = bench_type("bench.memory");
    const size_t registered = free_bytes();
    BENCH_CHECK(system_event_subscribe(service, type, on_event, NULL) == ESP_OK);
    const size_t subscribed = free_bytes();
    BENCH_CHECK(system_event_post(service, type, NULL, 0, SYSTEM_EVENT_PRIORITY_NORMAL) == ESP_OK);
    const size_t posted = free_bytes();
    const size_t tail = tail_bytes(service);
    bench_figure_count("heap_at_start", before - up);
    bench_figure_count("heap_per_service", up - registered);
    bench_figure_count("heap_per_subscription", registered - subscribed);
    bench_figure_count("heap_per_event", subscribed - posted);
    /* None of the three holds a pointer: they are the same on the device. */
    bench_figure_count("event_header", sizeof(pool_block_t));
    bench_figure_count("event_tail", tail);
    bench_figure_count("event_mailbox_entry", sizeof(queue_entry_t));
    bench_figure_count("event_bookkeeping", sizeof(pool_block_t) + tail + sizeof(queue_entry_t));
    bench_figure_count("static_per_owner_slot", sizeof(service_record_t) + sizeof(mailbox_t));
    bench_figure_count("static_per_subscription", sizeof(event_sub_t));
}

const bench_case_t bench_case_memory = {
    .name = "memory",
    .help = "heap that the core takes",
    .sched = HOST_SCHED_SIM,
    .run = run,
};
