// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "ktest.h"

#include "priority_queue.h"

static priority_queue_t q;

static int setup(void **state)
{
    (void)state;
    priority_queue_init(&q);
    return 0;
}

static queue_entry_t entry(unsigned block, unsigned sub)
{
    return (queue_entry_t){(pool_index_t)block, (uint16_t)sub};
}

static unsigned pop(unsigned last_lane)
{
    queue_entry_t out;
    return priority_queue_pop(&q, last_lane, &out) ? out.block : 9999;
}

static void any_priority_maps_to_one_of_four_lanes(void **state)
{
    (void)state;
    assert_int_equal(priority_queue_lane(0), 0);
    assert_int_equal(priority_queue_lane(1), 1);
    assert_int_equal(priority_queue_lane(100), 1);
    assert_int_equal(priority_queue_lane(101), 2);
    assert_int_equal(priority_queue_lane(200), 2);
    assert_int_equal(priority_queue_lane(201), 3);
    assert_int_equal(priority_queue_lane(255), 3);
}

static void higher_lanes_go_first_and_a_lane_is_fifo(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        assert_true(priority_queue_push(&q, 3, entry(30 + i, 1)));
        assert_true(priority_queue_push(&q, 0, entry(i, 1)));
    }
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(pop(3), i);
    }
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(pop(3), 30 + i);
    }
    assert_int_equal(pop(3), 9999);
}

static void each_lane_has_room_of_its_own(void **state)
{
    (void)state;
    for (unsigned i = 0; i < priority_queue_capacity(3); i++) {
        assert_true(priority_queue_push(&q, 3, entry(i, 1)));
    }
    assert_false(priority_queue_push(&q, 3, entry(99, 1)));
    assert_true(priority_queue_push(&q, 0, entry(1, 1)));
    assert_int_equal(q.high_water, priority_queue_capacity(3) + 1);
}

static void lower_lanes_are_late_but_never_starved(void **state)
{
    (void)state;
    unsigned served[SYSTEM_EVENT_LANES] = {0};
    for (unsigned round = 0; round < 2000; round++) {
        for (unsigned lane = 0; lane < SYSTEM_EVENT_LANES; lane++) { /* all lanes always full */
            while (priority_queue_push(&q, lane, entry(lane, 1))) {
            }
        }
        served[pop(3)]++;
    }
    assert_true(served[0] > 1500);
    assert_true(served[1] > 10 && served[2] > 10 && served[3] > 10);
}

static void a_limit_on_lanes_hides_the_lower_ones(void **state)
{
    (void)state;
    assert_true(priority_queue_push(&q, 2, entry(2, 1)));
    assert_int_equal(pop(1), 9999);
    assert_int_equal(pop(2), 2);
}

// Who takes lanes 0 and 1 only is told when a lower one has waited long enough, goes on serving
// both of its own meanwhile, and the first who may serve the lower one does so.
static void a_lane_out_of_reach_becomes_overdue(void **state)
{
    (void)state;
    unsigned served[SYSTEM_EVENT_LANES] = {0};
    assert_true(priority_queue_push(&q, 3, entry(3, 1)));
    for (unsigned n = 0; n < QUEUE_STREAK; n++) {
        assert_false(priority_queue_overdue(&q, 1));
        assert_true(priority_queue_push(&q, 1, entry(1, 1)));
        assert_int_equal(pop(1), 1);
    }
    assert_true(priority_queue_overdue(&q, 1));
    assert_false(priority_queue_overdue(&q, 3)); /* nothing lies beyond */
    for (unsigned n = 0; n < 20 * QUEUE_STREAK; n++) {
        for (unsigned lane = 0; lane < 2; lane++) { /* both always full */
            while (priority_queue_push(&q, lane, entry(lane, 1))) {
            }
        }
        served[pop(1)]++;
    }
    assert_true(priority_queue_overdue(&q, 1)); /* lane 1 had its turn: it is 3's */
    assert_true(served[0] > served[1] && served[1] > 10);
    assert_int_equal(pop(3), 3);
    assert_false(priority_queue_overdue(&q, 1));
}

static void dropping_the_oldest_takes_only_that_subscription(void **state)
{
    (void)state;
    queue_entry_t out;
    assert_true(priority_queue_push(&q, 1, entry(1, 7)));
    assert_true(priority_queue_push(&q, 1, entry(2, 8)));
    assert_true(priority_queue_push(&q, 1, entry(3, 8)));
    assert_true(priority_queue_drop_oldest(&q, 1, 8, &out));
    assert_int_equal(out.block, 2);
    assert_false(priority_queue_drop_oldest(&q, 1, 9, &out));
    assert_int_equal(pop(3), 1);
    assert_int_equal(pop(3), 3);
}

static void removing_a_subscription_keeps_the_order_of_the_others(void **state)
{
    (void)state;
    pool_index_t removed[QUEUE_ENTRIES];
    for (unsigned n = 0; n < 3; n++) { /* the ring wraps in the later rounds */
        for (unsigned i = 0; i < 6; i++) {
            assert_true(priority_queue_push(&q, 0, entry(i, i % 2)));
        }
        assert_int_equal(priority_queue_remove_sub(&q, 1, removed), 3);
        assert_int_equal(removed[0], 1);
        assert_int_equal(removed[2], 5);
        assert_int_equal(pop(3), 0);
        assert_int_equal(pop(3), 2);
        assert_int_equal(pop(3), 4);
        assert_int_equal(priority_queue_count(&q), 0);
    }
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(any_priority_maps_to_one_of_four_lanes, setup),
        cmocka_unit_test_setup(higher_lanes_go_first_and_a_lane_is_fifo, setup),
        cmocka_unit_test_setup(each_lane_has_room_of_its_own, setup),
        cmocka_unit_test_setup(lower_lanes_are_late_but_never_starved, setup),
        cmocka_unit_test_setup(a_limit_on_lanes_hides_the_lower_ones, setup),
        cmocka_unit_test_setup(a_lane_out_of_reach_becomes_overdue, setup),
        cmocka_unit_test_setup(dropping_the_oldest_takes_only_that_subscription, setup),
        cmocka_unit_test_setup(removing_a_subscription_keeps_the_order_of_the_others, setup),
    };
    return KTEST_MAIN(argc, argv, tests);
}
