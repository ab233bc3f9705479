/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief Who needs whom: declared in the descriptor of a service, asked for here.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "esp_err.h"

#include "system_service/error_codes.h"
#include "system_service/system_types.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Names that one service may depend on. */
#define SERVICE_DEPENDENCIES_MAX 16

/** One thing that a service depends on. */
typedef struct {
    char name[SYSTEM_NAME_MAX + 1];
    system_service_id_t id; /**< SYSTEM_SERVICE_ID_NONE while nobody of this name is registered */
} service_dependency_t;

/**
 * @brief What a service depends on directly, in the order of its descriptor.
 *
 * @context any task  @blocks registry lock
 * @param[out]    out   may be NULL when *count is 0
 * @param[in,out] count in: room in out; out: how many there are, also when that is more
 * @return ESP_OK; ESP_ERR_INVALID_ARG a NULL; ESP_ERR_INVALID_SIZE some did not fit;
 *         ESP_ERR_SERVICE_NOT_FOUND; ESP_ERR_SERVICE_STALE_ID
 */
esp_err_t dependencies_list(system_service_id_t id, service_dependency_t *out, size_t *count);

/**
 * @brief Who depends on a service, directly or through others, in start order.
 *
 * @context any task  @blocks registry lock
 * @param[out] out, count as dependencies_list()
 * @return as dependencies_list()
 */
esp_err_t dependencies_list_dependants(system_service_id_t id, system_service_id_t *out,
                                       size_t *count);

/**
 * @brief All services in the order in which they are started: each after what it depends on, else
 *        as they were registered. They are stopped the other way round.
 *
 * @context any task  @blocks registry lock
 * @param[out] out, count as dependencies_list()
 * @return ESP_OK; ESP_ERR_INVALID_ARG; ESP_ERR_INVALID_SIZE
 */
esp_err_t dependencies_get_start_order(system_service_id_t *out, size_t *count);

/**
 * @brief How many names are depended on that nobody has registered; each counted per service.
 * @context any task  @blocks registry lock
 */
size_t dependencies_count_missing(void);

#ifdef __cplusplus
}
#endif
