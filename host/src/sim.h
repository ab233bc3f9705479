// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * State of the simulator, shared by sched_sim.c (the seam), sim_place.c (who is on which core) and
 * sim_clock.c (sleepers, virtual time).
 *
 * Invariant at every switch: a K_READY task is either on exactly one core or in the ready list of
 * its priority; a K_BLOCKED task with a deadline, and one whose wake-up was dropped, is in the
 * sleep list.
 */

#include "fiber.h"
#include "sched.h"

typedef struct {
    tcb_t *run;         /* on this core; NULL = idle */
    uint64_t idle_from; /* valid while idle */
    uint64_t idle_last; /* when it was last idle */
} sim_core_t;

typedef struct {
    sim_core_t core[K_MAX_CORES];
    uint32_t cores;
    tcb_t *ready_first[K_PRIOS], *ready_last[K_PRIOS];
    uint32_t ready_bits;
    tcb_t *sleep_first, *sleep_last;
    uint64_t now;
    uint32_t depth; /* kernel lock */
    bool unplaced;  /* something changed: place again */
    bool stopped;
    int code;
    uint64_t hash, points, switches;
    tcb_t *gone; /* ended, its stack still to be let go of */
} sim_t;

extern sim_t g_sim;

/* ---- sim_place.c ---- */
void sim_ready_add(tcb_t *t, bool front);
void sim_ready_remove(tcb_t *t);
void sim_place(void);
/* Take t off its core. */
void sim_unseat(tcb_t *t);
/* t gives way to its equals: behind them in the ready list, if there are any for its core. */
void sim_rotate(tcb_t *t);
bool sim_has_equal(const tcb_t *t);
/* May the task be executed now? */
bool sim_can_execute(const tcb_t *t);

/* ---- sim_clock.c ---- */
void sim_sleep_add(tcb_t *t);
void sim_sleep_remove(tcb_t *t);
/* Account what t burnt of its busy time up to now. */
void sim_settle_busy(tcb_t *t);
/* Move the clock to the next thing that happens. @return false: nothing ever will */
bool sim_advance(void);
void sim_wake_due(void);
