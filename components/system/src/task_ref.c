/* SPDX-License-Identifier: Apache-2.0 */
#include "task_ref.h"

#include "task_backend.h"

/* One lock for all tasks, a leaf: it protects that a reference which is not NULL, and whose task is
 * there, is a task. */
void task_refs_lock(void)
{
    task_backend_lock();
}

void task_refs_unlock(void)
{
    task_backend_unlock();
}

/** @return the task, or NULL: somebody deleted it, or begins to. Lock held. */
static TaskHandle_t there_locked(const task_ref_t *ref)
{
    const TaskHandle_t task = atomic_load(ref);
    return task != NULL && task_backend_is_there(task) ? task : NULL;
}

bool task_ref_is_there_locked(const task_ref_t *ref)
{
    return there_locked(ref) != NULL;
}

void task_ref_set(task_ref_t *ref, TaskHandle_t task)
{
    task_refs_lock();
    if (task != NULL && eTaskGetState(task) != eDeleted) { /* else its callback came before this */
        atomic_store(ref, task);
    }
    task_refs_unlock();
}

TaskHandle_t task_ref_void(task_ref_t *ref)
{
    task_refs_lock();
    const TaskHandle_t task = atomic_load(ref);
    atomic_store(ref, NULL);
    task_refs_unlock();
    return task;
}

bool task_ref_notify_locked(const task_ref_t *ref, BaseType_t *woken)
{
    const TaskHandle_t task = there_locked(ref);
    if (task != NULL && xPortInIsrContext()) {
        vTaskNotifyGiveFromISR(task, woken);
    } else if (task != NULL) {
        xTaskNotifyGive(task);
    }
    return task != NULL;
}

bool task_ref_notify(const task_ref_t *ref, BaseType_t *woken)
{
    task_refs_lock();
    const bool there = task_ref_notify_locked(ref, woken);
    task_refs_unlock();
    return there;
}

bool task_ref_set_priority_locked(const task_ref_t *ref, UBaseType_t priority)
{
    const TaskHandle_t task = there_locked(ref); /* NULL would be the caller */
    if (task != NULL) {
        vTaskPrioritySet(task, priority);
    }
    return task != NULL;
}

bool task_ref_set_priority(const task_ref_t *ref, UBaseType_t priority)
{
    task_refs_lock();
    const bool there = task_ref_set_priority_locked(ref, priority);
    task_refs_unlock();
    return there;
}

bool task_ref_suspend(const task_ref_t *ref)
{
    task_refs_lock();
    const TaskHandle_t task = there_locked(ref);
    if (task != NULL) {
        vTaskSuspend(task);
    }
    task_refs_unlock();
    return task != NULL;
}

void task_ref_resume(const task_ref_t *ref)
{
    task_refs_lock();
    const TaskHandle_t task = there_locked(ref);
    if (task != NULL) {
        vTaskResume(task);
    }
    task_refs_unlock();
}

bool task_ref_is_suspended(const task_ref_t *ref)
{
    task_refs_lock();
    const TaskHandle_t task = there_locked(ref);
    const bool suspended = task != NULL && eTaskGetState(task) == eSuspended;
    task_refs_unlock();
    return suspended;
}

uint32_t task_ref_mutexes_held(const task_ref_t *ref)
{
    task_refs_lock();
    const TaskHandle_t task = there_locked(ref);
    const uint32_t held = task != NULL ? task_backend_mutexes_held(task) : 0;
    task_refs_unlock();
    return held;
}

uint32_t task_ref_stack_free(const task_ref_t *ref)
{
    return task_backend_stack_free(ref);
}

bool task_ref_delete(task_ref_t *ref)
{
    task_refs_lock();
    const TaskHandle_t task = there_locked(ref);
    if (task != NULL) { /* else its callback finds it as it was */
        atomic_store(ref, NULL);
    }
    task_refs_unlock();
    if (task != NULL) { /* not inside: callbacks of others run, too */
        vTaskDelete(task);
    }
    return task != NULL;
}
