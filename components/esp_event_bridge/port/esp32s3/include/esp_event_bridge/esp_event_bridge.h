/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief Events that cross between ESP-IDF's esp_event and the bus, both ways, by a table.
 *
 * An entry has one direction, and no event may be in both: what came over does not go back. The
 * bridge is a service; it owns what it posts on the bus, and is limited by its quota.
 */

#include <stddef.h>
#include <stdint.h>

#include "esp_event.h"
#include "system_service/service_manager.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
    ESP_EVENT_BRIDGE_IN = 0, /**< from esp_event to the bus */
    ESP_EVENT_BRIDGE_OUT,    /**< from the bus to esp_event */
} esp_event_bridge_way_t;

/** One event. */
typedef struct {
    const esp_event_base_t *base; /**< e.g. &IP_EVENT: its address is known only when linked */
    int32_t id;                   /**< inwards ESP_EVENT_ANY_ID is fine; its id is lost then */
    const char *type;             /**< of the bus */
    esp_event_bridge_way_t way;
    /** Of the payload in bytes. Inwards so much is copied (esp_event does not tell how much there
     *  is; without data the event is empty); outwards shorter events are dropped and counted. */
    uint16_t size;
    uint8_t priority; /**< inwards: 0..255, see system_event_priority_t */
} esp_event_bridge_entry_t;

/** Counts since boot. */
typedef struct {
    uint32_t in;      /**< that crossed to the bus */
    uint32_t out;     /**< that crossed to esp_event */
    uint32_t dropped; /**< refused by the other side, or too short */
} esp_event_bridge_stats_t;

/** Register it like any other service, after esp_event_bridge_configure(). */
extern const system_service_descriptor_t esp_event_bridge_service;

/**
 * @brief Say what crosses. Kept, not copied; good for all lives of the service.
 * @context firmware, before the service starts  @blocks never
 * @param[in] loop of esp_event; NULL = the default one, which must exist when the service starts
 * @return ESP_OK; ESP_ERR_INVALID_ARG a field is missing, or one event would cross both ways
 */
esp_err_t esp_event_bridge_configure(const esp_event_bridge_entry_t *table, size_t count,
                                     esp_event_loop_handle_t loop);

/** @context any task  @blocks never */
void esp_event_bridge_get_stats(esp_event_bridge_stats_t *stats);

#ifdef __cplusplus
}
#endif
