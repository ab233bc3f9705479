// SPDX-License-Identifier: Apache-2.0

// Linked into the system itself, this writes down what it allocates: the heap's trace hooks and the
// pools' two functions are wrapped by the linker. One line a step, to the file KRAKEN_TRACE names:
// "+ id bytes k" kept on the heap, "+ id bytes p" passing in a pool block, "- id" given back.
// In the simulator alone, where one task runs at a time.

#include <stdio.h>
#include <stdlib.h>

#include "esp_heap_caps.h"
#include "memory_pool_internal.h"
#include "trace.h"

void __real_esp_heap_trace_alloc_hook(void *ptr, size_t size, uint32_t caps);
void __real_esp_heap_trace_free_hook(void *ptr);
pool_index_t __real_pool_block_take(size_t size, system_service_id_t source, pool_kind_t kind,
                                    bool critical);
void __real_pool_block_release(pool_index_t index);
void __wrap_esp_heap_trace_alloc_hook(void *ptr, size_t size, uint32_t caps);
void __wrap_esp_heap_trace_free_hook(void *ptr);
pool_index_t __wrap_pool_block_take(size_t size, system_service_id_t source, pool_kind_t kind,
                                    bool critical);
void __wrap_pool_block_release(pool_index_t index);

static const void *s_owners[TRACE_IDS]; /* address of the block that has this number */

static FILE *out(void)
{
    static FILE *file;
    if (file == NULL) {
        const char *path = getenv("KRAKEN_TRACE");
        file = fopen(path != NULL ? path : "/dev/null", "w");
        if (file == NULL) {
            perror("KRAKEN_TRACE");
            _Exit(2);
        }
        setvbuf(file, NULL, _IOLBF, 0);
    }
    return file;
}

static void born(const void *address, size_t size, char how)
{
    for (unsigned id = 0; id < TRACE_IDS; id++) {
        if (s_owners[id] == NULL) {
            s_owners[id] = address;
            fprintf(out(), "+ %u %zu %c\n", id, size, how);
            return;
        }
    }
    fputs("record: more than 4096 blocks at once\n", stderr);
    _Exit(2);
}

static void died(const void *address)
{
    for (unsigned id = 0; id < TRACE_IDS; id++) {
        if (s_owners[id] == address) {
            s_owners[id] = NULL;
            fprintf(out(), "- %u\n", id);
            return;
        }
    }
}

void __wrap_esp_heap_trace_alloc_hook(void *ptr, size_t size, uint32_t caps)
{
    __real_esp_heap_trace_alloc_hook(ptr, size, caps);
    /* Not the pools' own memory: who replays this has pools, or does without. */
    if (ptr != NULL && size <= 16384) {
        born(ptr, size, 'k');
    }
}

void __wrap_esp_heap_trace_free_hook(void *ptr)
{
    __real_esp_heap_trace_free_hook(ptr);
    if (ptr != NULL) {
        died(ptr);
    }
}

pool_index_t __wrap_pool_block_take(size_t size, system_service_id_t source, pool_kind_t kind,
                                    bool critical)
{
    const pool_index_t index = __real_pool_block_take(size, source, kind, critical);
    if (index != POOL_NONE) {
        born(pool_block(index), size != 0 ? size : 1, 'p');
    }
    return index;
}

void __wrap_pool_block_release(pool_index_t index)
{
    const uint32_t references = atomic_load(&pool_block(index)->state) & 0xFFFFu;
    __real_pool_block_release(index);
    if (references == 1) {
        died(pool_block(index));
    }
}
