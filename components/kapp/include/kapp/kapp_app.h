/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief Apps whose code comes out of a package.
 *
 * Such an app is known to the app manager like any other: app_manager_start(), _stop(), _pause()
 * and the rest do what they always do. Its program is loaded for each life and taken out after it.
 */

#include <stdbool.h>

#include "esp_err.h"

#include "kapp/kapp.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @brief Check a package completely, and make its app known to the app manager.
 *
 * The signature is checked here. Each start checks the SHA-256 that was found here, so what runs is
 * what was verified, whatever happens to the source in between.
 *
 * @context any task that is not an app's  @blocks as the source does, app lock, about 0.3 s
 * @param   allow_unsigned  see kapp_verify()
 * @owns    *source is copied; what it refers to must live until kapp_app_unregister()
 * @param[out] name  what the app is called; room for SYSTEM_NAME_MAX + 1 bytes; may be NULL
 * @return ESP_OK, an error of the source, or
 *  - ESP_ERR_INVALID_ARG           source is NULL
 *  - ESP_ERR_INVALID_STATE         kapp_init() was not called
 *  - ESP_ERR_NO_MEM
 *  - what kapp_open(), kapp_verify(), kapp_read_manifest() say of a package that is not right
 *  - ESP_ERR_LOADER_WRONG_TARGET   it has no program for this processor
 *  - ESP_ERR_LOADER_ABI_MISMATCH   it needs an interface that this system does not have
 *  - ESP_ERR_APP_ALREADY_REGISTERED, ESP_ERR_APP_TABLE_FULL, ESP_ERR_APP_MANIFEST_INVALID,
 *    ESP_ERR_NOT_OWNER, ESP_ERR_SYSTEM_NOT_INITIALIZED  as app_manager_register()
 */
esp_err_t kapp_app_register(const kapp_source_t *source, bool allow_unsigned, char *name);

/**
 * @brief Forget an app that came out of a package and does not run.
 * @context any task that is not an app's  @blocks app lock
 * @return ESP_OK; ESP_ERR_INVALID_ARG; ESP_ERR_APP_NOT_FOUND it is not known, or is built in;
 *         ESP_ERR_APP_IN_USE it runs; ESP_ERR_NOT_OWNER called by an app
 */
esp_err_t kapp_app_unregister(const char *name);

#ifdef __cplusplus
}
#endif
