// SPDX-License-Identifier: Apache-2.0
#pragma once

/* What ESP-IDF v5.5 configures for the ESP32-S3, from the same CONFIG_ values. */

#include <assert.h>
#include "sdkconfig.h"

#define configUSE_PREEMPTION     1
#define configUSE_TIME_SLICING   1
#define configUSE_TICKLESS_IDLE  0
#define configUSE_16_BIT_TICKS   0
#define configTICK_RATE_HZ       CONFIG_FREERTOS_HZ
#define configMAX_PRIORITIES     (25)
#define configNUMBER_OF_CORES    CONFIG_FREERTOS_NUMBER_OF_CORES
#define configNUM_CORES          configNUMBER_OF_CORES
#define portNUM_PROCESSORS       configNUMBER_OF_CORES
#define configCPU_CLOCK_HZ       (CONFIG_ESP_DEFAULT_CPU_FREQ_MHZ * 1000000)
#define configMINIMAL_STACK_SIZE (CONFIG_FREERTOS_IDLE_TASK_STACKSIZE)
#define configMAX_TASK_NAME_LEN  CONFIG_FREERTOS_MAX_TASK_NAME_LEN
#define configSTACK_DEPTH_TYPE   uint32_t
#define configINITIAL_TICK_COUNT 0

#define configUSE_MUTEXES               1
#define configUSE_RECURSIVE_MUTEXES     1
#define configUSE_COUNTING_SEMAPHORES   1
#define configUSE_QUEUE_SETS            1
#define configUSE_TASK_NOTIFICATIONS    1
#define configUSE_TRACE_FACILITY        1
#define configUSE_SB_COMPLETED_CALLBACK 0
#define configUSE_CO_ROUTINES           0
#define configUSE_IDLE_HOOK             0
#define configUSE_TICK_HOOK             0

#define configTASK_NOTIFICATION_ARRAY_ENTRIES   CONFIG_FREERTOS_TASK_NOTIFICATION_ARRAY_ENTRIES
#define configNUM_THREAD_LOCAL_STORAGE_POINTERS CONFIG_FREERTOS_THREAD_LOCAL_STORAGE_POINTERS
#define configQUEUE_REGISTRY_SIZE               CONFIG_FREERTOS_QUEUE_REGISTRY_SIZE

#define configSUPPORT_STATIC_ALLOCATION             1
#define configSUPPORT_DYNAMIC_ALLOCATION            1
#define configRUN_TIME_COUNTER_TYPE                 uint32_t
#define configGENERATE_RUN_TIME_STATS               1
#define configTASKLIST_INCLUDE_COREID               1
#define configENABLE_BACKWARD_COMPATIBILITY         0
#define configTHREAD_LOCAL_STORAGE_DELETE_CALLBACKS 1

#define configUSE_TIMERS              1
#define configTIMER_TASK_PRIORITY     CONFIG_FREERTOS_TIMER_TASK_PRIORITY
#define configTIMER_QUEUE_LENGTH      CONFIG_FREERTOS_TIMER_QUEUE_LENGTH
#define configTIMER_TASK_STACK_DEPTH  CONFIG_FREERTOS_TIMER_TASK_STACK_DEPTH
#define configTIMER_SERVICE_TASK_NAME CONFIG_FREERTOS_TIMER_SERVICE_TASK_NAME

#define configASSERT(a) assert(a)

#define INCLUDE_vTaskPrioritySet             1
#define INCLUDE_uxTaskPriorityGet            1
#define INCLUDE_vTaskDelete                  1
#define INCLUDE_vTaskSuspend                 1
#define INCLUDE_vTaskDelay                   1
#define INCLUDE_xTaskDelayUntil              1
#define INCLUDE_xTaskGetIdleTaskHandle       1
#define INCLUDE_xTaskAbortDelay              1
#define INCLUDE_xSemaphoreGetMutexHolder     1
#define INCLUDE_xTaskGetHandle               1
#define INCLUDE_uxTaskGetStackHighWaterMark  1
#define INCLUDE_uxTaskGetStackHighWaterMark2 1
#define INCLUDE_eTaskGetState                1
#define INCLUDE_xTaskResumeFromISR           1
#define INCLUDE_xTimerPendFunctionCall       1
#define INCLUDE_xTaskGetSchedulerState       1
#define INCLUDE_xTaskGetCurrentTaskHandle    1

#define configMAX(a, b) (((a) > (b)) ? (a) : (b))
#define configMIN(a, b) (((a) < (b)) ? (a) : (b))
