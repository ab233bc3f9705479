/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief What only the platform knows of a task. One implementation in port/esp32s3, one in
 *        port/linux.
 */

#include <stdbool.h>
#include <stdint.h>

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

/** Number of mutexes that a task holds. Exact only for the calling task and for suspended ones. */
uint32_t task_backend_mutexes_held(TaskHandle_t task);
