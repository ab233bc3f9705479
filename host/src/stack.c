// SPDX-License-Identifier: Apache-2.0

// Stacks of tasks: mapped with a guard below and a stack for signals below that, painted over the
// size asked for, kept for reuse.
//
// The host's frames are larger than the device's and the C library needs room of its own, so a
// stack is larger than the figure by STACK_EXTRA. The high-water mark is taken against the figure.

#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include "host_internal.h"
#include "sched.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#define STACK_EXTRA (512u * 1024)
#elif defined(__SANITIZE_THREAD__)
#define STACK_EXTRA (1024u * 1024)
#else
#define STACK_EXTRA (192u * 1024)
#endif
#define SIGNAL (64u * 1024)
#define BELOW  (HOST_STACK_GUARD + SIGNAL + HOST_STACK_GUARD)
#define ROUND  (32u * 1024)
#define PAINT  0xA5
#define CACHED 32

/* Free stacks, guarded by the kernel lock. */
static host_stack_t s_cache[CACHED];
static unsigned s_cached;

static uint8_t *painted_from(const host_stack_t *s)
{
    return s->base + s->size - s->figure;
}

bool host_stack_get(host_stack_t *s, size_t figure)
{
    size_t size = (figure + STACK_EXTRA + ROUND - 1) / ROUND * ROUND;
    k_lock();
    s->base = NULL;
    for (unsigned i = 0; i < s_cached; i++) {
        if (s_cache[i].size == size) {
            *s = s_cache[i];
            s_cache[i] = s_cache[--s_cached];
            break;
        }
    }
    k_unlock();
    if (s->base == NULL) {
        uint8_t *p = mmap(NULL, BELOW + size, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (p == MAP_FAILED) {
            return false;
        }
        mprotect(p, HOST_STACK_GUARD, PROT_NONE);
        mprotect(p + HOST_STACK_GUARD + SIGNAL, HOST_STACK_GUARD, PROT_NONE);
        s->base = p + BELOW;
        s->size = size;
    }
    s->figure = figure;
#if defined(__SANITIZE_ADDRESS__)
    ASAN_UNPOISON_MEMORY_REGION(s->base, s->size);
#endif
    memset(painted_from(s), PAINT, figure);
    return true;
}

uint8_t *host_stack_for_signals(const host_stack_t *s, size_t *size)
{
    *size = SIGNAL;
    return s->base - HOST_STACK_GUARD - SIGNAL;
}

void host_stack_put(host_stack_t *s)
{
    if (s->base == NULL) {
        return;
    }
    if (s_cached < CACHED) {
        s_cache[s_cached++] = *s;
    } else {
        munmap(s->base - BELOW, BELOW + s->size);
    }
    s->base = NULL;
}

__attribute__((no_sanitize("address"), no_sanitize("thread"))) size_t
host_stack_left(const host_stack_t *s)
{
    if (s->base == NULL) {
        return 0;
    }
    const volatile uint8_t *p = painted_from(s);
    size_t left = 0;
    while (left < s->figure && p[left] == PAINT) {
        left++;
    }
    return left;
}
