/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief The seam to the files: port/esp32s3 reads from what is mounted at
 * CONFIG_AUDIO_MEDIA_PATH, port/linux from the virtual board's folder.
 *
 * Called in tasks of apps, of several at a time, with paths that were checked. Nothing stays open
 * between two calls, so that there is nothing to give back when an app is ended.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "esp_err.h"

/** Gets one name of a folder. */
typedef void (*media_visit_t)(void *arg, const char *name, bool is_folder);

/** Visit what is in a folder, in any order. @return ESP_OK; ESP_ERR_NOT_FOUND; ESP_FAIL */
esp_err_t media_backend_each(const char *folder, media_visit_t visit, void *arg);

/** @return ESP_OK; ESP_ERR_NOT_FOUND; ESP_ERR_NOT_SUPPORTED 4 GB or more; ESP_FAIL */
esp_err_t media_backend_size(const char *path, uint32_t *size);

/** @param[in,out] size in: bytes wanted; out: bytes read, fewer at the end
 *  @return ESP_OK; ESP_ERR_NOT_FOUND; ESP_FAIL */
esp_err_t media_backend_read(const char *path, uint32_t offset, void *to, size_t *size);
