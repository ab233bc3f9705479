/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_heap.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "esp_heap_caps.h"

#include "event_internal.h"

typedef struct {
    size_t size;
    uint32_t kind;
} header_t;

#define HEADER 16u
_Static_assert(sizeof(header_t) <= HEADER, "the block stays aligned");

static size_t s_internal = SIZE_MAX, s_psram = SIZE_MAX;
static unsigned s_blocks;
static system_identity_t s_identity;
static bool s_has_identity;
static pthread_mutex_t s_critical = PTHREAD_MUTEX_INITIALIZER;
static _Thread_local char s_self;

void fake_heap_reset(void)
{
    s_blocks = 0;
    fake_heap_limit(SIZE_MAX, SIZE_MAX);
    fake_heap_identity(false, 0, 0);
}

void fake_heap_limit(size_t internal, size_t psram)
{
    s_internal = internal;
    s_psram = psram;
}

unsigned fake_heap_blocks(void)
{
    return s_blocks;
}

uint32_t fake_heap_kind(const void *ptr)
{
    return ((const header_t *)((const uint8_t *)ptr - HEADER))->kind;
}

void fake_heap_identity(bool has_one, unsigned slot, unsigned depth)
{
    s_has_identity = has_one;
    s_identity.slot = (uint8_t)slot;
    s_identity.depth = (uint8_t)depth;
}

system_identity_t *system_identity(void)
{
    return s_has_identity ? &s_identity : NULL;
}

TaskHandle_t xTaskGetCurrentTaskHandle(void)
{
    return (TaskHandle_t)&s_self;
}

void vPortEnterCriticalSafe(portMUX_TYPE *mux)
{
    (void)mux;
    pthread_mutex_lock(&s_critical);
}

void vPortExitCriticalSafe(portMUX_TYPE *mux)
{
    (void)mux;
    pthread_mutex_unlock(&s_critical);
}

void *heap_caps_malloc(size_t size, uint32_t caps)
{
    size_t *left = caps & MALLOC_CAP_SPIRAM ? &s_psram : &s_internal;
    header_t *block = size <= *left ? malloc(HEADER + size) : NULL;

    if (block == NULL) {
        return NULL;
    }
    block->size = size;
    block->kind = caps & MALLOC_CAP_SPIRAM ? MALLOC_CAP_SPIRAM : MALLOC_CAP_INTERNAL;
    *left -= *left == SIZE_MAX ? 0 : size;
    s_blocks++;
    void *ptr = (uint8_t *)block + HEADER;
    esp_heap_trace_alloc_hook(ptr, size, caps);
    return ptr;
}

void heap_caps_free(void *ptr)
{
    if (ptr == NULL) {
        return;
    }
    s_blocks--;
    free((uint8_t *)ptr - HEADER);
    esp_heap_trace_free_hook(ptr); /* after the fact, as the real one does */
}

size_t heap_caps_get_free_size(uint32_t caps)
{
    return caps & MALLOC_CAP_SPIRAM ? s_psram : s_internal;
}
