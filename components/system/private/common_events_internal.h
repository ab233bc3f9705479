/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief Posting the common events in the name of the core (no owner, no quota).
 */

#include <stddef.h>

#include "system_internal.h"
#include "system_service/common_events.h"

/** Register them; their ids become the constants. @return ESP_OK; ESP_ERR_EVENT_TYPES_FULL;
 *  ESP_ERR_INVALID_STATE another type came first */
esp_err_t common_events_register(void);

/** Post one of them. Subscribers that have no room miss it; that is counted against them.
 *  @context any task without locks, isr-ok */
void common_event_post(system_event_type_t type, const void *data, size_t size, uint8_t priority);

/** Post a service.* or app.* event about a slot. */
void common_event_post_service(system_event_type_t type, unsigned slot, esp_err_t reason,
                               uint32_t attempt, uint32_t recovery_ms);
