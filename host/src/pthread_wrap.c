// SPDX-License-Identifier: Apache-2.0

// Counts the mutexes that a thread holds, of whatever code is linked into the board (see
// cmake/heap_wrap.cmake): a task that faults while it holds one cannot be ended.

#include "heap_wrap.h"
#include "trap.h"

_Thread_local unsigned k_locks_held;

int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex)
{
    const int ret = __real_pthread_mutex_lock(mutex);
    k_locks_held += ret == 0;
    return ret;
}

int __wrap_pthread_mutex_trylock(pthread_mutex_t *mutex)
{
    const int ret = __real_pthread_mutex_trylock(mutex);
    k_locks_held += ret == 0;
    return ret;
}

int __wrap_pthread_mutex_unlock(pthread_mutex_t *mutex)
{
    const int ret = __real_pthread_mutex_unlock(mutex);
    k_locks_held -= ret == 0;
    return ret;
}
