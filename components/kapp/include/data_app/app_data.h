/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief What an app stores: settings, which are small values, and files.
 *
 * Whose they are is decided by whose code calls; no argument can reach another app's. They stay
 * when the app ends, when the board restarts and when the app is updated, and go with the app when
 * it is uninstalled. Every change is complete or not made, also if power is lost meanwhile.
 *
 * Settings of an app take at most CONFIG_KAPP_APP_SETTINGS_BYTES, 3 bytes and its key for each one
 * included. Files take at most CONFIG_KAPP_APP_STORAGE_KB, in sectors of 4 KB, and are replaced as
 * a whole. Names consist of letters, digits, '_', '.' and '-'.
 *
 * So that no app wears the flash out, what it may write in an hour is limited, in sectors of files
 * and in bytes of tables of settings and of files: CONFIG_KAPP_APP_FILE_WRITES_KB,
 * CONFIG_KAPP_APP_TABLE_WRITES_KB. An hour's worth may come at once.
 *
 * All functions: @context code of an app (its task, its handlers); @blocks on reads or writes of
 * the flash, and until those of other apps are done. They return besides what they say
 *  - ESP_ERR_INVALID_ARG          an argument is NULL, or a name is not one
 *  - ESP_ERR_APP_NOT_FOUND        no app is calling, or one that came from a package and is not in
 *                                 the store
 *  - ESP_ERR_NO_MEM               no memory for the moment
 *  - ESP_ERR_KAPP_DATA_DAMAGED    what is there cannot be read: app_data_erase()
 *  - ESP_ERR_KAPP_STORE_MISSING, ESP_ERR_KAPP_STORE_DAMAGED, ESP_ERR_INVALID_STATE  there is no
 *    store, it cannot be read, or it is not up
 *  - an error of NVS or of the flash
 * and those that write
 *  - ESP_ERR_KAPP_DATA_WEAR       it wrote too much in the last hour; nothing is changed, and later
 *                                 it may write again
 */

#include <stddef.h>
#include <stdint.h>

#include "esp_err.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Bytes of the key of a setting and of the name of a file, without the final NUL. */
#define APP_DATA_NAME_MAX 31u
/** Most files of an app. */
#define APP_FILES_MAX 16u

typedef struct {
    char name[APP_DATA_NAME_MAX + 1];
    uint32_t size; /**< in bytes */
} app_file_t;

/** @brief Read a setting. @param[in,out] size in: room at out; out: its size, also when that is
 * more
 *  @return ESP_OK; ESP_ERR_NOT_FOUND; ESP_ERR_INVALID_SIZE it does not fit */
esp_err_t app_settings_get(const char *key, void *out, size_t *size);

/** @brief Write a setting. The same value again costs no wear.
 *  @return ESP_OK; ESP_ERR_KAPP_DATA_QUOTA; ESP_ERR_KAPP_STORE_SLOTS (a built-in app stores for the
 *          first time) */
esp_err_t app_settings_set(const char *key, const void *value, size_t size);

/** @brief Forget a setting. @return ESP_OK; ESP_ERR_NOT_FOUND */
esp_err_t app_settings_erase(const char *key);

/** @brief Read a part of a file. @param[in,out] size in: bytes wanted; out: bytes read, fewer at
 *  its end  @return ESP_OK; ESP_ERR_NOT_FOUND */
esp_err_t app_file_read(const char *name, uint32_t offset, void *out, size_t *size);

/** @brief Write a file, in place of one of that name. Until it is complete the old one is kept, so
 *         there must be room for both.
 *  @return ESP_OK; ESP_ERR_KAPP_DATA_QUOTA too much, or APP_FILES_MAX there are;
 *          ESP_ERR_LOADER_STORAGE_FULL the partition is full; ESP_ERR_KAPP_STORE_SLOTS */
esp_err_t app_file_write(const char *name, const void *data, size_t size);

/** @brief Remove a file. @return ESP_OK; ESP_ERR_NOT_FOUND */
esp_err_t app_file_remove(const char *name);

/** @brief All files. @param[in,out] count in: room in out; out: how many there are, also when that
 *  is more  @return ESP_OK; ESP_ERR_INVALID_SIZE some did not fit */
esp_err_t app_file_list(app_file_t *out, size_t *count);

/** @brief Forget all settings and files of the app. @return ESP_OK */
esp_err_t app_data_erase(void);

#ifdef __cplusplus
}
#endif
