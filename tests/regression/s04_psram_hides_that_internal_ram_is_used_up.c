// SPDX-License-Identifier: Apache-2.0
/*
 * The story: fragmentation was computed over all memory at once. Several internal regions and PSRAM
 * beside each other looked like one heap in pieces, and 8 MB of free PSRAM hid that internal RAM
 * was all but gone.
 *
 * Here a fresh heap of several regions is not fragmented; internal RAM is then used up, and cut to
 * pieces, while all of PSRAM stays free: both are seen.
 */
#include "esp_heap_caps.h"

#include "heap_monitor.h"

#include "ktest.h"
#include "system_up.h"

#define INTERNAL (MALLOC_CAP_INTERNAL | MALLOC_CAP_8BIT)
#define MOST     4000

static void *s_blocks[MOST];

static heap_stats_t heap(void)
{
    heap_stats_t out;
    assert_int_equal(heap_monitor_get_stats(&out), ESP_OK);
    return out;
}

// Take internal RAM until less than leave bytes are free. -> how many blocks
static int use_up(size_t size, size_t leave)
{
    int count = 0;
    while (count < MOST && heap_caps_get_free_size(INTERNAL) > leave + size) {
        s_blocks[count] = heap_caps_malloc(size, INTERNAL);
        if (s_blocks[count] == NULL) {
            break;
        }
        count++;
    }
    return count;
}

static void regions_are_judged_one_by_one(void **state)
{
    (void)state;
    const system_secure_key_t key = system_up();
    const heap_stats_t fresh = heap();
    const uint32_t psram = fresh.regions[HEAP_REGION_PSRAM].free_bytes;

    assert_true(psram > 7 * 1024 * 1024);
    assert_true(fresh.regions[HEAP_REGION_INTERNAL].total_bytes < 512 * 1024);
    assert_in_range(fresh.fragmentation_percent, 0, 10);
    assert_int_equal(fresh.issues & (HEAP_ISSUE_INTERNAL_LOW | HEAP_ISSUE_INTERNAL_FRAGMENTED), 0);

    const int count = use_up(256, CONFIG_SYSTEM_HEAP_INTERNAL_FREE_WARN / 2);
    const heap_stats_t low = heap();
    assert_true(low.issues & HEAP_ISSUE_INTERNAL_LOW);
    assert_false(heap_monitor_check_health());
    assert_int_equal(low.regions[HEAP_REGION_PSRAM].free_bytes, psram);
    assert_int_equal(low.issues & HEAP_ISSUE_PSRAM_LOW, 0);

    for (int i = 0; i < count; i += 2) {
        heap_caps_free(s_blocks[i]);
    }
    const heap_stats_t pieces = heap();
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) // their heap has no pieces
    assert_true(pieces.fragmentation_percent > 60);
    assert_true(pieces.issues & HEAP_ISSUE_INTERNAL_FRAGMENTED);
    assert_false(heap_monitor_check_health());
#endif
    assert_int_equal(pieces.regions[HEAP_REGION_PSRAM].fragmentation_percent,
                     fresh.regions[HEAP_REGION_PSRAM].fragmentation_percent);
    for (int i = 1; i < count; i += 2) {
        heap_caps_free(s_blocks[i]);
    }
    assert_in_range(heap().fragmentation_percent, 0, 10);
    system_down(key);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(regions_are_judged_one_by_one),
    };
    return KTEST_MAIN(argc, argv, tests);
}
