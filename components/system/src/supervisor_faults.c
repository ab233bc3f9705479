/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What follows from a fault: restart, give up, safe mode; and what it means for those that need the
 * service. While it restarts they are paused and keep their events. When it is given up they are
 * stopped in order rather than kept paused: a mailbox that is never emptied holds pool blocks that
 * everybody shares. They start by themselves when what they need runs again.
 */
#include "supervisor_internal.h"

#include <stdio.h>

#include "esp_log.h"
#include "esp_random.h"
#include "esp_timer.h"

#include "common_events_internal.h"
#include "event_internal.h"
#include "flight_recorder_internal.h"
#include "watchdog_internal.h"

static const char *TAG = "supervisor";

static void (*s_app_fault_hook)(unsigned slot, esp_err_t reason);

void supervisor_set_app_fault_hook(void (*hook)(unsigned slot, esp_err_t reason))
{
    s_app_fault_hook = hook;
}

static slot_set_t dependants_of(unsigned slot)
{
    registry_lock();
    const slot_set_t set = dependencies_dependants_of(slot);
    registry_unlock();
    return set;
}

/* ---- those that need it --------------------------------------------------------------------- */

bool supervisor_needs_met(unsigned slot)
{
    registry_lock();
    slot_set_t needs = dependencies_needed_by(slot);
    const bool missing = dependencies_first_missing(slot) != NULL;
    registry_unlock();
    for (; needs != 0; needs &= needs - 1) {
        const unsigned need = (unsigned)__builtin_ctzll(needs);
        if (!supervised_is_up(need) ||
            (atomic_load(&supervised(need)->holds) & (HOLD_NEEDS | HOLD_SAFE_MODE)) != 0) {
            return false;
        }
    }
    return !missing;
}

void supervisor_pause_dependants(unsigned slot)
{
    slot_set_t set = dependants_of(slot);
    for (; set != 0; set &= set - 1) {
        const unsigned d = (unsigned)__builtin_ctzll(set);
        if (supervised_is_up(d) && service_state(d) == SYSTEM_SERVICE_STATE_RUNNING) {
            supervisor_hold(d, HOLD_NEEDS, true);
            service_set_state_with(d, SYSTEM_SERVICE_STATE_PAUSED, ESP_OK, 0, 0);
        }
    }
}

/** Let go on what waits for nothing any more; those that are needed first. */
static void resume_ready(slot_set_t set)
{
    uint8_t order[SYSTEM_SLOTS];
    size_t count = SYSTEM_SLOTS;
    registry_lock();
    (void)dependencies_start_order(set, order, &count);
    registry_unlock();
    for (size_t i = 0; i < count; i++) {
        const unsigned slot = order[i];
        if ((atomic_load(&supervised(slot)->holds) & HOLD_NEEDS) == 0 ||
            !supervisor_needs_met(slot)) {
            continue;
        }
        if (!supervised_goes_down(slot)) { /* else it works on until what needs it has stopped */
            supervised(slot)->watched = false; /* silence while paused is no fault */
            service_set_state_with(slot, SYSTEM_SERVICE_STATE_RUNNING, ESP_OK, 0, 0);
        }
        supervisor_hold(slot, HOLD_NEEDS, false);
    }
}

void supervisor_came_up(unsigned slot)
{
    if (!supervisor_needs_met(slot)) { /* what it needs failed while it started */
        supervisor_hold(slot, HOLD_NEEDS, true);
        service_set_state_with(slot, SYSTEM_SERVICE_STATE_PAUSED, ESP_OK, 0, 0);
        return;
    }
    resume_ready(dependants_of(slot));
}

void supervisor_stayed_down(unsigned slot)
{
    slot_set_t set = dependants_of(slot);
    for (; set != 0; set &= set - 1) {
        const unsigned d = (unsigned)__builtin_ctzll(set);
        if (supervised_is_up(d)) {
            supervised_begin_down(d, AFTER_STOPPED, true, ESP_ERR_SERVICE_DEPENDENCY_FAILED);
            supervised(d)->waits_for_needs = service_restartable(d);
        }
    }
}

bool supervisor_start_waiting(void)
{
    bool began = false;
    for (unsigned slot = 0; slot < SYSTEM_SLOTS; slot++) {
        if (supervised(slot)->waits_for_needs && supervised_is_idle(slot) &&
            supervised_present(slot) && supervisor_needs_met(slot) &&
            (!system_safe_mode_active() || safe_mode_keeps(slot))) {
            supervised_begin_up(slot);
            began = true;
        }
    }
    return began;
}

/* ---- restart or give up --------------------------------------------------------------------- */

static void go_down_for_good(unsigned slot, esp_err_t reason)
{
    supervised_begin_down(slot, AFTER_ERROR, false, reason);
    if (watchdog_is_critical(slot)) {
        char text[sizeof(((system_reason_t *)NULL)->text)];
        snprintf(text, sizeof(text), "%s failed", service_slot_name(slot));
        if (system_safe_mode_enter(text) != ESP_OK) { /* safe mode is on: that was all there was */
            last_resort_ask(service_slot_name(slot), service_slot_id(slot), reason);
        }
    }
}

static void give_up(unsigned slot)
{
    ESP_LOGE(TAG, "%s is given up", service_slot_name(slot));
    watchdog_count_given_up();
    go_down_for_good(slot, ESP_ERR_SERVICE_GIVEN_UP);
}

static void restart(unsigned slot, esp_err_t reason, unsigned attempt)
{
    supervised_t *s = supervised(slot);
    s->backoff_ms = restart_backoff_ms(attempt, esp_random());
    supervised_begin_down(slot, AFTER_RESTART, false, reason);
    supervisor_pause_dependants(slot);
}

/** Those that the strategy of a group restarts with it; in the order of their dependencies. */
static void restart_companions(slot_set_t set)
{
    slot_set_t begun = 0;
    for (; set != 0; set &= set - 1) {
        const unsigned slot = (unsigned)__builtin_ctzll(set);
        if (!supervised_is_up(slot) || !service_restartable(slot)) {
            continue;
        }
        supervised(slot)->fault_us = esp_timer_get_time();
        supervised(slot)->backoff_ms = 0;
        supervised_begin_down(slot, AFTER_RESTART, true, ESP_OK);
        begun |= SLOT_BIT(slot);
    }
    /* Then, so that those who stop are not paused first: each works on until its turn comes. */
    for (; begun != 0; begun &= begun - 1) {
        supervisor_pause_dependants((unsigned)__builtin_ctzll(begun));
    }
}

/** A whole group failed more often than all above it allow. */
static void give_up_group(unsigned slot, system_supervisor_t group)
{
    slot_set_t set = supervisor_group_members(group) & ~SLOT_BIT(slot);
    give_up(slot);
    for (; set != 0; set &= set - 1) {
        const unsigned member = (unsigned)__builtin_ctzll(set);
        if (supervised_is_up(member)) {
            give_up(member);
        }
    }
}

/** Count the restart against every limit there is, and restart what is to be. */
static void restart_or_give_up(unsigned slot, esp_err_t reason)
{
    supervised_t *s = supervised(slot);
    const service_watchdog_config_t config = watchdog_config(slot);
    const uint32_t now = watchdog_now_ms();
    const unsigned limit = config.max_restart_attempts < RESTART_HISTORY
                               ? (unsigned)config.max_restart_attempts
                               : RESTART_HISTORY;
    if (!config.auto_restart || !service_restartable(slot)) {
        go_down_for_good(slot, reason);
        return;
    }
    const unsigned before =
        restart_history_count(&s->history, now, CONFIG_SYSTEM_RESTART_WINDOW_MS);
    if (before >= limit) {
        give_up(slot);
        return;
    }
    const system_supervisor_t own = supervisor_group_of(slot);
    system_supervisor_t group = own;
    if (!supervisor_group_count(&group, now)) {
        give_up_group(slot, group);
        return;
    }
    restart_history_add(&s->history, now);
    watchdog_set_attempts(slot, s->history.count);
    const slot_set_t companions =
        group == own ? supervisor_group_companions(slot) : supervisor_group_members(group);
    restart(slot, reason, before + 1);
    restart_companions(companions & ~SLOT_BIT(slot));
}

void supervisor_restart_failed(unsigned slot, esp_err_t reason)
{
    watchdog_count_restart_failed(slot);
    restart_or_give_up(slot, reason);
}

void supervisor_stop_offender(unsigned slot, esp_err_t reason)
{
    service_record_t *record = service_record(slot);
    atomic_store(&record->last_error, reason);
    ESP_LOGE(TAG, "%s is stopped: %s", record->name, system_error_to_string(reason));
    if (record->is_app && s_app_fault_hook != NULL) {
        s_app_fault_hook(slot, reason);
    } else {
        go_down_for_good(slot, reason);
    }
}

void supervisor_fault(unsigned slot, esp_err_t reason)
{
    supervised_t *s = supervised(slot);
    service_record_t *record = service_record(slot);
    atomic_fetch_add(&record->fault_count, 1);
    atomic_store(&record->last_error, reason);
    flight_record_slot(FLIGHT_FAULT, slot, SYSTEM_EVENT_TYPE_NONE, (uint32_t)reason, 0);
    ESP_LOGE(TAG, "%s is at fault: %s", record->name, system_error_to_string(reason));
    if (!watchdog_on()) {
        return;
    }
    if (record->is_app && s_app_fault_hook != NULL) {
        if (reason == ESP_ERR_SERVICE_HANG) {
            supervisor_hold(slot, HOLD_LIFECYCLE, true);
            (void)supervisor_take_worker(slot);
            supervisor_hold(slot, HOLD_LIFECYCLE, false);
        }
        s_app_fault_hook(slot, reason);
        return;
    }
    if (!supervised_is_up(slot)) {
        return; /* it is being dealt with already */
    }
    s->fault_us = esp_timer_get_time();
    restart_or_give_up(slot, reason);
}

/* ---- asked for by others -------------------------------------------------------------------- */

/** Firmware may command any service, its own code itself, and nobody else. */
static esp_err_t slot_to_command(system_service_id_t id, unsigned *slot)
{
    const unsigned caller = system_current_slot();
    const esp_err_t ret = service_slot_of(id, slot);
    if (ret != ESP_OK) {
        return ret;
    }
    return caller == SYSTEM_SLOT_NONE || caller == *slot ? ESP_OK : ESP_ERR_NOT_OWNER;
}

esp_err_t system_service_restart(system_service_id_t id)
{
    unsigned slot;
    const esp_err_t ret = slot_to_command(id, &slot);
    if (ret != ESP_OK) {
        return ret;
    }
    if (!service_restartable(slot)) {
        return ESP_ERR_SERVICE_NOT_RESTARTABLE;
    }
    const system_service_state_t state = service_state(slot);
    if (state != SYSTEM_SERVICE_STATE_RUNNING && state != SYSTEM_SERVICE_STATE_PAUSED) {
        return ESP_ERR_INVALID_STATE;
    }
    atomic_fetch_or(&supervised(slot)->asked, ASK_RESTART);
    supervisor_poke();
    return ESP_OK;
}

esp_err_t system_service_report_fault(system_service_id_t id, esp_err_t reason)
{
    unsigned slot;
    const esp_err_t ret = slot_to_command(id, &slot);
    if (ret != ESP_OK) {
        return ret;
    }
    atomic_store(&supervised(slot)->asked_reason, reason);
    atomic_fetch_or(&supervised(slot)->asked, ASK_FAULT);
    supervisor_poke();
    return ESP_OK;
}
