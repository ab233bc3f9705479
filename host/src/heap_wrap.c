// SPDX-License-Identifier: Apache-2.0

// malloc() and its kin, as all code linked into the board calls them (see cmake/heap_wrap.cmake).
// In a task they serve from the board's RAM; before boot, in plain program code and in the C
// library's own workings they remain the C library's. Where a block came from decides where it goes
// back to.

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "esp_heap_caps.h"
#include "heap_internal.h"
#include "heap_wrap.h"
#include "host_heap.h"
#include "host_internal.h"

static bool s_bypassed;

void heap_wrap_bypass(void)
{
    __atomic_store_n(&s_bypassed, true, __ATOMIC_RELEASE);
}

// Whether a request is the board's: made in a task, and the process is not on its way out.
static bool is_boards(void)
{
    return !__atomic_load_n(&s_bypassed, __ATOMIC_ACQUIRE) && host_in_task();
}

void *host_libc_malloc(size_t size)
{
    return __real_malloc(size);
}

void *host_libc_calloc(size_t n, size_t size)
{
    return __real_calloc(n, size);
}

void *host_libc_realloc(void *p, size_t size)
{
    return __real_realloc(p, size);
}

void host_libc_free(void *p)
{
    __real_free(p);
}

void *__wrap_malloc(size_t size)
{
    return is_boards() ? heap_malloc_default(size) : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return is_boards() ? heap_calloc_default(n, size) : __real_calloc(n, size);
}

void __wrap_free(void *p)
{
    if (p == NULL) {
        return;
    }
    if (__atomic_load_n(&s_bypassed, __ATOMIC_ACQUIRE)) {
        return; // the process ends: whose it is does not matter any more
    }
    if (host_heap_owns(p)) {
        heap_caps_free(p);
    } else {
        __real_free(p);
    }
}

void *__wrap_realloc(void *p, size_t size)
{
    if (p == NULL) {
        return __wrap_malloc(size);
    }
    return host_heap_owns(p) ? heap_realloc_default(p, size) : __real_realloc(p, size);
}

void *__wrap_reallocarray(void *p, size_t n, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(n, size, &total)) {
        errno = ENOMEM;
        return NULL;
    }
    return __wrap_realloc(p, total);
}

void *__wrap_aligned_alloc(size_t align, size_t size)
{
    return is_boards() ? heap_aligned_alloc_default(align, size)
                       : __real_aligned_alloc(align, size);
}

void *__wrap_memalign(size_t align, size_t size)
{
    return __wrap_aligned_alloc(align, size);
}

int __wrap_posix_memalign(void **out, size_t align, size_t size)
{
    if (align < sizeof(void *) || (align & (align - 1)) != 0) {
        return EINVAL;
    }
    *out = __wrap_aligned_alloc(align, size);
    return *out == NULL && size > 0 ? ENOMEM : 0;
}

char *__wrap_strndup(const char *s, size_t n)
{
    size_t length = strnlen(s, n);
    char *copy = __wrap_malloc(length + 1);
    if (copy != NULL) {
        memcpy(copy, s, length);
        copy[length] = '\0';
    }
    return copy;
}

char *__wrap_strdup(const char *s)
{
    return __wrap_strndup(s, strlen(s));
}

int __wrap_vasprintf(char **out, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    *out = length < 0 ? NULL : __wrap_malloc((size_t)length + 1);
    if (*out == NULL) {
        length = -1;
    } else {
        vsnprintf(*out, (size_t)length + 1, format, again);
    }
    va_end(again);
    return length;
}

int __wrap_asprintf(char **out, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int length = __wrap_vasprintf(out, format, args);
    va_end(args);
    return length;
}
