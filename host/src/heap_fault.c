// SPDX-License-Identifier: Apache-2.0

// Allocations that fail on purpose: by script here, by the seed in the scheduler.

#include <stdatomic.h>
#include "heap_internal.h"
#include "host_control.h"
#include "host_heap.h"

static atomic_uint_fast64_t s_requests;
static atomic_uint_fast64_t s_injected;
static atomic_uint_fast64_t s_fail_from; // request number, 0 for no script
static atomic_uint_fast64_t s_fail_to;   // last request that fails

void host_heap_fail_nth(uint64_t nth, uint64_t count)
{
    atomic_store(&s_fail_from, 0);
    if (nth == 0) {
        return;
    }
    uint64_t from = atomic_load(&s_requests) + nth;
    atomic_store(&s_fail_to, count == 0 ? UINT64_MAX : from + count - 1);
    atomic_store(&s_fail_from, from);
}

void host_heap_fail_all(void)
{
    host_heap_fail_nth(1, 0);
}

uint64_t host_heap_requests(void)
{
    return atomic_load(&s_requests);
}

uint64_t host_heap_injected_failures(void)
{
    return atomic_load(&s_injected);
}

bool heap_fault_take(void)
{
    uint64_t number = atomic_fetch_add(&s_requests, 1) + 1;
    uint64_t from = atomic_load(&s_fail_from);
    bool fails = from != 0 && number >= from && number <= atomic_load(&s_fail_to);
    if (!fails && host_is_running()) {
        fails = host_fault_alloc_should_fail();
    }
    if (fails) {
        atomic_fetch_add(&s_injected, 1);
    }
    return fails;
}

void heap_fault_reset(void)
{
    atomic_store(&s_fail_from, 0);
    atomic_store(&s_requests, 0);
    atomic_store(&s_injected, 0);
}
