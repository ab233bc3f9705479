/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief Liveness of services: deadlines, restart limits, counts.
 *
 * A service is alive while it sends heartbeats from its own code or its mailbox answers the
 * supervisor's pings. A service without either for timeout_ms is faulty and handled as its
 * configuration says.
 */

#include <stdbool.h>
#include <stdint.h>

#include "esp_err.h"

#include "system_service/error_codes.h"
#include "system_service/system_types.h"

#ifdef __cplusplus
extern "C" {
#endif

/** How one service is watched. All zero is valid: watched with the defaults, never restarted. */
typedef struct {
    /** Longest silence in ms before the service counts as hung. 0 =
       CONFIG_SYSTEM_WATCHDOG_TIMEOUT_MS (30000). Range 10..3600000. */
    uint32_t timeout_ms;
    /** Restart it on a fault. Without, the service is stopped, reclaimed and left in ERROR. */
    bool auto_restart;
    /** Restarts allowed within CONFIG_SYSTEM_RESTART_WINDOW_MS before it is given up. 0 =
        CONFIG_SYSTEM_WATCHDOG_MAX_RESTARTS (3). */
    uint32_t max_restart_attempts;
    /** The product cannot do without it: when it is given up, the system goes into safe mode. */
    bool is_critical;
} service_watchdog_config_t;

/** The Kconfig defaults, restarted on failure, not critical. */
#define SERVICE_WATCHDOG_CONFIG_DEFAULT()                                                          \
    {                                                                                              \
        .timeout_ms = 0, .auto_restart = true, .max_restart_attempts = 0, .is_critical = false     \
    }

/** What the watchdog saw of one service. */
typedef struct {
    uint32_t heartbeats;         /**< proofs of life of its own code */
    uint32_t foreign_heartbeats; /**< sent by others on its behalf: refused */
    uint32_t pings;              /**< sent to its mailbox */
    uint32_t timeouts;           /**< deadlines missed */
    uint32_t restarts;           /**< restarts that ended in RUNNING */
    uint32_t restarts_failed;    /**< restarts that did not */
    uint32_t attempts_in_window; /**< restarts counted against max_restart_attempts now */
    uint32_t last_recovery_ms;   /**< from the fault noticed to RUNNING again, last time */
    uint32_t worst_recovery_ms;
} service_watchdog_stats_t;

/** Totals over all services. */
typedef struct {
    uint32_t watched;
    uint32_t timeouts;
    uint32_t restarts;
    uint32_t restarts_failed;
    uint32_t given_up; /**< services that used up their attempts */
    uint32_t safe_mode_entries;
    uint32_t last_resorts;      /**< restarts into safe mode that were asked for, see
                                     service_supervisor.h; boot_report_t counts those of all boots */
    uint32_t quarantined_tasks; /**< stuck tasks that could not be ended and were set aside */
} watchdog_totals_t;

/**
 * @brief Watch a service with this configuration; again: change it, which counts as a proof of
 * life.
 *
 * @context any task of the service, or firmware  @blocks registry lock  @owns config is copied
 * @return ESP_OK, or ESP_ERR_INVALID_ARG config is NULL, ESP_ERR_WATCHDOG_INVALID_TIMEOUT outside
 *         10..3600000 and not 0, ESP_ERR_SERVICE_NOT_FOUND, ESP_ERR_SERVICE_STALE_ID,
 *         ESP_ERR_NOT_OWNER
 */
esp_err_t watchdog_register_service(system_service_id_t id,
                                    const service_watchdog_config_t *config);

/** @brief Stop watching a service. @return ESP_OK; ESP_ERR_WATCHDOG_NOT_REGISTERED;
 *         ESP_ERR_SERVICE_NOT_FOUND; ESP_ERR_SERVICE_STALE_ID; ESP_ERR_NOT_OWNER */
esp_err_t watchdog_unregister_service(system_service_id_t id);

/** @brief Watch a service or do not for a while, e.g. during a long flash erase; enabling counts as
 *         a proof of life. @return as watchdog_unregister_service() */
esp_err_t watchdog_enable_service(system_service_id_t id, bool enable);

/** @brief What the watchdog saw of a service. @context any task  @blocks registry lock
 *  @return ESP_OK; ESP_ERR_INVALID_ARG; ESP_ERR_WATCHDOG_NOT_REGISTERED; ESP_ERR_SERVICE_NOT_FOUND;
 *          ESP_ERR_SERVICE_STALE_ID */
esp_err_t watchdog_get_stats(system_service_id_t id, service_watchdog_stats_t *out);

/** @brief Totals since boot. @return ESP_OK; ESP_ERR_INVALID_ARG */
esp_err_t watchdog_get_totals(watchdog_totals_t *out);

#ifdef __cplusplus
}
#endif
