// SPDX-License-Identifier: Apache-2.0
/*
 * The story: when the pools were used up and the heap stood in, the pool counted a failed
 * allocation although the caller got its block, and a block of the heap appeared in no count at
 * all.
 *
 * Here the largest class is used up: each block is counted where it came from, and a failure is
 * what the caller saw fail.
 */
#include <string.h>

#include "memory_pool.h"

#include "host_heap.h"
#include "ktest.h"
#include "system_up.h"

static void each_block_is_counted_where_it_came_from(void **state)
{
    (void)state;
    enum {
        MOST = CONFIG_SYSTEM_POOL_XLARGE_COUNT + 5
    };
    const system_secure_key_t key = system_up();
    memory_pool_stats_t before, full, after;
    memory_pool_totals_t totals;
    void *blocks[MOST];

    assert_int_equal(memory_pool_get_stats(MEMORY_POOL_XLARGE, &before), ESP_OK);
    for (int i = 0; i < MOST; i++) {
        blocks[i] = memory_pool_alloc(4096);
        assert_non_null(blocks[i]);
    }
    assert_int_equal(memory_pool_get_stats(MEMORY_POOL_XLARGE, &full), ESP_OK);
    assert_int_equal(memory_pool_get_totals(&totals), ESP_OK);
    const uint32_t from_pool = full.used - before.used;
    assert_true(from_pool > 0 && from_pool <= CONFIG_SYSTEM_POOL_XLARGE_COUNT);
    assert_int_equal(full.allocations - before.allocations, from_pool);
    assert_int_equal(totals.heap_fallbacks, MOST - from_pool);
    assert_int_equal(totals.heap_blocks, MOST - from_pool);
    assert_int_equal(full.exhausted - before.exhausted, MOST - from_pool);
    assert_int_equal(full.high_water, full.used);

    // Now the heap has nothing either: this one does fail, and is no fallback.
    host_heap_fail_all();
    assert_null(memory_pool_alloc(4096));
    host_heap_fail_nth(0, 0);
    assert_int_equal(memory_pool_get_totals(&totals), ESP_OK);
    assert_int_equal(totals.heap_fallbacks, MOST - from_pool);

    for (int i = 0; i < MOST; i++) {
        assert_int_equal(memory_pool_free(blocks[i]), ESP_OK);
    }
    assert_int_equal(memory_pool_get_stats(MEMORY_POOL_XLARGE, &after), ESP_OK);
    assert_int_equal(memory_pool_get_totals(&totals), ESP_OK);
    assert_int_equal(after.used, before.used);
    assert_int_equal(totals.heap_blocks, 0);
    system_down(key);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_block_is_counted_where_it_came_from),
    };
    return KTEST_MAIN(argc, argv, tests);
}
