// SPDX-License-Identifier: Apache-2.0

// A page: 32 bytes of header, two state bits for each entry, 126 entries. A record is one entry
// and, for strings and chunks, the entries behind it. It counts from the moment the state bit of
// its first entry falls, which is the last thing written; it is gone when the second bit falls.
// Both are single bits, so a power cut leaves the one or the other.

#include "nvs_store.h"

#include <string.h>
#include "esp_rom_crc.h"
#include "flash.h"
#include "host_heap.h"
#include "nvs_page.h"

nvs_record_t *nvs_store_find(const nvs_store_t *store, uint8_t ns, uint8_t type, uint8_t chunk,
                             const char *key)
{
    for (nvs_record_t *r = store->first; r != NULL; r = r->next) {
        bool type_fits = type == NVS_REC_ANY ? r->type != NVS_REC_CHUNK : r->type == type;
        if (r->ns == ns && type_fits && r->chunk == chunk &&
            strncmp(r->key, key, NVS_KEY_NAME_MAX_SIZE - 1) == 0) {
            return r;
        }
    }
    return NULL;
}

static bool has_data(uint8_t type)
{
    return type == NVS_REC_STR || type == NVS_REC_CHUNK;
}

size_t nvs_record_size(const nvs_record_t *record)
{
    uint32_t size;
    memcpy(&size, record->value, sizeof(size));
    return has_data(record->type) ? size : 0;
}

static size_t free_pages(const nvs_store_t *store, size_t *one)
{
    size_t count = 0;
    for (size_t i = 0; i < store->page_count; i++) {
        if (store->pages[i].seq == 0) {
            *one = count++ == 0 ? i : *one;
        }
    }
    return count;
}

static esp_err_t begin_page(nvs_store_t *store, size_t page)
{
    esp_err_t err = nvs_page_begin(store->part, page, store->next_seq);
    if (err == ESP_OK) {
        store->pages[page] = (nvs_page_t){.seq = store->next_seq};
        store->active = page;
        store->next_seq++;
    }
    return err;
}

static esp_err_t retire_page(nvs_store_t *store, size_t page)
{
    esp_err_t err = nvs_page_retire(store->part, page);
    if (err == ESP_OK) {
        store->pages[page] = (nvs_page_t){0};
    }
    return err;
}

static bool fits(const nvs_store_t *store, size_t span)
{
    return store->active < store->page_count &&
           store->pages[store->active].next_free + span <= NVS_PAGE_ENTRIES;
}

// Copies the records still in use from a page to the active one, then frees the page. Done again
// after a power cut it finds its own copies, which count as the newer ones.
static esp_err_t evacuate(nvs_store_t *store, size_t from)
{
    for (nvs_record_t *r = store->first; r != NULL; r = r->next) {
        if (r->page != from) {
            continue;
        }
        nvs_page_t *to = &store->pages[store->active];
        if (!fits(store, r->span)) {
            return ESP_ERR_NVS_NO_FREE_PAGES;
        }
        esp_err_t err =
            nvs_page_copy(store->part, from, r->index, store->active, to->next_free, r->span);
        if (err != ESP_OK) {
            return err;
        }
        r->page = (uint16_t)store->active;
        r->index = to->next_free;
        to->next_free = (uint16_t)(to->next_free + r->span);
        to->live = (uint16_t)(to->live + r->span);
    }
    return retire_page(store, from);
}

static bool pick_fullest_of_waste(const nvs_store_t *store, size_t *victim)
{
    size_t best = 0;
    for (size_t i = 0; i < store->page_count; i++) {
        const nvs_page_t *p = &store->pages[i];
        size_t waste = p->seq == 0 ? 0 : NVS_PAGE_ENTRIES - p->live;
        if (waste > best) {
            best = waste;
            *victim = i;
        }
    }
    return best > 0;
}

// One page stays free, so that there is always somewhere to copy to.
static esp_err_t make_room(nvs_store_t *store, size_t span)
{
    for (size_t tries = 0; tries <= store->page_count; tries++) {
        size_t page = 0;
        size_t victim = 0;
        if (fits(store, span)) {
            return ESP_OK;
        }
        size_t count = free_pages(store, &page);
        if (count == 0) {
            return ESP_ERR_NVS_NOT_ENOUGH_SPACE;
        }
        bool collect = count < 2;
        if (collect && !pick_fullest_of_waste(store, &victim)) {
            return ESP_ERR_NVS_NOT_ENOUGH_SPACE;
        }
        esp_err_t err = begin_page(store, page);
        if (err == ESP_OK && collect) {
            err = evacuate(store, victim);
        }
        if (err != ESP_OK) {
            return err;
        }
    }
    return ESP_ERR_NVS_NOT_ENOUGH_SPACE;
}

size_t nvs_store_tailroom(const nvs_store_t *store)
{
    if (!fits(store, 2)) {
        return 0;
    }
    return (NVS_PAGE_ENTRIES - store->pages[store->active].next_free - 1) * NVS_ENTRY;
}

static nvs_record_t *new_record(nvs_store_t *store, const nvs_entry_t *entry)
{
    nvs_record_t *r = host_libc_calloc(1, sizeof(*r));
    if (r == NULL) {
        return NULL;
    }
    r->ns = entry->ns;
    r->type = entry->type;
    r->chunk = entry->chunk;
    r->span = entry->span;
    memcpy(r->key, entry->key, sizeof(r->key));
    memcpy(r->value, entry->value, sizeof(r->value));
    if (store->last != NULL) {
        store->last->next = r;
    } else {
        store->first = r;
    }
    store->last = r;
    return r;
}

esp_err_t nvs_store_append(nvs_store_t *store, uint8_t ns, uint8_t type, uint8_t chunk,
                           const char *key, const void *data, size_t size)
{
    nvs_entry_t entry = {.ns = ns, .type = type, .chunk = chunk, .span = 1};
    const size_t length = strlen(key);
    if (length >= sizeof(entry.key)) {
        return ESP_ERR_NVS_KEY_TOO_LONG;
    }
    if (size > NVS_CHUNK_MAX) {
        return ESP_ERR_NVS_VALUE_TOO_LONG;
    }
    memcpy(entry.key, key, length); // the rest is zero
    if (has_data(type)) {
        entry.span = (uint8_t)(1 + (size + NVS_ENTRY - 1) / NVS_ENTRY);
        uint32_t head[2] = {(uint32_t)size, esp_rom_crc32_le(0, data, (uint32_t)size)};
        memcpy(entry.value, head, sizeof(head));
    } else {
        memcpy(entry.value, data, size);
    }
    esp_err_t err = make_room(store, entry.span);
    if (err != ESP_OK) {
        return err;
    }
    nvs_page_t *page = &store->pages[store->active];
    uint16_t index = page->next_free;
    page->next_free = (uint16_t)(index + entry.span); // used up, whatever becomes of it
    err =
        nvs_page_write(store->part, store->active, index, &entry, data, has_data(type) ? size : 0);
    if (err != ESP_OK) {
        return err;
    }
    nvs_record_t *r = new_record(store, &entry);
    if (r == NULL) {
        (void)nvs_page_erase_entry(store->part, store->active, index);
        return ESP_ERR_NO_MEM;
    }
    r->page = (uint16_t)store->active;
    r->index = index;
    page->live = (uint16_t)(page->live + entry.span);
    return ESP_OK;
}

static void forget(nvs_store_t *store, nvs_record_t *record)
{
    nvs_record_t *before = NULL;
    for (nvs_record_t *r = store->first; r != record; r = r->next) {
        before = r;
    }
    if (before != NULL) {
        before->next = record->next;
    } else {
        store->first = record->next;
    }
    if (store->last == record) {
        store->last = before;
    }
    host_libc_free(record);
}

esp_err_t nvs_store_erase(nvs_store_t *store, nvs_record_t *record)
{
    esp_err_t err = nvs_page_erase_entry(store->part, record->page, record->index);
    if (err == ESP_OK) {
        nvs_page_t *page = &store->pages[record->page];
        page->live = (uint16_t)(page->live - record->span);
        forget(store, record);
    }
    return err;
}

esp_err_t nvs_store_read(const nvs_store_t *store, const nvs_record_t *record, void *data)
{
    uint32_t head[2];
    memcpy(head, record->value, sizeof(head));
    esp_err_t err = nvs_page_read_data(store->part, record->page, record->index, data, head[0]);
    if (err == ESP_OK && esp_rom_crc32_le(0, data, head[0]) != head[1]) {
        err = ESP_ERR_NVS_NOT_FOUND;
    }
    return err;
}

// ---- start-up ----

typedef struct {
    nvs_store_t *store;
    size_t page;
} load_t;

// A record that a power cut left in two versions: the one found later is the newer.
static esp_err_t load_record(void *ctx, const nvs_entry_t *entry, uint16_t index)
{
    const load_t *load = ctx;
    nvs_store_t *store = load->store;
    uint8_t type = entry->type == NVS_REC_CHUNK ? NVS_REC_CHUNK : NVS_REC_ANY;
    nvs_record_t *older = nvs_store_find(store, entry->ns, type, entry->chunk, entry->key);
    if (older != NULL) {
        esp_err_t err = nvs_store_erase(store, older);
        if (err != ESP_OK) {
            return err;
        }
    }
    nvs_record_t *r = new_record(store, entry);
    if (r == NULL) {
        return ESP_ERR_NO_MEM;
    }
    r->page = (uint16_t)load->page;
    r->index = index;
    nvs_page_t *page = &store->pages[load->page];
    page->live = (uint16_t)(page->live + entry->span);
    return ESP_OK;
}

static bool next_by_seq(const nvs_store_t *store, uint32_t after, size_t *page)
{
    uint32_t best = UINT32_MAX;
    for (size_t i = 0; i < store->page_count; i++) {
        uint32_t seq = store->pages[i].seq;
        if (seq > after && seq < best) {
            best = seq;
            *page = i;
        }
    }
    return best != UINT32_MAX;
}

static esp_err_t load_pages(nvs_store_t *store)
{
    for (size_t i = 0; i < store->page_count; i++) {
        uint32_t seq;
        esp_err_t err = nvs_page_probe(store->part, i, &seq);
        if (err == ESP_ERR_INVALID_CRC) {
            err = nvs_page_retire(store->part, i); // half erased, or never ours
        }
        if (err != ESP_OK) {
            return err;
        }
        store->pages[i].seq = seq;
        store->next_seq = seq >= store->next_seq ? seq + 1 : store->next_seq;
    }
    uint32_t seq = 0;
    size_t page;
    while (next_by_seq(store, seq, &page)) {
        load_t load = {.store = store, .page = page};
        seq = store->pages[page].seq;
        store->active = page;
        esp_err_t err =
            nvs_page_scan(store->part, page, load_record, &load, &store->pages[page].next_free);
        if (err != ESP_OK) {
            return err;
        }
    }
    return ESP_OK;
}

static bool chunk_is_part_of(const nvs_record_t *blob, const nvs_record_t *chunk)
{
    nvs_blob_t make_up;
    memcpy(&make_up, blob->value, sizeof(make_up));
    return chunk->chunk >= make_up.first && chunk->chunk - make_up.first < make_up.count;
}

static bool blob_is_whole(const nvs_store_t *store, const nvs_record_t *blob)
{
    nvs_blob_t make_up;
    memcpy(&make_up, blob->value, sizeof(make_up));
    size_t size = 0;
    for (unsigned i = 0; i < make_up.count; i++) {
        const nvs_record_t *chunk =
            nvs_store_find(store, blob->ns, NVS_REC_CHUNK, (uint8_t)(make_up.first + i), blob->key);
        if (chunk == NULL) {
            return false;
        }
        size += nvs_record_size(chunk);
    }
    return size == make_up.size;
}

// Chunks nobody refers to are a blob that was not finished, or was replaced or erased.
static esp_err_t drop_remains(nvs_store_t *store)
{
    for (nvs_record_t *r = store->first, *next; r != NULL; r = next) {
        bool drop = r->type == NVS_REC_BLOB && !blob_is_whole(store, r);
        next = r->next;
        if (r->type == NVS_REC_CHUNK) {
            const nvs_record_t *blob =
                nvs_store_find(store, r->ns, NVS_REC_BLOB, NVS_CHUNK_ANY, r->key);
            drop = blob == NULL || !chunk_is_part_of(blob, r);
        }
        if (drop) {
            esp_err_t err = nvs_store_erase(store, r);
            if (err != ESP_OK) {
                return err;
            }
        }
    }
    return ESP_OK;
}

// The power may have gone between copying a page and freeing it: go on with the emptiest.
static esp_err_t restore_reserve(nvs_store_t *store)
{
    size_t page = 0;
    if (free_pages(store, &page) > 0) {
        return ESP_OK;
    }
    size_t best = store->page_count;
    for (size_t i = 0; i < store->page_count; i++) {
        if (i != store->active &&
            (best == store->page_count || store->pages[i].live < store->pages[best].live)) {
            best = i;
        }
    }
    return best == store->page_count ? ESP_ERR_NVS_NO_FREE_PAGES : evacuate(store, best);
}

esp_err_t nvs_store_open(nvs_store_t *store, const esp_partition_t *part)
{
    memset(store, 0, sizeof(*store));
    store->part = part;
    store->page_count = part->size / FLASH_SECTOR;
    store->active = store->page_count;
    store->next_seq = 1;
    store->pages = host_libc_calloc(store->page_count, sizeof(*store->pages));
    esp_err_t err = store->pages == NULL ? ESP_ERR_NO_MEM : load_pages(store);
    if (err == ESP_OK) {
        err = drop_remains(store);
    }
    if (err == ESP_OK) {
        err = restore_reserve(store);
    }
    if (err != ESP_OK) {
        nvs_store_close(store);
    }
    return err;
}

void nvs_store_close(nvs_store_t *store)
{
    for (nvs_record_t *r = store->first, *next; r != NULL; r = next) {
        next = r->next;
        host_libc_free(r);
    }
    host_libc_free(store->pages);
    memset(store, 0, sizeof(*store));
}
