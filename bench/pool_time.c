// SPDX-License-Identifier: Apache-2.0

// Nanoseconds for one allocation and its release: the pools, the board's heap, the C library's.
// Pairs in blocks of 32 held at once, so that no free list has just one entry; interleaved.

#include <stdlib.h>
#include <string.h>

#include "esp_heap_caps.h"

#include "bench.h"
#include "host_heap.h"
#include "system_service/memory_pool.h"
#include "system_service/service_manager.h"

#define HELD       16
#define ROUNDS_MAX 1000u

static void *pool_alloc(size_t size)
{
    return memory_pool_alloc(size);
}

static void pool_free(void *p)
{
    BENCH_CHECK(memory_pool_free(p) == ESP_OK);
}

static void *caps_alloc(size_t size)
{
    return heap_caps_malloc(size, MALLOC_CAP_INTERNAL | MALLOC_CAP_8BIT);
}

static const struct {
    const char *name;
    void *(*alloc)(size_t size);
    void (*release)(void *p);
} s_allocators[] = {
    {"pool_ns", pool_alloc, pool_free},
    {"heap_caps_ns", caps_alloc, heap_caps_free},
    {"libc_ns", host_libc_malloc, host_libc_free},
};
#define ALLOCATORS (sizeof(s_allocators) / sizeof(s_allocators[0]))

static uint64_t one_round(unsigned a, size_t size, uint32_t repeats)
{
    void *held[HELD];
    const uint64_t start = bench_now_ns();
    for (uint32_t r = 0; r < repeats; r++) {
        for (unsigned i = 0; i < HELD; i++) {
            held[i] = s_allocators[a].alloc(size);
            BENCH_CHECK(held[i] != NULL);
        }
        for (unsigned i = 0; i < HELD; i++) {
            s_allocators[a].release(held[i]);
        }
    }
    return (bench_now_ns() - start) / (repeats * HELD);
}

static void run(const bench_args_t *args)
{
    const size_t size = bench_arg_number(args, "size", 64, 1, 1024);
    const uint32_t rounds = bench_arg_number(args, "rounds", 100, 1, ROUNDS_MAX);
    static uint64_t ns[ALLOCATORS][ROUNDS_MAX];
    (void)bench_system_up();
    /* In the name of a service: its memory quota is charged, as in real life. */
    BENCH_CHECK(system_service_attach_task(bench_service("allocator")) == ESP_OK);
    for (uint32_t r = 0; r < rounds; r++) {
        for (unsigned a = 0; a < ALLOCATORS; a++) {
            ns[a][r] = one_round(a, size, 50);
        }
    }
    for (unsigned a = 0; a < ALLOCATORS; a++) {
        bench_figure_percentiles(s_allocators[a].name, ns[a], rounds);
    }
}

const bench_case_t bench_case_pool_time = {
    .name = "pool_time",
    .help = "size= rounds=: nanoseconds of allocate + free",
    .sched = HOST_SCHED_THREADS,
    .run = run,
};
