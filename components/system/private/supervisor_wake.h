/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief How the bus wakes a supervisor that sleeps because nothing runs.
 *
 * While handlers run the supervisor looks at them every few tens of milliseconds; when none does it
 * rests, and whoever starts one ends its rest. So an idle system has no wake-ups, and a busy one
 * pays one load per turn of a worker.
 *
 * A worker claims its mailbox (under the mailbox lock) before it asks whether the supervisor rests;
 * the supervisor says that it rests before it looks (under each mailbox lock) whether one is
 * claimed. One of the two sees the other.
 */

#include <stdatomic.h>

#include "system_internal.h"

extern _Atomic uint8_t supervisor_rests;

/** End the supervisor's rest. isr-ok. */
void supervisor_end_rest(void);

/** A handler is about to run, or something was refused that the supervisor reports. isr-ok. */
static inline void supervisor_note_busy(void)
{
    if (atomic_load_explicit(&supervisor_rests, memory_order_relaxed)) {
        supervisor_end_rest();
    }
}
