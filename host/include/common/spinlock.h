// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include "sdkconfig.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SPINLOCK_FREE         0xB33FFFFF
#define SPINLOCK_WAIT_FOREVER (-1)
#define SPINLOCK_NO_WAIT      0
#ifdef __cplusplus
#define SPINLOCK_INITIALIZER                                                                       \
    {                                                                                              \
        SPINLOCK_FREE, 0                                                                           \
    }
#else
#define SPINLOCK_INITIALIZER                                                                       \
    {                                                                                              \
        .owner = SPINLOCK_FREE, .count = 0                                                         \
    }
#endif

/* owner: SPINLOCK_FREE or the number of the task or interrupt that holds it (the device keeps the
 * core's number there); count: nesting depth, touched by the owner only. */
typedef struct {
    uint32_t owner;
    uint32_t count;
} spinlock_t;

static inline void spinlock_initialize(spinlock_t *lock)
{
    assert(lock);
    lock->owner = SPINLOCK_FREE;
    lock->count = 0;
}

/** @brief Take the lock, at most for timeout CPU cycles (see SPINLOCK_). @context any task, isr-ok
 */
bool spinlock_acquire(spinlock_t *lock, int32_t timeout);
/** @brief Give back one level. @context the owner */
void spinlock_release(spinlock_t *lock);

#ifdef __cplusplus
}
#endif
