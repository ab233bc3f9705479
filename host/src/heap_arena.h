// SPDX-License-Identifier: Apache-2.0
#pragma once

// One contiguous region of the board's RAM and the allocator in it. Not thread-safe: heap_caps.c
// holds the heap lock around every call.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "multi_heap.h"

#define HEAP_ARENA_FL 21 /* power-of-two classes: up to 2^24 granules = 256 MB */
#define HEAP_ARENA_SL 16 /* steps within each */

typedef struct {
    uint8_t *base;       // first block header
    uint32_t units;      // granules from base to the end marker
    uint64_t free_units; // granules in free blocks, headers included
    uint32_t free_blocks;
    uint32_t used_blocks;
    size_t used_bytes; // usable bytes handed out
    size_t minimum_free;
    uint32_t fl_map;
    uint16_t sl_map[HEAP_ARENA_FL];
    uint32_t heads[HEAP_ARENA_FL][HEAP_ARENA_SL]; // granule index + 1 of the first free block
} heap_arena_t;

typedef enum {
    HEAP_PTR_OK,      // an allocation
    HEAP_PTR_FOREIGN, // outside, or inside a block
    HEAP_PTR_FREE,    // a block that is free already
    HEAP_PTR_DAMAGED, // its header was overwritten: underrun, or overrun of the block before
    HEAP_PTR_OVERRUN, // written past the end of what was asked for
} heap_ptr_state_t;

// Calls visit for each block in address order until it returns false.
typedef bool (*heap_arena_visit_t)(void *payload, size_t size, bool used, void *ctx);

void heap_arena_init(heap_arena_t *arena, void *memory, size_t size);

/** @param align a power of two. @return NULL when nothing large enough is free */
void *heap_arena_alloc(heap_arena_t *arena, size_t size, size_t align);

/** @param payload must be HEAP_PTR_OK */
void heap_arena_free(heap_arena_t *arena, void *payload);

/** Grows or shrinks where it stands. @return false if the neighbour is not free or too small */
bool heap_arena_resize(heap_arena_t *arena, void *payload, size_t size);

heap_ptr_state_t heap_arena_state(const heap_arena_t *arena, const void *payload);
size_t heap_arena_usable(const heap_arena_t *arena, const void *payload);

/** @return the payload of the used block that contains p, NULL if there is none */
void *heap_arena_containing(const heap_arena_t *arena, const void *p);

bool heap_arena_contains(const heap_arena_t *arena, const void *p);
size_t heap_arena_total(const heap_arena_t *arena);
size_t heap_arena_free_bytes(const heap_arena_t *arena);
size_t heap_arena_largest(const heap_arena_t *arena);
void heap_arena_walk(const heap_arena_t *arena, heap_arena_visit_t visit, void *ctx);

/** Follows all blocks. @return NULL if sound, otherwise the payload of the first bad block */
const void *heap_arena_check(const heap_arena_t *arena, heap_ptr_state_t *what);

/** Sanitizer builds only: gives back all blocks, before the regions are built anew. */
void heap_arena_drop_all(void);
