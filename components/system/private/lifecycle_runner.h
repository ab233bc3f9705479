/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief The tasks that lifecycle functions run in: a few, so that one that hangs holds up nobody.
 *
 * The supervisor's task gives out jobs and fetches their results; all functions but the two at the
 * end are called by it alone.
 */

#include <stdbool.h>
#include <stdint.h>

#include "esp_err.h"

#include "system_internal.h"

/** One call to make. */
typedef struct {
    esp_err_t (*function)(system_service_id_t id, void *arg);
    void *arg;
    system_service_id_t id;
    uint8_t slot; /* whose code it is; SYSTEM_SLOT_NONE = the core's */
} lifecycle_job_t;

/** No runner. */
#define LIFECYCLE_RUNNER_NONE (-1)

/** Create the tasks. @return ESP_OK; ESP_ERR_NO_MEM */
esp_err_t lifecycle_runners_start(void);

/** End the tasks. @return ESP_OK; ESP_ERR_TIMEOUT one is held by a function that hangs: none ended
 */
esp_err_t lifecycle_runners_stop(void);

/** Have a call made. @return the runner, or LIFECYCLE_RUNNER_NONE when all are busy: ask again
 * later */
int lifecycle_run(const lifecycle_job_t *job);

/** True once the call has returned; the runner is then free for others. */
bool lifecycle_result(int runner, esp_err_t *result);

/**
 * Give up on a call that does not return: its task is ended and replaced, or set aside if it cannot
 * be ended safely. One set aside serves again should the function ever return.
 * @blocks up to CONFIG_SYSTEM_TASK_END_MS
 * @return ESP_OK its task was ended; ESP_ERR_TIMEOUT it is set aside; ESP_ERR_INVALID_STATE the
 * call has returned after all: fetch its result
 */
esp_err_t lifecycle_give_up(int runner);

/** Somebody deleted the task of a runner: nothing of what it was given will be done. */
bool lifecycle_runner_deleted(int runner);
/** Replace those whose task somebody deleted while they had nothing to do. */
void lifecycle_runners_mend(void);
/** Wake all of them, to see that the supervisor's task was deleted. @context any but an ISR */
void lifecycle_runners_alarm(void);

/** A runner was set aside and is so still. @param[out] slot whose function holds it */
bool lifecycle_runner_aside(unsigned n, unsigned *slot);
/** Try once more to end and replace one that was set aside. @return as task_try_end() */
esp_err_t lifecycle_end_aside(unsigned n);
/** True when no runner can serve any more: all are set aside. */
bool lifecycle_runners_exhausted(void);

/** Runners set aside now. @context any */
unsigned lifecycle_runners_given_up(void);

/** True in a task of the runners. @context any */
bool lifecycle_runner_is_current(void);

/** True in a runner that was set aside: what it does counts for nobody any more. @context any */
bool lifecycle_runner_given_up(void);
