// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * The seam between the kernel's objects, written once, and the two schedulers.
 *
 * Rules of the kernel lock. It is not recursive, no foreign code runs under it, nothing allocates
 * under it. "Lock held" below means by the caller. In sim the lock only forbids scheduling points,
 * since one task runs at a time; in threads it is a mutex.
 *
 * A task's state belongs to the kernel lock. K_READY covers ready and running: who is on a core is
 * the scheduler's business. A task in K_BLOCKED is on at most one wait list and has a deadline.
 */

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "host_control.h"

#define K_FOREVER   UINT64_MAX
#define K_TICK_US   (1000000ull / configTICK_RATE_HZ)
#define K_PRIOS     32 /* 0..24 FreeRTOS, K_ISR_PRIO above them */
#define K_ISR_PRIO  31
#define K_MAX_CORES 2

typedef struct tskTaskControlBlock tcb_t;

typedef enum {
    K_READY,
    K_BLOCKED,
    K_SUSPENDED,
    K_DELETED
} k_state_t;

typedef enum {
    K_WOKEN,   /* by the object waited for */
    K_TIMEOUT, /* the deadline passed */
    K_RESUMED, /* suspended and resumed, or the delay was aborted */
} k_reason_t;

/* Kinds of scheduling points, part of the trace. */
typedef enum {
    K_POINT_CALL = 1,
    K_POINT_CRITICAL,
    K_POINT_ATOMIC,
    K_POINT_PLAIN,
    K_POINT_YIELD,
    K_POINT_UNLOCK,
    K_POINT_PARK,
    K_POINT_SPIN,
} k_point_t;

/* Tasks waiting for one object, highest priority first, first come first among equals. */
typedef struct {
    tcb_t *first;
} k_waitlist_t;

/* A task's stack on the host: larger than the figure asked for, guarded below by bytes that
 * nobody may touch; the stack for its signals lies under those. */
#define HOST_STACK_GUARD (64u * 1024)
typedef struct {
    uint8_t *base; /* lowest usable byte */
    size_t size;
    size_t figure; /* what the program asked for; the painted part is the top of this size */
} host_stack_t;

typedef struct fiber fiber_t;

struct tskTaskControlBlock {
    uint32_t magic;  /* K_TCB_LIVE until the task is deleted */
    uint32_t number; /* since boot, from 1; owner id of critical sections */
    char name[configMAX_TASK_NAME_LEN];
    UBaseType_t user_number; /* vTaskSetTaskNumber() */
    UBaseType_t prio, base_prio;
    uint32_t mutexes_held;
    BaseType_t affinity; /* core or tskNO_AFFINITY */
    k_state_t state;
    bool kill;        /* ends at its next scheduling point */
    bool suspend_req; /* suspends itself there */
    bool is_isr, is_idle, is_daemon, is_static, delay_aborted;
    bool memory_free; /* its deletion does not touch user_tcb and user_stack any more */
    tcb_t *all_next, *all_prev;

    /* waiting */
    k_waitlist_t *wait_list;
    tcb_t *wait_next, *wait_prev;
    uint64_t deadline;
    k_reason_t reason;
    const char *wait_what; /* for reports */
    uint32_t wait_ordinal;
    struct QueueDefinition *wait_mutex; /* blocked on it: its holder inherits */
    uint32_t event_bits, event_flags;   /* event groups: wanted, then result */

    /* protection from being cut or switched; written by the task itself only */
    uint32_t crit_nest, irq_mask, sched_lock;

    uint32_t notify_value[configTASK_NOTIFICATION_ARRAY_ENTRIES];
    uint8_t notify_state[configTASK_NOTIFICATION_ARRAY_ENTRIES];

    void *tls[configNUM_THREAD_LOCAL_STORAGE_POINTERS];
    TlsDeleteCallbackFunction_t tls_delete[configNUM_THREAD_LOCAL_STORAGE_POINTERS];

    TaskFunction_t fn;
    void *arg;
    host_stack_t stack;
    void *charged; /* heap block that stands for stack and control block */
    StackType_t *user_stack;
    StaticTask_t *user_tcb;
    uint64_t run_us;
    jmp_buf exit_env; /* back to the trampoline: how a task is cut */

    struct {
        uint32_t park_word; /* futex: changes when the task may have to look again */
        uint32_t attention; /* non-zero: the next point must look closer */
        unsigned long thread;
        uint64_t ran_from;
    } thr;
    struct {
        tcb_t *next, *prev; /* ready list of its priority */
        tcb_t *sleep_next, *sleep_prev;
        bool in_ready, in_sleep, late, spinning;
        int core, last_core; /* core it is on, -1 none */
        uint64_t busy_left, busy_from, ran_from;
        uint32_t spin, charge, charges;
        const volatile uint32_t *spin_on; /* owner word it spins on */
        int saved_errno;
        UBaseType_t interrupted_prio; /* interrupts: of the task they came over */
        fiber_t *fiber;
    } sim;
};

#define K_TCB_LIVE 0x7A5C11FEu
#define K_TCB_DEAD 0xDEAD7A5Cu

typedef struct {
    const char *name;
    void (*lock)(void);
    void (*unlock)(void);
    /* Lock held: a new task, K_READY. False: the host could not give it a thread or stack. */
    bool (*start)(tcb_t *t);
    /* Lock held, the caller's state is not K_READY: return when it is. Cuts the task when killed.
     */
    void (*park)(void);
    /* Lock held: t has just become K_READY. timed: it had a deadline (wake-up faults). */
    void (*wake)(tcb_t *t);
    /* Lock held: take t off its core or queues. False: it computes and must do it by itself. */
    bool (*withdraw)(tcb_t *t);
    /* Lock held: t's priority changed from old. */
    void (*reprio)(tcb_t *t, UBaseType_t old);
    /* Lock held: t was withdrawn and is deleted; let go of its thread or fiber, then k_tcb_free().
     */
    void (*discard)(tcb_t *t);
    /* Lock held: the caller ends. */
    __attribute__((noreturn)) void (*leave)(void);
    /* Lock not held: others may run now. */
    void (*point)(k_point_t kind, uint32_t ordinal);
    void (*yield)(void);
    uint64_t (*now)(void);
    void (*busy)(uint64_t us);
    void (*jump)(uint64_t us);
    /* A portMUX is owned by another: wait a little; the caller tries again. */
    void (*spin)(const volatile uint32_t *owner, uint32_t round);
    int (*core)(const tcb_t *t);
    tcb_t *(*running_on)(int core);
    int (*run)(void);
    void (*stop)(int code);
} sched_ops_t;

extern const sched_ops_t g_sched_threads, g_sched_sim;
extern const sched_ops_t *g_sched;

/* Task or interrupt this thread (threads) or the program (sim) is executing, NULL outside. */
extern _Thread_local tcb_t *k_self;

/* ---- kernel.c ---- */
void k_init(const host_config_t *cfg);
void k_insert_waiter(k_waitlist_t *wl, tcb_t *t);
void k_remove_waiter(tcb_t *t);
/* Lock held. Wait on wl (may be NULL) until woken or deadline; returns with the lock held. */
k_reason_t k_block(k_waitlist_t *wl, uint64_t deadline, const char *what, uint32_t ordinal);
/* Lock held. End a wait. */
void k_unblock(tcb_t *t, k_reason_t reason);
/* Lock held. Wake the first waiter. @return it, or NULL */
tcb_t *k_wake_one(k_waitlist_t *wl);
/* Lock held. The deadline of t has passed. */
void k_time_out(tcb_t *t);
void k_set_prio(tcb_t *t, UBaseType_t prio);
uint64_t k_deadline(TickType_t ticks);
/* Woken task t: would it displace the caller? */
bool k_outranks(const tcb_t *t);
uint32_t k_next_ordinal(void);
__attribute__((noreturn)) void k_bad_context(const char *call);
/* Lock held. The current task, being cut or returning: run what a deletion runs, then leave. */
__attribute__((noreturn)) void k_end_self(void);
/* Body of every task; returns when it is over. */
void k_trampoline(tcb_t *t);
/* Not for code in between: cut the running task, unless it may not be now. */
bool k_may_cut(const tcb_t *t);
/* Lock held. Honour kill and suspend requests against the caller. */
void k_attend(void);

static inline void k_lock(void)
{
    g_sched->lock();
}

static inline void k_unlock(void)
{
    g_sched->unlock();
}

/* Entry of every call that only a task may make: checks the context, passes a scheduling point. */
static inline tcb_t *k_task_call(const char *call, uint32_t ordinal)
{
    tcb_t *self = k_self;
    if (__builtin_expect(self == NULL || self->is_isr, 0)) {
        k_bad_context(call);
    }
    g_sched->point(K_POINT_CALL, ordinal);
    return self;
}

/* As above for calls that are isr-ok. */
static inline tcb_t *k_any_call(const char *call, uint32_t ordinal)
{
    tcb_t *self = k_self;
    if (__builtin_expect(self == NULL, 0)) {
        k_bad_context(call);
    }
    g_sched->point(K_POINT_CALL, ordinal);
    return self;
}

/* ---- task_create.c ---- */
typedef struct {
    TaskFunction_t fn;
    void *arg;
    const char *name;
    uint32_t stack;
    UBaseType_t prio;
    BaseType_t core;
    bool is_isr, is_daemon, is_idle;
    StackType_t *user_stack;
    StaticTask_t *user_tcb;
    uint32_t caps;     /* charge this memory; 0 = nothing */
    TaskHandle_t *out; /* written before the task can run */
} k_task_spec_t;
/* @return NULL: no memory */
tcb_t *k_task_create(const k_task_spec_t *spec);
void k_tcb_free(tcb_t *t); /* lock held; after the task has left its stack */
tcb_t *k_tcb_check(TaskHandle_t t, const char *call);
/* What a deletion runs in the ending task's own context; returns with the lock held. */
void k_finish_self(tcb_t *self);
void k_tasks_init(void);
extern tcb_t *k_all_tasks;    /* lock held to read */
extern uint32_t k_live_tasks; /* not the board's own */
extern uint32_t k_task_count;

/* ---- stack.c ---- */
bool host_stack_get(host_stack_t *s, size_t figure);
void host_stack_put(host_stack_t *s);
size_t host_stack_left(const host_stack_t *s);
/* Where the thread of this stack takes its signals. */
uint8_t *host_stack_for_signals(const host_stack_t *s, size_t *size);

/* ---- report.c ---- */
void k_report(const char *why);

/* ---- fault.c ---- */
void fault_init(const host_config_t *cfg);
/* @return 0, or what the scripts ask of this task at this point */
enum {
    FAULT_NONE,
    FAULT_KILL,
    FAULT_HANG
};
int fault_at_point(const tcb_t *t);
extern uint32_t g_fault_scripts; /* any script waiting: points must ask */
bool fault_drop_wake(const tcb_t *t);
uint64_t fault_clock_leap(void);
bool fault_preempt(void);

/* ---- rng.c part of fault.c: independent streams of the seed ---- */
typedef enum {
    RNG_SCHED,
    RNG_FAULT,
    RNG_USER,
    RNG_STREAMS
} rng_stream_t;
void rng_init(uint64_t seed);
uint64_t rng_next(rng_stream_t stream);
static inline bool rng_chance(rng_stream_t stream, uint32_t ppm)
{
    return ppm != 0 && (uint32_t)(((rng_next(stream) >> 32) * 1000000u) >> 32) < ppm;
}
static inline uint32_t rng_below(rng_stream_t stream, uint32_t n)
{
    return (uint32_t)(((rng_next(stream) >> 32) * n) >> 32);
}

/* ---- isr.c ---- */
void isr_init(uint32_t cores);
/* Lock held. Earliest host_isr_raise_at(), K_FOREVER if none; and make those due pending. */
uint64_t isr_next_alarm(void);
void isr_fire_due(uint64_t now);

/* ---- started by boot.c ---- */
void timers_init(void);
void esp_timer_boot(void); /* before esp_timer_init() */
void idle_init(uint32_t cores);
void threads_init(void);
void sim_init(void);
