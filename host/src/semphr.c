// SPDX-License-Identifier: Apache-2.0

// Semaphores and mutexes; priority inheritance.
//
// Inheritance is FreeRTOS's simplified one: the holder keeps what it inherited until it holds no
// mutex at all, except that a waiter which gives up lets it fall to the highest one still waiting.

#include "host_internal.h"
#include "queue.h"

/* ---- creation ---- */

QueueHandle_t xQueueCreateMutex(const uint8_t ucQueueType)
{
    QueueHandle_t q = xQueueGenericCreate(1, 0, ucQueueType);
    if (q != NULL) {
        q->count = 1;
    }
    return q;
}

QueueHandle_t xQueueCreateMutexStatic(const uint8_t ucQueueType, StaticQueue_t *pxStaticQueue)
{
    QueueHandle_t q = xQueueGenericCreateStatic(1, 0, NULL, pxStaticQueue, ucQueueType);
    q->count = 1;
    return q;
}

QueueHandle_t xQueueCreateCountingSemaphore(const UBaseType_t uxMaxCount,
                                            const UBaseType_t uxInitialCount)
{
    configASSERT(uxMaxCount != 0 && uxInitialCount <= uxMaxCount);
    QueueHandle_t q = xQueueGenericCreate(uxMaxCount, 0, queueQUEUE_TYPE_COUNTING_SEMAPHORE);
    if (q != NULL) {
        q->count = uxInitialCount;
    }
    return q;
}

QueueHandle_t xQueueCreateCountingSemaphoreStatic(const UBaseType_t uxMaxCount,
                                                  const UBaseType_t uxInitialCount,
                                                  StaticQueue_t *pxStaticQueue)
{
    configASSERT(uxMaxCount != 0 && uxInitialCount <= uxMaxCount);
    QueueHandle_t q = xQueueGenericCreateStatic(uxMaxCount, 0, NULL, pxStaticQueue,
                                                queueQUEUE_TYPE_COUNTING_SEMAPHORE);
    q->count = uxInitialCount;
    return q;
}

/* ---- inheritance, lock held ---- */

void mutex_taken_locked(QueueHandle_t q, tcb_t *self)
{
    q->holder = self;
    self->mutexes_held++;
}

void mutex_given_locked(QueueHandle_t q, tcb_t *self)
{
    if (q->holder != self) {
        host_panic("a mutex is given by %s, but held by %s", self->name,
                   q->holder != NULL ? q->holder->name : "nobody");
    }
    q->holder = NULL;
    if (--self->mutexes_held == 0 && self->prio != self->base_prio) {
        k_set_prio(self, self->base_prio);
    }
}

/* A holder that was deleted keeps the mutex for ever, as on the device; it inherits nothing. */
static tcb_t *live_holder(QueueHandle_t q)
{
    return q->holder != NULL && q->holder->magic == K_TCB_LIVE ? q->holder : NULL;
}

void mutex_inherit_locked(QueueHandle_t q, tcb_t *self)
{
    tcb_t *holder = live_holder(q);
    self->wait_mutex = q;
    if (holder != NULL && holder->prio < self->prio) {
        k_set_prio(holder, self->prio);
    }
}

void mutex_wait_over_locked(QueueHandle_t q, tcb_t *self, bool taken)
{
    self->wait_mutex = NULL;
    tcb_t *holder = live_holder(q);
    if (taken || holder == NULL || holder->mutexes_held != 1 || holder->prio == holder->base_prio) {
        return;
    }
    UBaseType_t prio = holder->base_prio;
    if (q->receivers.first != NULL && q->receivers.first->prio > prio) {
        prio = q->receivers.first->prio;
    }
    k_set_prio(holder, prio);
}

/* ---- taking ---- */

BaseType_t xQueueSemaphoreTake(QueueHandle_t xQueue, TickType_t xTicksToWait)
{
    queue_check(xQueue, "xSemaphoreTake");
    tcb_t *self = k_task_call("xSemaphoreTake", xQueue->ordinal);
    configASSERT(xQueue->item_size == 0);
    bool mutex = queue_is_mutex(xQueue);
    uint64_t deadline = xTicksToWait == 0 ? 0 : k_deadline(xTicksToWait);
    bool late = xTicksToWait == 0;
    bool waited = false;
    k_lock();
    while (xQueue->count == 0 && !late) {
        if (mutex) {
            mutex_inherit_locked(xQueue, self);
        }
        waited = true;
        late = k_block(&xQueue->receivers, deadline, mutex ? "mutex" : "semaphore",
                       xQueue->ordinal) == K_TIMEOUT;
    }
    bool ok = xQueue->count > 0;
    if (ok) {
        (void)queue_take_locked(xQueue, NULL, false);
        if (mutex) {
            mutex_taken_locked(xQueue, self);
        }
    }
    if (mutex && waited) {
        mutex_wait_over_locked(xQueue, self, ok);
    }
    k_unlock();
    return ok ? pdPASS : pdFAIL;
}

BaseType_t xQueueGiveFromISR(QueueHandle_t xQueue, BaseType_t *const pxHigherPriorityTaskWoken)
{
    queue_check(xQueue, "xSemaphoreGiveFromISR");
    configASSERT(xQueue->item_size == 0);
    if (queue_is_mutex(xQueue)) {
        host_panic("xSemaphoreGiveFromISR() on a mutex: mutexes are not for interrupts");
    }
    return xQueueGenericSendFromISR(xQueue, NULL, pxHigherPriorityTaskWoken, queueSEND_TO_BACK);
}

TaskHandle_t xQueueGetMutexHolder(QueueHandle_t xSemaphore)
{
    queue_check(xSemaphore, "xSemaphoreGetMutexHolder");
    (void)k_task_call("xSemaphoreGetMutexHolder", xSemaphore->ordinal);
    k_lock();
    TaskHandle_t holder = queue_is_mutex(xSemaphore) ? xSemaphore->holder : NULL;
    k_unlock();
    return holder;
}

TaskHandle_t xQueueGetMutexHolderFromISR(QueueHandle_t xSemaphore)
{
    queue_check(xSemaphore, "xSemaphoreGetMutexHolderFromISR");
    (void)k_any_call("xSemaphoreGetMutexHolderFromISR", xSemaphore->ordinal);
    k_lock();
    TaskHandle_t holder = queue_is_mutex(xSemaphore) ? xSemaphore->holder : NULL;
    k_unlock();
    return holder;
}

/* ---- recursive mutexes ---- */

BaseType_t xQueueTakeMutexRecursive(QueueHandle_t xMutex, TickType_t xTicksToWait)
{
    queue_check(xMutex, "xSemaphoreTakeRecursive");
    tcb_t *self = k_task_call("xSemaphoreTakeRecursive", xMutex->ordinal);
    k_lock();
    bool mine = xMutex->holder == self;
    k_unlock();
    if (!mine && xQueueSemaphoreTake(xMutex, xTicksToWait) != pdPASS) {
        return pdFAIL;
    }
    xMutex->nested++; /* only ever touched by the holder */
    return pdPASS;
}

BaseType_t xQueueGiveMutexRecursive(QueueHandle_t xMutex)
{
    queue_check(xMutex, "xSemaphoreGiveRecursive");
    tcb_t *self = k_task_call("xSemaphoreGiveRecursive", xMutex->ordinal);
    k_lock();
    bool mine = xMutex->holder == self;
    k_unlock();
    if (!mine) {
        return pdFAIL;
    }
    if (--xMutex->nested == 0) {
        (void)xQueueGenericSend(xMutex, NULL, semGIVE_BLOCK_TIME, queueSEND_TO_BACK);
    }
    return pdPASS;
}
