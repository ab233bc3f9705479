/* SPDX-License-Identifier: Apache-2.0 */
#include "system_service/heap_monitor.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "sdkconfig.h"

#ifdef CONFIG_SYSTEM_HEAP_MONITOR

typedef struct {
    char *out;
    size_t len;
    size_t used;
} text_t;

__attribute__((format(printf, 2, 3))) static void add(text_t *text, const char *format, ...)
{
    const size_t room = text->len - text->used;
    va_list args;

    if (text->used > 0) {
        text->used += (size_t)snprintf(text->out + text->used, room, "; ");
    }
    if (text->used >= text->len) {
        text->used = text->len - 1;
        return;
    }
    va_start(args, format);
    text->used += (size_t)vsnprintf(text->out + text->used, text->len - text->used, format, args);
    va_end(args);
    if (text->used >= text->len) {
        text->used = text->len - 1;
    }
}

static void add_low(text_t *text, const heap_stats_t *stats, heap_region_t region)
{
    add(text, "%s low (%" PRIu32 " bytes free)", heap_monitor_region_name(region),
        stats->regions[region].free_bytes);
}

static void add_fragmented(text_t *text, const heap_stats_t *stats, heap_region_t region)
{
    add(text, "%s fragmented (%d %%)", heap_monitor_region_name(region),
        stats->regions[region].fragmentation_percent);
}

char *heap_monitor_describe(const heap_stats_t *stats, char *out, size_t len)
{
    text_t text = {.out = out, .len = len};

    if (len == 0) {
        return out;
    }
    out[0] = '\0';
    if (stats->issues & HEAP_ISSUE_INTERNAL_LOW) {
        add_low(&text, stats, HEAP_REGION_INTERNAL);
    }
    if (stats->issues & HEAP_ISSUE_DMA_LOW) {
        add_low(&text, stats, HEAP_REGION_DMA);
    }
    if (stats->issues & HEAP_ISSUE_PSRAM_LOW) {
        add_low(&text, stats, HEAP_REGION_PSRAM);
    }
    if (stats->issues & HEAP_ISSUE_INTERNAL_FRAGMENTED) {
        add_fragmented(&text, stats, HEAP_REGION_INTERNAL);
    }
    if (stats->issues & HEAP_ISSUE_PSRAM_FRAGMENTED) {
        add_fragmented(&text, stats, HEAP_REGION_PSRAM);
    }
    if (stats->issues & HEAP_ISSUE_NO_LARGE_BLOCK) {
        add(&text, "largest block of internal RAM is %" PRIu32 " bytes", stats->largest_free_block);
    }
    if (stats->issues & HEAP_ISSUE_SHRINKING) {
        add(&text, "internal RAM shrinks by %" PRId32 " bytes an hour",
            -stats->trend_bytes_per_hour);
    }
    if (stats->issues == 0) {
        add(&text, "ok");
    }
    return out;
}

const char *heap_monitor_region_name(heap_region_t region)
{
    static const char *const names[HEAP_REGIONS] = {"internal RAM", "DMA RAM", "PSRAM"};

    return (unsigned)region < HEAP_REGIONS ? names[region] : "?";
}

#endif
