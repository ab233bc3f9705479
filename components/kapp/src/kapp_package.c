/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The header and the section table.
 *
 * There is one way only to write a package: sections lie in the order of the table, each at the
 * next multiple of four, and the signature block follows the last one. So offsets are not stored
 * but computed, and nothing can overlap.
 */
#include "kapp/kapp.h"

#include <string.h>

#include "sdkconfig.h"

#include "kapp_format.h"
#include "system_service/error_codes.h"

#define PACKAGE_MAX (CONFIG_KAPP_MAX_PACKAGE_KB * 1024u)
#define IMAGE_MAX   (CONFIG_KAPP_MAX_IMAGE_KB * 1024u)

/** What the rules of the table depend on besides the entry itself. */
typedef struct {
    uint32_t end;     /* of what was placed so far; at most PACKAGE_MAX */
    uint32_t targets; /* bit n: there is a head for target n */
    uint32_t image;   /* bytes of the segments of the present program */
    uint16_t target;  /* of the program whose segments may follow; 0: none */
    uint8_t segments; /* of it */
    uint8_t assets;
    bool icon;
} table_t;

static esp_err_t memory_read(void *arg, uint32_t offset, void *to, size_t size)
{
    memcpy(to, (const uint8_t *)arg + offset, size);
    return ESP_OK;
}

kapp_source_t kapp_source_memory(const void *data, uint32_t size)
{
    /* The reader does not write; a source has one kind of argument only. */
    return (kapp_source_t){.read = memory_read, .arg = (void *)(uintptr_t)data, .size = size};
}

static uint32_t aligned(uint32_t offset)
{
    return (offset + KAPP_ALIGN - 1) & ~(KAPP_ALIGN - 1);
}

static esp_err_t read_header(kapp_t *package)
{
    uint8_t header[KAPP_HEADER_SIZE];
    const kapp_source_t *source = &package->source;
    if (source->size < KAPP_MAGIC_SIZE) {
        return ESP_ERR_KAPP_NOT_A_PACKAGE;
    }
    esp_err_t ret = source->read(source->arg, 0, header, KAPP_MAGIC_SIZE);
    if (ret != ESP_OK) {
        return ret;
    }
    if (memcmp(header, KAPP_MAGIC, KAPP_MAGIC_SIZE) != 0) {
        return ESP_ERR_KAPP_NOT_A_PACKAGE;
    }
    if (source->size < sizeof(header)) {
        return ESP_ERR_KAPP_TRUNCATED;
    }
    ret = source->read(source->arg, 0, header, sizeof(header));
    if (ret != ESP_OK) {
        return ret;
    }
    if (kapp_u16(header + 4) != KAPP_FORMAT_VERSION) {
        return ESP_ERR_KAPP_VERSION;
    }
    package->size = kapp_u32(header + 8);
    package->count = kapp_u16(header + 12);
    if (kapp_u16(header + 6) != KAPP_HEADER_SIZE || kapp_u16(header + 14) != KAPP_ENTRY_SIZE ||
        kapp_u32(header + 16) != 0 || package->count == 0 || package->count > KAPP_SECTIONS_MAX ||
        memcmp(header, KAPP_MAGIC, KAPP_MAGIC_SIZE) != 0) { /* the source may have changed */
        return ESP_ERR_KAPP_HEADER;
    }
    if (package->size > PACKAGE_MAX) {
        return ESP_ERR_KAPP_TOO_LARGE;
    }
    if (source->size < package->size) {
        return ESP_ERR_KAPP_TRUNCATED;
    }
    return source->size > package->size ? ESP_ERR_KAPP_TRAILING : ESP_OK;
}

/** Sizes that each type may have. */
static bool sizes_allowed(const kapp_section_t *s)
{
    /* What is not compressed takes as much room as it says; an empty stream is not one. */
    if (s->compressed ? s->stored == 0 || s->size == 0 : s->stored != s->size) {
        return false;
    }
    switch (s->type) {
    case KAPP_SECTION_MANIFEST:
        return !s->compressed && s->size != 0 && s->size <= KAPP_MANIFEST_LIMIT;
    case KAPP_SECTION_HEAD:
        return !s->compressed && s->size != 0 && s->size <= KAPP_HEAD_MAX;
    default:
        return true;
    }
}

/** Where each type may stand. */
static bool place_allowed(const kapp_section_t *s, unsigned index, table_t *table)
{
    if ((index == 0) != (s->type == KAPP_SECTION_MANIFEST)) {
        return false;
    }
    switch (s->type) {
    case KAPP_SECTION_HEAD:
        if ((s->target != KAPP_TARGET_XTENSA_ESP32S3 && s->target != KAPP_TARGET_X86_64_LINUX) ||
            (table->targets & 1u << s->target) != 0) {
            return false;
        }
        table->targets |= 1u << s->target;
        table->target = s->target;
        table->segments = 0;
        table->image = 0;
        return true;
    case KAPP_SECTION_SEGMENT:
        return table->target != 0 && s->target == table->target &&
               ++table->segments <= KAPP_SEGMENTS_MAX;
    case KAPP_SECTION_ASSET:
        table->target = 0;
        return s->target == 0 && ++table->assets <= KAPP_ASSETS_MAX;
    case KAPP_SECTION_ICON: {
        const bool first = !table->icon;
        table->icon = true;
        table->target = 0;
        return s->target == 0 && first;
    }
    case KAPP_SECTION_MANIFEST:
        return s->target == 0;
    default:
        return false;
    }
}

static esp_err_t read_entry(kapp_t *package, unsigned index, table_t *table)
{
    uint8_t entry[KAPP_ENTRY_SIZE];
    kapp_section_t *s = &package->sections[index];
    const esp_err_t ret = package->source.read(
        package->source.arg, KAPP_HEADER_SIZE + index * KAPP_ENTRY_SIZE, entry, sizeof(entry));
    if (ret != ESP_OK) {
        return ret;
    }
    *s = (kapp_section_t){
        .type = entry[0],
        .compressed = entry[1] == KAPP_FLAG_ZLIB,
        .target = kapp_u16(entry + 2),
        .stored = kapp_u32(entry + 4),
        .size = kapp_u32(entry + 8),
        .offset = aligned(table->end),
    };
    if ((entry[1] & ~KAPP_FLAG_ZLIB) != 0 || !place_allowed(s, index, table)) {
        return ESP_ERR_KAPP_SECTION;
    }
    if (s->size > IMAGE_MAX || s->stored > PACKAGE_MAX) {
        return ESP_ERR_KAPP_TOO_LARGE;
    }
    if (!sizes_allowed(s)) {
        return ESP_ERR_KAPP_SECTION;
    }
    /* Both at most 8 MB: no overflow. */
    if (s->offset + s->stored > package->size) {
        return ESP_ERR_KAPP_HEADER;
    }
    if (s->type == KAPP_SECTION_SEGMENT) {
        table->image += s->size;
        if (table->image > IMAGE_MAX) {
            return ESP_ERR_KAPP_TOO_LARGE;
        }
    }
    table->end = s->offset + s->stored;
    return ESP_OK;
}

/** The bytes from a section's end to the next multiple of four. */
static esp_err_t check_padding(const kapp_t *package, uint32_t from)
{
    uint8_t bytes[KAPP_ALIGN] = {0};
    const uint32_t size = aligned(from) - from;
    if (size == 0) {
        return ESP_OK;
    }
    const esp_err_t ret = package->source.read(package->source.arg, from, bytes, size);
    if (ret != ESP_OK) {
        return ret;
    }
    return kapp_u32(bytes) == 0 ? ESP_OK : ESP_ERR_KAPP_PADDING;
}

static esp_err_t read_table(kapp_t *package)
{
    table_t table = {.end = KAPP_HEADER_SIZE + package->count * KAPP_ENTRY_SIZE};
    if (table.end > package->size) {
        return ESP_ERR_KAPP_HEADER;
    }
    for (unsigned i = 0; i < package->count; i++) {
        const esp_err_t ret = read_entry(package, i, &table);
        if (ret != ESP_OK) {
            return ret;
        }
    }
    package->signature_offset = aligned(table.end);
    if (package->signature_offset + KAPP_SIGNATURE_BLOCK_SIZE != package->size) {
        return ESP_ERR_KAPP_HEADER;
    }
    for (unsigned i = 0; i < package->count; i++) {
        const kapp_section_t *s = &package->sections[i];
        const esp_err_t ret = check_padding(package, s->offset + s->stored);
        if (ret != ESP_OK) {
            return ret;
        }
    }
    return ESP_OK;
}

esp_err_t kapp_open(kapp_t *out, const kapp_source_t *source)
{
    if (out == NULL || source == NULL || source->read == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    *out = (kapp_t){.source = *source};
    const esp_err_t ret = read_header(out);
    return ret == ESP_OK ? read_table(out) : ret;
}

esp_err_t kapp_find_code(const kapp_t *package, kapp_target_t target, kapp_code_t *out)
{
    if (package == NULL || out == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    for (unsigned i = 0; i < package->count; i++) {
        const kapp_section_t *s = &package->sections[i];
        if (s->type != KAPP_SECTION_HEAD || s->target != (uint16_t)target) {
            continue;
        }
        *out = (kapp_code_t){.head = s, .segments = s + 1};
        for (i++; i < package->count && package->sections[i].type == KAPP_SECTION_SEGMENT; i++) {
            out->segment_count++;
        }
        return ESP_OK;
    }
    return ESP_ERR_LOADER_WRONG_TARGET;
}
