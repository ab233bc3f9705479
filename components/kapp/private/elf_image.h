/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief A program in memory: where its parts are, and how it is made to run there.
 *
 * The steps: elf_parse_head(), memory for layout.span bytes, the file bytes of each segment put to
 * their place, elf_link(), then the memory is sealed and elf_image_t.init may be called.
 *
 * Every number in a program is hostile. The rule that keeps this safe: no address of the program
 * is used but through elf_at(), which gives memory of one segment or NULL, and whatever is read
 * there is copied before it is judged, because relocations may change the very tables they are in.
 *
 * Three kinds of address: a *virtual* one, as it stands in the file; the *place*, where this code
 * reads and writes it; and the *target* address, which the program itself will use. On the
 * ESP32-S3 the target address of code is on another bus than its place, on the PC they are the
 * same, and in the tests of the other processor they have nothing in common.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "esp_err.h"

#include "kapp/kapp.h"

#define ELF_FLAG_X 0x1u
#define ELF_FLAG_W 0x2u
#define ELF_FLAG_R 0x4u

/** One loadable segment; offsets count from the lowest virtual address. */
typedef struct {
    uint32_t offset;
    uint32_t memory; /* bytes in memory; not 0 */
    uint32_t file;   /* bytes that come from the file; the others are zero */
    uint8_t flags;   /* ELF_FLAG_* */
} elf_segment_t;

/** What the head of a program says. */
typedef struct {
    uint64_t base; /* lowest virtual address */
    uint32_t span; /* from there to the end of the last segment; at most CONFIG_KAPP_MAX_IMAGE_KB */
    uint32_t align; /* of the base; a power of two */
    uint64_t entry;
    uint64_t dynamic; /* virtual address of the dynamic table */
    uint32_t dynamic_size;
    unsigned segment_count;
    elf_segment_t segments[KAPP_SEGMENTS_MAX]; /* ascending, apart from each other */
} elf_layout_t;

/** What distinguishes one processor's programs. */
typedef struct elf_arch elf_arch_t;

/** A table in the image. size is 0 if it has none. */
typedef struct {
    uint64_t address; /* virtual */
    uint32_t size;
} elf_table_t;

/** Memory for an image; from a backend, or from a test. */
typedef struct {
    uint8_t *bytes;       /* the place of layout.base */
    uint64_t data_target; /* target address of layout.base for loads and stores */
    uint64_t code_target; /* ... and for calls and jumps */
} elf_memory_t;

typedef struct {
    const elf_arch_t *arch;
    elf_layout_t layout;
    elf_memory_t memory;
    elf_table_t symbols, strings, relocations, plt_relocations, init_array, fini_array;
    uint64_t init, fini; /* virtual addresses of functions; 0 = none */
    uint32_t symbol_count;
} elf_image_t;

/** Finds what a program imports.
 *  @return ESP_OK with its target address; ESP_ERR_NOT_FOUND there is none of that name, which is
 *          no error if the program can do without; any other refuses the program */
typedef esp_err_t (*elf_resolve_t)(void *arg, const char *name, uint64_t *target);

/* ---- elf_head.c -------------------------------------------------------------------------------
 */

/** @return ESP_OK; ESP_ERR_LOADER_BAD_ELF; ESP_ERR_LOADER_WRONG_TARGET; ESP_ERR_KAPP_TOO_LARGE */
esp_err_t elf_parse_head(const elf_arch_t *arch, const uint8_t *head, uint32_t size,
                         elf_layout_t *out);

/* ---- elf_image.c ------------------------------------------------------------------------------
 */

/** The place of size bytes that lie in one segment, or NULL. */
uint8_t *elf_at(const elf_image_t *image, uint64_t address, uint64_t size);
/** The segment that holds an address, or NULL. */
const elf_segment_t *elf_segment_of(const elf_image_t *image, uint64_t address);
/** The target address of a virtual one; also one past the end of a segment. @return false: outside
 */
bool elf_target(const elf_image_t *image, uint64_t address, uint64_t *target);
/** The virtual address of a target address in code. @return false: not code of this image */
bool elf_code_address(const elf_image_t *image, uint64_t target, uint64_t *address);
/** The string at an offset of the string table, or NULL if it does not end in there. */
const char *elf_string(const elf_image_t *image, uint32_t offset);

/* ---- elf_dynamic.c ----------------------------------------------------------------------------
 */

/** Find the tables. @return ESP_OK; ESP_ERR_LOADER_BAD_ELF */
esp_err_t elf_read_dynamic(elf_image_t *image);

/* ---- elf_link.c -------------------------------------------------------------------------------
 */

/** Find the tables and apply all relocations.
 *  @return ESP_OK; ESP_ERR_LOADER_BAD_ELF; ESP_ERR_LOADER_BAD_RELOCATION;
 *          ESP_ERR_LOADER_UNRESOLVED_SYMBOL; an error of resolve() */
esp_err_t elf_link(elf_image_t *image, elf_resolve_t resolve, void *arg);

/** Target address of the n-th function to call before (init) or after the program runs, in the
 *  order of the calls.
 *  @return ESP_OK; ESP_ERR_NOT_FOUND there are fewer; ESP_ERR_LOADER_BAD_ELF it is no code of the
 *          program */
esp_err_t elf_init_function(const elf_image_t *image, unsigned n, uint64_t *target);
esp_err_t elf_fini_function(const elf_image_t *image, unsigned n, uint64_t *target);

/* ---- elf_symbols.c ----------------------------------------------------------------------------
 */

typedef struct {
    uint32_t name; /* offset in the string table */
    uint8_t info;
    uint16_t section; /* 0: imported */
    uint64_t value, size;
} elf_symbol_t;

/** @return false: there is no such symbol */
bool elf_symbol(const elf_image_t *image, uint32_t index, elf_symbol_t *out);
/** The function that holds a target address.
 *  @return its name, or NULL; *offset is how far into it the address is */
const char *elf_symbol_at(const elf_image_t *image, uint64_t target, uint32_t *offset);
