// SPDX-License-Identifier: Apache-2.0

// Blocking and waking, once for both schedulers.

#include "sched.h"

#include "host_internal.h"

const sched_ops_t *g_sched = &g_sched_threads;
_Thread_local tcb_t *k_self;

static uint32_t s_ordinal;

/* ---- wait lists ---- */

void k_insert_waiter(k_waitlist_t *wl, tcb_t *t)
{
    tcb_t *before = NULL;
    tcb_t *after = wl->first;
    while (after != NULL && after->prio >= t->prio) {
        before = after;
        after = after->wait_next;
    }
    t->wait_list = wl;
    t->wait_prev = before;
    t->wait_next = after;
    if (before != NULL) {
        before->wait_next = t;
    } else {
        wl->first = t;
    }
    if (after != NULL) {
        after->wait_prev = t;
    }
}

void k_remove_waiter(tcb_t *t)
{
    k_waitlist_t *wl = t->wait_list;
    if (wl == NULL) {
        return;
    }
    if (t->wait_prev != NULL) {
        t->wait_prev->wait_next = t->wait_next;
    } else {
        wl->first = t->wait_next;
    }
    if (t->wait_next != NULL) {
        t->wait_next->wait_prev = t->wait_prev;
    }
    t->wait_list = NULL;
    t->wait_next = NULL;
    t->wait_prev = NULL;
}

/* ---- blocking ---- */

k_reason_t k_block(k_waitlist_t *wl, uint64_t deadline, const char *what, uint32_t ordinal)
{
    tcb_t *self = k_self;
    if (self->crit_nest > 0 || self->irq_mask > 0) {
        host_panic("task %s would block (%s) inside a critical section", self->name, what);
    }
    if (self->sched_lock > 0) {
        host_panic("task %s would block (%s) between vTaskSuspendAll and xTaskResumeAll",
                   self->name, what);
    }
    self->state = K_BLOCKED;
    self->deadline = deadline;
    self->reason = K_TIMEOUT;
    self->wait_what = what;
    self->wait_ordinal = ordinal;
    if (wl != NULL) {
        k_insert_waiter(wl, self);
    }
    g_sched->park();
    self->wait_what = NULL;
    return self->reason;
}

void k_unblock(tcb_t *t, k_reason_t reason)
{
    k_remove_waiter(t);
    t->reason = reason;
    t->state = K_READY;
    g_sched->wake(t);
}

void k_time_out(tcb_t *t)
{
    k_remove_waiter(t);
    t->reason = K_TIMEOUT;
    t->state = K_READY;
}

tcb_t *k_wake_one(k_waitlist_t *wl)
{
    tcb_t *t = wl->first;
    if (t != NULL) {
        k_unblock(t, K_WOKEN);
    }
    return t;
}

void k_set_prio(tcb_t *t, UBaseType_t prio)
{
    UBaseType_t old = t->prio;
    if (old == prio) {
        return;
    }
    t->prio = prio;
    k_waitlist_t *wl = t->wait_list;
    if (wl != NULL) {
        k_remove_waiter(t);
        k_insert_waiter(wl, t);
    }
    g_sched->reprio(t, old);
}

/* ---- requests against the running task ---- */

bool k_may_cut(const tcb_t *t)
{
    return t->crit_nest == 0 && t->irq_mask == 0 && !t->is_isr;
}

void k_attend(void)
{
    tcb_t *self = k_self;
    if (!k_may_cut(self)) {
        return;
    }
    if (self->kill) {
        k_end_self();
    }
    if (self->suspend_req && self->sched_lock == 0) {
        self->suspend_req = false;
        self->state = K_SUSPENDED;
        self->wait_what = "suspended";
        g_sched->park();
        self->wait_what = NULL;
    }
}

void k_end_self(void)
{
    tcb_t *self = k_self;
    if (self->magic == K_TCB_LIVE) {
        self->kill = false; /* or the callbacks would be cut in their turn */
        k_unlock();
        k_finish_self(self);
    }
    g_sched->leave();
}

void k_trampoline(tcb_t *t)
{
    if (_setjmp(t->exit_env) == 0) {
        t->fn(t->arg);
        if (!t->is_daemon) {
            host_panic("task %s returned from its function; it must call vTaskDelete(NULL)",
                       t->name);
        }
        vTaskDelete(NULL);
    }
}

/* ---- small things ---- */

uint64_t k_deadline(TickType_t ticks)
{
    if (ticks == portMAX_DELAY) {
        return K_FOREVER;
    }
    return (g_sched->now() / K_TICK_US + ticks) * K_TICK_US;
}

bool k_outranks(const tcb_t *t)
{
    const tcb_t *self = k_self;
    if (t == NULL || t->state != K_READY) {
        return false;
    }
    return t->prio > (self->is_isr ? self->sim.interrupted_prio : self->prio);
}

uint32_t k_next_ordinal(void)
{
    return __atomic_add_fetch(&s_ordinal, 1, __ATOMIC_RELAXED);
}

void k_bad_context(const char *call)
{
    if (k_self == NULL) {
        host_panic("%s() called outside the board's tasks", call);
    }
    host_panic("%s() called from an interrupt: it is not ISR-safe", call);
}

void k_init(const host_config_t *cfg)
{
    s_ordinal = 0;
    g_sched = cfg->sched == HOST_SCHED_SIM ? &g_sched_sim : &g_sched_threads;
    rng_init(cfg->seed);
    fault_init(cfg);
    k_tasks_init();
}

/* ---- for the rest of host/src ---- */

const char *host_task_name(void)
{
    return k_self != NULL ? k_self->name : "-";
}

bool host_in_task(void)
{
    return k_self != NULL;
}

void host_assert_not_isr(const char *call)
{
    if (k_self != NULL && k_self->is_isr) {
        k_bad_context(call);
    }
}
