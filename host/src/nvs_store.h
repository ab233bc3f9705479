// SPDX-License-Identifier: Apache-2.0
#pragma once

// Key-value records in the pages of a flash partition. The sizes are those of ESP-IDF's NVS (pages
// of 126 entries of 32 bytes, one page always in reserve), so that a partition fills up as it would
// on the device; the encoding is our own.
//
// Not thread-safe: nvs_api.c holds the lock.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "esp_partition.h"
#include "nvs.h"

#define NVS_ENTRY        32u
#define NVS_PAGE_ENTRIES 126u
#define NVS_CHUNK_MAX    (NVS_ENTRY * (NVS_PAGE_ENTRIES - 1))
#define NVS_NS_INDEX     0u // namespace of the namespaces: their names are keys, their numbers values

// Record types beside the integers of nvs_type_t.
#define NVS_REC_STR   NVS_TYPE_STR
#define NVS_REC_CHUNK NVS_TYPE_BLOB
#define NVS_REC_BLOB  0x48 // says which chunks make up the blob
#define NVS_REC_ANY   NVS_TYPE_ANY
#define NVS_CHUNK_ANY 0xffu

typedef struct nvs_record {
    struct nvs_record *next;
    uint8_t ns;
    uint8_t type;
    uint8_t chunk; // NVS_CHUNK_ANY but for chunks
    uint8_t span;  // entries it takes
    uint16_t page;
    uint16_t index;
    char key[NVS_KEY_NAME_MAX_SIZE];
    uint8_t value[8]; // an integer, a blob's make-up, or size and CRC of what follows
} nvs_record_t;

typedef struct {
    uint32_t seq; // order in which pages were begun, 0 for a free page
    uint16_t next_free;
    uint16_t live; // entries in use
} nvs_page_t;

typedef struct {
    const esp_partition_t *part;
    nvs_page_t *pages;
    size_t page_count;
    size_t active; // page_count: none yet
    uint32_t next_seq;
    nvs_record_t *first; // oldest first
    nvs_record_t *last;
} nvs_store_t;

/**
 * Reads a partition, finishing or undoing what a power cut interrupted.
 * @return ESP_OK; ESP_ERR_NO_MEM; ESP_ERR_NVS_NO_FREE_PAGES; ESP_ERR_NVS_NEW_VERSION_FOUND; errors
 *  of the flash
 */
esp_err_t nvs_store_open(nvs_store_t *store, const esp_partition_t *part);
void nvs_store_close(nvs_store_t *store);

/** Finds by the first 15 characters of key; NVS_REC_ANY finds anything but a chunk. */
nvs_record_t *nvs_store_find(const nvs_store_t *store, uint8_t ns, uint8_t type, uint8_t chunk,
                             const char *key);

/**
 * Appends a record; the one it replaces stays until nvs_store_erase().
 * @return ESP_OK; ESP_ERR_NVS_KEY_TOO_LONG; ESP_ERR_NVS_VALUE_TOO_LONG;
 *  ESP_ERR_NVS_NOT_ENOUGH_SPACE; ESP_ERR_NO_MEM; errors of the flash
 */
esp_err_t nvs_store_append(nvs_store_t *store, uint8_t ns, uint8_t type, uint8_t chunk,
                           const char *key, const void *data, size_t size);

/** @return ESP_OK, after which the record is gone and freed; errors of the flash */
esp_err_t nvs_store_erase(nvs_store_t *store, nvs_record_t *record);

/** @return bytes of a string or chunk */
size_t nvs_record_size(const nvs_record_t *record);

/** @return ESP_OK; ESP_ERR_NVS_NOT_FOUND if the data does not match its CRC; errors of the flash */
esp_err_t nvs_store_read(const nvs_store_t *store, const nvs_record_t *record, void *data);

/** @return bytes that still fit the page being written, as one string or chunk */
size_t nvs_store_tailroom(const nvs_store_t *store);
