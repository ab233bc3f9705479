/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief How long event handlers run: counts, percentiles, the longest; per subscription.
 *
 * Each subscription has a histogram with the bounds 50, 100, 200, 500 us, 1, 2, 5, 10, 20, 50 and
 * 100 ms. A percentile is the upper bound of the range it falls in, or the longest run if that is
 * less: it is never too low, and above 50 us never more than 2.5 times too high; beyond 100 ms it
 * is the longest run. When a range is full (65535 runs) all ranges are halved: percentiles then
 * follow the younger runs, while counts, total and longest stay exact.
 *
 * A handler is not only measured when it returns: the supervisor notices one that runs too long
 * while it runs, says so in the log and posts service.handler_slow.
 */

#include <stddef.h>
#include <stdint.h>

#include "esp_err.h"

#include "system_service/error_codes.h"
#include "system_service/event_bus.h"
#include "system_service/system_types.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Running times of the handlers of one subscription, or of a whole service. */
typedef struct {
    system_service_id_t owner;
    system_event_type_t type; /**< NONE: a pattern, or several subscriptions together */
    uint32_t calls;           /**< handlers that returned; wraps */
    uint32_t slow;            /**< runs that exceeded the limit of their subscription */
    uint32_t p50_us;          /**< half of the runs took at most this; 0 = none yet */
    uint32_t p99_us;          /**< 99 of 100 runs took at most this; 0 = none yet */
    uint32_t max_us;          /**< the longest */
    uint32_t total_ms;        /**< all together; wraps after 49 days of running */
} handler_stats_t;

/**
 * @brief All handlers of one service or app together.
 *
 * @context any task  @blocks registry lock
 * @return ESP_OK, or ESP_ERR_INVALID_ARG out is NULL, ESP_ERR_SERVICE_NOT_FOUND,
 *         ESP_ERR_SERVICE_STALE_ID, ESP_ERR_SYSTEM_DISABLED handler monitoring is switched off
 */
esp_err_t handler_monitor_get(system_service_id_t id, handler_stats_t *out);

/**
 * @brief Each subscription by itself, oldest place in the table first.
 *
 * @context any task  @blocks registry lock
 * @param[in]     id    whose; SYSTEM_SERVICE_ID_NONE = everybody's
 * @param[out]    out   may be NULL when *count is 0
 * @param[in,out] count in: room in out; out: how many there are, also when that is more
 * @return ESP_OK; ESP_ERR_INVALID_ARG a NULL; ESP_ERR_INVALID_SIZE some did not fit;
 *         ESP_ERR_SERVICE_NOT_FOUND; ESP_ERR_SERVICE_STALE_ID; ESP_ERR_SYSTEM_DISABLED
 */
esp_err_t handler_monitor_list(system_service_id_t id, handler_stats_t *out, size_t *count);

#ifdef __cplusplus
}
#endif
