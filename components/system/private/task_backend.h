/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief What only the platform knows of a task. One implementation in port/esp32s3, one in
 *        port/linux.
 */

#include <stdbool.h>
#include <stdint.h>

#include "esp_err.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

/** Nobody is deleted between the two. A leaf in the order of locks; nests; isr-ok. */
void task_backend_lock(void);
void task_backend_unlock(void);
/** Nobody has begun to delete a task whose deletion callback was not called yet. Lock held. */
bool task_backend_is_there(TaskHandle_t task);
/** Stack that a task never used, in bytes; 0 if it is gone. May look at all of it: no lock held.
 *  The caller sees to it that its stack stays. */
uint32_t task_backend_stack_free(const _Atomic(TaskHandle_t) *ref);

/** Who runs the deletion callback that this is called in. @return never 0 */
uint8_t task_backend_deleter(void);
/** That one does not touch the control block it was about, or the stack, any more. */
bool task_backend_is_past(const StaticTask_t *tcb, uint8_t deleter);
/** Call a function, in its task, each time that one got past. @context init only
 *  @return ESP_OK; ESP_ERR_NO_MEM all idle hooks of a core are taken */
esp_err_t task_backend_tell_past(void (*told)(void));

/** Number of mutexes that a task holds. Exact only for the calling task and for suspended ones. */
uint32_t task_backend_mutexes_held(TaskHandle_t task);
