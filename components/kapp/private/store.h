/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief The store of installed apps: a raw partition of extents, and its directory.
 *
 * The directory is one blob in NVS and becomes another one in one nvs_commit(). What is written to
 * the partition before that lies in extents that the old directory does not know, so a power cut
 * leaves everything as it was; what the new directory no longer knows is free, without being
 * touched. An extent is erased when it is written again.
 */

#include "kapp/kapp_install.h"
#include "store_directory.h"

/** Bytes that are written at once: a divisor of the flash's sectors. */
#define STORE_CHUNK 1024u

/**
 * Find the partition and read the directory. An update that a reset caught on probation is taken
 * back. Calling it again reads everything again; nothing may be staged then.
 * @return ESP_OK, an error of NVS; ESP_ERR_KAPP_STORE_MISSING; ESP_ERR_KAPP_STORE_DAMAGED;
 *         ESP_ERR_NO_MEM. Until the next mount, the calls below answer the same.
 */
esp_err_t store_mount(void);

/** Begin anew with an empty directory, also after ESP_ERR_KAPP_STORE_DAMAGED.
 *  @return as store_mount() */
esp_err_t store_format(void);

/* ---- looking and changing ---------------------------------------------------------------------
 * The store lock (order 1, above the trust lock) protects the directory. Whoever got ESP_OK from
 * store_look() or store_change() holds it.
 */

/** Look at the directory, until store_look_end(). @return ESP_OK, or as store_mount() */
esp_err_t store_look(const store_directory_t **out);
void store_look_end(void);

/** Begin a change: *next is a copy of the directory. @return ESP_OK, or as store_mount() */
esp_err_t store_change(store_directory_t **next);

/**
 * Make *next the directory if ret is ESP_OK, else forget it.
 * @return ret, or an error of NVS: then the directory is as it was, or, if it cannot be told what
 * is on flash, the store answers with that error until it is mounted again
 */
esp_err_t store_change_end(esp_err_t ret);

/** Bytes that the directory takes in NVS, as it was written last. Store lock not needed: a hint. */
unsigned store_directory_bytes(void);

/* ---- content ----------------------------------------------------------------------------------
 */

/** Reserve extents for size bytes. @return ESP_OK, as store_mount(); ESP_ERR_LOADER_STORAGE_FULL */
esp_err_t store_reserve(uint32_t size, unsigned max, uint8_t *extents, uint8_t *count);

/** Give reserved extents back: those that the directory knows stay in use. */
void store_release(const uint8_t *extents, unsigned count);

/** Write a chunk into reserved extents, in ascending order: sectors are erased on the way.
 *  @param offset a multiple of STORE_CHUNK  @param size at most STORE_CHUNK; fewer only at the end
 *  @return ESP_OK, an error of the flash */
esp_err_t store_write(const uint8_t *extents, uint32_t offset, const void *bytes, size_t size);

/** Read any part. The lock is not needed. @return ESP_OK, an error of the flash */
esp_err_t store_read(const uint8_t *extents, uint32_t offset, void *to, size_t size);

/** Extents of the partition, and how many of them are in use or reserved. */
esp_err_t store_count(unsigned *all, unsigned *used);
