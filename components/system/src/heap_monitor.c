/* SPDX-License-Identifier: Apache-2.0 */
#include "system_service/heap_monitor.h"

#include <string.h>

#include "esp_attr.h"
#include "esp_heap_caps.h"
#include "esp_timer.h"
#include "freertos/FreeRTOS.h"

#include "heap_monitor_internal.h"
#include "lock_order.h"

#ifdef CONFIG_SYSTEM_HEAP_MONITOR

#define POINTS        CONFIG_SYSTEM_HEAP_TREND_POINTS
#define POINT_APART_S 60u
#define DAY_H         24

static const uint32_t s_caps[HEAP_REGIONS] = {
    [HEAP_REGION_INTERNAL] = MALLOC_CAP_INTERNAL | MALLOC_CAP_8BIT,
    [HEAP_REGION_DMA] = MALLOC_CAP_INTERNAL | MALLOC_CAP_DMA,
    [HEAP_REGION_PSRAM] = MALLOC_CAP_SPIRAM,
};

typedef struct {
    uint32_t time_s;
    uint32_t free_bytes; /* of internal RAM */
} point_t;

typedef struct {
    system_service_id_t owner; /* of the count; another one in the slot starts at 0 */
    uint32_t count;
} failures_t;

/* Order 5, a leaf: protects all below. */
static portMUX_TYPE s_lock = portMUX_INITIALIZER_UNLOCKED;
static EXT_RAM_BSS_ATTR point_t s_points[POINTS]; /* a ring: s_taken % POINTS is the next place */
static uint32_t s_taken;
static failures_t s_failures[SYSTEM_SLOTS];
static uint32_t s_failed;
static heap_failure_t s_last_failure;

/* ---- one region ----------------------------------------------------------------------------- */

/* Sums over the heaps of a region, while their blocks go by. */
typedef struct {
    intptr_t heap; /* start of the one that goes by now; 0 = none yet */
    size_t heap_largest;
    uint64_t free_bytes;
    uint64_t largest_sum;
    uint32_t heaps;
} walk_t;

static void end_heap(walk_t *walk)
{
    walk->largest_sum += walk->heap_largest;
    walk->heap_largest = 0;
}

static bool see_block(walker_heap_into_t heap, walker_block_info_t block, void *arg)
{
    walk_t *walk = arg;

    if (heap.start != walk->heap) {
        end_heap(walk);
        walk->heap = heap.start;
        walk->heaps++;
    }
    if (!block.used) {
        walk->free_bytes += block.size;
        if (block.size > walk->heap_largest) {
            walk->heap_largest = block.size;
        }
    }
    return true;
}

static void look_at(heap_region_t region, heap_region_stats_t *out)
{
    multi_heap_info_t info;
    walk_t walk = {.heap = 0};

    heap_caps_get_info(&info, s_caps[region]);
    heap_caps_walk(s_caps[region], see_block, &walk);
    end_heap(&walk);
    *out = (heap_region_stats_t){
        .total_bytes = (uint32_t)heap_caps_get_total_size(s_caps[region]),
        .free_bytes = (uint32_t)info.total_free_bytes,
        .minimum_free_bytes = (uint32_t)info.minimum_free_bytes,
        .largest_free_block = (uint32_t)info.largest_free_block,
        .heaps = walk.heaps,
        .fragmentation_percent =
            walk.free_bytes == 0 ? 0 : 100 - (int)(walk.largest_sum * 100u / walk.free_bytes),
    };
}

/* ---- the trend ------------------------------------------------------------------------------ */

static void take_point(uint32_t now_s, uint32_t free_bytes)
{
    portENTER_CRITICAL(&s_lock);
    const point_t *last = &s_points[(s_taken + POINTS - 1) % POINTS];

    if (s_taken == 0 || now_s - last->time_s >= POINT_APART_S) {
        s_points[s_taken % POINTS] = (point_t){now_s, free_bytes};
        s_taken++;
    }
    portEXIT_CRITICAL(&s_lock);
}

/* Oldest first. */
static uint32_t copy_points(point_t out[POINTS])
{
    portENTER_CRITICAL(&s_lock);
    const uint32_t n = s_taken < POINTS ? s_taken : POINTS;

    for (uint32_t i = 0; i < n; i++) {
        out[i] = s_points[(s_taken - n + i) % POINTS];
    }
    portEXIT_CRITICAL(&s_lock);
    return n;
}

/* Slope of the line of least squares, in bytes per hour. */
static int32_t slope(const point_t *points, uint32_t n)
{
    int64_t sum_t = 0, sum_f = 0, sum_tt = 0, sum_tf = 0;

    for (uint32_t i = 0; i < n; i++) {
        const int64_t t = (int64_t)points[i].time_s - points[0].time_s;
        const int64_t f = (int64_t)points[i].free_bytes - points[0].free_bytes;

        sum_t += t;
        sum_f += f;
        sum_tt += t * t;
        sum_tf += t * f;
    }
    const int64_t below = (int64_t)n * sum_tt - sum_t * sum_t;

    if (below == 0) {
        return 0;
    }
    /* a double, as the product times 3600 may not fit; this is no hot path */
    const double per_hour = 3600.0 * (double)((int64_t)n * sum_tf - sum_t * sum_f) / (double)below;

    return per_hour > INT32_MAX    ? INT32_MAX
           : per_hour < -INT32_MAX ? -INT32_MAX
                                   : (int32_t)per_hour;
}

/* A leak: as many looks as there is room for, none of them with more free than the one before. */
static bool shrinks(const point_t *points, uint32_t n)
{
    for (uint32_t i = 1; i < n; i++) {
        if (points[i].free_bytes > points[i - 1].free_bytes) {
            return false;
        }
    }
    return n == POINTS && points[n - 1].free_bytes < points[0].free_bytes;
}

static void judge_trend(heap_stats_t *stats)
{
    point_t points[POINTS];
    const uint32_t n = copy_points(points);

    stats->trend_points = n;
    stats->trend_bytes_per_hour = slope(points, n);
    const int64_t in_a_day = (int64_t)stats->regions[HEAP_REGION_INTERNAL].free_bytes +
                             (int64_t)stats->trend_bytes_per_hour * DAY_H;

    if (shrinks(points, n) && in_a_day < CONFIG_SYSTEM_HEAP_INTERNAL_FREE_WARN) {
        stats->issues |= HEAP_ISSUE_SHRINKING;
    }
}

/* ---- the verdict ---------------------------------------------------------------------------- */

static bool low(const heap_region_stats_t *region, uint32_t limit)
{
    return region->total_bytes > 0 && region->free_bytes < limit;
}

/* A small region cannot have the block that is asked for: that is then no fault. */
static bool lacks_block(const heap_region_stats_t *region)
{
    return region->total_bytes >= 2u * CONFIG_SYSTEM_HEAP_LARGEST_BLOCK_WARN &&
           region->largest_free_block < CONFIG_SYSTEM_HEAP_LARGEST_BLOCK_WARN;
}

static uint32_t judge(const heap_region_stats_t *regions)
{
    const heap_region_stats_t *internal = &regions[HEAP_REGION_INTERNAL];
    const heap_region_stats_t *psram = &regions[HEAP_REGION_PSRAM];
    const int fragmented = CONFIG_SYSTEM_HEAP_FRAGMENTATION_WARN_PERCENT;
    uint32_t issues = 0;

    issues |= low(internal, CONFIG_SYSTEM_HEAP_INTERNAL_FREE_WARN) ? HEAP_ISSUE_INTERNAL_LOW : 0;
    issues |=
        low(&regions[HEAP_REGION_DMA], CONFIG_SYSTEM_HEAP_DMA_FREE_WARN) ? HEAP_ISSUE_DMA_LOW : 0;
    issues |= low(psram, CONFIG_SYSTEM_HEAP_PSRAM_FREE_WARN) ? HEAP_ISSUE_PSRAM_LOW : 0;
    issues |= internal->fragmentation_percent > fragmented ? HEAP_ISSUE_INTERNAL_FRAGMENTED : 0;
    issues |= psram->fragmentation_percent > fragmented ? HEAP_ISSUE_PSRAM_FRAGMENTED : 0;
    issues |= lacks_block(internal) ? HEAP_ISSUE_NO_LARGE_BLOCK : 0;
    return issues;
}

/* ---- allocations that fail ------------------------------------------------------------------- */

/* Called by the heap, in the context of whoever asked. */
static void IRAM_ATTR allocation_failed(size_t size, uint32_t caps, const char *function_name)
{
    const unsigned slot = system_current_slot();
    const system_service_id_t owner = service_slot_id(slot);

    (void)function_name;
    portENTER_CRITICAL_SAFE(&s_lock);
    s_failed++;
    s_last_failure = (heap_failure_t){(uint32_t)size, caps, owner};
    if (slot < SYSTEM_SLOTS) {
        if (s_failures[slot].owner != owner) {
            s_failures[slot] = (failures_t){owner, 0};
        }
        s_failures[slot].count++;
    }
    portEXIT_CRITICAL_SAFE(&s_lock);
}

esp_err_t heap_monitor_init(void)
{
    portENTER_CRITICAL(&s_lock);
    s_taken = 0;
    s_failed = 0;
    memset(&s_last_failure, 0, sizeof(s_last_failure));
    memset(s_failures, 0, sizeof(s_failures));
    portEXIT_CRITICAL(&s_lock);
    return heap_caps_register_failed_alloc_callback(allocation_failed);
}

/* ---- public API ----------------------------------------------------------------------------- */

esp_err_t heap_monitor_get_stats(heap_stats_t *out)
{
    if (out == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    memset(out, 0, sizeof(*out));
    for (int region = 0; region < HEAP_REGIONS; region++) {
        look_at((heap_region_t)region, &out->regions[region]);
    }
    const heap_region_stats_t *internal = &out->regions[HEAP_REGION_INTERNAL];

    out->fragmentation_percent = internal->fragmentation_percent;
    out->largest_free_block = internal->largest_free_block;
    out->issues = judge(out->regions);
    take_point((uint32_t)(esp_timer_get_time() / 1000000), internal->free_bytes);
    judge_trend(out);
    portENTER_CRITICAL(&s_lock);
    out->failed_allocations = s_failed;
    out->last_failure = s_last_failure;
    portEXIT_CRITICAL(&s_lock);
    return ESP_OK;
}

bool heap_monitor_check_health(void)
{
    heap_stats_t stats;

    (void)heap_monitor_get_stats(&stats);
    return stats.issues == 0;
}

esp_err_t heap_monitor_get_failures(system_service_id_t id, uint32_t *out)
{
    unsigned slot;

    if (out == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    const esp_err_t err = service_slot_of(id, &slot);

    if (err == ESP_OK) {
        portENTER_CRITICAL(&s_lock);
        *out = s_failures[slot].owner == id ? s_failures[slot].count : 0;
        portEXIT_CRITICAL(&s_lock);
    }
    return err;
}

#endif
