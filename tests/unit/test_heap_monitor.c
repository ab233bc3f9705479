/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "esp_heap_caps.h"
#include "fake_registry.h"
#include "heap_monitor_internal.h"

#define KB     1024u
#define BLOCKS 12

/* A board's memory as the test draws it: heaps, each a row of blocks. */
typedef struct {
    uint32_t caps;
    struct {
        size_t size;
        bool used;
    } blocks[BLOCKS];
} fake_heap_row_t;

#define INTERNAL (MALLOC_CAP_INTERNAL | MALLOC_CAP_8BIT)
#define DMA      (INTERNAL | MALLOC_CAP_DMA)
#define PSRAM    (MALLOC_CAP_SPIRAM | MALLOC_CAP_8BIT)

static fake_heap_row_t s_heaps[4];
static esp_alloc_failed_hook_t s_failed;

static bool has(const fake_heap_row_t *heap, uint32_t caps)
{
    return heap->caps != 0 && (heap->caps & caps) == caps;
}

void heap_caps_walk(uint32_t caps, heap_caps_walker_cb_t walker_func, void *user_data)
{
    for (int h = 0; h < 4; h++) {
        const walker_heap_into_t heap = {(h + 1) * 0x10000, (h + 2) * 0x10000 - 1};

        for (int b = 0; has(&s_heaps[h], caps) && b < BLOCKS && s_heaps[h].blocks[b].size; b++) {
            const walker_block_info_t block = {NULL, s_heaps[h].blocks[b].size,
                                               s_heaps[h].blocks[b].used};

            if (!walker_func(heap, block, user_data)) {
                break;
            }
        }
    }
}

size_t heap_caps_get_total_size(uint32_t caps)
{
    size_t total = 0;

    for (int h = 0; h < 4; h++) {
        for (int b = 0; has(&s_heaps[h], caps) && b < BLOCKS; b++) {
            total += s_heaps[h].blocks[b].size;
        }
    }
    return total;
}

void heap_caps_get_info(multi_heap_info_t *info, uint32_t caps)
{
    memset(info, 0, sizeof(*info));
    for (int h = 0; h < 4; h++) {
        for (int b = 0; has(&s_heaps[h], caps) && b < BLOCKS; b++) {
            const size_t size = s_heaps[h].blocks[b].size;

            if (!s_heaps[h].blocks[b].used) {
                info->total_free_bytes += size;
                info->largest_free_block =
                    size > info->largest_free_block ? size : info->largest_free_block;
            }
        }
    }
    info->minimum_free_bytes = info->total_free_bytes / 2;
}

esp_err_t heap_caps_register_failed_alloc_callback(esp_alloc_failed_hook_t callback)
{
    s_failed = callback;
    return ESP_OK;
}

void vPortEnterCritical(portMUX_TYPE *mux)
{
    (void)mux;
}

void vPortExitCritical(portMUX_TYPE *mux)
{
    (void)mux;
}

void vPortEnterCriticalSafe(portMUX_TYPE *mux)
{
    (void)mux;
}

void vPortExitCriticalSafe(portMUX_TYPE *mux)
{
    (void)mux;
}

/* Two internal heaps and one of PSRAM, half used, nothing wrong with them. */
static int setup(void **state)
{
    (void)state;
    fake_registry_reset();
    memset(s_heaps, 0, sizeof(s_heaps));
    s_heaps[0] = (fake_heap_row_t){DMA, {{100 * KB, true}, {100 * KB, false}}};
    s_heaps[1] = (fake_heap_row_t){INTERNAL, {{16 * KB, true}, {16 * KB, false}}};
    s_heaps[2] = (fake_heap_row_t){PSRAM, {{4096 * KB, true}, {4096 * KB, false}}};
    assert_int_equal(heap_monitor_init(), ESP_OK);
    return 0;
}

static heap_stats_t look(void)
{
    heap_stats_t stats;

    assert_int_equal(heap_monitor_get_stats(&stats), ESP_OK);
    return stats;
}

static void assert_text(const char *expected)
{
    const heap_stats_t stats = look();
    char text[256];

    assert_string_equal(heap_monitor_describe(&stats, text, sizeof(text)), expected);
    assert_int_equal(heap_monitor_check_health(), stats.issues == 0);
}

static void test_a_healthy_heap(void **state)
{
    (void)state;
    const heap_stats_t stats = look();
    const heap_region_stats_t *internal = &stats.regions[HEAP_REGION_INTERNAL];

    assert_int_equal(internal->total_bytes, 232 * KB);
    assert_int_equal(internal->free_bytes, 116 * KB);
    assert_int_equal(internal->minimum_free_bytes, 58 * KB);
    assert_int_equal(internal->largest_free_block, 100 * KB);
    assert_int_equal(internal->heaps, 2);
    assert_int_equal(stats.regions[HEAP_REGION_DMA].free_bytes, 100 * KB);
    assert_int_equal(stats.regions[HEAP_REGION_PSRAM].heaps, 1);
    assert_int_equal(stats.largest_free_block, 100 * KB);
    assert_text("ok");
}

/* S4: two regions, each with all its free bytes in one block, counted as fragmented, and eight
 * megabytes of PSRAM hid that internal RAM was used up. */
static void test_s4_borders_are_no_fragmentation(void **state)
{
    (void)state;
    const heap_stats_t stats = look();

    for (int region = 0; region < HEAP_REGIONS; region++) {
        assert_int_equal(stats.regions[region].fragmentation_percent, 0);
    }
}

static void test_s4_psram_hides_nothing(void **state)
{
    (void)state;
    s_heaps[0] = (fake_heap_row_t){DMA, {{198 * KB, true}, {2 * KB, false}}};
    s_heaps[1] = (fake_heap_row_t){INTERNAL, {{31 * KB, true}, {1 * KB, false}}};
    assert_text("internal RAM low (3072 bytes free); DMA RAM low (2048 bytes free); largest block "
                "of internal RAM is 2048 bytes");
}

static void test_fragmentation_is_measured_per_heap(void **state)
{
    (void)state;
    s_heaps[0] = (fake_heap_row_t){DMA,
                                   {{20 * KB, false},
                                    {10 * KB, true},
                                    {20 * KB, false},
                                    {10 * KB, true},
                                    {20 * KB, false},
                                    {10 * KB, true},
                                    {20 * KB, false}}};
    heap_stats_t stats = look();
    /* 80 KB free, largest 20: 75 %; with the other heap's 16 of 16: 1 - 36/96 */
    assert_int_equal(stats.regions[HEAP_REGION_DMA].fragmentation_percent, 75);
    assert_int_equal(stats.fragmentation_percent, 63);
    assert_int_equal(stats.regions[HEAP_REGION_PSRAM].fragmentation_percent, 0);
    assert_text("internal RAM fragmented (63 %)");
    s_heaps[2] = (fake_heap_row_t){
        PSRAM, {{900 * KB, false}, {1, true}, {900 * KB, false}, {1, true}, {900 * KB, false}}};
    stats = look();
    assert_int_equal(stats.regions[HEAP_REGION_PSRAM].fragmentation_percent, 67);
    assert_text("internal RAM fragmented (63 %); PSRAM fragmented (67 %)");
}

static void test_used_up_and_absent_regions(void **state)
{
    (void)state;
    s_heaps[0].blocks[1].used = true;
    s_heaps[1].blocks[1].used = true;
    s_heaps[2].caps = 0; /* a board without PSRAM */
    const heap_stats_t stats = look();
    assert_int_equal(stats.fragmentation_percent, 0);
    assert_int_equal(stats.regions[HEAP_REGION_PSRAM].total_bytes, 0);
    assert_text("internal RAM low (0 bytes free); DMA RAM low (0 bytes free); largest block of "
                "internal RAM is 0 bytes");
    s_heaps[2] = (fake_heap_row_t){PSRAM, {{8192 * KB, true}, {1 * KB, false}}};
    assert_true(look().issues & HEAP_ISSUE_PSRAM_LOW);
}

static void test_text_is_cut_to_fit(void **state)
{
    (void)state;
    s_heaps[0].blocks[1].used = true;
    s_heaps[1].blocks[1].used = true;
    const heap_stats_t stats = look();
    char whole[256];
    char text[257];

    heap_monitor_describe(&stats, whole, sizeof(whole));
    for (size_t len = 1; len < sizeof(whole); len++) {
        memset(text, 'x', sizeof(text));
        heap_monitor_describe(&stats, text, len);
        const size_t expected = strlen(whole) < len ? strlen(whole) : len - 1;

        assert_int_equal(strlen(text), expected);
        assert_memory_equal(text, whole, expected);
        assert_int_equal(text[len], 'x');
    }
    text[0] = 'x';
    heap_monitor_describe(&stats, text, 0);
    assert_int_equal(text[0], 'x');
}

static void test_trend_of_a_leak(void **state)
{
    (void)state;
    for (int i = 0; i < 2 * CONFIG_SYSTEM_HEAP_TREND_POINTS; i++) {
        s_heaps[0].blocks[1].size -= 100;
        const heap_stats_t stats = look();
        const bool full = i >= CONFIG_SYSTEM_HEAP_TREND_POINTS - 1;

        assert_int_equal(stats.issues, full ? HEAP_ISSUE_SHRINKING : 0);
        assert_int_equal(stats.trend_bytes_per_hour, i == 0 ? 0 : -6000);
        fake_clock_advance(INT64_C(30000000));
        look(); /* too soon for a point */
        fake_clock_advance(INT64_C(30000000));
    }
    s_heaps[0].blocks[1].size -= 100;
    assert_int_equal(look().trend_points, CONFIG_SYSTEM_HEAP_TREND_POINTS);
    assert_text("internal RAM shrinks by 6000 bytes an hour");
}

static void test_trend_that_goes_up_and_down_is_no_leak(void **state)
{
    (void)state;
    for (int i = 0; i < 2 * CONFIG_SYSTEM_HEAP_TREND_POINTS; i++) {
        s_heaps[0].blocks[1].size += i % 2 ? 1000 : (size_t)-1100;
        assert_int_equal(look().issues, 0);
        fake_clock_advance(INT64_C(60000000));
    }
    assert_true(look().trend_bytes_per_hour < 0);
}

static void test_failures_are_attributed(void **state)
{
    (void)state;
    uint32_t count = 99;
    const system_service_id_t audio = fake_registry_add(0, "audio", false);

    assert_int_equal(heap_monitor_get_failures(audio, &count), ESP_OK);
    assert_int_equal(count, 0);
    s_failed(500, MALLOC_CAP_DMA, "heap_caps_malloc");
    assert_int_equal(look().last_failure.owner, SYSTEM_SERVICE_ID_NONE);
    fake_registry_run_as(0);
    s_failed(1000, MALLOC_CAP_SPIRAM, "heap_caps_malloc");
    s_failed(2000, MALLOC_CAP_SPIRAM, "heap_caps_malloc");
    fake_registry_run_as(SYSTEM_SLOT_NONE);
    const heap_stats_t stats = look();
    assert_int_equal(stats.failed_allocations, 3);
    assert_int_equal(stats.last_failure.size, 2000);
    assert_int_equal(stats.last_failure.caps, MALLOC_CAP_SPIRAM);
    assert_int_equal(stats.last_failure.owner, audio);
    assert_int_equal(heap_monitor_get_failures(audio, &count), ESP_OK);
    assert_int_equal(count, 2);
    /* T9: the next owner of the slot starts at nothing */
    fake_registry_remove(0);
    const system_service_id_t next = fake_registry_add(0, "next", false);
    assert_int_equal(heap_monitor_get_failures(audio, &count), ESP_ERR_SERVICE_STALE_ID);
    assert_int_equal(heap_monitor_get_failures(next, &count), ESP_OK);
    assert_int_equal(count, 0);
    fake_registry_run_as(0);
    s_failed(1, 0, "malloc");
    fake_registry_run_as(SYSTEM_SLOT_NONE);
    assert_int_equal(heap_monitor_get_failures(next, &count), ESP_OK);
    assert_int_equal(count, 1);
}

static void test_prints_as_in_the_specification(void **state)
{
    (void)state;
    heap_stats_t stats;
    char text[32];

    heap_monitor_get_stats(&stats);
    snprintf(text, sizeof(text), "Fragmentation: %d%%", stats.fragmentation_percent);
    assert_string_equal(text, "Fragmentation: 0%");
    assert_int_equal(heap_monitor_get_stats(NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(heap_monitor_get_failures(0, NULL), ESP_ERR_INVALID_ARG);
    assert_string_equal(heap_monitor_region_name(HEAP_REGION_PSRAM), "PSRAM");
    assert_string_equal(heap_monitor_region_name(HEAP_REGIONS), "?");
}

#define TEST(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_healthy_heap),
        TEST(test_s4_borders_are_no_fragmentation),
        TEST(test_s4_psram_hides_nothing),
        TEST(test_fragmentation_is_measured_per_heap),
        TEST(test_used_up_and_absent_regions),
        TEST(test_text_is_cut_to_fit),
        TEST(test_trend_of_a_leak),
        TEST(test_trend_that_goes_up_and_down_is_no_leak),
        TEST(test_failures_are_attributed),
        TEST(test_prints_as_in_the_specification),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
