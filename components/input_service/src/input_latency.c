/* SPDX-License-Identifier: Apache-2.0 */
#include "input_internal.h"

#include "esp_timer.h"

void input_latency_add(uint32_t buckets[INPUT_LATENCY_BUCKETS], uint32_t *worst_us,
                       int64_t since_us)
{
    const int64_t took_us = esp_timer_get_time() - since_us;
    const uint32_t us = took_us < 0 ? 0 : took_us > UINT32_MAX ? UINT32_MAX : (uint32_t)took_us;
    unsigned bucket = 0;
    while (bucket < INPUT_LATENCY_BUCKETS - 1 && us >= (uint32_t)INPUT_LATENCY_FIRST_US << bucket) {
        bucket++;
    }
    buckets[bucket]++;
    if (us > *worst_us) {
        *worst_us = us;
    }
}
