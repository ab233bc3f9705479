/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief What the core tells system_lock.c of the ends of its holders.
 */

#include <stdbool.h>
#include <stdint.h>

#include "event_internal.h"

/** @context init only */
void system_locks_init(void);
/** The task of this identity is gone for good, or its handler or lifecycle function returned: what
 *  it holds is free, and to be mended. @context any task, also FreeRTOS' deletion callback */
void system_locks_holder_gone(const system_identity_t *identity);
/** Most handlers hold nothing when they return: looked at without a lock, by the task itself. */
static inline void system_locks_forgotten(const system_identity_t *identity)
{
    if (atomic_load_explicit(&identity->locks, memory_order_relaxed) != 0) {
        system_locks_holder_gone(identity);
    }
}
/** The waits of this owner's tasks end. */
void system_locks_end_waits(unsigned slot);
/** Everything of the owner is taken back: a task of it that still holds a lock has lost it. */
void system_locks_reclaim(unsigned slot);
/** The owner goes for good, and its locks with it. */
void system_locks_release(unsigned slot);
/** Locks that the tasks of an owner hold now. */
unsigned system_locks_held(unsigned slot);
