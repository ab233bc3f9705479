/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief The four bounded lanes of a mailbox: a plain data structure without locks of its own.
 *
 * A lane is a ring of 4-byte entries. Each lane has room of its own, so a flood of LOW takes
 * nothing from CRITICAL. Highest lane first, but after QUEUE_STREAK entries from above a waiting
 * lower lane gets one: LOW is late, never starved.
 */

#include <stdbool.h>
#include <stdint.h>

#include "sdkconfig.h"

#include "memory_pool_internal.h"
#include "system_service/system_types.h"

#define QUEUE_ENTRIES                                                                              \
    (CONFIG_SYSTEM_QUEUE_CRITICAL + CONFIG_SYSTEM_QUEUE_HIGH + CONFIG_SYSTEM_QUEUE_NORMAL +        \
     CONFIG_SYSTEM_QUEUE_LOW)

/** Entries taken from higher lanes in a row before a waiting lower lane gets its turn. */
#define QUEUE_STREAK 16

typedef struct {
    pool_index_t block;
    uint16_t sub; /* subscription it is for */
} queue_entry_t;

typedef struct {
    uint16_t head[SYSTEM_EVENT_LANES];
    uint16_t count[SYSTEM_EVENT_LANES];
    uint16_t total;      /* sum of the counts */
    uint16_t high_water; /* most entries that ever waited, all lanes */
    uint8_t streak;      /* entries taken in a row while a lower lane waited, <= 2 * QUEUE_STREAK */
    uint8_t turn;        /* lower lane that was served last out of turn */
    queue_entry_t ring[QUEUE_ENTRIES]; /* last: what is in front of it is within one instruction */
} priority_queue_t;

/** Maps a priority to its lane: 0, 1..100, 101..200, 201..255. */
static inline unsigned priority_queue_lane(uint8_t priority)
{
    return priority == 0 ? 0 : priority <= 100 ? 1 : priority <= 200 ? 2 : 3;
}

void priority_queue_init(priority_queue_t *queue);
unsigned priority_queue_capacity(unsigned lane);
static inline unsigned priority_queue_count(const priority_queue_t *queue)
{
    return queue->total;
}

/** @return false when the lane is full */
bool priority_queue_push(priority_queue_t *queue, unsigned lane, queue_entry_t entry);

/** Take the next entry of lanes 0..last_lane. @return false when they are empty. A lower lane whose
 *  turn it is but that lies beyond last_lane stays overdue until somebody takes lower lanes too. */
bool priority_queue_pop(priority_queue_t *queue, unsigned last_lane, queue_entry_t *out);

/** True when a lane beyond last_lane has waited for QUEUE_STREAK entries of higher ones. */
bool priority_queue_overdue(const priority_queue_t *queue, unsigned last_lane);

/** Take the oldest entry of a subscription out of a lane. @return false when it has none there */
bool priority_queue_drop_oldest(priority_queue_t *queue, unsigned lane, uint16_t sub,
                                queue_entry_t *out);

/**
 * Find a waiting entry of a subscription for the same event type, any lane, and take it out.
 * @param[out] same_place true when entry took its place: it stood in this lane, or this lane is
 * full
 * @return false when it has none
 */
bool priority_queue_replace(priority_queue_t *queue, unsigned lane, queue_entry_t entry,
                            system_event_type_t type, queue_entry_t *old, bool *same_place);

/** Take all entries of a subscription out. @param[out] out room for QUEUE_ENTRIES. @return how many
 */
unsigned priority_queue_remove_sub(priority_queue_t *queue, uint16_t sub, pool_index_t *out);
