// SPDX-License-Identifier: Apache-2.0

// Critical sections, interrupt masks, yielding: what portmacro.h and spinlock.h declare.

#include "freertos/FreeRTOS.h"
#include "host_internal.h"
#include "sched.h"

/* ---- spin locks ---- */

static inline void check_mux(const portMUX_TYPE *mux, uint32_t owner)
{
    if (__builtin_expect(owner == 0, 0)) {
        host_panic("portMUX %p was never initialised (portMUX_INITIALIZER_UNLOCKED)",
                   (const void *)mux);
    }
}

static bool take_contended(portMUX_TYPE *mux, uint32_t id, int32_t timeout)
{
    uint64_t deadline = K_FOREVER;
    if (timeout >= 0) {
        deadline = g_sched->now() + (uint64_t)timeout / CONFIG_ESP_DEFAULT_CPU_FREQ_MHZ;
    }
    for (uint32_t round = 0;; round++) {
        uint32_t expected = SPINLOCK_FREE;
        if (__atomic_load_n(&mux->owner, __ATOMIC_RELAXED) == SPINLOCK_FREE &&
            __atomic_compare_exchange_n(&mux->owner, &expected, id, false, __ATOMIC_ACQUIRE,
                                        __ATOMIC_RELAXED)) {
            return true;
        }
        if (timeout == SPINLOCK_NO_WAIT || (deadline != K_FOREVER && g_sched->now() >= deadline)) {
            return false;
        }
        if (deadline != K_FOREVER) {
            g_sched->busy(1); /* a bounded wait must see its time pass */
        } else {
            g_sched->spin(&mux->owner, round);
        }
    }
}

/* The caller's core is masked already, as on the device. */
static inline bool take(portMUX_TYPE *mux, uint32_t id, int32_t timeout)
{
    uint32_t owner = __atomic_load_n(&mux->owner, __ATOMIC_RELAXED);
    check_mux(mux, owner);
    if (owner == id) {
        mux->count++;
        return true;
    }
    uint32_t expected = SPINLOCK_FREE;
    if (!__atomic_compare_exchange_n(&mux->owner, &expected, id, false, __ATOMIC_ACQUIRE,
                                     __ATOMIC_RELAXED) &&
        !take_contended(mux, id, timeout)) {
        return false;
    }
    mux->count = 1;
    return true;
}

static inline void give(portMUX_TYPE *mux, uint32_t id)
{
    if (__builtin_expect(__atomic_load_n(&mux->owner, __ATOMIC_RELAXED) != id, 0)) {
        host_panic("portEXIT_CRITICAL: %s does not own the portMUX %p", host_task_name(),
                   (void *)mux);
    }
    if (--mux->count == 0) {
        __atomic_store_n(&mux->owner, SPINLOCK_FREE, __ATOMIC_RELEASE);
    }
}

bool spinlock_acquire(spinlock_t *lock, int32_t timeout)
{
    return xPortEnterCriticalTimeout(lock, timeout) == pdPASS;
}

void spinlock_release(spinlock_t *lock)
{
    vPortExitCritical(lock);
}

/* ---- critical sections ---- */

static inline tcb_t *caller(const char *call)
{
    tcb_t *self = k_self;
    if (__builtin_expect(self == NULL, 0)) {
        k_bad_context(call);
    }
    return self;
}

BaseType_t xPortEnterCriticalTimeout(portMUX_TYPE *mux, BaseType_t timeout)
{
    tcb_t *self = caller("portENTER_CRITICAL");
    g_sched->point(K_POINT_CRITICAL, 1);
    self->crit_nest++;
    if (take(mux, self->number, timeout)) {
        return pdPASS;
    }
    self->crit_nest--;
    return pdFAIL;
}

void vPortEnterCritical(portMUX_TYPE *mux)
{
    tcb_t *self = caller("portENTER_CRITICAL");
    g_sched->point(K_POINT_CRITICAL, 1);
    self->crit_nest++;
    (void)take(mux, self->number, SPINLOCK_WAIT_FOREVER);
}

void vPortExitCritical(portMUX_TYPE *mux)
{
    tcb_t *self = caller("portEXIT_CRITICAL");
    give(mux, self->number);
    self->crit_nest--;
    g_sched->point(K_POINT_CRITICAL, 2);
}

BaseType_t xPortEnterCriticalTimeoutCompliance(portMUX_TYPE *mux, BaseType_t timeout)
{
    if (xPortInIsrContext()) {
        host_panic("portENTER_CRITICAL() in an interrupt: use portENTER_CRITICAL_ISR()");
    }
    return xPortEnterCriticalTimeout(mux, timeout);
}

void vPortEnterCriticalCompliance(portMUX_TYPE *mux)
{
    (void)xPortEnterCriticalTimeoutCompliance(mux, portMUX_NO_TIMEOUT);
}

void vPortExitCriticalCompliance(portMUX_TYPE *mux)
{
    if (xPortInIsrContext()) {
        host_panic("portEXIT_CRITICAL() in an interrupt: use portEXIT_CRITICAL_ISR()");
    }
    vPortExitCritical(mux);
}

BaseType_t xPortEnterCriticalTimeoutSafe(portMUX_TYPE *mux, BaseType_t timeout)
{
    return xPortEnterCriticalTimeout(mux, timeout);
}

void vPortEnterCriticalSafe(portMUX_TYPE *mux)
{
    vPortEnterCritical(mux);
}

void vPortExitCriticalSafe(portMUX_TYPE *mux)
{
    vPortExitCritical(mux);
}

/* ---- interrupts ---- */

UBaseType_t xPortSetInterruptMaskFromISR(void)
{
    tcb_t *self = caller("portSET_INTERRUPT_MASK_FROM_ISR");
    UBaseType_t prev = self->irq_mask;
    self->irq_mask = 1;
    return prev;
}

void vPortClearInterruptMaskFromISR(UBaseType_t prev_level)
{
    tcb_t *self = caller("portCLEAR_INTERRUPT_MASK_FROM_ISR");
    self->irq_mask = prev_level;
    g_sched->point(K_POINT_CRITICAL, 3);
}

BaseType_t xPortInIsrContext(void)
{
    return k_self != NULL && k_self->is_isr;
}

void vPortAssertIfInISR(void)
{
    configASSERT(!xPortInIsrContext());
}

BaseType_t xPortInterruptedFromISRContext(void)
{
    return pdFALSE;
}

/* ---- yielding and the machine ---- */

void vPortYield(void)
{
    (void)k_task_call("taskYIELD", 0);
    g_sched->yield();
}

/* A woken task takes the core when the interrupt returns; nothing to ask for. */
void vPortYieldFromISR(void)
{
    (void)caller("portYIELD_FROM_ISR");
}

void vPortYieldOtherCore(BaseType_t coreid)
{
    (void)coreid;
    (void)caller("portYIELD_CORE");
    g_sched->point(K_POINT_YIELD, 1);
}

bool xPortCanYield(void)
{
    const tcb_t *self = k_self;
    return self != NULL && k_may_cut(self);
}

BaseType_t xPortGetCoreID(void)
{
    return g_sched->core(caller("xPortGetCoreID"));
}

uint32_t xPortGetTickRateHz(void)
{
    return configTICK_RATE_HZ;
}

uint32_t ulPortRunTimeCounter(void)
{
    return (uint32_t)g_sched->now();
}

/* ---- memory of kernel objects ---- */

void *pvPortMalloc(size_t xWantedSize)
{
    return heap_caps_malloc(xWantedSize, MALLOC_CAP_INTERNAL | MALLOC_CAP_8BIT);
}

void vPortFree(void *pv)
{
    heap_caps_free(pv);
}

size_t xPortGetFreeHeapSize(void)
{
    return heap_caps_get_free_size(MALLOC_CAP_INTERNAL | MALLOC_CAP_8BIT);
}

size_t xPortGetMinimumEverFreeHeapSize(void)
{
    return heap_caps_get_minimum_free_size(MALLOC_CAP_INTERNAL | MALLOC_CAP_8BIT);
}

bool xPortCheckValidListMem(const void *ptr)
{
    return ptr != NULL;
}

bool xPortCheckValidTCBMem(const void *ptr)
{
    return ptr != NULL;
}

bool xPortcheckValidStackMem(const void *ptr)
{
    return ptr != NULL;
}
