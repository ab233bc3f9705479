/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief Fixed-size block pools: O(1), lock-free, from any task or ISR on either core.
 *
 * Four classes of 64, 256, 1024 and 4096 bytes; the counts come from Kconfig. The sizes are what a
 * caller gets: bookkeeping lives outside. A class that is used up borrows from the next larger ones
 * within CONFIG_SYSTEM_POOL_LEND_PERCENT of theirs, then memory_pool_alloc() falls back to the
 * heap. The event bus uses the same blocks but never the heap.
 */

#include <stddef.h>
#include <stdint.h>

#include "esp_err.h"

#include "system_service/error_codes.h"
#include "system_service/system_types.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The classes, smallest first. */
typedef enum {
    MEMORY_POOL_SMALL = 0, /**< 64 B */
    MEMORY_POOL_MEDIUM,    /**< 256 B */
    MEMORY_POOL_LARGE,     /**< 1 KB */
    MEMORY_POOL_XLARGE,    /**< 4 KB */
    MEMORY_POOL_CLASSES,
} memory_pool_class_t;

/** Payload of the largest class in bytes: the largest event payload too. */
#define MEMORY_POOL_MAX_BLOCK 4096

/** Alignment of every block in bytes. */
#define MEMORY_POOL_ALIGNMENT 8

/** Counts of one class; each is counted once, where the thing happens. */
typedef struct {
    uint32_t block_size;  /**< bytes a caller gets */
    uint32_t blocks;      /**< in the class */
    uint32_t used;        /**< in use now, borrowed ones included */
    uint32_t high_water;  /**< most ever in use */
    uint32_t reserved;    /**< of blocks: only for CRITICAL events */
    uint32_t lent;        /**< in use now for a smaller class */
    uint32_t allocations; /**< requests of this class's size that got a block of a pool; may be
                               behind for a moment, and wraps */
    uint32_t borrowed;    /**< of these: got one of a larger class */
    uint32_t exhausted;   /**< requests of this class's size that no pool could serve */
} memory_pool_stats_t;

/** Counts of what does not belong to one class. */
typedef struct {
    uint32_t heap_fallbacks; /**< memory_pool_alloc() calls that the heap served */
    uint32_t heap_blocks;    /**< of these: in use now */
    uint32_t double_frees;   /**< detected and refused */
    uint32_t foreign_frees;  /**< pointers that are no block's start: refused */
    uint32_t overruns;       /**< blocks found written beyond their size when freed */
    uint32_t reclaimed;      /**< blocks taken back from owners that went */
} memory_pool_totals_t;

/**
 * @brief Allocate a block of at least size bytes for the calling service, app or firmware.
 *
 * @context any task, isr-ok (an ISR gets no heap block)  @blocks never
 * @owns    the caller, until memory_pool_free() or until it is reclaimed. Content is undefined.
 * @param[in] size 1..4096 from the pools; larger only from the heap
 * @return the block, or NULL: size is 0, over the memory quota, or pools and heap are used up
 */
void *memory_pool_alloc(size_t size);

/**
 * @brief Free a block of memory_pool_alloc(). A block found bad is kept out of use.
 *
 * @context any task; isr-ok for pool blocks  @blocks never
 * @return ESP_OK (also for NULL), or
 *  - ESP_ERR_MEMORY_DOUBLE_FREE      the block is free already
 *  - ESP_ERR_MEMORY_FOREIGN_POINTER  not the start of a block
 *  - ESP_ERR_MEMORY_FOREIGN_POINTER    a block of the event bus, not of memory_pool_alloc()
 *  - ESP_ERR_MEMORY_CORRUPTED          freed, but its user wrote beyond its size; named in the log
 */
esp_err_t memory_pool_free(void *ptr);

/** @brief Counts of one class. @context any task, isr-ok  @blocks never
 *  @return ESP_OK; ESP_ERR_INVALID_ARG no such class or NULL */
esp_err_t memory_pool_get_stats(memory_pool_class_t pool, memory_pool_stats_t *out);

/** @brief Counts over all classes. @return ESP_OK; ESP_ERR_INVALID_ARG */
esp_err_t memory_pool_get_totals(memory_pool_totals_t *out);

/**
 * @brief Walk all blocks: every free list holds only free blocks, each once, and every guard is
 *        whole. Meaningful while nobody allocates or frees.
 * @context any task  @blocks never (time grows with the number of blocks)
 * @return ESP_OK; ESP_ERR_MEMORY_CORRUPTED a list is broken or a guard is damaged
 */
esp_err_t memory_pool_check(void);

#ifdef __cplusplus
}
#endif
