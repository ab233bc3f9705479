// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include "sdkconfig.h"
#include "esp_attr.h"
#include "esp_err.h"
#include "multi_heap.h"

#ifdef __cplusplus
extern "C" {
#endif

#define MALLOC_CAP_EXEC          (1 << 0)
#define MALLOC_CAP_32BIT         (1 << 1)
#define MALLOC_CAP_8BIT          (1 << 2)
#define MALLOC_CAP_DMA           (1 << 3)
#define MALLOC_CAP_PID2          (1 << 4)
#define MALLOC_CAP_PID3          (1 << 5)
#define MALLOC_CAP_PID4          (1 << 6)
#define MALLOC_CAP_PID5          (1 << 7)
#define MALLOC_CAP_PID6          (1 << 8)
#define MALLOC_CAP_PID7          (1 << 9)
#define MALLOC_CAP_SPIRAM        (1 << 10)
#define MALLOC_CAP_INTERNAL      (1 << 11)
#define MALLOC_CAP_DEFAULT       (1 << 12)
#define MALLOC_CAP_IRAM_8BIT     (1 << 13)
#define MALLOC_CAP_RETENTION     (1 << 14)
#define MALLOC_CAP_RTCRAM        (1 << 15)
#define MALLOC_CAP_SPM           (1 << 16)
#define MALLOC_CAP_DMA_DESC_AHB  (1 << 17)
#define MALLOC_CAP_DMA_DESC_AXI  (1 << 18)
#define MALLOC_CAP_CACHE_ALIGNED (1 << 19)
#define MALLOC_CAP_SIMD          (1 << 20)
#define MALLOC_CAP_SPIRAM_NO_ENC (1 << 21)
#define MALLOC_CAP_INVALID       (1 << 31)

/**
 * Called after every allocation that failed, in the context of the caller.
 * @param function_name the allocation function that was called
 */
typedef void (*esp_alloc_failed_hook_t)(size_t size, uint32_t caps, const char *function_name);

/**
 * @return ESP_OK, ESP_ERR_INVALID_ARG if callback is NULL
 */
esp_err_t heap_caps_register_failed_alloc_callback(esp_alloc_failed_hook_t callback);

#ifdef CONFIG_HEAP_USE_HOOKS
// The application may define these two; they are called after every successful allocation and
// before every free, and may be called from several tasks at once.
void esp_heap_trace_alloc_hook(void *ptr, size_t size, uint32_t caps) __attribute__((weak));
void esp_heap_trace_free_hook(void *ptr) __attribute__((weak));
#endif

// Allocation. All return NULL when no region with all the capabilities has a block large enough,
// for size 0, and for sizes beyond what the chip could address. From an ISR they abort the program.
// What is allocated belongs to the caller until heap_caps_free() or free().

void *heap_caps_malloc(size_t size, uint32_t caps);
void *heap_caps_calloc(size_t n, size_t size, uint32_t caps);

/** Size 0 frees; NULL allocates; moves to another region when caps ask for one. On failure the old
 *  block is untouched. */
void *heap_caps_realloc(void *ptr, size_t size, uint32_t caps);

/** @param alignment a power of two, otherwise NULL is returned */
void *heap_caps_aligned_alloc(size_t alignment, size_t size, uint32_t caps);
void *heap_caps_aligned_calloc(size_t alignment, size_t n, size_t size, uint32_t caps);

/** Tries num sets of capabilities (uint32_t each) in the order given. */
void *heap_caps_malloc_prefer(size_t size, size_t num, ...);
void *heap_caps_calloc_prefer(size_t n, size_t size, size_t num, ...);
void *heap_caps_realloc_prefer(void *ptr, size_t size, size_t num, ...);

/** NULL is allowed. A pointer that is no allocation, or is free already, aborts with a report. */
void heap_caps_free(void *ptr);
void heap_caps_aligned_free(void *ptr) __attribute__((deprecated));

/** Plain malloc() may use PSRAM from this size on. */
void heap_caps_malloc_extmem_enable(size_t limit);

// Figures over all regions that have every capability in caps.

size_t heap_caps_get_total_size(uint32_t caps);
size_t heap_caps_get_free_size(uint32_t caps);

/** The sum of each region's own minimum: regions may have been at their lowest at different times.
 */
size_t heap_caps_get_minimum_free_size(uint32_t caps);

size_t heap_caps_get_largest_free_block(uint32_t caps);
void heap_caps_get_info(multi_heap_info_t *info, uint32_t caps);
void heap_caps_print_heap_info(uint32_t caps);

/** Starts a second minimum, counted from now, that heap_caps_get_minimum_free_size() returns until
 *  it is stopped. @return ESP_OK, ESP_FAIL if already running */
esp_err_t heap_caps_monitor_local_minimum_free_size_start(void);
/** @return ESP_OK, ESP_FAIL if none is running */
esp_err_t heap_caps_monitor_local_minimum_free_size_stop(void);

/** @return false if any header or canary is damaged; print_errors names the block */
bool heap_caps_check_integrity_all(bool print_errors);
bool heap_caps_check_integrity(uint32_t caps, bool print_errors);
bool heap_caps_check_integrity_addr(intptr_t addr, bool print_errors);

void heap_caps_dump(uint32_t caps);
void heap_caps_dump_all(void);

/** @return usable size of an allocation, at least what was asked for. Anything else aborts. */
size_t heap_caps_get_allocated_size(void *ptr);

/** @return size of the block that contains ptr, which may point inside; aborts if outside any */
size_t heap_caps_get_containing_block_size(void *ptr);

typedef struct walker_heap_info {
    intptr_t start;
    intptr_t end;
} walker_heap_into_t;

typedef struct walker_block_info {
    void *ptr;
    size_t size;
    bool used;
} walker_block_info_t;

/** @return true to go on to the next block, false to skip the rest of this region */
typedef bool (*heap_caps_walker_cb_t)(walker_heap_into_t heap_info, walker_block_info_t block_info,
                                      void *user_data);

/** Visits every block in address order with the region locked: the callback must not allocate. */
void heap_caps_walk(uint32_t caps, heap_caps_walker_cb_t walker_func, void *user_data);
void heap_caps_walk_all(heap_caps_walker_cb_t walker_func, void *user_data);

#ifdef __cplusplus
}
#endif
