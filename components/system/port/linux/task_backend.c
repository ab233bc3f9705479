/* SPDX-License-Identifier: Apache-2.0 */
#include "task_backend.h"

#include <stdatomic.h>

#include "host_control.h"
#include "lock_order.h"

static portMUX_TYPE s_lock = portMUX_INITIALIZER_UNLOCKED;

void task_backend_lock(void)
{
    portENTER_CRITICAL_SAFE(&s_lock);
}

void task_backend_unlock(void)
{
    portEXIT_CRITICAL_SAFE(&s_lock);
}

bool task_backend_is_there(TaskHandle_t task)
{
    (void)task; /* the virtual board calls back before the handle becomes invalid */
    return true;
}

uint32_t task_backend_stack_free(const _Atomic(TaskHandle_t) *ref)
{
    task_backend_lock(); /* the look is short here, and one at a deleted task is an error */
    const TaskHandle_t task = atomic_load(ref);
    const uint32_t bytes = task != NULL ? uxTaskGetStackHighWaterMark(task) : 0;
    task_backend_unlock();
    return bytes;
}

uint8_t task_backend_deleter(void)
{
    return 1;
}

bool task_backend_is_past(const StaticTask_t *tcb, uint8_t deleter)
{
    (void)deleter; /* the virtual board knows of each control block */
    return host_task_memory_is_free(tcb);
}

esp_err_t task_backend_tell_past(void (*told)(void))
{
    host_on_task_memory_free(told);
    return ESP_OK;
}

uint32_t task_backend_mutexes_held(TaskHandle_t task)
{
    return host_task_mutexes_held(task);
}
