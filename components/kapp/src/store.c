/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The partition and the directory of the store.
 */
#include "store.h"

#include <string.h>

#include "esp_heap_caps.h"
#include "esp_log.h"
#include "esp_partition.h"
#include "esp_random.h"
#include "esp_rom_crc.h"
#include "freertos/FreeRTOS.h"
#include "freertos/semphr.h"
#include "nvs.h"

#include "kapp_internal.h"
#include "system_service/error_codes.h"

static const char *TAG = "kapp_store";

#define PARTITION_LABEL   "apps"
#define PARTITION_SUBTYPE ((esp_partition_subtype_t)0x40)
#define NAMESPACE         "kapp"
#define BLOB              "apps"
#define WRITE_ALIGN       16u /* of an encrypted partition */

/** What only a mounted store needs; PSRAM will do. */
typedef struct {
    store_directory_t now;  /* what is on flash */
    store_directory_t next; /* what a change makes of it */
    uint8_t blob[STORE_BLOB_MAX];
} memory_t;

/* The store lock protects all of these but s_partition, which does not change once it is found. */
static StaticSemaphore_t s_lock_storage;
static SemaphoreHandle_t s_lock;
static const esp_partition_t *s_partition;
static memory_t *s_memory;
static esp_err_t s_status = ESP_ERR_INVALID_STATE; /* what all calls answer unless ESP_OK */
static unsigned s_extents;
static unsigned s_cursor;        /* where to look for free extents: they wear evenly */
static store_set_t s_reserved;   /* in no directory yet */
static _Atomic unsigned s_bytes; /* of the directory, as written last */

static void lock(void)
{
    (void)xSemaphoreTake(s_lock, portMAX_DELAY);
}

static void unlock(void)
{
    (void)xSemaphoreGive(s_lock);
}

void kapp_store_init(void)
{
    if (s_lock == NULL) {
        s_lock = xSemaphoreCreateMutexStatic(&s_lock_storage);
    }
}

/* ---- the blob ------------------------------------------------------------------------------- */

/** @param[out] size 0: nothing was ever stored */
static esp_err_t read_blob_locked(size_t *size)
{
    nvs_handle_t nvs;
    *size = 0;
    esp_err_t ret = nvs_open(NAMESPACE, NVS_READONLY, &nvs);
    if (ret == ESP_OK) {
        size_t room = sizeof(s_memory->blob);
        ret = nvs_get_blob(nvs, BLOB, s_memory->blob, &room);
        nvs_close(nvs);
        *size = ret == ESP_OK ? room : 0;
    }
    if (ret == ESP_ERR_NVS_NOT_FOUND) {
        return ESP_OK;
    }
    return ret == ESP_ERR_NVS_INVALID_LENGTH ? ESP_ERR_KAPP_STORE_DAMAGED : ret;
}

/** Read the directory from flash into *out. */
static esp_err_t read_directory_locked(store_directory_t *out)
{
    size_t size;
    const esp_err_t ret = read_blob_locked(&size);
    if (ret != ESP_OK || size == 0) {
        memset(out, 0, sizeof(*out));
        return ret;
    }
    return store_directory_decode(s_memory->blob, size, s_extents, out)
               ? ESP_OK
               : ESP_ERR_KAPP_STORE_DAMAGED;
}

/**
 * A write failed: find out what flash holds now. Not to know it would be to risk that extents are
 * used again which the directory of the next boot knows.
 * @return ESP_OK: the new directory after all; else why
 */
static esp_err_t settle_locked(esp_err_t why, size_t size, uint32_t crc)
{
    size_t got = 0;
    /* NVS has written the new one then, and decides at its next start. */
    esp_err_t ret = why == ESP_ERR_NVS_REMOVE_FAILED ? why : read_blob_locked(&got);
    if (ret == ESP_OK && got == size && esp_rom_crc32_le(0, s_memory->blob, got) == crc) {
        return ESP_OK;
    }
    ret = ret == ESP_OK ? read_directory_locked(&s_memory->now) : ret;
    if (ret != ESP_OK) {
        s_status = why;
        ESP_LOGE(TAG, "the directory could not be written: %s; restart the board",
                 esp_err_to_name(why));
    }
    return why;
}

/** Write next, then take it over. */
static esp_err_t commit_locked(void)
{
    nvs_handle_t nvs;
    esp_err_t ret = nvs_open(NAMESPACE, NVS_READWRITE, &nvs);
    if (ret != ESP_OK) {
        return ret;
    }
    const size_t size = store_directory_encode(&s_memory->next, s_memory->blob);
    const uint32_t crc = esp_rom_crc32_le(0, s_memory->blob, size);
    s_bytes = (unsigned)size;
    ret = nvs_set_blob(nvs, BLOB, s_memory->blob, size);
    if (ret == ESP_OK) {
        ret = nvs_commit(nvs);
    }
    nvs_close(nvs);
    ret = ret == ESP_OK ? ESP_OK : settle_locked(ret, size, crc);
    if (ret == ESP_OK) {
        memcpy(&s_memory->now, &s_memory->next, sizeof(s_memory->now));
    }
    return ret;
}

/* ---- mounting ------------------------------------------------------------------------------- */

static esp_err_t prepare_locked(void)
{
    s_partition =
        esp_partition_find_first(ESP_PARTITION_TYPE_DATA, PARTITION_SUBTYPE, PARTITION_LABEL);
    s_extents = s_partition != NULL ? s_partition->size / STORE_EXTENT_SIZE : 0;
    s_extents = s_extents < STORE_EXTENTS_MAX ? s_extents : STORE_EXTENTS_MAX;
    if (s_extents == 0) {
        return ESP_ERR_KAPP_STORE_MISSING;
    }
    if (s_memory == NULL) {
        s_memory =
            heap_caps_calloc_prefer(1, sizeof(*s_memory), 2, MALLOC_CAP_SPIRAM | MALLOC_CAP_8BIT,
                                    MALLOC_CAP_INTERNAL | MALLOC_CAP_8BIT);
    }
    s_cursor = esp_random() % s_extents;
    s_reserved = (store_set_t){0};
    return s_memory != NULL ? ESP_OK : ESP_ERR_NO_MEM;
}

/** An update whose probation was not passed when the board went down counts as not made. */
static esp_err_t take_back_locked(void)
{
    bool changed = false;
    memcpy(&s_memory->next, &s_memory->now, sizeof(s_memory->next));
    for (unsigned i = 0; i < CONFIG_KAPP_MAX_INSTALLED; i++) {
        store_entry_t *entry = &s_memory->next.entries[i];
        if (entry->previous.size != 0) {
            ESP_LOGW(TAG, "%s: the update was interrupted, back to version %u.%u.%u", entry->id,
                     entry->previous.version.major, entry->previous.version.minor,
                     entry->previous.version.patch);
            entry->current = entry->previous;
            entry->previous = (store_package_t){0};
            changed = true;
        }
    }
    return changed ? commit_locked() : ESP_OK;
}

esp_err_t store_mount(void)
{
    if (s_lock == NULL) {
        return ESP_ERR_INVALID_STATE;
    }
    lock();
    s_status = prepare_locked();
    if (s_status == ESP_OK) {
        s_status = read_directory_locked(&s_memory->now);
    }
    if (s_status == ESP_OK) {
        s_status = take_back_locked();
    }
    const esp_err_t ret = s_status;
    unlock();
    return ret;
}

esp_err_t store_format(void)
{
    if (s_lock == NULL) {
        return ESP_ERR_INVALID_STATE;
    }
    lock();
    s_status = prepare_locked();
    if (s_status == ESP_OK) {
        memset(&s_memory->next, 0, sizeof(s_memory->next));
        s_status = commit_locked();
    }
    const esp_err_t ret = s_status;
    unlock();
    return ret;
}

/* ---- looking and changing ------------------------------------------------------------------- */

/** @return without the lock unless ESP_OK */
static esp_err_t begin(void)
{
    if (s_lock == NULL) {
        return ESP_ERR_INVALID_STATE;
    }
    lock();
    const esp_err_t ret = s_status;
    if (ret != ESP_OK) {
        unlock();
    }
    return ret;
}

esp_err_t store_look(const store_directory_t **out)
{
    const esp_err_t ret = begin();
    *out = ret == ESP_OK ? &s_memory->now : NULL;
    return ret;
}

void store_look_end(void)
{
    unlock();
}

esp_err_t store_change(store_directory_t **next)
{
    const esp_err_t ret = begin();
    *next = NULL;
    if (ret == ESP_OK) {
        memcpy(&s_memory->next, &s_memory->now, sizeof(s_memory->next));
        *next = &s_memory->next;
    }
    return ret;
}

unsigned store_directory_bytes(void)
{
    return s_bytes;
}

esp_err_t store_change_end(esp_err_t ret)
{
    ret = ret == ESP_OK ? commit_locked() : ret;
    unlock();
    return ret;
}

/* ---- extents -------------------------------------------------------------------------------- */

static void used_locked(store_set_t *out)
{
    store_directory_used(&s_memory->now, out);
    for (size_t i = 0; i < sizeof(out->bits); i++) {
        out->bits[i] |= s_reserved.bits[i];
    }
}

esp_err_t store_reserve(uint32_t size, unsigned max, uint8_t *extents, uint8_t *count)
{
    store_set_t used;
    unsigned got = 0;
    const unsigned wanted = store_extents_for(size);
    esp_err_t ret = begin();
    if (ret != ESP_OK) {
        return ret;
    }
    used_locked(&used);
    for (unsigned i = 0; i < s_extents && got < wanted && got < max; i++) {
        const unsigned extent = (s_cursor + i) % s_extents;
        if (!store_set_has(&used, extent)) {
            extents[got++] = (uint8_t)extent;
        }
    }
    if (got == wanted) {
        for (unsigned i = 0; i < got; i++) {
            (void)store_set_add(&s_reserved, extents[i]);
            s_cursor = (extents[i] + 1u) % s_extents;
        }
        *count = (uint8_t)got;
    } else {
        ret = ESP_ERR_LOADER_STORAGE_FULL;
    }
    unlock();
    return ret;
}

void store_release(const uint8_t *extents, unsigned count)
{
    lock();
    for (unsigned i = 0; i < count; i++) {
        store_set_remove(&s_reserved, extents[i]);
    }
    unlock();
}

esp_err_t store_count(unsigned *all, unsigned *used)
{
    store_set_t set;
    const esp_err_t ret = begin();
    *all = *used = 0;
    if (ret != ESP_OK) {
        return ret;
    }
    used_locked(&set);
    *all = s_extents;
    for (unsigned i = 0; i < s_extents; i++) {
        *used += store_set_has(&set, i);
    }
    unlock();
    return ESP_OK;
}

/* ---- content -------------------------------------------------------------------------------- */

static uint32_t place(const uint8_t *extents, uint32_t offset)
{
    return extents[offset / STORE_EXTENT_SIZE] * STORE_EXTENT_SIZE + offset % STORE_EXTENT_SIZE;
}

esp_err_t store_write(const uint8_t *extents, uint32_t offset, const void *bytes, size_t size)
{
    const uint32_t to = place(extents, offset);
    const size_t whole = size - size % WRITE_ALIGN;
    uint8_t rest[WRITE_ALIGN];
    esp_err_t ret = ESP_OK;
    if (to % s_partition->erase_size == 0) {
        ret = esp_partition_erase_range(s_partition, to, s_partition->erase_size);
    }
    if (ret == ESP_OK && whole != 0) {
        ret = esp_partition_write(s_partition, to, bytes, whole);
    }
    if (ret == ESP_OK && whole != size) { /* what is behind it stays as erased */
        memset(rest, 0xff, sizeof(rest));
        memcpy(rest, (const uint8_t *)bytes + whole, size - whole);
        ret = esp_partition_write(s_partition, to + whole, rest, sizeof(rest));
    }
    return ret;
}

esp_err_t store_read(const uint8_t *extents, uint32_t offset, void *to, size_t size)
{
    esp_err_t ret = ESP_OK;
    for (size_t done = 0; ret == ESP_OK && done < size;) {
        const uint32_t at = offset + (uint32_t)done;
        const size_t left = STORE_EXTENT_SIZE - at % STORE_EXTENT_SIZE;
        const size_t part = size - done < left ? size - done : left;
        ret = esp_partition_read(s_partition, place(extents, at), (uint8_t *)to + done, part);
        done += part;
    }
    return ret;
}
