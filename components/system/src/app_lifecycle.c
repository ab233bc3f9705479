/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of an app, from STARTING to STOPPED.
 *
 * An app is asked to stop: its state says so, its waits end. Once its entry point is back and no
 * handler of it runs, the manager task takes everything back. What is not back within the grace
 * period is ended where that is safe, else set aside: a task that is set aside keeps its stack and
 * its context, and its identity is void, so that it can do nothing in the app's name.
 *
 * All waiting is done by the manager, for all apps at once: it takes each stopping app one step
 * further, and sleeps until the nearest deadline.
 */
#include "app_lifecycle.h"

#include <string.h>

#include "esp_heap_caps.h"
#include "esp_log.h"
#include "esp_random.h"
#include "esp_timer.h"
#include "freertos/event_groups.h"

#include "common_events_internal.h"
#include "request_internal.h"
#include "service_record.h"
#include "supervisor_internal.h"
#include "task_end.h"

static const char *TAG = "app_manager";

/* Below the supervisor, above every worker and so above every app: task_end() demands it. */
#define MANAGER_PRIORITY (CONFIG_SYSTEM_SUPERVISOR_PRIORITY - 1)
_Static_assert(MANAGER_PRIORITY > CONFIG_SYSTEM_WORKER_PRIORITY, "the manager ends apps' tasks");
_Static_assert(CONFIG_SYSTEM_MAX_APPS <= 24, "an event group has 24 bits");

static StaticTask_t s_manager_task;
static StackType_t s_manager_stack[CONFIG_SYSTEM_APP_MANAGER_STACK / sizeof(StackType_t)];
static TaskHandle_t s_manager;
static _Atomic bool s_end;
static _Atomic bool s_ended;
static StaticEventGroup_t s_stopped_storage;
static EventGroupHandle_t s_stopped; /* bit n: app n is not being stopped */

static uint32_t now_ms(void)
{
    return (uint32_t)(esp_timer_get_time() / 1000);
}

void app_lifecycle_kick(void)
{
    if (s_manager != NULL) {
        xTaskNotifyGive(s_manager);
    }
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
    app_life_t *life = (app_life_t *)(void *)((char *)identity - offsetof(app_life_t, identity));
    atomic_store(&life->task_state, APP_TASK_NONE);
    app_lifecycle_kick(); /* an app that deleted its own task has nobody else to say so */
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
        app_lifecycle_kick(); /* to be watched from now on */
    }
    return runs;
}

static void app_task(void *arg)
{
    app_life_t *life = arg;
    vTaskSetThreadLocalStoragePointerAndDelCallback(NULL, CONFIG_SYSTEM_TLS_INDEX, &life->identity,
                                                    on_task_deleted);
    if (begin(life)) {
        life->entry_point(&life->api);
    }
    atomic_store(&life->task_state, APP_TASK_PARKED);
    app_lifecycle_kick();
    for (;;) { /* deleted by the manager when it is certain that it does not run */
        vTaskSuspend(NULL);
    }
}

/* ---- starting ------------------------------------------------------------------------------- */

/** Get a context, a stack, and a place in the registry. */
static esp_err_t prepare(app_t *app, app_life_t **out)
{
    const app_manifest_t *m = app->manifest;
    system_service_id_t id;
    app_life_t *life = app_context_take();
    if (life == NULL) {
        return ESP_ERR_NO_MEM;
    }
    /* Internal: a flash write cannot be made from a stack in PSRAM. */
    life->stack = heap_caps_malloc(m->stack_size, MALLOC_CAP_INTERNAL | MALLOC_CAP_8BIT);
    esp_err_t ret = life->stack == NULL ? ESP_ERR_NO_MEM
                                        : service_register(m->name, &app->descriptor, true, &id);
    if (ret != ESP_OK) {
        heap_caps_free(life->stack);
        app_context_unref(life);
        return ret;
    }
    life->app = (uint8_t)app_index(app);
    life->entry_point = m->entry_point;
    life->watch_ms =
        m->watchdog_timeout_ms != 0 ? m->watchdog_timeout_ms : CONFIG_SYSTEM_WATCHDOG_TIMEOUT_MS;
    app_context_fill(life, m->name, id);
    atomic_store(&life->identity.slot, (uint8_t)system_id_slot(id));
    *out = life;
    return ESP_OK;
}

static void take_back(app_life_t *life)
{
    const unsigned slot = system_id_slot(life->id);
    if (service_reclaim(slot) != ESP_OK) {
        ESP_LOGE(TAG, "%s: a handler of it still runs", service_slot_name(slot));
    }
    service_release(slot);
}

/** Free what the task needed. The task is gone. */
static void free_task(app_life_t *life)
{
    heap_caps_free(life->stack);
    life->stack = NULL;
    life->task = NULL;
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
        app->fault = ESP_OK;
        app->start_again = false;
        app->restart_us = 0;
        app->starts++;
        app->started_us = esp_timer_get_time();
        atomic_store(&life->task_state, APP_TASK_ALIVE);
        atomic_store(&life->alive_ms, now_ms());
        /* Static: cannot fail. It has to exist before anybody may want to stop it. */
        life->task = xTaskCreateStaticPinnedToCore(
            app_task, app->manifest->name, app->manifest->stack_size, life, app->manifest->priority,
            life->stack, &life->task_storage, tskNO_AFFINITY);
    }
    app_unlock();
    return wanted;
}

esp_err_t app_lifecycle_start(app_t *app)
{
    app_life_t *life = NULL;
    esp_err_t ret = system_safe_mode_active() ? ESP_ERR_SYSTEM_SAFE_MODE : prepare(app, &life);
    if (ret == ESP_OK && !attach(app, life)) {
        take_back(life);
        free_task(life);
        ret = ESP_ERR_APP_START_FAILED;
    }
    if (ret != ESP_OK) {
        ESP_LOGE(TAG, "%s: cannot start: %s", app->manifest->name, system_error_to_string(ret));
        app_lock();
        app->state = APP_STATE_STOPPED;
        app->result = ESP_OK;
        app_unlock();
        (void)xEventGroupSetBits(s_stopped, 1u << app_index(app));
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

/* ---- the way down: manager task only -------------------------------------------------------- */

/** The task may be gone, or can be made to go. @return false: not yet */
static bool end_task(app_t *app, app_life_t *life, bool overdue)
{
    if (atomic_load(&life->task_state) == APP_TASK_PARKED &&
        eTaskGetState(life->task) == eSuspended) {
        vTaskDelete(life->task); /* on_task_deleted() notes it */
    }
    if (atomic_load(&life->task_state) == APP_TASK_NONE) {
        return true;
    }
    if (!overdue || atomic_load(&life->task_state) == APP_TASK_PARKED) {
        return false;
    }
    app->forced = true;
    requests_cancel_asker(system_id_slot(life->id));
    if (task_end(life->task, &life->identity) == ESP_OK) {
        ESP_LOGW(TAG, "%s did not stop when asked: its task was ended", app->manifest->name);
        atomic_store(&life->task_state, APP_TASK_NONE);
        return true;
    }
    ESP_LOGE(TAG, "%s hangs where its task cannot be ended: set aside", app->manifest->name);
    atomic_store(&life->identity.slot, SYSTEM_SLOT_DEAD); /* from here on it is nobody */
    atomic_store(&life->state, APP_STATE_STOPPED);
    vTaskPrioritySet(life->task, tskIDLE_PRIORITY); /* let it spin where it hurts least */
    life->set_aside = true;
    return true;
}

static bool handler_runs(unsigned slot)
{
    mailbox_t *mailbox = event_mailbox(slot);
    portENTER_CRITICAL(&mailbox->lock);
    const bool runs = mailbox->running != NULL;
    portEXIT_CRITICAL(&mailbox->lock);
    return runs;
}

/** No handler runs, or its worker was taken from it. @return false: not yet */
static bool end_handler(app_t *app, unsigned slot, bool overdue)
{
    worker_run_t run;
    supervisor_hold(slot, HOLD_APP, true);
    if (!handler_runs(slot)) {
        return true;
    }
    for (unsigned n = 0; overdue && n < event_workers_count(); n++) {
        if (event_worker_running(n, &run) && run.slot == slot) {
            const esp_err_t ret = event_worker_quarantine(n, slot, run.sub);
            if (ret == ESP_ERR_NOT_FOUND) {
                return false; /* it returned after all */
            }
            app->forced = true;
            ESP_LOGE(TAG, "%s: its handler for '%s' did not return: worker %s", app->manifest->name,
                     event_type_name(run.type), ret == ESP_OK ? "ended" : "set aside");
            return true;
        }
    }
    return false;
}

/** When to start a crashed app again by itself. App lock held. @return 0: not */
static int64_t restart_time_locked(app_t *app)
{
    if (!app->manifest->restart_on_crash || system_safe_mode_active()) {
        return 0;
    }
    const unsigned attempts =
        restart_history_count(&app->history, now_ms(), CONFIG_SYSTEM_RESTART_WINDOW_MS);
    if (attempts >= CONFIG_SYSTEM_WATCHDOG_MAX_RESTARTS) {
        return 0;
    }
    restart_history_add(&app->history, now_ms());
    return esp_timer_get_time() + (int64_t)restart_backoff_ms(attempts + 1, esp_random()) * 1000;
}

/** Everything is taken back: say so. */
static void finish(app_t *app, system_service_id_t id)
{
    char name[SYSTEM_NAME_MAX + 1]; /* it may be unregistered as soon as it is stopped */
    app_lock();
    strcpy(name, app->manifest->name); /* its length was checked */
    const esp_err_t fault = app->fault;
    const bool again = app->start_again;
    app->life = NULL;
    app->state = fault != ESP_OK ? APP_STATE_CRASHED : APP_STATE_STOPPED;
    app->result = app->forced ? ESP_ERR_APP_STOP_TIMEOUT : ESP_OK;
    app->forced_stops += app->forced;
    app->crashes += fault != ESP_OK;
    if (fault != ESP_OK) {
        app->last_error = fault;
        app->restart_us = restart_time_locked(app);
    }
    if (again) {
        app->state = APP_STATE_STARTING;
    }
    const bool restarts = again || app->restart_us != 0;
    app_unlock();
    app_post(name, fault != ESP_OK ? SYSTEM_EVENT_APP_CRASHED : SYSTEM_EVENT_APP_STOPPED, id,
             fault);
    if (fault != ESP_OK) {
        ESP_LOGE(TAG, "%s crashed: %s%s", name, system_error_describe(fault),
                 restarts ? "; it is started again" : "");
    }
    if (again) {
        const esp_err_t started = app_lifecycle_start(app);
        app_lock();
        app->result = started;
        app_unlock();
    }
    (void)xEventGroupSetBits(s_stopped, 1u << app_index(app));
}

/** Take a stopping app one step further. @return false: look again in a tick */
static bool step_down(app_t *app)
{
    app_life_t *life = app->life;
    const system_service_id_t id = life->id;
    const unsigned slot = system_id_slot(id);
    const bool overdue = esp_timer_get_time() >= app->deadline_us;
    if ((!life->set_aside && !end_task(app, life, overdue)) || !end_handler(app, slot, overdue)) {
        return false;
    }
    take_back(life);
    if (!life->set_aside) {
        free_task(life);
    }
    app_context_unref(life);
    finish(app, id);
    return true;
}

/* ---- the manager ---------------------------------------------------------------------------- */

/** A task that was set aside came back: bury it. */
static void reap(app_life_t *life, void *arg)
{
    (void)arg;
    if (!life->set_aside) {
        return;
    }
    if (atomic_load(&life->task_state) == APP_TASK_PARKED &&
        eTaskGetState(life->task) == eSuspended) {
        vTaskDelete(life->task);
    }
    if (atomic_load(&life->task_state) == APP_TASK_NONE) {
        life->set_aside = false;
        free_task(life);
    }
}

static void count_set_aside(app_life_t *life, void *arg)
{
    *(uint32_t *)arg += life->set_aside;
}

uint32_t app_lifecycle_set_aside(void)
{
    uint32_t count = 0;
    app_contexts_for_each(count_set_aside, &count);
    return count;
}

static void sooner(int64_t *next_us, int64_t due_us)
{
    if (due_us < *next_us) {
        *next_us = due_us;
    }
}

/** Its entry point is back, its task is gone, or it shows no sign of life. App lock held. */
static void watch_locked(app_t *app, int64_t *next_us)
{
    const app_life_t *life = app->life;
    if (life == NULL || (app->state != APP_STATE_RUNNING && app->state != APP_STATE_PAUSED)) {
        return;
    }
    if (atomic_load(&life->task_state) != APP_TASK_ALIVE) {
        (void)app_lifecycle_ask_stop_locked(app, ESP_OK); /* it ended by itself: in order */
        return;
    }
#ifdef CONFIG_SYSTEM_WATCHDOG_ENABLE
    if (app->state == APP_STATE_RUNNING) {
        const uint32_t alive = atomic_load(&life->alive_ms); /* before the time is looked at */
        const uint32_t silent = now_ms() - alive;
        if (silent > life->watch_ms && silent < UINT32_MAX / 2) {
            (void)app_lifecycle_ask_stop_locked(app, ESP_ERR_WATCHDOG_TIMEOUT);
        } else {
            sooner(next_us, esp_timer_get_time() + (life->watch_ms - silent + 1) * 1000ll);
        }
    }
#else
    (void)next_us;
#endif
}

/** Look after one app. */
static void look_after(app_t *app, int64_t *next_us)
{
    bool start = false;
    app_lock();
    if (app->manifest == NULL) {
        app_unlock();
        return;
    }
    watch_locked(app, next_us);
    const bool stopping = app->state == APP_STATE_STOPPING && app->life != NULL;
    if (app->state == APP_STATE_CRASHED && app->restart_us != 0) {
        start = esp_timer_get_time() >= app->restart_us;
        if (start) {
            app->state = APP_STATE_STARTING;
        } else {
            sooner(next_us, app->restart_us);
        }
    }
    app_unlock();
    if (start) {
        (void)app_lifecycle_start(app); /* says so if it cannot */
    } else if (stopping && step_down(app)) {
        sooner(next_us, 0); /* it may be due to start again some time */
    } else if (stopping) {
        /* The return of its entry point kicks the manager; the rest is looked at each tick. */
        const bool hopes = atomic_load(&app->life->task_state) == APP_TASK_ALIVE &&
                           !app->life->set_aside && esp_timer_get_time() < app->deadline_us;
        sooner(next_us, hopes ? app->deadline_us : esp_timer_get_time() + 1000);
    }
}

static void manager_task(void *arg)
{
    (void)arg;
    while (!atomic_load(&s_end)) {
        int64_t next_us = INT64_MAX;
        for (unsigned i = 0; i < CONFIG_SYSTEM_MAX_APPS; i++) {
            look_after(app_at(i), &next_us);
        }
        app_contexts_for_each(reap, NULL);
        TickType_t wait = portMAX_DELAY;
        if (next_us != INT64_MAX) {
            const int64_t us = next_us - esp_timer_get_time();
            const int64_t ms = us > 0 ? us / 1000 + 1 : 1;
            wait = pdMS_TO_TICKS(ms < 60000 ? (uint32_t)ms : 60000);
            wait += wait == 0;
        }
        (void)ulTaskNotifyTake(pdTRUE, wait);
    }
    atomic_store(&s_ended, true);
    for (;;) {
        vTaskSuspend(NULL);
    }
}

esp_err_t app_lifecycle_init(void)
{
    if (s_stopped == NULL) {
        s_stopped = xEventGroupCreateStatic(&s_stopped_storage);
    }
    (void)xEventGroupSetBits(s_stopped, (1u << CONFIG_SYSTEM_MAX_APPS) - 1u);
    atomic_store(&s_end, false);
    atomic_store(&s_ended, false);
    s_manager = xTaskCreateStaticPinnedToCore(manager_task, "app_manager", sizeof(s_manager_stack),
                                              NULL, MANAGER_PRIORITY, s_manager_stack,
                                              &s_manager_task, tskNO_AFFINITY);
    return s_manager != NULL ? ESP_OK : ESP_ERR_NO_MEM;
}

void app_lifecycle_deinit(void)
{
    if (s_manager == NULL) {
        return;
    }
    atomic_store(&s_end, true);
    app_lifecycle_kick();
    while (!atomic_load(&s_ended) || eTaskGetState(s_manager) != eSuspended) {
        vTaskDelay(1);
    }
    vTaskDelete(s_manager);
    s_manager = NULL;
}
