/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief What installing, updating and removing have in common.
 */

#include "kapp/kapp_install.h"
#include "store.h"

/** A package that lies in reserved extents. Too large for a stack. */
typedef struct {
    store_package_t package;
    kapp_verdict_t verdict;
    kapp_manifest_t manifest;
    kapp_t reader; /* whose source refers to package */
} staged_t;

/* ---- kapp_stage.c -----------------------------------------------------------------------------
 */

/** Write what a stream gives into reserved extents, and check it there completely.
 *  @param[out] out to be given to kapp_unstage() if this is ESP_OK
 *  @return as app_manager_install() */
esp_err_t kapp_stage(const kapp_stream_t *stream, staged_t **out);

/** Give back what the directory did not take over. NULL does nothing. */
void kapp_unstage(staged_t *staged);

/** A source for a package in the store; *package must outlive it. */
kapp_source_t kapp_stored_source(store_package_t *package);

/** Whether unsigned packages are accepted here. */
bool kapp_allow_unsigned(void);

/* ---- kapp_installed.c -------------------------------------------------------------------------
 */

bool kapp_stored_is_signed(const store_package_t *package);

/** May this package take the place of what an entry holds, or take over the data that it kept? What
 *  an unsigned package was or left is nobody's.
 *  @return ESP_OK; ESP_ERR_KAPP_SIGNER_OTHER */
esp_err_t kapp_installed_check_signer(const store_entry_t *entry, const store_package_t *package);

/* ---- kapp_install.c: all of these with the operation lock held --------------------------------
 */

/** Take the operation lock. @return without it unless ESP_OK: ESP_ERR_INVALID_STATE;
 *  ESP_ERR_NOT_OWNER the caller is an app */
esp_err_t kapp_operation_begin(void);
void kapp_operation_end(void);

/** Find an app by id or name. @param[out] place its number @param[out] entry a copy, may be NULL
 *  @return ESP_OK; ESP_ERR_APP_NOT_FOUND; as kapp_store_start() */
esp_err_t kapp_installed_find(const char *id, unsigned *place, store_entry_t *entry);

/** Make the app of a place known to the app manager. @return as kapp_app_register_verified() */
esp_err_t kapp_installed_register(unsigned place, const store_package_t *package);
/** Stop it and make it unknown. @return ESP_OK also if it was not known; ESP_ERR_TIMEOUT; as
 *  kapp_app_unregister() */
esp_err_t kapp_installed_unregister(unsigned place);
/** Does it run, or is it about to: after a crash, too? */
bool kapp_installed_runs(unsigned place);

/** Is the name somebody else's than that of the app at this place?
 *  @return ESP_OK it is free; ESP_ERR_APP_ALREADY_REGISTERED; as kapp_store_start() */
esp_err_t kapp_installed_check_name(const char *name, unsigned place);

/** Write down what a staged package is. */
void kapp_report(app_install_report_t *report, const staged_t *staged);
