// SPDX-License-Identifier: Apache-2.0

// Queues: create, send, receive, peek, sets.

#include "queue.h"

#include <string.h>
#include "host_internal.h"

/* ---- records ---- */

void queue_check(const struct QueueDefinition *q, const char *call)
{
    configASSERT(q != NULL);
    if (q->magic != QUEUE_LIVE) {
        host_panic("%s(%p): not a queue, semaphore or mutex, or one that was deleted", call,
                   (const void *)q);
    }
}

void queue_init(QueueHandle_t q, uint32_t length, uint32_t item_size, uint8_t *items, uint8_t type)
{
    memset(q, 0, sizeof(*q));
    q->magic = QUEUE_LIVE;
    q->ordinal = k_next_ordinal();
    q->items = items;
    q->length = length;
    q->item_size = item_size;
    q->type = type;
}

QueueHandle_t xQueueGenericCreate(const UBaseType_t uxQueueLength, const UBaseType_t uxItemSize,
                                  const uint8_t ucQueueType)
{
    (void)k_task_call("xQueueCreate", 0);
    size_t bytes;
    bool overflow = __builtin_mul_overflow((size_t)uxQueueLength, (size_t)uxItemSize, &bytes);
    configASSERT(uxQueueLength > 0 && !overflow && bytes < SIZE_MAX - sizeof(StaticQueue_t));
    struct QueueDefinition *q = pvPortMalloc(sizeof(*q) + bytes);
    if (q == NULL) {
        return NULL;
    }
    queue_init(q, uxQueueLength, uxItemSize, bytes > 0 ? (uint8_t *)(q + 1) : NULL, ucQueueType);
    return q;
}

QueueHandle_t xQueueGenericCreateStatic(const UBaseType_t uxQueueLength,
                                        const UBaseType_t uxItemSize, uint8_t *pucQueueStorage,
                                        StaticQueue_t *pxStaticQueue, const uint8_t ucQueueType)
{
    configASSERT(uxQueueLength > 0);
    configASSERT(pxStaticQueue != NULL);
    configASSERT((pucQueueStorage != NULL) == (uxItemSize != 0));
    QueueHandle_t q = (QueueHandle_t)pxStaticQueue;
    queue_init(q, uxQueueLength, uxItemSize, pucQueueStorage, ucQueueType);
    q->is_static = true;
    return q;
}

BaseType_t xQueueGenericGetStaticBuffers(QueueHandle_t xQueue, uint8_t **ppucQueueStorage,
                                         StaticQueue_t **ppxStaticQueue)
{
    queue_check(xQueue, "xQueueGetStaticBuffers");
    configASSERT(ppxStaticQueue != NULL);
    if (!xQueue->is_static) {
        return pdFALSE;
    }
    if (ppucQueueStorage != NULL) {
        *ppucQueueStorage = xQueue->items;
    }
    *ppxStaticQueue = (StaticQueue_t *)xQueue;
    return pdTRUE;
}

void vQueueDelete(QueueHandle_t xQueue)
{
    queue_check(xQueue, "vQueueDelete");
    (void)k_task_call("vQueueDelete", xQueue->ordinal);
    k_lock();
    const tcb_t *waiter =
        xQueue->receivers.first != NULL ? xQueue->receivers.first : xQueue->senders.first;
    xQueue->magic = 0;
    k_unlock();
    if (waiter != NULL) {
        host_panic("vQueueDelete: task %s is blocked on the object", waiter->name);
    }
    if (!xQueue->is_static) {
        vPortFree(xQueue);
    }
}

BaseType_t xQueueGenericReset(QueueHandle_t xQueue, BaseType_t xNewQueue)
{
    (void)xNewQueue;
    queue_check(xQueue, "xQueueReset");
    (void)k_task_call("xQueueReset", xQueue->ordinal);
    k_lock();
    xQueue->count = 0;
    xQueue->first = 0;
    (void)k_wake_one(&xQueue->senders);
    k_unlock();
    return pdPASS;
}

/* ---- items ---- */

static uint8_t *slot(const struct QueueDefinition *q, uint32_t index)
{
    return q->items + (size_t)((q->first + index) % q->length) * q->item_size;
}

tcb_t *queue_put_locked(QueueHandle_t q, const void *item, BaseType_t position)
{
    bool replaced = false;
    if (position == queueOVERWRITE && q->count > 0) {
        q->count--;
        replaced = true;
    }
    if (q->items != NULL) {
        if (position == queueSEND_TO_FRONT) {
            q->first = (q->first + q->length - 1) % q->length;
            memcpy(slot(q, 0), item, q->item_size);
        } else {
            memcpy(slot(q, q->count), item, q->item_size);
        }
    }
    q->count++;
    if (q->set != NULL && !replaced) {
        return q->set->count < q->set->length ? queue_put_locked(q->set, &q, queueSEND_TO_BACK)
                                              : NULL;
    }
    return k_wake_one(&q->receivers);
}

tcb_t *queue_take_locked(QueueHandle_t q, void *item, bool keep)
{
    if (q->items != NULL && item != NULL) {
        memcpy(item, slot(q, 0), q->item_size);
    }
    if (keep) {
        return k_wake_one(&q->receivers); /* the item is there for the next one */
    }
    if (q->items != NULL) {
        q->first = (q->first + 1) % q->length;
    }
    q->count--;
    return k_wake_one(&q->senders);
}

/* ---- sending ---- */

BaseType_t xQueueGenericSend(QueueHandle_t xQueue, const void *const pvItemToQueue,
                             TickType_t xTicksToWait, const BaseType_t xCopyPosition)
{
    queue_check(xQueue, "xQueueSend");
    tcb_t *self = k_task_call("xQueueSend", xQueue->ordinal);
    configASSERT(pvItemToQueue != NULL || xQueue->item_size == 0);
    configASSERT(xCopyPosition != queueOVERWRITE || xQueue->length == 1);
    uint64_t deadline = xTicksToWait == 0 ? 0 : k_deadline(xTicksToWait);
    bool late = xTicksToWait == 0;
    k_lock();
    while (xQueue->count >= xQueue->length && xCopyPosition != queueOVERWRITE) {
        if (late) {
            k_unlock();
            return errQUEUE_FULL;
        }
        late = k_block(&xQueue->senders, deadline, "room in queue", xQueue->ordinal) == K_TIMEOUT;
    }
    if (queue_is_mutex(xQueue)) {
        mutex_given_locked(xQueue, self);
    }
    (void)queue_put_locked(xQueue, pvItemToQueue, xCopyPosition);
    k_unlock();
    return pdPASS;
}

BaseType_t xQueueGenericSendFromISR(QueueHandle_t xQueue, const void *const pvItemToQueue,
                                    BaseType_t *const pxHigherPriorityTaskWoken,
                                    const BaseType_t xCopyPosition)
{
    queue_check(xQueue, "xQueueSendFromISR");
    (void)k_any_call("xQueueSendFromISR", xQueue->ordinal);
    configASSERT(pvItemToQueue != NULL || xQueue->item_size == 0);
    configASSERT(xCopyPosition != queueOVERWRITE || xQueue->length == 1);
    k_lock();
    bool room = xQueue->count < xQueue->length || xCopyPosition == queueOVERWRITE;
    if (room) {
        const tcb_t *woken = queue_put_locked(xQueue, pvItemToQueue, xCopyPosition);
        if (pxHigherPriorityTaskWoken != NULL && k_outranks(woken)) {
            *pxHigherPriorityTaskWoken = pdTRUE;
        }
    }
    k_unlock();
    return room ? pdPASS : errQUEUE_FULL;
}

/* ---- receiving ---- */

static BaseType_t receive(QueueHandle_t q, void *buffer, TickType_t ticks, bool keep,
                          const char *call)
{
    queue_check(q, call);
    (void)k_task_call(call, q->ordinal);
    configASSERT(buffer != NULL || q->item_size == 0);
    uint64_t deadline = ticks == 0 ? 0 : k_deadline(ticks);
    bool late = ticks == 0;
    k_lock();
    while (q->count == 0) {
        if (late) {
            k_unlock();
            return errQUEUE_EMPTY;
        }
        late = k_block(&q->receivers, deadline, "item in queue", q->ordinal) == K_TIMEOUT;
    }
    (void)queue_take_locked(q, buffer, keep);
    k_unlock();
    return pdPASS;
}

BaseType_t xQueueReceive(QueueHandle_t xQueue, void *const pvBuffer, TickType_t xTicksToWait)
{
    return receive(xQueue, pvBuffer, xTicksToWait, false, "xQueueReceive");
}

BaseType_t xQueuePeek(QueueHandle_t xQueue, void *const pvBuffer, TickType_t xTicksToWait)
{
    return receive(xQueue, pvBuffer, xTicksToWait, true, "xQueuePeek");
}

static BaseType_t receive_from_isr(QueueHandle_t q, void *buffer, BaseType_t *woken, bool keep,
                                   const char *call)
{
    queue_check(q, call);
    (void)k_any_call(call, q->ordinal);
    configASSERT(buffer != NULL || q->item_size == 0);
    k_lock();
    bool any = q->count > 0;
    if (any) {
        const tcb_t *t = queue_take_locked(q, buffer, keep);
        if (woken != NULL && k_outranks(t)) {
            *woken = pdTRUE;
        }
    }
    k_unlock();
    return any ? pdPASS : pdFAIL;
}

BaseType_t xQueueReceiveFromISR(QueueHandle_t xQueue, void *const pvBuffer,
                                BaseType_t *const pxHigherPriorityTaskWoken)
{
    return receive_from_isr(xQueue, pvBuffer, pxHigherPriorityTaskWoken, false,
                            "xQueueReceiveFromISR");
}

BaseType_t xQueuePeekFromISR(QueueHandle_t xQueue, void *const pvBuffer)
{
    return receive_from_isr(xQueue, pvBuffer, NULL, true, "xQueuePeekFromISR");
}

/* ---- looking ---- */

static UBaseType_t count_of(const struct QueueDefinition *q, const char *call)
{
    queue_check(q, call);
    (void)k_any_call(call, q->ordinal);
    k_lock();
    UBaseType_t count = q->count;
    k_unlock();
    return count;
}

UBaseType_t uxQueueMessagesWaiting(const QueueHandle_t xQueue)
{
    host_assert_not_isr("uxQueueMessagesWaiting");
    return count_of(xQueue, "uxQueueMessagesWaiting");
}

UBaseType_t uxQueueSpacesAvailable(const QueueHandle_t xQueue)
{
    host_assert_not_isr("uxQueueSpacesAvailable");
    return xQueue->length - count_of(xQueue, "uxQueueSpacesAvailable");
}

UBaseType_t uxQueueMessagesWaitingFromISR(const QueueHandle_t xQueue)
{
    return count_of(xQueue, "uxQueueMessagesWaitingFromISR");
}

BaseType_t xQueueIsQueueEmptyFromISR(const QueueHandle_t xQueue)
{
    return count_of(xQueue, "xQueueIsQueueEmptyFromISR") == 0 ? pdTRUE : pdFALSE;
}

BaseType_t xQueueIsQueueFullFromISR(const QueueHandle_t xQueue)
{
    return count_of(xQueue, "xQueueIsQueueFullFromISR") == xQueue->length ? pdTRUE : pdFALSE;
}

void vQueueAddToRegistry(QueueHandle_t xQueue, const char *pcQueueName)
{
    queue_check(xQueue, "vQueueAddToRegistry");
    xQueue->name = pcQueueName;
}

void vQueueUnregisterQueue(QueueHandle_t xQueue)
{
    queue_check(xQueue, "vQueueUnregisterQueue");
    xQueue->name = NULL;
}

const char *pcQueueGetName(QueueHandle_t xQueue)
{
    queue_check(xQueue, "pcQueueGetName");
    return xQueue->name;
}

void vQueueSetQueueNumber(QueueHandle_t xQueue, UBaseType_t uxQueueNumber)
{
    xQueue->user_number = uxQueueNumber;
}

UBaseType_t uxQueueGetQueueNumber(QueueHandle_t xQueue)
{
    return xQueue->user_number;
}

uint8_t ucQueueGetQueueType(QueueHandle_t xQueue)
{
    return xQueue->type;
}
