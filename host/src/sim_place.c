// SPDX-License-Identifier: Apache-2.0

// Simulator: on each core the highest-priority ready task that may run there.

#include "sim.h"

/* ---- ready lists ---- */

void sim_ready_add(tcb_t *t, bool front)
{
    UBaseType_t p = t->prio;
    tcb_t **first = &g_sim.ready_first[p];
    tcb_t **last = &g_sim.ready_last[p];
    t->sim.in_ready = true;
    t->sim.prev = front ? NULL : *last;
    t->sim.next = front ? *first : NULL;
    if (t->sim.prev != NULL) {
        t->sim.prev->sim.next = t;
    } else {
        *first = t;
    }
    if (t->sim.next != NULL) {
        t->sim.next->sim.prev = t;
    } else {
        *last = t;
    }
    g_sim.ready_bits |= 1u << p;
    g_sim.unplaced = true;
}

static void remove_from(tcb_t *t, UBaseType_t p)
{
    if (t->sim.prev != NULL) {
        t->sim.prev->sim.next = t->sim.next;
    } else {
        g_sim.ready_first[p] = t->sim.next;
    }
    if (t->sim.next != NULL) {
        t->sim.next->sim.prev = t->sim.prev;
    } else {
        g_sim.ready_last[p] = t->sim.prev;
    }
    if (g_sim.ready_first[p] == NULL) {
        g_sim.ready_bits &= ~(1u << p);
    }
    t->sim.next = NULL;
    t->sim.prev = NULL;
    t->sim.in_ready = false;
}

void sim_ready_remove(tcb_t *t)
{
    remove_from(t, t->prio);
}

/* ---- cores ---- */

static bool allowed(const tcb_t *t, int core)
{
    return t->affinity == tskNO_AFFINITY || t->affinity == core;
}

static bool gives_way(const tcb_t *run, const tcb_t *to)
{
    if (run->prio >= to->prio || run->crit_nest > 0 || run->irq_mask > 0 || run->is_isr) {
        return false;
    }
    return run->sched_lock == 0 || to->is_isr;
}

void sim_unseat(tcb_t *t)
{
    if (t->sim.core < 0) {
        return;
    }
    sim_settle_busy(t);
    t->run_us += g_sim.now - t->sim.ran_from;
    sim_core_t *c = &g_sim.core[t->sim.core];
    c->run = NULL;
    c->idle_from = g_sim.now;
    t->sim.last_core = t->sim.core;
    t->sim.core = -1;
    g_sim.unplaced = true;
}

static void seat(tcb_t *t, int core)
{
    sim_core_t *c = &g_sim.core[core];
    sim_ready_remove(t);
    t->sim.interrupted_prio = 0;
    if (c->run != NULL) {
        tcb_t *out = c->run;
        t->sim.interrupted_prio = out->prio;
        sim_unseat(out);
        sim_ready_add(out, true);
    } else if (c->idle_from != g_sim.now) {
        c->idle_last = g_sim.now;
    }
    c->run = t;
    t->sim.core = core;
    t->sim.ran_from = g_sim.now;
    t->sim.busy_from = g_sim.now;
}

/* An idle core before a busy one, the core it was on before another, the lowest priority otherwise.
 */
static int core_for(const tcb_t *t)
{
    int best = -1;
    for (int c = 0; c < (int)g_sim.cores; c++) {
        const tcb_t *run = g_sim.core[c].run;
        if (!allowed(t, c) || (run != NULL && !gives_way(run, t))) {
            continue;
        }
        if (run == NULL) {
            if (best < 0 || g_sim.core[best].run != NULL || c == t->sim.last_core) {
                best = c;
            }
        } else if (best < 0 ||
                   (g_sim.core[best].run != NULL && run->prio < g_sim.core[best].run->prio)) {
            best = c;
        }
    }
    return best;
}

/* Among equals the first in line, but now and then the seed's choice. */
static tcb_t *candidate(UBaseType_t p, int *core)
{
    tcb_t *fit[16];
    int on[16];
    unsigned n = 0;
    for (tcb_t *t = g_sim.ready_first[p]; t != NULL && n < 16; t = t->sim.next) {
        int c = core_for(t);
        if (c >= 0) {
            fit[n] = t;
            on[n++] = c;
        }
    }
    if (n == 0) {
        return NULL;
    }
    unsigned pick = n > 1 && rng_chance(RNG_SCHED, 250000) ? rng_below(RNG_SCHED, n) : 0;
    *core = on[pick];
    return fit[pick];
}

void sim_place(void)
{
    bool again = true;
    while (again) {
        again = false;
        for (uint32_t bits = g_sim.ready_bits; bits != 0 && !again;) {
            UBaseType_t p = 31u - (UBaseType_t)__builtin_clz(bits);
            bits &= ~(1u << p);
            int core = -1;
            tcb_t *t = candidate(p, &core);
            if (t != NULL) {
                seat(t, core);
                again = true;
            }
        }
    }
    g_sim.unplaced = false;
}

bool sim_has_equal(const tcb_t *t)
{
    if (t->sim.core < 0) {
        return false;
    }
    for (const tcb_t *o = g_sim.ready_first[t->prio]; o != NULL; o = o->sim.next) {
        if (allowed(o, t->sim.core)) {
            return true;
        }
    }
    return false;
}

void sim_rotate(tcb_t *t)
{
    if (!sim_has_equal(t) || !k_may_cut(t) || t->sched_lock > 0) {
        return;
    }
    sim_unseat(t);
    sim_ready_add(t, false);
}

bool sim_can_execute(const tcb_t *t)
{
    if (t == NULL || t->sim.busy_left > 0) {
        return false;
    }
    return t->sim.spin_on == NULL ||
           __atomic_load_n(t->sim.spin_on, __ATOMIC_RELAXED) == SPINLOCK_FREE;
}
