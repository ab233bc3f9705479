// SPDX-License-Identifier: Apache-2.0

// The scheduler "sim": one fiber a task, one of them executing, virtual time, every choice from the
// seed.
//
// Each core has the task that a FreeRTOS scheduler would run there. At every scheduling point the
// seed decides whether the executing core goes on or the other one gets a turn, so that the two
// interleave; priorities are never violated. A task that passes many points while the clock stands
// still is charged some virtual time, or a loop that waits for the clock would never end.

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include "host_internal.h"
#include "sim.h"
#include "trap.h"

#define FNV_BASIS    0xcbf29ce484222325u
#define FNV_PRIME    0x100000001b3u
#define SLICE_PPM    20000 /* a time slice ends at a call, when an equal is ready */
#define CHARGE_EVERY 100   /* points between charges once over the bound */
#define CHARGE_FIRST 10    /* us */
#define CHARGE_MOST  1000  /* us; reached by doubling */
#define CHARGE_STEP  64    /* charges before it doubles */

sim_t g_sim;

/* ---- trace ---- */

static inline void trace(const tcb_t *t, k_point_t kind, uint32_t ordinal)
{
    uint64_t h = g_sim.hash;
    h = (h ^ g_sim.now) * FNV_PRIME;
    h = (h ^ (((uint64_t)t->number << 8) | (uint64_t)kind)) * FNV_PRIME;
    h = (h ^ ordinal) * FNV_PRIME;
    g_sim.hash = h ^ (h >> 29);
}

/* ---- ending the run ---- */

static _Noreturn void back_to_root(bool last)
{
    fiber_t *from = k_self->sim.fiber;
    k_self = NULL;
    fiber_switch(from, fiber_root(), last);
    __builtin_unreachable();
}

static void sim_stop(int code)
{
    if (!g_sim.stopped) {
        g_sim.stopped = true;
        g_sim.code = code;
    }
    if (k_self != NULL) {
        back_to_root(true);
    }
}

static _Noreturn void give_up(int code, const char *why)
{
    k_report(why);
    sim_stop(code);
    __builtin_unreachable();
}

/* ---- switching ---- */

static void bury(void)
{
    tcb_t *t = g_sim.gone;
    if (t != NULL) {
        g_sim.gone = NULL;
        fiber_destroy(t->sim.fiber);
        host_stack_put(&t->stack);
        k_tcb_free(t);
    }
}

static void switch_to(tcb_t *to)
{
    tcb_t *from = k_self;
    if (to == from) {
        return;
    }
    g_sim.switches++;
    uint32_t depth = g_sim.depth;
    g_sim.depth = 0;
    from->sim.saved_errno = errno;
    k_self = to;
    fiber_switch(from->sim.fiber, to->sim.fiber, from == g_sim.gone);
    /* from again; k_self was set by whoever came back */
    bury();
    g_sim.depth = depth;
    errno = from->sim.saved_errno;
}

static bool all_waiting_for_ever(void)
{
    for (const tcb_t *t = k_all_tasks; t != NULL; t = t->all_next) {
        if (!t->is_daemon && t->state != K_DELETED) {
            return true;
        }
    }
    return false;
}

/* The executing core goes on if it can and stay is set; else one of those that can, by the seed. */
static tcb_t *pick(bool stay)
{
    for (;;) {
        if (g_sim.unplaced) {
            sim_place();
        }
        tcb_t *self = k_self;
        if (stay && self->sim.core >= 0 && sim_can_execute(self)) {
            return self;
        }
        tcb_t *can[K_MAX_CORES];
        uint32_t n = 0;
        for (uint32_t c = 0; c < g_sim.cores; c++) {
            tcb_t *run = g_sim.core[c].run;
            if (run != self && sim_can_execute(run)) {
                can[n++] = run;
            }
        }
        if (n > 0) {
            return can[n > 1 ? rng_below(RNG_SCHED, n) : 0];
        }
        if (self->sim.core >= 0 && sim_can_execute(self)) {
            return self;
        }
        if (!sim_advance()) {
            if (all_waiting_for_ever()) {
                give_up(HOST_EXIT_DEADLOCK, "deadlock: nothing can ever happen again");
            }
            sim_stop(0);
        }
        if (host_config()->max_time_us != 0 && g_sim.now > host_config()->max_time_us) {
            give_up(HOST_EXIT_TIME, "the run took more virtual time than allowed");
        }
    }
}

static void resched(bool stay)
{
    tcb_t *self = k_self;
    switch_to(pick(stay));
    self->sim.spin_on = NULL;
}

/* ---- burning time ---- */

static void burn(tcb_t *self, uint64_t us)
{
    self->sim.busy_left = us;
    self->sim.busy_from = g_sim.now;
    resched(true);
}

static void charge(tcb_t *self)
{
    self->sim.spin -= CHARGE_EVERY;
    if (self->sim.charge == 0) {
        self->sim.charge = CHARGE_FIRST;
    }
    if (++self->sim.charges >= CHARGE_STEP) {
        self->sim.charges = 0;
        self->sim.charge = self->sim.charge * 2 < CHARGE_MOST ? self->sim.charge * 2 : CHARGE_MOST;
    }
    burn(self, self->sim.charge);
}

static void forgive(tcb_t *self)
{
    self->sim.spin = 0;
    self->sim.charge = 0;
    self->sim.charges = 0;
}

/* ---- points ---- */

static uint32_t switch_ppm(k_point_t kind)
{
    const host_config_t *c = host_config();
    switch (kind) {
    case K_POINT_ATOMIC:
        return c->switch_atomic_ppm;
    case K_POINT_PLAIN:
        return 500000; /* already thinned out by the countdown */
    default:
        return c->switch_call_ppm;
    }
}

static void script_fault(tcb_t *self)
{
    switch (fault_at_point(self)) {
    case FAULT_KILL:
        self->kill = true;
        break;
    case FAULT_HANG:
        self->sim.busy_left = K_FOREVER;
        self->sim.busy_from = g_sim.now;
        resched(true);
        break;
    default:
        break;
    }
}

static void sim_lock(void)
{
    g_sim.depth++;
}

static void attend(tcb_t *self)
{
    if ((self->kill || self->suspend_req) && k_may_cut(self)) {
        g_sim.depth++;
        k_attend();
        g_sim.depth--;
    }
}

static void sim_point(k_point_t kind, uint32_t ordinal)
{
    tcb_t *self = k_self;
    /* Who waits for a lock of the PC that is held (a walk holds the heap's) stops all tasks. */
    if (g_sim.depth > 0 || k_locks_held > 0) {
        return;
    }
    trace(self, kind, ordinal);
    if (++g_sim.points > host_config()->max_points) {
        give_up(HOST_EXIT_RUNAWAY, "more scheduling points than allowed");
    }
    if (++self->sim.spin > host_config()->spin_bound) {
        charge(self);
    }
    if (g_fault_scripts != 0) {
        script_fault(self);
    }
    attend(self);
    if (k_may_cut(self)) {
        if (fault_preempt()) {
            sim_rotate(self);
            burn(self, 1 + rng_below(RNG_FAULT, 200)); /* as if interrupts took the core */
        } else if (rng_chance(RNG_SCHED, SLICE_PPM)) {
            sim_rotate(self);
        }
    }
    if (k_self->crit_nest == 0 && g_sim.ready_bits != 0) {
        g_sim.unplaced = true; /* an interrupt mask may just have been lifted */
    }
    resched(!rng_chance(RNG_SCHED, switch_ppm(kind)));
    attend(self);
}

static void sim_unlock(void)
{
    if (--g_sim.depth == 0 && g_sim.unplaced && k_self != NULL) {
        trace(k_self, K_POINT_UNLOCK, 0);
        resched(true);
        attend(k_self);
    }
}

static void sim_yield(void)
{
    tcb_t *self = k_self;
    trace(self, K_POINT_YIELD, 0);
    if (++self->sim.spin > host_config()->spin_bound) {
        charge(self);
    }
    attend(self);
    sim_rotate(self);
    resched(false);
    attend(self);
}

static void sim_busy(uint64_t us)
{
    tcb_t *self = k_self;
    if (g_sim.depth > 0) {
        host_panic("host_busy() under the kernel lock");
    }
    forgive(self);
    trace(self, K_POINT_SPIN, (uint32_t)us);
    burn(self, us);
    attend(self);
}

static void sim_spin(const volatile uint32_t *owner, uint32_t round)
{
    (void)round;
    trace(k_self, K_POINT_SPIN, 0);
    k_self->sim.spin_on = owner;
    resched(false);
}

/* ---- tasks ---- */

static void fiber_main(void *arg)
{
    tcb_t *t = arg;
    bury();
    attend(t);
    k_trampoline(t);
}

static bool sim_start(tcb_t *t)
{
    t->sim.fiber = fiber_create(t->stack.base, t->stack.size, fiber_main, t);
    if (t->sim.fiber == NULL) {
        return false;
    }
    sim_ready_add(t, false);
    return true;
}

static void sim_park(void)
{
    tcb_t *self = k_self;
    trace(self, K_POINT_PARK, self->wait_ordinal);
    forgive(self);
    sim_unseat(self);
    if (self->state == K_BLOCKED && self->deadline != K_FOREVER) {
        sim_sleep_add(self);
    }
    do {
        resched(false);
    } while (self->state != K_READY);
    k_attend();
}

static void sim_wake(tcb_t *t)
{
    if (k_self != NULL) {
        k_self->sim.charge = 0; /* it gets something done */
    }
    if (t->sim.in_sleep) {
        if (t->reason == K_WOKEN && fault_drop_wake(t)) {
            t->sim.late = true;
            return;
        }
        sim_sleep_remove(t);
    }
    sim_ready_add(t, false);
}

static bool sim_withdraw(tcb_t *t)
{
    if (t->sim.core >= 0) {
        if (!k_may_cut(t) || t->sched_lock > 0) {
            return false;
        }
        sim_unseat(t);
    }
    if (t->sim.in_ready) {
        sim_ready_remove(t);
    }
    sim_sleep_remove(t);
    t->sim.late = false;
    return true;
}

static void sim_reprio(tcb_t *t, UBaseType_t old)
{
    if (t->sim.in_ready) {
        UBaseType_t prio = t->prio;
        t->prio = old;
        sim_ready_remove(t);
        t->prio = prio;
        sim_ready_add(t, false);
    }
    g_sim.unplaced = true;
}

static void sim_discard(tcb_t *t)
{
    fiber_destroy(t->sim.fiber);
    host_stack_put(&t->stack);
    k_tcb_free(t);
}

static _Noreturn void sim_leave(void)
{
    tcb_t *self = k_self;
    g_sim.depth = 0;
    if (k_live_tasks == 0) {
        sim_stop(0);
    }
    trace(self, K_POINT_PARK, 0);
    sim_unseat(self);
    tcb_t *next = pick(false);
    g_sim.gone = self;
    switch_to(next);
    __builtin_unreachable();
}

static uint64_t sim_now(void)
{
    return g_sim.now;
}

static void sim_jump(uint64_t us)
{
    g_sim.depth++;
    g_sim.now += us;
    sim_wake_due();
    sim_unlock();
}

static int sim_core(const tcb_t *t)
{
    return t->sim.core >= 0 ? t->sim.core : 0;
}

static tcb_t *sim_running_on(int core)
{
    return core < (int)g_sim.cores ? g_sim.core[core].run : NULL;
}

/* ---- run ---- */

void sim_init(void)
{
    g_sim = (sim_t){.cores = host_config()->cores, .hash = FNV_BASIS};
#if defined(__SANITIZE_THREAD__)
    host_panic("the simulator does not run under ThreadSanitizer: use the threads scheduler");
#endif
}

/* The root is no task: it starts the first one, and everything ends by coming back here. */
static int sim_run(void)
{
    static tcb_t s_root_task;
    static uint8_t s_signals[64 * 1024]; /* one thread, so one stack for its signals */
    stack_t before;
    trap_stack_set(s_signals, sizeof(s_signals), &before);
    s_root_task.sim.fiber = fiber_root();
    s_root_task.sim.core = -1;
    k_self = &s_root_task;
    sim_place();
    tcb_t *first = pick(false);
    k_self = first;
    g_sim.depth = 0;
    fiber_switch(fiber_root(), first->sim.fiber, false);
    k_self = NULL;
    trap_stack_restore(&before);
    return g_sim.code;
}

uint64_t host_trace_hash(void)
{
    return host_sched() == HOST_SCHED_SIM ? g_sim.hash : 0;
}

uint64_t host_trace_points(void)
{
    return host_sched() == HOST_SCHED_SIM ? g_sim.points : 0;
}

uint64_t host_switches(void)
{
    return host_sched() == HOST_SCHED_SIM ? g_sim.switches : 0;
}

uint64_t host_core_last_idle_us(int core)
{
    if (host_sched() != HOST_SCHED_SIM) {
        return g_sched->now();
    }
    const sim_core_t *c = &g_sim.core[core];
    return c->run == NULL ? g_sim.now : c->idle_last;
}

const sched_ops_t g_sched_sim = {
    .name = "sim",
    .lock = sim_lock,
    .unlock = sim_unlock,
    .start = sim_start,
    .park = sim_park,
    .wake = sim_wake,
    .withdraw = sim_withdraw,
    .reprio = sim_reprio,
    .discard = sim_discard,
    .leave = sim_leave,
    .point = sim_point,
    .yield = sim_yield,
    .now = sim_now,
    .busy = sim_busy,
    .jump = sim_jump,
    .spin = sim_spin,
    .core = sim_core,
    .running_on = sim_running_on,
    .run = sim_run,
    .stop = sim_stop,
};
