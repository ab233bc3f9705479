// SPDX-License-Identifier: Apache-2.0
#pragma once

// Shared by the files that make up the heap: regions, selection, figures, faults.

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "heap_arena.h"

#define HEAP_PRIORITIES  3
#define HEAP_REGIONS_MAX 8

typedef struct {
    heap_arena_t arena;
    const char *name;
    uint32_t caps[HEAP_PRIORITIES]; // what it is offered for first, second and last
    uint32_t all_caps;
    size_t local_minimum; // since heap_caps_monitor_local_minimum_free_size_start()
} heap_region_t;

// heap lock: protects every region and the local-minimum switch. Leaf lock: nothing is called and
// no scheduling point is passed while it is held.
void heap_lock(void);
void heap_unlock(void);

/** Regions of the board, built with the defaults if nobody did so yet. @return how many */
size_t heap_regions(heap_region_t **first);

heap_region_t *heap_region_of(const void *p);

/** Aborts with the call's name when it was made from an interrupt. */
void heap_refuse_isr(const char *call);

/** Counts one request. @return true if it must fail */
bool heap_fault_take(void);
void heap_fault_reset(void);

// Without the failure callback, for callers that try more than one set of capabilities.
void *heap_alloc_base(size_t align, size_t size, uint32_t caps);
void *heap_realloc_base(void *ptr, size_t size, uint32_t caps);
void heap_alloc_failed(size_t size, uint32_t caps, const char *function);

// Plain malloc() and its kin, by the device's rule for internal RAM and PSRAM.
void *heap_malloc_default(size_t size);
void *heap_realloc_default(void *ptr, size_t size);
void *heap_calloc_default(size_t n, size_t size);
void *heap_aligned_alloc_default(size_t align, size_t size);
