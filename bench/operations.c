// SPDX-License-Identifier: Apache-2.0

// Instructions of each hot operation. Runs under valgrind's callgrind with --collect-atstart=no:
// collection is on between begin() and end() only, and each operation leaves one dump named
// "<operation> <times>". In the simulator one task runs at a time, so the counts are the same on
// every machine; bench/instructions.py adds them up by source file, ours apart from the board's.

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include <valgrind/callgrind.h>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "bench.h"
#include "event_internal.h"
#include "event_system.h"
#include "handler_monitor_internal.h"
#include "resource_quota_internal.h"
#include "system_service/event_timer.h"
#include "system_service/memory_pool.h"
#include "system_service/service_manager.h"
#include "system_service/service_watchdog.h"

#define TIMES   32
#define PAYLOAD 32u

static system_service_id_t s_poster, s_subscribers[8];
static system_event_type_t s_one, s_eight, s_none;
static _Atomic uint32_t s_handled;
static uint32_t s_target;
static TaskHandle_t s_main;
static uint8_t s_data[PAYLOAD];

/* ---- collecting ---- */

static inline void begin(void)
{
    CALLGRIND_TOGGLE_COLLECT;
}

static inline void end(void)
{
    CALLGRIND_TOGGLE_COLLECT;
}

static void dump(const char *operation, unsigned times)
{
    char text[64];
    snprintf(text, sizeof(text), "%s %u", operation, times);
    CALLGRIND_DUMP_STATS_AT(text); /* also sets the counts to zero */
}

/* ---- helpers ---- */

static void arrived(void)
{
    if (atomic_fetch_add(&s_handled, 1) + 1 == s_target) {
        xTaskNotifyGive(s_main);
    }
}

static void on_event(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
    arrived();
}

static void on_exchange(const void *data, size_t size)
{
    (void)data;
    (void)size;
    arrived();
}

static void expect(uint32_t deliveries)
{
    s_target = atomic_load(&s_handled) + deliveries;
}

static void drain(void)
{
    BENCH_CHECK(ulTaskNotifyTake(pdTRUE, pdMS_TO_TICKS(10000)) != 0);
    vTaskDelay(2); /* until the workers sleep again */
}

static void post(system_event_type_t type, uint8_t priority)
{
    BENCH_CHECK(system_event_post(s_poster, type, s_data, sizeof(s_data), priority) == ESP_OK);
}

/* ---- the bus ---- */

static void count_posts(void)
{
    for (unsigned i = 0; i < TIMES; i++) { /* to a mailbox whose worker sleeps */
        expect(1);
        begin();
        post(s_one, SYSTEM_EVENT_PRIORITY_NORMAL);
        end();
        drain();
    }
    dump("post_idle", TIMES);
    expect(TIMES);
    for (unsigned i = 0; i < TIMES; i++) {
        begin();
        post(s_one, SYSTEM_EVENT_PRIORITY_NORMAL);
        end();
    }
    dump("post_burst", TIMES);
    begin();
    BENCH_CHECK(ulTaskNotifyTake(pdTRUE, pdMS_TO_TICKS(10000)) != 0);
    end();
    dump("dispatch_burst", TIMES);
    vTaskDelay(2);
    for (unsigned i = 0; i < TIMES; i++) {
        expect(1);
        begin();
        post(s_one, SYSTEM_EVENT_PRIORITY_CRITICAL);
        BENCH_CHECK(ulTaskNotifyTake(pdTRUE, pdMS_TO_TICKS(10000)) != 0);
        end();
        vTaskDelay(2);
    }
    dump("round_trip_critical", TIMES);
    for (unsigned i = 0; i < TIMES; i++) {
        begin();
        post(s_none, SYSTEM_EVENT_PRIORITY_NORMAL);
        end();
    }
    dump("post_nobody", TIMES);
}

static void count_fanout(void)
{
    expect(8 * TIMES / 4);
    for (unsigned i = 0; i < TIMES / 4; i++) {
        begin();
        post(s_eight, SYSTEM_EVENT_PRIORITY_NORMAL);
        end();
    }
    dump("post_burst_8", TIMES / 4);
    begin();
    BENCH_CHECK(ulTaskNotifyTake(pdTRUE, pdMS_TO_TICKS(10000)) != 0);
    end();
    dump("dispatch_burst_8", TIMES / 4);
    vTaskDelay(2);
}

static void post_as_interrupt(void *arg)
{
    BaseType_t woken = pdFALSE;
    (void)arg;
    begin();
    const esp_err_t ret = system_event_post_from_isr(s_poster, s_one, s_data, sizeof(s_data),
                                                     SYSTEM_EVENT_PRIORITY_HIGH, &woken);
    end();
    BENCH_CHECK(ret == ESP_OK);
}

static void count_isr_posts(void)
{
    for (unsigned i = 0; i < TIMES; i++) {
        expect(1);
        host_isr_run(post_as_interrupt, NULL, 0);
        drain();
    }
    dump("post_from_isr", TIMES);
}

static void count_loans(void)
{
    void *payload[8];
    for (unsigned i = 0; i < 8; i++) {
        begin();
        const esp_err_t ret = system_event_loan(s_poster, PAYLOAD, &payload[i]);
        end();
        BENCH_CHECK(ret == ESP_OK);
    }
    dump("loan", 8);
    expect(8);
    for (unsigned i = 0; i < 8; i++) {
        begin();
        const esp_err_t ret = system_event_publish(s_poster, s_one, payload[i], PAYLOAD,
                                                   SYSTEM_EVENT_PRIORITY_NORMAL, NULL);
        end();
        BENCH_CHECK(ret == ESP_OK);
    }
    dump("publish", 8);
    drain();
}

static void count_subscribing(void)
{
    system_subscription_t subscriptions[TIMES];
    static int user_data[TIMES];
    for (unsigned i = 0; i < TIMES; i++) {
        begin();
        const esp_err_t ret = system_event_subscribe_ex(s_poster, s_none, on_event, &user_data[i],
                                                        NULL, &subscriptions[i]);
        end();
        BENCH_CHECK(ret == ESP_OK);
    }
    dump("subscribe", TIMES);
    for (unsigned i = 0; i < TIMES; i++) {
        begin();
        const esp_err_t ret = system_event_unsubscribe(s_poster, subscriptions[i]);
        end();
        BENCH_CHECK(ret == ESP_OK);
    }
    dump("unsubscribe", TIMES);
}

/* ---- the rest ---- */

static void count_pool(void)
{
    void *blocks[TIMES];
    void *held[CONFIG_SYSTEM_POOL_SMALL_COUNT / 2];
    const unsigned many = sizeof(held) / sizeof(held[0]);
    for (unsigned i = 0; i < many; i++) { /* the same when half of the pool is gone? */
        held[i] = memory_pool_alloc(PAYLOAD);
        BENCH_CHECK(held[i] != NULL);
    }
    for (unsigned i = 0; i < TIMES; i++) {
        begin();
        blocks[i] = memory_pool_alloc(PAYLOAD);
        end();
        BENCH_CHECK(blocks[i] != NULL);
    }
    dump("pool_alloc_half_used", TIMES);
    for (unsigned i = 0; i < TIMES; i++) {
        BENCH_CHECK(memory_pool_free(blocks[i]) == ESP_OK);
    }
    for (unsigned i = 0; i < many; i++) {
        BENCH_CHECK(memory_pool_free(held[i]) == ESP_OK);
    }
    for (unsigned i = 0; i < TIMES; i++) {
        begin();
        blocks[i] = memory_pool_alloc(PAYLOAD);
        end();
        BENCH_CHECK(blocks[i] != NULL);
    }
    dump("pool_alloc", TIMES);
    for (unsigned i = 0; i < TIMES; i++) {
        begin();
        const esp_err_t ret = memory_pool_free(blocks[i]);
        end();
        BENCH_CHECK(ret == ESP_OK);
    }
    dump("pool_free", TIMES);
}

static void count_bookkeeping(void)
{
    const unsigned slot = system_id_slot(s_poster);
    for (unsigned i = 0; i < TIMES; i++) {
        begin();
        const esp_err_t ret = quota_charge_event(slot, PAYLOAD, 1000u * i);
        end();
        BENCH_CHECK(ret == ESP_OK);
    }
    dump("quota_charge", TIMES);
    for (unsigned i = 0; i < TIMES; i++) {
        begin();
        handler_monitor_record(0, 10u * i);
        end();
    }
    dump("handler_record", TIMES);
    for (unsigned i = 0; i < TIMES; i++) {
        begin();
        const esp_err_t ret = system_service_heartbeat(s_poster);
        end();
        BENCH_CHECK(ret == ESP_OK);
    }
    dump("heartbeat", TIMES);
}

static void count_timers(void)
{
    system_event_timer_t timers[8];
    for (unsigned i = 0; i < 8; i++) {
        begin();
        const esp_err_t ret = system_event_post_after(
            s_poster, s_none, NULL, 0, SYSTEM_EVENT_PRIORITY_NORMAL, 60000, &timers[i]);
        end();
        BENCH_CHECK(ret == ESP_OK);
    }
    dump("timer_start", 8);
    for (unsigned i = 0; i < 8; i++) {
        begin();
        const esp_err_t ret = system_event_timer_cancel(s_poster, timers[i]);
        end();
        BENCH_CHECK(ret == ESP_OK);
    }
    dump("timer_cancel", 8);
}

/* ---- any event system, all of it: the board's kernel calls too ---- */

static void count_exchange(const event_system_t *system)
{
    system->start(1, PAYLOAD, on_exchange);
    vTaskDelay(5);
    for (unsigned round = 0; round < 2; round++) { /* the first one warms up */
        for (unsigned i = 0; i < TIMES; i++) {
            expect(1);
            begin();
            system->post(s_data, PAYLOAD, SYSTEM_EVENT_PRIORITY_NORMAL);
            BENCH_CHECK(ulTaskNotifyTake(pdTRUE, pdMS_TO_TICKS(10000)) != 0);
            end();
            vTaskDelay(2);
        }
        dump(round == 0 ? "warm_up" : "round_trip", TIMES);
        expect(TIMES);
        begin();
        for (unsigned i = 0; i < TIMES; i++) {
            system->post(s_data, PAYLOAD, SYSTEM_EVENT_PRIORITY_NORMAL);
        }
        BENCH_CHECK(ulTaskNotifyTake(pdTRUE, pdMS_TO_TICKS(10000)) != 0);
        end();
        vTaskDelay(2);
        dump(round == 0 ? "warm_up" : "burst", TIMES);
    }
    system->stop();
}

/* ---- the case ---- */

static void set_up(void)
{
    char name[24];
    (void)bench_system_up();
    s_poster = bench_service("poster");
    BENCH_CHECK(system_service_attach_task(s_poster) == ESP_OK);
    BENCH_CHECK(watchdog_register_service(
                    s_poster, &(service_watchdog_config_t)SERVICE_WATCHDOG_CONFIG_DEFAULT()) ==
                ESP_OK);
    BENCH_CHECK(system_service_detach_task() == ESP_OK);
    s_one = bench_type("bench.one");
    s_eight = bench_type("bench.eight");
    s_none = bench_type("bench.none");
    for (unsigned i = 0; i < 8; i++) {
        snprintf(name, sizeof(name), "sub%u", i);
        s_subscribers[i] = bench_service(name);
        BENCH_CHECK(system_event_subscribe(s_subscribers[i], s_eight, on_event, NULL) == ESP_OK);
    }
    BENCH_CHECK(system_event_subscribe(s_subscribers[0], s_one, on_event, NULL) == ESP_OK);
    BENCH_CHECK(system_service_attach_task(s_poster) == ESP_OK);
}

static void run(const bench_args_t *args)
{
    const char *system = bench_arg(args, "system", NULL);
    s_main = xTaskGetCurrentTaskHandle();
    vTaskPrioritySet(NULL, CONFIG_SYSTEM_SUPERVISOR_PRIORITY + 2);
    if (system != NULL) {
        count_exchange(event_system_find(system));
        return;
    }
    set_up();
    /* Once to warm up: the first use of a thing may set something up. */
    for (unsigned i = 0; i < 2; i++) {
        count_posts();
        count_fanout();
        count_isr_posts();
        count_loans();
        count_subscribing();
        count_pool();
        count_bookkeeping();
        count_timers();
    }
    bench_figure_count("handled", atomic_load(&s_handled));
}

const bench_case_t bench_case_operations = {
    .name = "operations",
    .help = "[system=]: under callgrind, see bench/instructions.py",
    .sched = HOST_SCHED_SIM,
    .run = run,
};

/* ---- what does not take part costs nothing ---- */

static void run_scale(const bench_args_t *args)
{
    const unsigned services = bench_arg_number(args, "services", 0, 0, SYSTEM_SLOTS);
    const unsigned types = bench_arg_number(args, "types", 0, 0, CONFIG_SYSTEM_MAX_EVENT_TYPES);
    const unsigned subs =
        bench_arg_number(args, "subscriptions", 0, 0, CONFIG_SYSTEM_MAX_SUBSCRIPTIONS);
    static int user_data[CONFIG_SYSTEM_MAX_SUBSCRIPTIONS];
    char name[24];
    s_main = xTaskGetCurrentTaskHandle();
    vTaskPrioritySet(NULL, CONFIG_SYSTEM_SUPERVISOR_PRIORITY + 2);
    (void)bench_system_up();
    s_poster = bench_service("poster");
    s_subscribers[0] = bench_service("receiver");
    for (unsigned i = 0; i < types; i++) {
        snprintf(name, sizeof(name), "other.%u", i);
        (void)bench_type(name);
    }
    for (unsigned i = 0; i < services; i++) {
        snprintf(name, sizeof(name), "other%u", i);
        const system_service_id_t other = bench_service(name);
        for (unsigned n = i; types != 0 && n < subs; n += services) {
            snprintf(name, sizeof(name), "other.%u", n % types);
            BENCH_CHECK(system_event_subscribe(other, bench_type(name), on_event, &user_data[n]) ==
                        ESP_OK);
        }
    }
    s_one = bench_type("bench.one");
    BENCH_CHECK(system_event_subscribe(s_subscribers[0], s_one, on_event, NULL) == ESP_OK);
    for (unsigned round = 0; round < 2; round++) {
        expect(TIMES);
        begin();
        for (unsigned i = 0; i < TIMES; i++) {
            post(s_one, SYSTEM_EVENT_PRIORITY_NORMAL);
        }
        BENCH_CHECK(ulTaskNotifyTake(pdTRUE, pdMS_TO_TICKS(10000)) != 0);
        end();
        vTaskDelay(2);
        dump("event", TIMES);
    }
}

const bench_case_t bench_case_scale = {
    .name = "scale",
    .help = "services= types= subscriptions= that take no part: under callgrind",
    .sched = HOST_SCHED_SIM,
    .run = run_scale,
};
