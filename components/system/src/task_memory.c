/* SPDX-License-Identifier: Apache-2.0 */
#include "task_memory.h"

#include "supervisor_internal.h"
#include "task_backend.h"

/* Somebody found memory that is not free yet. Set before the look, taken after a deleter was seen
 * past: one of the two sees the other. */
static _Atomic uint32_t s_waited_for;

/** A deleter came past. In its task, which may be an idle task: nothing here blocks. */
static void on_past(void)
{
    if (atomic_load(&s_waited_for) != 0 && atomic_exchange(&s_waited_for, 0) != 0) {
        last_resort_aside(); /* workers may be missing */
        supervisor_poke();
    }
}

esp_err_t task_memory_init(void)
{
    return task_backend_tell_past(on_past);
}

TaskHandle_t task_memory_lost(task_ref_t *ref, task_deleter_t *deleter)
{
    task_refs_lock();
    if (atomic_load(ref) != NULL) {
        atomic_store(deleter, task_backend_deleter()); /* before anybody can see that it is gone */
    }
    const TaskHandle_t task = task_ref_void(ref);
    task_refs_unlock();
    return task;
}

bool task_memory_is_free(const StaticTask_t *tcb, task_deleter_t *deleter)
{
    const uint8_t who = atomic_load(deleter);
    if (who == 0) {
        return true;
    }
    atomic_store(&s_waited_for, 1);
    if (!task_backend_is_past(tcb, who)) {
        return false;
    }
    atomic_store(deleter, 0);
    return true;
}

bool task_memory_wait(const StaticTask_t *tcb, task_deleter_t *deleter)
{
    for (TickType_t waited = 0; !task_memory_is_free(tcb, deleter); waited++) {
        if (waited >= pdMS_TO_TICKS(CONFIG_SYSTEM_TASK_END_MS)) {
            return false;
        }
        vTaskDelay(1);
    }
    return true;
}
