// SPDX-License-Identifier: Apache-2.0

// Software timers: commands go through a queue to the timer task, which runs the callbacks.

#include "freertos/FreeRTOS.h"
#include "freertos/timers.h"

#include <string.h>
#include "freertos/queue.h"
#include "host_internal.h"
#include "sched.h"

struct tmrTimerControl {
    const char *name;
    TickType_t period;
    void *id;
    TimerCallbackFunction_t callback;
    bool reload, active, is_static;
    uint64_t expiry; /* in ticks since boot, not wrapping; guarded by the kernel lock */
    struct tmrTimerControl *next;
};

_Static_assert(sizeof(struct tmrTimerControl) <= sizeof(StaticTimer_t), "StaticTimer_t too small");

typedef struct {
    BaseType_t id;
    TickType_t value;
    TimerHandle_t timer;
    PendedFunction_t fn;
    void *arg1;
    uint32_t arg2;
} command_t;

static QueueHandle_t s_queue;
static TaskHandle_t s_task;
static TimerHandle_t s_first; /* active timers by expiry; the timer task's own */

static uint64_t ticks_now(void)
{
    return g_sched->now() / K_TICK_US;
}

/* ---- the list ---- */

static void insert(TimerHandle_t t)
{
    TimerHandle_t *at = &s_first;
    while (*at != NULL && (*at)->expiry <= t->expiry) {
        at = &(*at)->next;
    }
    t->next = *at;
    *at = t;
}

static void deactivate(TimerHandle_t t)
{
    for (TimerHandle_t *at = &s_first; *at != NULL; at = &(*at)->next) {
        if (*at == t) {
            *at = t->next;
            break;
        }
    }
    k_lock();
    t->active = false;
    k_unlock();
}

static void activate(TimerHandle_t t, uint64_t expiry)
{
    k_lock();
    t->expiry = expiry;
    t->active = true;
    k_unlock();
    insert(t);
}

/* ---- the task ---- */

static void expire(TimerHandle_t t)
{
    uint64_t expiry = t->expiry;
    deactivate(t);
    k_lock();
    bool reload = t->reload;
    k_unlock();
    if (reload) {
        activate(t, expiry + t->period); /* late ones catch up, one call a period */
    }
    t->callback(t);
}

/* Starting counts from when it was asked for, so it may have run out already. */
static void start_from(TimerHandle_t t, TickType_t asked)
{
    uint64_t now = ticks_now();
    uint64_t since = (TickType_t)((TickType_t)now - asked);
    deactivate(t);
    activate(t, now - since + t->period);
}

static void obey(const command_t *c)
{
    switch (c->id) {
    case tmrCOMMAND_EXECUTE_CALLBACK:
    case tmrCOMMAND_EXECUTE_CALLBACK_FROM_ISR:
        c->fn(c->arg1, c->arg2);
        break;
    case tmrCOMMAND_START:
    case tmrCOMMAND_START_FROM_ISR:
    case tmrCOMMAND_RESET:
    case tmrCOMMAND_RESET_FROM_ISR:
        start_from(c->timer, c->value);
        break;
    case tmrCOMMAND_STOP:
    case tmrCOMMAND_STOP_FROM_ISR:
        deactivate(c->timer);
        break;
    case tmrCOMMAND_CHANGE_PERIOD:
    case tmrCOMMAND_CHANGE_PERIOD_FROM_ISR:
        configASSERT(c->value > 0);
        deactivate(c->timer);
        k_lock();
        c->timer->period = c->value;
        k_unlock();
        activate(c->timer, ticks_now() + c->value);
        break;
    case tmrCOMMAND_DELETE:
        deactivate(c->timer);
        if (!c->timer->is_static) {
            vPortFree(c->timer);
        }
        break;
    default:
        configASSERT(false);
    }
}

static void timer_task(void *arg)
{
    (void)arg;
    for (;;) {
        command_t c;
        TickType_t wait = portMAX_DELAY;
        if (s_first != NULL) {
            uint64_t now = ticks_now();
            wait = s_first->expiry > now ? (TickType_t)(s_first->expiry - now) : 0;
        }
        if (xQueueReceive(s_queue, &c, wait) == pdPASS) {
            obey(&c);
        } else if (s_first != NULL && s_first->expiry <= ticks_now()) {
            expire(s_first);
        }
    }
}

static uint8_t s_storage[configTIMER_QUEUE_LENGTH * sizeof(command_t)];
static StaticQueue_t s_queue_memory;

void timers_init(void)
{
    s_first = NULL;
    s_queue =
        xQueueCreateStatic(configTIMER_QUEUE_LENGTH, sizeof(command_t), s_storage, &s_queue_memory);
    const k_task_spec_t spec = {
        .fn = timer_task,
        .name = configTIMER_SERVICE_TASK_NAME,
        .stack = configTIMER_TASK_STACK_DEPTH,
        .prio = configTIMER_TASK_PRIORITY,
        .core = tskNO_AFFINITY,
        .is_daemon = true,
        .caps = MALLOC_CAP_INTERNAL | MALLOC_CAP_8BIT,
    };
    s_task = k_task_create(&spec);
    if (s_task == NULL) {
        host_panic("no memory for the timer task");
    }
}

/* ---- calls ---- */

TimerHandle_t xTimerCreateStatic(const char *const pcTimerName,
                                 const TickType_t xTimerPeriodInTicks, const BaseType_t xAutoReload,
                                 void *const pvTimerID, TimerCallbackFunction_t pxCallbackFunction,
                                 StaticTimer_t *pxTimerBuffer)
{
    configASSERT(pxTimerBuffer != NULL);
    configASSERT(xTimerPeriodInTicks > 0);
    TimerHandle_t t = (TimerHandle_t)pxTimerBuffer;
    memset(t, 0, sizeof(*t));
    t->name = pcTimerName;
    t->period = xTimerPeriodInTicks;
    t->id = pvTimerID;
    t->callback = pxCallbackFunction;
    t->reload = xAutoReload != pdFALSE;
    t->is_static = true;
    return t;
}

TimerHandle_t xTimerCreate(const char *const pcTimerName, const TickType_t xTimerPeriodInTicks,
                           const BaseType_t xAutoReload, void *const pvTimerID,
                           TimerCallbackFunction_t pxCallbackFunction)
{
    (void)k_task_call("xTimerCreate", 0);
    StaticTimer_t *memory = pvPortMalloc(sizeof(*memory));
    if (memory == NULL) {
        return NULL;
    }
    TimerHandle_t t = xTimerCreateStatic(pcTimerName, xTimerPeriodInTicks, xAutoReload, pvTimerID,
                                         pxCallbackFunction, memory);
    t->is_static = false;
    return t;
}

BaseType_t xTimerGenericCommand(TimerHandle_t xTimer, const BaseType_t xCommandID,
                                const TickType_t xOptionalValue,
                                BaseType_t *const pxHigherPriorityTaskWoken,
                                const TickType_t xTicksToWait)
{
    configASSERT(xTimer != NULL);
    const command_t c = {.id = xCommandID, .value = xOptionalValue, .timer = xTimer};
    if (xCommandID < tmrFIRST_FROM_ISR_COMMAND) {
        return xQueueSendToBack(s_queue, &c, xTicksToWait);
    }
    return xQueueSendToBackFromISR(s_queue, &c, pxHigherPriorityTaskWoken);
}

BaseType_t xTimerPendFunctionCall(PendedFunction_t xFunctionToPend, void *pvParameter1,
                                  uint32_t ulParameter2, TickType_t xTicksToWait)
{
    const command_t c = {.id = tmrCOMMAND_EXECUTE_CALLBACK,
                         .fn = xFunctionToPend,
                         .arg1 = pvParameter1,
                         .arg2 = ulParameter2};
    return xQueueSendToBack(s_queue, &c, xTicksToWait);
}

BaseType_t xTimerPendFunctionCallFromISR(PendedFunction_t xFunctionToPend, void *pvParameter1,
                                         uint32_t ulParameter2,
                                         BaseType_t *pxHigherPriorityTaskWoken)
{
    const command_t c = {.id = tmrCOMMAND_EXECUTE_CALLBACK_FROM_ISR,
                         .fn = xFunctionToPend,
                         .arg1 = pvParameter1,
                         .arg2 = ulParameter2};
    return xQueueSendToBackFromISR(s_queue, &c, pxHigherPriorityTaskWoken);
}

BaseType_t xTimerIsTimerActive(TimerHandle_t xTimer)
{
    configASSERT(xTimer != NULL);
    k_lock();
    bool active = xTimer->active;
    k_unlock();
    return active ? pdTRUE : pdFALSE;
}

void *pvTimerGetTimerID(const TimerHandle_t xTimer)
{
    configASSERT(xTimer != NULL);
    k_lock();
    void *id = xTimer->id;
    k_unlock();
    return id;
}

void vTimerSetTimerID(TimerHandle_t xTimer, void *pvNewID)
{
    configASSERT(xTimer != NULL);
    k_lock();
    xTimer->id = pvNewID;
    k_unlock();
}

const char *pcTimerGetName(TimerHandle_t xTimer)
{
    configASSERT(xTimer != NULL);
    return xTimer->name;
}

void vTimerSetReloadMode(TimerHandle_t xTimer, const BaseType_t xAutoReload)
{
    configASSERT(xTimer != NULL);
    k_lock();
    xTimer->reload = xAutoReload != pdFALSE;
    k_unlock();
}

BaseType_t xTimerGetReloadMode(TimerHandle_t xTimer)
{
    configASSERT(xTimer != NULL);
    k_lock();
    bool reload = xTimer->reload;
    k_unlock();
    return reload ? pdTRUE : pdFALSE;
}

UBaseType_t uxTimerGetReloadMode(TimerHandle_t xTimer)
{
    return (UBaseType_t)xTimerGetReloadMode(xTimer);
}

TickType_t xTimerGetPeriod(TimerHandle_t xTimer)
{
    configASSERT(xTimer != NULL);
    k_lock();
    TickType_t period = xTimer->period;
    k_unlock();
    return period;
}

TickType_t xTimerGetExpiryTime(TimerHandle_t xTimer)
{
    configASSERT(xTimer != NULL);
    k_lock();
    TickType_t expiry = (TickType_t)xTimer->expiry;
    k_unlock();
    return expiry;
}

BaseType_t xTimerGetStaticBuffer(TimerHandle_t xTimer, StaticTimer_t **ppxTimerBuffer)
{
    configASSERT(ppxTimerBuffer != NULL);
    if (!xTimer->is_static) {
        return pdFALSE;
    }
    *ppxTimerBuffer = (StaticTimer_t *)xTimer;
    return pdTRUE;
}

TaskHandle_t xTimerGetTimerDaemonTaskHandle(void)
{
    return s_task;
}
