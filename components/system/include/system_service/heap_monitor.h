/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief How the heap is, region by region: free, largest block, fragmentation, trend, failures.
 *
 * Regions are looked at one by one, because a lot of free PSRAM says nothing about internal RAM. A
 * region usually consists of several heaps (pieces of the address space that do not touch). The end
 * of a heap is not fragmentation, so it is measured in each heap by itself:
 *
 *   fragmentation = 1 - (sum of each heap's largest free block) / (free bytes of all heaps)
 *
 * It is 0 when every heap's free bytes are one block, however many heaps there are.
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

/** Kinds of memory that are used up independently. DMA-capable RAM is a part of internal RAM. */
typedef enum {
    HEAP_REGION_INTERNAL = 0,
    HEAP_REGION_DMA,
    HEAP_REGION_PSRAM,
    HEAP_REGIONS, /**< how many there are */
} heap_region_t;

/** One region. All zero when the board has none. */
typedef struct {
    uint32_t total_bytes;
    uint32_t free_bytes;
    uint32_t minimum_free_bytes; /**< sum of the lowest that each heap ever was */
    uint32_t largest_free_block; /**< of any heap of the region, in bytes */
    uint32_t heaps;              /**< pieces that the region consists of */
    int fragmentation_percent;   /**< 0..100, as defined above */
} heap_region_stats_t;

/** What is wrong with the heap; bits. */
enum {
    HEAP_ISSUE_INTERNAL_LOW = 1 << 0,        /**< below CONFIG_SYSTEM_HEAP_INTERNAL_FREE_WARN */
    HEAP_ISSUE_DMA_LOW = 1 << 1,             /**< below CONFIG_SYSTEM_HEAP_DMA_FREE_WARN */
    HEAP_ISSUE_PSRAM_LOW = 1 << 2,           /**< below CONFIG_SYSTEM_HEAP_PSRAM_FREE_WARN */
    HEAP_ISSUE_INTERNAL_FRAGMENTED = 1 << 3, /**< above CONFIG_SYSTEM_HEAP_FRAGMENTATION_WARN_... */
    HEAP_ISSUE_PSRAM_FRAGMENTED = 1 << 4,    /**< the same */
    HEAP_ISSUE_NO_LARGE_BLOCK = 1 << 5,      /**< no CONFIG_SYSTEM_HEAP_LARGEST_BLOCK_WARN in one */
    HEAP_ISSUE_SHRINKING = 1 << 6, /**< ever less is free; low within a day at this rate */
};

/** The last allocation that failed. */
typedef struct {
    uint32_t size;             /**< bytes asked for */
    uint32_t caps;             /**< MALLOC_CAP_* asked for */
    system_service_id_t owner; /**< whose code asked; SYSTEM_SERVICE_ID_NONE = firmware */
} heap_failure_t;

/** The heap now. Every field is always written. */
typedef struct {
    heap_region_stats_t regions[HEAP_REGIONS];
    int fragmentation_percent;    /**< of internal RAM */
    uint32_t largest_free_block;  /**< of internal RAM, in bytes */
    uint32_t issues;              /**< HEAP_ISSUE_* */
    uint32_t failed_allocations;  /**< since boot, everybody's */
    heap_failure_t last_failure;  /**< all zero: none yet */
    int32_t trend_bytes_per_hour; /**< of free internal RAM; negative = it shrinks; 0 = not known */
    uint32_t trend_points;        /**< how many looks that is drawn from */
} heap_stats_t;

/**
 * @brief Look at the heap and judge it. A look a minute or more after the last one is a point of
 * the trend.
 *
 * @context any task  @blocks never (each heap is locked while its blocks are walked)
 * @return true when nothing is wrong
 */
bool heap_monitor_check_health(void);

/**
 * @brief Look at the heap and write all there is to know.
 * @context, @blocks as heap_monitor_check_health()
 * @return ESP_OK; ESP_ERR_INVALID_ARG out is NULL; ESP_ERR_SYSTEM_DISABLED heap monitoring is
 *         switched off: all fields are 0
 */
esp_err_t heap_monitor_get_stats(heap_stats_t *out);

/**
 * @brief Say what is wrong, e.g. "internal RAM low (8123 bytes free); DMA RAM low (... )".
 * @param[in]  stats of heap_monitor_get_stats()
 * @param[out] out   "ok" when nothing is wrong; cut at len, always ends in NUL when len > 0
 * @return out
 */
char *heap_monitor_describe(const heap_stats_t *stats, char *out, size_t len);

/**
 * @brief Allocations of a service or app that failed since it was registered.
 * @context any task  @blocks never
 * @return ESP_OK; ESP_ERR_INVALID_ARG; ESP_ERR_SERVICE_NOT_FOUND; ESP_ERR_SERVICE_STALE_ID;
 *         ESP_ERR_SYSTEM_DISABLED
 */
esp_err_t heap_monitor_get_failures(system_service_id_t id, uint32_t *out);

/** @brief "internal RAM", "DMA RAM", "PSRAM"; "?" for another value. Never NULL. */
const char *heap_monitor_region_name(heap_region_t region);

#ifdef __cplusplus
}
#endif
