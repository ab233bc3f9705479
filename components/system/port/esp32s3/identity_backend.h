/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief Where code runs and whose it is, asked by every call of the bus and of the pools.
 */

#include <stdbool.h>
#include <stdint.h>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

/* A copy of the FreeRTOS pointer, which costs a call that masks interrupts; this is four
 * instructions. It is the task's own, and an ISR sees that of the task it interrupted. Not
 * __thread: a compiler built without thread-local storage turns that into a table that it
 * allocates, and the allocation's own accounting asks here whose it is. */
static inline void **identity_backend_of_task(void)
{
    uintptr_t thread;
    uintptr_t offset;
    __asm__("rur %0, threadptr\n\tmovi %1, identity_backend_slot@TPOFF"
            : "=r"(thread), "=r"(offset));
    return (void **)(thread + offset);
}

/** @context any */
static inline bool identity_backend_in_isr(void)
{
    uint32_t ps;
    __asm__ volatile("rsr %0, ps" : "=a"(ps));
    /* Every interrupt runs with its level in PS.INTLEVEL. A critical section does too: then ask. */
    return (ps & 0xFu) != 0 && xPortInIsrContext();
}

/* Of FreeRTOS' port, by core: set as the last thing before the core's first task runs. The kernel
 * counts as started earlier, and allocates until then with no task whose pointer it could be. */
extern volatile unsigned port_xSchedulerRunning[portNUM_PROCESSORS];

/** @context any */
static inline bool identity_backend_in_task(void)
{
    return port_xSchedulerRunning[xPortGetCoreID()] != 0 && !xPortInIsrContext();
}

/** Of the calling task, set by identity_backend_set(). @context any task */
static inline void *identity_backend_get(void)
{
    return *identity_backend_of_task();
}

/** Beside the FreeRTOS pointer, which others read. @context any task */
static inline void identity_backend_set(void *identity)
{
    *identity_backend_of_task() = identity;
}
