// SPDX-License-Identifier: Apache-2.0

// Each step of a trace advances its time by one. Things that live get the time of their death when
// they are born; a heap by that time hands out the frees in order, allocations fill the gaps.

#include "trace.h"

#include <stddef.h>
#include <string.h>

/** What is born together: name, how often in 1000 births, size range, life range in steps. */
typedef struct {
    uint16_t per_mille;
    uint16_t min_size, max_size;
    uint32_t min_life, max_life;
} species_t;

#define SPECIES_MAX 9
/* What lives no longer than this is an event or a message, not a thing that somebody keeps. */
#define PASSING_LIFE 1000u

typedef struct {
    const char *name;
    species_t species[SPECIES_MAX];
    uint32_t live_limit; /* bytes: what the firmware would be written to stay within */
} trace_desc_t;

/* Sizes after the API tables of the five hardware services. Short lives dominate by number, long
 * ones by bytes. Most events are handled at once; some wait in a backlog behind a slow handler. */
static const trace_desc_t s_traces[] = {
    {"events",
     {{540, 8, 64, 2, 40},
      {220, 65, 256, 2, 60},
      {80, 257, 1024, 2, 60},
      {20, 1025, 4096, 2, 40},
      {110, 8, 256, 100, 1000},
      {28, 16, 200, 500, 20000},
      {2, 64, 600, 50000, 400000}},
     60000},
    {"apps",
     {{460, 8, 128, 2, 60},
      {160, 64, 512, 2, 60},
      {80, 8, 512, 100, 1000},
      {40, 4096, 8192, 2000, 20000},
      {220, 16, 400, 2000, 20000},
      {40, 400, 2048, 2000, 20000}},
     60000},
    {"buffers",
     {{480, 8, 128, 2, 40},
      {260, 512, 1600, 4, 200},
      {80, 1600, 4096, 4, 100},
      {80, 64, 1024, 100, 1000},
      {80, 24, 300, 1000, 40000},
      {20, 300, 1500, 1000, 60000}},
     60000},
    {"mixed",
     {{500, 8, 64, 2, 60},
      {170, 65, 256, 2, 80},
      {100, 257, 1600, 2, 100},
      {30, 1600, 4096, 2, 100},
      {110, 8, 600, 100, 1000},
      {60, 16, 400, 500, 30000},
      {20, 400, 2048, 2000, 30000},
      {8, 4096, 8192, 2000, 30000},
      {2, 64, 600, 50000, 400000}},
     60000},
};
#define TRACES (sizeof(s_traces) / sizeof(s_traces[0]))

typedef struct {
    uint32_t death;
    uint32_t id;
} mortal_t;

static const trace_desc_t *s_trace;
static uint64_t s_random;
static uint32_t s_time;
static uint32_t s_live_bytes;
static uint32_t s_sizes[TRACE_IDS];
static uint32_t s_free_ids[TRACE_IDS];
static uint32_t s_free_count;
static mortal_t s_mortals[TRACE_IDS]; /* binary heap, earliest death first */
static uint32_t s_mortal_count;

/** xorshift64*, upper half. */
static uint32_t random_u32(void)
{
    s_random ^= s_random >> 12;
    s_random ^= s_random << 25;
    s_random ^= s_random >> 27;
    return (uint32_t)((s_random * 0x2545F4914F6CDD1Du) >> 32);
}

static uint32_t between(uint32_t min, uint32_t max)
{
    return min + (uint32_t)(((uint64_t)random_u32() * (max - min + 1u)) >> 32);
}

bool trace_start(const char *name, uint32_t seed)
{
    s_trace = NULL;
    for (size_t i = 0; i < TRACES; i++) {
        if (strcmp(s_traces[i].name, name) == 0) {
            s_trace = &s_traces[i];
        }
    }
    s_random = 0x9E3779B97F4A7C15u ^ seed;
    s_time = 0;
    s_live_bytes = 0;
    s_mortal_count = 0;
    s_free_count = TRACE_IDS;
    for (uint32_t i = 0; i < TRACE_IDS; i++) {
        s_free_ids[i] = TRACE_IDS - 1 - i;
    }
    return s_trace != NULL;
}

static void swap(uint32_t a, uint32_t b)
{
    const mortal_t m = s_mortals[a];
    s_mortals[a] = s_mortals[b];
    s_mortals[b] = m;
}

static void remember(mortal_t mortal)
{
    uint32_t i = s_mortal_count++;
    s_mortals[i] = mortal;
    for (; i > 0 && s_mortals[(i - 1) / 2].death > s_mortals[i].death; i = (i - 1) / 2) {
        swap(i, (i - 1) / 2);
    }
}

static uint32_t take_first(void)
{
    const uint32_t id = s_mortals[0].id;
    s_mortals[0] = s_mortals[--s_mortal_count];
    for (uint32_t i = 0;;) {
        uint32_t least = i;
        for (uint32_t child = 2 * i + 1; child <= 2 * i + 2 && child < s_mortal_count; child++) {
            if (s_mortals[child].death < s_mortals[least].death) {
                least = child;
            }
        }
        if (least == i) {
            return id;
        }
        swap(i, least);
        i = least;
    }
}

static trace_step_t die(void)
{
    const uint32_t id = take_first();
    s_free_ids[s_free_count++] = id;
    s_live_bytes -= s_sizes[id];
    return (trace_step_t){.id = id};
}

trace_step_t trace_next(void)
{
    s_time++;
    if (s_mortal_count > 0 && (s_mortals[0].death <= s_time || s_free_count == 0)) {
        return die();
    }
    uint32_t lot = random_u32() % 1000u;
    const species_t *species = s_trace->species;
    while (lot >= species->per_mille) {
        lot -= species->per_mille;
        species++;
    }
    const uint32_t size = between(species->min_size, species->max_size);
    const uint32_t life = between(species->min_life, species->max_life);
    if (s_live_bytes + size > s_trace->live_limit) {
        return die(); /* the firmware makes room before it asks for more */
    }
    const uint32_t id = s_free_ids[--s_free_count];
    s_sizes[id] = size;
    s_live_bytes += size;
    remember((mortal_t){.death = s_time + life, .id = id});
    return (trace_step_t){
        .alloc = true, .id = id, .size = size, .passing = species->max_life <= PASSING_LIFE};
}
