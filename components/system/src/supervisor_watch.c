/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the supervisor looks at: how long handlers run, signs of life, quotas.
 */
#include "supervisor_internal.h"
#include "supervisor_wake.h"

#include <string.h>

#include "esp_log.h"
#include "esp_timer.h"

#include "common_events_internal.h"
#include "event_internal.h"
#include "flight_recorder_internal.h"
#include "handler_monitor_internal.h"
#include "request_internal.h"
#include "resource_quota_internal.h"
#include "symbol_backend.h"
#include "watchdog_internal.h"

static const char *TAG = "supervisor";

#define MS INT64_C(1000)
/* How often running handlers are looked at: one that began since the last look is noticed this late
 * at most, so that one over its limit is noticed within 100 ms. */
#define LOOK_US (50 * MS)
/* A look that comes later than it was to by more than this: time was lost on the way. */
#define LATE_US (100 * MS)
/* Time for a handler to come to an end after time was lost. */
#define CHANCE_US (HANG_US < 5 * LOOK_US ? HANG_US : 5 * LOOK_US)
/* Refusals are reported once per window of at least 100 ms; looking more often is for nothing. */
#define QUOTA_LOOK_US (100 * MS)
/* It goes on looking for so long after the last post. An event that ends its rest pays for waking
 * it, before its own handler runs; those that come one after the other do not. */
#define REST_AFTER_US (100 * MS)
#define HANG_US       (CONFIG_SYSTEM_HANDLER_HANG_MS * MS)
_Static_assert(CONFIG_SYSTEM_HANDLER_HANG_MS >= CONFIG_SYSTEM_HANDLER_WARN_MS,
               "a handler is slow before it hangs");
_Static_assert(CONFIG_SYSTEM_SUPERVISOR_PRIORITY > CONFIG_SYSTEM_EXPRESS_PRIORITY,
               "a handler that spins must not keep the supervisor from running");

#define WORKERS_MAX 32 /* the workers' own limit */

_Atomic uint8_t supervisor_rests;

static EXT_RAM_BSS_ATTR uint32_t
    s_hang_reported[WORKERS_MAX]; /* started_us of the run that was a fault */
static EXT_RAM_BSS_ATTR uint32_t
    s_seen[WORKERS_MAX]; /* started_us of the run that was seen last ... */
static EXT_RAM_BSS_ATTR int64_t s_seen_us[WORKERS_MAX]; /* ... and when it was seen first */
static uint64_t s_stop_told;   /* slots whose quota streak was acted upon */
static int64_t s_quota_due_us; /* next call of quota_poll_violations() */
static int64_t s_quota_last_us;
static int64_t s_next_us;
static int64_t s_promised_us; /* when it was to look again */
static int64_t s_patient_until_us;
static int64_t s_began_us;  /* when it began to look */
static int64_t s_looked_us; /* when it had looked last */
static uint32_t s_posts;    /* of the bus, when it looked last */
static int64_t s_active_us; /* when these had changed */
static int64_t s_lost_us;   /* time since then, if the look came much later than promised */

/** A refused charge becomes one event per window. */
static void on_violation(unsigned slot, quota_kind_t kind, uint32_t count)
{
    quota_violation_event_t event = {
        .id = service_slot_id(slot), .kind = (uint8_t)kind, .count = count};
    strncpy(event.name, service_slot_name(slot), SYSTEM_NAME_MAX);
    common_event_post(SYSTEM_EVENT_QUOTA_VIOLATION, &event, sizeof(event),
                      SYSTEM_EVENT_PRIORITY_HIGH);
}

void supervisor_watch_init(void)
{
    memset(s_hang_reported, 0, sizeof(s_hang_reported));
    memset(s_seen, 0, sizeof(s_seen));
    s_stop_told = 0;
    s_quota_due_us = s_quota_last_us = 0;
    s_promised_us = NEVER_US;
    s_posts = 0;
    s_active_us = -REST_AFTER_US;
    atomic_store(&supervisor_rests, 0);
    quota_set_violation_hook(on_violation);
}

static void look_again_at(int64_t us)
{
    s_next_us = us < s_next_us ? us : s_next_us;
}

/**
 * A run that is too long has been seen for a while, and no time was lost a moment ago: else it may
 * have had no chance to come to an end.
 */
static bool had_its_chance(const worker_run_t *run, int64_t now)
{
    if (s_seen[run->worker] != run->started_us) {
        s_seen[run->worker] = run->started_us;
        s_seen_us[run->worker] = now;
    }
    if (s_lost_us != 0 || now - s_began_us > LATE_US) {
        s_patient_until_us = now + CHANCE_US;
    }
    return now >= s_patient_until_us && now - s_seen_us[run->worker] >= CHANCE_US;
}

/* ---- handlers ------------------------------------------------------------------------------- */

static void warn(const worker_run_t *run)
{
    handler_slow_event_t event = {
        .id = service_slot_id(run->slot),
        .type = run->type,
        .handler = (uintptr_t)run->handler,
        .running_ms = run->running_us / 1000u,
    };
    strncpy(event.name, service_slot_name(run->slot), SYSTEM_NAME_MAX);
    event_worker_set_warned(run->worker);
    handler_monitor_note_slow(run->sub);
    char handler[SYMBOL_TEXT_MAX];
    symbol_backend_describe(event.handler, handler);
    ESP_LOGW(TAG, "%s: handler %s has worked on '%s' for %u ms", event.name, handler,
             event_type_name(run->type), (unsigned)event.running_ms);
    common_event_post(SYSTEM_EVENT_HANDLER_SLOW, &event, sizeof(event), SYSTEM_EVENT_PRIORITY_HIGH);
}

/** It will not return by itself. */
static void report_hang(const worker_run_t *run)
{
    s_hang_reported[run->worker] = run->started_us;
    flight_record_slot(FLIGHT_HANG, run->slot, run->type, (uint32_t)(uintptr_t)run->handler,
                       run->running_us / 1000u);
    supervisor_fault(run->slot, ESP_ERR_SERVICE_HANG);
}

static void watch_handler(unsigned worker)
{
    worker_run_t run;
    if (!event_worker_running(worker, &run) || run.slot >= SYSTEM_SLOTS) {
        return;
    }
    run.handler = request_handler_behind(run.sub, run.handler);
    const int64_t now = esp_timer_get_time();
    const bool had_chance = had_its_chance(&run, now);
    if (run.running_us < run.time_limit_us) {
        look_again_at(now + (run.time_limit_us - run.running_us));
    } else if (!run.warned) {
        warn(&run);
    }
    if (run.running_us < HANG_US) {
        look_again_at(now + (HANG_US - run.running_us));
    } else if (!had_chance) {
        look_again_at(now + LOOK_US);
    } else if (s_hang_reported[worker] != run.started_us) {
        report_hang(&run);
    }
}

/** Somebody deleted the task of a worker. What a handler had can be taken back, as when it hangs;
 * what the bus itself was doing cannot be finished by anybody. */
static void watch_task(unsigned worker)
{
    worker_run_t run;
    unsigned slot;
    const worker_killed_t killed = event_worker_killed(worker, &slot);
    if (killed == WORKER_KILLED_IN_CORE) {
        last_resort_ask(slot < SYSTEM_SLOTS ? service_slot_name(slot) : "event_worker",
                        slot < SYSTEM_SLOTS ? service_slot_id(slot) : SYSTEM_SERVICE_ID_NONE,
                        ESP_ERR_SYSTEM_LOCK_LOST);
    } else if (killed == WORKER_KILLED_IN_HANDLER && event_worker_running(worker, &run) &&
               s_hang_reported[worker] != run.started_us) {
        run.handler = request_handler_behind(run.sub, run.handler);
        ESP_LOGE(TAG, "%s: the task of worker %u was deleted in a handler of it",
                 service_slot_name(run.slot), worker);
        report_hang(&run);
    }
}

/* ---- signs of life -------------------------------------------------------------------------- */

static bool is_to_be_watched(unsigned slot)
{
    if (!supervised_is_up(slot) || !watchdog_watches(slot) ||
        atomic_load(&supervised(slot)->holds) != 0) {
        return false;
    }
    const system_service_state_t state = service_state(slot);
    return state == SYSTEM_SERVICE_STATE_RUNNING ||
           (state == SYSTEM_SERVICE_STATE_REGISTERED && !service_record(slot)->is_app &&
            !service_restartable(slot));
}

/** Events wait that the shared workers do not come to: not its own fault, and no restart helps.
 * Those who hold the workers are found by the time that their handlers take. */
static bool is_starved(unsigned slot)
{
    mailbox_t *mailbox = event_mailbox(slot);
    portENTER_CRITICAL(&mailbox->lock);
    const bool starved = mailbox->own == NULL && mailbox->running == NULL &&
                         priority_queue_count(&mailbox->queue) != 0;
    portEXIT_CRITICAL(&mailbox->lock);
    return starved;
}

static void watch_life(unsigned slot)
{
    supervised_t *s = supervised(slot);
    const system_service_id_t id = service_slot_id(slot);
    uint32_t next_ms = 0;
    if (!is_to_be_watched(slot)) {
        s->watched = false;
        return;
    }
    if (!s->watched) {
        s->watched = true;
        watchdog_begin(slot);
    }
    if (s_lost_us != 0) {
        watchdog_leave_out(slot, (uint32_t)(s_lost_us / MS));
    }
    if (watchdog_check(slot, &next_ms) == WATCHDOG_SILENT) {
        if (service_slot_id(slot) != id) { /* the slot changed hands under the look */
            look_again_at(s_began_us);
            return;
        }
        if (esp_timer_get_time() - s_began_us > LATE_US) {
            return; /* it was just now: next time */
        }
        s->watched = false;
        if (is_starved(slot)) {
            ESP_LOGW(TAG, "%s gets no worker: the handlers of others hold them all",
                     service_slot_name(slot));
            look_again_at(esp_timer_get_time() + LOOK_US);
            return;
        }
        watchdog_count_timeout(slot);
        supervisor_fault(slot, ESP_ERR_WATCHDOG_TIMEOUT);
        return;
    }
    look_again_at(esp_timer_get_time() + next_ms * MS);
}

/* ---- quotas --------------------------------------------------------------------------------- */

static void watch_quota(unsigned slot)
{
    const int64_t now = esp_timer_get_time();
    const uint32_t wait_us = quota_throttled_for(slot, (uint32_t)now);
    const bool held = (atomic_load(&supervised(slot)->holds) & HOLD_QUOTA) != 0;
    if (wait_us != 0 && supervised_is_up(slot)) {
        if (!held) {
            ESP_LOGW(TAG, "%s is over its CPU share: held back", service_slot_name(slot));
            supervisor_hold(slot, HOLD_QUOTA, true);
        }
        look_again_at(now + wait_us);
    } else if (held) {
        supervised(slot)->watched = false; /* silence while held back is no fault */
        supervisor_hold(slot, HOLD_QUOTA, false);
    }
    const uint64_t bit = UINT64_C(1) << slot;
    if (!quota_should_stop(slot)) {
        s_stop_told &= ~bit;
    } else if ((s_stop_told & bit) == 0 && supervised_is_up(slot)) {
        s_stop_told |= bit;
        supervisor_stop_offender(slot, ESP_ERR_QUOTA_THROTTLED);
    }
}

static void poll_quotas(void)
{
    const int64_t now = esp_timer_get_time();
    if (now >= s_quota_due_us || now - s_quota_last_us >= QUOTA_LOOK_US) {
        s_quota_last_us = now;
        s_quota_due_us = now + quota_poll_violations() * MS;
    }
    look_again_at(s_quota_due_us);
}

/* ---- lost time ------------------------------------------------------------------------------ */

/** Lifecycle functions that run have lost it, too. */
static void leave_out_of_deadlines(void)
{
    for (unsigned slot = 0; slot < SYSTEM_SLOTS; slot++) {
        supervised_t *s = supervised(slot);
        if (!supervised_is_idle(slot) && s->deadline_us != NEVER_US) {
            s->deadline_us += s_lost_us;
            s->down_by_us += s_lost_us;
        }
    }
}

int64_t supervisor_now_us(void)
{
    const int64_t now = esp_timer_get_time();
    return now - s_began_us > LATE_US ? s_began_us : now;
}

int64_t supervisor_watch_sleeps_until(int64_t us)
{
    s_promised_us = esp_timer_get_time() - s_began_us > LATE_US ? s_began_us : us;
    s_looked_us = s_began_us;
    return s_promised_us;
}

/* ---- all of it ------------------------------------------------------------------------------ */

void supervisor_watch(void)
{
    s_began_us = esp_timer_get_time();
    /* Nobody knows which part of the time since the last look was lost. */
    s_lost_us = s_promised_us != NEVER_US && s_began_us - s_promised_us > LATE_US
                    ? s_began_us - s_looked_us
                    : 0;
    if (s_lost_us != 0) {
        leave_out_of_deadlines();
    }
    s_next_us = NEVER_US;
    for (unsigned worker = 0; worker < event_workers_count(); worker++) {
        watch_task(worker);
        watch_handler(worker);
    }
    poll_quotas();
    for (unsigned slot = 0; slot < SYSTEM_SLOTS; slot++) {
        if (supervised_present(slot)) {
            watch_quota(slot);
            watch_life(slot);
        }
    }
}

static bool any_mailbox_claimed(void)
{
    bool claimed = false;
    for (unsigned slot = 0; slot < SYSTEM_SLOTS && !claimed; slot++) {
        mailbox_t *mailbox = event_mailbox(slot);
        portENTER_CRITICAL(&mailbox->lock);
        claimed = mailbox->running != NULL;
        portEXIT_CRITICAL(&mailbox->lock);
    }
    return claimed;
}

void supervisor_end_rest(void)
{
    if (atomic_exchange(&supervisor_rests, 0)) {
        supervisor_poke();
    }
}

int64_t supervisor_watch_deadline(void)
{
    const uint32_t posts = event_bus_posts();
    if (posts != s_posts) {
        s_posts = posts;
        s_active_us = s_began_us;
    }
    if (s_began_us - s_active_us < REST_AFTER_US) {
        look_again_at(esp_timer_get_time() + LOOK_US);
        return s_next_us;
    }
    atomic_store(&supervisor_rests, 1);
    if (any_mailbox_claimed()) {
        atomic_store(&supervisor_rests, 0);
        look_again_at(esp_timer_get_time() + LOOK_US);
    }
    return s_next_us;
}
