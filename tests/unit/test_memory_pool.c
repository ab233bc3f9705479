// SPDX-License-Identifier: Apache-2.0
#include <stdatomic.h>
#include <string.h>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "system_service/memory_pool.h"

#include "ktest.h"
#include "memory_pool_internal.h"
#include "system_up.h"

static system_secure_key_t key;

static int setup(void **state)
{
    (void)state;
    key = system_up();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    assert_int_equal(memory_pool_check(), ESP_OK);
    system_down(key);
    return 0;
}

static memory_pool_stats_t stats(memory_pool_class_t pool)
{
    memory_pool_stats_t out;
    assert_int_equal(memory_pool_get_stats(pool, &out), ESP_OK);
    return out;
}

static memory_pool_totals_t totals(void)
{
    memory_pool_totals_t out;
    assert_int_equal(memory_pool_get_totals(&out), ESP_OK);
    return out;
}

static void the_classes_are_those_of_the_specification(void **state)
{
    (void)state;
    static const uint32_t sizes[] = {64, 256, 1024, 4096};
    static const uint32_t counts[] = {100, 50, 20, 10};
    for (unsigned i = 0; i < MEMORY_POOL_CLASSES; i++) {
        assert_int_equal(stats(i).block_size, sizes[i]);
        assert_int_equal(stats(i).blocks, counts[i]);
    }
}

static void what_is_taken_back_is_counted(void **state)
{
    (void)state;
    const system_service_id_t id = system_up_service("forgetful");
    assert_int_equal(memory_pool_reclaim(id), 0);
    assert_int_equal(system_service_attach_task(id), ESP_OK);
    assert_non_null(memory_pool_alloc(64));
    assert_non_null(memory_pool_alloc(5000)); /* larger than any block: from the heap */
    assert_int_equal(system_service_detach_task(), ESP_OK);
    assert_int_equal(totals().heap_blocks, 1);
    assert_int_equal(memory_pool_reclaim(id), 2);
    assert_int_equal(totals().heap_blocks, 0);
    assert_int_equal(memory_pool_reclaim(id), 0);
}

static void a_caller_gets_every_byte_it_asked_for(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 63, 64, 65, 255, 256, 257, 1024, 1025, 4096};
    for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        uint8_t *block = memory_pool_alloc(sizes[i]);
        assert_non_null(block);
        assert_int_equal((uintptr_t)block % MEMORY_POOL_ALIGNMENT, 0);
        memset(block, 0xA5, sizes[i]);
        assert_int_equal(memory_pool_free(block), ESP_OK);
    }
    assert_null(memory_pool_alloc(0));
    assert_int_equal(memory_pool_free(NULL), ESP_OK);
}

static void a_used_up_class_borrows_then_turns_to_the_heap(void **state)
{
    (void)state;
    void *blocks[20 + 5 + 1];
    const uint32_t large = stats(MEMORY_POOL_LARGE).blocks - stats(MEMORY_POOL_LARGE).reserved;
    const uint32_t lendable = 5; /* half of ten 4 KB blocks */
    for (uint32_t i = 0; i < large + lendable; i++) {
        blocks[i] = memory_pool_alloc(1000);
        assert_non_null(blocks[i]);
    }
    assert_int_equal(stats(MEMORY_POOL_LARGE).borrowed, lendable);
    assert_int_equal(stats(MEMORY_POOL_XLARGE).lent, lendable);
    assert_int_equal(totals().heap_fallbacks, 0);
    blocks[large + lendable] = memory_pool_alloc(1000);
    assert_non_null(blocks[large + lendable]);
    assert_int_equal(totals().heap_fallbacks, 1);
    assert_int_equal(stats(MEMORY_POOL_LARGE).exhausted, 1);
    for (uint32_t i = 0; i <= large + lendable; i++) {
        assert_int_equal(memory_pool_free(blocks[i]), ESP_OK);
    }
    assert_int_equal(totals().heap_blocks, 0);
    assert_int_equal(stats(MEMORY_POOL_XLARGE).lent, 0);
    assert_int_equal(stats(MEMORY_POOL_LARGE).used, 0);
}

static void the_reserve_is_for_critical_events_alone(void **state)
{
    (void)state;
    pool_index_t taken[10];
    unsigned n = 0;
    const unsigned reserved = stats(MEMORY_POOL_XLARGE).reserved;
    assert_true(reserved > 0);
    while ((taken[n] = pool_block_take(4096, 0, POOL_KIND_EVENT, false)) != POOL_NONE) {
        n++;
    }
    assert_int_equal(n, 10 - reserved);
    for (unsigned i = 0; i < reserved; i++) {
        taken[n] = pool_block_take(4096, 0, POOL_KIND_EVENT, true);
        assert_int_not_equal(taken[n++], POOL_NONE);
    }
    assert_int_equal(pool_block_take(4096, 0, POOL_KIND_EVENT, true), POOL_NONE);
    while (n > 0) {
        pool_block_release(taken[--n]);
    }
}

static void a_double_free_is_refused_and_named(void **state)
{
    (void)state;
    void *block = memory_pool_alloc(64);
    assert_int_equal(memory_pool_free(block), ESP_OK);
    assert_int_equal(memory_pool_free(block), ESP_ERR_MEMORY_DOUBLE_FREE);
    assert_int_equal(totals().double_frees, 1);
    assert_int_equal(memory_pool_check(), ESP_OK);
}

static void foreign_and_interior_pointers_are_refused(void **state)
{
    (void)state;
    int local;
    uint8_t *block = memory_pool_alloc(64);
    assert_int_equal(memory_pool_free(&local), ESP_ERR_MEMORY_FOREIGN_POINTER);
    assert_int_equal(memory_pool_free(block + 8), ESP_ERR_MEMORY_FOREIGN_POINTER);
    assert_int_equal(memory_pool_free(block), ESP_OK);
    const pool_index_t event = pool_block_take(10, 0, POOL_KIND_EVENT, false);
    assert_int_equal(memory_pool_free(pool_payload(event)), ESP_ERR_MEMORY_FOREIGN_POINTER);
    pool_block_release(event);
}

static void writing_beyond_the_size_is_found_when_freed(void **state)
{
    (void)state;
    static const size_t sizes[] = {12, 64, 256, 4096};
    for (unsigned i = 0; i < 4; i++) {
        volatile uint8_t *block = memory_pool_alloc(sizes[i]);
        block[sizes[i]] ^= 0xFF;
        assert_int_equal(memory_pool_check(), ESP_ERR_MEMORY_CORRUPTED);
        assert_int_equal(memory_pool_free((void *)block), ESP_ERR_MEMORY_CORRUPTED);
        assert_int_equal(totals().overruns, i + 1);
    }
}

#define HAMMERS 4
static _Atomic uint32_t hammers_done;

/** Take blocks, mark them, and see that nobody else has the same one. */
static void hammer(void *arg)
{
    const uint8_t mark = (uint8_t)(uintptr_t)arg;
    uint8_t *mine[8] = {0};
    for (unsigned i = 0; i < 3000; i++) {
        const unsigned n = (i * 7u + mark) % 8;
        if (mine[n] != NULL) {
            for (unsigned b = 0; b < 64; b++) {
                KTEST_CHECK(mine[n][b] == mark);
            }
            KTEST_CHECK(memory_pool_free(mine[n]) == ESP_OK);
            mine[n] = NULL;
        } else if ((mine[n] = memory_pool_alloc(64)) != NULL) {
            memset(mine[n], mark, 64);
        }
    }
    for (unsigned n = 0; n < 8; n++) {
        KTEST_CHECK(memory_pool_free(mine[n]) == ESP_OK);
    }
    atomic_fetch_add(&hammers_done, 1);
    vTaskDelete(NULL);
}

static void no_block_is_ever_given_to_two(void **state)
{
    (void)state;
    atomic_store(&hammers_done, 0);
    for (uintptr_t i = 0; i < HAMMERS; i++) {
        assert_int_equal(xTaskCreatePinnedToCore(hammer, "hammer", 4096, (void *)(i + 1), 2, NULL,
                                                 (BaseType_t)(i % 2)),
                         pdPASS);
    }
    assert_true(system_up_wait(&hammers_done, HAMMERS, 60000));
    assert_int_equal(stats(MEMORY_POOL_SMALL).used, 0);
    assert_true(stats(MEMORY_POOL_SMALL).high_water >= 8);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_classes_are_those_of_the_specification, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_caller_gets_every_byte_it_asked_for, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_taken_back_is_counted, setup, teardown),
        cmocka_unit_test_setup_teardown(a_used_up_class_borrows_then_turns_to_the_heap, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(the_reserve_is_for_critical_events_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(a_double_free_is_refused_and_named, setup, teardown),
        cmocka_unit_test_setup_teardown(foreign_and_interior_pointers_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(writing_beyond_the_size_is_found_when_freed, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(no_block_is_ever_given_to_two, setup, teardown),
    };
    return KTEST_MAIN(argc, argv, tests);
}
