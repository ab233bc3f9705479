/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hot operations on a bare LX7-generation core, with everything switched on. One line for each:
 *   = name times instructions kernel-instructions longest-critical stretches calls...
 * "kernel" is what passed inside kernel calls; lx7.py takes it and the cost of counting off, which
 * is paid for each stretch and each call.
 */
#include "esp_timer.h"

#include "event_internal.h"
#include "flight_recorder_internal.h"
#include "handler_monitor_internal.h"
#include "lx7.h"
#include "resource_quota_internal.h"
#include "service_record.h"
#include "system_service/memory_pool.h"
#include "system_service/resource_quota.h"
#include "system_service/service_manager.h"

#define TIMES       32u
#define PAYLOAD     32u
#define BELOW       1u /* a worker that is notified runs at once */
#define ABOVE       30u
#define SUBSCRIBERS 8u

static system_service_id_t s_poster;
static system_event_type_t s_one, s_eight, s_nine, s_none;
static lx7_count_t s_arrival;
static uint32_t s_handled;
static uint8_t s_data[PAYLOAD] __attribute__((aligned(4)));

/* ---- helpers ---- */

static void check(esp_err_t ret, const char *what)
{
    if (ret != ESP_OK) {
        lx7_fail(what, (uint32_t)ret);
    }
}

static void print(const char *name, uint32_t times, const lx7_count_t *count)
{
    lx7_put("= ");
    lx7_put(name);
    const uint32_t numbers[] = {times, LX7_INSTRUCTIONS(count->ticks, 1u),
                                LX7_INSTRUCTIONS(count->kernel, 1u),
                                LX7_INSTRUCTIONS(count->longest_critical, 1u), count->stretches};
    for (unsigned i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        lx7_put(" ");
        lx7_put_number(numbers[i]);
    }
    for (unsigned i = 0; i < LX7_KINDS; i++) {
        lx7_put(" ");
        lx7_put_number(count->calls[i]);
    }
    lx7_put("\n");
}

static void on_event(const system_event_t *event, void *user_data)
{
    (void)event, (void)user_data;
    s_handled++;
}

static void on_arrival(const system_event_t *event, void *user_data)
{
    (void)event, (void)user_data;
    lx7_look(&s_arrival);
    s_handled++;
}

/* ---- what is counted ---- */

/** What the brackets cost: calls of the kernel that do nothing. */
static void count_counting(void)
{
    lx7_count_t count = {0};
    lx7_begin();
    lx7_end(&count);
    print("empty", 1, &count);
    count = (lx7_count_t){0};
    lx7_begin();
    lx7_nothing();
    lx7_nothing();
    lx7_nothing();
    lx7_nothing();
    lx7_nothing();
    lx7_nothing();
    lx7_nothing();
    lx7_nothing();
    lx7_end(&count);
    print("nothing", 8, &count);
}

static void count_pool(void)
{
    void *blocks[TIMES];
    lx7_count_t take = {0};
    lx7_count_t give = {0};
    for (unsigned i = 0; i < TIMES; i++) {
        lx7_begin();
        blocks[i] = memory_pool_alloc(PAYLOAD);
        lx7_end(&take);
        if (blocks[i] == NULL) {
            lx7_fail("alloc", i);
        }
    }
    for (unsigned i = 0; i < TIMES; i++) {
        lx7_begin();
        const esp_err_t ret = memory_pool_free(blocks[i]);
        lx7_end(&give);
        check(ret, "free");
    }
    print("pool_alloc", TIMES, &take);
    print("pool_free", TIMES, &give);
}

static void count_bookkeeping(void)
{
    const unsigned slot = system_id_slot(s_poster);
    lx7_count_t quota = {0};
    lx7_count_t handler = {0};
    lx7_count_t record = {0};
    for (unsigned i = 0; i < TIMES; i++) {
        const int64_t now_us = esp_timer_get_time();
        lx7_begin();
        const esp_err_t ret = quota_charge_event(slot, PAYLOAD, (uint32_t)now_us);
        lx7_end(&quota);
        check(ret, "quota");
        lx7_begin();
        handler_monitor_record(0, 10u * i);
        lx7_end(&handler);
        lx7_begin();
        flight_record_post(s_poster, s_none, PAYLOAD, now_us);
        lx7_end(&record);
    }
    print("quota_charge", TIMES, &quota);
    print("handler_record", TIMES, &handler);
    print("recorder", TIMES, &record);
}

static void count_burst(const char *posting, const char *dispatching, system_event_type_t type,
                        unsigned times)
{
    lx7_count_t posts = {0};
    lx7_count_t handlers = {0};
    lx7_set_priority(ABOVE);
    for (unsigned round = 0; round < TIMES / times; round++) {
        for (unsigned i = 0; i < times; i++) {
            lx7_begin();
            const esp_err_t ret = system_event_post(s_poster, type, s_data, sizeof(s_data),
                                                    SYSTEM_EVENT_PRIORITY_NORMAL);
            lx7_end(&posts);
            check(ret, posting);
        }
        lx7_begin();
        lx7_drain();
        lx7_end(&handlers);
    }
    lx7_set_priority(BELOW);
    print(posting, TIMES, &posts);
    print(dispatching, TIMES, &handlers);
}

static void count_alone(const char *whole, const char *one_way, uint8_t priority)
{
    lx7_count_t count = {0};
    s_arrival = (lx7_count_t){0};
    for (unsigned i = 0; i < TIMES; i++) {
        lx7_begin();
        const esp_err_t ret = system_event_post(s_poster, s_one, s_data, sizeof(s_data), priority);
        lx7_drain(); /* whoever is not above the poster runs now */
        lx7_end(&count);
        check(ret, whole);
    }
    print(whole, TIMES, &count);
    print(one_way, TIMES, &s_arrival);
}

static void count_isr(void)
{
    lx7_count_t count = {0};
    for (unsigned i = 0; i < TIMES; i++) {
        BaseType_t woken = pdFALSE;
        lx7_set_isr(pdTRUE);
        lx7_begin();
        const esp_err_t ret = system_event_post_from_isr(s_poster, s_one, s_data, sizeof(s_data),
                                                         SYSTEM_EVENT_PRIORITY_HIGH, &woken);
        lx7_end(&count);
        lx7_set_isr(pdFALSE);
        check(ret, "isr");
        lx7_drain();
    }
    print("post_from_isr", TIMES, &count);
}

static void count_loans(void)
{
    lx7_count_t loans = {0};
    lx7_count_t publishing = {0};
    lx7_set_priority(ABOVE);
    for (unsigned i = 0; i < TIMES; i++) {
        void *payload;
        lx7_begin();
        esp_err_t ret = system_event_loan(s_poster, PAYLOAD, &payload);
        lx7_end(&loans);
        check(ret, "loan");
        lx7_begin();
        ret = system_event_publish(s_poster, s_one, payload, PAYLOAD, SYSTEM_EVENT_PRIORITY_NORMAL,
                                   NULL);
        lx7_end(&publishing);
        check(ret, "publish");
    }
    lx7_drain();
    lx7_set_priority(BELOW);
    print("loan", TIMES, &loans);
    print("publish", TIMES, &publishing);
}

static void count_nobody(void)
{
    lx7_count_t count = {0};
    for (unsigned i = 0; i < TIMES; i++) {
        lx7_begin();
        const esp_err_t ret = system_event_post(s_poster, s_none, s_data, sizeof(s_data),
                                                SYSTEM_EVENT_PRIORITY_NORMAL);
        lx7_end(&count);
        check(ret, "nobody");
    }
    print("post_nobody", TIMES, &count);
}

/* ---- setting up ---- */

static system_service_id_t service(const char *name)
{
    static const service_quota_t wide = {
        .max_events_per_sec = 1000000,
        .max_subscriptions = 64,
        .max_event_data_size = 4096,
        .max_memory_bytes = 1024 * 1024,
        .max_cpu_percent = 50,
    };
    system_service_id_t id;
    check(system_service_register(name, NULL, &id), name);
    check(quota_set(id, &wide), name);
    return id;
}

static system_event_type_t type(const char *name)
{
    system_event_type_t number = SYSTEM_EVENT_TYPE_NONE;
    check(system_event_register_type(name, &number), name);
    return number;
}

static void set_up(void)
{
    static char names[SUBSCRIBERS][8] = {"sub0", "sub1", "sub2", "sub3",
                                         "sub4", "sub5", "sub6", "sub7"};
    lx7_core_init();
    s_poster = service("poster");
    s_one = type("bench.one");
    s_eight = type("bench.eight");
    s_nine = type("bench.nine");
    s_none = type("bench.none");
    for (unsigned i = 0; i < SUBSCRIBERS; i++) {
        const system_service_id_t id = service(names[i]);
        check(system_event_subscribe(id, s_eight, on_event, NULL), "subscribe");
        if (i == 0) {
            check(system_event_subscribe(id, s_one, on_arrival, NULL), "subscribe");
            check(system_event_subscribe(id, s_nine, on_event, NULL), "subscribe");
        }
    }
    check(system_service_attach_task(s_poster), "attach"); /* what it takes is charged to it */
}

int lx7_main(void);
int lx7_main(void)
{
    set_up();
    count_counting();
    count_pool();
    count_bookkeeping();
    count_burst("post_burst", "dispatch_burst", s_nine, TIMES);
    count_burst("post_burst_8", "dispatch_burst_8", s_eight, 8);
    count_alone("idle", "one_way", SYSTEM_EVENT_PRIORITY_NORMAL);
    count_alone("idle_critical", "one_way_critical", SYSTEM_EVENT_PRIORITY_CRITICAL);
    count_isr();
    count_loans();
    count_nobody();
    lx7_put("= handled ");
    lx7_put_number(s_handled);
    lx7_put("\n");
    lx7_exit(0);
}
