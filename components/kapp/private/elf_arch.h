/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief One processor: how wide its programs are, and its relocations.
 */

#include "elf_image.h"

/** A relocation, taken apart. */
typedef struct {
    uint32_t type;
    uint64_t place;  /* virtual address of what is to be changed */
    uint64_t symbol; /* target address of the symbol; valid if the type needs one */
    int64_t addend;
} elf_relocation_t;

/** What a type of relocation does. */
typedef enum {
    ELF_RELOC_UNKNOWN = 0,
    ELF_RELOC_NOTHING,
    ELF_RELOC_OWN,    /* an address of the program itself */
    ELF_RELOC_SYMBOL, /* an address of a symbol */
} elf_reloc_kind_t;

struct elf_arch {
    kapp_target_t target;
    uint16_t machine;
    bool is_64;
    elf_reloc_kind_t (*kind)(uint32_t type);
    /** Apply one whose kind is OWN or SYMBOL. @return false: it points outside of the program */
    bool (*apply)(const elf_image_t *image, const elf_relocation_t *relocation);
};

extern const elf_arch_t elf_arch_xtensa;
extern const elf_arch_t elf_arch_x86_64;

/** The one for a target, or NULL. */
const elf_arch_t *elf_arch_for(kapp_target_t target);
