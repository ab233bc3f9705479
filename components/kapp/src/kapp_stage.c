/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a stream into the partition, and checked there: a package need not fit in memory.
 */
#include <stdlib.h>
#include <string.h>

#include "installer.h"
#include "kapp_format.h"
#include "kapp_internal.h"
#include "system_service/error_codes.h"

#ifdef CONFIG_KAPP_DEVELOPER_MODE
#define ALLOW_UNSIGNED true
#else
#define ALLOW_UNSIGNED false
#endif

/** A stream in chunks. */
typedef struct {
    const kapp_stream_t *stream;
    size_t got; /* bytes in the chunk */
    bool ended;
    uint8_t chunk[STORE_CHUNK];
} chunks_t;

bool kapp_allow_unsigned(void)
{
    return ALLOW_UNSIGNED;
}

static esp_err_t stored_read(void *arg, uint32_t offset, void *to, size_t size)
{
    return store_read(((const store_package_t *)arg)->extents, offset, to, size);
}

kapp_source_t kapp_stored_source(store_package_t *package)
{
    return (kapp_source_t){.read = stored_read, .arg = package, .size = package->size};
}

/** Read until the chunk is full or the stream ends. */
static esp_err_t next_chunk(chunks_t *c)
{
    c->got = 0;
    while (!c->ended && c->got < sizeof(c->chunk)) {
        size_t got = 0;
        const size_t room = sizeof(c->chunk) - c->got;
        const esp_err_t ret = c->stream->read(c->stream->arg, c->chunk + c->got, room, &got);
        if (ret != ESP_OK) {
            return ret;
        }
        if (got > room) {
            return ESP_ERR_INVALID_SIZE; /* it wrote beyond the chunk */
        }
        c->ended = got == 0;
        c->got += got;
    }
    return ESP_OK;
}

/** The size that a package announces; everything else is checked when all of it is there. */
static esp_err_t announced_size(const chunks_t *c, uint32_t *size)
{
    if (c->got < KAPP_MAGIC_SIZE || memcmp(c->chunk, KAPP_MAGIC, KAPP_MAGIC_SIZE) != 0) {
        return ESP_ERR_KAPP_NOT_A_PACKAGE;
    }
    if (c->got < KAPP_HEADER_SIZE) {
        return ESP_ERR_KAPP_TRUNCATED;
    }
    if (kapp_u16(c->chunk + 4) != KAPP_FORMAT_VERSION) {
        return ESP_ERR_KAPP_VERSION;
    }
    *size = kapp_u32(c->chunk + 8);
    if (*size < KAPP_HEADER_SIZE) {
        return ESP_ERR_KAPP_HEADER;
    }
    return *size > CONFIG_KAPP_MAX_PACKAGE_KB * 1024u ? ESP_ERR_KAPP_TOO_LARGE : ESP_OK;
}

static esp_err_t write_all(chunks_t *c, store_package_t *package)
{
    esp_err_t ret = ESP_OK;
    uint32_t at = 0;
    while (ret == ESP_OK && c->got != 0) {
        if (c->got > package->size - at) {
            return ESP_ERR_KAPP_TRAILING;
        }
        ret = store_write(package->extents, at, c->chunk, c->got);
        at += (uint32_t)c->got;
        ret = ret == ESP_OK ? next_chunk(c) : ret;
    }
    return ret == ESP_OK && at != package->size ? ESP_ERR_KAPP_TRUNCATED : ret;
}

static esp_err_t write_stream(const kapp_stream_t *stream, store_package_t *package)
{
    chunks_t *c = malloc(sizeof(*c));
    if (c == NULL) {
        return ESP_ERR_NO_MEM;
    }
    c->stream = stream;
    c->ended = false;
    esp_err_t ret = next_chunk(c);
    if (ret == ESP_OK) {
        ret = announced_size(c, &package->size);
    }
    if (ret == ESP_OK) {
        ret =
            store_reserve(package->size, STORE_PACKAGE_EXTENTS, package->extents, &package->count);
    }
    if (ret == ESP_OK) {
        ret = write_all(c, package);
    }
    free(c);
    return ret;
}

static esp_err_t check(staged_t *staged)
{
    const kapp_source_t source = kapp_stored_source(&staged->package);
    esp_err_t ret = kapp_app_check(&source, ALLOW_UNSIGNED, &staged->reader, &staged->verdict,
                                   &staged->manifest);
    if (ret != ESP_OK) {
        return ret;
    }
    store_package_t *package = &staged->package;
    package->version = staged->manifest.version;
    memcpy(package->hash, staged->verdict.hash, sizeof(package->hash));
    memcpy(package->signer, staged->verdict.signer, sizeof(package->signer));
    memcpy(package->name, staged->manifest.name, sizeof(package->name));
    if (strncmp(staged->manifest.id, KAPP_BUILT_IN_PREFIX, strlen(KAPP_BUILT_IN_PREFIX)) == 0) {
        return ESP_ERR_KAPP_STORE_BUILT_IN;
    }
    return kapp_app_try(&staged->reader, &staged->verdict, &staged->manifest);
}

esp_err_t kapp_stage(const kapp_stream_t *stream, staged_t **out)
{
    staged_t *staged = calloc(1, sizeof(*staged));
    if (staged == NULL) {
        return ESP_ERR_NO_MEM;
    }
    esp_err_t ret = write_stream(stream, &staged->package);
    if (ret == ESP_OK) {
        ret = check(staged);
    }
    if (ret != ESP_OK) {
        kapp_unstage(staged);
        staged = NULL;
    }
    *out = staged;
    return ret;
}

void kapp_unstage(staged_t *staged)
{
    if (staged != NULL) {
        store_release(staged->package.extents, staged->package.count);
        free(staged);
    }
}
