/* SPDX-License-Identifier: Apache-2.0 */
/*
 * States, and the common events that tell of them.
 */
#include "supervisor_internal.h"

#include "common_events_internal.h"
#include "flight_recorder_internal.h"

void service_store_state(unsigned slot, system_service_state_t state)
{
    atomic_store(&service_record(slot)->state, (uint8_t)state);
}

/** The event of a change, or SYSTEM_EVENT_COMMON_NONE. */
static system_event_type_t event_of(system_service_state_t from, system_service_state_t to,
                                    bool is_app)
{
    switch (to) {
    case SYSTEM_SERVICE_STATE_RUNNING:
        if (from == SYSTEM_SERVICE_STATE_PAUSED) {
            return is_app ? SYSTEM_EVENT_APP_RESUMED : SYSTEM_EVENT_SERVICE_RESUMED;
        }
        return is_app ? SYSTEM_EVENT_APP_STARTED : SYSTEM_EVENT_SERVICE_STARTED;
    case SYSTEM_SERVICE_STATE_PAUSED:
        return is_app ? SYSTEM_EVENT_APP_PAUSED : SYSTEM_EVENT_SERVICE_PAUSED;
    case SYSTEM_SERVICE_STATE_STOPPED:
        return is_app ? SYSTEM_EVENT_APP_STOPPED : SYSTEM_EVENT_SERVICE_STOPPED;
    case SYSTEM_SERVICE_STATE_RESTARTING:
        return SYSTEM_EVENT_SERVICE_RESTARTING;
    case SYSTEM_SERVICE_STATE_ERROR:
        return is_app ? SYSTEM_EVENT_APP_CRASHED : SYSTEM_EVENT_SERVICE_FAILED;
    default:
        return SYSTEM_EVENT_COMMON_NONE;
    }
}

static void announce(unsigned slot, system_service_state_t from, system_service_state_t to,
                     esp_err_t reason, uint32_t attempt, uint32_t recovery_ms)
{
    const system_event_type_t type = event_of(from, to, service_record(slot)->is_app);
    if (from == to) {
        return;
    }
    if (type != SYSTEM_EVENT_COMMON_NONE) { /* the event is written down where it is posted */
        common_event_post_service(type, slot, reason, attempt, recovery_ms);
    } else {
        flight_record_slot(FLIGHT_STATE, slot, SYSTEM_EVENT_TYPE_NONE,
                           (uint32_t)from << 8 | (uint32_t)to, (uint32_t)reason);
    }
}

void service_set_state_with(unsigned slot, system_service_state_t state, esp_err_t reason,
                            uint32_t attempt, uint32_t recovery_ms)
{
    const system_service_state_t from =
        (system_service_state_t)atomic_exchange(&service_record(slot)->state, (uint8_t)state);
    announce(slot, from, state, reason, attempt, recovery_ms);
}

esp_err_t system_service_set_state(system_service_id_t id, system_service_state_t state)
{
    unsigned slot;
    if ((unsigned)state > SYSTEM_SERVICE_STATE_ERROR) {
        return ESP_ERR_INVALID_ARG;
    }
    registry_lock();
    esp_err_t ret = service_slot_for_caller(id, &slot);
    uint8_t from = SYSTEM_SERVICE_STATE_REGISTERED;
    if (ret == ESP_OK) {
        from = atomic_load(&service_record(slot)->state);
        /* The exchange fails if the supervisor has taken over since. */
        if (service_restartable(slot) || service_record(slot)->is_app ||
            state == SYSTEM_SERVICE_STATE_RESTARTING || !supervised_is_idle(slot) ||
            !supervised_is_open(slot) ||
            !atomic_compare_exchange_strong(&service_record(slot)->state, &from, (uint8_t)state)) {
            ret = ESP_ERR_SERVICE_INVALID_TRANSITION;
        }
    }
    registry_unlock();
    if (ret == ESP_OK) {
        announce(slot, (system_service_state_t)from, state, ESP_OK, 0, 0);
        supervisor_poke();
    }
    return ret;
}
