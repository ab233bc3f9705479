// SPDX-License-Identifier: Apache-2.0
#pragma once

// One fault as it is looked at, for torture_faults.c and torture_watch.c.

#include "torture_story.h"

typedef enum {
    ASK_START,
    ASK_STOP,
    ASK_BEAT,
    ASK_APP_STOP
} ask_t;

typedef struct {
    actor_t *victim;
    actor_app_t *app;
    torture_state_t column;
    uint32_t sequence; // of the flight recorder, before
    uint32_t faults[SERVICES_MAX];
    uint32_t restarts_failed;
    uint32_t restarts;
    uint32_t lives[SERVICES_MAX];
    uint32_t recorded; // by the flight recorder, when it was last looked at
    uint32_t crashes[APPS_MAX];
    bool asked_down; // the victim is to be stopped at the end
    bool deleted;    // the task of the handler that hangs
    bool noticed;
    uint64_t happened_us, noticed_us;
} watch_t;

/** Have the helper make a call that blocks. */
void helper_ask(ask_t what, actor_t *actor, actor_app_t *app);
bool helper_done(void);
/** What the last call returned; reading it takes it. */
esp_err_t helper_take_result(void);

void watch_begin(watch_t *watch, const planned_fault_t *fault);
/** The fault is noticed now, unless it was before. */
void watch_note(watch_t *watch);
service_watchdog_stats_t watch_stats(const actor_t *actor);
app_info_t watch_app(const actor_app_t *app);
bool watch_app_is_down(const actor_app_t *app);

/** Fails when it is not noticed in time. */
void watch_until_noticed(watch_t *watch, const planned_fault_t *fault);
/** Noticed in time, settled and booked, all made well again, and nobody else was hurt. */
void watch_to_the_end(watch_t *watch, const planned_fault_t *fault);

/* ---- torture_faults.c, for torture_foreign.c ---- */

void fault_sample(watch_t *watch);
void fault_wake_handler(watch_t *watch);
void fault_play_lifecycle(watch_t *watch, const planned_fault_t *fault, actor_code_t code,
                          actor_deed_t deed);
void fault_delete_worker(watch_t *watch);

/* ---- torture_foreign.c ---- */

/** Does not return when it ends in a restart. */
void fault_foreign_lock(watch_t *watch, const planned_fault_t *fault);
/** Who let go is ended, sooner or later. */
void fault_foreign_lock_over(const watch_t *watch);
