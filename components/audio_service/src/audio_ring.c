/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both ends count frames and wrap; the ring's size is a power of two, so what lies between them is
 * head - tail. The app's end is not trusted: more than the ring holds means that it was damaged.
 */
#include "audio_internal.h"

#include <string.h>

#include "sdkconfig.h"

#define SIZE CONFIG_AUDIO_RING_FRAMES
_Static_assert((SIZE & (SIZE - 1)) == 0, "CONFIG_AUDIO_RING_FRAMES must be a power of two");

_Atomic bool audio_ring_asleep;

static void copy_in(audio_ring_t *ring, uint32_t at, const audio_frame_t *frames, uint32_t count)
{
    const uint32_t place = at % SIZE;
    const uint32_t first = count < SIZE - place ? count : SIZE - place;
    memcpy(ring->frames + place, frames, first * sizeof(*frames));
    memcpy(ring->frames, frames + first, (count - first) * sizeof(*frames));
}

size_t audio_ring_room(const audio_ring_t *ring)
{
    const uint32_t waiting = atomic_load(&ring->head) - atomic_load(&ring->tail);
    return waiting <= SIZE ? SIZE - waiting : 0;
}

size_t audio_ring_put(audio_ring_t *ring, const audio_frame_t *frames, size_t count)
{
    const size_t room = audio_ring_room(ring);
    const uint32_t taken = (uint32_t)(count < room ? count : room);
    const uint32_t head = atomic_load(&ring->head);
    copy_in(ring, head, frames, taken);
    atomic_store(&ring->head, head + taken);
    return taken;
}

uint32_t audio_ring_waiting(audio_ring_t *ring)
{
    const uint32_t head = atomic_load(&ring->head);
    const uint32_t waiting = head - atomic_load(&ring->tail);
    if (waiting > SIZE) {
        atomic_store(&ring->tail, head);
        return 0;
    }
    return waiting;
}

void audio_ring_take(audio_ring_t *ring, audio_frame_t *frames, uint32_t count)
{
    const uint32_t tail = atomic_load(&ring->tail);
    const uint32_t place = tail % SIZE;
    const uint32_t first = count < SIZE - place ? count : SIZE - place;
    memcpy(frames, ring->frames + place, first * sizeof(*frames));
    memcpy(frames + first, ring->frames, (count - first) * sizeof(*frames));
    atomic_store(&ring->tail, tail + count);
}

void audio_ring_empty(audio_ring_t *ring)
{
    atomic_store(&ring->tail, atomic_load(&ring->head));
}
