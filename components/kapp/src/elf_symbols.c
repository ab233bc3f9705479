/* SPDX-License-Identifier: Apache-2.0 */
#include "elf_arch.h"
#include "elf_format.h"

bool elf_symbol(const elf_image_t *image, uint32_t index, elf_symbol_t *out)
{
    const bool is_64 = image->arch->is_64;
    const uint32_t entry = ELF_SYM_SIZE(is_64);
    if (index >= image->symbol_count) {
        return false;
    }
    const uint8_t *p = elf_at(image, image->symbols.address + (uint64_t)index * entry, entry);
    if (p == NULL) {
        return false;
    }
    if (is_64) {
        *out = (elf_symbol_t){kapp_u32(p), p[4], kapp_u16(p + 6), elf_u64(p + 8), elf_u64(p + 16)};
    } else {
        *out =
            (elf_symbol_t){kapp_u32(p), p[12], kapp_u16(p + 14), kapp_u32(p + 4), kapp_u32(p + 8)};
    }
    return true;
}

const char *elf_symbol_at(const elf_image_t *image, uint64_t target, uint32_t *offset)
{
    elf_symbol_t symbol;
    const char *name = NULL;
    uint64_t address;
    if (!elf_code_address(image, target, &address)) {
        return NULL;
    }
    for (uint32_t i = 0; elf_symbol(image, i, &symbol); i++) {
        const bool holds = symbol.value <= address &&
                           (address - symbol.value < symbol.size || symbol.value == address);
        if ((symbol.info & 0xF) == STT_FUNC && symbol.section != SHN_UNDEF && holds) {
            const char *text = elf_string(image, symbol.name);
            if (text != NULL && text[0] != '\0') {
                name = text;
                *offset = (uint32_t)(address - symbol.value);
            }
        }
    }
    return name;
}
