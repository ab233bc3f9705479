/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief Make a service or app misbehave on purpose, to see that the rest lives on.
 *
 * The misbehaviour runs as one more event handler of the victim: in its mailbox, with its identity,
 * at the cost of its quotas. The victim needs no code for it. CONFIG_SYSTEM_FAULT_INJECTION leaves
 * all this out of a product.
 */

#include <stdint.h>

#include "esp_err.h"

#include "system_service/error_codes.h"
#include "system_service/system_types.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What goes wrong. */
typedef enum {
    SYSTEM_FAULT_HANG = 0, /**< a handler that never returns */
    SYSTEM_FAULT_SLOW,     /**< a handler that takes amount ms; 0 = 500 */
    SYSTEM_FAULT_CRASH,    /**< its code finds itself broken and reports ESP_ERR_SERVICE_CRASHED */
    SYSTEM_FAULT_LEAK,     /**< it allocates amount pool blocks of 64 bytes for ever; 0 = 20 */
    SYSTEM_FAULT_FLOOD,    /**< it posts amount events "fault.flood" at once; 0 = 1000 */
    SYSTEM_FAULTS,         /**< how many kinds there are */
} system_fault_t;

/** Largest amount of any kind. */
#define SYSTEM_FAULT_AMOUNT_MAX 1000000u

/**
 * @brief Inject one fault. Returns when it is on its way; it happens when the victim's mailbox gets
 *        to it, after what waits there already at the same priority.
 *
 * @context firmware: a task that is nobody's, e.g. the shell's  @blocks registry lock
 * @return ESP_OK, or
 *  - ESP_ERR_INVALID_ARG       no such kind, or amount above SYSTEM_FAULT_AMOUNT_MAX
 *  - ESP_ERR_NOT_OWNER         called by the code of a service or app
 *  - ESP_ERR_SERVICE_NOT_FOUND, ESP_ERR_SERVICE_STALE_ID
 *  - ESP_ERR_EVENT_ALREADY_SUBSCRIBED an injected fault waits for the victim already
 *  - ESP_ERR_EVENT_QUEUE_FULL, ESP_ERR_EVENT_NO_MEMORY, ESP_ERR_EVENT_TYPES_FULL,
 *    ESP_ERR_EVENT_SUBSCRIPTIONS_FULL, ESP_ERR_QUOTA_SUBS_EXCEEDED it cannot be delivered
 *  - ESP_ERR_SYSTEM_DISABLED   left out by the configuration
 */
esp_err_t system_fault_inject(system_service_id_t id, system_fault_t kind, uint32_t amount);

/** @brief "hang", "slow", "crash", "leak", "flood"; "?" for another value. Never NULL. */
const char *system_fault_name(system_fault_t kind);

#ifdef __cplusplus
}
#endif
