// SPDX-License-Identifier: Apache-2.0

// Does one publisher stand in the way of another? Each has a core, a service and a type of its own
// and posts as fast as it can; nobody subscribes, so what is measured is the post itself: quota,
// pool block, sequence number, route. With subscribers two cores would be busy with one publisher.

#include <stdatomic.h>
#include <stdio.h>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "bench.h"
#include "system_service/event_bus.h"

#define MOST 2u
/* The highest rate of a quota is 1,000,000 events a second: in the names of several in turn. */
#define NAMES 4u

typedef struct {
    system_service_id_t ids[NAMES];
    system_event_type_t type;
    uint32_t events;
} producer_t;

static TaskHandle_t s_main;
static _Atomic bool s_go;

static void produce(void *arg)
{
    const producer_t *p = arg;
    static const uint8_t data[32];
    while (!atomic_load(&s_go)) {
        vTaskDelay(1);
    }
    for (uint32_t i = 0; i < p->events; i++) {
        BENCH_CHECK(system_event_post(p->ids[i % NAMES], p->type, data, sizeof(data),
                                      SYSTEM_EVENT_PRIORITY_NORMAL) == ESP_OK);
    }
    xTaskNotifyGive(s_main);
    vTaskDelete(NULL);
}

static void run(const bench_args_t *args)
{
    static producer_t producers[MOST];
    const unsigned count = bench_arg_number(args, "producers", 1, 1, MOST);
    const uint32_t events = bench_arg_number(args, "events", 200000, 1, 100000000);
    s_main = xTaskGetCurrentTaskHandle();
    (void)bench_system_up();
    for (unsigned i = 0; i < count; i++) {
        char name[24];
        for (unsigned n = 0; n < NAMES; n++) {
            snprintf(name, sizeof(name), "producer%u.%u", i, n);
            producers[i].ids[n] = bench_service(name);
        }
        producers[i].type = bench_type(name);
        producers[i].events = events / count;
        BENCH_CHECK(xTaskCreatePinnedToCore(produce, name, 8192, &producers[i], 1, NULL,
                                            (BaseType_t)i) == pdPASS);
    }
    const uint64_t start = bench_now_ns();
    atomic_store(&s_go, true);
    for (unsigned i = 0; i < count;) {
        i += ulTaskNotifyTake(pdTRUE, pdMS_TO_TICKS(60000));
    }
    bench_figure("posts_per_s",
                 (double)(events / count * count) * 1e9 / (double)(bench_now_ns() - start));
}

const bench_case_t bench_case_producers = {
    .name = "producers",
    .help = "producers=1|2 events=: posts a second of publishers on cores of their own",
    .sched = HOST_SCHED_THREADS,
    .run = run,
};
