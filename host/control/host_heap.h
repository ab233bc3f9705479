// SPDX-License-Identifier: Apache-2.0
#pragma once

// The heap of the virtual board, seen from outside: its regions, its faults, and the way past it.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Lets allocations fail by count. Counted are requests made by board code (heap_caps_*, malloc and
 * their kin), from this call on, one for each call whatever regions it tries.
 * @param nth 1: the next one fails, 2: the one after it, ...; 0 takes the script back
 * @param count how many in a row fail from there; 0 is every one from there on
 * @context any
 */
void host_heap_fail_nth(uint64_t nth, uint64_t count);

/** As host_heap_fail_nth(1, 0): nothing can be allocated until host_heap_fail_nth(0, 0). */
void host_heap_fail_all(void);

/** @return requests seen since boot, those that failed included. @context any */
uint64_t host_heap_requests(void);

/** @return requests failed by a script or by the seed since boot. @context any */
uint64_t host_heap_injected_failures(void);

/**
 * Forgets the heap and builds it anew with these sizes; everything allocated becomes invalid.
 * 0 takes the default of an ESP32-S3 with 8 MB of PSRAM. host_boot() does this with its own
 * configuration.
 * @context plain program code before the board runs
 */
void host_heap_reset(size_t internal_bytes, size_t spiram_bytes);

/** @return true if p lies in one of the board's regions (with sanitizers: is allocated). */
bool host_heap_owns(const void *p);

// The C library's own heap, for what belongs to the board's machinery and would not exist on a
// device. Not limited, not counted, not failed.
void *host_libc_malloc(size_t size);
void *host_libc_calloc(size_t n, size_t size);
void *host_libc_realloc(void *p, size_t size);
void host_libc_free(void *p);

#ifdef __cplusplus
}
#endif
