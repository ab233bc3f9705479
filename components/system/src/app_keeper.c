/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keeper: the task that watches apps and takes back what is left of them.
 *
 * An app is asked to stop: its state says so, its waits end. Once its entry point is back and no
 * handler of it runs, everything it has is taken back. What is not back within the grace period is
 * ended where that is safe, else set aside: a task that is set aside keeps its stack and its
 * context, and its identity is void, so that it can do nothing in the app's name.
 *
 * All waiting is done here, for all apps at once: the keeper takes each stopping app one step
 * further, and sleeps until the nearest deadline.
 */
#include "app_lifecycle.h"

#include <string.h>

#include "esp_log.h"
#include "esp_random.h"
#include "esp_timer.h"

#include "app_crash.h"
#include "common_events_internal.h"
#include "request_internal.h"
#include "service_record.h"
#include "supervisor_internal.h"
#include "task_end.h"
#include "task_memory.h"
#include "task_ref.h"

#ifdef CONFIG_SYSTEM_APPS

static const char *TAG = "app_manager";

/* Below the supervisor, above every worker and so above every app: task_end() demands it. */
#define KEEPER_PRIORITY (CONFIG_SYSTEM_SUPERVISOR_PRIORITY - 1)
_Static_assert(KEEPER_PRIORITY > CONFIG_SYSTEM_WORKER_PRIORITY, "the keeper ends apps' tasks");

static StaticTask_t s_keeper_tcb;
static StackType_t s_keeper_stack[CONFIG_SYSTEM_APP_MANAGER_STACK / sizeof(StackType_t)];
static task_ref_t s_keeper;
static task_deleter_t s_deleter; /* of the keeper */
static _Atomic bool s_end;
static _Atomic bool s_ended;
/* A look that comes later than it was to by more than this: the chip slept, or the clock was put
 * forward; no app could show a sign of life in that time. */
#define LATE_US 100000
static int64_t s_promised_us; /* when it was to look again; INT64_MAX: never */
static int64_t s_looked_us;   /* when it had looked last */
static int64_t s_began_us;    /* when it began to look */

static uint32_t now_ms(void)
{
    return (uint32_t)(esp_timer_get_time() / 1000);
}

void app_keeper_kick(void)
{
    (void)task_ref_notify(&s_keeper, NULL);
}

static void sooner(int64_t *next_us, int64_t due_us)
{
    if (due_us < *next_us) {
        *next_us = due_us;
    }
}

/* ---- faults -------------------------------------------------------------------------------- */

/** The code of an app faulted: tell, and end what is left of this life at once. */
static void take_crash(const app_crash_t *crash)
{
    if (crash->id == SYSTEM_SERVICE_ID_NONE) { /* what is left is the reaper's, or supervisor's */
        app_crash_report_aside(crash);
        return;
    }
    app_lock();
    for (unsigned i = 0; i < CONFIG_SYSTEM_MAX_APPS; i++) {
        app_t *app = app_at(i);
        if (app->life == NULL || app->life->id != crash->id) {
            continue;
        }
        if (!app->crashed) { /* one fault explains a life */
            app_crash_report_locked(i, app->manifest->name, app->manifest, app->life->image, crash);
        }
        (void)app_lifecycle_ask_stop_locked(app, ESP_ERR_APP_CRASHED);
        app->fault = ESP_ERR_APP_CRASHED; /* also of one that was stopping already */
        app->crashed = true;
        app->deadline_us = esp_timer_get_time();
    }
    app_unlock();
}

static void take_crashes(void)
{
    app_crash_t *crash;
    while ((crash = app_crash_next()) != NULL) {
        const bool aside = crash->id == SYSTEM_SERVICE_ID_NONE;
        const bool in_handler = crash->in_handler;
        take_crash(crash);
        app_crash_done(crash);
        if (aside && in_handler) {
            last_resort_aside_gone();
        }
    }
}

/* ---- the way down -------------------------------------------------------- */

/** The task may be gone, or can be made to go. @return false: not yet */
static bool end_task(app_t *app, app_life_t *life, bool overdue)
{
    if (atomic_load(&life->task_state) == APP_TASK_PARKED && task_ref_is_suspended(&life->task)) {
        (void)task_ref_delete(&life->task); /* on_task_deleted() notes it */
    }
    if (atomic_load(&life->task_state) == APP_TASK_NONE) {
        return task_memory_is_free(life->tcb, &life->deleter); /* its stack is freed next */
    }
    if (!overdue || atomic_load(&life->task_state) == APP_TASK_PARKED) {
        return false;
    }
    app->forced = !app->crashed;
    requests_cancel_asker(system_id_slot(life->id));
    if (task_end(&life->task, life->identity) == ESP_OK) {
        if (!app->crashed) {
            ESP_LOGW(TAG, "%s did not stop when asked: its task was ended", app->manifest->name);
        }
        atomic_store(&life->task_state, APP_TASK_NONE);
        return true;
    }
    if (atomic_load(&life->task) == NULL) {
        return false; /* somebody else deletes it just now */
    }
    ESP_LOGE(TAG, "%s hangs where its task cannot be ended: set aside", app->manifest->name);
    life->aside_us = esp_timer_get_time();
    system_copy_name(life->name, app->manifest->name);
    life->set_aside = true; /* first: a fault asks about who is nobody */
    atomic_store(&life->identity->slot, SYSTEM_SLOT_DEAD); /* from here on it is nobody */
    atomic_store(&life->state, APP_STATE_STOPPED);
    (void)task_ref_set_priority(&life->task,
                                tskIDLE_PRIORITY); /* let it spin where it hurts least */
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
            app->forced = app->forced || !app->crashed;
            app->life->image_kept = app->life->image_kept || ret != ESP_OK;
            if (!app->crashed || ret != ESP_OK) {
                ESP_LOGE(TAG, "%s: its handler for '%s' did not return: worker %s",
                         app->manifest->name, event_type_name(run.type),
                         ret == ESP_OK ? "ended" : "set aside");
            }
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
    system_copy_name(name, app->manifest->name);
    const esp_err_t fault = app->fault;
    const bool again = app->start_again;
    app->life = NULL;
    app->state = fault != ESP_OK ? APP_STATE_CRASHED : APP_STATE_STOPPED;
    app->result = app->forced ? ESP_ERR_APP_STOP_TIMEOUT : ESP_OK;
    app->forced_stops += app->forced;
    app->crashes += fault != ESP_OK;
    if (fault != ESP_OK) {
        app->last_error = fault;
        app->restart_us = app->stay_down ? 0 : restart_time_locked(app);
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
    app_lifecycle_stopped(app);
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
    if (!life->set_aside) { /* else its task may still land by itself */
        app_crash_cut(id);
    }
    take_crashes(); /* a fault since the last look: what ended this life was no return */
    app_life_take_back(life);
    if (!life->set_aside) {
        app_life_free_task(life);
    }
    app_context_unref(life);
    finish(app, id);
    return true;
}

/* ---- the task ---------------------------------------------------------------------------- */

#define LOST_LOCK_US (CONFIG_SYSTEM_LOST_LOCK_RESTART_S * INT64_C(1000000))

/** One that was set aside long ago may be where it can be ended by now; or it never will be. */
static void try_again(app_life_t *life)
{
    life->aside_us = esp_timer_get_time();
    const esp_err_t ret = task_try_end(&life->task, life->identity);
    if (ret == ESP_OK) {
        ESP_LOGW(TAG, "%s: its task that was set aside could be ended after all", life->name);
        atomic_store(&life->task_state, APP_TASK_NONE);
    } else if (ret == ESP_ERR_INVALID_STATE) { /* others may wait for what it holds */
        last_resort_ask(life->name, SYSTEM_SERVICE_ID_NONE, ESP_ERR_SYSTEM_LOCK_LOST);
    }
}

/** A task that was set aside: bury it once it came back. @param arg when to look again, in us */
static void reap(app_life_t *life, void *arg)
{
    if (!life->set_aside) {
        return;
    }
    if (LOST_LOCK_US != 0 && atomic_load(&life->task_state) == APP_TASK_ALIVE) {
        if (esp_timer_get_time() >= life->aside_us + LOST_LOCK_US) {
            try_again(life);
        }
        sooner(arg, life->aside_us + LOST_LOCK_US);
    }
    if (atomic_load(&life->task_state) == APP_TASK_PARKED && task_ref_is_suspended(&life->task)) {
        (void)task_ref_delete(&life->task);
    }
    const uint8_t state = atomic_load(&life->task_state);
    if (state == APP_TASK_NONE && task_memory_is_free(life->tcb, &life->deleter)) {
        life->set_aside = false;
        app_life_free_task(life);
    } else if (state != APP_TASK_ALIVE) {
        sooner(arg, esp_timer_get_time() + 1000); /* not off its core yet, or not quite gone */
    }
}

static void count_set_aside(app_life_t *life, void *arg)
{
    *(uint32_t *)arg += life->set_aside;
}

uint32_t app_keeper_set_aside(void)
{
    uint32_t count = 0;
    app_contexts_for_each(count_set_aside, &count);
    return count;
}

#ifdef CONFIG_SYSTEM_WATCHDOG_ENABLE
/** Time that nobody had is no silence. */
static void leave_out_lost_time(app_life_t *life)
{
    const int64_t late_us = s_promised_us != INT64_MAX ? s_began_us - s_promised_us : 0;
    uint32_t alive = atomic_load(&life->alive_ms);
    if (late_us > LATE_US) { /* nobody knows which part of the time since the last look it was */
        const uint32_t lost = (uint32_t)((s_began_us - s_looked_us) / 1000);
        const uint32_t silent = now_ms() - alive;
        /* A pause point that comes in between is a better sign. */
        (void)atomic_compare_exchange_strong(&life->alive_ms, &alive,
                                             alive + (lost < silent ? lost : silent));
    }
}
#endif

/** Its entry point is back, its task is gone, or it shows no sign of life. App lock held. */
static void watch_locked(app_t *app, int64_t *next_us)
{
    app_life_t *life = app->life;
    if (life == NULL || (app->state != APP_STATE_RUNNING && app->state != APP_STATE_PAUSED)) {
        return;
    }
    if (atomic_load(&life->task_state) != APP_TASK_ALIVE) {
        (void)app_lifecycle_ask_stop_locked(app, ESP_OK); /* it ended by itself: in order */
        return;
    }
#ifdef CONFIG_SYSTEM_WATCHDOG_ENABLE
    if (app->state == APP_STATE_RUNNING) {
        leave_out_lost_time(life);
        const uint32_t alive = atomic_load(&life->alive_ms); /* before the time is looked at */
        const uint32_t silent = now_ms() - alive;
        if (esp_timer_get_time() - s_began_us > LATE_US) { /* time was lost just now: once more */
            sooner(next_us, s_began_us);
        } else if (silent > life->watch_ms && silent < UINT32_MAX / 2) {
            (void)app_lifecycle_ask_stop_locked(app, ESP_ERR_WATCHDOG_TIMEOUT);
        } else {
            /* Also half way there: what is lost before that look cannot pass for silence. */
            const uint32_t left = life->watch_ms - silent + 1;
            const uint32_t half = life->watch_ms / 2 + 1;
            sooner(next_us, esp_timer_get_time() + (left < half ? left : half) * 1000ll);
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
        /* The return of its entry point kicks the keeper; the rest is looked at each tick. */
        const bool hopes = atomic_load(&app->life->task_state) == APP_TASK_ALIVE &&
                           !app->life->set_aside && esp_timer_get_time() < app->deadline_us;
        sooner(next_us, hopes ? app->deadline_us : esp_timer_get_time() + 1000);
    }
}

static void on_keeper_deleted(int index, void *identity)
{
    (void)index;
    (void)identity;
    (void)task_memory_lost(&s_keeper, &s_deleter);
}

static void keeper_task(void *arg)
{
    (void)arg;
    system_identity_set_until(NULL,
                              on_keeper_deleted); /* firmware; first: it voids the reference */
    task_ref_set(&s_keeper, xTaskGetCurrentTaskHandle());
    while (!atomic_load(&s_end)) {
        int64_t next_us = INT64_MAX;
        s_began_us = esp_timer_get_time();
        take_crashes();
        for (unsigned i = 0; i < CONFIG_SYSTEM_MAX_APPS; i++) {
            look_after(app_at(i), &next_us);
        }
        app_contexts_for_each(reap, &next_us);
        TickType_t wait = portMAX_DELAY;
        s_promised_us = next_us;
        s_looked_us = s_began_us;
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

esp_err_t app_keeper_start(void)
{
    atomic_store(&s_end, false);
    atomic_store(&s_ended, false);
    s_promised_us = INT64_MAX;
    if (!task_memory_wait(&s_keeper_tcb, &s_deleter)) {
        return ESP_ERR_NOT_FINISHED;
    }
    const TaskHandle_t task = xTaskCreateStaticPinnedToCore(
        keeper_task, "app_keeper", sizeof(s_keeper_stack), NULL, KEEPER_PRIORITY, s_keeper_stack,
        &s_keeper_tcb, tskNO_AFFINITY);
    task_ref_set(&s_keeper, task);
    return task != NULL ? ESP_OK : ESP_ERR_NO_MEM;
}

void app_keeper_end(void)
{
    atomic_store(&s_end, true);
    app_keeper_kick();
    while (atomic_load(&s_keeper) != NULL && /* else there is none, or somebody deleted it */
           (!atomic_load(&s_ended) || !task_ref_is_suspended(&s_keeper))) {
        vTaskDelay(1);
    }
    (void)task_ref_delete(&s_keeper);
}

#endif
