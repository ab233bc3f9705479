/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief Start, stop and restart services in the order of their dependencies; safe mode.
 *
 * Going up, a service runs init() and start(); going down, stop() and deinit(), and then everything
 * it owned is taken back. Its handlers do not run beside its lifecycle functions: events that
 * arrive meanwhile wait. A restart is down and up again.
 *
 * While a service restarts those that depend on it are paused: their events wait. When it is given
 * up they are stopped, because a mailbox that is never emptied holds pool blocks that all share;
 * they start by themselves when it runs again. A start asked for by hand that fails is not
 * repeated.
 *
 * A service that fails is restarted at once the first time, then after a wait that doubles each
 * time. What cannot be ended safely (it holds a mutex, or is inside one of our calls) is set aside:
 * its task lives on at the lowest priority and is counted in watchdog_totals_t.quarantined_tasks.
 *
 * When nothing less helps, the supervisor announces system.last_resort and restarts the chip into
 * safe mode: a critical service fails in safe mode, no task is left to run handlers or lifecycle
 * functions, or a task that was set aside keeps a mutex. CONFIG_SYSTEM_LAST_RESORT_RESTARTS crashes
 * in a row end that.
 */

#include <stdbool.h>

#include "system_service/service_manager.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @brief Start one service and, before it, everything it depends on.
 *
 * @context any task but lifecycle functions and shared-worker handlers  @blocks until started or
 * failed
 * @return ESP_OK (also when it runs already), or ESP_ERR_SERVICE_NOT_FOUND,
 *         ESP_ERR_SERVICE_STALE_ID, ESP_ERR_SERVICE_DEPENDENCY_MISSING a name it needs is not
 *         registered, ESP_ERR_SERVICE_DEPENDENCY_FAILED something it needs did not start,
 *         ESP_ERR_SERVICE_START_FAILED its init() or start() returned an error (see last_error),
 *         ESP_ERR_SERVICE_START_TIMEOUT it hung, ESP_ERR_SYSTEM_SAFE_MODE not critical, and safe
 *         mode is on, ESP_ERR_SERVICE_NOT_RESTARTABLE registered without a start function,
 *         ESP_ERR_INVALID_STATE called from a handler or lifecycle function, ESP_ERR_NOT_OWNER
 *         called by an app
 */
esp_err_t system_service_start(system_service_id_t id);

/**
 * @brief Stop one service; those that depend on it are stopped first.
 * @context, @blocks, @return as system_service_start(); ESP_ERR_SERVICE_STOP_TIMEOUT it hung and
 *          was quarantined
 */
esp_err_t system_service_stop(system_service_id_t id);

/** @brief Restart one service now, as after a fault but without counting one. Returns when asked;
 *         follow the events service.restarting, service.recovered, service.failed.
 *  @context the service's own code, or firmware  @blocks never  @return ESP_OK;
 *         ESP_ERR_SERVICE_NOT_FOUND; ESP_ERR_SERVICE_STALE_ID; ESP_ERR_SERVICE_NOT_RESTARTABLE;
 *         ESP_ERR_INVALID_STATE; ESP_ERR_NOT_OWNER called by another service or an app */
esp_err_t system_service_restart(system_service_id_t id);

/** @brief Start all registered services, dependencies first. A failure does not stop the others.
 *  @return ESP_OK, or the first error */
esp_err_t system_service_start_all(void);

/** @brief Stop all services in the reverse order. @return ESP_OK, or the first error */
esp_err_t system_service_stop_all(void);

/**
 * @brief Report a fault of a service, e.g. found by its driver: it is handled like a missed
 *        deadline.
 * @context the service's own code, or firmware (an ISR is firmware)  @blocks never
 * @return ESP_OK; ESP_ERR_SERVICE_NOT_FOUND; ESP_ERR_SERVICE_STALE_ID; ESP_ERR_NOT_OWNER called by
 *         another service or an app
 */
esp_err_t system_service_report_fault(system_service_id_t id, esp_err_t reason);

/** @brief True while only critical services run. @context any task, isr-ok  @blocks never */
bool system_safe_mode_active(void);

/** @brief Stop everything that is not critical and all apps.
 *  @context firmware, or code of a critical service; no ISR  @blocks never (the supervisor does it)
 *  @return ESP_OK; ESP_ERR_INVALID_STATE already on; ESP_ERR_NOT_OWNER called by an app, or by a
 *          service that is not critical */
esp_err_t system_safe_mode_enter(const char *reason);

/** @brief Leave safe mode and start what was stopped. @context as system_safe_mode_enter()
 *  @blocks never  @return ESP_OK; ESP_ERR_INVALID_STATE not on; ESP_ERR_NOT_OWNER as there */
esp_err_t system_safe_mode_leave(void);

/* ---- supervisors: what restarts together ----------------------------------------------------- */

/** Who restarts when a service of a supervisor fails. */
typedef enum {
    SYSTEM_STRATEGY_ONE_FOR_ONE = 0, /**< it alone */
    SYSTEM_STRATEGY_ONE_FOR_ALL,     /**< all services of the supervisor */
    SYSTEM_STRATEGY_REST_FOR_ONE,    /**< it, and those of the supervisor that depend on it */
} system_strategy_t;

/** Names a supervisor; small, valid until the system is taken down. */
typedef uint8_t system_supervisor_t;

/** Where every service is at first: one for one, no limit but the services' own. */
#define SYSTEM_SUPERVISOR_ROOT ((system_supervisor_t)0)

/** A supervisor. All zero but the name is valid. */
typedef struct {
    const char *name; /**< as of a service; copied */
    system_strategy_t strategy;
    /** Restarts of all its services together that it allows within window_ms. When they are used up
        the parent restarts everything below it; when the parents' are too, the services are given
       up. 0 = CONFIG_SYSTEM_WATCHDOG_MAX_RESTARTS. Range 1..20. */
    uint32_t max_restarts;
    uint32_t window_ms;         /**< 0 = CONFIG_SYSTEM_RESTART_WINDOW_MS */
    system_supervisor_t parent; /**< 0 = the root */
} system_supervisor_config_t;

/**
 * @brief Create a supervisor.
 * @context firmware task  @blocks registry lock
 * @return ESP_OK; ESP_ERR_INVALID_ARG NULL, no such strategy or parent, a limit above 20, or a name
 *         that a service could not have; ESP_ERR_SERVICE_NAME_TOO_LONG;
 *         ESP_ERR_SERVICE_ALREADY_REGISTERED the name is taken; ESP_ERR_SERVICE_TABLE_FULL
 *         CONFIG_SYSTEM_MAX_SUPERVISORS exist; ESP_ERR_NOT_OWNER called by a service or app;
 *         ESP_ERR_SYSTEM_NOT_INITIALIZED
 */
esp_err_t system_supervisor_create(const system_supervisor_config_t *config,
                                   system_supervisor_t *out);

/**
 * @brief Put a service under a supervisor, best before it starts.
 * @context firmware task  @blocks registry lock
 * @return ESP_OK; ESP_ERR_INVALID_ARG no such supervisor; ESP_ERR_SERVICE_NOT_FOUND;
 *         ESP_ERR_SERVICE_STALE_ID; ESP_ERR_NOT_OWNER called by a service or app
 */
esp_err_t system_supervisor_assign(system_service_id_t id, system_supervisor_t supervisor);

#ifdef __cplusplus
}
#endif
