/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "event_internal.h"
#include "fake_registry.h"
#include "handler_monitor_internal.h"

/* The subscription table of the bus, as far as the monitor looks at it. */
event_sub_t event_subs[CONFIG_SYSTEM_MAX_SUBSCRIPTIONS];
static system_service_id_t s_audio, s_display;

static void subscribe(uint16_t sub, unsigned slot, system_event_type_t type)
{
    event_subs[sub].slot = (uint8_t)slot;
    event_subs[sub].type = type;
    handler_monitor_reset(sub);
}

static void unsubscribe(uint16_t sub)
{
    event_subs[sub].generation++;
}

static int setup(void **state)
{
    (void)state;
    memset(event_subs, 0, sizeof(event_subs));
    fake_registry_reset();
    s_audio = fake_registry_add(0, "audio", false);
    s_display = fake_registry_add(1, "display", false);
    handler_monitor_init();
    return 0;
}

static handler_stats_t of(system_service_id_t id)
{
    handler_stats_t stats;

    assert_int_equal(handler_monitor_get(id, &stats), ESP_OK);
    return stats;
}

static void test_nothing_recorded_yet(void **state)
{
    (void)state;
    size_t count = 0;

    assert_int_equal(handler_monitor_list(SYSTEM_SERVICE_ID_NONE, NULL, &count), ESP_OK);
    assert_int_equal(count, 0);
    const handler_stats_t stats = of(s_audio);
    assert_int_equal(stats.owner, s_audio);
    assert_int_equal(stats.calls + stats.p50_us + stats.p99_us + stats.max_us + stats.total_ms, 0);
}

static void test_counts_are_exact(void **state)
{
    (void)state;
    subscribe(5, 0, 9);
    for (uint32_t i = 0; i < 200000; i++) {
        handler_monitor_record(5, i % 1000);
    }
    handler_monitor_record(5, 123456);
    handler_monitor_note_slow(5);
    const handler_stats_t stats = of(s_audio);
    assert_int_equal(stats.calls, 200001);
    assert_int_equal(stats.max_us, 123456);
    assert_int_equal(stats.total_ms, (200 * 499500 + 123456) / 1000);
    assert_int_equal(stats.slow, 1);
    assert_int_equal(handler_monitor_total_slow(), 1);
}

static int by_value(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

/* The header states the error; hold it against the true percentiles of many distributions. */
static void test_percentiles_are_within_the_stated_error(void **state)
{
    (void)state;
    enum {
        RUNS = 5000
    };
    static uint32_t runs[RUNS];

    srand(1);
    for (int round = 0; round < 60; round++) {
        const uint32_t range = 30u << (round % 12);

        subscribe(7, 0, 1);
        for (int i = 0; i < RUNS; i++) {
            runs[i] = (uint32_t)rand() % range;
            runs[i] += rand() % 50 == 0 ? range * 4 : 0;
            handler_monitor_record(7, runs[i]);
        }
        qsort(runs, RUNS, sizeof(runs[0]), by_value);
        const uint32_t p50 = runs[(RUNS + 1) / 2 - 1], p99 = runs[RUNS * 99 / 100 - 1];
        const handler_stats_t stats = of(s_audio);
        assert_true(stats.p50_us >= p50 && stats.p99_us >= p99);
        assert_true(stats.p50_us <= (p50 <= 50 ? 50 : p50 > 100000 ? stats.max_us : p50 * 5 / 2));
        assert_true(stats.p99_us <= (p99 <= 50 ? 50 : p99 > 100000 ? stats.max_us : p99 * 5 / 2));
        unsubscribe(7);
    }
}

static void test_every_bound(void **state)
{
    (void)state;
    const uint32_t bounds[] = {50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000, 100000};

    for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
        subscribe(7, 0, 1);
        handler_monitor_record(7, 200000);
        handler_monitor_record(7, bounds[i]);
        assert_int_equal(of(s_audio).p50_us, bounds[i]);
        handler_monitor_reset(7);
        handler_monitor_record(7, 200000);
        handler_monitor_record(7, bounds[i] + 1);
        assert_true(of(s_audio).p50_us > bounds[i]);
        unsubscribe(7);
    }
}

static void test_full_ranges_are_halved_and_rare_runs_stay(void **state)
{
    (void)state;
    subscribe(0, 0, 1);
    for (int i = 0; i < 3; i++) {
        handler_monitor_record(0, 70000);
    }
    for (int i = 0; i < 400000; i++) {
        handler_monitor_record(0, 10);
    }
    handler_stats_t stats = of(s_audio);
    assert_int_equal(stats.calls, 400003);
    assert_int_equal(stats.p99_us, 50);
    assert_int_equal(stats.max_us, 70000);
    /* the histogram follows a change of behaviour */
    for (int i = 0; i < 70000; i++) {
        handler_monitor_record(0, 1500);
    }
    stats = of(s_audio);
    assert_int_equal(stats.p50_us, 2000);
}

static void test_longest_possible_run(void **state)
{
    (void)state;
    subscribe(0, 0, 1);
    handler_monitor_record(0, 999);
    handler_monitor_record(0, UINT32_MAX);
    const handler_stats_t stats = of(s_audio);
    assert_int_equal(stats.max_us, UINT32_MAX);
    assert_int_equal(stats.p99_us, UINT32_MAX);
    assert_int_equal(stats.total_ms, UINT32_MAX / 1000);
}

static void test_list_tellevent_subscriptions_apart(void **state)
{
    (void)state;
    handler_stats_t list[3];
    size_t count = 3;

    subscribe(2, 0, 11);
    subscribe(4, 1, 12);
    subscribe(6, 0, 13);
    handler_monitor_record(2, 10);
    handler_monitor_record(4, 20000);
    handler_monitor_record(4, 30);
    assert_int_equal(handler_monitor_list(SYSTEM_SERVICE_ID_NONE, list, &count), ESP_OK);
    assert_int_equal(count, 3);
    assert_int_equal(list[0].type, 11);
    assert_int_equal(list[0].p99_us, 10);
    assert_int_equal(list[1].owner, s_display);
    assert_int_equal(list[1].calls, 2);
    assert_int_equal(list[2].calls, 0);
    count = 3;
    assert_int_equal(handler_monitor_list(s_audio, list, &count), ESP_OK);
    assert_int_equal(count, 2);
    assert_int_equal(list[1].type, 13);
    count = 1;
    list[1].type = 99;
    assert_int_equal(handler_monitor_list(s_audio, list, &count), ESP_ERR_INVALID_SIZE);
    assert_int_equal(count, 2);
    assert_int_equal(list[1].type, 99);
    assert_int_equal(of(s_display).max_us, 20000);
}

/* T9: the handler statistics of a gone service were shown as those of the next owner. */
static void test_t9_nothing_is_inherited(void **state)
{
    (void)state;
    size_t count = 0;

    subscribe(2, 0, 11);
    handler_monitor_record(2, 5000);
    unsubscribe(2);
    assert_int_equal(handler_monitor_list(SYSTEM_SERVICE_ID_NONE, NULL, &count), ESP_OK);
    assert_int_equal(count, 0);
    subscribe(2, 1, 11);
    assert_int_equal(of(s_display).calls, 0);
    assert_int_equal(of(s_audio).max_us, 0);
    fake_registry_remove(1);
    assert_int_equal(handler_monitor_list(SYSTEM_SERVICE_ID_NONE, NULL, &count), ESP_OK);
    assert_int_equal(count, 0);
}

static void test_bad_arguments(void **state)
{
    (void)state;
    handler_stats_t stats;
    size_t count = 1;

    handler_monitor_record(CONFIG_SYSTEM_MAX_SUBSCRIPTIONS, 1);
    handler_monitor_record(SUB_PING, 1);
    handler_monitor_note_slow(SUB_NONE);
    handler_monitor_reset(SUB_NONE);
    assert_int_equal(handler_monitor_total_slow(), 0);
    assert_int_equal(handler_monitor_get(s_audio, NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(handler_monitor_get(0xABCD00, &stats), ESP_ERR_SERVICE_NOT_FOUND);
    assert_int_equal(handler_monitor_list(s_audio, &stats, NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(handler_monitor_list(s_audio, NULL, &count), ESP_ERR_INVALID_ARG);
    assert_int_equal(handler_monitor_list(0xABCD00, &stats, &count), ESP_ERR_SERVICE_NOT_FOUND);
    assert_false(fake_registry_locked());
}

#define TEST(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_nothing_recorded_yet),
        TEST(test_counts_are_exact),
        TEST(test_percentiles_are_within_the_stated_error),
        TEST(test_every_bound),
        TEST(test_full_ranges_are_halved_and_rare_runs_stay),
        TEST(test_longest_possible_run),
        TEST(test_list_tellevent_subscriptions_apart),
        TEST(test_t9_nothing_is_inherited),
        TEST(test_bad_arguments),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
