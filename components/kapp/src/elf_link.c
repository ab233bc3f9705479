/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Linking: every relocation is applied, or the program is refused.
 */
#include "elf_arch.h"
#include "elf_format.h"
#include "system_service/error_codes.h"

typedef struct {
    elf_image_t *image;
    elf_resolve_t resolve;
    void *arg;
} link_t;

static esp_err_t import(const link_t *link, const elf_symbol_t *symbol, uint64_t *target)
{
    const char *name = elf_string(link->image, symbol->name);
    if (name == NULL || name[0] == '\0') {
        return ESP_ERR_LOADER_BAD_ELF;
    }
    const esp_err_t ret = link->resolve(link->arg, name, target);
    if (ret != ESP_ERR_NOT_FOUND) {
        return ret;
    }
    if (symbol->info >> 4 == STB_WEAK) {
        *target = 0; /* it asks before it calls */
        return ESP_OK;
    }
    return ESP_ERR_LOADER_UNRESOLVED_SYMBOL;
}

/** A program's own symbol comes before one of the system of the same name. */
static esp_err_t symbol_target(const link_t *link, uint32_t index, uint64_t *target)
{
    elf_symbol_t symbol;
    if (index == 0 || !elf_symbol(link->image, index, &symbol)) {
        return ESP_ERR_LOADER_BAD_RELOCATION;
    }
    if ((symbol.info & 0xF) > STT_SECTION) {
        return ESP_ERR_LOADER_BAD_ELF; /* thread variables, functions chosen at run time, ... */
    }
    if (symbol.section == SHN_UNDEF) {
        return import(link, &symbol, target);
    }
    return symbol.section < SHN_LORESERVE && elf_target(link->image, symbol.value, target)
               ? ESP_OK
               : ESP_ERR_LOADER_BAD_ELF;
}

static esp_err_t apply(const link_t *link, const uint8_t *p)
{
    const elf_arch_t *arch = link->image->arch;
    const uint64_t info = arch->is_64 ? elf_u64(p + 8) : kapp_u32(p + 4);
    elf_relocation_t r = {
        .place = elf_word(p, arch->is_64),
        .type = (uint32_t)(arch->is_64 ? info & UINT32_MAX : info & 0xFF),
        .addend = arch->is_64 ? (int64_t)elf_u64(p + 16) : (int32_t)kapp_u32(p + 8),
    };
    switch (arch->kind(r.type)) {
    case ELF_RELOC_NOTHING:
        return ESP_OK;
    case ELF_RELOC_OWN:
        break;
    case ELF_RELOC_SYMBOL: {
        const esp_err_t ret =
            symbol_target(link, (uint32_t)(arch->is_64 ? info >> 32 : info >> 8), &r.symbol);
        if (ret != ESP_OK) {
            return ret;
        }
        break;
    }
    default:
        return ESP_ERR_LOADER_BAD_RELOCATION;
    }
    return arch->apply(link->image, &r) ? ESP_OK : ESP_ERR_LOADER_BAD_RELOCATION;
}

static esp_err_t apply_all(const link_t *link, const elf_table_t *table)
{
    const uint32_t entry = ELF_RELA_SIZE(link->image->arch->is_64);
    for (uint32_t at = 0; at < table->size; at += entry) {
        const uint8_t *p = elf_at(link->image, table->address + at, entry);
        const esp_err_t ret = p != NULL ? apply(link, p) : ESP_ERR_LOADER_BAD_ELF;
        if (ret != ESP_OK) {
            return ret;
        }
    }
    return ESP_OK;
}

esp_err_t elf_link(elf_image_t *image, elf_resolve_t resolve, void *arg)
{
    const link_t link = {image, resolve, arg};
    esp_err_t ret = elf_read_dynamic(image);
    if (ret == ESP_OK) {
        ret = apply_all(&link, &image->relocations);
    }
    if (ret == ESP_OK) {
        ret = apply_all(&link, &image->plt_relocations);
    }
    return ret;
}

/* ---- functions to call ---------------------------------------------------------------------- */

/** An element of an array of functions: relocated, so it is a target address already. */
static esp_err_t array_function(const elf_image_t *image, const elf_table_t *array, uint32_t index,
                                uint64_t *target)
{
    const bool is_64 = image->arch->is_64;
    const uint32_t width = ELF_ADDR_SIZE(is_64);
    uint64_t address;
    const uint8_t *p = elf_at(image, array->address + (uint64_t)index * width, width);
    if (p == NULL) {
        return ESP_ERR_LOADER_BAD_ELF;
    }
    *target = elf_word(p, is_64);
    return elf_code_address(image, *target, &address) ? ESP_OK : ESP_ERR_LOADER_BAD_ELF;
}

static esp_err_t single_function(const elf_image_t *image, uint64_t address, uint64_t *target)
{
    const elf_segment_t *s = elf_segment_of(image, address);
    return s != NULL && (s->flags & ELF_FLAG_X) != 0 && elf_target(image, address, target)
               ? ESP_OK
               : ESP_ERR_LOADER_BAD_ELF;
}

esp_err_t elf_init_function(const elf_image_t *image, unsigned n, uint64_t *target)
{
    if (image->init != 0 && n-- == 0) {
        return single_function(image, image->init, target);
    }
    if (n >= image->init_array.size / ELF_ADDR_SIZE(image->arch->is_64)) {
        return ESP_ERR_NOT_FOUND;
    }
    return array_function(image, &image->init_array, n, target);
}

esp_err_t elf_fini_function(const elf_image_t *image, unsigned n, uint64_t *target)
{
    const uint32_t count = image->fini_array.size / ELF_ADDR_SIZE(image->arch->is_64);
    if (n < count) {
        return array_function(image, &image->fini_array, count - 1 - n, target);
    }
    return n == count && image->fini != 0 ? single_function(image, image->fini, target)
                                          : ESP_ERR_NOT_FOUND;
}
