// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "sdkconfig.h"
#include "esp_attr.h"
#include "spinlock.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Widths of the ESP32-S3: stack depths are bytes, ticks are 32 bits. */
typedef uint8_t StackType_t;
typedef int BaseType_t;
typedef unsigned int UBaseType_t;
typedef uint32_t TickType_t;

#define portSTACK_TYPE uint8_t
#define portBASE_TYPE  int
#define portMAX_DELAY  ((TickType_t)0xffffffffUL)

#define portTICK_PERIOD_MS          ((TickType_t)1000 / configTICK_RATE_HZ)
#define portSTACK_GROWTH            (-1)
#define portBYTE_ALIGNMENT          16
#define portTICK_TYPE_IS_ATOMIC     1
#define portCRITICAL_NESTING_IN_TCB 0
#define portNOP()                   ((void)0)

#define portTASK_FUNCTION_PROTO(vFunction, pvParameters) void vFunction(void *pvParameters)
#define portTASK_FUNCTION(vFunction, pvParameters)       void vFunction(void *pvParameters)

/* ---- interrupts ---- */

/** @brief pdTRUE in a handler started by the board as an interrupt. @context any */
BaseType_t xPortInIsrContext(void);
/** @brief Abort when in an interrupt. @context any */
void vPortAssertIfInISR(void);
/** @brief pdTRUE when the interrupt interrupted another one; the board does not nest them. @context
 * isr-ok */
BaseType_t xPortInterruptedFromISRContext(void);

/* Masking is per core: interrupts of this core wait, and its task is not pre-empted. */
UBaseType_t xPortSetInterruptMaskFromISR(void);
void vPortClearInterruptMaskFromISR(UBaseType_t prev_level);

#define portDISABLE_INTERRUPTS()                      ((void)xPortSetInterruptMaskFromISR())
#define portENABLE_INTERRUPTS()                       vPortClearInterruptMaskFromISR(0)
#define portSET_INTERRUPT_MASK_FROM_ISR()             xPortSetInterruptMaskFromISR()
#define portCLEAR_INTERRUPT_MASK_FROM_ISR(prev_level) vPortClearInterruptMaskFromISR(prev_level)
#define portASSERT_IF_IN_ISR()                        vPortAssertIfInISR()
#define portCHECK_IF_IN_ISR()                         xPortInIsrContext()

/* ---- critical sections ---- */

typedef spinlock_t portMUX_TYPE;
#define portMUX_INITIALIZER_UNLOCKED SPINLOCK_INITIALIZER
#define portMUX_FREE_VAL             SPINLOCK_FREE
#define portMUX_NO_TIMEOUT           SPINLOCK_WAIT_FOREVER
#define portMUX_TRY_LOCK             SPINLOCK_NO_WAIT
#define portMUX_INITIALIZE(mux)      spinlock_initialize(mux)

/**
 * @brief Enter a critical section; nests for the same owner.
 *
 * @param timeout CPU cycles (at CONFIG_ESP_DEFAULT_CPU_FREQ_MHZ), portMUX_NO_TIMEOUT or
 * portMUX_TRY_LOCK
 * @context any task, isr-ok
 * @return pdPASS, or pdFAIL: not free within the timeout
 */
BaseType_t xPortEnterCriticalTimeout(portMUX_TYPE *mux, BaseType_t timeout);
void vPortEnterCritical(portMUX_TYPE *mux);
void vPortExitCritical(portMUX_TYPE *mux);
BaseType_t xPortEnterCriticalTimeoutCompliance(portMUX_TYPE *mux, BaseType_t timeout);
void vPortEnterCriticalCompliance(portMUX_TYPE *mux);
void vPortExitCriticalCompliance(portMUX_TYPE *mux);
BaseType_t xPortEnterCriticalTimeoutSafe(portMUX_TYPE *mux, BaseType_t timeout);
void vPortEnterCriticalSafe(portMUX_TYPE *mux);
void vPortExitCriticalSafe(portMUX_TYPE *mux);

#define portTRY_ENTER_CRITICAL(mux, timeout)      xPortEnterCriticalTimeout(mux, timeout)
#define portENTER_CRITICAL(mux)                   vPortEnterCritical(mux)
#define portEXIT_CRITICAL(mux)                    vPortExitCritical(mux)
#define portTRY_ENTER_CRITICAL_ISR(mux, timeout)  xPortEnterCriticalTimeout(mux, timeout)
#define portENTER_CRITICAL_ISR(mux)               vPortEnterCritical(mux)
#define portEXIT_CRITICAL_ISR(mux)                vPortExitCritical(mux)
#define portTRY_ENTER_CRITICAL_SAFE(mux, timeout) xPortEnterCriticalTimeoutSafe(mux, timeout)
#define portENTER_CRITICAL_SAFE(mux)              vPortEnterCriticalSafe(mux)
#define portEXIT_CRITICAL_SAFE(mux)               vPortExitCriticalSafe(mux)

/* ---- yielding ---- */

void vPortYield(void);
void vPortYieldFromISR(void);
void vPortYieldOtherCore(BaseType_t coreid);
/** @brief False while interrupts are masked or in a critical section. @context any */
bool xPortCanYield(void);

#define portYIELD()            vPortYield()
#define portYIELD_WITHIN_API() vPortYield()
#define portYIELD_CORE(core)   vPortYieldOtherCore(core)

static inline void vPortYieldFromISRArg(BaseType_t woken)
{
    if (woken) {
        vPortYieldFromISR();
    }
}
/* With and without the xHigherPriorityTaskWoken argument, as ESP-IDF allows. */
#define portYIELD_FROM_ISR(...)            vPortYieldFromISRArg(portYIELD_FROM_ISR_PICK(, ##__VA_ARGS__, 1))
#define portYIELD_FROM_ISR_PICK(a, b, ...) (b)

/* ---- the machine ---- */

/** @brief Core the caller runs on. @context any task, isr-ok */
BaseType_t xPortGetCoreID(void);
uint32_t xPortGetTickRateHz(void);
#define portGET_CORE_ID() xPortGetCoreID()

bool xPortCheckValidListMem(const void *ptr);
bool xPortCheckValidTCBMem(const void *ptr);
bool xPortcheckValidStackMem(const void *ptr);

#define portGET_RUN_TIME_COUNTER_VALUE() ((configRUN_TIME_COUNTER_TYPE)ulPortRunTimeCounter())
uint32_t ulPortRunTimeCounter(void);

#ifdef __cplusplus
}
#endif
