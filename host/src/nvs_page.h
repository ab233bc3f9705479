// SPDX-License-Identifier: Apache-2.0
#pragma once

// The bytes of one page of key-value storage.

#include <stddef.h>
#include <stdint.h>
#include "esp_partition.h"
#include "nvs_store.h"

typedef struct {
    uint8_t ns;
    uint8_t type;
    uint8_t span;
    uint8_t chunk;
    uint32_t crc; // over the rest of the entry
    char key[NVS_KEY_NAME_MAX_SIZE];
    uint8_t value[8];
} nvs_entry_t;

// Value of an NVS_REC_BLOB entry: chunks first..first + count - 1 make up size bytes.
typedef struct {
    uint32_t size;
    uint8_t count;
    uint8_t first;
    uint8_t unused[2];
} nvs_blob_t;

_Static_assert(sizeof(nvs_entry_t) == NVS_ENTRY, "an entry is 32 bytes of flash");
_Static_assert(sizeof(nvs_blob_t) == 8, "it fits the value of an entry");

typedef esp_err_t (*nvs_page_visit_t)(void *ctx, const nvs_entry_t *entry, uint16_t index);

/**
 * @param seq set to the page's place in the order, 0 if it is erased
 * @return ESP_OK; ESP_ERR_INVALID_CRC if it is neither erased nor a page;
 *  ESP_ERR_NVS_NEW_VERSION_FOUND; errors of the flash
 */
esp_err_t nvs_page_probe(const esp_partition_t *part, size_t page, uint32_t *seq);

esp_err_t nvs_page_begin(const esp_partition_t *part, size_t page, uint32_t seq);

/** Makes the page invalid first, so that no half-erased page can be taken for a whole one. */
esp_err_t nvs_page_retire(const esp_partition_t *part, size_t page);

/** Visits the records in use. @param next_free set to the first entry after all that was written */
esp_err_t nvs_page_scan(const esp_partition_t *part, size_t page, nvs_page_visit_t visit, void *ctx,
                        uint16_t *next_free);

/** Fills in the CRC; the record counts when this returns ESP_OK. */
esp_err_t nvs_page_write(const esp_partition_t *part, size_t page, uint16_t index,
                         nvs_entry_t *entry, const void *data, size_t size);
esp_err_t nvs_page_erase_entry(const esp_partition_t *part, size_t page, uint16_t index);
esp_err_t nvs_page_read_data(const esp_partition_t *part, size_t page, uint16_t index, void *data,
                             size_t size);
esp_err_t nvs_page_copy(const esp_partition_t *part, size_t from, uint16_t from_index, size_t to,
                        uint16_t to_index, uint8_t span);
