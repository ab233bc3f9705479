/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief What the settings and the files of apps have in common: whose they are, and their tables.
 *
 * An app has two tables, one of settings and one of files, each a blob in NVS that changes in one
 * nvs_commit(). Each begins with the birth of the app's entry in the directory: a table that was
 * left behind by an app which had the place before is not this one's.
 */

#include "data_app/app_data.h"
#include "store.h"

typedef enum {
    DATA_SETTINGS,
    DATA_FILES,
} data_kind_t;

/** Whose data. */
typedef struct {
    unsigned place; /**< in the directory */
    uint32_t birth;
} data_owner_t;

/** Bytes of the birth, with which every table begins. */
#define DATA_HEAD 4u

/** Make the data lock (order 1, above the store lock), which protects all tables. */
void data_store_init(void);

/**
 * Take the data lock and find out who calls.
 * @param create  make an entry for a built-in app that has none
 * @return without the lock unless ESP_OK: as app_data.h says; ESP_ERR_NOT_FOUND it never stored
 */
esp_err_t data_begin(bool create, data_owner_t *out);
/** @return ret */
esp_err_t data_end(esp_err_t ret);

/** Read a table. @param[out] table room for max bytes @param[out] size DATA_HEAD if there is none
 *  @return ESP_OK, an error of NVS; ESP_ERR_KAPP_DATA_DAMAGED */
esp_err_t data_read(const data_owner_t *owner, data_kind_t kind, uint8_t *table, size_t max,
                    size_t *size);
/** Write a table, whose first DATA_HEAD bytes are filled in. @return ESP_OK, an error of NVS */
esp_err_t data_write(const data_owner_t *owner, data_kind_t kind, uint8_t *table, size_t size);

/** Keep apps from storing anything: whose places are about to change. None of the calls above may
 *  be made meanwhile. */
void data_lock(void);
void data_unlock(void);

/** Forget the tables of a place. The data lock is taken. */
void data_forget(unsigned place);
/** The same for all places without an app: a reset may have come before that. */
void data_tidy(void);

/** Is this what a key or a file may be called? */
bool data_name_valid(const char *name);
