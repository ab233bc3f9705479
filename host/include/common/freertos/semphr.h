// SPDX-License-Identifier: Apache-2.0
#pragma once

#ifndef INC_FREERTOS_H
#error "include freertos/FreeRTOS.h before freertos/semphr.h, as on the device"
#endif
#include "freertos/queue.h"

typedef QueueHandle_t SemaphoreHandle_t;

#define semBINARY_SEMAPHORE_QUEUE_LENGTH ((uint8_t)1U)
#define semSEMAPHORE_QUEUE_ITEM_LENGTH   ((uint8_t)0U)
#define semGIVE_BLOCK_TIME               ((TickType_t)0U)

/* Binary semaphores are created empty. Mutexes are created free, inherit priority, must be given by
 * their holder, and are not for interrupts. */
#define xSemaphoreCreateBinary()                                                                   \
    xQueueGenericCreate((UBaseType_t)1, semSEMAPHORE_QUEUE_ITEM_LENGTH,                            \
                        queueQUEUE_TYPE_BINARY_SEMAPHORE)
#define xSemaphoreCreateBinaryStatic(buf)                                                          \
    xQueueGenericCreateStatic((UBaseType_t)1, semSEMAPHORE_QUEUE_ITEM_LENGTH, NULL, (buf),         \
                              queueQUEUE_TYPE_BINARY_SEMAPHORE)
#define xSemaphoreCreateMutex()          xQueueCreateMutex(queueQUEUE_TYPE_MUTEX)
#define xSemaphoreCreateMutexStatic(buf) xQueueCreateMutexStatic(queueQUEUE_TYPE_MUTEX, (buf))
#define xSemaphoreCreateRecursiveMutex() xQueueCreateMutex(queueQUEUE_TYPE_RECURSIVE_MUTEX)
#define xSemaphoreCreateRecursiveMutexStatic(buf)                                                  \
    xQueueCreateMutexStatic(queueQUEUE_TYPE_RECURSIVE_MUTEX, (buf))
#define xSemaphoreCreateCounting(max, init) xQueueCreateCountingSemaphore((max), (init))
#define xSemaphoreCreateCountingStatic(max, init, buf)                                             \
    xQueueCreateCountingSemaphoreStatic((max), (init), (buf))
#define vSemaphoreDelete(sem) vQueueDelete((QueueHandle_t)(sem))

#define xSemaphoreTake(sem, ticks) xQueueSemaphoreTake((sem), (ticks))
#define xSemaphoreGive(sem)                                                                        \
    xQueueGenericSend((QueueHandle_t)(sem), NULL, semGIVE_BLOCK_TIME, queueSEND_TO_BACK)
#define xSemaphoreTakeRecursive(sem, ticks)  xQueueTakeMutexRecursive((sem), (ticks))
#define xSemaphoreGiveRecursive(sem)         xQueueGiveMutexRecursive((sem))
#define xSemaphoreGiveFromISR(sem, woken)    xQueueGiveFromISR((QueueHandle_t)(sem), (woken))
#define xSemaphoreTakeFromISR(sem, woken)    xQueueReceiveFromISR((QueueHandle_t)(sem), NULL, (woken))
#define xSemaphoreGetMutexHolder(sem)        xQueueGetMutexHolder((sem))
#define xSemaphoreGetMutexHolderFromISR(sem) xQueueGetMutexHolderFromISR((sem))
#define uxSemaphoreGetCount(sem)             uxQueueMessagesWaiting((QueueHandle_t)(sem))
#define uxSemaphoreGetCountFromISR(sem)      uxQueueMessagesWaitingFromISR((QueueHandle_t)(sem))
#define xSemaphoreGetStaticBuffer(sem, buf)                                                        \
    xQueueGenericGetStaticBuffers((QueueHandle_t)(sem), NULL, (buf))
