/* SPDX-License-Identifier: Apache-2.0 */
/* pools, heap, quota, handlers */
#include <inttypes.h>

#include "esp_attr.h"

#include "shell_internal.h"
#include "system_service/event_bus.h"
#include "system_service/handler_monitor.h"
#include "system_service/heap_monitor.h"
#include "system_service/memory_pool.h"
#include "system_service/memory_utils.h"
#include "system_service/resource_quota.h"
#include "system_service/service_manager.h"

int cmd_pools(int argc, char **argv)
{
    (void)argv;
    memory_pool_totals_t totals;

    if (argc != 1) {
        return shell_usage("pools");
    }
    shell_print("%6s %6s %6s %6s %6s %10s %10s %10s", "bytes", "blocks", "used", "most", "lent",
                "served", "borrowed", "refused");
    for (unsigned i = 0; i < MEMORY_POOL_CLASSES; i++) {
        memory_pool_stats_t pool;
        (void)memory_pool_get_stats((memory_pool_class_t)i, &pool);
        shell_print("%6" PRIu32 " %6" PRIu32 " %6" PRIu32 " %6" PRIu32 " %6" PRIu32 " %10" PRIu32
                    " %10" PRIu32 " %10" PRIu32,
                    pool.block_size, pool.blocks, pool.used, pool.high_water, pool.lent,
                    pool.allocations, pool.borrowed, pool.exhausted);
    }
    (void)memory_pool_get_totals(&totals);
    shell_print("heap stood in %" PRIu32 " times (%" PRIu32 " blocks now); double frees %" PRIu32
                ", foreign frees %" PRIu32 ", overruns %" PRIu32 ", taken back %" PRIu32,
                totals.heap_fallbacks, totals.heap_blocks, totals.double_frees,
                totals.foreign_frees, totals.overruns, totals.reclaimed);
    return SHELL_OK;
}

int cmd_heap(int argc, char **argv)
{
    (void)argv;
    heap_stats_t stats;
    char text[SHELL_OUTPUT_MAX];

    if (argc != 1) {
        return shell_usage("heap");
    }
    const esp_err_t ret = heap_monitor_get_stats(&stats);
    if (ret != ESP_OK) {
        return shell_result("heap", ret);
    }
    shell_print("%-12s %10s %10s %10s %10s %6s", "region", "bytes", "free", "least", "largest",
                "fragm.");
    for (unsigned i = 0; i < HEAP_REGIONS; i++) {
        const heap_region_stats_t *region = &stats.regions[i];
        shell_print("%-12s %10" PRIu32 " %10" PRIu32 " %10" PRIu32 " %10" PRIu32 " %4d %%",
                    heap_monitor_region_name((heap_region_t)i), region->total_bytes,
                    region->free_bytes, region->minimum_free_bytes, region->largest_free_block,
                    region->fragmentation_percent);
    }
    shell_print("%s; failed allocations %" PRIu32,
                heap_monitor_describe(&stats, text, sizeof(text)), stats.failed_allocations);
    return SHELL_OK;
}

/* ---- quota ------------------------------------------------------------------------------------
 */

static void print_quota_row(const system_service_info_t *info)
{
    service_quota_t quota;
    quota_usage_t usage;
    uint32_t violations = 0;

    if (quota_get(info->id, &quota) != ESP_OK || quota_get_usage(info->id, &usage) != ESP_OK) {
        return;
    }
    for (unsigned i = 0; i < QUOTA_KINDS; i++) {
        violations += usage.violations[i];
    }
    shell_print("%-16s %9" PRIu32 " %6" PRIu32 "/s %4" PRIu32 " of %-3" PRIu32 " %7" PRIu32
                " of %-7" PRIu32 " %3" PRIu32 " of %-3" PRIu32 " %8" PRIu32 "%s",
                info->name, usage.events_posted, quota.max_events_per_sec, usage.subscriptions,
                quota.max_subscriptions, usage.memory_bytes, quota.max_memory_bytes,
                usage.cpu_percent, quota.max_cpu_percent, violations,
                usage.throttled ? " throttled" : "");
}

static int print_quota_of(system_service_id_t id, const char *name)
{
    service_quota_t quota;
    quota_usage_t usage;
    memory_usage_t memory;
    esp_err_t ret = quota_get(id, &quota);

    ret = ret == ESP_OK ? quota_get_usage(id, &usage) : ret;
    ret = ret == ESP_OK ? memory_get_usage(id, &memory) : ret;
    if (ret != ESP_OK) {
        return shell_result(name, ret);
    }
    shell_print("events         %" PRIu32 " posted, %" PRIu32 " in hand, limit %" PRIu32 "/s",
                usage.events_posted, usage.events_in_hand, quota.max_events_per_sec);
    shell_print("subscriptions  %" PRIu32 " of %" PRIu32, usage.subscriptions,
                quota.max_subscriptions);
    shell_print("payload        at most %" PRIu32 " bytes", quota.max_event_data_size);
    shell_print("memory         %" PRIu32 " of %" PRIu32 " bytes, at most %" PRIu32 "; in %" PRIu32
                " blocks and %" PRIu32 " of malloc()",
                usage.memory_bytes, quota.max_memory_bytes, usage.memory_peak, memory.blocks,
                memory.plain_blocks);
    shell_print("cpu            %" PRIu32 " %% of %" PRIu32 " %%", usage.cpu_percent,
                quota.max_cpu_percent);
    for (unsigned i = 0; i < QUOTA_KINDS; i++) {
        if (usage.violations[i] != 0) {
            shell_print("violations     %s %" PRIu32, quota_kind_name((quota_kind_t)i),
                        usage.violations[i]);
        }
    }
    return SHELL_OK;
}

int cmd_quota(int argc, char **argv)
{
    system_service_id_t id;

    if (argc > 2) {
        return shell_usage("quota");
    }
    if (argc == 2) {
        return shell_find(argv[1], &id) ? print_quota_of(id, argv[1]) : SHELL_FAILED;
    }
    shell_print("%-16s %9s %8s %11s %18s %10s %8s", "name", "posted", "limit", "subscript.",
                "memory", "cpu %", "refused");
    size_t count;
    const system_service_info_t *owners = shell_owners(&count);
    for (size_t i = 0; i < count; i++) {
        print_quota_row(&owners[i]);
    }
    return SHELL_OK;
}

/* ---- handlers ---------------------------------------------------------------------------------
 */

static void print_handler(const handler_stats_t *stats)
{
    system_service_info_t owner = {.name = "?"};
    char type[SYSTEM_NAME_MAX + 1] = "(pattern)";

    (void)system_service_get_info(stats->owner, &owner);
    (void)(stats->type != SYSTEM_EVENT_TYPE_NONE &&
           system_event_get_type_name(stats->type, type, sizeof(type)) == ESP_OK);
    shell_print("%-16s %-24s %9" PRIu32 " %8" PRIu32 " %8" PRIu32 " %8" PRIu32 " %5" PRIu32,
                owner.name, type, stats->calls, stats->p50_us, stats->p99_us, stats->max_us,
                stats->slow);
}

int cmd_handlers(int argc, char **argv)
{
    static EXT_RAM_BSS_ATTR handler_stats_t s_stats[CONFIG_SYSTEM_MAX_SUBSCRIPTIONS];
    system_service_id_t id = SYSTEM_SERVICE_ID_NONE;
    size_t count = CONFIG_SYSTEM_MAX_SUBSCRIPTIONS;

    if (argc > 2) {
        return shell_usage("handlers");
    }
    if (argc == 2 && !shell_find(argv[1], &id)) {
        return SHELL_FAILED;
    }
    const esp_err_t ret = handler_monitor_list(id, s_stats, &count);
    if (ret != ESP_OK) {
        return shell_result("handlers", ret);
    }
    shell_print("%-16s %-24s %9s %8s %8s %8s %5s", "name", "event", "runs", "p50 us", "p99 us",
                "max us", "slow");
    for (size_t i = 0; i < count; i++) {
        print_handler(&s_stats[i]);
    }
    return SHELL_OK;
}
