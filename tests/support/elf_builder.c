// SPDX-License-Identifier: Apache-2.0
#include "elf_builder.h"

#include <stdlib.h>
#include <string.h>

#include "elf_format.h"
#include "system_service/error_codes.h"

static unsigned width(const eb_t *e)
{
    return ELF_ADDR_SIZE(e->arch->is_64);
}

void eb_half(eb_t *e, uint32_t at, uint32_t value, uint32_t size)
{
    for (uint32_t i = 0; i < size; i++) {
        e->bytes[at + i] = (uint8_t)(value >> 8 * i);
    }
}

void eb_word(eb_t *e, uint32_t at, uint64_t value)
{
    for (unsigned i = 0; i < width(e); i++) {
        e->bytes[at + i] = (uint8_t)(value >> 8 * i);
    }
}

uint32_t eb_phdr_at(const eb_t *e, unsigned n)
{
    return ELF_HEADER_SIZE(e->arch->is_64) + n * ELF_PHDR_SIZE(e->arch->is_64);
}

static void phdr(eb_t *e, unsigned n, unsigned type, unsigned flags, uint32_t at, uint32_t file,
                 uint32_t memory)
{
    uint32_t p = eb_phdr_at(e, n);
    eb_half(e, p, type, 4);
    if (e->arch->is_64) {
        eb_half(e, p + 4, flags, 4);
    } else {
        eb_half(e, p + 24, flags, 4);
    }
    p += e->arch->is_64 ? 8 : 4;
    eb_word(e, p, at);
    eb_word(e, p + width(e), at);
    eb_word(e, p + 2 * width(e), at);
    eb_word(e, p + 3 * width(e), file);
    eb_word(e, p + 4 * width(e), memory);
    eb_word(e, e->arch->is_64 ? p + 40 : p + 24, 16);
}

void eb_begin(eb_t *e, const elf_arch_t *arch)
{
    *e = (eb_t){.arch = arch};
    const uint32_t tail = 24 + 3 * width(e);
    memcpy(e->bytes, "\177ELF\0\1\1", 7);
    e->bytes[4] = arch->is_64 ? 2 : 1;
    eb_half(e, 16, ELF_TYPE_DYN, 2);
    eb_half(e, 18, arch->machine, 2);
    eb_half(e, 20, 1, 4);
    eb_word(e, 24, EB_CODE);
    eb_word(e, 24 + width(e), ELF_HEADER_SIZE(arch->is_64));
    eb_half(e, tail + 4, ELF_HEADER_SIZE(arch->is_64), 2);
    eb_half(e, tail + 6, ELF_PHDR_SIZE(arch->is_64), 2);
    eb_half(e, tail + 8, 4, 2);
    phdr(e, 0, PT_LOAD, ELF_FLAG_R, 0, EB_TABLES_SIZE, EB_TABLES_SIZE);
    phdr(e, 1, PT_LOAD, ELF_FLAG_R | ELF_FLAG_X, EB_CODE, EB_CODE_SIZE, EB_CODE_SIZE);
    phdr(e, 2, PT_LOAD, ELF_FLAG_R | ELF_FLAG_W, EB_DATA, EB_DATA_FILE, EB_DATA_SIZE);
    phdr(e, 3, PT_DYNAMIC, ELF_FLAG_R | ELF_FLAG_W, EB_DYNAMIC, 0x100, 0x100);
    e->strings = 1;
    e->symbols = 1;
}

uint32_t eb_symbol(eb_t *e, const char *name, unsigned info, unsigned section, uint64_t value,
                   uint64_t size)
{
    const uint32_t p = EB_SYMBOLS + e->symbols * ELF_SYM_SIZE(e->arch->is_64);
    eb_half(e, p, e->strings, 4);
    if (e->arch->is_64) {
        eb_half(e, p + 4, info, 1);
        eb_half(e, p + 6, section, 2);
        eb_word(e, p + 8, value);
        eb_word(e, p + 16, size);
    } else {
        eb_word(e, p + 4, value);
        eb_word(e, p + 8, size);
        eb_half(e, p + 12, info, 1);
        eb_half(e, p + 14, section, 2);
    }
    memcpy(e->bytes + EB_STRINGS + e->strings, name, strlen(name) + 1);
    e->strings += (uint32_t)strlen(name) + 1;
    return e->symbols++;
}

static void rela(eb_t *e, uint32_t p, uint64_t place, uint32_t type, uint32_t symbol,
                 int64_t addend)
{
    eb_word(e, p, place);
    eb_word(e, p + width(e), e->arch->is_64 ? (uint64_t)symbol << 32 | type : symbol << 8 | type);
    eb_word(e, p + 2 * width(e), (uint64_t)addend);
}

void eb_rela(eb_t *e, uint64_t place, uint32_t type, uint32_t symbol, int64_t addend)
{
    rela(e, EB_RELA + e->relas++ * ELF_RELA_SIZE(e->arch->is_64), place, type, symbol, addend);
}

void eb_plt(eb_t *e, uint64_t place, uint32_t type, uint32_t symbol, int64_t addend)
{
    rela(e, EB_PLT + e->plts++ * ELF_RELA_SIZE(e->arch->is_64), place, type, symbol, addend);
}

uint32_t eb_dynamic_at(const eb_t *e, unsigned n)
{
    return EB_DYNAMIC + n * ELF_DYN_SIZE(e->arch->is_64);
}

void eb_end(eb_t *e)
{
    const bool is_64 = e->arch->is_64;
    const uint32_t entries[][2] = {
        {DT_HASH, EB_HASH},
        {DT_STRTAB, EB_STRINGS},
        {DT_STRSZ, e->strings},
        {DT_SYMTAB, EB_SYMBOLS},
        {DT_SYMENT, ELF_SYM_SIZE(is_64)},
        {DT_RELA, EB_RELA},
        {DT_RELASZ, e->relas * ELF_RELA_SIZE(is_64)},
        {DT_RELAENT, ELF_RELA_SIZE(is_64)},
        {DT_JMPREL, EB_PLT},
        {DT_PLTRELSZ, e->plts * ELF_RELA_SIZE(is_64)},
        {DT_PLTREL, DT_RELA},
        {DT_INIT_ARRAY, EB_INIT},
        {DT_INIT_ARRAYSZ, 2 * width(e)},
        {DT_FINI_ARRAY, EB_FINI},
        {DT_FINI_ARRAYSZ, width(e)},
        {DT_NULL, 0},
    };
    for (unsigned i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
        eb_word(e, eb_dynamic_at(e, i), entries[i][0]);
        eb_word(e, eb_dynamic_at(e, i) + width(e), entries[i][1]);
    }
    eb_half(e, EB_HASH + 4, e->symbols, 4);
}

elf_parts_t eb_parts(const eb_t *e)
{
    return (elf_parts_t){
        .head = e->bytes,
        .head_size = eb_phdr_at(e, 4),
        .segments = {{e->bytes, EB_TABLES_SIZE},
                     {e->bytes + EB_CODE, EB_CODE_SIZE},
                     {e->bytes + EB_DATA, EB_DATA_FILE}},
        .segment_count = EB_SEGMENTS,
    };
}

/* ---- feeding the loader --------------------------------------------------------------------- */

/** Everything that is read of a program once it is linked. */
static esp_err_t look_at_all(const elf_image_t *image)
{
    uint64_t target;
    uint32_t offset;
    esp_err_t init = ESP_OK;
    esp_err_t fini = ESP_OK;
    for (unsigned n = 0; init == ESP_OK; n++) {
        init = elf_init_function(image, n, &target);
    }
    for (unsigned n = 0; fini != ESP_ERR_NOT_FOUND; n++) {
        fini = elf_fini_function(image, n, &target);
    }
    for (uint32_t at = 0; at < image->layout.span; at += 61) {
        (void)elf_symbol_at(image, image->memory.code_target + at, &offset);
    }
    return init == ESP_ERR_NOT_FOUND ? ESP_OK : init;
}

esp_err_t elf_feed(const elf_arch_t *arch, const elf_parts_t *parts, elf_resolve_t resolve,
                   elf_image_t *out)
{
    elf_image_t image = {.arch = arch};
    uint8_t *head = malloc(parts->head_size + 1); /* exact but for an empty one */
    memcpy(head, parts->head, parts->head_size);
    esp_err_t ret = elf_parse_head(arch, head, parts->head_size, &image.layout);
    free(head);
    if (ret != ESP_OK) {
        return ret;
    }
    bool match = image.layout.segment_count == parts->segment_count;
    for (unsigned i = 0; match && i < parts->segment_count; i++) {
        match = image.layout.segments[i].file == parts->segments[i].size;
    }
    if (!match) {
        return ESP_ERR_LOADER_BAD_ELF;
    }
    image.memory = (elf_memory_t){calloc(1, image.layout.span), EB_DATA_TARGET, EB_CODE_TARGET};
    if (image.memory.bytes == NULL) { /* a board has less than some damaged program asks for */
        return ESP_ERR_NO_MEM;
    }
    for (unsigned i = 0; i < parts->segment_count; i++) {
        memcpy(image.memory.bytes + image.layout.segments[i].offset, parts->segments[i].bytes,
               parts->segments[i].size);
    }
    ret = elf_link(&image, resolve, NULL);
    if (ret == ESP_OK) {
        ret = look_at_all(&image);
    }
    if (ret == ESP_OK && out != NULL) {
        *out = image;
    } else {
        elf_feed_free(&image);
    }
    return ret;
}

void elf_feed_free(elf_image_t *image)
{
    free(image->memory.bytes);
    image->memory.bytes = NULL;
}
