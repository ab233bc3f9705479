// SPDX-License-Identifier: Apache-2.0

// Allocation with a list of second choices.

#include <stdarg.h>
#include <string.h>
#include "esp_heap_caps.h"
#include "heap_internal.h"

// One request, however many sets of capabilities it tries; the last set is the one reported.
static void *prefer(void *old, size_t size, size_t num, va_list argp, const char *function)
{
    heap_refuse_isr(function);
    bool fails = size > 0 && heap_fault_take();
    void *p = NULL;
    uint32_t caps = MALLOC_CAP_DEFAULT;
    while (num-- > 0) {
        caps = va_arg(argp, uint32_t);
        p = fails ? NULL : heap_realloc_base(old, size, caps);
        if (p != NULL || size == 0) {
            break;
        }
    }
    if (p == NULL && size > 0) {
        heap_alloc_failed(size, caps, function);
    }
    return p;
}

void *heap_caps_malloc_prefer(size_t size, size_t num, ...)
{
    va_list argp;
    va_start(argp, num);
    void *p = prefer(NULL, size, num, argp, __func__);
    va_end(argp);
    return p;
}

void *heap_caps_realloc_prefer(void *ptr, size_t size, size_t num, ...)
{
    va_list argp;
    va_start(argp, num);
    void *p = prefer(ptr, size, num, argp, __func__);
    va_end(argp);
    return p;
}

void *heap_caps_calloc_prefer(size_t n, size_t size, size_t num, ...)
{
    size_t total;
    if (__builtin_mul_overflow(n, size, &total)) {
        return NULL;
    }
    va_list argp;
    va_start(argp, num);
    void *p = prefer(NULL, total, num, argp, __func__);
    va_end(argp);
    if (p != NULL) {
        memset(p, 0, total);
    }
    return p;
}
