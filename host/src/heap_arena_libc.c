// SPDX-License-Identifier: Apache-2.0

// The arena of sanitizer builds: the C library's allocator serves, so that the sanitizer sees every
// block; sizes are counted against the region as before. There is no fragmentation, so the largest
// free block is all that is free.

#include "heap_arena.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)

#include <stdlib.h>
#include <string.h>
#include "heap_wrap.h"

#define GRANULE  16u
#define OVERHEAD 8u // a header on the board, so that as many blocks fit as without a sanitizer
#define BUCKETS  4096u

typedef struct block {
    struct block *next;
    const heap_arena_t *arena;
    void *payload;
    size_t size;
} block_t;

static block_t *s_buckets[BUCKETS]; // heap lock

static block_t **find(const heap_arena_t *arena, const void *payload)
{
    block_t **link = &s_buckets[((uintptr_t)payload >> 4) % BUCKETS];
    while (*link != NULL && ((*link)->payload != payload || (*link)->arena != arena)) {
        link = &(*link)->next;
    }
    return link;
}

static size_t cost(size_t size)
{
    return (size + OVERHEAD + GRANULE - 1) / GRANULE * GRANULE;
}

void heap_arena_init(heap_arena_t *arena, void *memory, size_t size)
{
    memset(arena, 0, sizeof(*arena));
    arena->base = memory; // an address of its own, never used
    arena->units = (uint32_t)(size / GRANULE);
    arena->free_units = arena->units;
    arena->free_blocks = 1;
    arena->minimum_free = heap_arena_free_bytes(arena);
}

void *heap_arena_alloc(heap_arena_t *arena, size_t size, size_t align)
{
    if (size > heap_arena_free_bytes(arena)) {
        return NULL;
    }
    block_t *b = __real_malloc(sizeof(*b));
    size_t a = align < GRANULE ? GRANULE : align;
    void *payload = b == NULL ? NULL : __real_aligned_alloc(a, (size + a - 1) / a * a);
    if (payload == NULL) {
        __real_free(b);
        return NULL;
    }
    block_t **link = &s_buckets[((uintptr_t)payload >> 4) % BUCKETS];
    *b = (block_t){.next = *link, .arena = arena, .payload = payload, .size = size};
    *link = b;
    arena->free_units -= cost(size) / GRANULE;
    arena->used_blocks++;
    arena->used_bytes += size;
    size_t now = heap_arena_free_bytes(arena);
    arena->minimum_free = now < arena->minimum_free ? now : arena->minimum_free;
    return payload;
}

void heap_arena_free(heap_arena_t *arena, void *payload)
{
    block_t **link = find(arena, payload);
    block_t *b = *link;
    *link = b->next;
    arena->free_units += cost(b->size) / GRANULE;
    arena->used_blocks--;
    arena->used_bytes -= b->size;
    __real_free(b);
    __real_free(payload);
}

bool heap_arena_resize(heap_arena_t *arena, void *payload, size_t size)
{
    (void)arena;
    (void)payload;
    (void)size;
    return false; // always moves, which finds pointers kept to the old place
}

heap_ptr_state_t heap_arena_state(const heap_arena_t *arena, const void *payload)
{
    return *find(arena, payload) != NULL ? HEAP_PTR_OK : HEAP_PTR_FOREIGN;
}

size_t heap_arena_usable(const heap_arena_t *arena, const void *payload)
{
    return (*find(arena, payload))->size;
}

void *heap_arena_containing(const heap_arena_t *arena, const void *p)
{
    for (size_t i = 0; i < BUCKETS; i++) {
        for (const block_t *b = s_buckets[i]; b != NULL; b = b->next) {
            if (b->arena == arena && (uintptr_t)p - (uintptr_t)b->payload < b->size) {
                return b->payload;
            }
        }
    }
    return NULL;
}

bool heap_arena_contains(const heap_arena_t *arena, const void *p)
{
    return *find(arena, p) != NULL;
}

size_t heap_arena_total(const heap_arena_t *arena)
{
    return (size_t)arena->units * GRANULE;
}

size_t heap_arena_free_bytes(const heap_arena_t *arena)
{
    size_t bytes = (size_t)arena->free_units * GRANULE;
    return bytes > OVERHEAD ? bytes - OVERHEAD : 0;
}

size_t heap_arena_largest(const heap_arena_t *arena)
{
    return heap_arena_free_bytes(arena);
}

void heap_arena_walk(const heap_arena_t *arena, heap_arena_visit_t visit, void *ctx)
{
    for (size_t i = 0; i < BUCKETS; i++) {
        for (const block_t *b = s_buckets[i]; b != NULL; b = b->next) {
            if (b->arena == arena && !visit(b->payload, b->size, true, ctx)) {
                return;
            }
        }
    }
}

const void *heap_arena_check(const heap_arena_t *arena, heap_ptr_state_t *what)
{
    (void)arena;
    (void)what;
    return NULL; // the sanitizer has looked already
}

void heap_arena_drop_all(void)
{
    for (size_t i = 0; i < BUCKETS; i++) {
        while (s_buckets[i] != NULL) {
            block_t *b = s_buckets[i];
            s_buckets[i] = b->next;
            __real_free(b->payload);
            __real_free(b);
        }
    }
}

#endif
