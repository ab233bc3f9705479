// SPDX-License-Identifier: Apache-2.0
/*
 * When an event was posted, as its handler sees it: 40 bits of it are kept, and the worker's idea
 * of now may be older than the event.
 */
#include <string.h>

#include "event_describe.h"
#include "ktest.h"
#include "system_up.h"

#define DAY_US (24LL * 3600 * 1000000)

/** A block as if it had been posted then. */
static pool_index_t posted_at(int64_t us)
{
    const pool_index_t block = pool_block_take(0, SYSTEM_SERVICE_ID_NONE, POOL_KIND_EVENT, false);
    assert_int_not_equal(block, POOL_NONE);
    pool_block(block)->posted_us = (uint32_t)us;
    atomic_store(&pool_block(block)->link, (uint16_t)(((us >> 32) & 0xFF) << 8 | 200));
    return block;
}

static int64_t seen(int64_t posted, int64_t now)
{
    system_event_t event;
    const pool_index_t block = posted_at(posted);
    event_bus_describe(block, now, &event);
    pool_block_release(block);
    assert_int_equal(event.priority, 200);
    return event.timestamp_us;
}

static void the_time_is_right_for_twelve_days_in_a_queue(void **state)
{
    (void)state;
    const system_secure_key_t key = system_up();
    const int64_t starts[] = {0, 1, DAY_US, (1LL << 40) - 1, 1LL << 40, 400 * DAY_US};
    const int64_t waits[] = {0, 1, 5000, 3600000000, DAY_US, 12 * DAY_US};
    for (unsigned s = 0; s < sizeof(starts) / sizeof(starts[0]); s++) {
        for (unsigned w = 0; w < sizeof(waits) / sizeof(waits[0]); w++) {
            assert_true(seen(starts[s], starts[s] + waits[w]) == starts[s]);
        }
    }
    system_down(key);
}

static void an_event_may_be_younger_than_the_worker_s_last_look_at_the_clock(void **state)
{
    (void)state;
    const system_secure_key_t key = system_up();
    assert_true(seen(1000001, 1000000) == 1000001);
    assert_true(seen(5 * DAY_US + 60000000, 5 * DAY_US) == 5 * DAY_US + 60000000);
    assert_true(seen(1LL << 40, (1LL << 40) - 1) == 1LL << 40); /* the 40 bits wrap in between */
    system_down(key);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_time_is_right_for_twelve_days_in_a_queue),
        cmocka_unit_test(an_event_may_be_younger_than_the_worker_s_last_look_at_the_clock),
    };
    return KTEST_MAIN(argc, argv, tests);
}
