/* SPDX-License-Identifier: Apache-2.0 */
#include "system_service/event_timer.h"

#include "event_internal.h"

/* Event timers are switched off: esp_timer's callbacks may post instead. */
#ifndef CONFIG_SYSTEM_EVENT_TIMERS

esp_err_t event_timers_init(void)
{
    return ESP_OK;
}

void event_timers_deinit(void)
{
}

void event_timers_reclaim(unsigned slot)
{
    (void)slot;
}

unsigned event_timers_count(unsigned slot)
{
    (void)slot;
    return 0;
}

esp_err_t system_event_post_after(system_service_id_t service_id, system_event_type_t type,
                                  const void *data, size_t size, uint8_t priority,
                                  uint32_t delay_ms, system_event_timer_t *out)
{
    (void)service_id;
    (void)type;
    (void)data;
    (void)size;
    (void)priority;
    (void)delay_ms;
    (void)out;
    return ESP_ERR_SYSTEM_DISABLED;
}

esp_err_t system_event_post_every(system_service_id_t service_id, system_event_type_t type,
                                  const void *data, size_t size, uint8_t priority,
                                  uint32_t period_ms, system_event_timer_t *out)
{
    (void)service_id;
    (void)type;
    (void)data;
    (void)size;
    (void)priority;
    (void)period_ms;
    (void)out;
    return ESP_ERR_SYSTEM_DISABLED;
}

esp_err_t system_event_timer_cancel(system_service_id_t service_id, system_event_timer_t timer)
{
    (void)service_id;
    (void)timer;
    return ESP_ERR_SYSTEM_DISABLED;
}

#endif
