/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief 32-bit counters and settings that any context reads and writes, in any order.
 *
 * Inlined by force, so that a caller in IRAM stays there. Only for variables in internal RAM.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "esp_attr.h"

FORCE_INLINE_ATTR uint32_t relaxed_get(const _Atomic uint32_t *v)
{
    return atomic_load_explicit(v, memory_order_relaxed);
}

FORCE_INLINE_ATTR void relaxed_put(_Atomic uint32_t *v, uint32_t value)
{
    atomic_store_explicit(v, value, memory_order_relaxed);
}

FORCE_INLINE_ATTR uint32_t relaxed_add(_Atomic uint32_t *v, uint32_t n)
{
    return atomic_fetch_add_explicit(v, n, memory_order_relaxed);
}

/** Try to replace *expected by value; on failure *expected is what there is now. May fail for no
 *  reason: call it in a loop. */
FORCE_INLINE_ATTR bool relaxed_swap(_Atomic uint32_t *v, uint32_t *expected, uint32_t value)
{
    return atomic_compare_exchange_weak_explicit(v, expected, value, memory_order_relaxed,
                                                 memory_order_relaxed);
}

/** Raise v to value unless it is higher. */
FORCE_INLINE_ATTR void relaxed_raise(_Atomic uint32_t *v, uint32_t value)
{
    uint32_t old = relaxed_get(v);

    while (old < value && !relaxed_swap(v, &old, value)) {
    }
}
