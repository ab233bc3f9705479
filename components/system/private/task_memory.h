/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief When the control block and the stack of a task that somebody else deleted may be used
 *        again.
 *
 * Until when FreeRTOS touches what, in ESP-IDF v5.5.5 (FreeRTOS-Kernel/tasks.c, portable/xtensa):
 *
 *  1. vTaskDelete() takes the task out of its lists inside the kernel's lock, and gives the lock
 *     back. From here on eTaskGetState() says eDeleted (once it is off its core), and who deletes
 *     may be kept from its core at any instruction, however long.
 *  2. A task that was not running: whoever called vTaskDelete() goes on into prvDeleteTCB(). One
 *     that was, on either core, and so each that deletes itself: it is left in
 *     xTasksWaitingTermination, and runs until its core is taken from it. The idle task of either
 *     core finds it in prvCheckTasksWaitingTermination() once it is off its core, takes it out of
 *     that list, and goes on into prvDeleteTCB().
 *  3. prvDeleteTCB() calls vPortTCBPreDeleteHook(): first vPortTLSPointersDelCb(), which calls our
 *     deletion callback, and then vPortCleanUpCoprocArea(), which reads where the stack ends and
 *     takes floating-point registers away from whoever has their save area there.
 *  4. Then _reclaim_reent() frees what the C library keeps in the control block, and
 *     ucStaticallyAllocated is read. Nothing touches the two after that.
 *
 * So our callback comes before the last touch. A task started in this memory in between would lose
 * its floating-point registers and its C library's state to the end of the one before it.
 *
 * Where we delete a task ourselves, it is suspended and so off both cores, and the memory is ours
 * when vTaskDelete() returns. Else the callback notes who runs it, and the memory waits until that
 * one is seen past step 4: an idle task in its idle hook, which comes after
 * prvCheckTasksWaitingTermination() on each of its rounds; another task as soon as none is inside
 * vTaskDelete(). Whoever is killed or suspended inside it keeps the memory for good: the place is
 * lost, and spare places and, without one, the last resort are there for that.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "esp_err.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "task_ref.h"

/** Who deletes a task that we do not delete; 0: nobody. Beside its control block. */
typedef _Atomic uint8_t task_deleter_t;

/** @context init only  @return ESP_OK; ESP_ERR_NO_MEM all idle hooks of a core are taken */
esp_err_t task_memory_init(void);

/** A reference becomes void in the deletion callback of its task, and who runs it is noted.
 *  @return the task; NULL: we delete it ourselves */
TaskHandle_t task_memory_lost(task_ref_t *ref, task_deleter_t *deleter);

/**
 * Is the memory of a task that is gone the caller's again? Only who may give it away asks. Once it
 * was told that it is not, the supervisor is poked when that may have changed.
 * @context any task  @blocks never
 */
bool task_memory_is_free(const StaticTask_t *tcb, task_deleter_t *deleter);

/** Wait for it. @context any task  @blocks up to CONFIG_SYSTEM_TASK_END_MS  @return it is free */
bool task_memory_wait(const StaticTask_t *tcb, task_deleter_t *deleter);
