/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "esp_attr.h"

/**
 * @brief The low 32 bits of us / 1000, for any time before the year 100,000, without a division of
 * 64 bits: that one is a call of some hundred instructions on the chip.
 */
FORCE_INLINE_ATTR uint32_t time_ms_of_us(int64_t us)
{
    /* us / 1000 = (us / 8) / 125, and 2^32 = 125 * 34359738 + 46. */
    const uint64_t eighths = (uint64_t)us >> 3;
    const uint32_t high = (uint32_t)(eighths >> 32);
    const uint32_t low = (uint32_t)eighths;
    const uint32_t rest = low + high * 46u;
    const uint32_t carry = rest < low; /* one more 2^32 */
    return (high + carry) * 34359738u + (rest + carry * 46u) / 125u;
}
