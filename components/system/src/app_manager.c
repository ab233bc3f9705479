/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The app table and the calls on it. What changes a state for longer than a moment is in
 * app_lifecycle.c.
 */
#include "system_service/app_manager.h"

#include <string.h>

#include "esp_attr.h"
#include "esp_log.h"

#include "app_crash.h"
#include "app_lifecycle.h"
#include "app_manager_internal.h"
#include "common_events_internal.h"
#include "memory_utils_internal.h"
#include "resource_quota_internal.h"
#include "service_record.h"
#include "supervisor_internal.h"

#ifdef CONFIG_SYSTEM_APPS

static const char *TAG = "app_manager";

/* app_lock (order 1, beside supervisor_lock and never with it): protects the table. Never held
 * while foreign code runs. */
static StaticSemaphore_t s_lock_storage;
static SemaphoreHandle_t s_lock;
static EXT_RAM_BSS_ATTR app_t s_apps[CONFIG_SYSTEM_MAX_APPS];

void app_lock(void)
{
    lock_order_wants(LOCK_RANK_APPS);
    (void)xSemaphoreTake(s_lock, portMAX_DELAY);
    lock_order_has(LOCK_RANK_APPS);
}

void app_unlock(void)
{
    lock_order_gives(LOCK_RANK_APPS);
    (void)xSemaphoreGive(s_lock);
}

app_t *app_at(unsigned index)
{
    return &s_apps[index];
}

unsigned app_index(const app_t *app)
{
    return (unsigned)(app - s_apps);
}

void app_manager_init(void)
{
    if (s_lock == NULL) {
        s_lock = xSemaphoreCreateMutexStatic(&s_lock_storage);
    }
    memset(s_apps, 0, sizeof(s_apps));
    app_contexts_init();
    app_lifecycle_init();
    if (app_keeper_start() != ESP_OK) {
        ESP_LOGE(TAG, "no task: apps cannot be started");
        return;
    }
    supervisor_set_app_fault_hook(app_manager_fault);
    app_crash_init();
}

void app_manager_deinit(void)
{
    app_crash_deinit();
    supervisor_set_app_fault_hook(NULL);
    app_keeper_end();
    memset(s_apps, 0, sizeof(s_apps));
}

/* ---- helpers -------------------------------------------------------------------------------- */

void app_post(const char *name, system_event_type_t type, system_service_id_t id, esp_err_t reason)
{
    service_event_t event = {.id = id, .reason = reason};
    system_copy_name(event.name, name);
    common_event_post(type, &event, sizeof(event), SYSTEM_EVENT_PRIORITY_NORMAL);
}

static app_t *find_locked(const char *name)
{
    for (unsigned i = 0; i < CONFIG_SYSTEM_MAX_APPS; i++) {
        if (s_apps[i].manifest != NULL && strcmp(s_apps[i].manifest->name, name) == 0) {
            return &s_apps[i];
        }
    }
    return NULL;
}

/** The app whose code is calling, or NULL for services and firmware. App lock held. */
static const app_t *calling_app_locked(void)
{
    const system_service_id_t caller = service_slot_id(system_current_slot());
    for (unsigned i = 0; i < CONFIG_SYSTEM_MAX_APPS && caller != SYSTEM_SERVICE_ID_NONE; i++) {
        if (s_apps[i].life != NULL && s_apps[i].life->id == caller) {
            return &s_apps[i];
        }
    }
    return NULL;
}

/** Called by the code of an app, or of one that is gone. */
static bool caller_is_app(void)
{
    const unsigned slot = system_current_slot();
    return slot == SYSTEM_SLOT_DEAD || (slot < SYSTEM_SLOTS && service_record(slot)->is_app);
}

/** Find an app that the caller may command. App lock held. */
static esp_err_t find_for_caller_locked(const char *name, app_t **out)
{
    *out = find_locked(name);
    if (*out == NULL) {
        return ESP_ERR_APP_NOT_FOUND;
    }
    return caller_is_app() && calling_app_locked() != *out ? ESP_ERR_NOT_OWNER : ESP_OK;
}

static bool is_down(app_state_t state)
{
    return state == APP_STATE_REGISTERED || state == APP_STATE_STOPPED ||
           state == APP_STATE_CRASHED;
}

/* ---- registering ---------------------------------------------------------------------------- */

static bool manifest_valid(const app_manifest_t *m)
{
    const size_t length = m->name != NULL ? strnlen(m->name, SYSTEM_NAME_MAX + 1) : 0;
    return length != 0 && length <= SYSTEM_NAME_MAX && service_name_valid(m->name) &&
           m->entry_point != NULL && m->stack_size >= APP_STACK_SIZE_MIN &&
           m->stack_size <= APP_STACK_SIZE_MAX && m->priority != 0 &&
           m->priority <= CONFIG_SYSTEM_WORKER_PRIORITY &&
           m->handler_stack_size <= APP_STACK_SIZE_MAX &&
           (m->handler_stack_size == 0 || m->handler_stack_size >= APP_STACK_SIZE_MIN) &&
           (m->watchdog_timeout_ms == 0 ||
            (m->watchdog_timeout_ms >= 10 && m->watchdog_timeout_ms <= 3600000)) &&
           quota_is_valid(m->quota);
}

static esp_err_t register_locked(const app_manifest_t *manifest, app_t **out)
{
    if (find_locked(manifest->name) != NULL) {
        return ESP_ERR_APP_ALREADY_REGISTERED;
    }
    for (unsigned i = 0; i < CONFIG_SYSTEM_MAX_APPS; i++) {
        app_t *app = &s_apps[i];
        if (app->manifest != NULL) {
            continue;
        }
        *app = (app_t){
            .manifest = manifest,
            .watchdog = {.timeout_ms = manifest->watchdog_timeout_ms},
            .descriptor =
                {
                    .name = manifest->name,
                    .watchdog = &app->watchdog,
                    .quota = manifest->quota,
                    .own_worker = true,
                    .worker_stack_size = manifest->handler_stack_size,
                    .worker_priority = manifest->priority,
                },
        };
        app_crash_forget_locked(i);
        *out = app;
        return ESP_OK;
    }
    return ESP_ERR_APP_TABLE_FULL;
}

esp_err_t app_manager_register(const app_manifest_t *manifest)
{
    app_t *app;
    if (manifest == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    if (!system_is_initialized()) {
        return ESP_ERR_SYSTEM_NOT_INITIALIZED;
    }
    if (caller_is_app()) {
        return ESP_ERR_NOT_OWNER;
    }
    if (!manifest_valid(manifest)) {
        return ESP_ERR_APP_MANIFEST_INVALID;
    }
    app_lock();
    const esp_err_t ret = register_locked(manifest, &app);
    app_unlock();
    if (ret == ESP_OK) {
        app_post(manifest->name, SYSTEM_EVENT_APP_INSTALLED, SYSTEM_SERVICE_ID_NONE, ESP_OK);
    }
    return ret;
}

esp_err_t app_manager_unregister(const char *name)
{
    if (name == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    if (!system_is_initialized()) {
        return ESP_ERR_APP_NOT_FOUND;
    }
    if (caller_is_app()) {
        return ESP_ERR_NOT_OWNER;
    }
    app_lock();
    app_t *app = find_locked(name);
    esp_err_t ret = app == NULL            ? ESP_ERR_APP_NOT_FOUND
                    : !is_down(app->state) ? ESP_ERR_APP_IN_USE
                                           : ESP_OK;
    if (ret == ESP_OK) {
        app->manifest = NULL;
    }
    app_unlock();
    if (ret == ESP_OK) {
        app_post(name, SYSTEM_EVENT_APP_REMOVED, SYSTEM_SERVICE_ID_NONE, ESP_OK);
    }
    return ret;
}

/* ---- starting and stopping ------------------------------------------------------------------ */

/** What a start takes is the app's or the core's, whoever calls; and it is not to be cut half-way.
 */
static esp_err_t start_for_nobody(const char *name)
{
    app_lock();
    app_t *app = find_locked(name);
    esp_err_t ret = ESP_OK;
    if (app == NULL) {
        ret = ESP_ERR_APP_NOT_FOUND;
    } else if (app->state == APP_STATE_STOPPING) {
        ret = ESP_ERR_APP_INVALID_TRANSITION;
    } else if (!is_down(app->state)) {
        ret = ESP_ERR_APP_ALREADY_RUNNING;
    } else {
        app->state = APP_STATE_STARTING;
    }
    app_unlock();
    return ret == ESP_OK ? app_lifecycle_start(app) : ret;
}

esp_err_t app_manager_start(const char *name)
{
    if (name == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    if (!system_is_initialized()) {
        return ESP_ERR_APP_NOT_FOUND;
    }
    if (caller_is_app()) {
        return ESP_ERR_NOT_OWNER;
    }
    system_identity_t *identity = system_enter();
    int pause = memory_tracking_pause();
    while (pause < 0) { /* all places are taken, each for a moment */
        vTaskDelay(1);
        pause = memory_tracking_pause();
    }
    const esp_err_t ret = start_for_nobody(name);
    memory_tracking_resume(pause);
    system_leave(identity);
    return ret;
}

/** True where a call may not wait for an app to stop. */
static bool must_not_wait(void)
{
    return system_must_not_block() || caller_is_app();
}

/** Ask for a stop; with again, for a start after it. */
static esp_err_t stop(const char *name, bool again)
{
    app_t *app;
    if (name == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    if (!system_is_initialized()) {
        return ESP_ERR_APP_NOT_FOUND;
    }
    app_lock();
    esp_err_t ret = find_for_caller_locked(name, &app);
    if (ret == ESP_OK) {
        ret = app_lifecycle_ask_stop_locked(app, ESP_OK);
    }
    if (ret == ESP_OK) {
        app->start_again = again;
        app->stay_down = !again;
    }
    const bool waits = ret == ESP_ERR_APP_NOT_RUNNING && app->restart_us != 0 && !again;
    if (waits) { /* it crashed, and was to be started again: not any more */
        app->restart_us = 0;
    }
    app_unlock();
    if (ret != ESP_OK) {
        return waits ? ESP_OK : ret;
    }
    app_keeper_kick();
    return must_not_wait() ? ESP_OK : app_lifecycle_wait(app);
}

esp_err_t app_manager_stop(const char *name)
{
    return stop(name, false);
}

esp_err_t app_manager_restart(const char *name)
{
    const esp_err_t ret = stop(name, true);
    return ret == ESP_ERR_APP_NOT_RUNNING ? app_manager_start(name) : ret;
}

/* ---- pausing -------------------------------------------------------------------------------- */

static esp_err_t change(const char *name, app_state_t from, app_state_t to,
                        system_event_type_t event)
{
    app_t *app;
    system_service_id_t id = SYSTEM_SERVICE_ID_NONE;
    if (name == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    if (!system_is_initialized()) {
        return ESP_ERR_APP_NOT_FOUND;
    }
    app_lock();
    esp_err_t ret = find_for_caller_locked(name, &app);
    if (ret == ESP_OK && app->state != from) {
        ret = is_down(app->state)        ? ESP_ERR_APP_NOT_RUNNING
              : from == APP_STATE_PAUSED ? ESP_ERR_APP_NOT_PAUSED
                                         : ESP_ERR_APP_INVALID_TRANSITION;
    }
    if (ret == ESP_OK) {
        id = app->life->id;
        atomic_store(&app->life->paused_itself, system_current_slot() == system_id_slot(id));
        app_lifecycle_set_state_locked(app, to);
        supervisor_hold(system_id_slot(id), HOLD_APP, to == APP_STATE_PAUSED);
    }
    app_unlock();
    if (ret == ESP_OK) {
        app_keeper_kick();
        app_post(name, event, id, ESP_OK);
    }
    return ret;
}

esp_err_t app_manager_pause(const char *name)
{
    return change(name, APP_STATE_RUNNING, APP_STATE_PAUSED, SYSTEM_EVENT_APP_PAUSED);
}

esp_err_t app_manager_resume(const char *name)
{
    return change(name, APP_STATE_PAUSED, APP_STATE_RUNNING, SYSTEM_EVENT_APP_RESUMED);
}

/* ---- for the core --------------------------------------------------------------------------- */

void app_manager_ask_stop_all(void)
{
    if (s_lock == NULL) {
        return;
    }
    app_lock();
    for (unsigned i = 0; i < CONFIG_SYSTEM_MAX_APPS; i++) {
        if (s_apps[i].manifest != NULL) {
            (void)app_lifecycle_ask_stop_locked(&s_apps[i], ESP_OK); /* those that run */
            s_apps[i].start_again = false;
            s_apps[i].restart_us = 0;
        }
    }
    app_unlock();
    app_keeper_kick();
}

void app_manager_stop_all(void)
{
    if (s_lock == NULL) {
        return;
    }
    app_manager_ask_stop_all();
    for (unsigned i = 0; i < CONFIG_SYSTEM_MAX_APPS; i++) {
        app_lock();
        const bool waits = s_apps[i].manifest != NULL && !is_down(s_apps[i].state);
        app_unlock();
        if (waits && app_lifecycle_wait(&s_apps[i]) == ESP_ERR_TIMEOUT) {
            ESP_LOGE(TAG, "%s does not stop", s_apps[i].manifest->name);
        }
    }
}

void app_manager_fault(unsigned slot, esp_err_t reason)
{
    const system_service_id_t id = service_slot_id(slot);
    app_lock();
    for (unsigned i = 0; i < CONFIG_SYSTEM_MAX_APPS; i++) {
        if (s_apps[i].life != NULL && s_apps[i].life->id == id) {
            (void)app_lifecycle_ask_stop_locked(&s_apps[i], reason);
        }
    }
    app_unlock();
    app_keeper_kick();
}

/* ---- asking --------------------------------------------------------------------------------- */

static void copy_text(char *to, size_t size, const char *from)
{
    if (from != NULL) {
        memcpy(to, from, strnlen(from, size - 1)); /* the rest is 0 already */
    }
}

static void describe_locked(const app_t *app, app_info_t *out)
{
    const app_life_t *life = app->life; /* there is one while it is RUNNING or PAUSED */
    *out = (app_info_t){
        .manifest = app->manifest,
        .state = app->state,
        .id = life != NULL ? life->id : SYSTEM_SERVICE_ID_NONE,
        .starts = app->starts,
        .crashes = app->crashes,
        .forced_stops = app->forced_stops,
        .last_error = app->last_error,
        .started_us = app->started_us,
        .starts_again = app->state == APP_STATE_CRASHED && app->restart_us != 0,
    };
    copy_text(out->name, sizeof(out->name), app->manifest->name);
    copy_text(out->version, sizeof(out->version), app->manifest->version);
    copy_text(out->description, sizeof(out->description), app->manifest->description);
    if (life != NULL && (app->state == APP_STATE_RUNNING || app->state == APP_STATE_PAUSED) &&
        atomic_load(&life->task_state) == APP_TASK_ALIVE) {
        /* In bytes. Both states are left under our lock; the stack is freed after. */
        out->stack_free_bytes = task_ref_stack_free(&life->task);
    }
}

esp_err_t app_manager_get_info(const char *name, app_info_t *out)
{
    if (name == NULL || out == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    if (!system_is_initialized()) {
        return ESP_ERR_APP_NOT_FOUND;
    }
    app_lock();
    const app_t *app = find_locked(name);
    if (app != NULL) {
        describe_locked(app, out);
    }
    app_unlock();
    return app != NULL ? ESP_OK : ESP_ERR_APP_NOT_FOUND;
}

esp_err_t app_manager_list(app_info_t *out, size_t *count)
{
    if (count == NULL || (out == NULL && *count != 0)) {
        return ESP_ERR_INVALID_ARG;
    }
    const size_t room = *count;
    *count = 0;
    if (!system_is_initialized()) {
        return ESP_OK;
    }
    app_lock();
    for (unsigned i = 0; i < CONFIG_SYSTEM_MAX_APPS; i++) {
        if (s_apps[i].manifest == NULL) {
            continue;
        }
        if (*count < room) {
            describe_locked(&s_apps[i], &out[*count]);
        }
        (*count)++;
    }
    app_unlock();
    return *count > room ? ESP_ERR_INVALID_SIZE : ESP_OK;
}

uint32_t app_manager_set_aside_count(void)
{
    return app_keeper_set_aside();
}

const char *app_state_name(app_state_t state)
{
    static const char *const names[] = {
        [APP_STATE_REGISTERED] = "REGISTERED", [APP_STATE_STARTING] = "STARTING",
        [APP_STATE_RUNNING] = "RUNNING",       [APP_STATE_PAUSED] = "PAUSED",
        [APP_STATE_STOPPING] = "STOPPING",     [APP_STATE_STOPPED] = "STOPPED",
        [APP_STATE_CRASHED] = "CRASHED",
    };
    return (unsigned)state < sizeof(names) / sizeof(names[0]) ? names[state] : "?";
}

#endif
