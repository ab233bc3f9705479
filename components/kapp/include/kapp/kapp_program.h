/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief Programs of packages: loading, linking, and finding one's way in them.
 *
 * A program is a position-independent shared object of the stock tool chain. It is put to where it
 * will run segment by segment, and linked against what a resolver offers; nothing of it runs until
 * kapp_program_construct(). On the PC no page of it is writable and executable at once. On the
 * ESP32-S3 it stands in PSRAM, and native code cannot be kept from the rest of memory: what the
 * resolver withholds stops mistakes, not malice.
 */

#include <stdbool.h>
#include <stdint.h>

#include "esp_err.h"

#include "kapp/kapp.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A loaded program. */
typedef struct kapp_program kapp_program_t;

/**
 * Finds what a program imports.
 * @return ESP_OK with its address; ESP_ERR_NOT_FOUND there is nothing of that name, which is no
 *         error where the program can do without; any other error refuses the program
 */
typedef esp_err_t (*kapp_resolve_t)(void *arg, const char *name, uintptr_t *address);

/** Where an address lies. */
typedef struct {
    char program[SYSTEM_NAME_MAX + 1];
    char function[48]; /**< cut if longer; empty: none of the exported ones */
    uint32_t offset;   /**< from the function, or from the program's beginning if there is none */
} kapp_location_t;

/**
 * @brief Load and link the program of a package for this processor.
 *
 * Needs memory for the image and at most 16 KB besides, meanwhile. When it fails, nothing is left.
 *
 * @context any task  @blocks as the package's source does, and on the load map lock
 * @param   name      what it is called in the load map, e.g. the app's name
 * @param   resolve   called for each import, in this task
 * @owns    *package is not used afterwards; *out is released by kapp_program_unload()
 * @return ESP_OK, an error of the source or of resolve(), or
 *  - ESP_ERR_INVALID_ARG             a pointer is NULL, or the name is empty or too long
 *  - ESP_ERR_INVALID_STATE           kapp_init() was not called
 *  - ESP_ERR_LOADER_WRONG_TARGET     no program for this processor
 *  - ESP_ERR_LOADER_BAD_ELF          a rule of its format is broken
 *  - ESP_ERR_LOADER_BAD_RELOCATION   a relocation is unknown or points outside of it
 *  - ESP_ERR_LOADER_UNRESOLVED_SYMBOL  it imports what there is not
 *  - ESP_ERR_KAPP_TOO_LARGE          larger than CONFIG_KAPP_MAX_IMAGE_KB
 *  - ESP_ERR_KAPP_COMPRESSION        a segment cannot be unpacked
 *  - ESP_ERR_LOADER_NO_EXEC_MEMORY   no memory that can hold running code
 *  - ESP_ERR_NO_MEM                  no memory for the rest
 */
esp_err_t kapp_program_load(const kapp_t *package, const char *name, kapp_resolve_t resolve,
                            void *arg, kapp_program_t **out);

/**
 * @brief Run the program's constructors, in its order. Once, before its entry point.
 * @context the task that the program shall run in
 * @return ESP_OK; ESP_ERR_LOADER_BAD_ELF one of them is no code of the program: none was called
 */
esp_err_t kapp_program_construct(kapp_program_t *program);

/** @brief Run its destructors, in their order. One that is no code of the program is left out.
 *  @context the task that the program ran in */
void kapp_program_destruct(kapp_program_t *program);

/** @brief The processor and system whose programs run here. @context any task  @blocks never */
kapp_target_t kapp_program_target(void);

/** @brief Address of the entry point. @context any task  @blocks never */
uintptr_t kapp_program_entry(const kapp_program_t *program);

/** @brief Bytes of memory that its image takes. @context any task  @blocks never */
uint32_t kapp_program_size(const kapp_program_t *program);

/** @brief Forget it and give its memory back. No task may run in it any more; NULL does nothing.
 *  @context any task  @blocks on the load map lock */
void kapp_program_unload(kapp_program_t *program);

/**
 * @brief Name an address of code, for backtraces and reports.
 * @context any task  @blocks on the load map lock
 * @return ESP_OK; ESP_ERR_INVALID_ARG; ESP_ERR_NOT_FOUND it is no code of a loaded program
 */
esp_err_t kapp_program_locate(uintptr_t address, kapp_location_t *out);

#ifdef __cplusplus
}
#endif
