/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief The inside of supervision, grouped by the file that defines it.
 *
 * One task, the supervisor, owns all of it and decides everything. It never waits for anybody's
 * code: it looks at what happened, takes each slot as many steps as it can go, and sleeps until the
 * nearest deadline or until it is poked. Other tasks leave requests. Lifecycle functions run in the
 * tasks of lifecycle_runner.c.
 *
 * A slot goes up through NEEDS, INIT, START and down through DEPENDANTS, DRAIN, STOP, DEINIT,
 * RECLAIM; a restart is down, BACKOFF, up. Everything it does on the way is bounded by deadline_us.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "esp_err.h"

#include "restart_policy.h"
#include "service_dependencies_internal.h"
#include "service_record.h"
#include "system_service/service_supervisor.h"

typedef enum {
    PHASE_IDLE = 0,
    PHASE_NEEDS,      /* up: waits until what it needs runs */
    PHASE_INIT,       /* up: init() */
    PHASE_START,      /* up: start() */
    PHASE_DEPENDANTS, /* down: works on until what needs it has stopped */
    PHASE_DRAIN,      /* down: waits for a handler to return, or gives up its worker */
    PHASE_STOP,       /* down: stop() */
    PHASE_DEINIT,     /* down: deinit() */
    PHASE_RECLAIM,    /* down: what it owned is taken back */
    PHASE_BACKOFF,    /* between down and up */
} supervisor_phase_t;

/** Where the way down leads. */
typedef enum {
    AFTER_STOPPED = 0, /* stays down, in order */
    AFTER_ERROR,       /* stays down, failed */
    AFTER_RESTART,     /* and up again */
} supervisor_after_t;

/** Why a mailbox hands nothing out: it opens again when no reason is left. */
enum {
    HOLD_LIFECYCLE =
        1,          /* goes up or down: its handlers do not run beside its lifecycle functions */
    HOLD_NEEDS = 2, /* what it needs is being restarted */
    HOLD_QUOTA = 4, /* over its CPU share */
    HOLD_SAFE_MODE = 8, /* runs itself, so it cannot be stopped and started */
    HOLD_APP = 16,      /* the app manager paused it */
};

/** What the supervisor keeps of a slot. Its task's own, but for the atomics. */
typedef struct {
    _Atomic uint8_t phase;          /* supervisor_phase_t; others look whether it is IDLE */
    _Atomic uint8_t holds;          /* HOLD_* */
    _Atomic uint8_t asked;          /* ASK_* */
    _Atomic uint8_t group;          /* supervisor it was assigned to */
    _Atomic esp_err_t asked_reason; /* of ASK_FAULT */
    uint8_t after;                  /* supervisor_after_t */
    int8_t runner;                  /* at work for it, or LIFECYCLE_RUNNER_NONE */
    system_service_id_t id;         /* whose state this is */
    bool open;                      /* its mailbox is open, it may own things */
    bool initialised;               /* init() succeeded: deinit() is due */
    bool started;                   /* start() succeeded: stop() is due */
    bool in_order;                  /* on the way down, wait for those that need it */
    bool restarting;                /* up again after a fault or by request */
    bool safe_mode_stopped;         /* starts again when safe mode is left */
    bool waits_for_needs;           /* was stopped because of what it needs: starts again with it */
    bool watched;                   /* the watchdog began to watch this life */
    bool set_aside;                 /* code of it hangs in a task that could not be ended */
    uint32_t backoff_ms;            /* before it goes up again */
    esp_err_t error;                /* of the way up or down it is on, or was on last */
    esp_err_t fault;                /* why it goes down */
    int64_t deadline_us;            /* of the phase */
    int64_t down_by_us;             /* the whole way down is to end by then */
    int64_t fault_us;               /* when the fault was noticed that it recovers from; 0 = none */
    int64_t watch_us;               /* when to look for signs of life */
    restart_history_t history;
} supervised_t;

enum {
    ASK_FAULT = 1,
    ASK_RESTART = 2,
};

#define NEVER_US INT64_MAX

/* ---- supervisor_machine.c, _up.c, _down.c: one slot, step by step
 * ---------------------------------------------
 */

supervised_t *supervised(unsigned slot);
void supervised_init(void);
/** A new owner moves in: forget what other tasks left for the last one. Registry lock held. */
void supervisor_attach(unsigned slot);
/** Somebody owns the slot. Forgets the last owner when there is a new one, so it is asked before
 *  anything is done with a slot. */
bool supervised_present(unsigned slot);
/** Take a slot as far as it goes now. @return true when something changed */
bool supervised_step(unsigned slot);
/** When supervised_step() has to be called again at the latest. */
int64_t supervised_deadline(unsigned slot);
/** Begin the way up. The slot is idle and down. */
void supervised_begin_up(unsigned slot);
/** Begin the way down, from any phase but those of the way down. fault is ESP_OK for an order. */
void supervised_begin_down(unsigned slot, supervisor_after_t after, bool in_order, esp_err_t fault);
/** On the way down or there. */
bool supervised_is_down(unsigned slot);
bool supervised_goes_down(unsigned slot);
bool supervised_is_idle(unsigned slot);
/** Its mailbox is open. @context any task */
bool supervised_is_open(unsigned slot);
/** Runs, paused or not, and nothing is being done with it. */
bool supervised_is_up(unsigned slot);
/** Give a reason to hold a mailbox, or take it away. @context any task */
void supervisor_hold(unsigned slot, uint8_t reason, bool on);
/** Take the worker away from a handler of the slot that hangs. @return false: it returned */
bool supervisor_take_worker(unsigned slot);

/* ---- supervisor_faults.c: what follows from a fault --------------------------------------------
 */

/** A fault was noticed. */
void supervisor_fault(unsigned slot, esp_err_t reason);
/** A restart did not end in RUNNING: once more, or give up. */
void supervisor_restart_failed(unsigned slot, esp_err_t reason);
/** It runs (again): those that waited for it go on. */
void supervisor_came_up(unsigned slot);
/** It went down to stay: those that need it stop. */
void supervisor_stayed_down(unsigned slot);
/** Stop one that does not keep its quota; no restart would change that. */
void supervisor_stop_offender(unsigned slot, esp_err_t reason);
/** Pause those that run and need the slot, and say so. */
void supervisor_pause_dependants(unsigned slot);
/** Start what was stopped for want of something that runs again. @return true when any began */
bool supervisor_start_waiting(void);
/** All that the slot needs runs. */
bool supervisor_needs_met(unsigned slot);

/** What the app manager does when an app is at fault; must not block. NULL = the app is treated
 * like a service that cannot be restarted. @context init only */
void supervisor_set_app_fault_hook(void (*hook)(unsigned slot, esp_err_t reason));

/* ---- supervisor_group.c: strategies ------------------------------------------------------------
 */

void supervisor_groups_init(void);
/** The group of a slot. */
system_supervisor_t supervisor_group_of(unsigned slot);
/** Who restarts along with the slot, by the strategy of its group. */
slot_set_t supervisor_group_companions(unsigned slot);
/**
 * Count a restart against the limits of a group, and of its parents where it is used up.
 * @param[in,out] group in: where the fault is; out: the group that is to be restarted as a whole
 *                (unchanged = only what its strategy says)
 * @return false: everything up to the root is used up
 */
bool supervisor_group_count(system_supervisor_t *group, uint32_t now_ms);
/** The members of a group and of those below it. */
slot_set_t supervisor_group_members(system_supervisor_t group);

/* ---- supervisor_last_resort.c: when nothing less helps than a restart ---------------------------
 */

void last_resort_init(void);
/** Restart the chip into safe mode, announced. The first cause counts. @context any task, no locks
 */
void last_resort_ask(const char *culprit, system_service_id_t id, esp_err_t reason);
/** A task was set aside: look after it from now on. */
void last_resort_aside(void);
/** One that was set aside will not go on: it faulted, or was deleted. @context any task */
void last_resort_aside_gone(void);
/** @return true when something changed. Does not return when it is time. */
bool last_resort_step(void);
int64_t last_resort_deadline(void);
/** The task of the supervisor was deleted. @context its deletion callback */
void last_resort_unsupervised(void);
/** If so: say it, and restart the board. @context a lifecycle runner with nothing to do */
void last_resort_if_unsupervised(void);

/* ---- supervisor_watch.c: handlers, signs of life, quotas ---------------------------------------
 */

void supervisor_watch_init(void);
/** Look at everything that is watched. */
void supervisor_watch(void);
/** When to look again. Tells the workers to poke the supervisor when it may sleep for long. */
int64_t supervisor_watch_deadline(void);
/**
 * The time that decisions of this look are made by. A jump of the clock since it began is left out
 * until the next look, which moves every deadline by it: else one that was set before would be over
 * at once, and one that was set after be moved without need. @context the supervisor's task
 */
int64_t supervisor_now_us(void);
/**
 * The supervisor sleeps now: if it looks again much later than this, time was lost.
 * @return when it has to look again: at once if time was lost since this look began
 */
int64_t supervisor_watch_sleeps_until(int64_t us);

/* ---- safe_mode.c -------------------------------------------------------------------------------
 */

void safe_mode_init(void);
/** Stop what must not run, start what may again. @return true when something changed */
bool safe_mode_step(void);
/** The slot may run in safe mode: critical, or needed by something critical. */
bool safe_mode_keeps(unsigned slot);

/* ---- service_supervisor.c ----------------------------------------------------------------------
 */

/** Look at the requests that wait. @return true when something changed */
bool supervisor_requests_step(void);

/* ---- service_state.c ---------------------------------------------------------------------------
 */

/** Set the state and post nothing. */
void service_store_state(unsigned slot, system_service_state_t state);
/** Set the state, and post the common event that belongs to it, with what it is to say. Called
 *  without locks. */
void service_set_state_with(unsigned slot, system_service_state_t state, esp_err_t reason,
                            uint32_t attempt, uint32_t recovery_ms);
