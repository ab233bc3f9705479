/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief Memory by purpose, accounted to the service or app that uses it.
 *
 * An allocation says what it is for and gets internal RAM or PSRAM accordingly. It counts against
 * the memory quota of its owner and is taken back when the owner goes. The ledger of who holds what
 * lies outside of the blocks, so that a pointer that is wrong is refused without being looked at.
 *
 * Plain malloc() and its kin are counted as well, against the owner whose code called them
 * (CONFIG_SYSTEM_TRACK_PLAIN_MALLOC). They cannot be refused; going over the quota that way is a
 * violation.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "esp_err.h"

#include "system_service/error_codes.h"
#include "system_service/system_types.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What memory is for, and so where it is placed. */
typedef enum {
    /** Below CONFIG_SYSTEM_MEMORY_BIG_BLOCK bytes internal RAM, else PSRAM; the other one if that
       is used up. */
    MEMORY_PURPOSE_GENERAL = 0,
    /** Touched often, by an ISR, or while the flash cache is off: internal RAM or nothing. */
    MEMORY_PURPOSE_HOT,
    /** Read or written by a peripheral: DMA-capable internal RAM or nothing. */
    MEMORY_PURPOSE_DMA,
    /** Framebuffers, audio, files: PSRAM; internal RAM only while that leaves
        CONFIG_SYSTEM_HEAP_INTERNAL_FREE_WARN bytes of it. */
    MEMORY_PURPOSE_BIG,
    MEMORY_PURPOSES, /**< how many there are */
} memory_purpose_t;

/** What one owner holds. */
typedef struct {
    uint32_t bytes;        /**< of memory_alloc() and system_mem_alloc() */
    uint32_t blocks;       /**< of these */
    uint32_t plain_bytes;  /**< of malloc() and its kin, as far as tracked */
    uint32_t plain_blocks; /**< of these */
    uint32_t charged;      /**< counted against the quota: the above, and pool blocks held */
    uint32_t limit;        /**< the quota in bytes */
} memory_usage_t;

/** Counts over all owners since boot; each counted once, where the thing happens. */
typedef struct {
    uint32_t tracked; /**< blocks in the ledger now */
    uint32_t tracked_high_water;
    uint32_t tracked_max;      /**< room in the ledger */
    uint32_t untracked;        /**< plain blocks of owners that did not fit: not accounted */
    uint32_t over_quota;       /**< allocations refused because of a quota */
    uint32_t refused;          /**< allocations refused for want of memory or of ledger room */
    uint32_t misplaced;        /**< allocations that got their second choice of memory */
    uint32_t double_frees;     /**< detected and refused */
    uint32_t foreign_frees;    /**< pointers that are no block: refused */
    uint32_t overruns;         /**< blocks found written beyond their end when freed */
    uint32_t reclaimed_blocks; /**< taken back from owners that went */
    uint32_t reclaimed_bytes;  /**< in these */
} memory_totals_t;

/**
 * @brief Allocate for the calling service or app; for firmware without a quota.
 *
 * @context any task  @blocks never (the heap's lock)
 * @owns    the caller, until memory_free() or until it is reclaimed. Content is undefined.
 * @param[in] size 1..16777215
 * @return the block, aligned to 4 at least, or NULL: size out of range, no such purpose, over the
 *         memory quota, no memory of that kind, or the ledger (CONFIG_SYSTEM_TRACKED_BLOCKS) is
 * full
 */
void *memory_alloc(size_t size, memory_purpose_t purpose);

/**
 * @brief Allocate in the name of a service; for firmware that works for one, e.g. its driver.
 * @context as memory_alloc(), of that owner, or firmware
 * @return as memory_alloc(); NULL too when id is not the caller's to use
 */
void *system_mem_alloc(system_service_id_t id, size_t size, memory_purpose_t purpose);

/**
 * @brief Free a block of memory_alloc() or system_mem_alloc().
 *
 * @context any task of its owner, or firmware  @blocks never (the heap's lock)
 * @return ESP_OK (also for NULL), or
 *  - ESP_ERR_MEMORY_DOUBLE_FREE     freed a short while ago
 *  - ESP_ERR_MEMORY_FOREIGN_POINTER not the start of such a block
 *  - ESP_ERR_NOT_OWNER              another owner's block
 *  - ESP_ERR_MEMORY_CORRUPTED       freed, but something wrote beyond its end
 *  All but the first two name the owner in the log.
 */
esp_err_t memory_free(void *ptr);

/**
 * @brief Touch memory that somebody else gave, before a lock is taken.
 *
 * A pointer that leads nowhere then faults in the code of whoever gave it, where that ends an app
 * alone (app_manager.h), and not behind a lock. What is not touched is not proven: one byte in 4
 * KB.
 *
 * @context any task  @blocks never
 * @param   write  it is to be written as well; nobody else may use it meanwhile
 */
void memory_touch(const void *ptr, size_t size, bool write);

/**
 * @brief How large a block of memory_alloc() is, as it was asked for.
 * @context any task  @blocks never
 * @return ESP_OK; ESP_ERR_INVALID_ARG; ESP_ERR_NOT_OWNER it is somebody else's;
 *         ESP_ERR_MEMORY_DOUBLE_FREE it was freed already; ESP_ERR_MEMORY_FOREIGN_POINTER it is no
 *         block of memory_alloc()
 */
esp_err_t memory_size(const void *ptr, size_t *out);

/** @brief The same as memory_free(). */
esp_err_t system_mem_free(void *ptr);

/** @brief What an owner holds. @context any task  @blocks never
 *  @return ESP_OK; ESP_ERR_INVALID_ARG; ESP_ERR_SERVICE_NOT_FOUND; ESP_ERR_SERVICE_STALE_ID */
esp_err_t memory_get_usage(system_service_id_t id, memory_usage_t *out);

/** @brief Counts over all owners. @context any task  @blocks never
 *  @return ESP_OK; ESP_ERR_INVALID_ARG */
esp_err_t memory_get_totals(memory_totals_t *out);

/**
 * @brief Look for blocks that something wrote beyond, without waiting until they are freed.
 * @context any task  @blocks never (time grows with the number of blocks)
 * @return ESP_OK; ESP_ERR_MEMORY_CORRUPTED at least one; its owner and size are in the log
 */
esp_err_t memory_check(void);

#ifdef __cplusplus
}
#endif
