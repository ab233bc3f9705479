/* SPDX-License-Identifier: Apache-2.0 */
#include "heap_monitor_internal.h"

#include <string.h>

/* Heap monitoring is switched off. */
#ifndef CONFIG_SYSTEM_HEAP_MONITOR

esp_err_t heap_monitor_init(void)
{
    return ESP_OK;
}

esp_err_t heap_monitor_get_stats(heap_stats_t *out)
{
    if (out == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    memset(out, 0, sizeof(*out));
    return ESP_ERR_SYSTEM_DISABLED;
}

bool heap_monitor_check_health(void)
{
    return true;
}

esp_err_t heap_monitor_get_failures(system_service_id_t id, uint32_t *out)
{
    (void)id;
    (void)out;
    return ESP_ERR_SYSTEM_DISABLED;
}

char *heap_monitor_describe(const heap_stats_t *stats, char *out, size_t len)
{
    (void)stats;
    if (len != 0) {
        out[0] = '\0';
    }
    return out;
}

const char *heap_monitor_region_name(heap_region_t region)
{
    (void)region;
    return "?";
}

#endif
