// SPDX-License-Identifier: Apache-2.0

// Faults: signals become panics of the board, or the task goes on in the function that the hook
// names. The signal's handler runs on a stack of its own, so a task that has used up its stack can
// be judged too. A second fault meanwhile, or a panic that does not come to its end (the faulting
// code may hold any lock), still ends in a reboot.

#include "trap.h"

#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>
#include "heap_wrap.h"
#include "host_internal.h"
#include "host_panic.h"
#include "sched.h"
#include "sim.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

#define ROOM_TO_LAND (16u * 1024) /* with less left on its stack, a task goes on in the middle */
#define PANIC_S      3u           /* a panic may take as long */

static const int s_signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
#define SIGNALS (sizeof(s_signals) / sizeof(s_signals[0]))

/* Written by host_trap_install(). */
static struct sigaction s_before[SIGNALS];
static bool s_installed;

static host_trap_hook_t s_hook;
static _Thread_local bool t_judging;
static _Thread_local sigjmp_buf *t_escape; /* of trap_try() */

void host_trap_set_hook(host_trap_hook_t hook)
{
    __atomic_store_n(&s_hook, hook, __ATOMIC_RELEASE);
}

bool trap_try(void (*fn)(void *arg), void *arg)
{
    sigjmp_buf here;
    sigjmp_buf *before = t_escape;
    const bool whole = sigsetjmp(here, 0) == 0;
    if (whole) {
        t_escape = &here;
        fn(arg);
    }
    t_escape = before;
    return whole;
}

/* ---- the verdict ---- */

/* Ending the running task would do the board no harm. */
static bool task_is_free(const tcb_t *self)
{
    return self != NULL && !self->is_isr && !self->is_idle && !self->is_daemon &&
           self->crit_nest == 0 && self->irq_mask == 0 && self->sched_lock == 0 &&
           self->mutexes_held == 0 && k_locks_held == 0 &&
           (host_sched() != HOST_SCHED_SIM || g_sim.depth == 0);
}

static bool in_stack(const tcb_t *self, uintptr_t sp)
{
    const uintptr_t base = (uintptr_t)self->stack.base;
    return sp >= base - HOST_STACK_GUARD && sp < base + self->stack.size;
}

static host_trap_land_t ask(tcb_t *self, const host_trap_t *trap, void **arg)
{
    const host_trap_hook_t hook = __atomic_load_n(&s_hook, __ATOMIC_ACQUIRE);
    // cppcheck-suppress legacyUninitvar ; it does not know that the built-in above reads
    if (hook == NULL) {
        return NULL;
    }
    const bool sim = host_sched() == HOST_SCHED_SIM;
    self->crit_nest++; /* no scheduling in here */
    g_sim.depth += sim;
    const host_trap_land_t land = hook(trap, arg);
    g_sim.depth -= sim;
    self->crit_nest--;
    return land;
}

static void keep_chain(host_trap_t *trap, const uintptr_t *frames, unsigned count)
{
    trap->frame_count = count - 1;
    memcpy(trap->frames, frames + 1, (count - 1) * sizeof(frames[0]));
}

/* ---- going on somewhere else ---- */

static void landing(host_trap_land_t land, void *arg)
{
#if defined(__SANITIZE_ADDRESS__)
    /* what the abandoned frames poisoned, also below */
    ASAN_UNPOISON_MEMORY_REGION(k_self->stack.base, k_self->stack.size);
#endif
    land(arg);
    __builtin_trap();
}

#if defined(__x86_64__)

static uintptr_t pc_of(const ucontext_t *context)
{
    return (uintptr_t)context->uc_mcontext.gregs[REG_RIP];
}

static uintptr_t sp_of(const ucontext_t *context)
{
    return (uintptr_t)context->uc_mcontext.gregs[REG_RSP];
}

/* What it writes to belonged to a frame of the task that is abandoned. */
__attribute__((no_sanitize("address"))) static bool redirect(ucontext_t *context, uintptr_t sp,
                                                             host_trap_land_t land, void *arg)
{
    greg_t *r = context->uc_mcontext.gregs;
    sp = (sp & ~(uintptr_t)15) - sizeof(uintptr_t); /* as a call leaves it */
    *(uintptr_t *)sp = 0;                           /* the call chain ends here */
    r[REG_RSP] = (greg_t)sp;
    r[REG_RBP] = 0;
    r[REG_RIP] = (greg_t)(uintptr_t)landing;
    r[REG_RDI] = (greg_t)(uintptr_t)land;
    r[REG_RSI] = (greg_t)(uintptr_t)arg;
    r[REG_EFL] &= ~(greg_t)0x40500; /* direction, trap, alignment check */
    return true;
}

#else

static uintptr_t pc_of(const ucontext_t *context)
{
    (void)context;
    return 0;
}

static uintptr_t sp_of(const ucontext_t *context)
{
    (void)context;
    return 0;
}

/* Another processor: every fault is a panic. */
static bool redirect(ucontext_t *context, uintptr_t sp, host_trap_land_t land, void *arg)
{
    (void)context;
    (void)sp;
    (void)land;
    (void)arg;
    return false;
}

#endif

static uintptr_t landing_place(const tcb_t *self, uintptr_t sp)
{
    const uintptr_t base = (uintptr_t)self->stack.base;
    /* Its first frames, at the top, are needed when the task ends. */
    return sp < base + ROOM_TO_LAND ? base + self->stack.size / 2 : sp - 512;
}

/* A jump to nowhere by a call left its return address on top of the stack. */
__attribute__((no_sanitize("address"))) static uintptr_t caller_of_nowhere(const tcb_t *self,
                                                                           uintptr_t sp)
{
    const bool inside = sp >= (uintptr_t)self->stack.base && in_stack(self, sp + sizeof(sp));
    return inside && sp % sizeof(sp) == 0 ? *(const uintptr_t *)sp : 0;
}

static bool contain(host_trap_t *trap, ucontext_t *context)
{
    tcb_t *self = k_self;
    const uintptr_t sp = sp_of(context);
    uintptr_t frames[HOST_TRAP_FRAMES + 1];
    void *arg = NULL;
    if (!task_is_free(self) || !in_stack(self, sp)) {
        return false;
    }
    trap->stack_overflow = trap->signal != SIGFPE && trap->signal != SIGILL &&
                           trap->address < (uintptr_t)self->stack.base &&
                           trap->address >= (uintptr_t)self->stack.base - HOST_STACK_GUARD;
    unsigned count = trap_place_chain(trap->pc, frames, HOST_TRAP_FRAMES + 1);
    if (trap_place_may_hold_lock(frames, count)) {
        return false;
    }
    if (count == 1 && trap->pc == trap->address) {
        frames[count++] = caller_of_nowhere(self, sp);
    }
    keep_chain(trap, frames, count);
    const host_trap_land_t land = ask(self, trap, &arg);
    return land != NULL && redirect(context, landing_place(self, sp), land, arg);
}

/* ---- signals ---- */

static const char *name_of(int signo)
{
    switch (signo) {
    case SIGSEGV:
        return "SIGSEGV";
    case SIGBUS:
        return "SIGBUS";
    case SIGFPE:
        return "SIGFPE";
    case SIGILL:
        return "SIGILL";
    default:
        return "SIGABRT";
    }
}

/* The panic hangs: whatever it waits for, the board has to start again. */
static void on_alarm(int signo)
{
    static const char text[] = "panic: its report does not come to an end\n";
    static int calls;
    (void)signo;
    if (__atomic_fetch_add(&calls, 1, __ATOMIC_ACQ_REL) == 0) {
        (void)!write(STDERR_FILENO, text, sizeof(text) - 1);
        (void)alarm(PANIC_S);
        heap_wrap_bypass();
        host_panic_reset(ESP_RST_PANIC);
    }
    _exit(HOST_EXIT_PANIC);
}

static void give_back(int signo)
{
    for (unsigned i = 0; i < SIGNALS; i++) {
        if (s_signals[i] == signo) {
            (void)sigaction(signo, &s_before[i], NULL);
        }
    }
}

static void panic(const host_trap_t *trap)
{
    (void)signal(SIGALRM, on_alarm);
    (void)alarm(PANIC_S);
    host_panic("%s at 0x%" PRIxPTR ", address 0x%" PRIxPTR, trap->what, trap->pc, trap->address);
}

static void on_signal(int signo, siginfo_t *info, void *context)
{
    if (t_escape != NULL) {
        siglongjmp(*t_escape, 1);
    }
    if (!host_is_running() || info->si_code <= 0) { /* the program's own, or somebody's kill() */
        give_back(signo);
        if (info->si_code <= 0) {
            (void)raise(signo);
        }
        return;
    }
    host_trap_t trap = {
        .what = name_of(signo),
        .signal = signo,
        .pc = pc_of(context),
        .address = signo == SIGSEGV || signo == SIGBUS ? (uintptr_t)info->si_addr : 0,
    };
    if (!t_judging) {
        t_judging = true;
        const bool contained = contain(&trap, context);
        t_judging = false;
        if (contained) {
            return;
        }
    }
    if (SANITIZED) { /* it says more about it */
        give_back(signo);
        return;
    }
    panic(&trap);
}

void host_trap_install(void)
{
    struct sigaction action = {.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    action.sa_sigaction = on_signal;
    for (unsigned i = 0; i < SIGNALS; i++) {
        struct sigaction before;
        (void)sigaction(s_signals[i], &action, &before);
        if (!s_installed) {
            s_before[i] = before;
        }
    }
    if (!s_installed) {
        trap_place_init();
    }
    s_installed = true;
}

void trap_stack_set(void *base, size_t size, void *old)
{
    const stack_t stack = {.ss_sp = base, .ss_size = size};
    (void)sigaltstack(&stack, old);
}

void trap_stack_restore(const void *old)
{
    (void)sigaltstack(old, NULL);
}

/* ---- abort() ---- */

void trap_abort(const char *what, uintptr_t pc)
{
    uintptr_t frames[HOST_TRAP_FRAMES + 1];
    host_trap_t trap = {.what = what, .pc = pc};
    void *arg = NULL;
    if (!host_is_running() || t_judging || !task_is_free(k_self)) {
        return;
    }
    t_judging = true;
    keep_chain(&trap, frames, trap_place_chain(pc, frames, HOST_TRAP_FRAMES + 1));
    const host_trap_land_t land = ask(k_self, &trap, &arg);
    t_judging = false;
    if (land != NULL) {
        landing(land, arg);
    }
}
