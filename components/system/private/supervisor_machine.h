/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief What the ways up and down share; see supervisor_internal.h. The supervisor's task only.
 */

#include "supervisor_internal.h"

#define GRACE_US     (CONFIG_SYSTEM_STOP_GRACE_MS * INT64_C(1000))
#define LIFECYCLE_US (CONFIG_SYSTEM_LIFECYCLE_TIMEOUT_MS * INT64_C(1000))

typedef esp_err_t (*lifecycle_function_t)(system_service_id_t id, void *arg);

/** What a call of a lifecycle function came to. */
typedef enum {
    CALL_PENDING,
    CALL_RETURNED,
    CALL_HUNG
} call_t;

/** Have a lifecycle function called, or look how the call goes. NULL has returned ESP_OK. */
call_t machine_call(unsigned slot, lifecycle_function_t function, int64_t timeout_us,
                    esp_err_t *result);
/** Its lifecycle functions; all NULL for one registered by name only. */
const system_service_lifecycle_t *machine_functions(unsigned slot);
supervisor_phase_t machine_phase(unsigned slot);
/** Go on to a phase that may last until then. */
void machine_enter(unsigned slot, supervisor_phase_t next, int64_t deadline_us);

/* One step of a phase. @return true when it went on to another one */
bool machine_step_needs(unsigned slot);
bool machine_step_init(unsigned slot);
bool machine_step_start(unsigned slot);
bool machine_step_dependants(unsigned slot);
bool machine_step_drain(unsigned slot);
bool machine_step_stop(unsigned slot);
bool machine_step_deinit(unsigned slot);
bool machine_step_reclaim(unsigned slot);
bool machine_step_backoff(unsigned slot);
