/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The states of an app, starting it, and asking it to stop. What happens to it from then on is in
 * app_keeper.c.
 */
#include "app_lifecycle.h"

#include "esp_heap_caps.h"
#include "esp_log.h"
#include "esp_timer.h"
#include "freertos/event_groups.h"

#include "common_events_internal.h"
#include "request_internal.h"
#include "service_record.h"
#include "supervisor_internal.h"
#include "system_lock_internal.h"
#include "task_memory.h"
#include "task_ref.h"

#ifdef CONFIG_SYSTEM_APPS

static const char *TAG = "app_manager";

_Static_assert(CONFIG_SYSTEM_MAX_APPS <= 24, "an event group has 24 bits");

static StaticEventGroup_t s_stopped_storage;
static EventGroupHandle_t s_stopped; /* bit n: app n is not being stopped */

void app_lifecycle_init(void)
{
    if (s_stopped == NULL) {
        s_stopped = xEventGroupCreateStatic(&s_stopped_storage);
    }
    (void)xEventGroupSetBits(s_stopped, (1u << CONFIG_SYSTEM_MAX_APPS) - 1u);
}

void app_lifecycle_stopped(const app_t *app)
{
    (void)xEventGroupSetBits(s_stopped, 1u << app_index(app));
}

static uint32_t now_ms(void)
{
    return (uint32_t)(esp_timer_get_time() / 1000);
}

void app_lifecycle_set_state_locked(app_t *app, app_state_t state)
{
    app->state = state;
    if (app->life != NULL) {
        if (state == APP_STATE_RUNNING) { /* nothing was asked of it while it was paused */
            atomic_store(&app->life->alive_ms, now_ms());
        }
        atomic_store(&app->life->state, (uint8_t)state);
        (void)xSemaphoreGive(app->life->wake); /* fails if it is given already: as good */
        const system_service_id_t id = app->life->id;
        if (service_slot_id(system_id_slot(id)) == id) {
            static const uint8_t as_service[] = {
                [APP_STATE_REGISTERED] = SYSTEM_SERVICE_STATE_REGISTERED,
                [APP_STATE_STARTING] = SYSTEM_SERVICE_STATE_STARTING,
                [APP_STATE_RUNNING] = SYSTEM_SERVICE_STATE_RUNNING,
                [APP_STATE_PAUSED] = SYSTEM_SERVICE_STATE_PAUSED,
                [APP_STATE_STOPPING] = SYSTEM_SERVICE_STATE_STOPPING,
                [APP_STATE_STOPPED] = SYSTEM_SERVICE_STATE_STOPPED,
                [APP_STATE_CRASHED] = SYSTEM_SERVICE_STATE_ERROR,
            };
            service_record_t *record = service_record(system_id_slot(id));
            atomic_store(&record->state, as_service[state]);
            atomic_store(&record->stop_requested, state == APP_STATE_STOPPING);
        }
    }
}

/* ---- the app's task ------------------------------------------------------------------------- */

static void on_task_deleted(int index, void *identity)
{
    (void)index;
    app_life_t *life = app_context_of(identity);
    (void)task_memory_lost(&life->task, &life->deleter);
    system_locks_holder_gone(life->identity);
    atomic_store(&life->task_state, APP_TASK_NONE);
    app_keeper_kick(); /* an app that deleted its own task has nobody else to say so */
}

/** @return false: it was asked to stop before it began */
static bool begin(app_life_t *life)
{
    app_t *app = app_at(life->app);
    app_lock();
    const bool runs = app->state == APP_STATE_STARTING;
    if (runs) {
        app_lifecycle_set_state_locked(app, APP_STATE_RUNNING);
    }
    app_unlock();
    if (runs) {
        app_post(app->manifest->name, SYSTEM_EVENT_APP_STARTED, life->id, ESP_OK);
        app_keeper_kick(); /* to be watched from now on */
    }
    return runs;
}

static void app_task(void *arg)
{
    app_life_t *life = arg;
    system_identity_set_until(life->identity, on_task_deleted);
    if (begin(life)) {
        life->entry_point(&life->api);
    }
    atomic_store(&life->task_state, APP_TASK_PARKED);
    app_keeper_kick();
    for (;;) { /* deleted by the manager when it is certain that it does not run */
        vTaskSuspend(NULL);
    }
}

/* ---- starting ------------------------------------------------------------------------------- */

static esp_err_t load_image(const app_manifest_t *m, app_life_t *life)
{
    if (m->image == NULL) {
        return ESP_OK;
    }
    const esp_err_t ret = m->image->load(m->image->arg, &life->image);
    if (ret == ESP_OK) {
        life->unload = m->image->unload;
    }
    return ret;
}

static void unload_image(app_life_t *life)
{
    if (life->unload != NULL && !life->image_kept) {
        life->unload(life->image);
    }
    life->unload = NULL;
}

/** Get a context, the code, a stack, and a place in the registry. */
static esp_err_t prepare(app_t *app, app_life_t **out)
{
    const app_manifest_t *m = app->manifest;
    system_service_id_t id;
    app_life_t *life = app_context_take();
    if (life == NULL) {
        return ESP_ERR_NO_MEM;
    }
    esp_err_t ret = load_image(m, life);
    if (ret == ESP_OK) {
        /* Internal: a flash write cannot be made from a stack in PSRAM. */
        life->stack_size = m->stack_size;
        life->stack = heap_caps_malloc(m->stack_size, MALLOC_CAP_INTERNAL | MALLOC_CAP_8BIT);
        ret = life->stack == NULL ? ESP_ERR_NO_MEM
                                  : service_register(m->name, &app->descriptor, true, &id);
    }
    if (ret != ESP_OK) {
        app_life_free_task(life);
        return ret;
    }
    life->app = (uint8_t)app_index(app);
    life->entry_point = m->entry_point;
    life->watch_ms =
        m->watchdog_timeout_ms != 0 ? m->watchdog_timeout_ms : CONFIG_SYSTEM_WATCHDOG_TIMEOUT_MS;
    app_context_fill(life, m->name, id);
    atomic_store(&life->identity->slot, (uint8_t)system_id_slot(id));
    *out = life;
    return ESP_OK;
}

void app_life_take_back(app_life_t *life)
{
    const unsigned slot = system_id_slot(life->id);
    if (service_reclaim(slot) != ESP_OK) {
        ESP_LOGE(TAG, "%s: a handler of it still runs", service_slot_name(slot));
    }
    (void)service_release(life->id);
}

void app_life_free_task(app_life_t *life)
{
    unload_image(life);
    heap_caps_free(life->stack);
    life->stack = NULL;
    atomic_store(&life->task, NULL);
    app_context_unref(life);
}

/** The app goes live unless it was asked to stop meanwhile. */
static bool attach(app_t *app, app_life_t *life)
{
    app_lock();
    const bool wanted = app->state == APP_STATE_STARTING;
    if (wanted) {
        app_context_ref(life); /* the task's; the table has the first one */
        app->life = life;
        app->forced = false;
        app->crashed = false;
        app->fault = ESP_OK;
        app->start_again = false;
        app->stay_down = false;
        app->restart_us = 0;
        app->starts++;
        app->started_us = esp_timer_get_time();
        atomic_store(&life->task_state, APP_TASK_ALIVE);
        atomic_store(&life->alive_ms, now_ms());
        /* Static: cannot fail. It has to exist before anybody may want to stop it. */
        task_ref_set(&life->task,
                     xTaskCreateStaticPinnedToCore(
                         app_task, app->manifest->name, app->manifest->stack_size, life,
                         app->manifest->priority, life->stack, life->tcb, tskNO_AFFINITY));
    }
    app_unlock();
    return wanted;
}

esp_err_t app_lifecycle_start(app_t *app)
{
    app_life_t *life = NULL;
    esp_err_t ret = system_safe_mode_active() ? ESP_ERR_SYSTEM_SAFE_MODE : prepare(app, &life);
    if (ret == ESP_OK && !attach(app, life)) {
        app_life_take_back(life);
        app_life_free_task(life);
        ret = ESP_ERR_APP_START_FAILED;
    }
    if (ret != ESP_OK) {
        ESP_LOGE(TAG, "%s: cannot start: %s", app->manifest->name, system_error_to_string(ret));
        app_lock();
        app->state = APP_STATE_STOPPED;
        app->result = ESP_OK;
        app_unlock();
        app_lifecycle_stopped(app);
    }
    return ret;
}

/* ---- asking to stop ------------------------------------------------------------------------- */

esp_err_t app_lifecycle_ask_stop_locked(app_t *app, esp_err_t fault)
{
    if (app->state == APP_STATE_STOPPING) {
        return ESP_OK;
    }
    if (app->state != APP_STATE_STARTING && app->state != APP_STATE_RUNNING &&
        app->state != APP_STATE_PAUSED) {
        return ESP_ERR_APP_NOT_RUNNING;
    }
    app->fault = fault;
    app->start_again = false;
    app->deadline_us = esp_timer_get_time() + CONFIG_SYSTEM_APP_STOP_GRACE_MS * 1000ll;
    (void)xEventGroupClearBits(s_stopped, 1u << app_index(app));
    app_lifecycle_set_state_locked(app, APP_STATE_STOPPING);
    if (app->life != NULL) {
        const unsigned slot = system_id_slot(app->life->id);
        requests_cancel_asker(slot);            /* its waits end */
        supervisor_hold(slot, HOLD_APP, false); /* it may need its handlers to come to an end */
    }
    return ESP_OK;
}

esp_err_t app_lifecycle_wait(const app_t *app)
{
    /* One app's way down, twice: another one may have been in the manager's hands before it. */
    const uint32_t limit_ms = 2 * (CONFIG_SYSTEM_APP_STOP_GRACE_MS + 2 * CONFIG_SYSTEM_TASK_END_MS +
                                   CONFIG_SYSTEM_STOP_GRACE_MS);
    const EventBits_t bit = 1u << app_index(app);
    if ((xEventGroupWaitBits(s_stopped, bit, pdFALSE, pdTRUE, pdMS_TO_TICKS(limit_ms)) & bit) ==
        0) {
        return ESP_ERR_TIMEOUT;
    }
    app_lock();
    const esp_err_t result = app->result;
    app_unlock();
    return result;
}

#endif
