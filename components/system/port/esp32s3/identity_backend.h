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
 * instructions. It is the task's own, and an ISR sees that of the task it interrupted. */
extern __thread void *identity_backend_of_task;

/** @context any */
static inline bool identity_backend_in_isr(void)
{
    uint32_t ps;
    __asm__ volatile("rsr %0, ps" : "=a"(ps));
    /* Every interrupt runs with its level in PS.INTLEVEL. A critical section does too: then ask. */
    return (ps & 0xFu) != 0 && xPortInIsrContext();
}

/** Of the calling task, set by identity_backend_set(). @context any task */
static inline void *identity_backend_get(void)
{
    return identity_backend_of_task;
}

/** Beside the FreeRTOS pointer, which others read. @context any task */
static inline void identity_backend_set(void *identity)
{
    identity_backend_of_task = identity;
}
