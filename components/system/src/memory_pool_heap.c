/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks of memory_pool_alloc() that came from the heap. They are kept in a small table, so that
 * memory_pool_free() knows its own without reading memory that it was handed by mistake.
 */
#include <stdatomic.h>

#include "esp_heap_caps.h"
#include "freertos/FreeRTOS.h"
#include "sdkconfig.h"

#include "lock_order.h"
#include "memory_pool_internal.h"
#include "memory_utils_internal.h"

typedef struct {
    void *ptr; /* NULL = entry free */
    size_t size;
    system_service_id_t source;
} heap_block_t;

static heap_block_t s_heap_blocks[CONFIG_SYSTEM_POOL_HEAP_BLOCKS];
static portMUX_TYPE s_heap_lock = portMUX_INITIALIZER_UNLOCKED; /* protects s_heap_blocks; leaf */
static _Atomic uint32_t s_fallbacks;
static _Atomic uint32_t s_in_use;

void pool_heap_init(void)
{
    atomic_store(&s_fallbacks, 0);
    atomic_store(&s_in_use, 0);
}

static bool keep(const heap_block_t *block)
{
    bool kept = false;
    portENTER_CRITICAL(&s_heap_lock);
    for (unsigned i = 0; i < CONFIG_SYSTEM_POOL_HEAP_BLOCKS && !kept; i++) {
        if (s_heap_blocks[i].ptr == NULL) {
            s_heap_blocks[i] = *block;
            kept = true;
        }
    }
    portEXIT_CRITICAL(&s_heap_lock);
    return kept;
}

/** Take one entry out of the table: the one at ptr, or with ptr NULL any of source. */
static bool take_out(const void *ptr, system_service_id_t source, heap_block_t *out)
{
    bool found = false;
    portENTER_CRITICAL(&s_heap_lock);
    for (unsigned i = 0; i < CONFIG_SYSTEM_POOL_HEAP_BLOCKS && !found; i++) {
        heap_block_t *entry = &s_heap_blocks[i];
        if (entry->ptr != NULL && (ptr ? entry->ptr == ptr : entry->source == source)) {
            *out = *entry;
            entry->ptr = NULL;
            found = true;
        }
    }
    portEXIT_CRITICAL(&s_heap_lock);
    if (found) {
        atomic_fetch_sub_explicit(&s_in_use, 1, memory_order_relaxed);
    }
    return found;
}

void *pool_heap_alloc(size_t size, system_service_id_t source)
{
    if (xPortInIsrContext()) {
        return NULL;
    }
    const int pause = memory_tracking_pause(); /* memory_pool_alloc() has charged it already */
    const heap_block_t block = {heap_caps_malloc(size, MALLOC_CAP_DEFAULT), size, source};
    memory_tracking_resume(pause);
    if (block.ptr == NULL) {
        return NULL;
    }
    if (pause < 0) {
        memory_untrack(block.ptr);
    }
    if (!keep(&block)) {
        heap_caps_free(block.ptr);
        return NULL;
    }
    atomic_fetch_add_explicit(&s_fallbacks, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&s_in_use, 1, memory_order_relaxed);
    return block.ptr;
}

bool pool_heap_free(void *ptr, size_t *size, system_service_id_t *source)
{
    heap_block_t block;
    if (xPortInIsrContext() || !take_out(ptr, SYSTEM_SERVICE_ID_NONE, &block)) {
        return false;
    }
    heap_caps_free(block.ptr);
    *size = block.size;
    *source = block.source;
    return true;
}

uint32_t pool_heap_reclaim(system_service_id_t source)
{
    uint32_t taken = 0;
    heap_block_t block;
    while (take_out(NULL, source, &block)) {
        heap_caps_free(block.ptr);
        taken++;
    }
    return taken;
}

void pool_heap_free_all(void)
{
    for (unsigned i = 0; i < CONFIG_SYSTEM_POOL_HEAP_BLOCKS; i++) {
        heap_block_t block;
        if (s_heap_blocks[i].ptr != NULL &&
            take_out(s_heap_blocks[i].ptr, SYSTEM_SERVICE_ID_NONE, &block)) {
            heap_caps_free(block.ptr);
        }
    }
}

void pool_heap_get_counts(uint32_t *fallbacks, uint32_t *in_use)
{
    *fallbacks = atomic_load_explicit(&s_fallbacks, memory_order_relaxed);
    *in_use = atomic_load_explicit(&s_in_use, memory_order_relaxed);
}
