/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One slot on its way up or down, step by step; see supervisor_internal.h for the phases. Every
 * step looks, does what can be done at once, and returns; nothing here waits for foreign code.
 */
#include "supervisor_machine.h"

#include <string.h>

#include "esp_attr.h"
#include "esp_log.h"
#include "esp_timer.h"

#include "common_events_internal.h"
#include "event_internal.h"
#include "lifecycle_runner.h"
#include "watchdog_internal.h"

static const char *TAG = "supervisor";

/* How often a mailbox is looked at whose handler is waited for; never longer than a grace period.
 */
#define DRAIN_LOOK_US 2000

static EXT_RAM_BSS_ATTR supervised_t s_slots[SYSTEM_SLOTS];

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

supervisor_phase_t machine_phase(unsigned slot)
{
    return (supervisor_phase_t)atomic_load(&s_slots[slot].phase);
}

void machine_enter(unsigned slot, supervisor_phase_t next, int64_t deadline_us)
{
    s_slots[slot].deadline_us = deadline_us;
    atomic_store(&s_slots[slot].phase, (uint8_t)next);
}

bool supervised_is_idle(unsigned slot)
{
    return machine_phase(slot) == PHASE_IDLE;
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
    return machine_phase(slot) >= PHASE_DEPENDANTS && machine_phase(slot) <= PHASE_RECLAIM;
}

bool supervised_is_up(unsigned slot)
{
    if (!service_slot_used(slot) || machine_phase(slot) != PHASE_IDLE || !s_slots[slot].open) {
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
    const supervisor_phase_t now = machine_phase(slot);
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

/** Have a lifecycle function called, or look how the call goes. */
call_t machine_call(unsigned slot, lifecycle_function_t function, int64_t timeout_us,
                    esp_err_t *result)
{
    supervised_t *s = &s_slots[slot];
    *result = ESP_OK;
    if (function == NULL) {
        return CALL_RETURNED;
    }
    const int64_t now = supervisor_now_us();
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
            last_resort_ask(service_slot_name(slot), s->id, ESP_ERR_SYSTEM_NO_TASK_LEFT);
            *result = ESP_ERR_NO_MEM;
            return CALL_RETURNED;
        }
        return CALL_PENDING;
    }
    if (lifecycle_result(s->runner, result)) {
        s->runner = LIFECYCLE_RUNNER_NONE;
        return CALL_RETURNED;
    }
    if (now < s->deadline_us && !lifecycle_runner_deleted(s->runner)) {
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

const system_service_lifecycle_t *machine_functions(unsigned slot)
{
    static const system_service_lifecycle_t none;
    const system_service_descriptor_t *descriptor = service_record(slot)->descriptor;
    return descriptor != NULL ? &descriptor->lifecycle : &none;
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
        [PHASE_NEEDS] = machine_step_needs,     [PHASE_INIT] = machine_step_init,
        [PHASE_START] = machine_step_start,     [PHASE_DEPENDANTS] = machine_step_dependants,
        [PHASE_DRAIN] = machine_step_drain,     [PHASE_STOP] = machine_step_stop,
        [PHASE_DEINIT] = machine_step_deinit,   [PHASE_RECLAIM] = machine_step_reclaim,
        [PHASE_BACKOFF] = machine_step_backoff,
    };
    if (machine_phase(slot) == PHASE_IDLE) {
        age_history(slot);
        return false;
    }
    bool changed = false;
    while (machine_phase(slot) != PHASE_IDLE && steps[machine_phase(slot)](slot)) {
        changed = true;
    }
    return changed;
}

int64_t supervised_deadline(unsigned slot)
{
    const supervised_t *s = &s_slots[slot];
    if (machine_phase(slot) == PHASE_DRAIN) {
        return supervisor_now_us() + DRAIN_LOOK_US;
    }
    return s->deadline_us;
}
