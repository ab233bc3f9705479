// SPDX-License-Identifier: Apache-2.0

// Kernel objects in memory of chosen capabilities: the static ones, in memory of ours.

#include "freertos/FreeRTOS.h"
#include "host_internal.h"
#include "sched.h"

QueueHandle_t xQueueCreateWithCaps(UBaseType_t uxQueueLength, UBaseType_t uxItemSize,
                                   UBaseType_t uxMemoryCaps)
{
    (void)k_task_call("xQueueCreateWithCaps", 0);
    StaticQueue_t *q = heap_caps_malloc(sizeof(*q), uxMemoryCaps);
    uint8_t *items = NULL;
    if (q != NULL && uxItemSize > 0) {
        items = heap_caps_malloc((size_t)uxQueueLength * uxItemSize, uxMemoryCaps);
    }
    if (q == NULL || (uxItemSize > 0 && items == NULL)) {
        heap_caps_free(items);
        heap_caps_free(q);
        return NULL;
    }
    return xQueueCreateStatic(uxQueueLength, uxItemSize, items, q);
}

void vQueueDeleteWithCaps(QueueHandle_t xQueue)
{
    StaticQueue_t *q = NULL;
    uint8_t *items = NULL;
    BaseType_t is_static = xQueueGetStaticBuffers(xQueue, &items, &q);
    configASSERT(is_static == pdTRUE);
    vQueueDelete(xQueue);
    heap_caps_free(items);
    heap_caps_free(q);
}

SemaphoreHandle_t xSemaphoreCreateGenericWithCaps(UBaseType_t uxMaxCount,
                                                  UBaseType_t uxInitialCount,
                                                  const uint8_t ucQueueType,
                                                  UBaseType_t uxMemoryCaps)
{
    (void)k_task_call("xSemaphoreCreateGenericWithCaps", 0);
    StaticSemaphore_t *s = heap_caps_malloc(sizeof(*s), uxMemoryCaps);
    if (s == NULL) {
        return NULL;
    }
    switch (ucQueueType) {
    case queueQUEUE_TYPE_COUNTING_SEMAPHORE:
        return xSemaphoreCreateCountingStatic(uxMaxCount, uxInitialCount, s);
    case queueQUEUE_TYPE_BINARY_SEMAPHORE:
        return xSemaphoreCreateBinaryStatic(s);
    default:
        return xQueueCreateMutexStatic(ucQueueType, s);
    }
}

void vSemaphoreDeleteWithCaps(SemaphoreHandle_t xSemaphore)
{
    vQueueDeleteWithCaps(xSemaphore);
}

StreamBufferHandle_t xStreamBufferGenericCreateWithCaps(size_t xBufferSizeBytes,
                                                        size_t xTriggerLevelBytes,
                                                        BaseType_t xIsMessageBuffer,
                                                        UBaseType_t uxMemoryCaps)
{
    (void)k_task_call("xStreamBufferCreateWithCaps", 0);
    StaticStreamBuffer_t *b = heap_caps_malloc(sizeof(*b), uxMemoryCaps);
    uint8_t *bytes = heap_caps_malloc(xBufferSizeBytes + 1, uxMemoryCaps);
    if (b == NULL || bytes == NULL) {
        heap_caps_free(b);
        heap_caps_free(bytes);
        return NULL;
    }
    return xStreamBufferGenericCreateStatic(xBufferSizeBytes, xTriggerLevelBytes, xIsMessageBuffer,
                                            bytes, b, NULL, NULL);
}

void vStreamBufferGenericDeleteWithCaps(StreamBufferHandle_t xStreamBuffer,
                                        BaseType_t xIsMessageBuffer)
{
    (void)xIsMessageBuffer;
    StaticStreamBuffer_t *b = NULL;
    uint8_t *bytes = NULL;
    BaseType_t is_static = xStreamBufferGetStaticBuffers(xStreamBuffer, &bytes, &b);
    configASSERT(is_static == pdTRUE);
    vStreamBufferDelete(xStreamBuffer);
    heap_caps_free(bytes);
    heap_caps_free(b);
}

EventGroupHandle_t xEventGroupCreateWithCaps(UBaseType_t uxMemoryCaps)
{
    (void)k_task_call("xEventGroupCreateWithCaps", 0);
    StaticEventGroup_t *g = heap_caps_malloc(sizeof(*g), uxMemoryCaps);
    return g != NULL ? xEventGroupCreateStatic(g) : NULL;
}

void vEventGroupDeleteWithCaps(EventGroupHandle_t xEventGroup)
{
    StaticEventGroup_t *g = NULL;
    BaseType_t is_static = xEventGroupGetStaticBuffer(xEventGroup, &g);
    configASSERT(is_static == pdTRUE);
    vEventGroupDelete(xEventGroup);
    heap_caps_free(g);
}
