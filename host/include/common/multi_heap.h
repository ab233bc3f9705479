// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    size_t total_free_bytes;      ///< free now
    size_t total_allocated_bytes; ///< handed out now, without the allocator's own headers
    size_t largest_free_block;    ///< the largest request that would succeed
    size_t minimum_free_bytes;    ///< the least ever free since boot
    size_t allocated_blocks;
    size_t free_blocks;
    size_t total_blocks;
} multi_heap_info_t;

#ifdef __cplusplus
}
#endif
