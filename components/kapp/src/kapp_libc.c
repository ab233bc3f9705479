/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What installed apps get for functions of the C library that concern more than their arguments:
 * memory is the app's account, within its quota, and goes back with it; abort() and what it frees
 * wrongly end the app, not the system.
 */
#include <stdint.h>
#include <string.h>

#include "kapp_libc.h"
#include "system_service/app_manager.h"
#include "system_service/error_codes.h"
#include "system_service/memory_utils.h"

/* In the function that called: what is returned to may be the next one. */
#define CALLER ((const char *)__builtin_return_address(0) - 1)

/** An app that misuses its heap is ended: what it goes on with would be wrong. */
static void must_be_ok(esp_err_t ret, const char *what, const void *where)
{
    if (ret != ESP_OK) {
        app_manager_abort(APP_CRASH_HEAP, what, where);
    }
}

void *kapp_malloc(size_t size)
{
    return memory_alloc(size != 0 ? size : 1, MEMORY_PURPOSE_GENERAL);
}

void *kapp_calloc(size_t count, size_t size)
{
    size_t whole;
    if (__builtin_mul_overflow(count, size, &whole)) {
        return NULL;
    }
    void *block = kapp_malloc(whole);
    if (block != NULL) {
        memset(block, 0, whole);
    }
    return block;
}

void kapp_free(void *block)
{
    must_be_ok(memory_free(block), "free()", CALLER);
}

void *kapp_realloc(void *block, size_t size)
{
    size_t had;
    if (block == NULL) {
        return kapp_malloc(size);
    }
    must_be_ok(memory_size(block, &had), "realloc()", CALLER);
    if (size == 0) {
        must_be_ok(memory_free(block), "realloc()", CALLER);
        return NULL;
    }
    void *moved = kapp_malloc(size);
    if (moved != NULL) {
        memcpy(moved, block, had < size ? had : size);
        must_be_ok(memory_free(block), "realloc()", CALLER);
    }
    return moved;
}

char *kapp_strndup(const char *text, size_t most)
{
    const size_t length = strnlen(text, most);
    char *copy = kapp_malloc(length + 1);
    if (copy != NULL) {
        memcpy(copy, text, length);
        copy[length] = '\0';
    }
    return copy;
}

char *kapp_strdup(const char *text)
{
    return kapp_strndup(text, strlen(text));
}

void kapp_abort(void)
{
    app_manager_abort(APP_CRASH_ABORT, "abort()", CALLER);
}

void kapp_assert_glibc(const char *expression, const char *file, unsigned line,
                       const char *function)
{
    (void)expression;
    (void)file;
    (void)line;
    (void)function;
    app_manager_abort(APP_CRASH_ABORT, "assert()", CALLER);
}

void kapp_assert_newlib(const char *file, int line, const char *function, const char *expression)
{
    (void)expression;
    (void)file;
    (void)line;
    (void)function;
    app_manager_abort(APP_CRASH_ABORT, "assert()", CALLER);
}
