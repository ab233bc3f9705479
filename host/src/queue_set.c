// SPDX-License-Identifier: Apache-2.0

// Queue sets: a queue of handles that queue_put_locked() feeds.

#include "host_internal.h"
#include "queue.h"

QueueSetHandle_t xQueueCreateSet(const UBaseType_t uxEventQueueLength)
{
    return xQueueGenericCreate(uxEventQueueLength, sizeof(QueueHandle_t), queueQUEUE_TYPE_SET);
}

BaseType_t xQueueAddToSet(QueueSetMemberHandle_t xQueueOrSemaphore, QueueSetHandle_t xQueueSet)
{
    queue_check(xQueueOrSemaphore, "xQueueAddToSet");
    queue_check(xQueueSet, "xQueueAddToSet");
    (void)k_task_call("xQueueAddToSet", xQueueOrSemaphore->ordinal);
    k_lock();
    bool ok = xQueueOrSemaphore->set == NULL && xQueueOrSemaphore->count == 0;
    if (ok) {
        xQueueOrSemaphore->set = xQueueSet;
    }
    k_unlock();
    return ok ? pdPASS : pdFAIL;
}

BaseType_t xQueueRemoveFromSet(QueueSetMemberHandle_t xQueueOrSemaphore, QueueSetHandle_t xQueueSet)
{
    queue_check(xQueueOrSemaphore, "xQueueRemoveFromSet");
    (void)k_task_call("xQueueRemoveFromSet", xQueueOrSemaphore->ordinal);
    k_lock();
    bool ok = xQueueOrSemaphore->set == xQueueSet && xQueueOrSemaphore->count == 0;
    if (ok) {
        xQueueOrSemaphore->set = NULL;
    }
    k_unlock();
    return ok ? pdPASS : pdFAIL;
}

QueueSetMemberHandle_t xQueueSelectFromSet(QueueSetHandle_t xQueueSet,
                                           const TickType_t xTicksToWait)
{
    QueueSetMemberHandle_t member = NULL;
    (void)xQueueReceive(xQueueSet, &member, xTicksToWait);
    return member;
}

QueueSetMemberHandle_t xQueueSelectFromSetFromISR(QueueSetHandle_t xQueueSet)
{
    QueueSetMemberHandle_t member = NULL;
    (void)xQueueReceiveFromISR(xQueueSet, &member, NULL);
    return member;
}
