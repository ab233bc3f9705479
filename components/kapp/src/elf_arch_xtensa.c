/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs for the ESP32-S3. Literals stand in the code, so relocations change code as well.
 */
#include "elf_arch.h"
#include "kapp_format.h"

#define MACHINE_XTENSA 94

enum {
    R_XTENSA_NONE = 0,
    R_XTENSA_32 = 1,
    R_XTENSA_RTLD = 2,
    R_XTENSA_GLOB_DAT = 3,
    R_XTENSA_JMP_SLOT = 4,
    R_XTENSA_RELATIVE = 5,
    R_XTENSA_PLT = 6,
};

static elf_reloc_kind_t kind(uint32_t type)
{
    switch (type) {
    case R_XTENSA_NONE:
    case R_XTENSA_RTLD: /* for lazy binding, which there is none of */
        return ELF_RELOC_NOTHING;
    case R_XTENSA_RELATIVE:
        return ELF_RELOC_OWN;
    case R_XTENSA_32:
    case R_XTENSA_GLOB_DAT:
    case R_XTENSA_JMP_SLOT:
    case R_XTENSA_PLT:
        return ELF_RELOC_SYMBOL;
    default:
        return ELF_RELOC_UNKNOWN;
    }
}

/** What stood at the place counts for RELATIVE and 32: the linker leaves the addend there. */
static bool apply(const elf_image_t *image, const elf_relocation_t *r)
{
    uint8_t *place = elf_at(image, r->place, sizeof(uint32_t));
    if (place == NULL) {
        return false;
    }
    uint32_t value = (uint32_t)r->symbol + (uint32_t)r->addend;
    if (r->type == R_XTENSA_32) {
        value += kapp_u32(place);
    } else if (r->type == R_XTENSA_RELATIVE) {
        uint64_t target;
        if (!elf_target(image, kapp_u32(place) + (uint32_t)r->addend, &target)) {
            return false;
        }
        value = (uint32_t)target;
    }
    place[0] = (uint8_t)value;
    place[1] = (uint8_t)(value >> 8);
    place[2] = (uint8_t)(value >> 16);
    place[3] = (uint8_t)(value >> 24);
    return true;
}

const elf_arch_t elf_arch_xtensa = {
    .target = KAPP_TARGET_XTENSA_ESP32S3,
    .machine = MACHINE_XTENSA,
    .is_64 = false,
    .kind = kind,
    .apply = apply,
};
