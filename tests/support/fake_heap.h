/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief A heap for unit tests of single modules: two kinds of memory that can be used up, hooks
 * that are called as the real heap calls them, critical sections, and a task to be.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Empty; plenty of both kinds. */
void fake_heap_reset(void);
/** From now on there is none (SIZE_MAX = plenty) of this kind beyond these bytes. */
void fake_heap_limit(size_t internal, size_t psram);
/** Blocks that were allocated and not freed. */
unsigned fake_heap_blocks(void);
/** Capabilities that the block was served from: MALLOC_CAP_SPIRAM or MALLOC_CAP_INTERNAL. */
uint32_t fake_heap_kind(const void *ptr);
/** Whether the running code has an identity, and how deep it is inside the core. */
void fake_heap_identity(bool has_one, unsigned slot, unsigned depth);
