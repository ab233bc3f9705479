// SPDX-License-Identifier: Apache-2.0

// heap_caps_* and plain malloc() against what ESP-IDF's headers promise.

#include "ktest.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include "esp_heap_caps.h"
#include "esp_memory_utils.h"
#include "esp_system.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "host_heap.h"

#define BLOCKS 600
#define ROUNDS 40000
#define WALKS  200

// Sanitizer builds take blocks from the sanitizer: there is nothing to break up or to damage.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define OWN_ALLOCATOR false
#else
#define OWN_ALLOCATOR true
#endif

static size_t s_failed_size;
static uint32_t s_failed_caps;
static char s_failed_in[64];
static atomic_int s_allocs;
static atomic_int s_frees;

void esp_heap_trace_alloc_hook(void *ptr, size_t size, uint32_t caps)
{
    (void)ptr;
    (void)size;
    (void)caps;
    s_allocs++;
}

void esp_heap_trace_free_hook(void *ptr)
{
    (void)ptr;
    s_frees++;
}

static void note_failure(size_t size, uint32_t caps, const char *function_name)
{
    s_failed_size = size;
    s_failed_caps = caps;
    strncpy(s_failed_in, function_name, sizeof(s_failed_in) - 1);
}

static void regions_are_those_of_the_chip(void **state)
{
    (void)state;
    size_t internal = heap_caps_get_total_size(MALLOC_CAP_INTERNAL);
    size_t psram = heap_caps_get_total_size(MALLOC_CAP_SPIRAM);
    assert_in_range(internal, 200 * 1024, 400 * 1024);
    assert_in_range(psram, 8 * 1024 * 1024 - 64, 8 * 1024 * 1024);
    assert_int_equal(heap_caps_get_total_size(MALLOC_CAP_INTERNAL | MALLOC_CAP_SPIRAM), 0);
    assert_int_equal(heap_caps_get_total_size(MALLOC_CAP_EXEC), 0);
    assert_true(heap_caps_get_largest_free_block(MALLOC_CAP_INTERNAL) <
                heap_caps_get_free_size(MALLOC_CAP_INTERNAL));
    assert_int_equal(esp_get_free_heap_size(), heap_caps_get_free_size(MALLOC_CAP_DEFAULT));
}

static void capabilities_decide_where(void **state)
{
    (void)state;
    void *internal = heap_caps_malloc(100, MALLOC_CAP_INTERNAL | MALLOC_CAP_8BIT);
    void *psram = heap_caps_malloc(100, MALLOC_CAP_SPIRAM);
    void *dma = heap_caps_malloc(100, MALLOC_CAP_DMA);
    assert_true(esp_ptr_internal(internal) && !esp_ptr_external_ram(internal));
    assert_true(esp_ptr_external_ram(psram) && !esp_ptr_internal(psram));
    assert_true(esp_ptr_dma_capable(dma));
    assert_true(esp_ptr_external_ram((char *)psram + 50));
    assert_null(heap_caps_malloc(16, MALLOC_CAP_SPIRAM | MALLOC_CAP_DMA));
    assert_null(heap_caps_malloc(16, MALLOC_CAP_EXEC));
    assert_null(heap_caps_malloc(0, MALLOC_CAP_DEFAULT));
    assert_null(heap_caps_malloc(SIZE_MAX / 2, MALLOC_CAP_DEFAULT));
    heap_caps_free(internal);
    heap_caps_free(psram);
    heap_caps_free(dma);
    heap_caps_free(NULL);
}

static void plain_malloc_goes_by_size(void **state)
{
    (void)state;
    void *volatile small = malloc(100);
    void *volatile large = malloc(CONFIG_SPIRAM_MALLOC_ALWAYSINTERNAL + 1);
    char *copy = strdup("a copy in the board's memory");
    assert_true(host_heap_owns(small) && esp_ptr_internal(small));
    assert_true(host_heap_owns(large) && esp_ptr_external_ram(large));
    assert_true(host_heap_owns(copy));
    assert_string_equal(copy, "a copy in the board's memory");
    small = realloc(small, CONFIG_SPIRAM_MALLOC_ALWAYSINTERNAL * 2);
    assert_true(esp_ptr_external_ram(small));
    free(small);
    free(large);
    free(copy);
}

static void malloc_falls_back_to_the_other_memory(void **state)
{
    (void)state;
    size_t psram = heap_caps_get_largest_free_block(MALLOC_CAP_SPIRAM);
    void *all = heap_caps_malloc(psram, MALLOC_CAP_SPIRAM);
    assert_non_null(all);
    void *volatile p = malloc(CONFIG_SPIRAM_MALLOC_ALWAYSINTERNAL + 1);
    assert_non_null(p);
    assert_true(esp_ptr_internal(p));
    free(p);
    heap_caps_free(all);
}

static void largest_block_can_be_had_and_no_more(void **state)
{
    (void)state;
    size_t largest = heap_caps_get_largest_free_block(MALLOC_CAP_SPIRAM);
    assert_null(heap_caps_malloc(largest + 1, MALLOC_CAP_SPIRAM));
    void *p = heap_caps_malloc(largest, MALLOC_CAP_SPIRAM);
    assert_non_null(p);
    assert_true(heap_caps_get_free_size(MALLOC_CAP_SPIRAM) < 64);
    heap_caps_free(p);
    assert_int_equal(heap_caps_get_largest_free_block(MALLOC_CAP_SPIRAM), largest);
}

static void minimum_remembers_the_worst_moment(void **state)
{
    (void)state;
    size_t before = heap_caps_get_minimum_free_size(MALLOC_CAP_RTCRAM);
    void *p = heap_caps_malloc(4000, MALLOC_CAP_RTCRAM);
    assert_non_null(p);
    size_t at_worst = heap_caps_get_free_size(MALLOC_CAP_RTCRAM);
    heap_caps_free(p);
    assert_true(at_worst <= before - 4000);
    assert_int_equal(heap_caps_get_minimum_free_size(MALLOC_CAP_RTCRAM), at_worst);
    assert_int_equal(heap_caps_monitor_local_minimum_free_size_start(), ESP_OK);
    assert_int_equal(heap_caps_monitor_local_minimum_free_size_start(), ESP_FAIL);
    assert_true(heap_caps_get_minimum_free_size(MALLOC_CAP_RTCRAM) > at_worst);
    assert_int_equal(heap_caps_monitor_local_minimum_free_size_stop(), ESP_OK);
    assert_int_equal(heap_caps_monitor_local_minimum_free_size_stop(), ESP_FAIL);
    assert_int_equal(heap_caps_get_minimum_free_size(MALLOC_CAP_RTCRAM), at_worst);
}

static void fragmentation_is_real(void **state)
{
    (void)state;
    static void *s_parts[200];
    int n = 0;
    if (!OWN_ALLOCATOR) {
        skip();
    }
    size_t whole = heap_caps_get_largest_free_block(MALLOC_CAP_RTCRAM);
    while (n < 200 && (s_parts[n] = heap_caps_malloc(100, MALLOC_CAP_RTCRAM)) != NULL) {
        n++;
    }
    for (int i = 0; i < n; i += 2) {
        heap_caps_free(s_parts[i]);
    }
    multi_heap_info_t info;
    heap_caps_get_info(&info, MALLOC_CAP_RTCRAM);
    assert_true(info.total_free_bytes > whole / 3);
    assert_true(info.largest_free_block < 256);
    assert_int_equal(info.allocated_blocks, n / 2);
    assert_int_equal(info.total_blocks, info.allocated_blocks + info.free_blocks);
    assert_null(heap_caps_malloc(1000, MALLOC_CAP_RTCRAM));
    for (int i = 1; i < n; i += 2) {
        heap_caps_free(s_parts[i]);
    }
    assert_int_equal(heap_caps_get_largest_free_block(MALLOC_CAP_RTCRAM), whole);
}

static void alignment_is_kept(void **state)
{
    (void)state;
    for (size_t align = 1; align <= 4096; align *= 2) {
        uint8_t *p = heap_caps_aligned_calloc(align, 3, 33, MALLOC_CAP_DEFAULT);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % align, 0);
        for (int i = 0; i < 99; i++) {
            assert_int_equal(p[i], 0);
        }
        heap_caps_free(p);
    }
    assert_null(heap_caps_aligned_alloc(24, 100, MALLOC_CAP_DEFAULT));
    assert_null(heap_caps_aligned_alloc(0, 100, MALLOC_CAP_DEFAULT));
}

static void realloc_keeps_the_contents(void **state)
{
    (void)state;
    uint8_t *p = heap_caps_realloc(NULL, 10, MALLOC_CAP_INTERNAL);
    memset(p, 0x5a, 10);
    for (size_t size = 20; size < 20000; size *= 3) {
        p = heap_caps_realloc(p, size, size % 2 ? MALLOC_CAP_SPIRAM : MALLOC_CAP_INTERNAL);
        assert_non_null(p);
        for (int i = 0; i < 10; i++) {
            assert_int_equal(p[i], 0x5a);
        }
        assert_true(heap_caps_get_allocated_size(p) >= size);
    }
    p = heap_caps_realloc(p, 64, MALLOC_CAP_SPIRAM);
    assert_true(esp_ptr_external_ram(p));
    assert_int_equal(p[9], 0x5a);
    size_t free_bytes = heap_caps_get_free_size(MALLOC_CAP_DEFAULT);
    assert_null(heap_caps_realloc(p, 64u * 1024 * 1024, MALLOC_CAP_SPIRAM));
    assert_int_equal(p[9], 0x5a);
    assert_int_equal(heap_caps_get_free_size(MALLOC_CAP_DEFAULT), free_bytes);
    assert_null(heap_caps_realloc(p, 0, MALLOC_CAP_SPIRAM));
}

static void preferences_are_tried_in_order(void **state)
{
    (void)state;
    size_t all = heap_caps_get_largest_free_block(MALLOC_CAP_SPIRAM);
    void *p =
        heap_caps_malloc_prefer(64, 2, (uint32_t)MALLOC_CAP_SPIRAM, (uint32_t)MALLOC_CAP_INTERNAL);
    assert_true(esp_ptr_external_ram(p));
    heap_caps_free(p);
    void *hog = heap_caps_malloc(all, MALLOC_CAP_SPIRAM);
    p = heap_caps_calloc_prefer(4, 1000, 2, (uint32_t)MALLOC_CAP_SPIRAM,
                                (uint32_t)MALLOC_CAP_INTERNAL);
    assert_true(esp_ptr_internal(p));
    heap_caps_free(p);
    heap_caps_free(hog);
}

static void failures_are_reported_with_size_and_caller(void **state)
{
    (void)state;
    assert_int_equal(heap_caps_register_failed_alloc_callback(NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(heap_caps_register_failed_alloc_callback(note_failure), ESP_OK);
    assert_null(heap_caps_malloc(50u * 1024 * 1024, MALLOC_CAP_INTERNAL));
    assert_int_equal(s_failed_size, 50u * 1024 * 1024);
    assert_int_equal(s_failed_caps, MALLOC_CAP_INTERNAL);
    assert_string_equal(s_failed_in, "heap_caps_malloc");
    volatile size_t many = SIZE_MAX / 2;
    assert_null(heap_caps_calloc(many, 4, MALLOC_CAP_DEFAULT));
    assert_string_equal(s_failed_in, "heap_caps_calloc");
}

static void scripted_failures_hit_the_nth_request(void **state)
{
    (void)state;
    uint64_t before = host_heap_injected_failures();
    host_heap_fail_nth(3, 2);
    for (int i = 1; i <= 6; i++) {
        void *p = heap_caps_malloc(32, MALLOC_CAP_DEFAULT);
        assert_int_equal(p == NULL, i == 3 || i == 4);
        heap_caps_free(p);
    }
    assert_int_equal(host_heap_injected_failures() - before, 2);
    host_heap_fail_all();
    void *volatile p = malloc(8);
    assert_null(p);
    assert_null(heap_caps_calloc(1, 8, MALLOC_CAP_SPIRAM));
    host_heap_fail_nth(0, 0);
    p = malloc(8);
    assert_non_null(p);
    free(p);
}

static void hooks_see_allocations_and_frees(void **state)
{
    (void)state;
    s_allocs = 0;
    s_frees = 0;
    void *p = heap_caps_malloc(40, MALLOC_CAP_DEFAULT);
    void *volatile q = malloc(40);
    heap_caps_free(p);
    free(q);
    assert_int_equal(s_allocs, 2);
    assert_int_equal(s_frees, 2);
    assert_null(heap_caps_malloc(64u * 1024 * 1024, MALLOC_CAP_DEFAULT));
    assert_int_equal(s_allocs, 2);
}

typedef struct {
    size_t used;
    size_t free;
    intptr_t last;
    bool ordered;
} walk_t;

static bool count_block(walker_heap_into_t heap, walker_block_info_t block, void *user_data)
{
    walk_t *walk = user_data;
    KTEST_CHECK(heap.start < heap.end);
    *(block.used ? &walk->used : &walk->free) += 1;
    walk->ordered = walk->ordered && (intptr_t)block.ptr > walk->last;
    walk->last = (intptr_t)block.ptr;
    return true;
}

static void walk_visits_each_block(void **state)
{
    (void)state;
    multi_heap_info_t info;
    walk_t walk = {.ordered = true};
    void *p = heap_caps_malloc(100, MALLOC_CAP_SPIRAM);
    heap_caps_get_info(&info, MALLOC_CAP_SPIRAM);
    heap_caps_walk(MALLOC_CAP_SPIRAM, count_block, &walk);
    assert_int_equal(walk.used, info.allocated_blocks);
    if (OWN_ALLOCATOR) {
        assert_int_equal(walk.free, info.free_blocks);
        assert_true(walk.ordered);
    }
    assert_int_equal(heap_caps_get_containing_block_size((char *)p + 60),
                     heap_caps_get_allocated_size(p));
    heap_caps_free(p);
}

static atomic_int s_walks;

static bool linger(walker_heap_into_t heap, walker_block_info_t block, void *user_data)
{
    (void)heap;
    (void)block;
    (void)user_data;
    s_walks++; // where the simulator may switch, if anywhere
    return true;
}

static void walk_on(void *arg)
{
    (void)arg;
    for (int i = 0; i < WALKS; i++) {
        heap_caps_walk(MALLOC_CAP_INTERNAL, linger, NULL);
    }
    s_walks = -1;
    vTaskDelete(NULL);
}

/* A walk holds the heap's lock while it calls back. The simulator switched in there, and the next
   task to allocate stopped the one thread that all of them run in: once in some thousand walks. */
static void who_allocates_waits_for_a_walk(void **state)
{
    (void)state;
    s_walks = 0;
    xTaskCreate(walk_on, "walk", 4096, NULL, uxTaskPriorityGet(NULL), NULL);
    for (uint32_t rounds = 0; s_walks >= 0; rounds++) {
        heap_caps_free(heap_caps_malloc(40, MALLOC_CAP_INTERNAL));
        vTaskDelay(rounds % 8 == 0);
    }
}

static void many_random_requests_leave_nothing_behind(void **state)
{
    static uint8_t *s_block[BLOCKS];
    static size_t s_size[BLOCKS];
    uint32_t x = 12345;
    (void)state;
    size_t before = heap_caps_get_free_size(MALLOC_CAP_DEFAULT);
    for (int round = 0; round < ROUNDS; round++) {
        x = x * 1664525u + 1013904223u;
        size_t k = (x >> 8) % BLOCKS;
        if (s_block[k] != NULL) {
            for (size_t i = 0; i < s_size[k]; i += 61) {
                assert_int_equal(s_block[k][i], (uint8_t)k);
            }
            free(s_block[k]);
            s_block[k] = NULL;
            continue;
        }
        s_size[k] = 1 + (x >> 20) % ((x & 15u) == 0 ? 4000 : 300);
        s_block[k] = malloc(s_size[k]);
        if (s_block[k] != NULL) {
            memset(s_block[k], (int)(uint8_t)k, s_size[k]);
        }
        if (round % 4000 == 0) {
            assert_true(heap_caps_check_integrity_all(true));
        }
    }
    for (size_t k = 0; k < BLOCKS; k++) {
        free(s_block[k]);
    }
    assert_int_equal(heap_caps_get_free_size(MALLOC_CAP_DEFAULT), before);
}

static void churn(void *arg)
{
    void *mine[16] = {0};
    for (int i = 0; i < 2000; i++) {
        void **slot = &mine[i % 16];
        free(*slot);
        *slot = malloc((size_t)(1 + (i * 37) % 500));
        if (*slot != NULL) {
            memset(*slot, i, 1);
        }
    }
    for (int i = 0; i < 16; i++) {
        free(mine[i]);
    }
    xTaskNotifyGive((TaskHandle_t)arg);
    vTaskDelete(NULL);
}

static void tasks_on_both_cores_share_it(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        assert_int_equal(xTaskCreatePinnedToCore(churn, "churn", 4096, xTaskGetCurrentTaskHandle(),
                                                 2, NULL, i % 2),
                         pdPASS);
    }
    for (int i = 0; i < 4; i++) {
        assert_int_not_equal(ulTaskNotifyTake(pdFALSE, pdMS_TO_TICKS(60000)), 0);
    }
    assert_true(heap_caps_check_integrity_all(true));
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(regions_are_those_of_the_chip),
        cmocka_unit_test(capabilities_decide_where),
        cmocka_unit_test(plain_malloc_goes_by_size),
        cmocka_unit_test(malloc_falls_back_to_the_other_memory),
        cmocka_unit_test(largest_block_can_be_had_and_no_more),
        cmocka_unit_test(minimum_remembers_the_worst_moment),
        cmocka_unit_test(fragmentation_is_real),
        cmocka_unit_test(alignment_is_kept),
        cmocka_unit_test(realloc_keeps_the_contents),
        cmocka_unit_test(preferences_are_tried_in_order),
        cmocka_unit_test(failures_are_reported_with_size_and_caller),
        cmocka_unit_test(scripted_failures_hit_the_nth_request),
        cmocka_unit_test(hooks_see_allocations_and_frees),
        cmocka_unit_test(walk_visits_each_block),
        cmocka_unit_test(who_allocates_waits_for_a_walk),
        cmocka_unit_test(many_random_requests_leave_nothing_behind),
        cmocka_unit_test(tasks_on_both_cores_share_it),
    };
    return KTEST_MAIN(argc, argv, tests);
}
