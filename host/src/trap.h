// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "host_trap.h"

/* Mutexes of this thread, counted by pthread_wrap.c. */
extern _Thread_local unsigned k_locks_held;

/* ---- trap_place.c: whose code it is ------------------------------------------------------------
 */

/* Find out what is where in the process. Before the first fault. */
void trap_place_init(void);
/* The call chain from the fault outwards: frames[0] is pc itself. @return how many */
unsigned trap_place_chain(uintptr_t pc, uintptr_t *frames, unsigned room);
/* The chain begins in the C library or another one, at a place that may hold a lock of it. */
bool trap_place_may_hold_lock(const uintptr_t *frames, unsigned count);

/* ---- trap.c ------------------------------------------------------------------------------------
 */

/* Call fn, and come back also if it faults. @return false: it did */
bool trap_try(void (*fn)(void *arg), void *arg);
/* Stack for signals of the calling thread. old: what was there, for trap_stack_restore(). */
void trap_stack_set(void *base, size_t size, void *old);
void trap_stack_restore(const void *old);
/* abort() or a failed assert() in the running task: does not return if the hook takes it. */
void trap_abort(const char *what, uintptr_t pc);
