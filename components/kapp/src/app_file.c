/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of apps. An app has whole extents of the store, and its table of files says which of their
 * sectors hold what: of each file the name's length, the name, the size (4) and the numbers (2) of
 * as many sectors as that needs. A sector that is in no file is free.
 *
 * An extent comes to the app before a file uses it and goes after none does, each in a step of its
 * own; a reset in between leaves it with the app, where the next write finds it.
 */
#include <stdlib.h>
#include <string.h>

#include "data_store.h"
#include "esp_log.h"
#include "esp_random.h"
#include "kapp_format.h"
#include "kapp_internal.h"
#include "system_service/error_codes.h"
#include "system_service/memory_utils.h"

static const char *TAG = "kapp_data";

#define SECTOR             4096u
#define SECTORS_PER_EXTENT (STORE_EXTENT_SIZE / SECTOR)
#define SECTORS_MAX        (STORE_DATA_EXTENTS * SECTORS_PER_EXTENT)
#define QUOTA              (CONFIG_KAPP_APP_STORAGE_KB * 1024u / SECTOR) /* sectors */
#define TABLE_MAX          (DATA_HEAD + APP_FILES_MAX * (5u + APP_DATA_NAME_MAX) + 2u * QUOTA)

typedef struct {
    app_file_t file;
    uint16_t sectors[QUOTA + 1]; /* numbers in the partition; one more: an array has members */
} entry_t;

/** The files of the calling app, while a call is at it. */
typedef struct {
    data_owner_t owner;
    unsigned count;
    entry_t files[APP_FILES_MAX];
    uint8_t extents[STORE_DATA_EXTENTS]; /* of the app */
    uint8_t extent_count;
    uint8_t table[TABLE_MAX];
} files_t;

static unsigned sectors_for(uint32_t size)
{
    return (size + SECTOR - 1) / SECTOR;
}

/* ---- the table ------------------------------------------------------------------------------ */

static bool is_own(const files_t *f, unsigned sector)
{
    const unsigned extent = sector / SECTORS_PER_EXTENT;
    return extent < STORE_EXTENTS_MAX && memchr(f->extents, (int)extent, f->extent_count) != NULL;
}

static bool has(const uint16_t *sectors, unsigned count, unsigned sector)
{
    unsigned i = 0;
    while (i < count && sectors[i] != sector) {
        i++;
    }
    return i < count;
}

static bool in_use(const files_t *f, unsigned sector)
{
    for (unsigned i = 0; i < f->count; i++) {
        if (has(f->files[i].sectors, sectors_for(f->files[i].file.size), sector)) {
            return true;
        }
    }
    return false;
}

/** One file of the table. @return bytes read, 0: damaged */
static size_t decode_file(const files_t *f, const uint8_t *from, size_t left, entry_t *out)
{
    const size_t length = from[0];
    if (length == 0 || length > APP_DATA_NAME_MAX || left < 5 + length) {
        return 0;
    }
    memset(out->file.name, 0, sizeof(out->file.name));
    memcpy(out->file.name, from + 1, length);
    out->file.size = kapp_u32(from + 1 + length);
    const unsigned sectors =
        out->file.size <= QUOTA * SECTOR ? sectors_for(out->file.size) : QUOTA + 1;
    if (sectors > QUOTA || left - 5 - length < 2 * sectors || !data_name_valid(out->file.name)) {
        return 0;
    }
    for (unsigned i = 0; i < sectors; i++) {
        const uint16_t sector = kapp_u16(from + 5 + length + 2 * i);
        if (!is_own(f, sector) || in_use(f, sector) || has(out->sectors, i, sector)) {
            return 0;
        }
        out->sectors[i] = sector;
    }
    return 5 + length + 2 * sectors;
}

static esp_err_t decode(files_t *f, size_t size)
{
    for (size_t at = DATA_HEAD; at < size;) {
        const size_t got = f->count < APP_FILES_MAX
                               ? decode_file(f, f->table + at, size - at, &f->files[f->count])
                               : 0;
        if (got == 0) {
            return ESP_ERR_KAPP_DATA_DAMAGED;
        }
        f->count++;
        at += got;
    }
    return ESP_OK;
}

static size_t encode(files_t *f)
{
    uint8_t *to = f->table + DATA_HEAD;
    for (unsigned i = 0; i < f->count; i++) {
        const entry_t *e = &f->files[i];
        const size_t length = strlen(e->file.name);
        *to++ = (uint8_t)length;
        memcpy(to, e->file.name, length);
        to += length;
        for (unsigned j = 0; j < 4; j++) {
            *to++ = (uint8_t)(e->file.size >> 8 * j);
        }
        for (unsigned j = 0; j < sectors_for(e->file.size); j++) {
            *to++ = (uint8_t)e->sectors[j];
            *to++ = (uint8_t)(e->sectors[j] >> 8);
        }
    }
    return (size_t)(to - f->table);
}

static entry_t *find(files_t *f, const char *name)
{
    for (unsigned i = 0; i < f->count; i++) {
        if (strcmp(f->files[i].file.name, name) == 0) {
            return &f->files[i];
        }
    }
    return NULL;
}

/** The files of the caller, with the data lock; end with end(). */
static esp_err_t begin(bool create, files_t **out)
{
    const store_directory_t *directory;
    size_t size;
    files_t *f = calloc(1, sizeof(*f));
    *out = f;
    if (f == NULL) {
        return ESP_ERR_NO_MEM;
    }
    esp_err_t ret = data_begin(create, &f->owner);
    if (ret != ESP_OK) {
        free(f);
        return ret;
    }
    ret = store_look(&directory);
    if (ret == ESP_OK) {
        const store_entry_t *entry = &directory->entries[f->owner.place];
        f->extent_count = entry->data_count;
        memcpy(f->extents, entry->data, entry->data_count);
        store_look_end();
        ret = data_read(&f->owner, DATA_FILES, f->table, sizeof(f->table), &size);
    }
    if (ret == ESP_OK) {
        ret = decode(f, size);
    }
    if (ret != ESP_OK) {
        (void)data_end(ret);
        free(f);
    }
    return ret;
}

static esp_err_t end(files_t *f, esp_err_t ret)
{
    (void)data_end(ret);
    free(f);
    return ret;
}

/* ---- room ----------------------------------------------------------------------------------- */

/** The directory is to say which extents the app has. */
static esp_err_t commit_extents(const files_t *f)
{
    store_directory_t *next;
    const esp_err_t ret = store_change(&next);
    if (ret != ESP_OK) {
        return ret;
    }
    store_entry_t *entry = &next->entries[f->owner.place];
    entry->data_count = f->extent_count;
    memset(entry->data, 0, sizeof(entry->data));
    memcpy(entry->data, f->extents, f->extent_count);
    const esp_err_t changed = store_change_end(ESP_OK);
    data_wear_add(&f->owner, DATA_TABLE_COST(store_directory_bytes()));
    return changed;
}

/** Extent by extent, so that some become free again; within one anywhere, so that it wears evenly.
 */
static unsigned free_sectors(const files_t *f, uint16_t *out, unsigned wanted)
{
    unsigned got = 0;
    const unsigned first = esp_random() % SECTORS_PER_EXTENT;
    for (unsigned i = 0; i < f->extent_count; i++) {
        for (unsigned j = 0; j < SECTORS_PER_EXTENT && got < wanted; j++) {
            const unsigned sector =
                f->extents[i] * SECTORS_PER_EXTENT + (first + j) % SECTORS_PER_EXTENT;
            if (!in_use(f, sector)) {
                out[got++] = (uint16_t)sector;
            }
        }
    }
    return got;
}

/** Find free sectors; extents come as they are needed. */
static esp_err_t take_sectors(files_t *f, entry_t *e)
{
    const unsigned wanted = sectors_for(e->file.size);
    const unsigned got = free_sectors(f, e->sectors, wanted);
    uint8_t count = 0;
    if (got == wanted) {
        return ESP_OK;
    }
    uint8_t *to = f->extents + f->extent_count;
    esp_err_t ret =
        store_reserve((wanted - got) * SECTOR, STORE_DATA_EXTENTS - f->extent_count, to, &count);
    if (ret != ESP_OK) {
        return ret;
    }
    f->extent_count = (uint8_t)(f->extent_count + count);
    ret = commit_extents(f);
    store_release(to, count);
    (void)free_sectors(f, e->sectors, wanted);
    return ret;
}

/** Extents without a file go back. */
static void give_back(files_t *f)
{
    unsigned kept = 0;
    const unsigned before = f->extent_count;
    for (unsigned i = 0; i < before; i++) {
        bool used = false;
        for (unsigned j = 0; j < SECTORS_PER_EXTENT && !used; j++) {
            used = in_use(f, f->extents[i] * SECTORS_PER_EXTENT + j);
        }
        if (used) {
            f->extents[kept++] = f->extents[i];
        }
    }
    f->extent_count = (uint8_t)kept;
    if (kept == before) {
        return;
    }
    const esp_err_t ret = commit_extents(f);
    if (ret != ESP_OK) { /* nothing is lost: the next write uses them */
        ESP_LOGW(TAG, "extents are not given back: %s", esp_err_to_name(ret));
    }
}

static esp_err_t write_content(const entry_t *e, const uint8_t *data)
{
    esp_err_t ret = ESP_OK;
    for (uint32_t at = 0; ret == ESP_OK && at < e->file.size; at += STORE_CHUNK) {
        const uint32_t left = e->file.size - at;
        const unsigned sector = e->sectors[at / SECTOR];
        const uint8_t extent = (uint8_t)(sector / SECTORS_PER_EXTENT);
        ret = store_write(&extent, sector % SECTORS_PER_EXTENT * SECTOR + at % SECTOR, data + at,
                          left < STORE_CHUNK ? left : STORE_CHUNK);
    }
    return ret;
}

/* ---- calls ---------------------------------------------------------------------------------- */

static esp_err_t write_file(files_t *f, const char *name, const void *data, size_t size)
{
    entry_t *old = find(f, name);
    unsigned used = 0;
    for (unsigned i = 0; i < f->count; i++) {
        used += sectors_for(f->files[i].file.size);
    }
    used -= old != NULL ? sectors_for(old->file.size) : 0;
    if (sectors_for((uint32_t)size) > QUOTA - used || (old == NULL && f->count == APP_FILES_MAX)) {
        return ESP_ERR_KAPP_DATA_QUOTA;
    }
    entry_t *e = calloc(1, sizeof(*e)); /* beside the old one until it is written */
    if (e == NULL) {
        return ESP_ERR_NO_MEM;
    }
    memcpy(e->file.name, name, strlen(name) + 1);
    e->file.size = (uint32_t)size;
    const unsigned sectors = sectors_for(e->file.size);
    esp_err_t ret =
        data_wear_take(&f->owner, sectors * SECTOR,
                       DATA_TABLE_COST(encode(f) + 5u + strlen(name) + 2u * (size_t)sectors));
    if (ret == ESP_OK) {
        ret = take_sectors(f, e);
    }
    if (ret == ESP_OK) {
        ret = write_content(e, data);
    }
    if (ret == ESP_OK) {
        old = old != NULL ? old : &f->files[f->count++];
        *old = *e;
        ret = data_write(&f->owner, DATA_FILES, f->table, encode(f));
        if (ret == ESP_OK) {
            give_back(f);
        }
    }
    free(e);
    return ret;
}

esp_err_t app_file_write(const char *name, const void *data, size_t size)
{
    files_t *f;
    if (!data_name_valid(name) || (data == NULL && size != 0)) {
        return ESP_ERR_INVALID_ARG;
    }
    if (size > QUOTA * SECTOR) {
        return ESP_ERR_KAPP_DATA_QUOTA;
    }
    memory_touch(data, size, false);
    const esp_err_t ret = begin(true, &f);
    return ret == ESP_OK ? end(f, write_file(f, name, data, size)) : ret;
}

static esp_err_t read_file(files_t *f, const char *name, uint32_t offset, uint8_t *to, size_t *size)
{
    const entry_t *e = find(f, name);
    esp_err_t ret = ESP_OK;
    if (e == NULL) {
        return ESP_ERR_NOT_FOUND;
    }
    const uint32_t left = offset < e->file.size ? e->file.size - offset : 0;
    *size = *size < left ? *size : left;
    for (size_t done = 0; ret == ESP_OK && done < *size;) {
        const uint32_t at = offset + (uint32_t)done;
        const size_t most = SECTOR - at % SECTOR;
        const size_t part = *size - done < most ? *size - done : most;
        const unsigned sector = e->sectors[at / SECTOR];
        const uint8_t extent = (uint8_t)(sector / SECTORS_PER_EXTENT);
        ret = store_read(&extent, sector % SECTORS_PER_EXTENT * SECTOR + at % SECTOR, to + done,
                         part);
        done += part;
    }
    return ret;
}

esp_err_t app_file_read(const char *name, uint32_t offset, void *out, size_t *size)
{
    files_t *f;
    if (!data_name_valid(name) || size == NULL || (out == NULL && *size != 0)) {
        return ESP_ERR_INVALID_ARG;
    }
    memory_touch(out, *size < QUOTA * SECTOR ? *size : QUOTA * SECTOR, true);
    memory_touch(size, sizeof(*size), true);
    const esp_err_t ret = begin(false, &f);
    return ret == ESP_OK ? end(f, read_file(f, name, offset, out, size)) : ret;
}

static esp_err_t remove_file(files_t *f, const char *name)
{
    entry_t *e = find(f, name);
    if (e == NULL) {
        return ESP_ERR_NOT_FOUND;
    }
    esp_err_t ret = data_wear_take(&f->owner, 0, DATA_TABLE_COST(encode(f)));
    if (ret != ESP_OK) {
        return ret;
    }
    f->count--;
    memmove(e, e + 1, (size_t)(&f->files[f->count] - e) * sizeof(*e));
    ret = data_write(&f->owner, DATA_FILES, f->table, encode(f));
    if (ret == ESP_OK) {
        give_back(f);
    }
    return ret;
}

esp_err_t app_file_remove(const char *name)
{
    files_t *f;
    if (!data_name_valid(name)) {
        return ESP_ERR_INVALID_ARG;
    }
    const esp_err_t ret = begin(false, &f);
    return ret == ESP_OK ? end(f, remove_file(f, name)) : ret;
}

esp_err_t app_file_list(app_file_t *out, size_t *count)
{
    files_t *f;
    if (count == NULL || (out == NULL && *count != 0)) {
        return ESP_ERR_INVALID_ARG;
    }
    const size_t room = *count;
    *count = 0;
    memory_touch(out, (room < APP_FILES_MAX ? room : APP_FILES_MAX) * sizeof(*out), true);
    const esp_err_t ret = begin(false, &f);
    if (ret != ESP_OK) {
        return ret == ESP_ERR_NOT_FOUND ? ESP_OK : ret;
    }
    *count = f->count;
    for (unsigned i = 0; i < f->count && i < room; i++) {
        out[i] = f->files[i].file;
    }
    return end(f, *count > room ? ESP_ERR_INVALID_SIZE : ESP_OK);
}

static esp_err_t erase(files_t *f)
{
    esp_err_t ret = data_wear_take(&f->owner, 0, 2u * DATA_TABLE_COST(DATA_HEAD));
    if (ret == ESP_OK) {
        ret = data_write(&f->owner, DATA_SETTINGS, f->table, DATA_HEAD);
    }
    if (ret == ESP_OK) {
        ret = data_write(&f->owner, DATA_FILES, f->table, DATA_HEAD);
    }
    return ret == ESP_OK ? commit_extents(f) : ret; /* of which it has none now */
}

esp_err_t app_data_erase(void)
{
    files_t *f = calloc(1, sizeof(*f));
    if (f == NULL) {
        return ESP_ERR_NO_MEM;
    }
    const esp_err_t ret = data_begin(false, &f->owner);
    if (ret == ESP_OK) {
        return end(f, erase(f));
    }
    free(f);
    return ret == ESP_ERR_NOT_FOUND ? ESP_OK : ret;
}
