// SPDX-License-Identifier: Apache-2.0

// Two-level segregated fit, O(1) like the device's allocator, with real neighbours: splitting,
// coalescing and fragmentation happen as they would there.
//
// Blocks are multiples of 16 bytes with an 8-byte header in front of a 16-byte aligned payload,
// where the device has 4 and 4: the compilers of a PC rely on malloc() being aligned like that.
// A header carries a check over itself and its place, so that a stray write is noticed.

#include "heap_arena.h"

// Sanitizer builds have heap_arena_libc.c instead.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

#include <string.h>
#include "sdkconfig.h"

#define GRANULE    16u
#define HEADER     sizeof(block_t)
#define MAX_UNITS  ((1u << 24) - 1)
#define CHECK_SEED 0x5bd1e995u
#define TAIL_BYTE  0xb5u

#if defined(CONFIG_HEAP_POISONING_LIGHT) || defined(CONFIG_HEAP_POISONING_COMPREHENSIVE)
#define TAIL_MIN 4u
#else
#define TAIL_MIN 0u
#endif

typedef struct {
    uint32_t units : 24; // size of this block, header included
    uint32_t used : 1;
    uint32_t check_lo : 7;
    uint32_t prev_units : 24; // size of the block before, 0 for the first
    uint32_t check_hi : 8;
} block_t;

// Lives in the payload of a free block; granule index + 1, 0 is none.
typedef struct {
    uint32_t next;
    uint32_t prev;
} links_t;

_Static_assert(sizeof(block_t) == 8, "header size is part of the figures");
_Static_assert(sizeof(links_t) + sizeof(block_t) <= GRANULE, "a free block must hold its links");

static uint32_t index_of(const heap_arena_t *arena, const block_t *b)
{
    return (uint32_t)(((const uint8_t *)b - arena->base) / GRANULE);
}

static block_t *block_at(const heap_arena_t *arena, uint32_t index)
{
    return (block_t *)(void *)(arena->base + (size_t)index * GRANULE);
}

static block_t *block_of(const void *payload)
{
    return (block_t *)(void *)((uint8_t *)(uintptr_t)payload - HEADER);
}

static void *payload_of(const block_t *b)
{
    return (uint8_t *)(uintptr_t)b + HEADER;
}

static links_t *links_of(block_t *b)
{
    return payload_of(b);
}

static block_t *next_of(const heap_arena_t *arena, const block_t *b)
{
    return block_at(arena, index_of(arena, b) + b->units);
}

static uint32_t check_of(const heap_arena_t *arena, const block_t *b)
{
    uint32_t h = CHECK_SEED ^ index_of(arena, b);
    h = (h ^ b->units) * 0x01000193u;
    h = (h ^ b->prev_units) * 0x01000193u;
    h = (h ^ b->used) * 0x01000193u;
    return (h ^ (h >> 15)) & 0x7fffu;
}

static void seal(const heap_arena_t *arena, block_t *b)
{
    uint32_t check = check_of(arena, b);
    b->check_lo = check & 0x7fu;
    b->check_hi = (check >> 7) & 0xffu;
}

static bool is_sound(const heap_arena_t *arena, const block_t *b)
{
    uint32_t check = check_of(arena, b);
    return b->check_lo == (check & 0x7fu) && b->check_hi == ((check >> 7) & 0xffu) && b->units != 0;
}

static void class_of(uint32_t units, uint32_t *fl, uint32_t *sl)
{
    if (units < HEAP_ARENA_SL) {
        *fl = 0;
        *sl = units;
        return;
    }
    uint32_t top = 31u - (uint32_t)__builtin_clz(units);
    *fl = top - 3u;
    *sl = (units >> (top - 4u)) - HEAP_ARENA_SL;
}

static void list_insert(heap_arena_t *arena, block_t *b)
{
    uint32_t fl;
    uint32_t sl;
    class_of(b->units, &fl, &sl);
    uint32_t self = index_of(arena, b) + 1;
    uint32_t first = arena->heads[fl][sl];
    *links_of(b) = (links_t){.next = first, .prev = 0};
    if (first != 0) {
        links_of(block_at(arena, first - 1))->prev = self;
    }
    arena->heads[fl][sl] = self;
    arena->sl_map[fl] = (uint16_t)(arena->sl_map[fl] | (1u << sl));
    arena->fl_map |= 1u << fl;
    arena->free_units += b->units;
    arena->free_blocks++;
}

static void list_remove(heap_arena_t *arena, block_t *b)
{
    uint32_t fl;
    uint32_t sl;
    class_of(b->units, &fl, &sl);
    links_t links = *links_of(b);
    if (links.next != 0) {
        links_of(block_at(arena, links.next - 1))->prev = links.prev;
    }
    if (links.prev != 0) {
        links_of(block_at(arena, links.prev - 1))->next = links.next;
    } else {
        arena->heads[fl][sl] = links.next;
        if (links.next == 0) {
            arena->sl_map[fl] = (uint16_t)(arena->sl_map[fl] & ~(1u << sl));
            if (arena->sl_map[fl] == 0) {
                arena->fl_map &= ~(1u << fl);
            }
        }
    }
    arena->free_units -= b->units;
    arena->free_blocks--;
}

// Writes a block's size and tells its right-hand neighbour.
static void set_units(const heap_arena_t *arena, block_t *b, uint32_t units, bool used)
{
    b->units = units & MAX_UNITS;
    b->used = used;
    seal(arena, b);
    block_t *next = next_of(arena, b);
    next->prev_units = units & MAX_UNITS;
    seal(arena, next);
}

void heap_arena_init(heap_arena_t *arena, void *memory, size_t size)
{
    memset(arena, 0, sizeof(*arena));
    // The first payload, not the first header, stands on a multiple of 16.
    uintptr_t start = ((uintptr_t)memory + HEADER + GRANULE - 1) / GRANULE * GRANULE - HEADER;
    size_t room = size - (size_t)(start - (uintptr_t)memory);
    arena->base = (uint8_t *)start;
    arena->units = (uint32_t)((room - HEADER) / GRANULE); // the end marker takes the last header
    block_t *first = block_at(arena, 0);
    memset(first, 0, sizeof(*first));
    block_t *end = block_at(arena, arena->units);
    memset(end, 0, sizeof(*end));
    end->used = 1;
    set_units(arena, first, arena->units, false);
    list_insert(arena, first);
    arena->minimum_free = heap_arena_free_bytes(arena);
}

static uint32_t units_for(size_t size)
{
    size_t bytes = size + TAIL_MIN + HEADER;
    uint32_t units = (uint32_t)((bytes + GRANULE - 1) / GRANULE);
    return units == 0 ? 1 : units;
}

// The unused rest of a block is filled with a known byte and ends with its own length.
static void write_tail(block_t *b, size_t size)
{
    if (TAIL_MIN == 0) {
        return;
    }
    size_t room = (size_t)b->units * GRANULE - HEADER;
    uint8_t *p = payload_of(b);
    memset(p + size, TAIL_BYTE, room - size);
    p[room - 1] = (uint8_t)(room - size);
}

// The last byte of a block can be any value once it was overwritten.
static bool tail_possible(size_t tail, size_t room)
{
    return tail - TAIL_MIN <= GRANULE && tail <= room; // wraps, and fails, below the minimum
}

static size_t payload_size(const block_t *b)
{
    size_t room = (size_t)b->units * GRANULE - HEADER;
    if (TAIL_MIN == 0 || !b->used) {
        return room;
    }
    const uint8_t *p = payload_of(b);
    size_t tail = p[room - 1];
    return room - (tail_possible(tail, room) ? tail : TAIL_MIN);
}

static bool tail_is_sound(const block_t *b)
{
    if (TAIL_MIN == 0) {
        return true;
    }
    size_t room = (size_t)b->units * GRANULE - HEADER;
    const uint8_t *p = payload_of(b);
    size_t tail = p[room - 1];
    if (!tail_possible(tail, room)) {
        return false;
    }
    for (size_t i = room - tail; i < room - 1; i++) {
        if (p[i] != TAIL_BYTE) {
            return false;
        }
    }
    return true;
}

// Granules to skip at the front of a free block so that its payload is aligned.
static uint32_t gap_for(const block_t *b, size_t align)
{
    uintptr_t p = (uintptr_t)payload_of(b);
    return (uint32_t)((((p + align - 1) & ~(uintptr_t)(align - 1)) - p) / GRANULE);
}

static block_t *first_fit(const heap_arena_t *arena, uint32_t fl, uint32_t sl, uint32_t units,
                          size_t align)
{
    for (uint32_t i = arena->heads[fl][sl]; i != 0;) {
        block_t *b = block_at(arena, i - 1);
        if (b->units >= units + gap_for(b, align)) {
            return b;
        }
        i = links_of(b)->next;
    }
    return NULL;
}

// Looks in the request's own class first: there a block may be too small, so it is searched; any
// block of a higher class fits an ordinary request at once.
static block_t *find_free(const heap_arena_t *arena, uint32_t units, size_t align)
{
    uint32_t fl;
    uint32_t sl;
    class_of(units, &fl, &sl);
    for (; fl < HEAP_ARENA_FL; fl++, sl = 0) {
        uint32_t map = arena->sl_map[fl] & (sl < 32 ? ~0u << sl : 0u);
        while (map != 0) {
            uint32_t s = (uint32_t)__builtin_ctz(map);
            block_t *b = first_fit(arena, fl, s, units, align);
            if (b != NULL) {
                return b;
            }
            map &= map - 1;
        }
    }
    return NULL;
}

static void split_tail(heap_arena_t *arena, block_t *b, uint32_t units)
{
    uint32_t rest = b->units - units;
    set_units(arena, b, units, b->used);
    if (rest == 0) {
        return;
    }
    block_t *tail = next_of(arena, b);
    memset(tail, 0, sizeof(*tail));
    tail->prev_units = units & MAX_UNITS;
    set_units(arena, tail, rest, false);
    block_t *after = next_of(arena, tail);
    if (!after->used) {
        list_remove(arena, after);
        set_units(arena, tail, rest + after->units, false);
    }
    list_insert(arena, tail);
}

static void note_minimum(heap_arena_t *arena)
{
    size_t now = heap_arena_free_bytes(arena);
    if (now < arena->minimum_free) {
        arena->minimum_free = now;
    }
}

void *heap_arena_alloc(heap_arena_t *arena, size_t size, size_t align)
{
    if (arena->units == 0 || size > (size_t)arena->units * GRANULE) {
        return NULL;
    }
    uint32_t units = units_for(size);
    block_t *b = find_free(arena, units, align < GRANULE ? GRANULE : align);
    if (b == NULL) {
        return NULL;
    }
    uint32_t gap = gap_for(b, align < GRANULE ? GRANULE : align);
    list_remove(arena, b);
    if (gap > 0) {
        uint32_t rest = b->units - gap;
        set_units(arena, b, gap, false);
        list_insert(arena, b);
        b = next_of(arena, b);
        memset(b, 0, sizeof(*b));
        b->prev_units = gap & MAX_UNITS;
        set_units(arena, b, rest, true);
    }
    b->used = 1;
    split_tail(arena, b, units);
    write_tail(b, size);
    arena->used_blocks++;
    arena->used_bytes += payload_size(b);
    note_minimum(arena);
    return payload_of(b);
}

void heap_arena_free(heap_arena_t *arena, void *payload)
{
    block_t *b = block_of(payload);
    arena->used_blocks--;
    arena->used_bytes -= payload_size(b);
    uint32_t units = b->units;
    block_t *next = next_of(arena, b);
    if (!next->used) {
        list_remove(arena, next);
        units += next->units;
    }
    if (b->prev_units != 0) {
        block_t *prev = block_at(arena, index_of(arena, b) - b->prev_units);
        if (!prev->used) {
            list_remove(arena, prev);
            units += prev->units;
            // A second free of this pointer must find a block marked free, not a stale header.
            b->used = 0;
            seal(arena, b);
            b = prev;
        }
    }
    set_units(arena, b, units, false);
    list_insert(arena, b);
}

bool heap_arena_resize(heap_arena_t *arena, void *payload, size_t size)
{
    if (size > (size_t)arena->units * GRANULE) {
        return false;
    }
    block_t *b = block_of(payload);
    uint32_t units = units_for(size);
    size_t before = payload_size(b);
    if (units > b->units) {
        block_t *next = next_of(arena, b);
        if (next->used || (uint32_t)b->units + next->units < units) {
            return false;
        }
        list_remove(arena, next);
        set_units(arena, b, b->units + next->units, true);
    }
    if (b->units > units) {
        split_tail(arena, b, units);
    }
    write_tail(b, size);
    arena->used_bytes += payload_size(b) - before;
    note_minimum(arena);
    return true;
}

bool heap_arena_contains(const heap_arena_t *arena, const void *p)
{
    uintptr_t at = (uintptr_t)p;
    uintptr_t low = (uintptr_t)arena->base;
    return arena->units != 0 && at >= low && at < low + (size_t)arena->units * GRANULE;
}

heap_ptr_state_t heap_arena_state(const heap_arena_t *arena, const void *payload)
{
    if (!heap_arena_contains(arena, payload) ||
        ((uintptr_t)payload - HEADER - (uintptr_t)arena->base) % GRANULE != 0) {
        return HEAP_PTR_FOREIGN;
    }
    const block_t *b = block_of(payload);
    if (!is_sound(arena, b)) {
        return HEAP_PTR_DAMAGED;
    }
    if (!b->used) {
        return HEAP_PTR_FREE;
    }
    uint32_t index = index_of(arena, b);
    if (b->units > arena->units - index || !is_sound(arena, next_of(arena, b))) {
        // The end marker has no size; anything else after a block must be a sound header.
        if (index + b->units != arena->units) {
            return HEAP_PTR_OVERRUN;
        }
    }
    return tail_is_sound(b) ? HEAP_PTR_OK : HEAP_PTR_OVERRUN;
}

size_t heap_arena_usable(const heap_arena_t *arena, const void *payload)
{
    (void)arena;
    return payload_size(block_of(payload));
}

void *heap_arena_containing(const heap_arena_t *arena, const void *p)
{
    if (!heap_arena_contains(arena, p)) {
        return NULL;
    }
    for (uint32_t i = 0; i < arena->units;) {
        block_t *b = block_at(arena, i);
        if (!is_sound(arena, b)) {
            return NULL;
        }
        uintptr_t low = (uintptr_t)payload_of(b);
        if ((uintptr_t)p >= low && (uintptr_t)p < low + payload_size(b)) {
            return b->used ? payload_of(b) : NULL;
        }
        i += b->units;
    }
    return NULL;
}

size_t heap_arena_total(const heap_arena_t *arena)
{
    return (size_t)arena->units * GRANULE;
}

size_t heap_arena_free_bytes(const heap_arena_t *arena)
{
    return (size_t)(arena->free_units * GRANULE) - (size_t)arena->free_blocks * (HEADER + TAIL_MIN);
}

size_t heap_arena_largest(const heap_arena_t *arena)
{
    if (arena->fl_map == 0) {
        return 0;
    }
    uint32_t fl = 31u - (uint32_t)__builtin_clz(arena->fl_map);
    uint32_t sl = 31u - (uint32_t)__builtin_clz((uint32_t)arena->sl_map[fl]);
    uint32_t best = 0;
    for (uint32_t i = arena->heads[fl][sl]; i != 0;) {
        block_t *b = block_at(arena, i - 1);
        best = b->units > best ? b->units : best;
        i = links_of(b)->next;
    }
    return (size_t)best * GRANULE - HEADER - TAIL_MIN;
}

void heap_arena_walk(const heap_arena_t *arena, heap_arena_visit_t visit, void *ctx)
{
    for (uint32_t i = 0; i < arena->units;) {
        block_t *b = block_at(arena, i);
        if (!is_sound(arena, b) || !visit(payload_of(b), payload_size(b), b->used, ctx)) {
            return;
        }
        i += b->units;
    }
}

const void *heap_arena_check(const heap_arena_t *arena, heap_ptr_state_t *what)
{
    uint32_t prev_units = 0;
    for (uint32_t i = 0; i < arena->units;) {
        block_t *b = block_at(arena, i);
        if (!is_sound(arena, b) || b->prev_units != prev_units || b->units > arena->units - i) {
            *what = HEAP_PTR_DAMAGED;
            return payload_of(b);
        }
        if (b->used && !tail_is_sound(b)) {
            *what = HEAP_PTR_OVERRUN;
            return payload_of(b);
        }
        prev_units = b->units;
        i += b->units;
    }
    return NULL;
}

#endif
