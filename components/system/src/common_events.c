/* SPDX-License-Identifier: Apache-2.0 */
#include "common_events_internal.h"

#include <string.h>

#include "event_internal.h"
#include "flight_recorder_internal.h"
#include "system_service/event_bus.h"

typedef struct {
    system_event_type_t type;
    bool retained;
    const char *name;
} common_event_t;

#define COMMON_EVENT_ROW(constant, name, retained, payload) {constant, retained, name},
static const common_event_t s_events[] = {COMMON_EVENT_LIST(COMMON_EVENT_ROW)};
_Static_assert(sizeof(s_events) / sizeof(s_events[0]) == SYSTEM_EVENT_COMMON_COUNT,
               "one row a constant");

esp_err_t common_events_register(void)
{
    for (size_t i = 0; i < SYSTEM_EVENT_COMMON_COUNT; i++) {
        system_event_type_t type;
        esp_err_t ret = system_event_register_type(s_events[i].name, &type);
        if (ret == ESP_OK && type != s_events[i].type) {
            ret = ESP_ERR_INVALID_STATE;
        }
        if (ret == ESP_OK && s_events[i].retained) {
            ret = system_event_set_retained(type, true);
        }
        if (ret != ESP_OK) {
            return ret;
        }
    }
    return ESP_OK;
}

void common_event_post(system_event_type_t type, const void *data, size_t size, uint8_t priority)
{
    flight_record_common(type, data, size);
    (void)event_bus_post_as(SYSTEM_SLOT_NONE, type, data, size, priority);
}

void common_event_post_service(system_event_type_t type, unsigned slot, esp_err_t reason,
                               uint32_t attempt, uint32_t recovery_ms)
{
    service_event_t event = {
        .id = service_slot_id(slot),
        .reason = reason,
        .attempt = attempt,
        .recovery_ms = recovery_ms,
    };
    system_copy_name(event.name, service_slot_name(slot));
    common_event_post(type, &event, sizeof(event), SYSTEM_EVENT_PRIORITY_HIGH);
}
