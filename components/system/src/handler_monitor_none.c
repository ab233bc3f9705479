/* SPDX-License-Identifier: Apache-2.0 */
#include "handler_monitor_internal.h"

#include "relaxed.h"

/* Handler monitoring is switched off: slow handlers are counted, running times are not kept. */
#ifndef CONFIG_SYSTEM_HANDLER_MONITOR

static _Atomic uint32_t s_total_slow;

void handler_monitor_init(void)
{
    relaxed_put(&s_total_slow, 0);
}

void handler_monitor_reset(unsigned sub_index)
{
    (void)sub_index;
}

void handler_monitor_record(unsigned sub_index, uint32_t us)
{
    (void)sub_index;
    (void)us;
}

void handler_monitor_note_slow(unsigned sub_index)
{
    (void)sub_index;
    relaxed_add(&s_total_slow, 1);
}

uint32_t handler_monitor_total_slow(void)
{
    return relaxed_get(&s_total_slow);
}

esp_err_t handler_monitor_get(system_service_id_t id, handler_stats_t *out)
{
    (void)id;
    (void)out;
    return ESP_ERR_SYSTEM_DISABLED;
}

esp_err_t handler_monitor_list(system_service_id_t id, handler_stats_t *out, size_t *count)
{
    (void)id;
    (void)out;
    (void)count;
    return ESP_ERR_SYSTEM_DISABLED;
}

#endif
