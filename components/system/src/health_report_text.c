/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The health report for people: one line with the verdict, then the six sections. Owners are asked
 * about one at a time, so that nothing larger than one of them is on the stack.
 */
#include "health_report_internal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "esp_timer.h"

#include "service_dependencies_internal.h"
#include "system_internal.h"
#include "system_service/handler_monitor.h"
#include "system_service/service_manager.h"

#ifdef CONFIG_SYSTEM_HEALTH_REPORT

#define LINE_MAX_BYTES 176

typedef struct {
    health_line_t line;
    void *arg;
} printer_t;

static void print(const printer_t *out, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void print(const printer_t *out, const char *format, ...)
{
    char text[LINE_MAX_BYTES];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    out->line(text, out->arg);
}

/** The owner in a slot. @return false: there is none */
static bool owner_in(unsigned slot, system_service_info_t *info)
{
    return system_service_get_info(service_slot_id(slot), info) == ESP_OK;
}

static void print_verdict(const printer_t *out, const health_report_t *report)
{
    print(out, "Health: %s after %" PRIu32 " s", health_verdict_name(report->verdict),
          report->uptime_s);
    for (uint32_t bits = report->reasons; bits != 0; bits &= bits - 1) {
        print(out, "  because %s", health_reason_text(bits & (~bits + 1)));
    }
}

static void print_pools(const printer_t *out, const health_report_t *report)
{
    print(out, "Memory pool usage");
    for (unsigned i = 0; i < MEMORY_POOL_CLASSES; i++) {
        const memory_pool_stats_t *pool = &report->pools[i];
        print(out,
              "  %4" PRIu32 " B  %3" PRIu32 " of %3" PRIu32 " in use, at most %3" PRIu32
              "; %" PRIu32 " served, %" PRIu32 " borrowed, %" PRIu32 " refused",
              pool->block_size, pool->used, pool->blocks, pool->high_water, pool->allocations,
              pool->borrowed, pool->exhausted);
    }
    const memory_pool_totals_t *totals = &report->pool_totals;
    print(out,
          "  heap stood in %" PRIu32 " times; bad frees %" PRIu32 ", overruns %" PRIu32
          ", taken back %" PRIu32,
          totals->heap_fallbacks, totals->double_frees + totals->foreign_frees, totals->overruns,
          totals->reclaimed);
}

static void print_heap(const printer_t *out, const health_report_t *report)
{
    char issues[LINE_MAX_BYTES - 8];

    print(out, "Heap fragmentation");
    for (unsigned i = 0; i < HEAP_REGIONS; i++) {
        const heap_region_stats_t *heap = &report->heap.regions[i];
        if (heap->total_bytes == 0) {
            continue;
        }
        print(out,
              "  %-12s %3d %%; free %" PRIu32 " of %" PRIu32 " B, at least %" PRIu32
              ", largest block %" PRIu32,
              heap_monitor_region_name((heap_region_t)i), heap->fragmentation_percent,
              heap->free_bytes, heap->total_bytes, heap->minimum_free_bytes,
              heap->largest_free_block);
    }
    print(out, "  %s; allocations that failed: %" PRIu32,
          heap_monitor_describe(&report->heap, issues, sizeof(issues)),
          report->heap.failed_allocations);
    print(out, "  heap allocations of the core since boot ended: %" PRIu32,
          report->seal_violations);
}

static void print_watchdog(const printer_t *out, const health_report_t *report)
{
    const watchdog_totals_t *totals = &report->watchdog;

    print(out, "Watchdog status");
    print(out,
          "  %s; watching %" PRIu32 "; deadlines missed %" PRIu32 ", restarts %" PRIu32
          ", failed %" PRIu32 ", given up %" PRIu32 ", set aside %" PRIu32 "; safe mode %s",
          report->watchdog_enabled ? "on" : "OFF", totals->watched, totals->timeouts,
          totals->restarts, totals->restarts_failed, totals->given_up, totals->quarantined_tasks,
          report->safe_mode ? "ON" : "off");
    for (unsigned slot = 0; slot < SYSTEM_SLOTS; slot++) {
        system_service_info_t info;
        if (!owner_in(slot, &info)) {
            continue;
        }
        char alive[32] = "no sign of life yet";
        if (info.last_heartbeat_us != 0) {
            /* The time is asked for each line: they live on while the lines before are printed. */
            snprintf(alive, sizeof(alive), "alive %" PRIu32 " ms ago",
                     (uint32_t)((esp_timer_get_time() - info.last_heartbeat_us) / 1000));
        }
        print(out, "  %-16s %-10s restarts %" PRIu32 ", faults %" PRIu32 ", %s%s", info.name,
              system_service_state_name(info.state), info.restart_count, info.fault_count, alive,
              info.is_critical ? ", critical" : "");
    }
}

static void print_owner_violations(const printer_t *out, const char *name,
                                   const quota_usage_t *usage)
{
    char text[96];
    size_t used = 0;
    for (unsigned i = 0; i < QUOTA_KINDS && used < sizeof(text); i++) {
        if (usage->violations[i] != 0) {
            const int n =
                snprintf(text + used, sizeof(text) - used, "%s%s %" PRIu32, used != 0 ? ", " : "",
                         quota_kind_name((quota_kind_t)i), usage->violations[i]);
            used += n > 0 ? (size_t)n : 0;
        }
    }
    if (used != 0) {
        print(out, "  %-16s %s%s", name, text, usage->throttled ? "; throttled" : "");
    }
}

static void print_quotas(const printer_t *out, const health_report_t *report)
{
    uint32_t total = 0;
    for (unsigned i = 0; i < QUOTA_KINDS; i++) {
        total += report->quota_violations[i];
    }
    print(out, "Quota violations");
    print(out, "  %" PRIu32 " since boot", total);
    for (unsigned slot = 0; slot < SYSTEM_SLOTS; slot++) {
        system_service_info_t info;
        quota_usage_t usage;
        if (owner_in(slot, &info) && quota_get_usage(info.id, &usage) == ESP_OK) {
            print_owner_violations(out, info.name, &usage);
        }
    }
}

static void print_dependencies(const printer_t *out, const health_report_t *report)
{
    print(out, "Service dependencies");
    print(out, "  %" PRIu32 " missing", report->missing_dependencies);
    for (unsigned slot = 0; slot < SYSTEM_SLOTS; slot++) {
        const system_service_id_t id = service_slot_id(slot);
        char owner[SYSTEM_NAME_MAX + 1];
        strncpy(owner, service_slot_name(slot), sizeof(owner) - 1);
        owner[sizeof(owner) - 1] = '\0';
        service_dependency_t needed[4];
        size_t count = sizeof(needed) / sizeof(needed[0]);
        const size_t room = count;
        const esp_err_t ret = dependencies_list(id, needed, &count);
        if (ret != ESP_OK && ret != ESP_ERR_INVALID_SIZE) {
            continue;
        }
        for (size_t i = 0; i < count && i < room; i++) {
            system_service_state_t state = SYSTEM_SERVICE_STATE_ERROR;
            const bool there = system_service_get_state(needed[i].id, &state) == ESP_OK;
            print(out, "  %-16s needs %s (%s)", owner, needed[i].name,
                  there ? system_service_state_name(state) : "not registered");
        }
        if (count > room) {
            print(out, "  %-16s needs %u more", owner, (unsigned)(count - room));
        }
    }
}

static void print_handlers(const printer_t *out, const health_report_t *report)
{
    print(out, "Handler execution times");
    print(out, "  %" PRIu32 " runs over their limit", report->slow_handlers);
    for (unsigned slot = 0; slot < SYSTEM_SLOTS; slot++) {
        system_service_info_t info;
        handler_stats_t stats;
        if (!owner_in(slot, &info)) {
            continue;
        }
        const esp_err_t ret = handler_monitor_get(info.id, &stats);
        if (ret == ESP_ERR_SYSTEM_DISABLED) {
            print(out, "  switched off in the configuration");
            return;
        }
        if (ret == ESP_OK && stats.calls != 0) {
            print(out,
                  "  %-16s %7" PRIu32 " runs; p50 %" PRIu32 " us, p99 %" PRIu32 " us, max %" PRIu32
                  " us; slow %" PRIu32,
                  info.name, stats.calls, stats.p50_us, stats.p99_us, stats.max_us, stats.slow);
        }
    }
}

esp_err_t health_report_print(health_line_t line, void *arg)
{
    if (line == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    health_report_t report;
    const esp_err_t ret = health_report_get(&report);
    if (ret != ESP_OK) {
        return ret;
    }
    const printer_t out = {line, arg};
    print_verdict(&out, &report);
    print_pools(&out, &report);
    print_heap(&out, &report);
    print_watchdog(&out, &report);
    print_quotas(&out, &report);
    print_dependencies(&out, &report);
    print_handlers(&out, &report);
    return ESP_OK;
}

#endif
