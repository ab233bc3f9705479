/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "esp_timer.h"

#include "fake_registry.h"
#include "resource_quota_internal.h"

#define SECOND INT64_C(1000000)

static system_service_id_t s_id;
static struct {
    unsigned calls;
    unsigned slot;
    quota_kind_t kind;
    uint32_t count;
} s_told;

static void told(unsigned slot, quota_kind_t kind, uint32_t count)
{
    s_told.calls++;
    s_told.slot = slot;
    s_told.kind = kind;
    s_told.count = count;
}

static int setup(void **state)
{
    (void)state;
    fake_registry_reset();
    fake_clock_set(5 * SECOND);
    quota_init();
    quota_set_violation_hook(told);
    s_told.calls = 0;
    s_id = fake_registry_add(3, "audio", false);
    quota_attach(3, NULL);
    return 0;
}

static uint32_t now(void)
{
    return (uint32_t)esp_timer_get_time();
}

/* Post as fast as it goes at this moment; how many were taken. */
static unsigned post_burst(unsigned slot, unsigned tries)
{
    unsigned taken = 0;

    for (unsigned i = 0; i < tries; i++) {
        taken += quota_charge_event(slot, 0, now()) == ESP_OK;
    }
    return taken;
}

static void set_rate(uint32_t rate)
{
    const service_quota_t q = {.max_events_per_sec = rate};

    assert_int_equal(quota_set(s_id, &q), ESP_OK);
}

static quota_usage_t usage(void)
{
    quota_usage_t u;

    assert_int_equal(quota_get_usage(s_id, &u), ESP_OK);
    return u;
}

/* A raise is of use at once: what the owner owes is events, not seconds at its old rate. */
static void test_a_raised_rate_counts_from_now_on(void **state)
{
    (void)state;
    set_rate(5);
    assert_int_equal(post_burst(3, 10), 5);
    set_rate(100);
    assert_int_equal(post_burst(3, 200), 95);
    set_rate(5);
    assert_int_equal(post_burst(3, 10), 0);
}

/* ---- reports -------------------------------------------------------------------------------- */

static void test_one_report_per_window(void **state)
{
    (void)state;
    set_rate(1);
    assert_int_equal(quota_poll_violations(), QUOTA_POLL_MAX_MS);
    post_burst(3, 11);
    assert_int_equal(quota_charge_event(3, 5000, now()), ESP_ERR_QUOTA_DATA_EXCEEDED);
    assert_int_equal(quota_poll_violations(), CONFIG_SYSTEM_QUOTA_VIOLATION_WINDOW_MS);
    assert_int_equal(s_told.calls, 1);
    assert_int_equal(s_told.slot, 3);
    assert_int_equal(s_told.kind, QUOTA_EVENTS);
    assert_int_equal(s_told.count, 10);
    post_burst(3, 11);
    quota_poll_violations();
    assert_int_equal(s_told.calls, 1);
    fake_clock_advance(CONFIG_SYSTEM_QUOTA_VIOLATION_WINDOW_MS * INT64_C(1000));
    quota_poll_violations();
    assert_int_equal(s_told.calls, 2);
    assert_int_equal(s_told.count, 11);
    assert_int_equal(quota_offence_streak(3), 2);
    fake_clock_advance(CONFIG_SYSTEM_QUOTA_VIOLATION_WINDOW_MS * INT64_C(1000));
    assert_int_equal(quota_poll_violations(), QUOTA_POLL_MAX_MS);
    assert_int_equal(s_told.calls, 2);
    assert_int_equal(quota_offence_streak(3), 0);
    assert_int_equal(quota_total_violations(QUOTA_EVENTS), 21);
    assert_int_equal(quota_total_violations(QUOTA_EVENT_DATA), 1);
    assert_int_equal(quota_total_violations(QUOTA_KINDS), 0);
}

static void offend(unsigned windows)
{
    for (unsigned i = 0; i < windows; i++) {
        post_burst(3, 200);
        quota_poll_violations();
        fake_clock_advance(CONFIG_SYSTEM_QUOTA_VIOLATION_WINDOW_MS * INT64_C(1000));
    }
}

static void test_repeat_offender_loses_its_burst_then_is_to_be_stopped(void **state)
{
    (void)state;
    set_rate(100);
    offend(CONFIG_SYSTEM_QUOTA_THROTTLE_WINDOWS - 1);
    assert_false(usage().throttled);
    offend(1);
    assert_true(usage().throttled);
    fake_clock_advance(5 * SECOND);
    assert_int_equal(post_burst(3, 200), 1);
    fake_clock_advance(SECOND / 100);
    assert_int_equal(post_burst(3, 200), 1);
    offend(CONFIG_SYSTEM_QUOTA_STOP_WINDOWS - CONFIG_SYSTEM_QUOTA_THROTTLE_WINDOWS - 1);
    assert_false(quota_should_stop(3));
    offend(1);
    assert_true(quota_should_stop(3));
    /* one quiet window and all is forgotten */
    fake_clock_advance(SECOND);
    quota_poll_violations();
    assert_false(quota_should_stop(3));
    assert_false(usage().throttled);
    fake_clock_advance(SECOND);
    assert_int_equal(post_burst(3, 200), 100);
}

static void test_throttling_survives_a_new_quota(void **state)
{
    (void)state;
    set_rate(100);
    offend(CONFIG_SYSTEM_QUOTA_THROTTLE_WINDOWS);
    set_rate(1000);
    fake_clock_advance(SECOND);
    assert_int_equal(post_burst(3, 200), 1);
    assert_int_equal(quota_reset_violations(s_id), ESP_OK);
    fake_clock_advance(2 * SECOND);
    assert_int_equal(post_burst(3, 2000), 1000);
    assert_int_equal(usage().violations[QUOTA_EVENTS], 1000);
}

/* ---- owners --------------------------------------------------------------------------------- */

/* D2: a service that never called quota_set() had no limits at all. */
static void test_d2_no_quota_means_the_defaults(void **state)
{
    (void)state;
    service_quota_t q;

    assert_int_equal(quota_get(s_id, &q), ESP_OK);
    assert_int_equal(q.max_events_per_sec, CONFIG_SYSTEM_QUOTA_EVENTS_PER_SEC);
    assert_int_equal(q.max_subscriptions, CONFIG_SYSTEM_QUOTA_SUBSCRIPTIONS);
    assert_int_equal(q.max_event_data_size, CONFIG_SYSTEM_QUOTA_EVENT_DATA_SIZE);
    assert_int_equal(q.max_memory_bytes, CONFIG_SYSTEM_QUOTA_MEMORY_BYTES);
    assert_int_equal(q.max_cpu_percent, CONFIG_SYSTEM_QUOTA_CPU_PERCENT);
    assert_int_equal(post_burst(3, 10000), CONFIG_SYSTEM_QUOTA_EVENTS_PER_SEC);
}

/* T9: the next owner of a slot inherited the quota and the counters of the one before. */
static void test_t9_nothing_is_inherited(void **state)
{
    (void)state;
    const service_quota_t q = {.max_events_per_sec = 5, .max_memory_bytes = 2000};

    assert_int_equal(quota_set(s_id, &q), ESP_OK);
    offend(CONFIG_SYSTEM_QUOTA_THROTTLE_WINDOWS);
    post_burst(3, 50);
    quota_charge_memory(3, 1500);
    quota_charge_subscription(3);
    quota_charge_cpu(3, 50 * 1000000u, now());
    quota_reclaim(3);
    fake_registry_remove(3);
    const system_service_id_t old = s_id;

    s_id = fake_registry_add(3, "display", false);
    quota_attach(3, NULL);
    quota_usage_t u;
    assert_int_equal(quota_get_usage(old, &u), ESP_ERR_SERVICE_STALE_ID);
    assert_int_equal(quota_set(old, &q), ESP_ERR_SERVICE_STALE_ID);
    assert_int_equal(quota_reset_violations(old), ESP_ERR_SERVICE_STALE_ID);
    u = usage();
    assert_int_equal(u.events_posted + u.subscriptions + u.memory_bytes + u.memory_peak, 0);
    assert_int_equal(u.violations[QUOTA_EVENTS] + u.violation_streak + u.cpu_percent, 0);
    assert_false(u.throttled);
    s_told.calls = 0;
    fake_clock_advance(2 * SECOND);
    quota_poll_violations();
    assert_int_equal(s_told.calls, 0);
    assert_int_equal(post_burst(3, 1000), CONFIG_SYSTEM_QUOTA_EVENTS_PER_SEC);
}

static void test_an_app_may_only_lower_its_quota(void **state)
{
    (void)state;
    const service_quota_t granted = {.max_events_per_sec = 50, .max_memory_bytes = 4096};
    service_quota_t q = granted;
    const system_service_id_t app = fake_registry_add(20, "music", true);

    quota_attach(20, &granted);
    assert_int_equal(quota_set(app, &q), ESP_ERR_NOT_OWNER);
    fake_registry_run_as(20);
    assert_int_equal(quota_set(s_id, &q), ESP_ERR_NOT_OWNER);
    q.max_events_per_sec = 51;
    assert_int_equal(quota_set(app, &q), ESP_ERR_QUOTA_NOT_PERMITTED);
    q.max_events_per_sec = 0; /* the default is more than it was granted */
    assert_int_equal(quota_set(app, &q), ESP_ERR_QUOTA_NOT_PERMITTED);
    q.max_events_per_sec = 10;
    assert_int_equal(quota_set(app, &q), ESP_OK);
    q.max_events_per_sec = 11;
    assert_int_equal(quota_set(app, &q), ESP_ERR_QUOTA_NOT_PERMITTED);
    assert_int_equal(quota_reset_violations(app), ESP_ERR_QUOTA_NOT_PERMITTED);
    fake_registry_run_as(3);
    q.max_events_per_sec = 1000; /* a service may */
    assert_int_equal(quota_set(s_id, &q), ESP_OK);
    fake_registry_run_as(SYSTEM_SLOT_NONE);
}

static void test_bad_arguments(void **state)
{
    (void)state;
    service_quota_t q = SERVICE_QUOTA_DEFAULT();
    quota_usage_t u;
    const service_quota_t bad[] = {
        {.max_events_per_sec = 1000001}, {.max_subscriptions = CONFIG_SYSTEM_MAX_SUBSCRIPTIONS + 1},
        {.max_event_data_size = 4097},   {.max_memory_bytes = UINT32_MAX},
        {.max_cpu_percent = 101},
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(quota_set(s_id, &bad[i]), ESP_ERR_QUOTA_INVALID);
    }
    assert_int_equal(quota_set(s_id, NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(quota_get(s_id, NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(quota_get_usage(s_id, NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(quota_set(SYSTEM_SERVICE_ID_NONE, &q), ESP_ERR_SERVICE_NOT_FOUND);
    assert_int_equal(quota_get(SYSTEM_SERVICE_ID_NONE, &q), ESP_ERR_SERVICE_NOT_FOUND);
    assert_int_equal(quota_get_usage(SYSTEM_SERVICE_ID_NONE, &u), ESP_ERR_SERVICE_NOT_FOUND);
    assert_string_equal(quota_kind_name(QUOTA_CPU), "cpu");
    assert_string_equal(quota_kind_name(QUOTA_KINDS), "?");
}

#define TEST(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_raised_rate_counts_from_now_on),
        TEST(test_one_report_per_window),
        TEST(test_repeat_offender_loses_its_burst_then_is_to_be_stopped),
        TEST(test_throttling_survives_a_new_quota),
        TEST(test_d2_no_quota_means_the_defaults),
        TEST(test_t9_nothing_is_inherited),
        TEST(test_an_app_may_only_lower_its_quota),
        TEST(test_bad_arguments),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
