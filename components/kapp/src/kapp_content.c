/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the sections hold.
 */
#include "kapp/kapp.h"

#include <stdlib.h>
#include <string.h>

#include "inflate_backend.h"
#include "kapp_format.h"
#include "kapp_internal.h"
#include "system_service/error_codes.h"

/** Reads the stored bytes of a section one part after the other. */
typedef struct {
    const kapp_source_t *source;
    uint32_t offset;
    uint32_t left;
    esp_err_t error; /* of the source */
} cursor_t;

static esp_err_t cursor_read(void *arg, uint8_t *to, size_t room, size_t *got)
{
    cursor_t *cursor = arg;
    const uint32_t size = cursor->left < room ? cursor->left : (uint32_t)room;
    if (size != 0) {
        cursor->error = cursor->source->read(cursor->source->arg, cursor->offset, to, size);
        if (cursor->error != ESP_OK) {
            return cursor->error;
        }
    }
    cursor->offset += size;
    cursor->left -= size;
    *got = size;
    return ESP_OK;
}

/** A section of this package, not of another one and not a copy. */
static bool belongs(const kapp_t *package, const kapp_section_t *section)
{
    return section >= package->sections && section < package->sections + package->count;
}

esp_err_t kapp_load_section(const kapp_t *package, const kapp_section_t *section, void *to)
{
    if (package == NULL || section == NULL || !belongs(package, section) ||
        (to == NULL && section->size != 0)) {
        return ESP_ERR_INVALID_ARG;
    }
    const kapp_source_t *source = &package->source;
    if (section->compressed) {
        cursor_t cursor = {source, section->offset, section->stored, ESP_OK};
        const esp_err_t ret = inflate_backend(cursor_read, &cursor, to, section->size);
        if (cursor.error != ESP_OK) {
            return cursor.error;
        }
        return ret == ESP_FAIL ? ESP_ERR_KAPP_COMPRESSION : ret;
    }
    return section->size == 0 ? ESP_OK
                              : source->read(source->arg, section->offset, to, section->size);
}

/** @owns *bytes is the caller's to free() */
static esp_err_t load_manifest(const kapp_t *package, uint8_t **bytes)
{
    if (package->count == 0) {
        return ESP_ERR_INVALID_ARG; /* it was not opened */
    }
    *bytes = malloc(package->sections[0].size);
    if (*bytes == NULL) {
        return ESP_ERR_NO_MEM;
    }
    const esp_err_t ret = kapp_load_section(package, &package->sections[0], *bytes);
    if (ret != ESP_OK) {
        free(*bytes);
    }
    return ret;
}

static unsigned count_of(const kapp_t *package, kapp_section_type_t type)
{
    unsigned count = 0;
    for (unsigned i = 0; i < package->count; i++) {
        count += package->sections[i].type == type;
    }
    return count;
}

esp_err_t kapp_read_manifest(const kapp_t *package, kapp_manifest_t *out)
{
    uint8_t *bytes;
    if (package == NULL || out == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    esp_err_t ret = load_manifest(package, &bytes);
    if (ret != ESP_OK) {
        return ret;
    }
    ret = kapp_manifest_decode(bytes, package->sections[0].size, out);
    free(bytes);
    if (ret == ESP_OK && out->asset_count != count_of(package, KAPP_SECTION_ASSET)) {
        ret = ESP_ERR_KAPP_MANIFEST_VALUE;
    }
    return ret;
}

esp_err_t kapp_find_asset(const kapp_t *package, const char *name, const kapp_section_t **out)
{
    uint8_t *bytes;
    unsigned index = 0;
    if (package == NULL || name == NULL || out == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    esp_err_t ret = load_manifest(package, &bytes);
    if (ret != ESP_OK) {
        return ret;
    }
    ret = kapp_manifest_asset(bytes, package->sections[0].size, name, &index);
    free(bytes);
    for (unsigned i = 0; ret == ESP_OK && i < package->count; i++) {
        if (package->sections[i].type == KAPP_SECTION_ASSET && index-- == 0) {
            *out = &package->sections[i];
            return ESP_OK;
        }
    }
    return ret == ESP_OK ? ESP_ERR_KAPP_MANIFEST_VALUE : ret;
}
