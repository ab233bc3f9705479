/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The dynamic table: where a program's other tables are.
 */
#include <string.h>

#include "elf_arch.h"
#include "elf_format.h"
#include "system_service/error_codes.h"

/** The entries of interest, by tag. */
typedef struct {
    uint64_t value[DT_KNOWN];
    uint64_t seen; /* bit n: tag n is there */
} tags_t;

static bool has(const tags_t *tags, unsigned tag)
{
    return (tags->seen >> tag & 1) != 0;
}

static esp_err_t collect(const elf_image_t *image, tags_t *tags)
{
    const bool is_64 = image->arch->is_64;
    const uint32_t step = ELF_DYN_SIZE(is_64);
    const uint8_t *p = elf_at(image, image->layout.dynamic, image->layout.dynamic_size);
    if (p == NULL) {
        return ESP_ERR_LOADER_BAD_ELF;
    }
    for (uint32_t at = 0; image->layout.dynamic_size - at >= step; at += step) {
        const uint64_t tag = elf_word(p + at, is_64);
        if (tag == DT_NULL) {
            return ESP_OK;
        }
        if (tag >= DT_KNOWN) {
            continue; /* versions, flags, another hash: nothing that has to be obeyed */
        }
        if (has(tags, (unsigned)tag)) {
            return ESP_ERR_LOADER_BAD_ELF; /* which one counts? */
        }
        tags->seen |= 1ull << tag;
        tags->value[tag] = elf_word(p + at + step / 2, is_64);
    }
    return ESP_ERR_LOADER_BAD_ELF; /* it does not end */
}

/** A table of an address and a size, both or neither, made of whole entries in one segment. */
static bool table(const elf_image_t *image, const tags_t *tags, unsigned address, unsigned size,
                  uint32_t entry, elf_table_t *out)
{
    *out = (elf_table_t){0};
    if (!has(tags, address) && !has(tags, size)) {
        return true;
    }
    if (!has(tags, address) || !has(tags, size)) {
        return false;
    }
    const uint64_t bytes = tags->value[size];
    if (bytes == 0) {
        return true;
    }
    if (bytes % entry != 0 || elf_at(image, tags->value[address], bytes) == NULL) {
        return false;
    }
    *out = (elf_table_t){tags->value[address], (uint32_t)bytes};
    return true;
}

/** The number of symbols is only to be had from the hash table. */
static bool symbols(elf_image_t *image, const tags_t *tags)
{
    if (!has(tags, DT_SYMTAB)) {
        return true;
    }
    const uint32_t entry = ELF_SYM_SIZE(image->arch->is_64);
    const uint8_t *hash = has(tags, DT_HASH) ? elf_at(image, tags->value[DT_HASH], 8) : NULL;
    if (hash == NULL || tags->value[DT_SYMENT] != entry) {
        return false;
    }
    const uint32_t count = kapp_u32(hash + 4);
    const uint64_t size = (uint64_t)count * entry;
    if (count == 0 || elf_at(image, tags->value[DT_SYMTAB], size) == NULL) {
        return false;
    }
    image->symbol_count = count;
    image->symbols = (elf_table_t){tags->value[DT_SYMTAB], (uint32_t)size};
    return true;
}

/** A function to call; its address is checked when it is called. */
static uint64_t function(const tags_t *tags, unsigned tag)
{
    return has(tags, tag) ? tags->value[tag] : 0;
}

esp_err_t elf_read_dynamic(elf_image_t *image)
{
    tags_t tags = {.seen = 0};
    const bool is_64 = image->arch->is_64;
    const uint32_t rela = ELF_RELA_SIZE(is_64);
    const uint32_t address = ELF_ADDR_SIZE(is_64);
    const esp_err_t ret = collect(image, &tags);
    if (ret != ESP_OK) {
        return ret;
    }
    /* Other libraries, relocations of another form, and what only executables have. */
    if (has(&tags, DT_NEEDED) || has(&tags, DT_REL) || has(&tags, DT_RELR) ||
        has(&tags, DT_PREINIT_ARRAY) ||
        (has(&tags, DT_PLTREL) && tags.value[DT_PLTREL] != DT_RELA) ||
        (has(&tags, DT_RELA) && tags.value[DT_RELAENT] != rela)) {
        return ESP_ERR_LOADER_BAD_ELF;
    }
    if (!symbols(image, &tags) || !table(image, &tags, DT_STRTAB, DT_STRSZ, 1, &image->strings) ||
        !table(image, &tags, DT_RELA, DT_RELASZ, rela, &image->relocations) ||
        !table(image, &tags, DT_JMPREL, DT_PLTRELSZ, rela, &image->plt_relocations) ||
        !table(image, &tags, DT_INIT_ARRAY, DT_INIT_ARRAYSZ, address, &image->init_array) ||
        !table(image, &tags, DT_FINI_ARRAY, DT_FINI_ARRAYSZ, address, &image->fini_array)) {
        return ESP_ERR_LOADER_BAD_ELF;
    }
    image->init = function(&tags, DT_INIT);
    image->fini = function(&tags, DT_FINI);
    return ESP_OK;
}
