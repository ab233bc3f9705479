/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last rung: when nothing less helps, the chip restarts into safe mode, and the next boot says
 * on whose account. Three things lead here: a critical service that fails although safe mode is on
 * already, no task left that could run handlers or lifecycle functions, and a task that hangs with
 * a FreeRTOS mutex in its hands, which nobody can take from it.
 *
 * What hangs may come back, so tasks that were set aside are tried again, and the restart is called
 * off when its cause is gone. It is announced first, and everything that can be stopped is stopped.
 * A device that restarts for ever helps nobody: after CONFIG_SYSTEM_LAST_RESORT_RESTARTS in a row
 * the system stays up with what still runs.
 */
#include "supervisor_internal.h"

#include <string.h>

#include "esp_attr.h"
#include "esp_log.h"
#include "esp_timer.h"

#include "common_events_internal.h"
#include "event_internal.h"
#include "flight_recorder_internal.h"
#include "lifecycle_runner.h"
#include "watchdog_internal.h"

static const char *TAG = "supervisor";

#define ASIDE_LOOK_US INT64_C(1000000)
#define LOST_LOCK_US  (CONFIG_SYSTEM_LOST_LOCK_RESTART_S * INT64_C(1000000))
/* Subscribers hear of it, and what can be stopped has its grace period. */
#define NOTICE_US (CONFIG_SYSTEM_STOP_GRACE_MS * INT64_C(1000))
/* What is on its way down by then has as long again as one of its functions may take. */
#define LATEST_US    (CONFIG_SYSTEM_LIFECYCLE_TIMEOUT_MS * INT64_C(1000))
#define DOWN_LOOK_US INT64_C(10000)
#define WORKERS_MAX  32 /* the workers' own limit */

typedef struct {
    char culprit[SYSTEM_NAME_MAX + 1];
    system_service_id_t id;
    esp_err_t reason; /* ESP_OK: nothing is asked for */
} resort_t;

/** A worker or lifecycle runner that was set aside. */
typedef struct {
    int64_t since_us; /* 0: it is not */
    char culprit[SYSTEM_NAME_MAX + 1];
} aside_t;

static portMUX_TYPE s_lock = portMUX_INITIALIZER_UNLOCKED; /* protects s_asked; leaf */
static resort_t s_asked;
/* the supervisor's own */
static int64_t s_due_us;    /* of what was asked for; 0: not announced yet */
static int64_t s_latest_us; /* and whoever has not stopped by then is cut */
static int64_t s_look_us;
static _Atomic bool s_aside_new;
static _Atomic bool s_aside_gone;
static EXT_RAM_BSS_ATTR aside_t s_workers[WORKERS_MAX];
static EXT_RAM_BSS_ATTR aside_t s_runners[CONFIG_SYSTEM_LIFECYCLE_RUNNERS];
/* the task of the supervisor was deleted; one of the runners is to see to it */
static _Atomic uint32_t s_unsupervised;

void last_resort_init(void)
{
    memset(&s_asked, 0, sizeof(s_asked));
    memset(s_workers, 0, sizeof(s_workers));
    memset(s_runners, 0, sizeof(s_runners));
    s_due_us = 0;
    s_latest_us = 0;
    s_look_us = NEVER_US;
    atomic_store(&s_aside_new, false);
    atomic_store(&s_aside_gone, false);
    atomic_store(&s_unsupervised, 0);
}

void last_resort_ask(const char *culprit, system_service_id_t id, esp_err_t reason)
{
    resort_t wanted = {.id = id, .reason = reason};
    bool first = false;
    if (!watchdog_on()) {
        return;
    }
    system_copy_name(wanted.culprit, culprit);
    portENTER_CRITICAL(&s_lock);
    if (s_asked.reason == ESP_OK) {
        s_asked = wanted;
        first = true;
    }
    portEXIT_CRITICAL(&s_lock);
    if (first) {
        supervisor_poke();
    }
}

static resort_t asked(void)
{
    portENTER_CRITICAL(&s_lock);
    const resort_t now = s_asked;
    portEXIT_CRITICAL(&s_lock);
    return now;
}

static void forget(void)
{
    portENTER_CRITICAL(&s_lock);
    s_asked.reason = ESP_OK;
    portEXIT_CRITICAL(&s_lock);
    s_due_us = 0;
}

/* ---- tasks set aside ------------------------------------------------------------------------ */

void last_resort_aside(void)
{
    atomic_store(&s_aside_new, true);
}

void last_resort_aside_gone(void)
{
    atomic_store(&s_aside_gone, true);
    last_resort_aside();
    supervisor_poke();
}

/** One that may be set aside now. @return true when it is to be tried to end it once more */
static bool is_due(aside_t *aside, unsigned slot, bool is_aside, int64_t now)
{
    if (!is_aside) {
        aside->since_us = 0;
        return false;
    }
    s_look_us = now + ASIDE_LOOK_US;
    if (aside->since_us == 0) {
        aside->since_us = now;
        system_copy_name(aside->culprit, service_slot_name(slot));
    }
    return LOST_LOCK_US != 0 && now - aside->since_us >= LOST_LOCK_US;
}

/** It was tried again, whatever came of it. */
static void tried(aside_t *aside, esp_err_t result, int64_t now)
{
    if (result == ESP_OK) {
        ESP_LOGW(TAG, "a task of %s that was set aside could be ended after all", aside->culprit);
    } else if (result == ESP_ERR_INVALID_STATE) { /* others may wait for what it holds */
        last_resort_ask(aside->culprit, SYSTEM_SERVICE_ID_NONE, ESP_ERR_SYSTEM_LOCK_LOST);
    }
    aside->since_us = now; /* once more after as long again */
}

/** One of them came to rest: whichever it is, it need not wait for its time. The others are where
 * they were, and that they cannot be ended now says nothing yet. */
static void bury_who_is_gone(void)
{
    for (unsigned n = 0; n < event_workers_count(); n++) {
        unsigned slot;
        if (event_worker_aside(n, &slot) && event_worker_end_aside(n) == ESP_OK) {
            tried(&s_workers[n], ESP_OK, 0);
        }
    }
    for (unsigned n = 0; n < CONFIG_SYSTEM_LIFECYCLE_RUNNERS; n++) {
        unsigned slot;
        if (lifecycle_runner_aside(n, &slot) && lifecycle_end_aside(n) == ESP_OK) {
            tried(&s_runners[n], ESP_OK, 0);
        }
    }
}

/** Whose task was set aside last. */
static const char *newest_culprit(void)
{
    static const aside_t nobody;
    const aside_t *newest = &nobody;
    for (unsigned n = 0; n < WORKERS_MAX; n++) {
        newest = s_workers[n].since_us > newest->since_us ? &s_workers[n] : newest;
    }
    for (unsigned n = 0; n < CONFIG_SYSTEM_LIFECYCLE_RUNNERS; n++) {
        newest = s_runners[n].since_us > newest->since_us ? &s_runners[n] : newest;
    }
    return newest->culprit;
}

static void look_at_aside(int64_t now)
{
    s_look_us = NEVER_US;
    if (atomic_exchange(&s_aside_gone, false)) {
        bury_who_is_gone();
    }
    for (unsigned n = 0; n < event_workers_count(); n++) {
        unsigned slot;
        const bool is_aside = event_worker_aside(n, &slot);
        if (is_due(&s_workers[n], slot, is_aside, now)) {
            tried(&s_workers[n], event_worker_end_aside(n), now);
        }
    }
    for (unsigned n = 0; n < CONFIG_SYSTEM_LIFECYCLE_RUNNERS; n++) {
        unsigned slot;
        const bool is_aside = lifecycle_runner_aside(n, &slot);
        if (is_due(&s_runners[n], slot, is_aside, now)) {
            tried(&s_runners[n], lifecycle_end_aside(n), now);
        }
    }
    if (!event_workers_refill() || !event_workers_free_stacks()) {
        s_look_us = now + ASIDE_LOOK_US;
    }
    if (event_workers_serving(WORKER_GENERAL) == 0 || lifecycle_runners_exhausted()) {
        last_resort_ask(newest_culprit(), SYSTEM_SERVICE_ID_NONE, ESP_ERR_SYSTEM_NO_TASK_LEFT);
    }
}

/* ---- the restart ---------------------------------------------------------------------------- */

/** What it was asked for is not so any more. */
static bool is_called_off(const resort_t *wanted)
{
    return wanted->reason == ESP_ERR_SYSTEM_NO_TASK_LEFT && !lifecycle_runners_exhausted() &&
           event_workers_serving(WORKER_GENERAL) != 0;
}

/** Say what is coming. @return false: it is not to come */
static bool announce(const resort_t *wanted)
{
    service_event_t event = {.id = wanted->id, .reason = wanted->reason};
    system_copy_name(event.name, wanted->culprit);
    if (boot_crashes_in_a_row() >= CONFIG_SYSTEM_LAST_RESORT_RESTARTS) {
        ESP_LOGE(TAG, "%s: %s: restarting has not helped, the system stays up", wanted->culprit,
                 system_error_to_string(wanted->reason));
        return false;
    }
    watchdog_count_last_resort();
    common_event_post(SYSTEM_EVENT_LAST_RESORT, &event, sizeof(event),
                      SYSTEM_EVENT_PRIORITY_CRITICAL);
    ESP_LOGE(TAG, "%s: %s: nothing less helps than a restart into safe mode", wanted->culprit,
             system_error_to_string(wanted->reason));
    return true;
}

/** A runner may be lost to what led here, and the others still be at work for who is first. */
static bool somebody_goes_down(void)
{
    for (unsigned slot = 0; slot < SYSTEM_SLOTS; slot++) {
        if (supervised_present(slot) && supervised_goes_down(slot)) {
            return true;
        }
    }
    return false;
}

bool last_resort_step(void)
{
    const int64_t now = esp_timer_get_time();
    if (atomic_exchange(&s_aside_new, false) || now >= s_look_us) {
        look_at_aside(now);
    }
    const resort_t wanted = asked();
    if (wanted.reason == ESP_OK) {
        return false;
    }
    if (s_due_us == 0) {
        s_due_us = NEVER_US;
        if (announce(&wanted)) {
            s_due_us = now + NOTICE_US;
            s_latest_us = s_due_us + LATEST_US;
            (void)system_safe_mode_enter("restarting"); /* all that is not critical lets go */
        }
        return true;
    }
    if (is_called_off(&wanted)) {
        ESP_LOGW(TAG, "what hung came back: no restart");
        forget();
        return true;
    }
    if (now < s_due_us) {
        return false;
    }
    if (now < s_latest_us && somebody_goes_down()) {
        s_due_us = now + DOWN_LOOK_US;
        return false;
    }
    boot_restart_for(wanted.culprit, wanted.reason);
}

/* ---- without a supervisor ------------------------------------------------------------------- */

void last_resort_unsupervised(void)
{
    if (watchdog_on()) {
        atomic_store(&s_unsupervised, 1);
        lifecycle_runners_alarm();
    }
}

void last_resort_if_unsupervised(void)
{
    static const resort_t gone = {.culprit = "supervisor",
                                  .id = SYSTEM_SERVICE_ID_NONE,
                                  .reason = ESP_ERR_SYSTEM_NO_TASK_LEFT};
    if (atomic_load(&s_unsupervised) == 0 || atomic_exchange(&s_unsupervised, 0) == 0) {
        return; /* or another runner was faster */
    }
    if (announce(&gone)) { /* who could stop anybody is gone: only subscribers are given time */
        vTaskDelay(pdMS_TO_TICKS(CONFIG_SYSTEM_STOP_GRACE_MS));
        boot_restart_for(gone.culprit, gone.reason);
    }
}

int64_t last_resort_deadline(void)
{
    const int64_t due = s_due_us != 0 ? s_due_us : NEVER_US;
    return s_look_us < due ? s_look_us : due;
}
