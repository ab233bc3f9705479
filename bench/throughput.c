// SPDX-License-Identifier: Apache-2.0

// Events a second from one publisher. mode=burst: 32 events, then wait until all were handled, as
// devices do; mode=stream: as many as the system takes.

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "bench.h"
#include "event_system.h"

#define BURST 32

static _Atomic uint32_t s_handled;
static _Atomic uint32_t s_target;
static TaskHandle_t s_main;

static void on_event(const void *data, size_t size)
{
    (void)data;
    (void)size;
    /* The one that reaches the target reports; later targets are set before their events. */
    if (atomic_fetch_add_explicit(&s_handled, 1, memory_order_acq_rel) + 1 ==
        atomic_load_explicit(&s_target, memory_order_acquire)) {
        xTaskNotifyGive(s_main);
    }
}

static void post_and_wait(const event_system_t *system, uint32_t events, unsigned subscribers,
                          const uint8_t *data, size_t size, unsigned priority)
{
    atomic_store(&s_target, atomic_load(&s_handled) + events * subscribers);
    for (uint32_t i = 0; i < events; i++) {
        system->post(data, size, priority);
    }
    if (ulTaskNotifyTake(pdTRUE, pdMS_TO_TICKS(60000)) == 0) {
        bench_fail("%s: handled %u of %u", system->name, (unsigned)atomic_load(&s_handled),
                   (unsigned)atomic_load(&s_target));
    }
}

static void run(const bench_args_t *args)
{
    const event_system_t *system = event_system_find(bench_arg(args, "system", "kraken"));
    const unsigned subscribers = bench_arg_number(args, "subscribers", 1, 1, 8);
    const size_t size = bench_arg_number(args, "size", 32, 0, 4096);
    const unsigned priority =
        bench_arg_number(args, "priority", SYSTEM_EVENT_PRIORITY_NORMAL, 0, 255);
    const bool burst = strcmp(bench_arg(args, "mode", "burst"), "burst") == 0;
    const uint32_t rounds = bench_arg_number(args, "events", 32000, 1, 100000000) / BURST;
    static uint8_t data[4096];
    s_main = xTaskGetCurrentTaskHandle();
    memset(data, 0x5A, sizeof(data));
    system->start(subscribers, size, on_event);
    for (uint32_t warm = 0; warm < 20; warm++) {
        post_and_wait(system, BURST, subscribers, data, size, priority);
    }
    const uint64_t start = bench_now_ns();
    for (uint32_t round = 0; burst && round < rounds; round++) {
        post_and_wait(system, BURST, subscribers, data, size, priority);
    }
    if (!burst) {
        post_and_wait(system, rounds * BURST, subscribers, data, size, priority);
    }
    const uint64_t ns = bench_now_ns() - start;
    bench_figure("events_per_s", (double)rounds * BURST * 1e9 / (double)ns);
    bench_figure_count("handled", atomic_load(&s_handled));
    system->stop();
}

const bench_case_t bench_case_throughput = {
    .name = "throughput",
    .help = "system= subscribers= size= priority= mode=burst|stream events=",
    .sched = HOST_SCHED_THREADS,
    .run = run,
};
