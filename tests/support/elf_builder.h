// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * A small shared object of either class, made by hand, every field of which has a known place; and
 * the loader's core run over one, in memory of exactly its size.
 */

#include "elf_arch.h"

/* Virtual addresses; also file offsets. Three segments: tables (R), code (RX), data (RW). */
#define EB_HASH        0x200u
#define EB_SYMBOLS     0x240u
#define EB_STRINGS     0x400u
#define EB_RELA        0x480u
#define EB_PLT         0x580u
#define EB_TABLES_SIZE 0x600u
#define EB_CODE        0x1000u
#define EB_CODE_SIZE   0x100u
#define EB_DATA        0x2000u
#define EB_INIT        0x20C0u /* two functions */
#define EB_FINI        0x20E0u /* one */
#define EB_DYNAMIC     0x2100u
#define EB_DATA_FILE   0x200u
#define EB_DATA_SIZE   0x300u
#define EB_FILE_SIZE   0x2200u
#define EB_SEGMENTS    3u

/* Where the program shall believe to be. */
#define EB_DATA_TARGET 0x3C100000u
#define EB_CODE_TARGET 0x42100000u

typedef struct {
    uint8_t bytes[EB_FILE_SIZE];
    const elf_arch_t *arch;
    uint32_t symbols, strings, relas, plts; /* symbols, bytes, entries, entries so far */
} eb_t;

/** Start one whose entry point is EB_CODE, with no symbols or relocations. */
void eb_begin(eb_t *e, const elf_arch_t *arch);
/** Write a word of the class (an address) at an offset. */
void eb_word(eb_t *e, uint32_t at, uint64_t value);
void eb_half(eb_t *e, uint32_t at, uint32_t value, uint32_t size);
/** @return the symbol's index; section 0: imported */
uint32_t eb_symbol(eb_t *e, const char *name, unsigned info, unsigned section, uint64_t value,
                   uint64_t size);
void eb_rela(eb_t *e, uint64_t place, uint32_t type, uint32_t symbol, int64_t addend);
void eb_plt(eb_t *e, uint64_t place, uint32_t type, uint32_t symbol, int64_t addend);
/** Write the dynamic table. */
void eb_end(eb_t *e);
/** Offset of the n-th entry of the dynamic table, and of the n-th program header. */
uint32_t eb_dynamic_at(const eb_t *e, unsigned n);
uint32_t eb_phdr_at(const eb_t *e, unsigned n);

/** Parts of a program as a package has them. */
typedef struct {
    const uint8_t *head;
    uint32_t head_size;
    struct {
        const uint8_t *bytes;
        uint32_t size;
    } segments[KAPP_SEGMENTS_MAX];
    unsigned segment_count;
} elf_parts_t;

elf_parts_t eb_parts(const eb_t *e);

/**
 * Load, link, and look at everything that a loaded program is asked, as kapp_program does; the
 * program believes to be at EB_DATA_TARGET and EB_CODE_TARGET.
 * @param[out] image  may be NULL; if the program was accepted, release it with elf_feed_free()
 */
esp_err_t elf_feed(const elf_arch_t *arch, const elf_parts_t *parts, elf_resolve_t resolve,
                   elf_image_t *image);
void elf_feed_free(elf_image_t *image);
