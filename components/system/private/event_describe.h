/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "event_internal.h"

/**
 * Fill in an event from its block, which was posted at most 12 days before and an hour after
 * now_us: a worker's idea of now may be a little older than the event that it takes. The block has
 * 40 bits of the time, the upper eight beside the priority.
 */
static inline void event_bus_describe(pool_index_t index, int64_t now_us, system_event_t *out)
{
    const pool_block_t *block = pool_block(index);
    const pool_area_t *area = pool_area(block);
    uint8_t *payload = pool_payload_in(area, index);
    const uint16_t link = atomic_load_explicit(&block->link, memory_order_relaxed);
    const uint32_t high = (uint32_t)((uint64_t)now_us >> 32);
    const uint32_t ago = ((high - (link >> 8) + 1u) & 0xFFu) - 1u; /* -1..254 */
    *out = (system_event_t){
        .type = block->type,
        .name = block->type != SYSTEM_EVENT_TYPE_NONE ? event_type_table[block->type - 1].name
                                                      : "?", /* it was known when posted */
        .source = atomic_load_explicit(&block->source, memory_order_relaxed),
        .priority = (uint8_t)link,
        .sequence = *pool_sequence_in(area, payload),
        .timestamp_us = (int64_t)((uint64_t)(high - ago) << 32 | block->posted_us),
        .data = block->size != 0 ? payload : NULL,
        .data_size = block->size,
    };
}
