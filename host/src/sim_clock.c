// SPDX-License-Identifier: Apache-2.0

// Simulator: virtual time. It stands still while tasks run and jumps when all of them wait or are
// busy.

#include "sim.h"

/* ---- sleepers, earliest first ---- */

void sim_sleep_add(tcb_t *t)
{
    tcb_t *before = g_sim.sleep_last;
    while (before != NULL && before->deadline > t->deadline) {
        before = before->sim.sleep_prev;
    }
    tcb_t *after = before != NULL ? before->sim.sleep_next : g_sim.sleep_first;
    t->sim.sleep_prev = before;
    t->sim.sleep_next = after;
    if (before != NULL) {
        before->sim.sleep_next = t;
    } else {
        g_sim.sleep_first = t;
    }
    if (after != NULL) {
        after->sim.sleep_prev = t;
    } else {
        g_sim.sleep_last = t;
    }
    t->sim.in_sleep = true;
}

void sim_sleep_remove(tcb_t *t)
{
    if (!t->sim.in_sleep) {
        return;
    }
    if (t->sim.sleep_prev != NULL) {
        t->sim.sleep_prev->sim.sleep_next = t->sim.sleep_next;
    } else {
        g_sim.sleep_first = t->sim.sleep_next;
    }
    if (t->sim.sleep_next != NULL) {
        t->sim.sleep_next->sim.sleep_prev = t->sim.sleep_prev;
    } else {
        g_sim.sleep_last = t->sim.sleep_prev;
    }
    t->sim.in_sleep = false;
}

void sim_wake_due(void)
{
    while (g_sim.sleep_first != NULL && g_sim.sleep_first->deadline <= g_sim.now) {
        tcb_t *t = g_sim.sleep_first;
        sim_sleep_remove(t);
        if (t->sim.late) {
            t->sim.late = false; /* woken long ago, only told now */
        } else {
            k_time_out(t);
        }
        sim_ready_add(t, false);
    }
    isr_fire_due(g_sim.now);
}

/* ---- busy tasks ---- */

/* busy_left counts from busy_from while the task is on a core; K_FOREVER: it hangs. */
void sim_settle_busy(tcb_t *t)
{
    if (t->sim.busy_left == 0 || t->sim.busy_left == K_FOREVER) {
        return;
    }
    uint64_t burnt = g_sim.now - t->sim.busy_from;
    t->sim.busy_left = t->sim.busy_left > burnt ? t->sim.busy_left - burnt : 0;
    t->sim.busy_from = g_sim.now;
}

/* ---- moving on ---- */

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t next_event(void)
{
    uint64_t at = isr_next_alarm();
    if (g_sim.sleep_first != NULL) {
        at = earlier(at, g_sim.sleep_first->deadline);
    }
    for (uint32_t c = 0; c < g_sim.cores; c++) {
        const tcb_t *run = g_sim.core[c].run;
        if (run == NULL || run->sim.busy_left == 0) {
            continue;
        }
        if (run->sim.busy_left != K_FOREVER) {
            at = earlier(at, run->sim.busy_from + run->sim.busy_left);
        }
        if (sim_has_equal(run)) {
            at = earlier(at, (g_sim.now / K_TICK_US + 1) * K_TICK_US); /* time slice */
        }
    }
    return at;
}

bool sim_advance(void)
{
    uint64_t at = next_event();
    if (at == K_FOREVER) {
        return false;
    }
    bool tick = at / K_TICK_US != g_sim.now / K_TICK_US;
    uint64_t leap = fault_clock_leap();
    if (at > g_sim.now) {
        for (uint32_t c = 0; c < g_sim.cores; c++) {
            if (g_sim.core[c].run == NULL) {
                g_sim.core[c].idle_last = at;
            }
        }
        g_sim.now = at;
    }
    for (uint32_t c = 0; c < g_sim.cores; c++) {
        tcb_t *run = g_sim.core[c].run;
        if (run == NULL || run->sim.busy_left == 0) {
            continue;
        }
        sim_settle_busy(run);
        if (tick) { /* also when its work ends right there: the tick does not care */
            sim_rotate(run);
        }
    }
    g_sim.now += leap; /* the clock is wrong by that much; nobody worked meanwhile */
    sim_wake_due();
    return true;
}
