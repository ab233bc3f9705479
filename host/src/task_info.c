// SPDX-License-Identifier: Apache-2.0

// Tasks: asking about them, and their thread-local pointers.

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "host_internal.h"
#include "sched.h"

static tcb_t *s_idle[K_MAX_CORES];

/* ---- state ---- */

static bool is_running(const tcb_t *t)
{
    if (t == k_self) {
        return true;
    }
    int core = host_sched() == HOST_SCHED_SIM ? t->sim.core : -1;
    return core >= 0;
}

static eTaskState state_of(const tcb_t *t)
{
    if (t->magic != K_TCB_LIVE || t->kill) {
        return eDeleted;
    }
    switch (t->state) {
    case K_READY:
        return is_running(t) ? eRunning : eReady;
    case K_BLOCKED:
        return eBlocked;
    case K_SUSPENDED:
        return eSuspended;
    default:
        return eDeleted;
    }
}

/* A handle just deleted may still be asked about, as on the device until the idle task has run. */
eTaskState eTaskGetState(TaskHandle_t xTask)
{
    (void)k_task_call("eTaskGetState", 0);
    configASSERT(xTask != NULL);
    k_lock();
    eTaskState state = state_of(xTask);
    k_unlock();
    return state;
}

static void info_locked(tcb_t *t, TaskStatus_t *out, bool stack, eTaskState state)
{
    *out = (TaskStatus_t){
        .xHandle = t,
        .pcTaskName = t->name,
        .xTaskNumber = t->number,
        .eCurrentState = state == eInvalid ? state_of(t) : state,
        .uxCurrentPriority = t->prio,
        .uxBasePriority = t->base_prio,
        .ulRunTimeCounter = (configRUN_TIME_COUNTER_TYPE)t->run_us,
        .pxStackBase = pxTaskGetStackStart(t),
        .usStackHighWaterMark = stack ? (uint32_t)host_stack_left(&t->stack) : 0,
        .xCoreID = t->affinity,
    };
}

void vTaskGetInfo(TaskHandle_t xTask, TaskStatus_t *pxTaskStatus, BaseType_t xGetFreeStackSpace,
                  eTaskState eState)
{
    (void)k_task_call("vTaskGetInfo", 0);
    tcb_t *t = k_tcb_check(xTask, "vTaskGetInfo");
    k_lock();
    info_locked(t, pxTaskStatus, xGetFreeStackSpace != pdFALSE, eState);
    k_unlock();
}

UBaseType_t uxTaskGetSystemState(TaskStatus_t *const pxTaskStatusArray,
                                 const UBaseType_t uxArraySize,
                                 configRUN_TIME_COUNTER_TYPE *const pulTotalRunTime)
{
    (void)k_task_call("uxTaskGetSystemState", 0);
    UBaseType_t n = 0;
    k_lock();
    if (uxArraySize >= k_task_count) {
        for (tcb_t *t = k_all_tasks; t != NULL; t = t->all_next) {
            if (!t->is_isr) {
                info_locked(t, &pxTaskStatusArray[n++], true, eInvalid);
            }
        }
    }
    if (pulTotalRunTime != NULL) {
        *pulTotalRunTime = (configRUN_TIME_COUNTER_TYPE)g_sched->now();
    }
    k_unlock();
    return n;
}

UBaseType_t uxTaskGetNumberOfTasks(void)
{
    k_lock();
    UBaseType_t n = k_task_count;
    k_unlock();
    return n;
}

/* ---- names and handles ---- */

char *pcTaskGetName(TaskHandle_t xTaskToQuery)
{
    tcb_t *t = k_tcb_check(xTaskToQuery, "pcTaskGetName");
    configASSERT(t != NULL);
    return t->name;
}

TaskHandle_t xTaskGetHandle(const char *pcNameToQuery)
{
    (void)k_task_call("xTaskGetHandle", 0);
    configASSERT(strlen(pcNameToQuery) < configMAX_TASK_NAME_LEN);
    tcb_t *found = NULL;
    k_lock();
    for (tcb_t *t = k_all_tasks; t != NULL && found == NULL; t = t->all_next) {
        if (!t->is_isr && strcmp(t->name, pcNameToQuery) == 0) {
            found = t;
        }
    }
    k_unlock();
    return found;
}

TaskHandle_t xTaskGetCurrentTaskHandle(void)
{
    const tcb_t *self = k_self;
    if (self != NULL && self->is_isr) {
        k_lock();
        tcb_t *t = g_sched->running_on(g_sched->core(self));
        k_unlock();
        return t;
    }
    return k_self;
}

TaskHandle_t xTaskGetCurrentTaskHandleForCore(BaseType_t xCoreID)
{
    if (!taskVALID_CORE_ID(xCoreID)) {
        return NULL;
    }
    k_lock();
    tcb_t *t = g_sched->running_on(xCoreID);
    k_unlock();
    return t != NULL ? t : s_idle[xCoreID];
}

TaskHandle_t xTaskGetIdleTaskHandle(void)
{
    return s_idle[xPortGetCoreID()];
}

TaskHandle_t xTaskGetIdleTaskHandleForCore(BaseType_t xCoreID)
{
    configASSERT(taskVALID_CORE_ID(xCoreID));
    return s_idle[xCoreID];
}

BaseType_t xTaskGetCoreID(TaskHandle_t xTask)
{
    return k_tcb_check(xTask, "xTaskGetCoreID")->affinity;
}

BaseType_t xTaskGetStaticBuffers(TaskHandle_t xTask, StackType_t **ppuxStackBuffer,
                                 StaticTask_t **ppxTaskBuffer)
{
    configASSERT(ppuxStackBuffer != NULL && ppxTaskBuffer != NULL);
    const tcb_t *t = k_tcb_check(xTask, "xTaskGetStaticBuffers");
    if (!t->is_static) {
        return pdFALSE;
    }
    *ppuxStackBuffer = t->user_stack;
    *ppxTaskBuffer = t->user_tcb;
    return pdTRUE;
}

UBaseType_t uxTaskGetStackHighWaterMark(TaskHandle_t xTask)
{
    return (UBaseType_t)host_stack_left(&k_tcb_check(xTask, "uxTaskGetStackHighWaterMark")->stack);
}

configSTACK_DEPTH_TYPE uxTaskGetStackHighWaterMark2(TaskHandle_t xTask)
{
    return uxTaskGetStackHighWaterMark(xTask);
}

uint8_t *pxTaskGetStackStart(TaskHandle_t xTask)
{
    const tcb_t *t = k_tcb_check(xTask, "pxTaskGetStackStart");
    if (t->user_stack != NULL) {
        return t->user_stack;
    }
    return t->stack.base != NULL ? t->stack.base + t->stack.size - t->stack.figure : NULL;
}

UBaseType_t uxTaskGetTaskNumber(TaskHandle_t xTask)
{
    return xTask != NULL ? xTask->user_number : 0;
}

void vTaskSetTaskNumber(TaskHandle_t xTask, const UBaseType_t uxHandle)
{
    if (xTask != NULL) {
        xTask->user_number = uxHandle;
    }
}

/* ---- thread-local pointers ---- */

void vTaskSetThreadLocalStoragePointerAndDelCallback(TaskHandle_t xTaskToSet, BaseType_t xIndex,
                                                     void *pvValue,
                                                     TlsDeleteCallbackFunction_t pvDelCallback)
{
    if (xIndex < 0 || xIndex >= configNUM_THREAD_LOCAL_STORAGE_POINTERS) {
        return;
    }
    tcb_t *t = k_tcb_check(xTaskToSet, "vTaskSetThreadLocalStoragePointer");
    k_lock();
    t->tls[xIndex] = pvValue;
    t->tls_delete[xIndex] = pvDelCallback;
    k_unlock();
}

void vTaskSetThreadLocalStoragePointer(TaskHandle_t xTaskToSet, BaseType_t xIndex, void *pvValue)
{
    vTaskSetThreadLocalStoragePointerAndDelCallback(xTaskToSet, xIndex, pvValue, NULL);
}

void *pvTaskGetThreadLocalStoragePointer(TaskHandle_t xTaskToQuery, BaseType_t xIndex)
{
    if (xIndex < 0 || xIndex >= configNUM_THREAD_LOCAL_STORAGE_POINTERS) {
        return NULL;
    }
    tcb_t *t = k_tcb_check(xTaskToQuery, "pvTaskGetThreadLocalStoragePointer");
    k_lock();
    void *value = t->tls[xIndex];
    k_unlock();
    return value;
}

/* ---- run time ---- */

configRUN_TIME_COUNTER_TYPE ulTaskGetIdleRunTimeCounterForCore(BaseType_t xCoreID)
{
    configASSERT(taskVALID_CORE_ID(xCoreID));
    return s_idle[xCoreID] != NULL ? (configRUN_TIME_COUNTER_TYPE)s_idle[xCoreID]->run_us : 0;
}

configRUN_TIME_COUNTER_TYPE ulTaskGetIdleRunTimePercentForCore(BaseType_t xCoreID)
{
    configRUN_TIME_COUNTER_TYPE hundredth = (configRUN_TIME_COUNTER_TYPE)(g_sched->now() / 100);
    return hundredth > 0 ? ulTaskGetIdleRunTimeCounterForCore(xCoreID) / hundredth : 0;
}

configRUN_TIME_COUNTER_TYPE ulTaskGetIdleRunTimeCounter(void)
{
    return ulTaskGetIdleRunTimeCounterForCore(xPortGetCoreID());
}

configRUN_TIME_COUNTER_TYPE ulTaskGetIdleRunTimePercent(void)
{
    return ulTaskGetIdleRunTimePercentForCore(xPortGetCoreID());
}

static char state_letter(eTaskState state)
{
    static const char letters[] = {'X', 'R', 'B', 'S', 'D'};
    return state < sizeof(letters) ? letters[state] : '?';
}

void vTaskList(char *pcWriteBuffer)
{
    (void)k_task_call("vTaskList", 0);
    *pcWriteBuffer = '\0';
    k_lock();
    for (tcb_t *t = k_all_tasks; t != NULL; t = t->all_next) {
        if (!t->is_isr) {
            pcWriteBuffer +=
                sprintf(pcWriteBuffer, "%-*s\t%c\t%u\t%u\t%" PRIu32 "\r\n",
                        configMAX_TASK_NAME_LEN - 1, t->name, state_letter(state_of(t)), t->prio,
                        (unsigned)host_stack_left(&t->stack), t->number);
        }
    }
    k_unlock();
}

void vTaskGetRunTimeStats(char *pcWriteBuffer)
{
    (void)k_task_call("vTaskGetRunTimeStats", 0);
    *pcWriteBuffer = '\0';
    uint64_t hundredth = g_sched->now() / 100;
    k_lock();
    for (tcb_t *t = k_all_tasks; t != NULL && hundredth > 0; t = t->all_next) {
        if (!t->is_isr) {
            pcWriteBuffer += sprintf(pcWriteBuffer, "%-*s\t%" PRIu32 "\t\t%" PRIu32 "%%\r\n",
                                     configMAX_TASK_NAME_LEN - 1, t->name, (uint32_t)t->run_us,
                                     (uint32_t)(t->run_us / hundredth));
        }
    }
    k_unlock();
}

/* ---- idle tasks: records without a body, there to be asked about ---- */

void idle_init(uint32_t cores)
{
    for (uint32_t c = 0; c < K_MAX_CORES; c++) {
        char name[] = "IDLE0";
        name[4] = (char)('0' + c);
        const k_task_spec_t spec = {
            .name = name,
            .stack = configMINIMAL_STACK_SIZE,
            .core = (BaseType_t)c,
            .is_idle = true,
            .is_daemon = true,
            .caps = MALLOC_CAP_INTERNAL | MALLOC_CAP_8BIT,
        };
        s_idle[c] = c < cores ? k_task_create(&spec) : NULL;
    }
}
