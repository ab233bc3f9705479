// SPDX-License-Identifier: Apache-2.0

#include "nvs_page.h"

#include <string.h>
#include "esp_rom_crc.h"
#include "flash.h"

#define PAGE_MAGIC    0x4b56534eu
#define PAGE_VERSION  1u
#define STATES_AT     32u
#define ENTRIES_AT    64u
#define STATE_WRITTEN 1u // bit 0 of the pair falls when the record counts,
#define STATE_ERASED  2u // bit 1 when it no longer does

typedef struct {
    uint32_t magic;
    uint32_t version;
    uint32_t seq;
    uint32_t crc;
    uint8_t unused[16]; // stays erased
} header_t;

_Static_assert(sizeof(header_t) == STATES_AT, "the states follow the header");
_Static_assert(ENTRIES_AT + NVS_PAGE_ENTRIES * NVS_ENTRY == FLASH_SECTOR, "a page is a sector");

static size_t page_at(size_t page)
{
    return page * FLASH_SECTOR;
}

static size_t entry_at(size_t page, uint16_t index)
{
    return page_at(page) + ENTRIES_AT + (size_t)index * NVS_ENTRY;
}

static bool all_erased(const uint8_t *p, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (p[i] != 0xff) {
            return false;
        }
    }
    return true;
}

static uint32_t entry_crc(const nvs_entry_t *entry)
{
    nvs_entry_t copy = *entry;
    copy.crc = 0;
    return esp_rom_crc32_le(0, (const uint8_t *)&copy, sizeof(copy));
}

esp_err_t nvs_page_probe(const esp_partition_t *part, size_t page, uint32_t *seq)
{
    uint8_t bytes[FLASH_SECTOR];
    header_t header;
    *seq = 0;
    esp_err_t err = esp_partition_read(part, page_at(page), bytes, sizeof(bytes));
    if (err != ESP_OK || all_erased(bytes, sizeof(bytes))) {
        return err;
    }
    memcpy(&header, bytes, sizeof(header));
    uint32_t crc = esp_rom_crc32_le(0, bytes, offsetof(header_t, crc));
    if (header.magic != PAGE_MAGIC || header.crc != crc || header.seq == 0) {
        return ESP_ERR_INVALID_CRC;
    }
    if (header.version > PAGE_VERSION) {
        return ESP_ERR_NVS_NEW_VERSION_FOUND;
    }
    *seq = header.seq;
    return ESP_OK;
}

esp_err_t nvs_page_begin(const esp_partition_t *part, size_t page, uint32_t seq)
{
    header_t header = {.magic = PAGE_MAGIC, .version = PAGE_VERSION, .seq = seq};
    header.crc = esp_rom_crc32_le(0, (const uint8_t *)&header, offsetof(header_t, crc));
    memset(header.unused, 0xff, sizeof(header.unused));
    return esp_partition_write(part, page_at(page), &header, sizeof(header));
}

esp_err_t nvs_page_retire(const esp_partition_t *part, size_t page)
{
    static const uint8_t s_zero[sizeof(header_t)];
    esp_err_t err = esp_partition_write(part, page_at(page), s_zero, sizeof(s_zero));
    return err != ESP_OK ? err : esp_partition_erase_range(part, page_at(page), FLASH_SECTOR);
}

static unsigned state_of(const uint8_t *states, uint16_t index)
{
    return (states[index / 4] >> (2 * (index % 4))) & 3u;
}

// Lets one state bit of an entry fall.
static esp_err_t mark(const esp_partition_t *part, size_t page, uint16_t index, unsigned bit)
{
    uint8_t byte = (uint8_t) ~(bit << (2 * (index % 4)));
    return esp_partition_write(part, page_at(page) + STATES_AT + index / 4u, &byte, 1);
}

esp_err_t nvs_page_scan(const esp_partition_t *part, size_t page, nvs_page_visit_t visit, void *ctx,
                        uint16_t *next_free)
{
    uint8_t bytes[FLASH_SECTOR];
    esp_err_t err = esp_partition_read(part, page_at(page), bytes, sizeof(bytes));
    *next_free = 0;
    for (uint16_t i = 0; err == ESP_OK && i < NVS_PAGE_ENTRIES; i++) {
        const uint8_t *at = bytes + ENTRIES_AT + (size_t)i * NVS_ENTRY;
        unsigned state = state_of(bytes + STATES_AT, i);
        nvs_entry_t entry;
        memcpy(&entry, at, sizeof(entry));
        if (state != 3u || !all_erased(at, NVS_ENTRY)) {
            *next_free = (uint16_t)(i + 1);
        }
        if ((state & STATE_WRITTEN) != 0 || (state & STATE_ERASED) == 0) {
            continue;
        }
        if (entry.crc != entry_crc(&entry) || entry.span == 0 ||
            i + entry.span > (int)NVS_PAGE_ENTRIES) {
            err = mark(part, page, i, STATE_ERASED); // worn flash; nothing of it can be trusted
            continue;
        }
        err = visit(ctx, &entry, i);
        i = (uint16_t)(i + entry.span - 1); // what follows is its data, erased-looking or not
        *next_free = (uint16_t)(i + 1);
    }
    return err;
}

esp_err_t nvs_page_write(const esp_partition_t *part, size_t page, uint16_t index,
                         nvs_entry_t *entry, const void *data, size_t size)
{
    entry->crc = entry_crc(entry);
    esp_err_t err = esp_partition_write(part, entry_at(page, index), entry, sizeof(*entry));
    if (err == ESP_OK && size > 0) {
        err = esp_partition_write(part, entry_at(page, (uint16_t)(index + 1)), data, size);
    }
    return err != ESP_OK ? err : mark(part, page, index, STATE_WRITTEN);
}

esp_err_t nvs_page_erase_entry(const esp_partition_t *part, size_t page, uint16_t index)
{
    return mark(part, page, index, STATE_ERASED);
}

esp_err_t nvs_page_read_data(const esp_partition_t *part, size_t page, uint16_t index, void *data,
                             size_t size)
{
    return esp_partition_read(part, entry_at(page, (uint16_t)(index + 1)), data, size);
}

esp_err_t nvs_page_copy(const esp_partition_t *part, size_t from, uint16_t from_index, size_t to,
                        uint16_t to_index, uint8_t span)
{
    uint8_t bytes[NVS_ENTRY];
    for (uint16_t i = 0; i < span; i++) {
        esp_err_t err = esp_partition_read(part, entry_at(from, (uint16_t)(from_index + i)), bytes,
                                           sizeof(bytes));
        if (err == ESP_OK) {
            err = esp_partition_write(part, entry_at(to, (uint16_t)(to_index + i)), bytes,
                                      sizeof(bytes));
        }
        if (err != ESP_OK) {
            return err;
        }
    }
    return mark(part, to, to_index, STATE_WRITTEN);
}
