// SPDX-License-Identifier: Apache-2.0

// Allocation by capability: which region serves a request, and what happens when none can.

#include "esp_heap_caps.h"

#include <string.h>
#include "heap_internal.h"
#include "host_internal.h"
#include "host_system.h"

#define SIZE_LIMIT  0x7fffffffu // what a 32-bit chip could be asked for
#define NO_EXTERNAL SIZE_MAX

#if defined(CONFIG_SPIRAM_USE_MALLOC) && CONFIG_SPIRAM_USE_MALLOC
static size_t s_always_internal = CONFIG_SPIRAM_MALLOC_ALWAYSINTERNAL;
#else
static size_t s_always_internal = NO_EXTERNAL;
#endif
static esp_alloc_failed_hook_t s_failed_hook;

// The hooks are firmware code: they run where firmware runs, not while the board itself is set up.
static void call_alloc_hook(void *ptr, size_t size, uint32_t caps)
{
#ifdef CONFIG_HEAP_USE_HOOKS
    if (esp_heap_trace_alloc_hook != NULL && host_in_task()) {
        esp_heap_trace_alloc_hook(ptr, size, caps);
    }
#else
    (void)ptr;
    (void)size;
    (void)caps;
#endif
}

static void call_free_hook(void *ptr)
{
#ifdef CONFIG_HEAP_USE_HOOKS
    if (esp_heap_trace_free_hook != NULL && host_in_task()) {
        esp_heap_trace_free_hook(ptr);
    }
#else
    (void)ptr;
#endif
}

void heap_refuse_isr(const char *call)
{
    if (host_in_isr()) {
        host_panic("%s() called from an interrupt: it may not allocate or free", call);
    }
}

void heap_alloc_failed(size_t size, uint32_t caps, const char *function)
{
    esp_alloc_failed_hook_t hook = __atomic_load_n(&s_failed_hook, __ATOMIC_ACQUIRE);
    if (hook != NULL) {
        hook(size, caps, function);
    }
#if defined(CONFIG_HEAP_ABORT_WHEN_ALLOCATION_FAILS) && CONFIG_HEAP_ABORT_WHEN_ALLOCATION_FAILS
    host_panic("memory allocation of %zu bytes failed in %s()", size, function);
#endif
}

esp_err_t heap_caps_register_failed_alloc_callback(esp_alloc_failed_hook_t callback)
{
    if (callback == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    __atomic_store_n(&s_failed_hook, callback, __ATOMIC_RELEASE);
    return ESP_OK;
}

static void note_local_minimum(heap_region_t *r)
{
    size_t now = heap_arena_free_bytes(&r->arena);
    if (now < r->local_minimum) {
        r->local_minimum = now;
    }
}

void *heap_alloc_base(size_t align, size_t size, uint32_t caps)
{
    if (size == 0 || size > SIZE_LIMIT) {
        return NULL;
    }
    if ((caps & MALLOC_CAP_EXEC) && (caps & (MALLOC_CAP_8BIT | MALLOC_CAP_DMA))) {
        return NULL;
    }
    heap_lock();
    heap_region_t *regions;
    size_t count = heap_regions(&regions);
    void *p = NULL;
    for (size_t prio = 0; prio < HEAP_PRIORITIES && p == NULL; prio++) {
        for (size_t i = 0; i < count && p == NULL; i++) {
            heap_region_t *r = &regions[i];
            if ((r->caps[prio] & caps) == 0 || (r->all_caps & caps) != caps) {
                continue;
            }
            p = heap_arena_alloc(&r->arena, size, align);
            note_local_minimum(r);
        }
    }
    heap_unlock();
    if (p != NULL) {
        call_alloc_hook(p, size, caps);
    }
    return p;
}

static const char *describe(heap_ptr_state_t state)
{
    switch (state) {
    case HEAP_PTR_FREE:
        return "is free already (double free)";
    case HEAP_PTR_DAMAGED:
        return "has a damaged header, or is no allocation";
    case HEAP_PTR_OVERRUN:
        return "was written beyond its end";
    case HEAP_PTR_FOREIGN:
    case HEAP_PTR_OK:
        break;
    }
    return "is not the start of an allocation";
}

// Finds the region of an allocation with the heap locked; does not return if p is not one.
static heap_region_t *region_of_allocation(const char *call, const void *p)
{
    heap_region_t *r = heap_region_of(p);
    heap_ptr_state_t state = r == NULL ? HEAP_PTR_FOREIGN : heap_arena_state(&r->arena, p);
    if (state != HEAP_PTR_OK) {
        heap_unlock();
        host_panic("CORRUPT HEAP: %s(%p): the block %s", call, p, describe(state));
    }
    return r;
}

void heap_caps_free(void *ptr)
{
    if (ptr == NULL) {
        return;
    }
    heap_refuse_isr("heap_caps_free");
    heap_lock();
    heap_region_t *r = region_of_allocation("free", ptr);
    heap_arena_free(&r->arena, ptr);
    heap_unlock();
    call_free_hook(ptr);
}

void heap_caps_aligned_free(void *ptr)
{
    heap_caps_free(ptr);
}

void *heap_realloc_base(void *ptr, size_t size, uint32_t caps)
{
    if (ptr == NULL) {
        return heap_alloc_base(1, size, caps);
    }
    if (size == 0) {
        heap_caps_free(ptr);
        return NULL;
    }
    if (size > SIZE_LIMIT) {
        return NULL;
    }
    heap_lock();
    heap_region_t *r = region_of_allocation("realloc", ptr);
    size_t old_size = heap_arena_usable(&r->arena, ptr);
    bool here = (r->all_caps & caps) == caps;
    bool resized = here && heap_arena_resize(&r->arena, ptr, size);
    void *p = resized ? ptr : NULL;
    if (here && !resized) {
        p = heap_arena_alloc(&r->arena, size, 1);
        if (p != NULL) {
            memcpy(p, ptr, old_size < size ? old_size : size);
            heap_arena_free(&r->arena, ptr);
        }
    }
    note_local_minimum(r);
    heap_unlock();
    if (p != NULL) {
        // As on the device: within one region only the new place is announced.
        call_alloc_hook(p, size, caps);
        return p;
    }
    p = heap_alloc_base(1, size, caps);
    if (p != NULL) {
        memcpy(p, ptr, old_size < size ? old_size : size);
        heap_caps_free(ptr);
    }
    return p;
}

void *heap_caps_malloc(size_t size, uint32_t caps)
{
    heap_refuse_isr(__func__);
    void *p = heap_fault_take() ? NULL : heap_alloc_base(1, size, caps);
    if (p == NULL && size > 0) {
        heap_alloc_failed(size, caps, __func__);
    }
    return p;
}

void *heap_caps_calloc(size_t n, size_t size, uint32_t caps)
{
    heap_refuse_isr(__func__);
    size_t total;
    if (__builtin_mul_overflow(n, size, &total)) {
        heap_alloc_failed(SIZE_MAX, caps, __func__);
        return NULL;
    }
    void *p = heap_fault_take() ? NULL : heap_alloc_base(1, total, caps);
    if (p != NULL) {
        memset(p, 0, total);
    } else if (total > 0) {
        heap_alloc_failed(total, caps, __func__);
    }
    return p;
}

void *heap_caps_realloc(void *ptr, size_t size, uint32_t caps)
{
    heap_refuse_isr(__func__);
    bool fails = size > 0 && heap_fault_take();
    void *p = fails ? NULL : heap_realloc_base(ptr, size, caps);
    if (p == NULL && size > 0) {
        heap_alloc_failed(size, caps, __func__);
    }
    return p;
}

void *heap_caps_aligned_alloc(size_t alignment, size_t size, uint32_t caps)
{
    heap_refuse_isr(__func__);
    if (alignment == 0 || (alignment & (alignment - 1)) != 0 || size == 0) {
        return NULL;
    }
    void *p = heap_fault_take() ? NULL : heap_alloc_base(alignment, size, caps);
    if (p == NULL) {
        heap_alloc_failed(size, caps, __func__);
    }
    return p;
}

void *heap_caps_aligned_calloc(size_t alignment, size_t n, size_t size, uint32_t caps)
{
    size_t total;
    if (__builtin_mul_overflow(n, size, &total)) {
        return NULL;
    }
    void *p = heap_caps_aligned_alloc(alignment, total, caps);
    if (p != NULL) {
        memset(p, 0, total);
    }
    return p;
}

void heap_caps_malloc_extmem_enable(size_t limit)
{
    __atomic_store_n(&s_always_internal, limit, __ATOMIC_RELAXED);
}

static uint32_t default_caps(size_t size, bool *alternatives)
{
    size_t limit = __atomic_load_n(&s_always_internal, __ATOMIC_RELAXED);
    *alternatives = limit != NO_EXTERNAL;
    bool internal = !*alternatives || size <= limit;
    return MALLOC_CAP_DEFAULT | (internal ? MALLOC_CAP_INTERNAL : MALLOC_CAP_SPIRAM);
}

static void *default_alloc(size_t align, size_t size, const char *function)
{
    heap_refuse_isr(function);
    bool alternatives;
    uint32_t caps = default_caps(size, &alternatives);
    bool fails = heap_fault_take();
    void *p = fails ? NULL : heap_alloc_base(align, size, caps);
    if (p == NULL && !fails && alternatives) {
        p = heap_alloc_base(align, size, MALLOC_CAP_DEFAULT);
    }
    if (p == NULL && size > 0) {
        heap_alloc_failed(size, alternatives ? (uint32_t)MALLOC_CAP_DEFAULT : caps, function);
    }
    return p;
}

void *heap_malloc_default(size_t size)
{
    return default_alloc(1, size, "malloc");
}

void *heap_aligned_alloc_default(size_t align, size_t size)
{
    return default_alloc(align, size, "aligned_alloc");
}

void *heap_calloc_default(size_t n, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(n, size, &total)) {
        heap_alloc_failed(SIZE_MAX, MALLOC_CAP_DEFAULT, "calloc");
        return NULL;
    }
    void *p = default_alloc(1, total, "calloc");
    if (p != NULL) {
        memset(p, 0, total);
    }
    return p;
}

void *heap_realloc_default(void *ptr, size_t size)
{
    heap_refuse_isr("realloc");
    bool alternatives;
    uint32_t caps = default_caps(size, &alternatives);
    bool fails = size > 0 && heap_fault_take();
    void *p = fails ? NULL : heap_realloc_base(ptr, size, caps);
    if (p == NULL && size > 0 && !fails && alternatives) {
        p = heap_realloc_base(ptr, size, MALLOC_CAP_DEFAULT);
    }
    if (p == NULL && size > 0) {
        heap_alloc_failed(size, alternatives ? (uint32_t)MALLOC_CAP_DEFAULT : caps, "realloc");
    }
    return p;
}
