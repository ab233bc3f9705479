/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief How the system is: one verdict, the reasons for it, and the figures behind them.
 *
 * A reason holds either *now* ("a pool is nearly used up") or because of something that happened
 * *recently* ("a deadline was missed"). Recently is: since the beginning of the report period
 * before the present one, so it is between one and two periods of
 * CONFIG_SYSTEM_HEALTH_REPORT_PERIOD_S long. Without a periodic report it is since boot.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "esp_err.h"

#include "system_service/error_codes.h"
#include "system_service/event_bus.h"
#include "system_service/heap_monitor.h"
#include "system_service/memory_pool.h"
#include "system_service/resource_quota.h"
#include "system_service/service_watchdog.h"
#include "system_service/system_types.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The verdict: the worst of the reasons. */
typedef enum {
    HEALTH_OK = 0,   /**< no reason at all */
    HEALTH_WARNING,  /**< works, but somebody should look */
    HEALTH_CRITICAL, /**< something the product needs does not work */
} health_verdict_t;

/* clang-format off */
/** X(constant, bit, verdict it causes, text): the one list of the reasons. */
#define HEALTH_REASON_LIST(X)                                                                       \
    X(HEALTH_REASON_SAFE_MODE,          0, HEALTH_CRITICAL, "safe mode is on")                      \
    X(HEALTH_REASON_CRITICAL_DOWN,      1, HEALTH_CRITICAL, "a critical service is down")           \
    X(HEALTH_REASON_MEMORY_CORRUPTED,   2, HEALTH_CRITICAL, "memory blocks were damaged")           \
    X(HEALTH_REASON_SERVICE_DOWN,       3, HEALTH_WARNING,  "a service or app is down")             \
    X(HEALTH_REASON_RESTARTING,         4, HEALTH_WARNING,  "a service is being restarted")         \
    X(HEALTH_REASON_TASK_QUARANTINED,   5, HEALTH_WARNING,  "a stuck task was set aside")           \
    X(HEALTH_REASON_WATCHDOG_TIMEOUT,   6, HEALTH_WARNING,  "a service was silent or hung")         \
    X(HEALTH_REASON_RESTART_FAILED,     7, HEALTH_WARNING,  "a restart failed")                     \
    X(HEALTH_REASON_WATCHDOG_OFF,       8, HEALTH_WARNING,  "the watchdog is switched off")         \
    X(HEALTH_REASON_POOL_LOW,           9, HEALTH_WARNING,  "a memory pool is nearly used up")      \
    X(HEALTH_REASON_POOL_EXHAUSTED,    10, HEALTH_WARNING,  "a memory pool was used up")            \
    X(HEALTH_REASON_BAD_FREE,          11, HEALTH_WARNING,  "pointers were freed that must not be") \
    X(HEALTH_REASON_HEAP,              12, HEALTH_WARNING,  "the heap is low or fragmented")        \
    X(HEALTH_REASON_QUOTA_VIOLATED,    13, HEALTH_WARNING,  "quotas were violated")                 \
    X(HEALTH_REASON_DEPENDENCY_MISSING,14, HEALTH_WARNING,  "a service needs one that is not there")\
    X(HEALTH_REASON_HANDLER_SLOW,      15, HEALTH_WARNING,  "event handlers ran too long")          \
    X(HEALTH_REASON_EVENTS_REFUSED,    16, HEALTH_WARNING,  "events found a mailbox full")          \
    X(HEALTH_REASON_SEAL_BROKEN,       17, HEALTH_WARNING,  "the core used the heap after boot")
/* clang-format on */

#define HEALTH_REASON_BIT(constant, bit, verdict, text) constant = 1 << (bit),
/** Reasons, a bit each. */
enum {
    HEALTH_REASON_LIST(HEALTH_REASON_BIT)
};
#undef HEALTH_REASON_BIT

/** Everything a report says, all of it counted by those who saw it happen. Every field is always
 *  written. */
typedef struct {
    health_verdict_t verdict;
    uint32_t reasons; /**< set of HEALTH_REASON_* */
    uint32_t uptime_s;
    uint32_t recent_s; /**< how far back "recently" goes */

    memory_pool_stats_t pools[MEMORY_POOL_CLASSES];
    memory_pool_totals_t pool_totals;
    heap_stats_t heap; /**< all zero when heap monitoring is switched off */
    uint32_t seal_violations;

    bool watchdog_enabled;
    watchdog_totals_t watchdog;
    bool safe_mode;

    uint32_t owners;  /**< services and apps registered */
    uint32_t running; /**< of these: RUNNING */
    uint32_t restarting;
    uint32_t down; /**< in ERROR */
    uint32_t missing_dependencies;

    uint32_t quota_violations[QUOTA_KINDS]; /**< since boot, all owners */
    uint32_t slow_handlers;                 /**< since boot, all owners */
    system_event_bus_stats_t bus;
} health_report_t;

/** Receives one line of a report, without a line end. */
typedef void (*health_line_t)(const char *line, void *arg);

/**
 * @brief Look at everything now and judge it.
 * @context any task  @blocks registry lock
 * @return ESP_OK; ESP_ERR_INVALID_ARG; ESP_ERR_SYSTEM_NOT_INITIALIZED
 */
esp_err_t health_report_get(health_report_t *out);

/**
 * @brief The full report as text: the verdict, its reasons, and the six sections Memory pool usage,
 *        Heap fragmentation, Watchdog status, Quota violations, Service dependencies, Handler
 *        execution times.
 *
 * line is called about 30 times, from the calling task, with no lock held.
 *
 * @context any task with 1.5 KB of stack left  @blocks registry lock
 * @return ESP_OK; ESP_ERR_INVALID_ARG; ESP_ERR_SYSTEM_NOT_INITIALIZED
 */
esp_err_t health_report_print(health_line_t line, void *arg);

/** @brief "OK", "WARNING", "CRITICAL"; "?" for another value. Never NULL. */
const char *health_verdict_name(health_verdict_t verdict);

/** @brief The text of a single reason bit; "?" for another value. Never NULL. */
const char *health_reason_text(uint32_t reason);

#ifdef __cplusplus
}
#endif
