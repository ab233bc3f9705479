// SPDX-License-Identifier: Apache-2.0
#include "host_control.h"

#include "sched.h"

uint32_t host_task_mutexes_held(const void *task)
{
    k_lock();
    const uint32_t held = ((const tcb_t *)task)->mutexes_held;
    k_unlock();
    return held;
}
