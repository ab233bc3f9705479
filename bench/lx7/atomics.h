/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Included before everything: the compare-and-swap of an LX7, inlined as the chip's compiler does.
 * Debian's compiler does not know it and would call a function for each read-modify-write.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

static inline __attribute__((always_inline)) uint32_t lx7_s32c1i(volatile uint32_t *word,
                                                                 uint32_t expected, uint32_t value)
{
    __asm__ volatile("wsr\t%2, scompare1\n\ts32c1i\t%0, %1, 0"
                     : "+a"(value)
                     : "a"(word), "a"(expected)
                     : "memory");
    return value;
}

/** @return true when it was exchanged; *expected is what there was */
static inline __attribute__((always_inline)) bool lx7_cas(volatile void *at, unsigned size,
                                                          uint32_t *expected, uint32_t value)
{
    if (size == 4) {
        const uint32_t found = lx7_s32c1i((volatile uint32_t *)at, *expected, value);
        const bool same = found == *expected;
        *expected = found;
        return same;
    }
    volatile uint32_t *word = (volatile uint32_t *)((uintptr_t)at & ~(uintptr_t)3);
    const unsigned shift = ((uintptr_t)at & 3u) * 8u;
    const uint32_t mask = (size == 1 ? 0xFFu : 0xFFFFu) << shift;
    uint32_t others = *word & ~mask;
    for (;;) {
        const uint32_t wanted = others | (*expected << shift & mask);
        const uint32_t found = lx7_s32c1i(word, wanted, others | (value << shift & mask));
        if (found == wanted) {
            return true;
        }
        if ((found & mask) != (wanted & mask)) {
            *expected = (found & mask) >> shift;
            return false;
        }
        others = found & ~mask;
    }
}

#define LX7_MODIFY(object, old, value)                                                             \
    ({                                                                                             \
        uint32_t old = (uint32_t)atomic_load_explicit((object), memory_order_relaxed);             \
        while (!lx7_cas((object), sizeof(*(object)), &old, (uint32_t)(value))) {                   \
        }                                                                                          \
        (__typeof__(atomic_load_explicit((object), memory_order_relaxed)))old;                     \
    })
#define LX7_COMPARE(object, expected, desired)                                                     \
    ({                                                                                             \
        uint32_t lx7_old = (uint32_t) * (expected);                                                \
        const bool lx7_done = lx7_cas((object), sizeof(*(object)), &lx7_old, (uint32_t)(desired)); \
        if (!lx7_done) {                                                                           \
            *(expected) = (__typeof__(*(expected)))lx7_old;                                        \
        }                                                                                          \
        lx7_done;                                                                                  \
    })

#undef atomic_fetch_add
#undef atomic_fetch_sub
#undef atomic_fetch_or
#undef atomic_fetch_and
#undef atomic_exchange
#undef atomic_compare_exchange_strong
#undef atomic_compare_exchange_weak
#undef atomic_fetch_add_explicit
#undef atomic_fetch_sub_explicit
#undef atomic_fetch_or_explicit
#undef atomic_fetch_and_explicit
#undef atomic_exchange_explicit
#undef atomic_compare_exchange_strong_explicit
#undef atomic_compare_exchange_weak_explicit
#define atomic_fetch_add(o, n)                                 LX7_MODIFY(o, lx7_was, lx7_was + (uint32_t)(n))
#define atomic_fetch_sub(o, n)                                 LX7_MODIFY(o, lx7_was, lx7_was - (uint32_t)(n))
#define atomic_fetch_or(o, n)                                  LX7_MODIFY(o, lx7_was, lx7_was | (uint32_t)(n))
#define atomic_fetch_and(o, n)                                 LX7_MODIFY(o, lx7_was, lx7_was &(uint32_t)(n))
#define atomic_exchange(o, n)                                  LX7_MODIFY(o, lx7_was, n)
#define atomic_compare_exchange_strong(o, e, d)                LX7_COMPARE(o, e, d)
#define atomic_compare_exchange_weak(o, e, d)                  LX7_COMPARE(o, e, d)
#define atomic_fetch_add_explicit(o, n, m)                     atomic_fetch_add(o, n)
#define atomic_fetch_sub_explicit(o, n, m)                     atomic_fetch_sub(o, n)
#define atomic_fetch_or_explicit(o, n, m)                      atomic_fetch_or(o, n)
#define atomic_fetch_and_explicit(o, n, m)                     atomic_fetch_and(o, n)
#define atomic_exchange_explicit(o, n, m)                      atomic_exchange(o, n)
#define atomic_compare_exchange_strong_explicit(o, e, d, s, f) LX7_COMPARE(o, e, d)
#define atomic_compare_exchange_weak_explicit(o, e, d, s, f)   LX7_COMPARE(o, e, d)
