/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief What a service or app may use: events, subscriptions, payload, memory, CPU of handlers.
 *
 * Every owner has a quota from the moment it is registered: the one of its descriptor or manifest,
 * else the Kconfig defaults. There is no "unlimited"; only firmware, code that belongs to no owner,
 * is not limited. Going over a limit costs the specific error, a count, at most one
 * system.quota_violation event per window, and for repeat offenders first the burst, then the
 * service.
 */

#include <stdbool.h>
#include <stdint.h>

#include "esp_err.h"

#include "system_service/error_codes.h"
#include "system_service/system_types.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Limits of one owner. A field that is 0 takes its default from Kconfig; all zero is valid. */
typedef struct {
    /** Events posted per second in the long run, 1..1000000; one second's worth may come at once.
        0 = CONFIG_SYSTEM_QUOTA_EVENTS_PER_SEC. Enforced as whole microseconds between events, so
        the sustained rate is at most this and at least this * (1 - this / 1000000). */
    uint32_t max_events_per_sec;
    /** Subscriptions held at once, 1..CONFIG_SYSTEM_MAX_SUBSCRIPTIONS.
        0 = CONFIG_SYSTEM_QUOTA_SUBSCRIPTIONS. */
    uint32_t max_subscriptions;
    /** Payload of one event in bytes, 1..4096. 0 = CONFIG_SYSTEM_QUOTA_EVENT_DATA_SIZE. */
    uint32_t max_event_data_size;
    /** Accounted memory held at once in bytes. 0 = CONFIG_SYSTEM_QUOTA_MEMORY_BYTES. */
    uint32_t max_memory_bytes;
    /** Share of one core that the handlers may use, in percent, 1..100.
        0 = CONFIG_SYSTEM_QUOTA_CPU_PERCENT; 100 never limits. */
    uint32_t max_cpu_percent;
} service_quota_t;

/** The Kconfig defaults. */
#define SERVICE_QUOTA_DEFAULT()                                                                    \
    {                                                                                              \
        .max_events_per_sec = 0, .max_subscriptions = 0, .max_event_data_size = 0,                 \
        .max_memory_bytes = 0, .max_cpu_percent = 0                                                \
    }

/** What a quota limits. */
typedef enum {
    QUOTA_EVENTS = 0,
    QUOTA_SUBSCRIPTIONS,
    QUOTA_EVENT_DATA,
    QUOTA_MEMORY,
    QUOTA_CPU,
    QUOTA_KINDS, /**< how many there are */
} quota_kind_t;

/** What an owner uses, and how often it wanted more. Every field is always written. */
typedef struct {
    uint32_t events_posted;  /**< events that passed the quota since the owner was registered */
    uint32_t events_in_hand; /**< events it could post at this moment */
    uint32_t subscriptions;  /**< held now */
    uint32_t memory_bytes;   /**< held now */
    uint32_t memory_peak;    /**< most that was ever held, in bytes */
    uint32_t cpu_percent;    /**< share of one core in the last whole CPU window */
    uint32_t
        violations[QUOTA_KINDS]; /**< refusals, by quota_kind_t; CPU: handlers over the share */
    uint32_t violation_streak;   /**< windows in a row with violations, up to now */
    bool throttled;              /**< its burst is withdrawn, or its handlers are held back */
} quota_usage_t;

/**
 * @brief Set the limits of a service or app, at once and without touching what it holds already.
 *
 * @context any task of that owner, or firmware  @blocks registry lock  @owns quota is copied
 * @return ESP_OK, or
 *  - ESP_ERR_INVALID_ARG          quota is NULL
 *  - ESP_ERR_QUOTA_INVALID        a field is out of the range given above
 *  - ESP_ERR_QUOTA_NOT_PERMITTED  an app asked for more than it has
 *  - ESP_ERR_SERVICE_NOT_FOUND, ESP_ERR_SERVICE_STALE_ID, ESP_ERR_NOT_OWNER
 */
esp_err_t quota_set(system_service_id_t id, const service_quota_t *quota);

/**
 * @brief Read the limits in force; no field is 0.
 * @context any task, isr-ok  @blocks never
 * @return ESP_OK; ESP_ERR_INVALID_ARG out is NULL; ESP_ERR_SERVICE_NOT_FOUND;
 *         ESP_ERR_SERVICE_STALE_ID
 */
esp_err_t quota_get(system_service_id_t id, service_quota_t *out);

/**
 * @brief Read what is used of it.
 * @context any task, isr-ok  @blocks never
 * @return as quota_get()
 */
esp_err_t quota_get_usage(system_service_id_t id, quota_usage_t *out);

/**
 * @brief Forget the violations counted so far and end throttling.
 * @context any task of that owner unless it is an app, or firmware  @blocks registry lock
 * @return ESP_OK; ESP_ERR_SERVICE_NOT_FOUND; ESP_ERR_SERVICE_STALE_ID; ESP_ERR_NOT_OWNER;
 *         ESP_ERR_QUOTA_NOT_PERMITTED an app asked for itself
 */
esp_err_t quota_reset_violations(system_service_id_t id);

/** @brief The name of a kind, e.g. "events". @context any task, isr-ok  @blocks never
 *  @return a string constant, "?" for an unknown kind */
const char *quota_kind_name(quota_kind_t kind);

#ifdef __cplusplus
}
#endif
