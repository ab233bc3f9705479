/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A task's handle is the address of its control block, which StaticTask_t mirrors field by field;
 * uxDummy12[1] stands where FreeRTOS counts the mutexes held. task_end_self_test() makes sure.
 *
 * vTaskDelete() unlinks a task inside the kernel's lock, and calls back some time after it gave the
 * lock back: a deleter of low priority may be kept from its core in between for long. So the lock
 * is the kernel's own, and inside it FreeRTOS is asked. The control blocks of all tasks looked at
 * here are static: the look is safe however late it comes.
 */
#include "task_backend.h"

#include <stdatomic.h>

#include "esp_private/freertos_idf_additions_priv.h"

#include "lock_order.h"

/* On one core, whoever masks the interrupts has the kernel to himself. FreeRTOS has it so that an
 * ISR takes the kernel's lock by other calls than a task, which it does not export; where that is
 * checked, an ISR is kept out by a lock of ours alone, and cannot ask. */
#if portNUM_PROCESSORS > 1 && !defined(CONFIG_FREERTOS_CHECK_PORT_CRITICAL_COMPLIANCE)
#define KERNEL_LOCK 1
#else
#define KERNEL_LOCK 0
static portMUX_TYPE s_lock = portMUX_INITIALIZER_UNLOCKED;
#endif

void task_backend_lock(void)
{
#if KERNEL_LOCK
    prvTakeKernelLock();
#else
    portENTER_CRITICAL_SAFE(&s_lock);
#if portNUM_PROCESSORS > 1
    if (!xPortInIsrContext()) {
        prvTakeKernelLock();
    }
#endif
#endif
}

void task_backend_unlock(void)
{
#if KERNEL_LOCK
    prvReleaseKernelLock();
#else
#if portNUM_PROCESSORS > 1
    if (!xPortInIsrContext()) {
        prvReleaseKernelLock();
    }
#endif
    portEXIT_CRITICAL_SAFE(&s_lock);
#endif
}

bool task_backend_is_there(TaskHandle_t task)
{
#ifdef CONFIG_FREERTOS_CHECK_PORT_CRITICAL_COMPLIANCE
    if (xPortInIsrContext()) {
        return true;
    }
#endif
    return eTaskGetState(task) != eDeleted;
}

uint32_t task_backend_stack_free(const _Atomic(TaskHandle_t) *ref)
{
    const TaskHandle_t task = atomic_load(ref);
    return task != NULL ? uxTaskGetStackHighWaterMark(task) : 0;
}

uint32_t task_backend_mutexes_held(TaskHandle_t task)
{
    return ((volatile StaticTask_t *)task)->uxDummy12[1];
}
