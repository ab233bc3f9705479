/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs for the virtual board on a PC.
 */
#include <string.h>

#include "elf_arch.h"

#define MACHINE_X86_64 62

enum {
    R_X86_64_NONE = 0,
    R_X86_64_64 = 1,
    R_X86_64_GLOB_DAT = 6,
    R_X86_64_JUMP_SLOT = 7,
    R_X86_64_RELATIVE = 8,
};

static elf_reloc_kind_t kind(uint32_t type)
{
    switch (type) {
    case R_X86_64_NONE:
        return ELF_RELOC_NOTHING;
    case R_X86_64_RELATIVE:
        return ELF_RELOC_OWN;
    case R_X86_64_64:
    case R_X86_64_GLOB_DAT:
    case R_X86_64_JUMP_SLOT:
        return ELF_RELOC_SYMBOL;
    default:
        return ELF_RELOC_UNKNOWN;
    }
}

static bool apply(const elf_image_t *image, const elf_relocation_t *r)
{
    uint8_t *place = elf_at(image, r->place, sizeof(uint64_t));
    uint64_t value = r->symbol;
    if (place == NULL) {
        return false;
    }
    if (r->type == R_X86_64_RELATIVE) {
        if (!elf_target(image, (uint64_t)r->addend, &value)) {
            return false;
        }
    } else if (r->type == R_X86_64_64) {
        value += (uint64_t)r->addend;
    }
    memcpy(place, &value, sizeof(value)); /* a 64-bit program runs on a little-endian PC only */
    return true;
}

const elf_arch_t elf_arch_x86_64 = {
    .target = KAPP_TARGET_X86_64_LINUX,
    .machine = MACHINE_X86_64,
    .is_64 = true,
    .kind = kind,
    .apply = apply,
};
