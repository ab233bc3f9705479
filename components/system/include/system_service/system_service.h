/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief Bring the system up and ask it how it is.
 */

#include <stdbool.h>
#include <stdint.h>

#include "esp_err.h"

#include "system_service/error_codes.h"
#include "system_service/event_bus.h"
#include "system_service/service_manager.h"
#include "system_service/system_types.h"

#ifdef __cplusplus
extern "C" {
#endif

/** 128 random bits that prove the caller is the one who initialised the system. Never printed. */
typedef struct {
    uint8_t bytes[16];
} system_secure_key_t;

/**
 * @brief Bring the core up: pools, bus, workers, supervisor. Nothing else works before.
 *
 * @context main task, once  @blocks shortly (creates tasks)
 * @param[out] key what the privileged calls below ask for; NULL if it is not needed
 * @return ESP_OK, or ESP_ERR_INVALID_STATE already up, or a post into the one before has not ended
 *         yet, ESP_ERR_NO_MEM a task could not be created
 *         (everything is taken back)
 */
esp_err_t system_service_init(system_secure_key_t *key);

/**
 * @brief End of boot: from here on the core makes no heap allocation; one that happens all the same
 *        is counted, see system_seal_violations().
 * @context main task  @blocks never
 * @return ESP_OK; ESP_ERR_SYSTEM_NOT_INITIALIZED; ESP_ERR_SYSTEM_BAD_KEY; ESP_ERR_INVALID_STATE
 *         sealed already
 */
esp_err_t system_service_seal(system_secure_key_t key);

/** @brief Heap allocations made by the core's own code since the seal; 0 in a healthy system. */
uint32_t system_seal_violations(void);

/**
 * @brief Stop everything in reverse order and take the core down. For tests and for a clean reboot.
 * @context a task that is neither a worker nor a service's  @blocks until all is stopped
 * @return ESP_OK; ESP_ERR_SYSTEM_NOT_INITIALIZED; ESP_ERR_SYSTEM_BAD_KEY;
 *         ESP_ERR_SERVICE_STOP_TIMEOUT a handler or lifecycle function hangs,
 *         ESP_ERR_APP_STOP_TIMEOUT the task of an app hangs: the core stays up, with everything
 *         stopped, until they have come back and this is called again;
 *         ESP_ERR_TIMEOUT a task of the firmware is inside a post and does not go on: the core is
 *         down, and its pools are freed by the next system_service_init()
 */
esp_err_t system_service_deinit(system_secure_key_t key);

/**
 * @brief Count what there is.
 *
 * @context any task  @blocks registry lock
 * @param[out] total_services      services and apps registered now; may be NULL
 * @param[out] total_events        events posted since boot; may be NULL
 * @param[out] total_subscriptions subscriptions in use now; may be NULL
 * @return ESP_OK; ESP_ERR_SYSTEM_NOT_INITIALIZED; ESP_ERR_SYSTEM_BAD_KEY
 */
esp_err_t system_service_get_stats(system_secure_key_t key, uint32_t *total_services,
                                   uint32_t *total_events, uint32_t *total_subscriptions);

/** @brief True when key is the one system_service_init() gave out; takes the same time for every
 *         wrong key. @context any task  @blocks never */
bool system_service_key_valid(system_secure_key_t key);

#ifdef __cplusplus
}
#endif
