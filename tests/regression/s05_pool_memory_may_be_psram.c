// SPDX-License-Identifier: Apache-2.0
/*
 * The story: the pools' memory was allocated as "any byte-addressable RAM", which is PSRAM as soon
 * as internal RAM gets scarce; the document said SRAM. An event posted from an ISR while the flash
 * cache is off would have crashed there.
 *
 * Here every block of every class lies in internal RAM, also when internal RAM is scarce; and when
 * it is not enough, the system says so instead of going elsewhere.
 */
#include "esp_heap_caps.h"
#include "esp_memory_utils.h"

#include "memory_pool.h"

#include "ktest.h"
#include "system_up.h"

#define INTERNAL (MALLOC_CAP_INTERNAL | MALLOC_CAP_8BIT)

static void every_block_is_internal(void **state)
{
    (void)state;
    enum {
        MOST = 256
    };
    static const size_t sizes[] = {64, 256, 1024, 4096};
    const system_secure_key_t key = system_up();
    static void *blocks[MOST];

    for (int class = 0; class < MEMORY_POOL_CLASSES; class ++) {
        memory_pool_stats_t stats;
        uint32_t count = 0;
        assert_int_equal(memory_pool_get_stats((memory_pool_class_t) class, &stats), ESP_OK);
        const uint32_t free_blocks = stats.blocks - stats.used - stats.reserved;
        for (; count < free_blocks; count++) {
            blocks[count] = memory_pool_alloc(sizes[class]);
            assert_non_null(blocks[count]);
            assert_true(esp_ptr_internal(blocks[count]));
            assert_false(esp_ptr_external_ram(blocks[count]));
        }
        while (count-- > 0) {
            assert_int_equal(memory_pool_free(blocks[count]), ESP_OK);
        }
    }
    system_down(key);
}

static void without_internal_ram_the_start_fails(void **state)
{
    (void)state;
    void *all[64];
    int count = 0;
    // Leave less than the pools need, in internal RAM; PSRAM is untouched.
    while (count < 64 && heap_caps_get_free_size(INTERNAL) > 40 * 1024) {
        const size_t largest = heap_caps_get_largest_free_block(INTERNAL);
        const size_t size = largest > 24 * 1024 ? largest - 16 * 1024 : largest / 2;
        all[count] = heap_caps_malloc(size, INTERNAL);
        assert_non_null(all[count]);
        count++;
    }
    assert_true(heap_caps_get_free_size(MALLOC_CAP_SPIRAM) > 7 * 1024 * 1024);
    const size_t before = heap_caps_get_free_size(INTERNAL);
    assert_int_equal(system_service_init(NULL), ESP_ERR_NO_MEM);
    assert_int_equal(heap_caps_get_free_size(INTERNAL), before); // everything was taken back
    while (count-- > 0) {
        heap_caps_free(all[count]);
    }
    system_down(system_up());
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_block_is_internal),
        cmocka_unit_test(without_internal_ram_the_start_fails),
    };
    return KTEST_MAIN(argc, argv, tests);
}
