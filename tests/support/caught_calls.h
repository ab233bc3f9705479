// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Calls of FreeRTOS that a test catches: the linker's --wrap, named beside the test in its .cmake
 * file, gives all calls of x to __wrap_x, and __real_x is FreeRTOS's.
 */

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

BaseType_t __real_xTaskGenericNotify(TaskHandle_t task, UBaseType_t index, uint32_t value,
                                     eNotifyAction action, uint32_t *previous);
BaseType_t __wrap_xTaskGenericNotify(TaskHandle_t task, UBaseType_t index, uint32_t value,
                                     eNotifyAction action, uint32_t *previous);
void __real_vTaskPrioritySet(TaskHandle_t task, UBaseType_t priority);
void __wrap_vTaskPrioritySet(TaskHandle_t task, UBaseType_t priority);
void __real_vTaskSuspend(TaskHandle_t task);
void __wrap_vTaskSuspend(TaskHandle_t task);
void __real_vTaskResume(TaskHandle_t task);
void __wrap_vTaskResume(TaskHandle_t task);
eTaskState __real_eTaskGetState(TaskHandle_t task);
eTaskState __wrap_eTaskGetState(TaskHandle_t task);
UBaseType_t __real_uxTaskGetStackHighWaterMark(TaskHandle_t task);
UBaseType_t __wrap_uxTaskGetStackHighWaterMark(TaskHandle_t task);
