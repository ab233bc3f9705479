// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "restart_policy.h"

static void restarts_count_within_the_window_only(void **state)
{
    (void)state;
    restart_history_t h = {0};
    assert_int_equal(restart_history_count(&h, 5, 1000), 0);
    restart_history_add(&h, 100);
    restart_history_add(&h, 600);
    assert_int_equal(restart_history_count(&h, 600, 1000), 2);
    assert_int_equal(restart_history_count(&h, 1099, 1000), 2);
    assert_int_equal(restart_history_count(&h, 1100, 1000), 1);
    assert_int_equal(restart_history_count(&h, 1599, 1000), 1);
    assert_int_equal(restart_history_count(&h, 1600, 1000), 0);
}

static void the_window_holds_across_the_wrap_of_time(void **state)
{
    (void)state;
    restart_history_t h = {0};
    restart_history_add(&h, UINT32_MAX - 10);
    restart_history_add(&h, 20);
    assert_int_equal(restart_history_count(&h, 500, 1000), 2);
    assert_int_equal(restart_history_count(&h, 989, 1000), 1);
    assert_int_equal(restart_history_count(&h, 1020, 1000), 0);
}

static void a_full_history_forgets_the_oldest(void **state)
{
    (void)state;
    restart_history_t h = {0};
    for (uint32_t n = 0; n < RESTART_HISTORY + 7; n++) {
        restart_history_add(&h, n);
    }
    assert_int_equal(restart_history_count(&h, RESTART_HISTORY + 7, 1000), RESTART_HISTORY);
    assert_int_equal(h.at_ms[h.first], 7);
}

static void the_first_restart_is_immediate_and_later_ones_wait_longer(void **state)
{
    (void)state;
    const uint32_t limit = restart_backoff_limit_ms();
    uint32_t last = 0;
    assert_int_equal(restart_backoff_ms(1, 12345), 0);
    assert_int_equal(restart_backoff_ms(2, 0), CONFIG_SYSTEM_RESTART_BACKOFF_MS);
    for (unsigned attempt = 2; attempt < 100; attempt++) {
        const uint32_t wait = restart_backoff_ms(attempt, 0);
        assert_true(wait >= last);
        assert_true(wait <= limit);
        last = wait;
    }
    assert_int_equal(last, limit);
}

static void chance_takes_at_most_a_quarter_away(void **state)
{
    (void)state;
    uint32_t least = UINT32_MAX;
    const uint32_t most = restart_backoff_ms(4, 0);
    for (uint32_t random = 0; random < 2000; random++) {
        const uint32_t wait = restart_backoff_ms(4, random * 2654435761u);
        assert_true(wait <= most);
        least = wait < least ? wait : least;
    }
    assert_true(least >= most - most / 4);
    assert_true(least < most);
}

static void the_whole_of_a_restart_fits_into_five_seconds(void **state)
{
    (void)state;
    assert_true(restart_backoff_limit_ms() <= CONFIG_SYSTEM_RESTART_BACKOFF_MAX_MS);
    assert_true(RESTART_BUSY_MS + restart_backoff_limit_ms() <= SYSTEM_RECOVERY_LIMIT_MS);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(restarts_count_within_the_window_only),
        cmocka_unit_test(the_window_holds_across_the_wrap_of_time),
        cmocka_unit_test(a_full_history_forgets_the_oldest),
        cmocka_unit_test(the_first_restart_is_immediate_and_later_ones_wait_longer),
        cmocka_unit_test(chance_takes_at_most_a_quarter_away),
        cmocka_unit_test(the_whole_of_a_restart_fits_into_five_seconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
