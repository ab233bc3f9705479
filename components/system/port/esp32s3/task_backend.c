/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A task's handle is the address of its control block, which StaticTask_t mirrors field by field;
 * uxDummy12[1] stands where FreeRTOS counts the mutexes held. task_end_self_test() makes sure.
 *
 * vTaskDelete() unlinks a task inside the kernel's lock, and calls back some time after it gave the
 * lock back: a deleter of low priority may be kept from its core in between for long. So the lock
 * is the kernel's own, and inside it FreeRTOS is asked. The control blocks of all tasks looked at
 * here are static: the look is safe however late it comes.
 */
#include "task_backend.h"

#include <stdatomic.h>

#include "esp_freertos_hooks.h"
#include "esp_private/freertos_idf_additions_priv.h"

#include "lock_order.h"

/* On one core, whoever masks the interrupts has the kernel to himself. FreeRTOS has it so that an
 * ISR takes the kernel's lock by other calls than a task, which it does not export; where that is
 * checked, an ISR is kept out by a lock of ours alone, and cannot ask. */
#if portNUM_PROCESSORS > 1 && !defined(CONFIG_FREERTOS_CHECK_PORT_CRITICAL_COMPLIANCE)
#define KERNEL_LOCK 1
#else
#define KERNEL_LOCK 0
static portMUX_TYPE s_lock = portMUX_INITIALIZER_UNLOCKED;
#endif

void task_backend_lock(void)
{
#if KERNEL_LOCK
    prvTakeKernelLock();
#else
    portENTER_CRITICAL_SAFE(&s_lock);
#if portNUM_PROCESSORS > 1
    if (!xPortInIsrContext()) {
        prvTakeKernelLock();
    }
#endif
#endif
}

void task_backend_unlock(void)
{
#if KERNEL_LOCK
    prvReleaseKernelLock();
#else
#if portNUM_PROCESSORS > 1
    if (!xPortInIsrContext()) {
        prvReleaseKernelLock();
    }
#endif
    portEXIT_CRITICAL_SAFE(&s_lock);
#endif
}

bool task_backend_is_there(TaskHandle_t task)
{
#ifdef CONFIG_FREERTOS_CHECK_PORT_CRITICAL_COMPLIANCE
    if (xPortInIsrContext()) {
        return true;
    }
#endif
    return eTaskGetState(task) != eDeleted;
}

uint32_t task_backend_stack_free(const _Atomic(TaskHandle_t) *ref)
{
    const TaskHandle_t task = atomic_load(ref);
    return task != NULL ? uxTaskGetStackHighWaterMark(task) : 0;
}

/* ---- who deletes ---------------------------------------------------------------------------- */

/* An idle task: this bit, its core, and how many rounds it had made, as far as there is room. That
 * many rounds later it looks as if it was not past; it is told of again one round later. */
#define IDLE         0x80u
#define IDLE_CORE    0x40u
#define IDLE_ROUNDS  0x3Fu
#define ANOTHER_TASK 1u
_Static_assert(portNUM_PROCESSORS <= 2, "the core is one bit");

static _Atomic uint32_t s_rounds[portNUM_PROCESSORS]; /* written by the idle task of the core */
static _Atomic uint32_t s_inside;                     /* tasks in vTaskDelete() of another */
static void (*s_told)(void);
static bool s_hooked;

/** On each round of an idle task, after what it had to delete. */
static bool idle_round(void)
{
    _Atomic uint32_t *rounds = &s_rounds[xPortGetCoreID()];
    atomic_store(rounds, atomic_load(rounds) + 1u);
    s_told();
    return true; /* the core may sleep */
}

/* The linker has all calls from outside tasks.c come here (CMakeLists.txt). A task that deletes
 * itself is the idle task's; FreeRTOS finds out by itself whether it is the calling one. */
void __real_vTaskDelete(TaskHandle_t task);
void __wrap_vTaskDelete(TaskHandle_t task);

void __wrap_vTaskDelete(TaskHandle_t task)
{
    if (task == NULL || task == xTaskGetCurrentTaskHandle()) {
        __real_vTaskDelete(task);
        return;
    }
    atomic_fetch_add(&s_inside, 1);
    __real_vTaskDelete(task);
    if (atomic_fetch_sub(&s_inside, 1) == 1 && s_told != NULL) {
        s_told();
    }
}

uint8_t task_backend_deleter(void)
{
    const TaskHandle_t self = xTaskGetCurrentTaskHandle();
    for (BaseType_t core = 0; core < portNUM_PROCESSORS; core++) {
        if (self == xTaskGetIdleTaskHandleForCore(core)) {
            return (uint8_t)(IDLE | (core != 0 ? IDLE_CORE : 0) |
                             (atomic_load(&s_rounds[core]) & IDLE_ROUNDS));
        }
    }
    return ANOTHER_TASK;
}

bool task_backend_is_past(const StaticTask_t *tcb, uint8_t deleter)
{
    (void)tcb;
    if (deleter == ANOTHER_TASK) {
        return atomic_load(&s_inside) == 0;
    }
    const unsigned core = (deleter & IDLE_CORE) != 0;
    return (atomic_load(&s_rounds[core]) & IDLE_ROUNDS) != (deleter & IDLE_ROUNDS);
}

esp_err_t task_backend_tell_past(void (*told)(void))
{
    if (s_hooked) {
        return ESP_OK; /* the hooks stay for good */
    }
    s_told = told; /* stays as well: an idle task may be in a hook that is taken back */
    for (unsigned core = 0; core < portNUM_PROCESSORS; core++) {
        const esp_err_t ret = esp_register_freertos_idle_hook_for_cpu(idle_round, core);
        if (ret != ESP_OK) {
            while (core-- > 0) {
                esp_deregister_freertos_idle_hook_for_cpu(idle_round, core);
            }
            return ret;
        }
    }
    s_hooked = true;
    return ESP_OK;
}

uint32_t task_backend_mutexes_held(TaskHandle_t task)
{
    return ((volatile StaticTask_t *)task)->uxDummy12[1];
}
