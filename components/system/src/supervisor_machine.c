/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One slot on its way up or down, step by step; see supervisor_internal.h for the phases. Every
 * step looks, does what can be done at once, and returns; nothing here waits for foreign code.
 */
#include "supervisor_internal.h"

#include <inttypes.h>
#include <string.h>

#include "esp_log.h"
#include "esp_timer.h"

#include "common_events_internal.h"
#include "event_internal.h"
#include "lifecycle_runner.h"
#include "watchdog_internal.h"

static const char *TAG = "supervisor";

#define GRACE_US     (CONFIG_SYSTEM_STOP_GRACE_MS * INT64_C(1000))
#define LIFECYCLE_US (CONFIG_SYSTEM_LIFECYCLE_TIMEOUT_MS * INT64_C(1000))
/* How often a mailbox is looked at whose handler is waited for; never longer than a grace period.
 */
#define DRAIN_LOOK_US 2000
/* A worker between two handlers that has not moved for so long will not any more. */
#define STUCK_US (5 * INT64_C(1000000))

static supervised_t s_slots[SYSTEM_SLOTS];

supervised_t *supervised(unsigned slot)
{
    return &s_slots[slot];
}

void supervised_init(void)
{
    memset(s_slots, 0, sizeof(s_slots));
    for (unsigned slot = 0; slot < SYSTEM_SLOTS; slot++) {
        s_slots[slot].runner = LIFECYCLE_RUNNER_NONE;
    }
}

void supervisor_attach(unsigned slot)
{
    atomic_store(&s_slots[slot].phase, PHASE_IDLE);
    atomic_store(&s_slots[slot].holds, 0);
    atomic_store(&s_slots[slot].asked, 0);
    atomic_store(&s_slots[slot].group, 0);
}

/** Somebody subscribed: services are registered before most others listen, so it saves a block
 * each. */
static bool is_heard(system_event_type_t type)
{
    event_route_cursor_t cursor = {0};
    event_receiver_t receivers[EVENT_ROUTE_BATCH];
    return event_routes_next(type, &cursor, receivers, POOL_NONE) > 0;
}

static void follow_owner(unsigned slot, system_service_id_t id)
{
    supervised_t *s = &s_slots[slot];
    /* The fields that others may have written by now were reset by supervisor_attach(). */
    s->id = id;
    s->after = AFTER_STOPPED;
    s->runner = LIFECYCLE_RUNNER_NONE;
    s->open = id != SYSTEM_SERVICE_ID_NONE;
    s->initialised = s->started = s->restarting = s->watched = false;
    s->safe_mode_stopped = s->waits_for_needs = s->set_aside = false;
    s->error = s->fault = ESP_OK;
    s->deadline_us = s->watch_us = NEVER_US;
    s->fault_us = 0;
    memset(&s->history, 0, sizeof(s->history));
    if (s->open && !service_record(slot)->is_app && is_heard(SYSTEM_EVENT_SERVICE_REGISTERED)) {
        common_event_post_service(SYSTEM_EVENT_SERVICE_REGISTERED, slot, ESP_OK, 0, 0);
    }
}

bool supervised_present(unsigned slot)
{
    const system_service_id_t id = service_slot_id(slot);
    if (s_slots[slot].id != id) {
        follow_owner(slot, id);
    }
    return id != SYSTEM_SERVICE_ID_NONE;
}

/* ---- where it is ---------------------------------------------------------------------------- */

static supervisor_phase_t phase(unsigned slot)
{
    return (supervisor_phase_t)atomic_load(&s_slots[slot].phase);
}

static void enter(unsigned slot, supervisor_phase_t next, int64_t deadline_us)
{
    s_slots[slot].deadline_us = deadline_us;
    atomic_store(&s_slots[slot].phase, (uint8_t)next);
}

bool supervised_is_idle(unsigned slot)
{
    return phase(slot) == PHASE_IDLE;
}

bool supervised_is_open(unsigned slot)
{
    mailbox_t *mailbox = event_mailbox(slot);
    portENTER_CRITICAL(&mailbox->lock);
    const bool open = mailbox->state != MAILBOX_CLOSED;
    portEXIT_CRITICAL(&mailbox->lock);
    return open;
}

bool supervised_goes_down(unsigned slot)
{
    return phase(slot) >= PHASE_DEPENDANTS && phase(slot) <= PHASE_RECLAIM;
}

bool supervised_is_up(unsigned slot)
{
    if (!service_slot_used(slot) || phase(slot) != PHASE_IDLE || !s_slots[slot].open) {
        return false;
    }
    const system_service_state_t state = service_state(slot);
    if (!service_restartable(slot)) { /* runs itself: only it knows */
        return state != SYSTEM_SERVICE_STATE_STOPPED && state != SYSTEM_SERVICE_STATE_ERROR;
    }
    return state == SYSTEM_SERVICE_STATE_RUNNING || state == SYSTEM_SERVICE_STATE_PAUSED;
}

bool supervised_is_down(unsigned slot)
{
    const supervisor_phase_t now = phase(slot);
    return now == PHASE_NEEDS || now == PHASE_BACKOFF ||
           (now == PHASE_IDLE && !supervised_is_up(slot));
}

void supervisor_hold(unsigned slot, uint8_t reason, bool on)
{
    _Atomic uint8_t *holds = &s_slots[slot].holds;
    uint8_t now = on ? (uint8_t)(atomic_fetch_or(holds, reason) | reason)
                     : (uint8_t)(atomic_fetch_and(holds, (uint8_t)~reason) & ~reason);
    /* Another task may change another reason: whoever comes last sees all of them. */
    for (;;) {
        event_mailbox_pause(slot, now != 0);
        const uint8_t seen = atomic_load(holds);
        if (seen == now) {
            return;
        }
        now = seen;
    }
}

/* ---- calling lifecycle functions ------------------------------------------------------------ */

typedef esp_err_t (*lifecycle_function_t)(system_service_id_t id, void *arg);

/** What a call came to. */
typedef enum {
    CALL_PENDING,
    CALL_RETURNED,
    CALL_HUNG
} call_t;

/** Have a lifecycle function called, or look how the call goes. */
static call_t call(unsigned slot, lifecycle_function_t function, int64_t timeout_us,
                   esp_err_t *result)
{
    supervised_t *s = &s_slots[slot];
    *result = ESP_OK;
    if (function == NULL) {
        return CALL_RETURNED;
    }
    const int64_t now = esp_timer_get_time();
    if (s->runner == LIFECYCLE_RUNNER_NONE) {
        const lifecycle_job_t job = {.function = function,
                                     .arg = service_record(slot)->descriptor->arg,
                                     .id = s->id,
                                     .slot = (uint8_t)slot};
        s->runner = (int8_t)lifecycle_run(&job);
        s->deadline_us = s->runner == LIFECYCLE_RUNNER_NONE ? NEVER_US : now + timeout_us;
        if (lifecycle_runners_exhausted()) {
            ESP_LOGE(TAG, "%s: every task for lifecycle functions is held by one that hangs",
                     service_slot_name(slot));
            *result = ESP_ERR_NO_MEM;
            return CALL_RETURNED;
        }
        return CALL_PENDING;
    }
    if (lifecycle_result(s->runner, result)) {
        s->runner = LIFECYCLE_RUNNER_NONE;
        return CALL_RETURNED;
    }
    if (now < s->deadline_us) {
        return CALL_PENDING;
    }
    const esp_err_t ended = lifecycle_give_up(s->runner);
    if (ended == ESP_ERR_INVALID_STATE && lifecycle_result(s->runner, result)) {
        s->runner = LIFECYCLE_RUNNER_NONE; /* it returned in the last moment */
        return CALL_RETURNED;
    }
    s->runner = LIFECYCLE_RUNNER_NONE;
    s->set_aside |= ended != ESP_OK;
    s->initialised = false; /* whatever it left half done, deinit() would not understand it */
    return CALL_HUNG;
}

static const system_service_lifecycle_t *functions(unsigned slot)
{
    static const system_service_lifecycle_t none;
    const system_service_descriptor_t *descriptor = service_record(slot)->descriptor;
    return descriptor != NULL ? &descriptor->lifecycle : &none;
}

/* ---- up ------------------------------------------------------------------------------------- */

void supervised_begin_up(unsigned slot)
{
    supervised_t *s = &s_slots[slot];
    s->error = ESP_OK;
    s->set_aside = false;
    enter(slot, PHASE_NEEDS, NEVER_US);
}

/** It does not come up for want of something else; nothing of it has run. */
static void stay_waiting(unsigned slot, esp_err_t why)
{
    supervised_t *s = &s_slots[slot];
    s->error = why;
    atomic_store(&service_record(slot)->last_error, why);
    enter(slot, PHASE_IDLE, NEVER_US);
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
    supervised_t *s = &s_slots[slot];
    const esp_err_t error =
        outcome == CALL_HUNG ? ESP_ERR_SERVICE_START_TIMEOUT : ESP_ERR_SERVICE_START_FAILED;
    const esp_err_t cause = outcome == CALL_HUNG ? error : result;
    ESP_LOGE(TAG, "%s: %s %s: %s", service_slot_name(slot),
             phase(slot) == PHASE_INIT ? "init()" : "start()",
             outcome == CALL_HUNG ? "hangs" : "failed", system_error_to_string(cause));
    atomic_store(&service_record(slot)->last_error, cause);
    if (s->restarting) {
        supervisor_restart_failed(slot, error);
    } else {
        supervised_begin_down(slot, AFTER_ERROR, false, error);
    }
    s->error = error;
}

static bool step_needs(unsigned slot)
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
        const supervised_t *n = &s_slots[need];
        if (supervised_is_up(need)) {
            if (service_state(need) == SYSTEM_SERVICE_STATE_PAUSED &&
                (atomic_load(&n->holds) & HOLD_NEEDS) != 0) {
                return false;
            }
        } else if (phase(need) == PHASE_IDLE ||
                   (supervised_goes_down(need) && n->after != AFTER_RESTART)) {
            stay_waiting(slot, ESP_ERR_SERVICE_DEPENDENCY_FAILED);
            return true;
        } else {
            return false; /* on its way up, or down and up again */
        }
    }
    s_slots[slot].waits_for_needs = false;
    s_slots[slot].safe_mode_stopped = false;
    supervisor_hold(slot, HOLD_LIFECYCLE, true);
    enter(slot, PHASE_INIT, NEVER_US);
    service_set_state_with(slot, SYSTEM_SERVICE_STATE_STARTING, ESP_OK, 0, 0);
    if (!s_slots[slot].open) {
        const esp_err_t ret = service_reopen(slot);
        s_slots[slot].open = true; /* half open: what there is has to be taken back */
        supervisor_hold(slot, HOLD_LIFECYCLE, true);
        if (ret != ESP_OK) {
            fail_up(slot, CALL_RETURNED, ret);
        }
    }
    atomic_store(&service_record(slot)->stop_requested, 0);
    return true;
}

static bool step_init(unsigned slot)
{
    esp_err_t result;
    const call_t outcome = call(slot, functions(slot)->init, LIFECYCLE_US, &result);
    if (outcome == CALL_PENDING) {
        return false;
    }
    if (outcome == CALL_HUNG || result != ESP_OK) {
        fail_up(slot, outcome, result);
        return true;
    }
    s_slots[slot].initialised = true;
    enter(slot, PHASE_START, NEVER_US);
    return true;
}

static bool step_start(unsigned slot)
{
    supervised_t *s = &s_slots[slot];
    esp_err_t result;
    const call_t outcome = call(slot, functions(slot)->start, LIFECYCLE_US, &result);
    if (outcome == CALL_PENDING) {
        return false;
    }
    if (outcome == CALL_HUNG || result != ESP_OK) {
        fail_up(slot, outcome, result);
        return true;
    }
    s->started = true;
    s->watched = false;
    enter(slot, PHASE_IDLE, NEVER_US);
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

/* ---- down ----------------------------------------------------------------------------------- */

void supervised_begin_down(unsigned slot, supervisor_after_t after, bool in_order, esp_err_t fault)
{
    supervised_t *s = &s_slots[slot];
    const int64_t now = esp_timer_get_time();
    s->after = (uint8_t)after;
    s->fault = fault;
    s->error = fault;
    s->restarting = after == AFTER_RESTART;
    s->waits_for_needs = false;
    s->down_by_us = now + GRACE_US;
    atomic_store(&service_record(slot)->stop_requested, 1);
    supervisor_hold(slot, HOLD_LIFECYCLE, true);
    supervisor_hold(slot, HOLD_NEEDS | HOLD_QUOTA | HOLD_SAFE_MODE, false);
    if (in_order) {
        enter(slot, PHASE_DEPENDANTS, NEVER_US);
    } else {
        enter(slot, PHASE_DRAIN, now + (after == AFTER_RESTART ? GRACE_US / 2 : GRACE_US));
    }
    service_set_state_with(slot,
                           after == AFTER_RESTART ? SYSTEM_SERVICE_STATE_RESTARTING
                                                  : SYSTEM_SERVICE_STATE_STOPPING,
                           fault, s->history.count, 0);
}

static bool step_dependants(unsigned slot)
{
    supervised_t *s = &s_slots[slot];
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
            s_slots[d].waits_for_needs = s->fault != ESP_OK;
        }
        waits |= !supervised_is_down(d);
    }
    if (waits) {
        return false;
    }
    const int64_t now = esp_timer_get_time();
    s->down_by_us = now + GRACE_US;
    enter(slot, PHASE_DRAIN, now + (s->after == AFTER_RESTART ? GRACE_US / 2 : GRACE_US));
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
        ESP_LOGE(TAG, "%s: handler %p for '%s' gave no answer for %" PRIu32 " ms: worker %u %s",
                 service_slot_name(slot), (void *)(uintptr_t)run.handler, event_type_name(run.type),
                 run.running_us / 1000u, n, ret == ESP_OK ? "ended" : "set aside");
        s_slots[slot].set_aside |= ret != ESP_OK;
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

static bool step_drain(unsigned slot)
{
    supervised_t *s = &s_slots[slot];
    if (s->open && handler_runs(slot)) {
        const int64_t late_us = esp_timer_get_time() - s->deadline_us;
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
    enter(slot, PHASE_STOP, NEVER_US);
    return true;
}

/** stop() and deinit() have their time, unless a restart has to be done within the promise. */
static int64_t down_timeout_us(const supervised_t *s, int64_t keep_us)
{
    if (s->after != AFTER_RESTART) {
        return LIFECYCLE_US;
    }
    const int64_t left = s->down_by_us - esp_timer_get_time() - keep_us;
    return left > GRACE_US / 8 ? left : GRACE_US / 8;
}

static void note_down(unsigned slot, const char *name, call_t outcome, esp_err_t result)
{
    if (outcome == CALL_RETURNED && result == ESP_OK) {
        return;
    }
    supervised_t *s = &s_slots[slot];
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

static bool step_stop(unsigned slot)
{
    supervised_t *s = &s_slots[slot];
    esp_err_t result;
    const call_t outcome = call(slot, s->started ? functions(slot)->stop : NULL,
                                down_timeout_us(s, GRACE_US / 8), &result);
    if (outcome == CALL_PENDING) {
        return false;
    }
    s->started = false;
    note_down(slot, "stop()", outcome, result);
    enter(slot, PHASE_DEINIT, NEVER_US);
    return true;
}

static bool step_deinit(unsigned slot)
{
    supervised_t *s = &s_slots[slot];
    esp_err_t result;
    const call_t outcome =
        call(slot, s->initialised ? functions(slot)->deinit : NULL, down_timeout_us(s, 0), &result);
    if (outcome == CALL_PENDING) {
        return false;
    }
    s->initialised = false;
    note_down(slot, "deinit()", outcome, result);
    enter(slot, PHASE_RECLAIM, NEVER_US);
    return true;
}

static bool step_reclaim(unsigned slot)
{
    supervised_t *s = &s_slots[slot];
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
        enter(slot, PHASE_BACKOFF, esp_timer_get_time() + s->backoff_ms * INT64_C(1000));
        return true;
    }
    enter(slot, PHASE_IDLE, NEVER_US);
    s->fault_us = 0;
    if (s->after == AFTER_ERROR) {
        service_set_state_with(slot, SYSTEM_SERVICE_STATE_ERROR, s->fault, s->history.count, 0);
        supervisor_stayed_down(slot);
    } else {
        service_set_state_with(slot, SYSTEM_SERVICE_STATE_STOPPED, s->fault, 0, 0);
    }
    return true;
}

static bool step_backoff(unsigned slot)
{
    if (esp_timer_get_time() < s_slots[slot].deadline_us) {
        return false;
    }
    supervised_begin_up(slot);
    return true;
}

/* ---- all of it ------------------------------------------------------------------------------ */

/** Restarts that are older than the window no longer count. */
static void age_history(unsigned slot)
{
    supervised_t *s = &s_slots[slot];
    if (s->history.count == 0) {
        return;
    }
    const uint32_t now = watchdog_now_ms();
    watchdog_set_attempts(slot,
                          restart_history_count(&s->history, now, CONFIG_SYSTEM_RESTART_WINDOW_MS));
    if (s->history.count == 0) {
        s->deadline_us = NEVER_US;
        return;
    }
    const uint32_t left =
        s->history.at_ms[s->history.first] + CONFIG_SYSTEM_RESTART_WINDOW_MS - now;
    s->deadline_us = esp_timer_get_time() + (left + INT64_C(1)) * 1000;
}

bool supervised_step(unsigned slot)
{
    static bool (*const steps[])(unsigned) = {
        [PHASE_NEEDS] = step_needs,     [PHASE_INIT] = step_init,
        [PHASE_START] = step_start,     [PHASE_DEPENDANTS] = step_dependants,
        [PHASE_DRAIN] = step_drain,     [PHASE_STOP] = step_stop,
        [PHASE_DEINIT] = step_deinit,   [PHASE_RECLAIM] = step_reclaim,
        [PHASE_BACKOFF] = step_backoff,
    };
    if (phase(slot) == PHASE_IDLE) {
        age_history(slot);
        return false;
    }
    bool changed = false;
    while (phase(slot) != PHASE_IDLE && steps[phase(slot)](slot)) {
        changed = true;
    }
    return changed;
}

int64_t supervised_deadline(unsigned slot)
{
    const supervised_t *s = &s_slots[slot];
    if (phase(slot) == PHASE_DRAIN) {
        return esp_timer_get_time() + DRAIN_LOOK_US;
    }
    return s->deadline_us;
}
