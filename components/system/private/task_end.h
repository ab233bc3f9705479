/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief End a task that does not end by itself, if that can be done without harm.
 */

#include "esp_err.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "event_internal.h"
#include "task_ref.h"

/** Find out whether the number of mutexes that a task holds can be read. @context init only */
void task_end_self_test(void);

/**
 * Suspend a task and delete it, provided that it is off both cores, inside none of our calls, and
 * holds no FreeRTOS mutex: printf, NVS and lwIP keep theirs for ever if their owner dies. Several
 * attempts are made, one tick apart, since a task may be inside such a call just now.
 * @context a task of higher priority than the victim  @blocks up to CONFIG_SYSTEM_TASK_END_MS
 * @return ESP_OK: it is gone and its memory may be used again; ESP_ERR_TIMEOUT: it lives on,
 * running
 */
esp_err_t task_end(task_ref_t *task, const system_identity_t *identity);

/**
 * One attempt to end a task that was set aside before; nothing it waits for is cut short.
 * @context as task_end()  @blocks up to three ticks
 * @return ESP_OK; ESP_ERR_INVALID_STATE it holds a mutex; ESP_ERR_TIMEOUT it is inside one of our
 *         calls, does not come to a stand, or is gone already: its deletion callback was told
 */
esp_err_t task_try_end(task_ref_t *task, const system_identity_t *identity);

/** A task that is being deleted takes a mutex along, or nobody can tell. @context the deletion
 *  callback of that task */
bool task_end_loses_mutex(TaskHandle_t task);
