/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way down: dependants, handlers, stop(), deinit(), and taking back what it owned.
 */
#include "supervisor_machine.h"

#include <inttypes.h>

#include "esp_log.h"

#include "common_events_internal.h"
#include "event_internal.h"
#include "lifecycle_runner.h"
#include "request_internal.h"
#include "symbol_backend.h"
#include "watchdog_internal.h"

static const char *TAG = "supervisor";

/* A worker between two handlers that has not moved for so long will not any more. */
#define STUCK_US (5 * INT64_C(1000000))

/** From here on no handler of it begins, and its tasks are told to end. */
static void begin_drain(unsigned slot)
{
    supervised_t *s = supervised(slot);
    const int64_t now = supervisor_now_us();
    s->down_by_us = now + GRACE_US;
    atomic_store(&service_record(slot)->stop_requested, 1);
    supervisor_hold(slot, HOLD_LIFECYCLE, true);
    supervisor_hold(slot, HOLD_NEEDS | HOLD_QUOTA | HOLD_SAFE_MODE, false);
    machine_enter(slot, PHASE_DRAIN, now + (s->after == AFTER_RESTART ? GRACE_US / 2 : GRACE_US));
}

void supervised_begin_down(unsigned slot, supervisor_after_t after, bool in_order, esp_err_t fault)
{
    supervised_t *s = supervised(slot);
    s->after = (uint8_t)after;
    s->fault = fault;
    s->error = fault;
    s->restarting = after == AFTER_RESTART;
    s->waits_for_needs = false;
    if (in_order) { /* it works on until those that need it have stopped: they may ask it things */
        supervisor_hold(slot, HOLD_QUOTA, false);
        machine_enter(slot, PHASE_DEPENDANTS, NEVER_US);
    } else {
        begin_drain(slot);
    }
    service_set_state_with(slot,
                           after == AFTER_RESTART ? SYSTEM_SERVICE_STATE_RESTARTING
                                                  : SYSTEM_SERVICE_STATE_STOPPING,
                           fault, s->history.count, 0);
}

bool machine_step_dependants(unsigned slot)
{
    supervised_t *s = supervised(slot);
    bool waits = false;
    registry_lock();
    slot_set_t dependants = dependencies_dependants_of(slot);
    registry_unlock();
    for (; dependants != 0; dependants &= dependants - 1) {
        const unsigned d = (unsigned)__builtin_ctzll(dependants);
        if (s->after == AFTER_RESTART) { /* only the companions that restart with it */
            waits |= supervised_goes_down(d);
            continue;
        }
        if (supervised_is_up(d)) {
            supervised_begin_down(d, AFTER_STOPPED, true, s->fault);
            supervised(d)->waits_for_needs = s->fault != ESP_OK;
        }
        waits |= !supervised_is_down(d);
    }
    if (waits) {
        return false;
    }
    begin_drain(slot);
    return true;
}

bool supervisor_take_worker(unsigned slot)
{
    worker_run_t run;
    for (unsigned n = 0; n < event_workers_count(); n++) {
        if (!event_worker_running(n, &run) || run.slot != slot) {
            continue;
        }
        const esp_err_t ret = event_worker_quarantine(n, slot, run.sub);
        if (ret == ESP_ERR_NOT_FOUND) {
            return false;
        }
        run.handler = request_handler_behind(run.sub, run.handler);
        char handler[SYMBOL_TEXT_MAX];
        symbol_backend_describe((uintptr_t)run.handler, handler);
        ESP_LOGE(TAG, "%s: handler %s for '%s' gave no answer for %" PRIu32 " ms: worker %u %s",
                 service_slot_name(slot), handler, event_type_name(run.type),
                 run.running_us / 1000u, n, ret == ESP_OK ? "ended" : "set aside");
        supervised(slot)->set_aside |= ret != ESP_OK;
        if (ret == ESP_ERR_NO_MEM) {
            (void)system_safe_mode_enter("no spare worker left");
        }
        return true;
    }
    return false;
}

static bool handler_runs(unsigned slot)
{
    mailbox_t *mailbox = event_mailbox(slot);
    portENTER_CRITICAL(&mailbox->lock);
    const bool runs = mailbox->running != NULL;
    portEXIT_CRITICAL(&mailbox->lock);
    return runs;
}

bool machine_step_drain(unsigned slot)
{
    supervised_t *s = supervised(slot);
    if (s->open && handler_runs(slot)) {
        const int64_t late_us = supervisor_now_us() - s->deadline_us;
        const bool hopeless = s->fault == ESP_ERR_SERVICE_HANG || late_us >= 0;
        if (!hopeless || !supervisor_take_worker(slot)) {
            if (late_us >= STUCK_US && !s->set_aside) {
                /* Between two handlers, and it does not go on: killed, or something above it keeps
                 * the core. What it may still use must not be taken back. */
                s->set_aside = true;
                ESP_LOGE(TAG, "%s: its worker does not run any more", service_slot_name(slot));
                (void)system_safe_mode_enter("a worker does not run any more");
            }
            return false;
        }
    }
    machine_enter(slot, PHASE_STOP, NEVER_US);
    return true;
}

/** stop() and deinit() have their time, unless a restart has to be done within the promise. */
static int64_t down_timeout_us(const supervised_t *s, int64_t keep_us)
{
    if (s->after != AFTER_RESTART) {
        return LIFECYCLE_US;
    }
    const int64_t left = s->down_by_us - supervisor_now_us() - keep_us;
    return left > GRACE_US / 8 ? left : GRACE_US / 8;
}

static void note_down(unsigned slot, const char *name, call_t outcome, esp_err_t result)
{
    if (outcome == CALL_RETURNED && result == ESP_OK) {
        return;
    }
    supervised_t *s = supervised(slot);
    const esp_err_t error =
        outcome == CALL_HUNG ? ESP_ERR_SERVICE_STOP_TIMEOUT : ESP_ERR_SERVICE_STOP_FAILED;
    ESP_LOGE(TAG, "%s: %s %s: %s", service_slot_name(slot), name,
             outcome == CALL_HUNG ? "hangs" : "failed",
             system_error_to_string(outcome == CALL_HUNG ? error : result));
    if (s->error == ESP_OK) {
        s->error = error;
        atomic_store(&service_record(slot)->last_error, outcome == CALL_HUNG ? error : result);
    }
}

bool machine_step_stop(unsigned slot)
{
    supervised_t *s = supervised(slot);
    esp_err_t result;
    const call_t outcome = machine_call(slot, s->started ? machine_functions(slot)->stop : NULL,
                                        down_timeout_us(s, GRACE_US / 8), &result);
    if (outcome == CALL_PENDING) {
        return false;
    }
    s->started = false;
    note_down(slot, "stop()", outcome, result);
    machine_enter(slot, PHASE_DEINIT, NEVER_US);
    return true;
}

bool machine_step_deinit(unsigned slot)
{
    supervised_t *s = supervised(slot);
    esp_err_t result;
    const call_t outcome =
        machine_call(slot, s->initialised ? machine_functions(slot)->deinit : NULL,
                     down_timeout_us(s, 0), &result);
    if (outcome == CALL_PENDING) {
        return false;
    }
    s->initialised = false;
    note_down(slot, "deinit()", outcome, result);
    machine_enter(slot, PHASE_RECLAIM, NEVER_US);
    return true;
}

bool machine_step_reclaim(unsigned slot)
{
    supervised_t *s = supervised(slot);
    if (s->open) {
        const esp_err_t ret = service_reclaim(slot);
        s->open = false;
        if (ret != ESP_OK) {
            ESP_LOGE(TAG, "%s: not everything could be taken back: %s", service_slot_name(slot),
                     system_error_to_string(ret));
            s->set_aside = true;
            s->error = s->error != ESP_OK ? s->error : ESP_ERR_SERVICE_STOP_TIMEOUT;
        }
    }
    s->watched = false;
    if (s->after == AFTER_RESTART) {
        machine_enter(slot, PHASE_BACKOFF, supervisor_now_us() + s->backoff_ms * INT64_C(1000));
        return true;
    }
    machine_enter(slot, PHASE_IDLE, NEVER_US);
    s->fault_us = 0;
    if (s->after == AFTER_ERROR) {
        service_set_state_with(slot, SYSTEM_SERVICE_STATE_ERROR, s->fault, s->history.count, 0);
        supervisor_stayed_down(slot);
    } else {
        service_set_state_with(slot, SYSTEM_SERVICE_STATE_STOPPED, s->fault, 0, 0);
    }
    return true;
}

bool machine_step_backoff(unsigned slot)
{
    if (supervisor_now_us() < supervised(slot)->deadline_us) {
        return false;
    }
    supervised_begin_up(slot);
    return true;
}
