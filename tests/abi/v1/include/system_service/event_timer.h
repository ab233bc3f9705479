/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief Events posted later or again and again. A timer belongs to the service or app that made it
 *        and ends with it.
 */

#include "system_service/event_bus.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Names one timer; 0 is none. Carries a generation. */
typedef uint32_t system_event_timer_t;

/** Largest payload a timer can carry, in bytes: it is kept inside the timer. */
#define SYSTEM_EVENT_TIMER_DATA_MAX 32

/**
 * @brief Post an event once, delay_ms from now.
 *
 * @context any task of that service or app, or firmware  @blocks never  @owns data is copied
 * @param[in]  delay_ms 0 posts at the next tick of the timer task; at most 2^31-1
 * @param[out] out      may be NULL
 * @return ESP_OK, or ESP_ERR_INVALID_ARG (delay too long; data NULL with a size),
 *         ESP_ERR_SERVICE_NOT_FOUND, ESP_ERR_SERVICE_STALE_ID, ESP_ERR_NOT_OWNER,
 *         ESP_ERR_EVENT_TYPE_NOT_FOUND, ESP_ERR_EVENT_DATA_TOO_LARGE (over
 *         SYSTEM_EVENT_TIMER_DATA_MAX), ESP_ERR_EVENT_TIMERS_FULL
 */
esp_err_t system_event_post_after(system_service_id_t service_id, system_event_type_t type,
                                  const void *data, size_t size, uint8_t priority,
                                  uint32_t delay_ms, system_event_timer_t *out);

/**
 * @brief Post an event every period_ms, first one period from now. A period that passed while the
 *        system was busy is skipped, not made up for; the phase is kept.
 * @param[in] period_ms 1..2^31-1
 * @return as system_event_post_after()
 */
esp_err_t system_event_post_every(system_service_id_t service_id, system_event_type_t type,
                                  const void *data, size_t size, uint8_t priority,
                                  uint32_t period_ms, system_event_timer_t *out);

/**
 * @brief Stop a timer. An event that it posted before may still be in a mailbox.
 * @context any task of its owner, or firmware  @blocks never
 * @return ESP_OK; ESP_ERR_EVENT_TIMER_NOT_FOUND it fired for good, or never was; ESP_ERR_NOT_OWNER,
 *         ESP_ERR_SERVICE_NOT_FOUND, ESP_ERR_SERVICE_STALE_ID
 */
esp_err_t system_event_timer_cancel(system_service_id_t service_id, system_event_timer_t timer);

#ifdef __cplusplus
}
#endif
