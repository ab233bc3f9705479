/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief The registry of services: who exists, in which state, and how each is started and stopped.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "esp_err.h"

#include "system_service/error_codes.h"
#include "system_service/resource_quota.h"
#include "system_service/service_watchdog.h"
#include "system_service/system_types.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Where a service is in its life. */
typedef enum {
    SYSTEM_SERVICE_STATE_REGISTERED = 0, /**< known, not started */
    SYSTEM_SERVICE_STATE_STARTING,       /**< init() or start() runs */
    SYSTEM_SERVICE_STATE_RUNNING,        /**< does its work, is watched */
    SYSTEM_SERVICE_STATE_PAUSED,         /**< keeps its events until what it needs is back */
    SYSTEM_SERVICE_STATE_STOPPING,       /**< asked to stop */
    SYSTEM_SERVICE_STATE_STOPPED,        /**< stopped in order; may be started again */
    SYSTEM_SERVICE_STATE_RESTARTING, /**< failed, is being reclaimed or waits for its back-off */
    SYSTEM_SERVICE_STATE_ERROR,      /**< failed for good; stays down until started by hand */
} system_service_state_t;

/**
 * Lifecycle functions of a service, all optional. They run one after the other in a task of the
 * supervisor with the service's identity, may block, and are timed: one that is not back within
 * CONFIG_SYSTEM_LIFECYCLE_TIMEOUT_MS counts as hung.
 */
typedef struct {
    esp_err_t (*init)(system_service_id_t id, void *arg);   /**< once per life, before start */
    esp_err_t (*start)(system_service_id_t id, void *arg);  /**< begin to work */
    esp_err_t (*stop)(system_service_id_t id, void *arg);   /**< end; NULL = nothing to do */
    esp_err_t (*deinit)(system_service_id_t id, void *arg); /**< undo init */
} system_service_lifecycle_t;

/** Everything the system needs to know to run, watch and restart a service. */
typedef struct {
    const char *name; /**< 1..SYSTEM_NAME_MAX bytes of [A-Za-z0-9_.-]; must live for ever */
    system_service_lifecycle_t lifecycle;
    void *arg;                                 /**< passed to the lifecycle functions */
    const char *const *depends_on;             /**< names, NULL-terminated; NULL = none */
    const service_watchdog_config_t *watchdog; /**< NULL = SERVICE_WATCHDOG_CONFIG_DEFAULT() */
    const service_quota_t *quota;              /**< NULL = SERVICE_QUOTA_DEFAULT() */
    bool own_worker;            /**< a worker task of its own instead of the shared ones */
    uint32_t worker_stack_size; /**< bytes, with own_worker; 0 = CONFIG_SYSTEM_WORKER_STACK */
    uint8_t worker_priority;    /**< FreeRTOS priority, with own_worker; 0 = as shared ones */
} system_service_descriptor_t;

/** A snapshot of one service; every field is always written. */
typedef struct {
    system_service_id_t id;
    char name[SYSTEM_NAME_MAX + 1];
    system_service_state_t state;
    bool is_app;                 /**< an app's record rather than a service's */
    bool is_critical;            /**< its loss means safe mode */
    bool restartable;            /**< has lifecycle functions to start it again with */
    uint32_t restart_count;      /**< successful restarts since it was registered */
    uint32_t fault_count;        /**< faults noticed since it was registered */
    uint32_t subscriptions;      /**< in use now */
    uint32_t locks_held;         /**< of system_lock.h, by its tasks now */
    uint32_t events_waiting;     /**< in its mailbox now */
    uint32_t mailbox_high_water; /**< most events that ever waited */
    uint32_t events_handled;
    uint32_t events_refused; /**< not delivered to it for want of room */
    uint32_t events_displaced;
    int64_t last_heartbeat_us; /**< esp_timer time of the last proof of life; 0 = none yet */
    esp_err_t last_error;      /**< why it last failed; ESP_OK = it never did */
} system_service_info_t;

/**
 * @brief Register a service by name, the imperative way.
 *
 * Without a descriptor the service cannot be restarted: on a fault it is reclaimed, set to ERROR
 * and announced. The calling task counts as a task of the service.
 *
 * @context any task  @blocks registry lock
 * @owns    name is copied; *descriptor and what it points to must live for ever
 * @param[in]  name       as system_service_descriptor_t.name
 * @param[in]  descriptor NULL, or how to run it; its name may be NULL or must equal name
 * @param[out] out        the id
 * @return ESP_OK, or
 *  - ESP_ERR_INVALID_ARG              name or out is NULL, name is empty, names differ
 *  - ESP_ERR_SERVICE_NAME_TOO_LONG    more than SYSTEM_NAME_MAX bytes
 *  - ESP_ERR_SERVICE_NAME_INVALID     a byte outside [A-Za-z0-9_.-]
 *  - ESP_ERR_SERVICE_ALREADY_REGISTERED the name is taken
 *  - ESP_ERR_SERVICE_TABLE_FULL       CONFIG_SYSTEM_MAX_SERVICES are in use
 *  - ESP_ERR_SERVICE_DEPENDENCY_CYCLE depends_on closes a circle; it is printed as a path
 *  - ESP_ERR_SYSTEM_NOT_INITIALIZED   before system_service_init()
 */
esp_err_t system_service_register(const char *name, const system_service_descriptor_t *descriptor,
                                  system_service_id_t *out);

/**
 * @brief Stop a service if it runs, take back all it owned, and forget it. Its id is dead.
 *
 * @context any task but a handler or lifecycle function of that service
 * @blocks  until it is stopped, at most grace period plus reclaim
 * @return ESP_OK, or ESP_ERR_SERVICE_NOT_FOUND, ESP_ERR_SERVICE_STALE_ID, ESP_ERR_NOT_OWNER,
 *         ESP_ERR_SERVICE_HAS_DEPENDANTS a running service needs it,
 *         ESP_ERR_INVALID_STATE called from its own code,
 *         ESP_ERR_TIMEOUT it hangs and cannot be stopped; it stays in state ERROR
 */
esp_err_t system_service_unregister(system_service_id_t id);

/**
 * @brief Declare a state of a service that runs itself (registered without lifecycle functions).
 *
 * @context the service's own code, or firmware  @blocks registry lock
 * @return ESP_OK, or ESP_ERR_SERVICE_NOT_FOUND, ESP_ERR_SERVICE_STALE_ID, ESP_ERR_NOT_OWNER,
 *         ESP_ERR_INVALID_ARG no such state,
 *         ESP_ERR_SERVICE_INVALID_TRANSITION the supervisor drives this service, or is at it
 */
esp_err_t system_service_set_state(system_service_id_t id, system_service_state_t state);

/** @brief Read the state. @context any task  @blocks never
 *  @return ESP_OK; ESP_ERR_INVALID_ARG; ESP_ERR_SERVICE_NOT_FOUND; ESP_ERR_SERVICE_STALE_ID */
esp_err_t system_service_get_state(system_service_id_t id, system_service_state_t *out);

/**
 * @brief Proof of life. Counts only from the service's own code: its handlers, its lifecycle
 *        functions, the task that registered it, tasks it attached.
 * @context task  @blocks never
 * @return ESP_OK, or ESP_ERR_SERVICE_NOT_FOUND, ESP_ERR_SERVICE_STALE_ID,
 *         ESP_ERR_NOT_OWNER a foreign task sent it; it does not count
 */
esp_err_t system_service_heartbeat(system_service_id_t id);

/**
 * @brief Make the calling task a task of the service: it acts with its identity from now on.
 *
 * @context a task that belongs to nobody yet  @blocks never
 * @return ESP_OK, or ESP_ERR_SERVICE_NOT_FOUND, ESP_ERR_SERVICE_STALE_ID,
 *         ESP_ERR_NOT_OWNER the task belongs to another one already,
 *         ESP_ERR_NO_MEM CONFIG_SYSTEM_MAX_ATTACHED_TASKS are attached
 */
esp_err_t system_service_attach_task(system_service_id_t id);

/** @brief Undo system_service_attach_task(); due before the task ends.
 *  @return ESP_OK; ESP_ERR_INVALID_STATE the calling task is not attached */
esp_err_t system_service_detach_task(void);

/**
 * @brief True once the calling code's service was asked to stop: long work should return.
 * @context task  @blocks never
 */
bool system_service_should_stop(void);

/**
 * @brief The service or app that the calling code belongs to.
 * @context task  @blocks never
 * @return its id, or SYSTEM_SERVICE_ID_NONE for firmware
 */
system_service_id_t system_service_current(void);

/** @brief Find a service or app by name. @context any task  @blocks registry lock
 *  @return ESP_OK; ESP_ERR_INVALID_ARG; ESP_ERR_SERVICE_NOT_FOUND */
esp_err_t system_service_find(const char *name, system_service_id_t *out);

/** @brief Describe a service. @context any task  @blocks registry lock
 *  @return ESP_OK; ESP_ERR_INVALID_ARG; ESP_ERR_SERVICE_NOT_FOUND; ESP_ERR_SERVICE_STALE_ID */
esp_err_t system_service_get_info(system_service_id_t id, system_service_info_t *out);

/**
 * @brief Describe all services and apps, in slot order.
 * @context any task  @blocks registry lock
 * @param[in,out] count in: room in out; out: how many there are, also when that is more
 * @return ESP_OK; ESP_ERR_INVALID_ARG; ESP_ERR_INVALID_SIZE some did not fit
 */
esp_err_t system_service_list(system_service_info_t *out, size_t *count);

/** @brief The state's name, e.g. "RUNNING"; "?" for an unknown one. Never NULL. */
const char *system_service_state_name(system_service_state_t state);

#ifdef __cplusplus
}
#endif
