// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "freertos/queue.h"
#include "freertos/semphr.h"
#include "freertos/stream_buffer.h"
#include "freertos/message_buffer.h"
#include "freertos/event_groups.h"
#include "esp_heap_caps.h"

#ifdef __cplusplus
extern "C" {
#endif

/** @brief Core a task is pinned to, or tskNO_AFFINITY. @context any task */
BaseType_t xTaskGetCoreID(TaskHandle_t xTask);
TaskHandle_t xTaskGetIdleTaskHandleForCore(BaseType_t xCoreID);
TaskHandle_t xTaskGetCurrentTaskHandleForCore(BaseType_t xCoreID);
configRUN_TIME_COUNTER_TYPE ulTaskGetIdleRunTimeCounterForCore(BaseType_t xCoreID);
configRUN_TIME_COUNTER_TYPE ulTaskGetIdleRunTimePercentForCore(BaseType_t xCoreID);
uint8_t *pxTaskGetStackStart(TaskHandle_t xTask);

typedef void (*TlsDeleteCallbackFunction_t)(int, void *);
void vTaskSetThreadLocalStoragePointerAndDelCallback(TaskHandle_t xTaskToSet, BaseType_t xIndex,
                                                     void *pvValue,
                                                     TlsDeleteCallbackFunction_t pvDelCallback);

/** @brief As xTaskCreatePinnedToCore(), the stack charged to memory of these capabilities. */
BaseType_t xTaskCreatePinnedToCoreWithCaps(TaskFunction_t pvTaskCode, const char *const pcName,
                                           const configSTACK_DEPTH_TYPE usStackDepth,
                                           void *const pvParameters, UBaseType_t uxPriority,
                                           TaskHandle_t *const pvCreatedTask,
                                           const BaseType_t xCoreID, UBaseType_t uxMemoryCaps);
static inline BaseType_t xTaskCreateWithCaps(TaskFunction_t pvTaskCode, const char *const pcName,
                                             configSTACK_DEPTH_TYPE usStackDepth,
                                             void *const pvParameters, UBaseType_t uxPriority,
                                             TaskHandle_t *pvCreatedTask, UBaseType_t uxMemoryCaps)
{
    return xTaskCreatePinnedToCoreWithCaps(pvTaskCode, pcName, usStackDepth, pvParameters,
                                           uxPriority, pvCreatedTask, tskNO_AFFINITY, uxMemoryCaps);
}
void vTaskDeleteWithCaps(TaskHandle_t xTaskToDelete);

QueueHandle_t xQueueCreateWithCaps(UBaseType_t uxQueueLength, UBaseType_t uxItemSize,
                                   UBaseType_t uxMemoryCaps);
void vQueueDeleteWithCaps(QueueHandle_t xQueue);
SemaphoreHandle_t xSemaphoreCreateGenericWithCaps(UBaseType_t uxMaxCount,
                                                  UBaseType_t uxInitialCount,
                                                  const uint8_t ucQueueType,
                                                  UBaseType_t uxMemoryCaps);
static inline SemaphoreHandle_t xSemaphoreCreateBinaryWithCaps(UBaseType_t uxMemoryCaps)
{
    return xSemaphoreCreateGenericWithCaps(0, 0, queueQUEUE_TYPE_BINARY_SEMAPHORE, uxMemoryCaps);
}
static inline SemaphoreHandle_t xSemaphoreCreateCountingWithCaps(UBaseType_t uxMaxCount,
                                                                 UBaseType_t uxInitialCount,
                                                                 UBaseType_t uxMemoryCaps)
{
    return xSemaphoreCreateGenericWithCaps(uxMaxCount, uxInitialCount,
                                           queueQUEUE_TYPE_COUNTING_SEMAPHORE, uxMemoryCaps);
}
static inline SemaphoreHandle_t xSemaphoreCreateMutexWithCaps(UBaseType_t uxMemoryCaps)
{
    return xSemaphoreCreateGenericWithCaps(0, 0, queueQUEUE_TYPE_MUTEX, uxMemoryCaps);
}
static inline SemaphoreHandle_t xSemaphoreCreateRecursiveMutexWithCaps(UBaseType_t uxMemoryCaps)
{
    return xSemaphoreCreateGenericWithCaps(0, 0, queueQUEUE_TYPE_RECURSIVE_MUTEX, uxMemoryCaps);
}
void vSemaphoreDeleteWithCaps(SemaphoreHandle_t xSemaphore);

StreamBufferHandle_t xStreamBufferGenericCreateWithCaps(size_t xBufferSizeBytes,
                                                        size_t xTriggerLevelBytes,
                                                        BaseType_t xIsMessageBuffer,
                                                        UBaseType_t uxMemoryCaps);
void vStreamBufferGenericDeleteWithCaps(StreamBufferHandle_t xStreamBuffer,
                                        BaseType_t xIsMessageBuffer);
static inline StreamBufferHandle_t xStreamBufferCreateWithCaps(size_t xBufferSizeBytes,
                                                               size_t xTriggerLevelBytes,
                                                               UBaseType_t uxMemoryCaps)
{
    return xStreamBufferGenericCreateWithCaps(xBufferSizeBytes, xTriggerLevelBytes, pdFALSE,
                                              uxMemoryCaps);
}
static inline void vStreamBufferDeleteWithCaps(StreamBufferHandle_t xStreamBuffer)
{
    vStreamBufferGenericDeleteWithCaps(xStreamBuffer, pdFALSE);
}
static inline MessageBufferHandle_t xMessageBufferCreateWithCaps(size_t xBufferSizeBytes,
                                                                 UBaseType_t uxMemoryCaps)
{
    return xStreamBufferGenericCreateWithCaps(xBufferSizeBytes, 0, pdTRUE, uxMemoryCaps);
}
static inline void vMessageBufferDeleteWithCaps(MessageBufferHandle_t xMessageBuffer)
{
    vStreamBufferGenericDeleteWithCaps(xMessageBuffer, pdTRUE);
}
EventGroupHandle_t xEventGroupCreateWithCaps(UBaseType_t uxMemoryCaps);
void vEventGroupDeleteWithCaps(EventGroupHandle_t xEventGroup);

#ifdef __cplusplus
}
#endif
