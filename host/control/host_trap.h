// SPDX-License-Identifier: Apache-2.0
#pragma once

// Faults of the processor (SIGSEGV, SIGBUS, SIGFPE, SIGILL) and abort(), as the board's code sees
// them: the board panics, unless a hook lets the faulting task go on somewhere else.

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HOST_TRAP_FRAMES 12

/** What went wrong. */
typedef struct {
    const char *what; // "SIGSEGV", ..., "abort()", "assert()"
    int signal;       // 0: abort() or assert()
    uintptr_t pc;
    uintptr_t address; // that could not be used; 0 where there is none
    bool stack_overflow;
    unsigned frame_count;
    uintptr_t frames[HOST_TRAP_FRAMES]; // return addresses, the innermost first
} host_trap_t;

typedef void (*host_trap_land_t)(void *arg);

/**
 * Decides about a fault of the running task. It is asked only if ending the task can do no harm to
 * the board: no interrupt, no critical section, scheduler not suspended, no FreeRTOS mutex and no
 * lock of the board or of the C library held, stack pointer in the task's stack. Called in the
 * signal's context: no scheduling, no allocation, no output.
 * @return what the task is to go on with; it must not return. NULL: the board panics
 */
typedef host_trap_land_t (*host_trap_hook_t)(const host_trap_t *trap, void **arg);
void host_trap_set_hook(host_trap_hook_t hook);

/**
 * Catches the signals. host_boot() does it; to be called again by a test whose framework catches
 * them for itself.
 */
void host_trap_install(void);

#ifdef __cplusplus
}
#endif
