// SPDX-License-Identifier: Apache-2.0

// Direct-to-task notifications.

#include "host_internal.h"
#include "sched.h"

enum {
    NOT_WAITING = 0,
    WAITING,
    RECEIVED
};

static void check_index(UBaseType_t index)
{
    configASSERT(index < configTASK_NOTIFICATION_ARRAY_ENTRIES);
}

/* ---- sending ---- */

/* @return false: eSetValueWithoutOverwrite met an unread value */
static bool apply(tcb_t *t, UBaseType_t i, uint32_t value, eNotifyAction action, uint8_t was)
{
    switch (action) {
    case eSetBits:
        t->notify_value[i] |= value;
        break;
    case eIncrement:
        t->notify_value[i]++;
        break;
    case eSetValueWithOverwrite:
        t->notify_value[i] = value;
        break;
    case eSetValueWithoutOverwrite:
        if (was == RECEIVED) {
            return false;
        }
        t->notify_value[i] = value;
        break;
    case eNoAction:
        break;
    default:
        configASSERT(false);
    }
    return true;
}

/* @return whether the value was taken; *woken says whether t was waiting for it */
static bool notify_locked(tcb_t *t, UBaseType_t i, uint32_t value, eNotifyAction action,
                          uint32_t *previous, bool *woken)
{
    if (previous != NULL) {
        *previous = t->notify_value[i];
    }
    uint8_t was = t->notify_state[i];
    t->notify_state[i] = RECEIVED;
    bool ok = apply(t, i, value, action, was);
    *woken = was == WAITING && t->state == K_BLOCKED;
    if (*woken) {
        k_unblock(t, K_WOKEN);
    }
    return ok;
}

BaseType_t xTaskGenericNotify(TaskHandle_t xTaskToNotify, UBaseType_t uxIndexToNotify,
                              uint32_t ulValue, eNotifyAction eAction,
                              uint32_t *pulPreviousNotificationValue)
{
    check_index(uxIndexToNotify);
    configASSERT(xTaskToNotify != NULL);
    (void)k_task_call("xTaskNotify", xTaskToNotify->number);
    tcb_t *t = k_tcb_check(xTaskToNotify, "xTaskNotify");
    bool woken;
    k_lock();
    bool ok =
        notify_locked(t, uxIndexToNotify, ulValue, eAction, pulPreviousNotificationValue, &woken);
    k_unlock();
    return ok ? pdPASS : pdFAIL;
}

static BaseType_t notify_from_isr(TaskHandle_t task, UBaseType_t index, uint32_t value,
                                  eNotifyAction action, uint32_t *previous, BaseType_t *higher)
{
    check_index(index);
    configASSERT(task != NULL);
    (void)k_any_call("xTaskNotifyFromISR", task->number);
    tcb_t *t = k_tcb_check(task, "xTaskNotifyFromISR");
    bool woken;
    k_lock();
    bool ok = notify_locked(t, index, value, action, previous, &woken);
    if (higher != NULL && woken && k_outranks(t)) {
        *higher = pdTRUE;
    }
    k_unlock();
    return ok ? pdPASS : pdFAIL;
}

BaseType_t xTaskGenericNotifyFromISR(TaskHandle_t xTaskToNotify, UBaseType_t uxIndexToNotify,
                                     uint32_t ulValue, eNotifyAction eAction,
                                     uint32_t *pulPreviousNotificationValue,
                                     BaseType_t *pxHigherPriorityTaskWoken)
{
    return notify_from_isr(xTaskToNotify, uxIndexToNotify, ulValue, eAction,
                           pulPreviousNotificationValue, pxHigherPriorityTaskWoken);
}

void vTaskGenericNotifyGiveFromISR(TaskHandle_t xTaskToNotify, UBaseType_t uxIndexToNotify,
                                   BaseType_t *pxHigherPriorityTaskWoken)
{
    (void)notify_from_isr(xTaskToNotify, uxIndexToNotify, 0, eIncrement, NULL,
                          pxHigherPriorityTaskWoken);
}

/* ---- receiving ---- */

/* Lock held. Wait until the state is RECEIVED (any) or, for a count, the value is not 0. */
static void await(tcb_t *self, UBaseType_t i, bool count, TickType_t ticks)
{
    uint64_t deadline = ticks == 0 ? 0 : k_deadline(ticks);
    while (count ? self->notify_value[i] == 0 : self->notify_state[i] != RECEIVED) {
        if (ticks == 0) {
            return;
        }
        self->notify_state[i] = WAITING;
        if (k_block(NULL, deadline, "notification", i) == K_TIMEOUT) {
            return;
        }
    }
}

uint32_t ulTaskGenericNotifyTake(UBaseType_t uxIndexToWaitOn, BaseType_t xClearCountOnExit,
                                 TickType_t xTicksToWait)
{
    check_index(uxIndexToWaitOn);
    tcb_t *self = k_task_call("ulTaskNotifyTake", 0);
    k_lock();
    await(self, uxIndexToWaitOn, true, xTicksToWait);
    uint32_t value = self->notify_value[uxIndexToWaitOn];
    if (value != 0) {
        self->notify_value[uxIndexToWaitOn] = xClearCountOnExit != pdFALSE ? 0 : value - 1;
    }
    self->notify_state[uxIndexToWaitOn] = NOT_WAITING;
    k_unlock();
    return value;
}

BaseType_t xTaskGenericNotifyWait(UBaseType_t uxIndexToWaitOn, uint32_t ulBitsToClearOnEntry,
                                  uint32_t ulBitsToClearOnExit, uint32_t *pulNotificationValue,
                                  TickType_t xTicksToWait)
{
    check_index(uxIndexToWaitOn);
    tcb_t *self = k_task_call("xTaskNotifyWait", 0);
    k_lock();
    if (self->notify_state[uxIndexToWaitOn] != RECEIVED) {
        self->notify_value[uxIndexToWaitOn] &= ~ulBitsToClearOnEntry;
        await(self, uxIndexToWaitOn, false, xTicksToWait);
    }
    if (pulNotificationValue != NULL) {
        *pulNotificationValue = self->notify_value[uxIndexToWaitOn];
    }
    bool received = self->notify_state[uxIndexToWaitOn] == RECEIVED;
    if (received) {
        self->notify_value[uxIndexToWaitOn] &= ~ulBitsToClearOnExit;
    }
    self->notify_state[uxIndexToWaitOn] = NOT_WAITING;
    k_unlock();
    return received ? pdTRUE : pdFALSE;
}

/* ---- clearing ---- */

BaseType_t xTaskGenericNotifyStateClear(TaskHandle_t xTask, UBaseType_t uxIndexToClear)
{
    check_index(uxIndexToClear);
    (void)k_task_call("xTaskNotifyStateClear", 0);
    tcb_t *t = k_tcb_check(xTask, "xTaskNotifyStateClear");
    k_lock();
    bool pending = t->notify_state[uxIndexToClear] == RECEIVED;
    if (pending) {
        t->notify_state[uxIndexToClear] = NOT_WAITING;
    }
    k_unlock();
    return pending ? pdPASS : pdFAIL;
}

uint32_t ulTaskGenericNotifyValueClear(TaskHandle_t xTask, UBaseType_t uxIndexToClear,
                                       uint32_t ulBitsToClear)
{
    check_index(uxIndexToClear);
    (void)k_task_call("ulTaskNotifyValueClear", 0);
    tcb_t *t = k_tcb_check(xTask, "ulTaskNotifyValueClear");
    k_lock();
    uint32_t value = t->notify_value[uxIndexToClear];
    t->notify_value[uxIndexToClear] &= ~ulBitsToClear;
    k_unlock();
    return value;
}
