// SPDX-License-Identifier: Apache-2.0

// Fragmentation of the largest internal region, 1 - largest free block / free bytes, while a trace
// runs: allocator=malloc takes all from the heap; with allocator=pools events and messages are in
// pool blocks, as the bus keeps them, and only what somebody keeps is on the heap.

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "esp_heap_caps.h"

#include "bench.h"
#include "memory_pool_internal.h"
#include "resource_quota_internal.h"
#include "trace.h"

#define INTERNAL (MALLOC_CAP_INTERNAL | MALLOC_CAP_8BIT)

static void *s_blocks[TRACE_IDS];
static bool s_pools;
static uint32_t s_failed, s_allocations, s_from_pools;

static void play(trace_step_t step)
{
    void **block = &s_blocks[step.id];
    if (!step.alloc) {
        if (!s_pools || memory_pool_free(*block) == ESP_ERR_MEMORY_FOREIGN_POINTER) {
            heap_caps_free(*block);
        }
        *block = NULL;
        return;
    }
    /* What passes through is an event or a message: on Kraken-OS it lives in a pool block. */
    if (s_pools && step.passing) {
        *block = memory_pool_alloc(step.size);
        s_from_pools += *block != NULL;
    }
    if (*block == NULL) {
        *block = heap_caps_malloc(step.size, INTERNAL);
    }
    s_failed += *block == NULL;
    s_allocations++;
}

/* ---- the largest region --------------------------------------------------------------------- */

typedef struct {
    intptr_t start, end; /* of the region */
    size_t free_bytes, largest;
    uint32_t free_blocks;
} region_t;

typedef struct {
    region_t now, best;
} walk_t;

static bool visit(walker_heap_into_t heap, walker_block_info_t block, void *arg)
{
    walk_t *walk = arg;
    region_t *now = &walk->now;
    if (now->start != heap.start) {
        *now = (region_t){.start = heap.start, .end = heap.end};
    }
    if (!block.used) {
        now->free_bytes += block.size;
        now->largest = block.size > now->largest ? block.size : now->largest;
        now->free_blocks++;
    }
    if (now->end - now->start >= walk->best.end - walk->best.start) {
        walk->best = *now;
    }
    return true;
}

static double fragmentation(region_t *region)
{
    walk_t walk = {0};
    heap_caps_walk(INTERNAL, visit, &walk);
    *region = walk.best;
    return region->free_bytes == 0 ? 0 : 1.0 - (double)region->largest / (double)region->free_bytes;
}

static void run(const bench_args_t *args)
{
    const char *trace = bench_arg(args, "trace", "mixed");
    const uint32_t steps = bench_arg_number(args, "steps", 400000, 1000, 1000000000);
    const uint32_t points = bench_arg_number(args, "points", 100, 1, 10000);
    const bool print_points = bench_arg_number(args, "plot", 0, 0, 1) != 0;
    double sum = 0;
    double worst = 0;
    double last = 0;
    double lost = 0;
    size_t least_largest = SIZE_MAX;
    s_pools = strcmp(bench_arg(args, "allocator", "pools"), "pools") == 0;
    const char *file = bench_arg(args, "file", NULL);
    if (file != NULL && !trace_start_file(file)) {
        bench_fail("%s is not a trace", file);
    }
    if (file == NULL &&
        !trace_start(trace, bench_arg_number(args, "trace_seed", 1, 0, UINT32_MAX))) {
        bench_fail("no trace \"%s\"", trace);
    }
    quota_init();
    BENCH_CHECK(!s_pools || memory_pool_init() == ESP_OK);
    for (uint32_t point = 1; point <= points; point++) {
        for (uint32_t i = 0; i < steps / points; i++) {
            play(file != NULL ? trace_file_next() : trace_next());
        }
        region_t region;
        last = fragmentation(&region);
        sum += last;
        lost += (double)(region.free_bytes - region.largest);
        worst = last > worst ? last : worst;
        least_largest = region.largest < least_largest ? region.largest : least_largest;
        if (print_points) {
            printf("= point %" PRIu32 " %.4f %zu %zu %" PRIu32 "\n", point, last, region.free_bytes,
                   region.largest, region.free_blocks);
        }
    }
    bench_figure("mean", sum / points);
    bench_figure("worst", worst);
    bench_figure("end", last);
    bench_figure_count("least_largest_bytes", least_largest);
    bench_figure("lost_bytes", lost / points); /* free, but not in the largest block */
    bench_figure_count("heap_calls", s_allocations - s_from_pools);
    bench_figure_count("failed", s_failed);
    bench_figure("pool_share", (double)s_from_pools / s_allocations);
}

const bench_case_t bench_case_fragmentation = {
    .name = "fragmentation",
    .help =
        "trace=events|apps|buffers|mixed | file= allocator=malloc|pools steps= points= plot=0|1",
    .sched = HOST_SCHED_SIM,
    .run = run,
};
