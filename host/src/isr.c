// SPDX-License-Identifier: Apache-2.0

// Interrupts: one runner per core, above every priority, that a critical section of its core holds
// back.

#include <stdio.h>
#include "host_internal.h"
#include "sched.h"

#define QUEUE_MAX 64
#define ALARM_MAX 64
#define ISR_STACK 4096

typedef struct {
    void (*fn)(void *arg);
    void *arg;
    tcb_t *waiter; /* host_isr_run(): told when the handler has returned; NULL = nobody */
    uint32_t waiter_number;
} request_t;

typedef struct {
    tcb_t *task;
    k_waitlist_t idle;
    request_t queue[QUEUE_MAX];
    unsigned first, count;
} runner_t;

typedef struct {
    uint64_t at;
    request_t request;
    int core;
} alarm_t;

static const char s_wait_text[] = "interrupt handler";

/* Guarded by the kernel lock. */
static runner_t s_runner[K_MAX_CORES];
static uint32_t s_runners;
static alarm_t s_alarm[ALARM_MAX];
static unsigned s_alarms;

static void tell_waiter(const request_t *r)
{
    if (r->waiter == NULL) {
        return;
    }
    k_lock();
    tcb_t *w = r->waiter;
    if (w->magic == K_TCB_LIVE && w->number == r->waiter_number && w->state == K_BLOCKED &&
        w->wait_what == s_wait_text) {
        k_unblock(w, K_WOKEN);
    }
    k_unlock();
}

static void runner_main(void *arg)
{
    runner_t *r = arg;
    for (;;) {
        k_lock();
        while (r->count == 0) {
            (void)k_block(&r->idle, K_FOREVER, "interrupts", 0);
        }
        request_t q = r->queue[r->first];
        r->first = (r->first + 1) % QUEUE_MAX;
        r->count--;
        k_unlock();
        q.fn(q.arg);
        if (k_self->crit_nest > 0 || k_self->irq_mask > 0) {
            host_panic("an interrupt handler returned inside a critical section");
        }
        tell_waiter(&q);
    }
}

void isr_init(uint32_t cores)
{
    s_alarms = 0;
    s_runners = cores;
    for (uint32_t c = 0; c < cores; c++) {
        runner_t *r = &s_runner[c];
        *r = (runner_t){0};
        char name[] = "ISR0";
        name[3] = (char)('0' + c);
        const k_task_spec_t spec = {
            .fn = runner_main,
            .arg = r,
            .name = name,
            .stack = ISR_STACK,
            .prio = K_ISR_PRIO,
            .core = (BaseType_t)c,
            .is_isr = true,
            .is_daemon = true,
        };
        r->task = k_task_create(&spec);
        if (r->task == NULL) {
            host_panic("no memory for the interrupt runner");
        }
    }
}

/* Lock held. */
static bool push_locked(int core, const request_t *q)
{
    runner_t *r = &s_runner[core];
    if (r->count == QUEUE_MAX) {
        return false;
    }
    r->queue[(r->first + r->count) % QUEUE_MAX] = *q;
    r->count++;
    if (r->idle.first != NULL) {
        k_unblock(r->idle.first, K_WOKEN);
    }
    return true;
}

static void check_core(int core)
{
    if (core < 0 || (uint32_t)core >= s_runners) {
        host_panic("host_isr: the board has no core %d", core);
    }
}

bool host_isr_raise(void (*fn)(void *arg), void *arg, int core)
{
    check_core(core);
    if (k_self == NULL && host_sched() == HOST_SCHED_SIM) {
        k_bad_context("host_isr_raise");
    }
    const request_t q = {.fn = fn, .arg = arg};
    k_lock();
    bool ok = push_locked(core, &q);
    k_unlock();
    return ok;
}

void host_isr_run(void (*fn)(void *arg), void *arg, int core)
{
    if (xPortInIsrContext()) {
        (void)host_isr_raise(fn, arg, core);
        return;
    }
    tcb_t *self = k_task_call("host_isr_run", 0);
    check_core(core);
    const request_t q = {.fn = fn, .arg = arg, .waiter = self, .waiter_number = self->number};
    k_lock();
    while (!push_locked(core, &q)) {
        (void)k_block(NULL, k_deadline(1), "room for an interrupt", 0);
    }
    (void)k_block(NULL, K_FOREVER, s_wait_text, 0);
    k_unlock();
}

/* ---- interrupts at a time ---- */

#define NO_ALARM ALARM_MAX

static unsigned earliest_locked(void)
{
    unsigned best = NO_ALARM;
    for (unsigned i = 0; i < s_alarms; i++) {
        if (best == NO_ALARM || s_alarm[i].at < s_alarm[best].at) {
            best = i;
        }
    }
    return best;
}

uint64_t isr_next_alarm(void)
{
    unsigned i = earliest_locked();
    return i == NO_ALARM ? K_FOREVER : s_alarm[i].at;
}

void isr_fire_due(uint64_t now)
{
    unsigned i;
    while ((i = earliest_locked()) != NO_ALARM && s_alarm[i].at <= now) {
        (void)push_locked(s_alarm[i].core, &s_alarm[i].request);
        s_alarm[i] = s_alarm[--s_alarms];
    }
}

/* Threads have no clock interrupt of ours: a helper task sleeps until the moment. */
static void alarm_task(void *arg)
{
    (void)arg;
    k_lock();
    uint64_t at;
    while ((at = isr_next_alarm()) != K_FOREVER) {
        if (g_sched->now() < at) {
            (void)k_block(NULL, at, "interrupt alarm", 0);
        }
        isr_fire_due(g_sched->now());
    }
    k_unlock();
    vTaskDelete(NULL);
}

bool host_isr_raise_at(void (*fn)(void *arg), void *arg, int core, uint64_t at_us)
{
    check_core(core);
    (void)k_task_call("host_isr_raise_at", 0);
    k_lock();
    bool ok = s_alarms < ALARM_MAX;
    if (ok) {
        s_alarm[s_alarms++] = (alarm_t){at_us, {.fn = fn, .arg = arg}, core};
    }
    k_unlock();
    if (ok && host_sched() == HOST_SCHED_THREADS) {
        const k_task_spec_t spec = {
            .fn = alarm_task,
            .name = "isr alarm",
            .stack = ISR_STACK,
            .prio = configMAX_PRIORITIES - 1,
            .core = tskNO_AFFINITY,
            .is_daemon = true,
        };
        ok = k_task_create(&spec) != NULL;
    }
    return ok;
}
