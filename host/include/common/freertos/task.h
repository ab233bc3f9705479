// SPDX-License-Identifier: Apache-2.0
#pragma once

#ifndef INC_FREERTOS_H
#error "include freertos/FreeRTOS.h before freertos/task.h, as on the device"
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define tskKERNEL_VERSION_NUMBER "V10.5.1"
#define tskKERNEL_VERSION_MAJOR  10
#define tskKERNEL_VERSION_MINOR  5
#define tskKERNEL_VERSION_BUILD  1

#define tskDEFAULT_INDEX_TO_NOTIFY (0)
#define tskIDLE_PRIORITY           ((UBaseType_t)0U)
#define tskNO_AFFINITY             ((BaseType_t)0x7FFFFFFF)
#define taskVALID_CORE_ID(xCoreID)                                                                 \
    ((((BaseType_t)xCoreID) >= 0 && ((BaseType_t)xCoreID) < configNUMBER_OF_CORES) ? pdTRUE        \
                                                                                   : pdFALSE)

struct tskTaskControlBlock;
typedef struct tskTaskControlBlock *TaskHandle_t;
typedef BaseType_t (*TaskHookFunction_t)(void *);

typedef enum {
    eRunning = 0,
    eReady,
    eBlocked,
    eSuspended,
    eDeleted,
    eInvalid
} eTaskState;

typedef enum {
    eNoAction = 0,
    eSetBits,
    eIncrement,
    eSetValueWithOverwrite,
    eSetValueWithoutOverwrite
} eNotifyAction;

typedef struct xTIME_OUT {
    BaseType_t xOverflowCount;
    TickType_t xTimeOnEntering;
} TimeOut_t;

typedef struct xTASK_STATUS {
    TaskHandle_t xHandle;
    const char *pcTaskName;
    UBaseType_t xTaskNumber;
    eTaskState eCurrentState;
    UBaseType_t uxCurrentPriority;
    UBaseType_t uxBasePriority;
    configRUN_TIME_COUNTER_TYPE ulRunTimeCounter; /* microseconds */
    StackType_t *pxStackBase;
    configSTACK_DEPTH_TYPE usStackHighWaterMark;
    BaseType_t xCoreID;
} TaskStatus_t;

#define taskYIELD()                   portYIELD()
#define taskENTER_CRITICAL(x)         portENTER_CRITICAL(x)
#define taskENTER_CRITICAL_FROM_ISR() portSET_INTERRUPT_MASK_FROM_ISR()
#define taskENTER_CRITICAL_ISR(x)     portENTER_CRITICAL_ISR(x)
#define taskEXIT_CRITICAL(x)          portEXIT_CRITICAL(x)
#define taskEXIT_CRITICAL_FROM_ISR(x) portCLEAR_INTERRUPT_MASK_FROM_ISR(x)
#define taskEXIT_CRITICAL_ISR(x)      portEXIT_CRITICAL_ISR(x)
#define taskDISABLE_INTERRUPTS()      portDISABLE_INTERRUPTS()
#define taskENABLE_INTERRUPTS()       portENABLE_INTERRUPTS()

#define taskSCHEDULER_SUSPENDED   ((BaseType_t)0)
#define taskSCHEDULER_NOT_STARTED ((BaseType_t)1)
#define taskSCHEDULER_RUNNING     ((BaseType_t)2)

/* ---- life ---- */

/**
 * @brief Create a task, ready to run.
 *
 * usStackDepth is in bytes. The internal heap is charged with the stack and the control block as on
 * the device.
 *
 * @context any task
 * @return pdPASS, or errCOULD_NOT_ALLOCATE_REQUIRED_MEMORY: no room for stack or control block
 */
BaseType_t xTaskCreatePinnedToCore(TaskFunction_t pxTaskCode, const char *const pcName,
                                   const uint32_t usStackDepth, void *const pvParameters,
                                   UBaseType_t uxPriority, TaskHandle_t *const pxCreatedTask,
                                   const BaseType_t xCoreID);
/** @brief As above in the caller's memory; nothing is allocated. @return NULL: a buffer is NULL */
TaskHandle_t xTaskCreateStaticPinnedToCore(TaskFunction_t pxTaskCode, const char *const pcName,
                                           const uint32_t ulStackDepth, void *const pvParameters,
                                           UBaseType_t uxPriority,
                                           StackType_t *const puxStackBuffer,
                                           StaticTask_t *const pxTaskBuffer,
                                           const BaseType_t xCoreID);

static inline BaseType_t xTaskCreate(TaskFunction_t pxTaskCode, const char *const pcName,
                                     const configSTACK_DEPTH_TYPE usStackDepth,
                                     void *const pvParameters, UBaseType_t uxPriority,
                                     TaskHandle_t *const pxCreatedTask)
{
    return xTaskCreatePinnedToCore(pxTaskCode, pcName, usStackDepth, pvParameters, uxPriority,
                                   pxCreatedTask, tskNO_AFFINITY);
}

static inline TaskHandle_t xTaskCreateStatic(TaskFunction_t pxTaskCode, const char *const pcName,
                                             const uint32_t ulStackDepth, void *const pvParameters,
                                             UBaseType_t uxPriority,
                                             StackType_t *const puxStackBuffer,
                                             StaticTask_t *const pxTaskBuffer)
{
    return xTaskCreateStaticPinnedToCore(pxTaskCode, pcName, ulStackDepth, pvParameters, uxPriority,
                                         puxStackBuffer, pxTaskBuffer, tskNO_AFFINITY);
}

/**
 * @brief Delete a task; NULL: the caller, and the call does not return.
 *
 * A task that is computing on another core goes on to its next scheduling point, and out of any
 * critical section, before it ends; its handle is invalid from this call on all the same.
 *
 * @context any task
 */
void vTaskDelete(TaskHandle_t xTaskToDelete);
void vTaskDelay(const TickType_t xTicksToDelay);
/** @return pdTRUE when the task was delayed at all */
BaseType_t xTaskDelayUntil(TickType_t *const pxPreviousWakeTime, const TickType_t xTimeIncrement);
#define vTaskDelayUntil(pxPreviousWakeTime, xTimeIncrement)                                        \
    do {                                                                                           \
        (void)xTaskDelayUntil((pxPreviousWakeTime), (xTimeIncrement));                             \
    } while (0)
/** @return pdFAIL: the task was not blocked */
BaseType_t xTaskAbortDelay(TaskHandle_t xTask);
void vTaskSuspend(TaskHandle_t xTaskToSuspend);
void vTaskResume(TaskHandle_t xTaskToResume);
/** @context isr-ok @return pdTRUE: a switch should be asked for */
BaseType_t xTaskResumeFromISR(TaskHandle_t xTaskToResume);

/* ---- priority and state ---- */

UBaseType_t uxTaskPriorityGet(const TaskHandle_t xTask);
UBaseType_t uxTaskPriorityGetFromISR(const TaskHandle_t xTask);
void vTaskPrioritySet(TaskHandle_t xTask, UBaseType_t uxNewPriority);
eTaskState eTaskGetState(TaskHandle_t xTask);
void vTaskGetInfo(TaskHandle_t xTask, TaskStatus_t *pxTaskStatus, BaseType_t xGetFreeStackSpace,
                  eTaskState eState);
UBaseType_t uxTaskGetSystemState(TaskStatus_t *const pxTaskStatusArray,
                                 const UBaseType_t uxArraySize,
                                 configRUN_TIME_COUNTER_TYPE *const pulTotalRunTime);
UBaseType_t uxTaskGetNumberOfTasks(void);
char *pcTaskGetName(TaskHandle_t xTaskToQuery);
TaskHandle_t xTaskGetHandle(const char *pcNameToQuery);
TaskHandle_t xTaskGetCurrentTaskHandle(void);
TaskHandle_t xTaskGetIdleTaskHandle(void);
BaseType_t xTaskGetStaticBuffers(TaskHandle_t xTask, StackType_t **ppuxStackBuffer,
                                 StaticTask_t **ppxTaskBuffer);
/** @brief Least number of stack bytes ever left, on the host's frames. @context any task */
UBaseType_t uxTaskGetStackHighWaterMark(TaskHandle_t xTask);
configSTACK_DEPTH_TYPE uxTaskGetStackHighWaterMark2(TaskHandle_t xTask);
UBaseType_t uxTaskGetTaskNumber(TaskHandle_t xTask);
void vTaskSetTaskNumber(TaskHandle_t xTask, const UBaseType_t uxHandle);
void vTaskList(char *pcWriteBuffer);
void vTaskGetRunTimeStats(char *pcWriteBuffer);
configRUN_TIME_COUNTER_TYPE ulTaskGetIdleRunTimeCounter(void);
configRUN_TIME_COUNTER_TYPE ulTaskGetIdleRunTimePercent(void);

void vTaskSetThreadLocalStoragePointer(TaskHandle_t xTaskToSet, BaseType_t xIndex, void *pvValue);
void *pvTaskGetThreadLocalStoragePointer(TaskHandle_t xTaskToQuery, BaseType_t xIndex);

/* ---- scheduler and time ---- */

void vTaskSuspendAll(void);
BaseType_t xTaskResumeAll(void);
BaseType_t xTaskGetSchedulerState(void);
TickType_t xTaskGetTickCount(void);
TickType_t xTaskGetTickCountFromISR(void);
void vTaskSetTimeOutState(TimeOut_t *const pxTimeOut);
BaseType_t xTaskCheckForTimeOut(TimeOut_t *const pxTimeOut, TickType_t *const pxTicksToWait);

/* ---- notifications ---- */

BaseType_t xTaskGenericNotify(TaskHandle_t xTaskToNotify, UBaseType_t uxIndexToNotify,
                              uint32_t ulValue, eNotifyAction eAction,
                              uint32_t *pulPreviousNotificationValue);
BaseType_t xTaskGenericNotifyFromISR(TaskHandle_t xTaskToNotify, UBaseType_t uxIndexToNotify,
                                     uint32_t ulValue, eNotifyAction eAction,
                                     uint32_t *pulPreviousNotificationValue,
                                     BaseType_t *pxHigherPriorityTaskWoken);
BaseType_t xTaskGenericNotifyWait(UBaseType_t uxIndexToWaitOn, uint32_t ulBitsToClearOnEntry,
                                  uint32_t ulBitsToClearOnExit, uint32_t *pulNotificationValue,
                                  TickType_t xTicksToWait);
void vTaskGenericNotifyGiveFromISR(TaskHandle_t xTaskToNotify, UBaseType_t uxIndexToNotify,
                                   BaseType_t *pxHigherPriorityTaskWoken);
uint32_t ulTaskGenericNotifyTake(UBaseType_t uxIndexToWaitOn, BaseType_t xClearCountOnExit,
                                 TickType_t xTicksToWait);
BaseType_t xTaskGenericNotifyStateClear(TaskHandle_t xTask, UBaseType_t uxIndexToClear);
uint32_t ulTaskGenericNotifyValueClear(TaskHandle_t xTask, UBaseType_t uxIndexToClear,
                                       uint32_t ulBitsToClear);

#define xTaskNotify(t, v, a)                         xTaskGenericNotify((t), 0, (v), (a), NULL)
#define xTaskNotifyIndexed(t, i, v, a)               xTaskGenericNotify((t), (i), (v), (a), NULL)
#define xTaskNotifyAndQuery(t, v, a, prev)           xTaskGenericNotify((t), 0, (v), (a), (prev))
#define xTaskNotifyAndQueryIndexed(t, i, v, a, prev) xTaskGenericNotify((t), (i), (v), (a), (prev))
#define xTaskNotifyFromISR(t, v, a, w)               xTaskGenericNotifyFromISR((t), 0, (v), (a), NULL, (w))
#define xTaskNotifyIndexedFromISR(t, i, v, a, w)                                                   \
    xTaskGenericNotifyFromISR((t), (i), (v), (a), NULL, (w))
#define xTaskNotifyAndQueryFromISR(t, v, a, prev, w)                                               \
    xTaskGenericNotifyFromISR((t), 0, (v), (a), (prev), (w))
#define xTaskNotifyAndQueryIndexedFromISR(t, i, v, a, prev, w)                                     \
    xTaskGenericNotifyFromISR((t), (i), (v), (a), (prev), (w))
#define xTaskNotifyWait(en, ex, val, ticks) xTaskGenericNotifyWait(0, (en), (ex), (val), (ticks))
#define xTaskNotifyWaitIndexed(i, en, ex, val, ticks)                                              \
    xTaskGenericNotifyWait((i), (en), (ex), (val), (ticks))
#define xTaskNotifyGive(t)                        xTaskGenericNotify((t), 0, 0, eIncrement, NULL)
#define xTaskNotifyGiveIndexed(t, i)              xTaskGenericNotify((t), (i), 0, eIncrement, NULL)
#define vTaskNotifyGiveFromISR(t, w)              vTaskGenericNotifyGiveFromISR((t), 0, (w))
#define vTaskNotifyGiveIndexedFromISR(t, i, w)    vTaskGenericNotifyGiveFromISR((t), (i), (w))
#define ulTaskNotifyTake(clear, ticks)            ulTaskGenericNotifyTake(0, (clear), (ticks))
#define ulTaskNotifyTakeIndexed(i, clear, ticks)  ulTaskGenericNotifyTake((i), (clear), (ticks))
#define xTaskNotifyStateClear(t)                  xTaskGenericNotifyStateClear((t), 0)
#define xTaskNotifyStateClearIndexed(t, i)        xTaskGenericNotifyStateClear((t), (i))
#define ulTaskNotifyValueClear(t, bits)           ulTaskGenericNotifyValueClear((t), 0, (bits))
#define ulTaskNotifyValueClearIndexed(t, i, bits) ulTaskGenericNotifyValueClear((t), (i), (bits))

#ifdef __cplusplus
}
#endif
