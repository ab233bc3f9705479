/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief The events that the core itself posts. The constants are the ids that are delivered.
 *
 * They are registered first, in this order, by system_service_init(). Events of the hardware
 * services are in the services' own headers.
 */

#include <stdint.h>

#include "esp_err.h"

#include "system_service/system_types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* clang-format off */
/** X(constant, name, retained, payload): the one list that constants and names are made from. */
#define COMMON_EVENT_LIST(X)                                                                       \
    X(SYSTEM_EVENT_SYSTEM_READY,       "system.ready",           true,  none)                      \
    X(SYSTEM_EVENT_SAFE_MODE_ENTERED,  "system.safe_mode_entered", false, system_reason_t)         \
    X(SYSTEM_EVENT_SAFE_MODE_LEFT,     "system.safe_mode_left",  false, none)                      \
    X(SYSTEM_EVENT_SHUTDOWN,           "system.shutdown",        false, none)                      \
    X(SYSTEM_EVENT_QUOTA_VIOLATION,    "system.quota_violation", false, quota_violation_event_t)   \
    X(SYSTEM_EVENT_HANDLER_SLOW,       "system.handler_slow",    false, handler_slow_event_t)      \
    X(SYSTEM_EVENT_HEALTH,             "system.health",          true,  health_event_t)            \
    X(SYSTEM_EVENT_HEAP_LOW,           "system.heap_low",        false, none)                      \
    X(SYSTEM_EVENT_SERVICE_REGISTERED, "service.registered",     false, service_event_t)           \
    X(SYSTEM_EVENT_SERVICE_STARTED,    "service.started",        false, service_event_t)           \
    X(SYSTEM_EVENT_SERVICE_STOPPED,    "service.stopped",        false, service_event_t)           \
    X(SYSTEM_EVENT_SERVICE_PAUSED,     "service.paused",         false, service_event_t)           \
    X(SYSTEM_EVENT_SERVICE_RESUMED,    "service.resumed",        false, service_event_t)           \
    X(SYSTEM_EVENT_SERVICE_RESTARTING, "service.restarting",     false, service_event_t)           \
    X(SYSTEM_EVENT_SERVICE_RECOVERED,  "service.recovered",      false, service_event_t)           \
    X(SYSTEM_EVENT_SERVICE_FAILED,     "service.failed",         false, service_event_t)           \
    X(SYSTEM_EVENT_APP_INSTALLED,      "app.installed",          false, service_event_t)           \
    X(SYSTEM_EVENT_APP_STARTED,        "app.started",            false, service_event_t)           \
    X(SYSTEM_EVENT_APP_STOPPED,        "app.stopped",            false, service_event_t)           \
    X(SYSTEM_EVENT_APP_PAUSED,         "app.paused",             false, service_event_t)           \
    X(SYSTEM_EVENT_APP_RESUMED,        "app.resumed",            false, service_event_t)           \
    X(SYSTEM_EVENT_APP_CRASHED,        "app.crashed",            false, service_event_t)           \
    X(SYSTEM_EVENT_APP_REMOVED,        "app.removed",            false, service_event_t)           \
    X(SYSTEM_EVENT_LAST_RESORT,        "system.last_resort",     false, service_event_t)
/* clang-format on */

#define COMMON_EVENT_CONSTANT(constant, name, retained, payload) constant,
/** Ids of the common events. */
enum {
    SYSTEM_EVENT_COMMON_NONE = 0,
    COMMON_EVENT_LIST(COMMON_EVENT_CONSTANT) SYSTEM_EVENT_COMMON_END,
};
#undef COMMON_EVENT_CONSTANT

/** Number of common events; types of services and apps come after them. */
#define SYSTEM_EVENT_COMMON_COUNT (SYSTEM_EVENT_COMMON_END - 1)

/** Payload of service.* and app.*, and of system.last_resort: who is to blame for the restart into
 *  safe mode that follows within CONFIG_SYSTEM_STOP_GRACE_MS. */
typedef struct {
    system_service_id_t id;
    char name[SYSTEM_NAME_MAX + 1];
    esp_err_t reason;     /**< why, for failures; else ESP_OK */
    uint32_t attempt;     /**< restarts in the window, for service.restarting */
    uint32_t recovery_ms; /**< from the fault noticed to now, for service.recovered */
} service_event_t;

/** Payload of system.safe_mode_entered. */
typedef struct {
    char text[64];
} system_reason_t;

/** Payload of system.quota_violation: at most one per owner and window. */
typedef struct {
    system_service_id_t id;
    char name[SYSTEM_NAME_MAX + 1];
    uint8_t kind;   /**< quota_kind_t */
    uint32_t count; /**< refusals since the last report */
} quota_violation_event_t;

/** Payload of system.handler_slow: a handler exceeds its limit, while it still runs. */
typedef struct {
    system_service_id_t id;
    char name[SYSTEM_NAME_MAX + 1];
    system_event_type_t type; /**< of the event it works on */
    uintptr_t handler;        /**< address of the handler, for addr2line */
    uint32_t running_ms;      /**< so far */
} handler_slow_event_t;

/** Payload of system.health. */
typedef struct {
    uint8_t verdict;  /**< health_verdict_t */
    uint32_t reasons; /**< bit set of HEALTH_REASON_* */
} health_event_t;

#ifdef __cplusplus
}
#endif
