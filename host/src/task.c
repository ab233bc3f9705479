// SPDX-License-Identifier: Apache-2.0

// Tasks: delay, suspend, priority, scheduler lock, time.

#include "host_internal.h"
#include "sched.h"

/* ---- time ---- */

TickType_t xTaskGetTickCount(void)
{
    return (TickType_t)(g_sched->now() / K_TICK_US);
}

TickType_t xTaskGetTickCountFromISR(void)
{
    return xTaskGetTickCount();
}

void vTaskDelay(const TickType_t xTicksToDelay)
{
    (void)k_task_call("vTaskDelay", 0);
    if (xTicksToDelay == 0) {
        g_sched->yield();
        return;
    }
    k_lock();
    /* portMAX_DELAY ticks are a number here, not "for ever" */
    uint64_t deadline = (g_sched->now() / K_TICK_US + xTicksToDelay) * K_TICK_US;
    (void)k_block(NULL, deadline, "delay", 0);
    k_unlock();
}

BaseType_t xTaskDelayUntil(TickType_t *const pxPreviousWakeTime, const TickType_t xTimeIncrement)
{
    (void)k_task_call("xTaskDelayUntil", 0);
    configASSERT(pxPreviousWakeTime != NULL);
    configASSERT(xTimeIncrement > 0);
    k_lock();
    uint64_t now = g_sched->now() / K_TICK_US;
    /* Both times lie within 2^31 ticks of now, so the signed difference says which is ahead. */
    TickType_t wake = *pxPreviousWakeTime + xTimeIncrement;
    int32_t ahead = (int32_t)(wake - (TickType_t)now);
    *pxPreviousWakeTime = wake;
    if (ahead > 0) {
        (void)k_block(NULL, (now + (uint64_t)ahead) * K_TICK_US, "delay until", 0);
    }
    k_unlock();
    if (ahead <= 0) {
        g_sched->yield();
    }
    return ahead > 0 ? pdTRUE : pdFALSE;
}

BaseType_t xTaskAbortDelay(TaskHandle_t xTask)
{
    (void)k_task_call("xTaskAbortDelay", 0);
    configASSERT(xTask != NULL);
    tcb_t *t = k_tcb_check(xTask, "xTaskAbortDelay");
    k_lock();
    bool blocked = t->state == K_BLOCKED;
    if (blocked) {
        t->delay_aborted = true;
        k_unblock(t, K_TIMEOUT); /* the call it waits in ends as if its time had run out */
    }
    k_unlock();
    return blocked ? pdPASS : pdFAIL;
}

void vTaskSetTimeOutState(TimeOut_t *const pxTimeOut)
{
    uint64_t ticks = g_sched->now() / K_TICK_US;
    pxTimeOut->xOverflowCount = (BaseType_t)(ticks >> 32);
    pxTimeOut->xTimeOnEntering = (TickType_t)ticks;
}

BaseType_t xTaskCheckForTimeOut(TimeOut_t *const pxTimeOut, TickType_t *const pxTicksToWait)
{
    configASSERT(pxTimeOut != NULL);
    configASSERT(pxTicksToWait != NULL);
    tcb_t *self = k_any_call("xTaskCheckForTimeOut", 0);
    if (self->delay_aborted) {
        self->delay_aborted = false;
        return pdTRUE;
    }
    if (*pxTicksToWait == portMAX_DELAY) {
        return pdFALSE;
    }
    uint64_t entered =
        ((uint64_t)(uint32_t)pxTimeOut->xOverflowCount << 32) | pxTimeOut->xTimeOnEntering;
    uint64_t elapsed = g_sched->now() / K_TICK_US - entered;
    if (elapsed >= *pxTicksToWait) {
        *pxTicksToWait = 0;
        return pdTRUE;
    }
    *pxTicksToWait -= (TickType_t)elapsed;
    vTaskSetTimeOutState(pxTimeOut);
    return pdFALSE;
}

/* ---- suspend and resume ---- */

static void suspend_self(tcb_t *self)
{
    if (!k_may_cut(self) || self->sched_lock > 0) {
        host_panic("task %s suspends itself inside a critical section", self->name);
    }
    k_lock();
    self->state = K_SUSPENDED;
    self->wait_what = "suspended";
    g_sched->park();
    self->wait_what = NULL;
    k_unlock();
}

void vTaskSuspend(TaskHandle_t xTaskToSuspend)
{
    tcb_t *self = k_task_call("vTaskSuspend", 0);
    tcb_t *t = k_tcb_check(xTaskToSuspend, "vTaskSuspend");
    if (t == self) {
        suspend_self(self);
        return;
    }
    k_lock();
    if (t->state == K_DELETED || t->kill) {
        k_unlock();
        return;
    }
    if (g_sched->withdraw(t)) {
        k_remove_waiter(t); /* whatever it waited for, it asks again when resumed */
        t->state = K_SUSPENDED;
        t->reason = K_RESUMED;
        t->wait_what = "suspended";
    } else {
        t->suspend_req = true;
    }
    k_unlock();
    g_sched->point(K_POINT_CALL, t->number);
}

static bool resume_locked(tcb_t *t)
{
    t->suspend_req = false;
    if (t->state != K_SUSPENDED) {
        return false;
    }
    t->wait_what = NULL;
    k_unblock(t, K_RESUMED);
    return true;
}

void vTaskResume(TaskHandle_t xTaskToResume)
{
    (void)k_task_call("vTaskResume", 0);
    configASSERT(xTaskToResume != NULL);
    tcb_t *t = k_tcb_check(xTaskToResume, "vTaskResume");
    k_lock();
    (void)resume_locked(t);
    k_unlock();
}

BaseType_t xTaskResumeFromISR(TaskHandle_t xTaskToResume)
{
    (void)k_any_call("xTaskResumeFromISR", 0);
    configASSERT(xTaskToResume != NULL);
    tcb_t *t = k_tcb_check(xTaskToResume, "xTaskResumeFromISR");
    k_lock();
    BaseType_t yield = resume_locked(t) && k_outranks(t) ? pdTRUE : pdFALSE;
    k_unlock();
    return yield;
}

/* ---- priority ---- */

UBaseType_t uxTaskPriorityGet(const TaskHandle_t xTask)
{
    (void)k_task_call("uxTaskPriorityGet", 0);
    tcb_t *t = k_tcb_check(xTask, "uxTaskPriorityGet");
    k_lock();
    UBaseType_t prio = t->prio;
    k_unlock();
    return prio;
}

UBaseType_t uxTaskPriorityGetFromISR(const TaskHandle_t xTask)
{
    (void)k_any_call("uxTaskPriorityGetFromISR", 0);
    tcb_t *t = k_tcb_check(xTask, "uxTaskPriorityGetFromISR");
    k_lock();
    UBaseType_t prio = t->prio;
    k_unlock();
    return prio;
}

void vTaskPrioritySet(TaskHandle_t xTask, UBaseType_t uxNewPriority)
{
    (void)k_task_call("vTaskPrioritySet", 0);
    configASSERT(uxNewPriority < configMAX_PRIORITIES);
    tcb_t *t = k_tcb_check(xTask, "vTaskPrioritySet");
    k_lock();
    /* An inherited priority stays until the mutex is given, unless the new one is higher still. */
    if (t->prio == t->base_prio || uxNewPriority > t->prio) {
        k_set_prio(t, uxNewPriority);
    }
    t->base_prio = uxNewPriority;
    k_unlock();
}

/* ---- scheduler lock ---- */

void vTaskSuspendAll(void)
{
    tcb_t *self = k_task_call("vTaskSuspendAll", 0);
    self->sched_lock++;
}

BaseType_t xTaskResumeAll(void)
{
    tcb_t *self = k_self;
    if (self == NULL || self->is_isr) {
        k_bad_context("xTaskResumeAll");
    }
    configASSERT(self->sched_lock > 0);
    self->sched_lock--;
    g_sched->point(K_POINT_CRITICAL, 4);
    return pdFALSE; /* whatever had to yield has yielded */
}

BaseType_t xTaskGetSchedulerState(void)
{
    const tcb_t *self = k_self;
    if (self == NULL) {
        return taskSCHEDULER_NOT_STARTED;
    }
    return self->sched_lock > 0 ? taskSCHEDULER_SUSPENDED : taskSCHEDULER_RUNNING;
}
