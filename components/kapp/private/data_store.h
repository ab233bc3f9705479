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

/* ---- data_wear.c: with the data lock held -----------------------------------------------------
 */

typedef enum {
    DATA_WEAR_FILES,
    DATA_WEAR_TABLES,
    DATA_WEAR_KINDS,
} data_wear_kind_t;

/** Bytes of NVS that a table of this size takes: in entries of 32 bytes, with two of its own. */
#define DATA_TABLE_COST(size) (((uint32_t)(size) + 31u) / 32u * 32u + 64u)

/** All may be written again: as after a boot. */
void data_wear_init(void);
/** It is about to write so much: of both kinds, or nothing.
 *  @return ESP_OK; ESP_ERR_KAPP_DATA_WEAR more than it may now */
esp_err_t data_wear_take(const data_owner_t *owner, uint32_t file_bytes, uint32_t table_bytes);
/** It had to write so much more. */
void data_wear_add(const data_owner_t *owner, uint32_t table_bytes);

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
