// SPDX-License-Identifier: Apache-2.0

// The scheduler "threads": one POSIX thread per task, the real clock (board_clock.c), true
// parallelism.
//
// What to know of it. Priorities decide who is woken first at an object, not who gets a processor:
// Linux schedules the threads. A task is suspended or deleted at its next scheduling point; if it
// is blocked, at once. A core is only a number here: the affinity, or the task's number modulo the
// cores.

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "board_clock.h"
#include "host_internal.h"
#include "host_services.h"
#include "record.h"
#include "sched.h"
#include "trap.h"

#define WAKES_MAX 16      /* wake-ups kept back until the lock is released */
#define DEAD_MAX  256     /* ended threads not yet joined */
#define STOP_US   2000000 /* of the board, for tasks to reach a scheduling point */
#define STOP_NS   20000000

typedef struct {
    pthread_t thread;
    host_stack_t stack;
    tcb_t *tcb; /* NULL: free already */
} dead_t;

/* The kernel lock. */
static pthread_mutex_t s_lock = PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP;

/* Guarded by it. */
static dead_t s_dead[DEAD_MAX];
static unsigned s_dead_count;
static unsigned s_threads; /* started and not yet in s_dead */
static pthread_cond_t s_quiet = PTHREAD_COND_INITIALIZER;
static int s_code;

static uint32_t s_stopping;  /* futex; atomic */
static uint64_t s_leaped_us; /* atomic: host_clock_jump() */

static _Thread_local uint32_t *t_wakes[WAKES_MAX];
static _Thread_local unsigned t_wake_count;

/* ---- clock and futex ---- */

static uint64_t thr_now(void)
{
    return board_clock_us() + __atomic_load_n(&s_leaped_us, __ATOMIC_RELAXED);
}

static void futex_wait_until(uint32_t *word, uint32_t seen, uint64_t deadline)
{
    struct timespec ts;
    struct timespec *until = NULL;
    if (deadline != K_FOREVER) {
        uint64_t at = board_clock_at(deadline - __atomic_load_n(&s_leaped_us, __ATOMIC_RELAXED));
        ts.tv_sec = (time_t)(at / 1000000u);
        ts.tv_nsec = (long)(at % 1000000u) * 1000;
        until = &ts;
    }
    syscall(SYS_futex, word, FUTEX_WAIT_BITSET_PRIVATE, seen, until, NULL, FUTEX_BITSET_MATCH_ANY);
}

static void futex_wake(uint32_t *word)
{
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

/* ---- lock ---- */

static void thr_lock(void)
{
    pthread_mutex_lock(&s_lock);
}

static void thr_unlock(void)
{
    /* A woken thread would only run into the lock: wake it after letting go. A word whose task has
     * ended meanwhile is still mapped, and a spurious wake-up is harmless. */
    unsigned count = t_wake_count;
    uint32_t *words[WAKES_MAX];
    for (unsigned i = 0; i < count; i++) {
        words[i] = t_wakes[i];
    }
    t_wake_count = 0;
    pthread_mutex_unlock(&s_lock);
    for (unsigned i = 0; i < count; i++) {
        futex_wake(words[i]);
    }
}

static void nudge(tcb_t *t)
{
    __atomic_add_fetch(&t->thr.park_word, 1, __ATOMIC_RELEASE);
    if (t_wake_count < WAKES_MAX) {
        t_wakes[t_wake_count++] = &t->thr.park_word;
    } else {
        futex_wake(&t->thr.park_word);
    }
}

static bool stopping(void)
{
    return __atomic_load_n(&s_stopping, __ATOMIC_ACQUIRE) != 0;
}

/* ---- ends ---- */

/* Lock held. Unwinds to the trampoline; what is left is done by thread_main(). */
static _Noreturn void thr_leave(void)
{
    tcb_t *self = k_self;
    bool last = k_live_tasks == 0;
    thr_unlock();
    if (last) {
        g_sched->stop(0);
    }
    _longjmp(self->exit_env, 1);
}

static void *thread_main(void *arg)
{
    tcb_t *t = arg;
    k_self = t;
    thr_lock(); /* until the creator has finished with the record */
    bool run = !stopping() && t->state != K_DELETED;
    thr_unlock();
    if (run) {
        size_t size;
        stack_t before;
        uint8_t *signals = host_stack_for_signals(&t->stack, &size);
        trap_stack_set(signals, size, &before);
        k_trampoline(t);
        trap_stack_restore(&before); /* a sanitizer's, which wants it back */
    }
    thr_lock();
    k_self = NULL;
    /* At the end of a run others may still be told of it, in critical sections, where they are not
     * cut: its record stays good until all have ended. */
    const bool keep = stopping() && s_dead_count < DEAD_MAX;
    if (s_dead_count < DEAD_MAX) {
        s_dead[s_dead_count++] = (dead_t){pthread_self(), t->stack, keep ? t : NULL};
    } else {
        pthread_detach(pthread_self()); /* its stack stays mapped */
    }
    if (!keep) {
        k_tcb_free(t);
    }
    s_threads--;
    pthread_cond_signal(&s_quiet);
    thr_unlock();
    return NULL;
}

/* Lock held. Join what has ended and keep the stacks. The threads only have to return. */
static void reap(void)
{
    while (s_dead_count > 0) {
        dead_t d = s_dead[--s_dead_count];
        pthread_mutex_unlock(&s_lock);
        pthread_join(d.thread, NULL);
        pthread_mutex_lock(&s_lock);
        host_stack_put(&d.stack);
        if (d.tcb != NULL) {
            k_tcb_free(d.tcb);
        }
    }
}

/* ---- seam ---- */

static bool thr_start(tcb_t *t)
{
    reap();
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setstack(&attr, t->stack.base, t->stack.size);
    pthread_t thread;
    int err = pthread_create(&thread, &attr, thread_main, t);
    pthread_attr_destroy(&attr);
    if (err != 0) {
        return false;
    }
    s_threads++;
    return true;
}

static void thr_park(void)
{
    tcb_t *self = k_self;
    while (self->state != K_READY) {
        if (stopping() || (self->state == K_DELETED && self->magic != K_TCB_LIVE)) {
            thr_unlock();
            _longjmp(self->exit_env, 1);
        }
        uint64_t deadline = self->state == K_BLOCKED ? self->deadline : K_FOREVER;
        if (deadline != K_FOREVER && thr_now() >= deadline) {
            k_time_out(self);
            break;
        }
        uint32_t seen = __atomic_load_n(&self->thr.park_word, __ATOMIC_ACQUIRE);
        thr_unlock();
        futex_wait_until(&self->thr.park_word, seen, deadline);
        thr_lock();
    }
    k_attend();
}

static void thr_wake(tcb_t *t)
{
    nudge(t);
}

static bool thr_withdraw(tcb_t *t)
{
    if (t->state == K_READY) {
        __atomic_store_n(&t->thr.attention, 1, __ATOMIC_RELEASE);
        return false;
    }
    return true;
}

static void thr_reprio(tcb_t *t, UBaseType_t old)
{
    (void)t;
    (void)old;
}

static void thr_discard(tcb_t *t)
{
    nudge(t); /* its thread finds the record dead and ends */
}

static void look_closer(tcb_t *self)
{
    int fault = g_fault_scripts != 0 ? fault_at_point(self) : FAULT_NONE;
    if (fault == FAULT_HANG) {
        while (!stopping()) {
            sched_yield();
        }
    }
    if (stopping() && k_may_cut(self)) {
        _longjmp(self->exit_env, 1);
    }
    if (fault == FAULT_KILL) {
        self->kill = true;
    }
    if (k_may_cut(self) && !stopping()) {
        thr_lock();
        if (!self->kill && !self->suspend_req) {
            __atomic_store_n(&self->thr.attention, 0, __ATOMIC_RELAXED);
        }
        k_attend();
        thr_unlock();
    }
}

static void thr_point(k_point_t kind, uint32_t ordinal)
{
    (void)kind;
    (void)ordinal;
    tcb_t *self = k_self;
    if (__builtin_expect(__atomic_load_n(&self->thr.attention, __ATOMIC_RELAXED) != 0 ||
                             __atomic_load_n(&g_fault_scripts, __ATOMIC_RELAXED) != 0,
                         0)) {
        look_closer(self);
    }
}

static void thr_yield(void)
{
    thr_point(K_POINT_YIELD, 0);
    sched_yield();
}

static void thr_busy(uint64_t us)
{
    uint64_t end = thr_now() + us;
    while (thr_now() < end) {
        thr_point(K_POINT_SPIN, 0);
    }
}

static void thr_jump(uint64_t us)
{
    __atomic_add_fetch(&s_leaped_us, us, __ATOMIC_RELAXED);
    thr_lock();
    for (tcb_t *t = k_all_tasks; t != NULL; t = t->all_next) {
        if (t->state == K_BLOCKED && t->deadline != K_FOREVER) {
            nudge(t);
        }
    }
    thr_unlock();
}

static void thr_spin(const volatile uint32_t *owner, uint32_t round)
{
    (void)owner;
    if (round % 64 == 63) {
        sched_yield();
    } else {
#if defined(__x86_64__) || defined(__i386__)
        __builtin_ia32_pause();
#else
        sched_yield();
#endif
    }
}

static int thr_core(const tcb_t *t)
{
    return t->affinity != tskNO_AFFINITY ? t->affinity : (int)(t->number % host_config()->cores);
}

static tcb_t *thr_running_on(int core)
{
    tcb_t *self = k_self;
    return self != NULL && thr_core(self) == core ? self : NULL;
}

/* ---- run and stop ---- */

static void thr_stop(int code)
{
    thr_lock();
    if (!stopping()) {
        s_code = code;
        __atomic_store_n(&s_stopping, 1, __ATOMIC_RELEASE);
        for (tcb_t *t = k_all_tasks; t != NULL; t = t->all_next) {
            if (!t->is_idle) {
                __atomic_store_n(&t->thr.attention, 1, __ATOMIC_RELEASE);
                nudge(t);
            }
        }
    }
    thr_unlock();
    futex_wake(&s_stopping);
    tcb_t *self = k_self;
    if (self != NULL && !self->is_isr) {
        _longjmp(self->exit_env, 1);
    }
}

/* Tasks that compute and never reach a scheduling point cannot be ended: the process goes with
 * them. */
static void end_stragglers(int code)
{
    fprintf(stderr, "host: %u task(s) still computing at the end of the run:", s_threads);
    for (const tcb_t *t = k_all_tasks; t != NULL; t = t->all_next) {
        fprintf(stderr, " %s", t->name);
    }
    fprintf(stderr, "\n");
    record_end(END_EXIT, code);
    host_quit(code);
}

static int thr_run(void)
{
    while (!stopping()) {
        futex_wait_until(&s_stopping, 0, K_FOREVER);
    }
    const uint64_t end = board_clock_us() + STOP_US;
    thr_lock();
    while (s_threads > 0 && board_clock_us() < end) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        uint64_t ns = (uint64_t)until.tv_nsec + STOP_NS;
        until.tv_sec += (time_t)(ns / 1000000000u);
        until.tv_nsec = (long)(ns % 1000000000u);
        (void)pthread_cond_timedwait(&s_quiet, &s_lock, &until);
    }
    if (s_threads > 0) {
        end_stragglers(s_code);
    }
    reap();
    thr_unlock();
    board_clock_stop();
    int code = s_code;
    __atomic_store_n(&s_stopping, 0, __ATOMIC_RELEASE);
    return code;
}

void threads_init(void)
{
    board_clock_start();
    __atomic_store_n(&s_leaped_us, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&s_stopping, 0, __ATOMIC_RELEASE);
}

const sched_ops_t g_sched_threads = {
    .name = "threads",
    .lock = thr_lock,
    .unlock = thr_unlock,
    .start = thr_start,
    .park = thr_park,
    .wake = thr_wake,
    .withdraw = thr_withdraw,
    .reprio = thr_reprio,
    .discard = thr_discard,
    .leave = thr_leave,
    .point = thr_point,
    .yield = thr_yield,
    .now = thr_now,
    .busy = thr_busy,
    .jump = thr_jump,
    .spin = thr_spin,
    .core = thr_core,
    .running_on = thr_running_on,
    .run = thr_run,
    .stop = thr_stop,
};
