/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief Pool blocks as the event bus uses them: a payload, a reference count and an event header.
 *
 * Invariants:
 *  - Every block is on exactly one free list (kind FREE) or in use (any other kind, refs >= 1).
 *  - The head of a free list says how many blocks of the class are in use; it changes together with
 *    the list, so a block is there whenever fewer are in use than there are.
 *  - The header lives in internal RAM and holds no pointer: 20 bytes. With the 8-byte tail behind
 *    the payload (guard word, sequence) and the 4-byte mailbox entry that makes 32 bytes of
 *    bookkeeping per queued event.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "esp_err.h"

#include "found_once.h"
#include "system_service/memory_pool.h"
#include "system_service/system_types.h"

/** Numbers a block, dense over all classes. */
typedef uint16_t pool_index_t;
#define POOL_NONE ((pool_index_t)0xFFFF)

typedef enum {
    POOL_KIND_FREE = 0,
    POOL_KIND_EVENT,  /* on its way through the bus, or retained */
    POOL_KIND_LOAN,   /* lent to a publisher */
    POOL_KIND_MANUAL, /* memory_pool_alloc() */
    POOL_KIND_ASKED,  /* for some instructions: pool_block_convert_of() looks whose it is */
} pool_kind_t;

typedef struct {
    _Atomic uint32_t state; /* kind << 16 | references */
    _Atomic uint16_t link;  /* free: next block; event: time bits 39..32 << 8 | priority */
    uint16_t size;          /* bytes asked for */
    system_event_type_t type;
    uint8_t pool;     /* its class, never changes */
    uint8_t borrowed; /* serves a smaller class */
    _Atomic system_service_id_t source;
    uint32_t posted_us; /* time bits 31..0 */
} pool_block_t;

/** Get the pools' memory. @return ESP_OK; ESP_ERR_NO_MEM (nothing is kept) */
esp_err_t memory_pool_init(void);
void memory_pool_deinit(void);

/**
 * Take a block for an event or a loan: one reference, kind as given. isr-ok, never blocks, no heap.
 * @param critical may use the reserve
 * @return its index, or POOL_NONE
 */
pool_index_t pool_block_take(size_t size, system_service_id_t source, pool_kind_t kind,
                             bool critical);

/** Behind each payload: a guard word and the event's sequence number; keeps payloads 8-byte
 * aligned. */
#define POOL_TAIL_BYTES 8

/** Where the payloads of a class lie; does not change while the pools are up. */
typedef struct {
    uintptr_t origin; /* where block 0 would have its payload if all classes were as large */
    uint32_t stride;  /* from one payload to the next */
} pool_area_t;

extern pool_block_t pool_blocks[];
extern pool_area_t pool_areas[MEMORY_POOL_CLASSES];

/* Several times per event: calls would cost more than what they do. */
static inline pool_block_t *pool_block(pool_index_t index)
{
    pool_block_t *found = &pool_blocks[index];
    FOUND_ONCE(found);
    return found;
}

static inline const pool_area_t *pool_area(const pool_block_t *block)
{
    return &pool_areas[block->pool];
}

static inline void *pool_payload_in(const pool_area_t *area, pool_index_t index)
{
    return (void *)(area->origin + (uintptr_t)index * area->stride);
}

static inline void *pool_payload(pool_index_t index)
{
    return pool_payload_in(pool_area(pool_block(index)), index);
}

/** The sequence number of a block of this area that has this payload. */
static inline uint32_t *pool_sequence_in(const pool_area_t *area, void *payload)
{
    uint8_t *next = (uint8_t *)payload + area->stride;
    return (uint32_t *)(void *)(next - sizeof(uint32_t));
}

static inline uint32_t *pool_sequence_behind(pool_index_t index, void *payload)
{
    return pool_sequence_in(pool_area(pool_block(index)), payload);
}

static inline uint32_t *pool_sequence(pool_index_t index)
{
    return pool_sequence_behind(index, pool_payload(index));
}

/** Find the block that starts at ptr. @return POOL_NONE if none does */
pool_index_t pool_find(const void *ptr);

/** Add references; the caller holds one. */
static inline void pool_block_ref_many(pool_index_t index, unsigned n)
{
    atomic_fetch_add_explicit(&pool_block(index)->state, n, memory_order_relaxed);
}

static inline void pool_block_ref(pool_index_t index)
{
    pool_block_ref_many(index, 1);
}

/** Drop one reference; the last one frees the block. isr-ok. */
void pool_block_release(pool_index_t index);

/** What a request of this size counts as in the memory quota: the block it takes. */
size_t memory_pool_block_bytes(size_t size);

/** Fewer bytes than asked for are valid. The caller holds the only reference. */
void pool_block_shrink(pool_index_t index, size_t size);

/** Change the kind of a block with one reference. @return false if it is not of kind from now */
bool pool_block_convert(pool_index_t index, pool_kind_t from, pool_kind_t to);

/** The same for a block that may be given back and taken by another owner meanwhile. @return false
 *  also if it is not the block of source */
bool pool_block_convert_of(pool_index_t index, pool_kind_t from, pool_kind_t to,
                           system_service_id_t source);

/** Take back the loans and manual blocks (heap ones too) of a dead owner. @return how many */
uint32_t memory_pool_reclaim(system_service_id_t source);

/* ---- memory_pool_heap.c: where memory_pool_alloc() turns when the pools are used up -----------
 */

void pool_heap_init(void);
void *pool_heap_alloc(size_t size, system_service_id_t source);
/** @return false: ptr is not such a block, or the caller is an ISR */
bool pool_heap_free(void *ptr, size_t *size, system_service_id_t *source);
uint32_t pool_heap_reclaim(system_service_id_t source);
void pool_heap_free_all(void);
void pool_heap_get_counts(uint32_t *fallbacks, uint32_t *in_use);
