/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief The log level of each service, at run time.
 *
 * A service logs with its name as tag; further tags of its code can be added to it. Setting the
 * level of a service sets it for all of these. What is changed can be put back as it was, and is
 * put back when the service goes.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "esp_err.h"
#include "esp_log.h"

#include "system_service/error_codes.h"
#include "system_service/system_types.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Every tag and everything that has none of its own. */
#define LOG_CONTROL_ALL "all"

/** One tag. */
typedef struct {
    char tag[SYSTEM_NAME_MAX + 1];
    system_service_id_t owner; /**< SYSTEM_SERVICE_ID_NONE = firmware */
    esp_log_level_t level;     /**< now */
    esp_log_level_t normal;    /**< what log_control_reset() goes back to */
    bool changed;              /**< it was set here and not reset since */
} log_control_tag_t;

/**
 * @brief Add a log tag to a service, e.g. that of its driver.
 *
 * @context any task of that service, or firmware  @blocks registry lock
 * @owns    tag is kept, not copied: it must live for ever, as log tags do
 * @param[in] id  SYSTEM_SERVICE_ID_NONE: a tag that belongs to no service; firmware only
 * @param[in] tag 1..SYSTEM_NAME_MAX bytes
 * @return ESP_OK (also when it is there already), or
 *  - ESP_ERR_INVALID_ARG     tag is NULL, empty, or too long
 *  - ESP_ERR_LOG_TAG_TAKEN   it belongs to another service, or is the name of one
 *  - ESP_ERR_LOG_TAGS_FULL   CONFIG_SYSTEM_LOG_MAX_TAGS are in use
 *  - ESP_ERR_SERVICE_NOT_FOUND, ESP_ERR_SERVICE_STALE_ID, ESP_ERR_NOT_OWNER
 */
esp_err_t log_control_add_tag(system_service_id_t id, const char *tag);

/**
 * @brief Set the level of a service (its name and its tags), of one added tag, or of everything.
 *
 * @context any task  @blocks registry lock; ESP-IDF may take a few bytes of heap per tag
 * @param[in] name a service, an added tag, or LOG_CONTROL_ALL
 * @return ESP_OK, or
 *  - ESP_ERR_INVALID_ARG       name is NULL, or no such level
 *  - ESP_ERR_NOT_FOUND         no service and no added tag of this name
 *  - ESP_ERR_NOT_SUPPORTED     more detailed than CONFIG_LOG_MAXIMUM_LEVEL: not compiled in
 *  - ESP_ERR_LOG_TAGS_FULL     no room to remember the level it had; nothing was changed
 *  - ESP_ERR_SYSTEM_DISABLED   CONFIG_LOG_DYNAMIC_LEVEL_CONTROL is off
 */
esp_err_t log_control_set(const char *name, esp_log_level_t level);

/** @brief The level of a tag now; any tag, LOG_CONTROL_ALL for those that have none of their own.
 *  @context any task  @blocks the log's lock
 *  @return ESP_OK; ESP_ERR_INVALID_ARG */
esp_err_t log_control_get(const char *name, esp_log_level_t *out);

/** @brief Undo log_control_set(). With LOG_CONTROL_ALL: all that was ever set.
 *  @context, @blocks as log_control_set()
 *  @return ESP_OK; ESP_ERR_INVALID_ARG; ESP_ERR_NOT_FOUND */
esp_err_t log_control_reset(const char *name);

/**
 * @brief Every service, app and added tag.
 * @context any task  @blocks registry lock
 * @param[out]    out   may be NULL when *count is 0
 * @param[in,out] count in: room in out; out: how many there are, also when that is more
 * @return ESP_OK; ESP_ERR_INVALID_ARG; ESP_ERR_INVALID_SIZE some did not fit
 */
esp_err_t log_control_list(log_control_tag_t *out, size_t *count);

/** @brief "none", "error", "warn", "info", "debug", "verbose"; "?" for another value. Never NULL.
 */
const char *log_control_level_name(esp_log_level_t level);

/** @brief The level of that name, or of its first letter, in either case.
 *  @return ESP_OK; ESP_ERR_INVALID_ARG a NULL, or no such level */
esp_err_t log_control_level_from_name(const char *name, esp_log_level_t *out);

#ifdef __cplusplus
}
#endif
