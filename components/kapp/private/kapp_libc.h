/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief Functions of the C library as installed apps have them. Called by apps alone, under the
 *        library's names.
 */

#include <stddef.h>

void *kapp_malloc(size_t size);
void *kapp_calloc(size_t count, size_t size);
void *kapp_realloc(void *block, size_t size);
void kapp_free(void *block);
char *kapp_strdup(const char *text);
char *kapp_strndup(const char *text, size_t most);
void kapp_abort(void) __attribute__((noreturn));
/** assert() of the PC's C library, and of the device's. */
void kapp_assert_glibc(const char *expression, const char *file, unsigned line,
                       const char *function) __attribute__((noreturn));
void kapp_assert_newlib(const char *file, int line, const char *function, const char *expression)
    __attribute__((noreturn));
