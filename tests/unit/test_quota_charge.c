/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <pthread.h>
#include <stdatomic.h>

#include <cmocka.h>

#include "esp_timer.h"

#include "fake_registry.h"
#include "resource_quota_internal.h"

#define SECOND INT64_C(1000000)

static system_service_id_t s_id;
static int setup(void **state)
{
    (void)state;
    fake_registry_reset();
    fake_clock_set(5 * SECOND);
    quota_init();
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

/* ---- events --------------------------------------------------------------------------------- */

static void test_burst_is_one_second(void **state)
{
    (void)state;
    const uint32_t rates[] = {1, 2, 3, 7, 50, 100, 333, 1000, 7777, 100000, 700000, 1000000};

    for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
        set_rate(rates[i]);
        fake_clock_advance(3 * SECOND);
        assert_int_equal(usage().events_in_hand, rates[i]);
        assert_int_equal(post_burst(3, rates[i] + 5), rates[i]);
        assert_int_equal(usage().events_in_hand, 0);
    }
}

/* D1: "events per second" was a lifetime total; after 50 posts a service was silent for ever. */
static void test_d1_rate_is_not_a_lifetime_total(void **state)
{
    (void)state;
    set_rate(50);
    assert_int_equal(post_burst(3, 100), 50);
    for (int s = 0; s < 3600; s++) {
        fake_clock_advance(SECOND + 1000);
        assert_int_equal(post_burst(3, 100), 50);
    }
    assert_int_equal(usage().events_posted, 50 * 3601);
}

static void test_sustained_rate_is_never_above_the_quota(void **state)
{
    (void)state;
    const uint32_t rates[] = {1, 3, 60, 300, 3000, 70000};

    for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
        set_rate(rates[i]);
        fake_clock_advance(2 * SECOND);
        post_burst(3, rates[i]);
        unsigned taken = 0;

        for (int ms = 0; ms < 10000; ms++) {
            fake_clock_advance(1000);
            taken += post_burst(3, rates[i] / 500 + 2);
        }
        assert_true(taken <= 10 * rates[i]);
        assert_true(taken >= 10.0 * rates[i] * (1.0 - rates[i] / 1e6) - 1);
    }
}

/* The stamp has 32 bits: look at every distance of two posts that could bring it round. */
static void test_clock_wrap_and_long_idle(void **state)
{
    (void)state;
    const int64_t wrap = INT64_C(1) << 32;
    const int64_t idles[] = {wrap / 2 - SECOND, wrap / 2, wrap / 2 + SECOND, wrap - 2 * SECOND,
                             wrap - SECOND / 2, wrap,     wrap + SECOND,     3 * wrap - 1000};

    set_rate(10);
    for (size_t i = 0; i < sizeof(idles) / sizeof(idles[0]); i++) {
        assert_int_equal(post_burst(3, 20), 10);
        /* the supervisor looks in as often as it must, not more */
        for (int64_t left = idles[i]; left > 0;) {
            const int64_t step =
                left < QUOTA_POLL_MAX_MS * INT64_C(1000) ? left : QUOTA_POLL_MAX_MS * INT64_C(1000);

            fake_clock_advance(step);
            left -= step;
            quota_poll_violations();
        }
        fake_clock_advance(2 * SECOND);
    }
    /* and the clock passes 2^32 in the middle of a burst */
    fake_clock_set(10 * wrap - 100);
    quota_poll_violations();
    assert_int_equal(post_burst(3, 5), 5);
    fake_clock_advance(200);
    assert_int_equal(post_burst(3, 20), 5);
}

/* A caller that was interrupted after reading the clock must not be given a new burst. */
static void test_late_caller_gets_nothing_for_free(void **state)
{
    (void)state;
    set_rate(10);
    const uint32_t before = now();

    fake_clock_advance(30 * SECOND);
    assert_int_equal(post_burst(3, 20), 10);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(quota_charge_event(3, 0, before), ESP_ERR_QUOTA_EVENTS_EXCEEDED);
    }
    assert_int_equal(post_burst(3, 20), 0);
}

static void test_payload_is_checked_first_and_costs_no_event(void **state)
{
    (void)state;
    const service_quota_t q = {.max_events_per_sec = 1, .max_event_data_size = 256};

    assert_int_equal(quota_set(s_id, &q), ESP_OK);
    assert_int_equal(quota_charge_event(3, 257, now()), ESP_ERR_QUOTA_DATA_EXCEEDED);
    assert_int_equal(quota_check_event_data(3, 257), ESP_ERR_QUOTA_DATA_EXCEEDED);
    assert_int_equal(quota_check_event_data(3, 256), ESP_OK);
    assert_int_equal(quota_charge_event(3, 256, now()), ESP_OK);
    assert_int_equal(quota_charge_event(3, 256, now()), ESP_ERR_QUOTA_EVENTS_EXCEEDED);
    assert_int_equal(usage().violations[QUOTA_EVENT_DATA], 2);
    assert_int_equal(usage().violations[QUOTA_EVENTS], 1);
    assert_int_equal(usage().events_posted, 1);
}

static void test_firmware_is_not_limited(void **state)
{
    (void)state;
    assert_int_equal(post_burst(SYSTEM_SLOT_NONE, 10000), 10000);
    assert_int_equal(quota_charge_event(SYSTEM_SLOT_NONE, 4096, now()), ESP_OK);
    assert_int_equal(quota_check_event_data(SYSTEM_SLOT_NONE, 4096), ESP_OK);
    assert_int_equal(quota_charge_subscription(SYSTEM_SLOT_NONE), ESP_OK);
    assert_int_equal(quota_charge_memory(SYSTEM_SLOT_NONE, 1 << 30), ESP_OK);
    assert_true(quota_force_memory(SYSTEM_SLOT_NONE, 1 << 30));
    assert_false(quota_charge_cpu(SYSTEM_SLOT_NONE, 60 * 1000000u, now()));
    assert_false(quota_throttled(SYSTEM_SLOT_NONE, now()));
    quota_release_memory(SYSTEM_SLOT_NONE, 5);
    quota_release_subscription(SYSTEM_SLOT_NONE);
    assert_int_equal(quota_memory_used(SYSTEM_SLOT_NONE), 0);
    assert_int_equal(quota_offence_streak(SYSTEM_SLOT_NONE), 0);
}

/* ---- counts --------------------------------------------------------------------------------- */

static void test_subscriptions(void **state)
{
    (void)state;
    const service_quota_t q = {.max_subscriptions = 2};

    assert_int_equal(quota_set(s_id, &q), ESP_OK);
    assert_int_equal(quota_charge_subscription(3), ESP_OK);
    assert_int_equal(quota_charge_subscription(3), ESP_OK);
    assert_int_equal(quota_charge_subscription(3), ESP_ERR_QUOTA_SUBS_EXCEEDED);
    quota_release_subscription(3);
    assert_int_equal(quota_charge_subscription(3), ESP_OK);
    assert_int_equal(usage().subscriptions, 2);
    assert_int_equal(usage().violations[QUOTA_SUBSCRIPTIONS], 1);
}

static void test_memory(void **state)
{
    (void)state;
    const service_quota_t q = {.max_memory_bytes = 1000};

    assert_int_equal(quota_set(s_id, &q), ESP_OK);
    assert_int_equal(quota_charge_memory(3, 600), ESP_OK);
    assert_int_equal(quota_charge_memory(3, 401), ESP_ERR_QUOTA_MEMORY_EXCEEDED);
    assert_int_equal(quota_charge_memory(3, SIZE_MAX), ESP_ERR_QUOTA_MEMORY_EXCEEDED);
    assert_int_equal(quota_charge_memory(3, 400), ESP_OK);
    assert_int_equal(usage().memory_bytes, 1000);
    assert_false(quota_force_memory(3, 1));
    assert_int_equal(quota_memory_used(3), 1001);
    quota_release_memory(3, 901);
    assert_true(quota_force_memory(3, 1));
    assert_int_equal(usage().memory_peak, 1001);
    assert_int_equal(usage().violations[QUOTA_MEMORY], 3);
    quota_release_memory(3, 5000);
    assert_int_equal(quota_memory_used(3), 0);
}

/* D2: check and record were two locked sections, so two tasks could both pass the check. */
static atomic_uint s_granted;

static void *grab(void *arg)
{
    unsigned granted = 0;

    (void)arg;
    for (int i = 0; i < 20000; i++) {
        granted += quota_charge_memory(3, 1) == ESP_OK;
        granted += quota_charge_event(3, 0, now()) == ESP_OK;
    }
    atomic_fetch_add(&s_granted, granted);
    return NULL;
}

static void test_d2_check_and_count_are_one_step(void **state)
{
    (void)state;
    const service_quota_t q = {.max_memory_bytes = 10000, .max_events_per_sec = 10000};
    pthread_t threads[4];

    assert_int_equal(quota_set(s_id, &q), ESP_OK);
    s_granted = 0;
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, grab, NULL), 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_int_equal(s_granted, 20000);
    assert_int_equal(quota_memory_used(3), 10000);
    assert_int_equal(usage().events_posted, 10000);
    assert_int_equal(usage().violations[QUOTA_MEMORY] + usage().violations[QUOTA_EVENTS], 140000);
}

/* ---- CPU ------------------------------------------------------------------------------------ */

/* Run handlers of this length back to back whenever the owner may; the share that came out. */
static double cpu_share(uint32_t percent, uint32_t run_us)
{
    const service_quota_t q = {.max_cpu_percent = percent};
    const int64_t start = esp_timer_get_time() + 20 * SECOND;
    uint64_t busy = 0;

    assert_int_equal(quota_set(s_id, &q), ESP_OK);
    while (esp_timer_get_time() < start + 100 * SECOND) {
        const uint32_t rest = quota_throttled_for(3, now());

        fake_clock_advance(rest);
        assert_false(quota_throttled(3, now()));
        if (esp_timer_get_time() >= start) {
            busy += run_us;
        }
        fake_clock_advance(run_us);
        quota_charge_cpu(3, run_us, now());
    }
    return (double)busy / (double)(esp_timer_get_time() - start);
}

static void test_cpu_share_is_held(void **state)
{
    (void)state;
    const uint32_t percents[] = {1, 10, 50, 99};
    const uint32_t runs[] = {200, 5000, 90000};

    for (size_t p = 0; p < 4; p++) {
        for (size_t r = 0; r < 3; r++) {
            const double share = cpu_share(percents[p], runs[r]) * 100;

            assert_true(share > percents[p] * 0.95 - 0.1);
            assert_true(share < percents[p] * 1.05 + 0.1);
        }
    }
    assert_true(usage().violations[QUOTA_CPU] > 0);
}

static void test_cpu_hundred_percent_never_limits(void **state)
{
    (void)state;
    assert_true(cpu_share(100, 10000) > 0.999);
    assert_int_equal(usage().violations[QUOTA_CPU], 0);
}

static void test_cpu_debt_of_a_hang_is_bounded(void **state)
{
    (void)state;
    const service_quota_t q = {.max_cpu_percent = 1};

    assert_int_equal(quota_set(s_id, &q), ESP_OK);
    fake_clock_advance(4000 * SECOND);
    assert_true(quota_charge_cpu(3, 4000000000u, now()));
    assert_true(usage().throttled);
    assert_int_equal(quota_throttled_for(3, now()), 9u * CONFIG_SYSTEM_QUOTA_CPU_WINDOW_MS * 1000u);
    fake_clock_advance(9 * CONFIG_SYSTEM_QUOTA_CPU_WINDOW_MS * INT64_C(1000));
    assert_false(quota_throttled(3, now()));
}

static void test_cpu_percent_is_measured(void **state)
{
    (void)state;
    quota_poll_violations();
    for (int i = 0; i < 4; i++) {
        fake_clock_advance(CONFIG_SYSTEM_QUOTA_CPU_WINDOW_MS * INT64_C(250));
        quota_charge_cpu(3, CONFIG_SYSTEM_QUOTA_CPU_WINDOW_MS * 50, now());
    }
    quota_poll_violations();
    assert_int_equal(usage().cpu_percent, 20);
    fake_clock_advance(CONFIG_SYSTEM_QUOTA_CPU_WINDOW_MS * INT64_C(1000));
    quota_poll_violations();
    assert_int_equal(usage().cpu_percent, 0);
}

#define TEST(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_burst_is_one_second),
        TEST(test_d1_rate_is_not_a_lifetime_total),
        TEST(test_sustained_rate_is_never_above_the_quota),
        TEST(test_clock_wrap_and_long_idle),
        TEST(test_late_caller_gets_nothing_for_free),
        TEST(test_payload_is_checked_first_and_costs_no_event),
        TEST(test_firmware_is_not_limited),
        TEST(test_subscriptions),
        TEST(test_memory),
        TEST(test_d2_check_and_count_are_one_step),
        TEST(test_cpu_share_is_held),
        TEST(test_cpu_hundred_percent_never_limits),
        TEST(test_cpu_debt_of_a_hang_is_bounded),
        TEST(test_cpu_percent_is_measured),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
