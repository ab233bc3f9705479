/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Safe mode: only what is critical runs, and what that needs. Entering and leaving leave a word for
 * the supervisor, which does the rest step by step; so neither waits for anything.
 *
 * A service that runs itself cannot be started again by us, so it is not stopped but held: its
 * mailbox hands nothing out and system_service_should_stop() is true for its tasks.
 */
#include "supervisor_internal.h"

#include <string.h>

#include "esp_attr.h"
#include "esp_log.h"

#include "app_manager_internal.h"
#include "common_events_internal.h"
#include "event_internal.h"
#include "lifecycle_runner.h"
#include "watchdog_internal.h"

static const char *TAG = "safe_mode";

static _Atomic bool s_active;                              /* what was asked for */
static portMUX_TYPE s_lock = portMUX_INITIALIZER_UNLOCKED; /* protects s_reason; leaf */
static EXT_RAM_BSS_ATTR system_reason_t s_reason;
/* the supervisor's own */
static bool s_done; /* what it has brought about */
static bool s_apps_to_stop;
static int s_runner;

void safe_mode_init(void)
{
    atomic_store(&s_active, false);
    s_done = false;
    s_apps_to_stop = false;
    s_runner = LIFECYCLE_RUNNER_NONE;
}

bool system_safe_mode_active(void)
{
    return atomic_load(&s_active);
}

/** It concerns everybody: for firmware, the shell, and services that safe mode keeps. */
static esp_err_t check_caller(const char *what)
{
    const unsigned caller = system_current_slot();
    if (caller == SYSTEM_SLOT_NONE || (caller < SYSTEM_SLOTS && !service_record(caller)->is_app &&
                                       watchdog_is_critical(caller))) {
        return ESP_OK;
    }
    ESP_LOGW(TAG, "%s may not %s it: neither firmware nor a critical service",
             caller < SYSTEM_SLOTS ? service_slot_name(caller) : "an ended app", what);
    return ESP_ERR_NOT_OWNER;
}

esp_err_t system_safe_mode_enter(const char *reason)
{
    bool expected = false;
    const esp_err_t ret = check_caller("enter");
    if (ret != ESP_OK) {
        return ret;
    }
    if (!system_is_initialized() || !atomic_compare_exchange_strong(&s_active, &expected, true)) {
        return ESP_ERR_INVALID_STATE;
    }
    system_reason_t text = {0};
    strncpy(text.text, reason != NULL ? reason : "", sizeof(text.text) - 1);
    portENTER_CRITICAL(&s_lock);
    s_reason = text;
    portEXIT_CRITICAL(&s_lock);
    watchdog_count_safe_mode();
    ESP_LOGE(TAG, "entered: %s", text.text);
    supervisor_poke();
    return ESP_OK;
}

esp_err_t system_safe_mode_leave(void)
{
    bool expected = true;
    const esp_err_t ret = check_caller("leave");
    if (ret != ESP_OK) {
        return ret;
    }
    if (!atomic_compare_exchange_strong(&s_active, &expected, false)) {
        return ESP_ERR_INVALID_STATE;
    }
    ESP_LOGW(TAG, "left");
    supervisor_poke();
    return ESP_OK;
}

bool safe_mode_keeps(unsigned slot)
{
    if (watchdog_is_critical(slot)) {
        return true;
    }
    registry_lock();
    slot_set_t set = dependencies_dependants_of(slot);
    registry_unlock();
    for (; set != 0; set &= set - 1) {
        if (watchdog_is_critical((unsigned)__builtin_ctzll(set))) {
            return true;
        }
    }
    return false;
}

static esp_err_t stop_apps(system_service_id_t id, void *arg)
{
    (void)id;
    (void)arg;
    app_manager_stop_all();
    return ESP_OK;
}

/** Have the apps stopped by a runner: the app manager waits for each. */
static bool step_apps(void)
{
    static const lifecycle_job_t job = {.function = stop_apps, .slot = SYSTEM_SLOT_NONE};
    esp_err_t ignored;
    if (s_apps_to_stop && s_runner == LIFECYCLE_RUNNER_NONE) {
        s_runner = lifecycle_run(&job);
        s_apps_to_stop = s_runner == LIFECYCLE_RUNNER_NONE;
        return false;
    }
    if (s_runner != LIFECYCLE_RUNNER_NONE && lifecycle_result(s_runner, &ignored)) {
        s_runner = LIFECYCLE_RUNNER_NONE;
        return true;
    }
    return false;
}

static bool hold(unsigned slot)
{
    if ((atomic_load(&supervised(slot)->holds) & HOLD_SAFE_MODE) != 0) {
        return false;
    }
    atomic_store(&service_record(slot)->stop_requested, 1);
    supervisor_hold(slot, HOLD_SAFE_MODE, true);
    service_set_state_with(slot, SYSTEM_SERVICE_STATE_PAUSED, ESP_ERR_SYSTEM_SAFE_MODE, 0, 0);
    return true;
}

static bool release(unsigned slot)
{
    if ((atomic_load(&supervised(slot)->holds) & HOLD_SAFE_MODE) == 0) {
        return false;
    }
    supervised(slot)->watched = false;
    atomic_store(&service_record(slot)->stop_requested, 0);
    service_set_state_with(slot, SYSTEM_SERVICE_STATE_RUNNING, ESP_OK, 0, 0);
    supervisor_hold(slot, HOLD_SAFE_MODE, false);
    return true;
}

/** Stop one that must not run now. */
static bool enforce(unsigned slot)
{
    if (!supervised_is_up(slot) || service_record(slot)->is_app || safe_mode_keeps(slot)) {
        return false;
    }
    if (!service_restartable(slot)) {
        return hold(slot);
    }
    supervised_begin_down(slot, AFTER_STOPPED, true, ESP_OK);
    return supervised(slot)->safe_mode_stopped = true;
}

static bool restore(unsigned slot)
{
    if (supervised(slot)->safe_mode_stopped && supervised_is_idle(slot)) {
        supervised(slot)->safe_mode_stopped = false;
        supervised(slot)->waits_for_needs = true; /* it starts as soon as what it needs has */
        return true;
    }
    return release(slot);
}

bool safe_mode_step(void)
{
    const bool active = atomic_load(&s_active);
    bool changed = step_apps();
    if (active != s_done) {
        s_done = active;
        changed = true;
        if (active) {
            portENTER_CRITICAL(&s_lock);
            const system_reason_t reason = s_reason;
            portEXIT_CRITICAL(&s_lock);
            s_apps_to_stop = true;
            common_event_post(SYSTEM_EVENT_SAFE_MODE_ENTERED, &reason, sizeof(reason),
                              SYSTEM_EVENT_PRIORITY_CRITICAL);
        } else {
            s_apps_to_stop = false;
            common_event_post(SYSTEM_EVENT_SAFE_MODE_LEFT, NULL, 0, SYSTEM_EVENT_PRIORITY_CRITICAL);
        }
    }
    for (unsigned slot = 0; slot < SYSTEM_SLOTS; slot++) {
        if (supervised_present(slot)) {
            changed |= active ? enforce(slot) : restore(slot);
        }
    }
    return changed;
}
