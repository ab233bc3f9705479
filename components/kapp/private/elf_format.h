/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief Numbers of the ELF format, both classes, little-endian; and reading them from bytes.
 */

#include <stdint.h>

#include "kapp_format.h"

#define ELF_TYPE_DYN          3u
#define ELF_HEADER_SIZE(is64) ((is64) ? 64u : 52u)
#define ELF_PHDR_SIZE(is64)   ((is64) ? 56u : 32u)
#define ELF_DYN_SIZE(is64)    ((is64) ? 16u : 8u)
#define ELF_SYM_SIZE(is64)    ((is64) ? 24u : 16u)
#define ELF_RELA_SIZE(is64)   ((is64) ? 24u : 12u)
#define ELF_ADDR_SIZE(is64)   ((is64) ? 8u : 4u)
#define ELF_PHDRS_MAX         16u

enum {
    PT_LOAD = 1,
    PT_DYNAMIC = 2,
    PT_INTERP = 3,
    PT_TLS = 7,
};

enum {
    DT_NULL = 0,
    DT_NEEDED = 1,
    DT_PLTRELSZ = 2,
    DT_HASH = 4,
    DT_STRTAB = 5,
    DT_SYMTAB = 6,
    DT_RELA = 7,
    DT_RELASZ = 8,
    DT_RELAENT = 9,
    DT_STRSZ = 10,
    DT_SYMENT = 11,
    DT_INIT = 12,
    DT_FINI = 13,
    DT_REL = 17,
    DT_PLTREL = 20,
    DT_JMPREL = 23,
    DT_INIT_ARRAY = 25,
    DT_FINI_ARRAY = 26,
    DT_INIT_ARRAYSZ = 27,
    DT_FINI_ARRAYSZ = 28,
    DT_PREINIT_ARRAY = 32,
    DT_RELR = 36,
    DT_KNOWN = 37,
};

enum {
    STB_WEAK = 2,
    STT_NOTYPE = 0,
    STT_OBJECT = 1,
    STT_FUNC = 2,
    STT_SECTION = 3,
    SHN_UNDEF = 0,
    SHN_LORESERVE = 0xFF00,
};

static inline uint64_t elf_u64(const uint8_t *p)
{
    return kapp_u32(p) | (uint64_t)kapp_u32(p + 4) << 32;
}

/** An address or size: as wide as the program's class. */
static inline uint64_t elf_word(const uint8_t *p, int is64)
{
    return is64 ? elf_u64(p) : kapp_u32(p);
}
