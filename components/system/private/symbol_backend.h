/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief What to call a code address when a person reads it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Room for any text of symbol_backend_describe(). */
#define SYMBOL_TEXT_MAX 48

/**
 * Describe a code address: by the function's name where the platform can, else as a number for
 * addr2line. Cut to fit; always a string.
 * @context any task, not in a critical section  @blocks shortly
 */
void symbol_backend_describe(uintptr_t address, char out[SYMBOL_TEXT_MAX]);

/** The function that an address is in, and how far. Cut to fit.
 *  @context any task, not in a critical section  @blocks shortly
 *  @return false: the platform does not know */
bool symbol_backend_locate(uintptr_t address, char *out, size_t size, uint32_t *offset);
