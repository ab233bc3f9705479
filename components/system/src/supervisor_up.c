/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way up: what a service needs, init(), start().
 */
#include "supervisor_machine.h"

#include <inttypes.h>

#include "esp_log.h"
#include "esp_timer.h"

#include "common_events_internal.h"
#include "event_internal.h"
#include "lifecycle_runner.h"
#include "watchdog_internal.h"

static const char *TAG = "supervisor";

void supervised_begin_up(unsigned slot)
{
    supervised_t *s = supervised(slot);
    s->error = ESP_OK;
    s->set_aside = false;
    machine_enter(slot, PHASE_NEEDS, NEVER_US);
}

/** It does not come up for want of something else; nothing of it has run. */
static void stay_waiting(unsigned slot, esp_err_t why)
{
    supervised_t *s = supervised(slot);
    s->error = why;
    atomic_store(&service_record(slot)->last_error, why);
    machine_enter(slot, PHASE_IDLE, NEVER_US);
    if (s->restarting) { /* it ran before: it starts again when it can */
        s->restarting = false;
        s->fault_us = 0;
        s->safe_mode_stopped = why == ESP_ERR_SYSTEM_SAFE_MODE;
        s->waits_for_needs = !s->safe_mode_stopped;
        service_set_state_with(slot, SYSTEM_SERVICE_STATE_STOPPED, why, 0, 0);
    }
}

/** init() or start() failed. */
static void fail_up(unsigned slot, call_t outcome, esp_err_t result)
{
    supervised_t *s = supervised(slot);
    const esp_err_t error =
        outcome == CALL_HUNG ? ESP_ERR_SERVICE_START_TIMEOUT : ESP_ERR_SERVICE_START_FAILED;
    const esp_err_t cause = outcome == CALL_HUNG ? error : result;
    ESP_LOGE(TAG, "%s: %s %s: %s", service_slot_name(slot),
             machine_phase(slot) == PHASE_INIT ? "init()" : "start()",
             outcome == CALL_HUNG ? "hangs" : "failed", system_error_to_string(cause));
    atomic_store(&service_record(slot)->last_error, cause);
    if (s->restarting) {
        supervisor_restart_failed(slot, error);
    } else {
        supervised_begin_down(slot, AFTER_ERROR, false, error);
    }
    s->error = error;
}

bool machine_step_needs(unsigned slot)
{
    if (system_safe_mode_active() && !safe_mode_keeps(slot)) {
        stay_waiting(slot, ESP_ERR_SYSTEM_SAFE_MODE);
        return true;
    }
    registry_lock();
    const bool missing = dependencies_first_missing(slot) != NULL;
    slot_set_t needs = dependencies_direct(slot);
    registry_unlock();
    if (missing) {
        stay_waiting(slot, ESP_ERR_SERVICE_DEPENDENCY_MISSING);
        return true;
    }
    for (; needs != 0; needs &= needs - 1) {
        const unsigned need = (unsigned)__builtin_ctzll(needs);
        const supervised_t *n = supervised(need);
        if (supervised_is_up(need)) {
            if (service_state(need) == SYSTEM_SERVICE_STATE_PAUSED &&
                (atomic_load(&n->holds) & HOLD_NEEDS) != 0) {
                return false;
            }
        } else if (machine_phase(need) == PHASE_IDLE ||
                   (supervised_goes_down(need) && n->after != AFTER_RESTART)) {
            stay_waiting(slot, ESP_ERR_SERVICE_DEPENDENCY_FAILED);
            return true;
        } else {
            return false; /* on its way up, or down and up again */
        }
    }
    supervised(slot)->waits_for_needs = false;
    supervised(slot)->safe_mode_stopped = false;
    supervisor_hold(slot, HOLD_LIFECYCLE, true);
    machine_enter(slot, PHASE_INIT, NEVER_US);
    service_set_state_with(slot, SYSTEM_SERVICE_STATE_STARTING, ESP_OK, 0, 0);
    if (!supervised(slot)->open) {
        const esp_err_t ret = service_reopen(slot);
        supervised(slot)->open = true; /* half open: what there is has to be taken back */
        supervisor_hold(slot, HOLD_LIFECYCLE, true);
        if (ret != ESP_OK) {
            fail_up(slot, CALL_RETURNED, ret);
        }
    }
    atomic_store(&service_record(slot)->stop_requested, 0);
    return true;
}

bool machine_step_init(unsigned slot)
{
    esp_err_t result;
    const call_t outcome = machine_call(slot, machine_functions(slot)->init, LIFECYCLE_US, &result);
    if (outcome == CALL_PENDING) {
        return false;
    }
    if (outcome == CALL_HUNG || result != ESP_OK) {
        fail_up(slot, outcome, result);
        return true;
    }
    supervised(slot)->initialised = true;
    machine_enter(slot, PHASE_START, NEVER_US);
    return true;
}

bool machine_step_start(unsigned slot)
{
    supervised_t *s = supervised(slot);
    esp_err_t result;
    const call_t outcome =
        machine_call(slot, machine_functions(slot)->start, LIFECYCLE_US, &result);
    if (outcome == CALL_PENDING) {
        return false;
    }
    if (outcome == CALL_HUNG || result != ESP_OK) {
        fail_up(slot, outcome, result);
        return true;
    }
    s->started = true;
    s->watched = false;
    machine_enter(slot, PHASE_IDLE, NEVER_US);
    if (s->restarting) {
        const uint32_t ms = (uint32_t)((esp_timer_get_time() - s->fault_us) / 1000);
        watchdog_count_restart(slot, ms);
        atomic_fetch_add(&service_record(slot)->restart_count, 1);
        service_store_state(slot, SYSTEM_SERVICE_STATE_RUNNING);
        common_event_post_service(SYSTEM_EVENT_SERVICE_RECOVERED, slot, s->fault, s->history.count,
                                  ms);
        ESP_LOGI(TAG, "%s runs again after %" PRIu32 " ms", service_slot_name(slot), ms);
    } else {
        service_store_state(slot, SYSTEM_SERVICE_STATE_RUNNING);
        common_event_post_service(SYSTEM_EVENT_SERVICE_STARTED, slot, ESP_OK, 0, 0);
    }
    s->restarting = false;
    s->fault_us = 0;
    supervisor_came_up(slot);
    supervisor_hold(slot, HOLD_LIFECYCLE, false);
    return true;
}
