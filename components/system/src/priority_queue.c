/* SPDX-License-Identifier: Apache-2.0 */
#include "priority_queue.h"

#include <string.h>

/** Where a lane lies in the ring. */
typedef struct {
    uint16_t capacity;
    uint16_t first;
} lane_t;

static const lane_t s_lanes[SYSTEM_EVENT_LANES] = {
    {CONFIG_SYSTEM_QUEUE_CRITICAL, 0},
    {CONFIG_SYSTEM_QUEUE_HIGH, CONFIG_SYSTEM_QUEUE_CRITICAL},
    {CONFIG_SYSTEM_QUEUE_NORMAL, CONFIG_SYSTEM_QUEUE_CRITICAL + CONFIG_SYSTEM_QUEUE_HIGH},
    {CONFIG_SYSTEM_QUEUE_LOW,
     CONFIG_SYSTEM_QUEUE_CRITICAL + CONFIG_SYSTEM_QUEUE_HIGH + CONFIG_SYSTEM_QUEUE_NORMAL},
};

/* ---- rings ---------------------------------------------------------------------------------- */

/** The n-th waiting entry of a lane, 0 = oldest; with n = count, the place of the next. */
static inline queue_entry_t *at(priority_queue_t *queue, unsigned lane, unsigned n)
{
    const lane_t *shape = &s_lanes[lane];
    unsigned place = queue->head[lane] + n;
    if (place >= shape->capacity) {
        place -= shape->capacity;
    }
    return &queue->ring[shape->first + place];
}

/** Take the oldest entry of a lane in which one waits. */
static inline queue_entry_t take_head(priority_queue_t *queue, unsigned lane)
{
    const lane_t *shape = &s_lanes[lane];
    const unsigned head = queue->head[lane];
    queue->head[lane] = (uint16_t)(head + 1u == shape->capacity ? 0 : head + 1u);
    queue->count[lane]--;
    queue->total--;
    return queue->ring[shape->first + head];
}

/** Take the n-th entry out and close the gap, so that the order of the others stays. */
static queue_entry_t take_at(priority_queue_t *queue, unsigned lane, unsigned n)
{
    const queue_entry_t entry = *at(queue, lane, n);
    for (unsigned i = n; i > 0; i--) {
        *at(queue, lane, i) = *at(queue, lane, i - 1);
    }
    (void)take_head(queue, lane);
    return entry;
}

/** A waiting lane below lane: each in its turn, so that the lowest is not forgotten. */
static unsigned waiting_below(const priority_queue_t *queue, unsigned lane, unsigned last_lane)
{
    unsigned first = SYSTEM_EVENT_LANES;
    for (unsigned l = lane + 1; l <= last_lane; l++) {
        if (queue->count[l] == 0) {
            continue;
        }
        if (l > queue->turn) {
            return l;
        }
        if (first == SYSTEM_EVENT_LANES) {
            first = l;
        }
    }
    return first;
}

/** Of lanes in which something waits, the one that pop serves next.
 *  @param lane the highest of them; something waits in others too */
static __attribute__((noinline)) unsigned turn_of(priority_queue_t *queue, unsigned lane,
                                                  unsigned last_lane)
{
    const unsigned lower = waiting_below(queue, lane, SYSTEM_EVENT_LANES - 1);
    if (queue->streak < QUEUE_STREAK) {
        queue->streak++;
        return lane;
    }
    if (lower <= last_lane) {
        queue->streak = 0;
        queue->turn = (uint8_t)lower;
        return lower;
    }
    /* Overdue, but not for this caller. Until another one comes, its own lanes take turns. */
    const unsigned mine = waiting_below(queue, lane, last_lane);
    if (mine == SYSTEM_EVENT_LANES || queue->streak < 2 * QUEUE_STREAK) {
        queue->streak += queue->streak < 2 * QUEUE_STREAK;
        return lane;
    }
    queue->streak = QUEUE_STREAK;
    return mine;
}

/* ---- operations ----------------------------------------------------------------------------- */

void priority_queue_init(priority_queue_t *queue)
{
    memset(queue, 0, sizeof(*queue));
}

unsigned priority_queue_capacity(unsigned lane)
{
    return s_lanes[lane].capacity;
}

bool priority_queue_overdue(const priority_queue_t *queue, unsigned last_lane)
{
    bool waits = false;
    for (unsigned lane = last_lane + 1; lane < SYSTEM_EVENT_LANES; lane++) {
        waits = waits || queue->count[lane] != 0;
    }
    return waits && queue->streak >= QUEUE_STREAK;
}

bool priority_queue_push(priority_queue_t *queue, unsigned lane, queue_entry_t entry)
{
    const unsigned count = queue->count[lane];
    if (count == s_lanes[lane].capacity) {
        return false;
    }
    *at(queue, lane, count) = entry;
    queue->count[lane] = (uint16_t)(count + 1);
    const unsigned total = queue->total + 1u;
    queue->total = (uint16_t)total;
    if (total > queue->high_water) {
        queue->high_water = (uint16_t)total;
    }
    return true;
}

bool priority_queue_pop(priority_queue_t *queue, unsigned last_lane, queue_entry_t *out)
{
    unsigned lane = 0;
    while (queue->count[lane] == 0) {
        if (++lane > last_lane) {
            return false;
        }
    }
    if (queue->count[lane] == queue->total) { /* nobody below waits */
        queue->streak = 0;
    } else {
        lane = turn_of(queue, lane, last_lane);
    }
    *out = take_head(queue, lane);
    return true;
}

bool priority_queue_drop_oldest(priority_queue_t *queue, unsigned lane, uint16_t sub,
                                queue_entry_t *out)
{
    for (unsigned i = 0; i < queue->count[lane]; i++) {
        if (at(queue, lane, i)->sub == sub) {
            *out = take_at(queue, lane, i);
            return true;
        }
    }
    return false;
}

bool priority_queue_replace(priority_queue_t *queue, unsigned lane, queue_entry_t entry,
                            system_event_type_t type, queue_entry_t *old, bool *same_place)
{
    for (unsigned l = 0; l < SYSTEM_EVENT_LANES; l++) {
        for (unsigned i = 0; i < queue->count[l]; i++) {
            queue_entry_t *found = at(queue, l, i);
            if (found->sub != entry.sub || pool_block(found->block)->type != type) {
                continue;
            }
            *same_place = l == lane || queue->count[lane] == s_lanes[lane].capacity;
            if (*same_place) {
                *old = *found;
                *found = entry;
            } else {
                *old = take_at(queue, l, i);
            }
            return true;
        }
    }
    return false;
}

unsigned priority_queue_remove_sub(priority_queue_t *queue, uint16_t sub, pool_index_t *out)
{
    unsigned removed = 0;
    for (unsigned lane = 0; lane < SYSTEM_EVENT_LANES; lane++) {
        unsigned kept = 0;
        const unsigned count = queue->count[lane];
        for (unsigned i = 0; i < count; i++) {
            const queue_entry_t entry = *at(queue, lane, i);
            if (entry.sub == sub) {
                out[removed++] = entry.block;
            } else {
                *at(queue, lane, kept++) = entry;
            }
        }
        queue->count[lane] = (uint16_t)kept;
        queue->total = (uint16_t)(queue->total - (count - kept));
    }
    return removed;
}
