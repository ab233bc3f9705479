/* SPDX-License-Identifier: Apache-2.0 */
#include "restart_policy.h"

unsigned restart_history_count(restart_history_t *history, uint32_t now_ms, uint32_t window_ms)
{
    while (history->count > 0 && now_ms - history->at_ms[history->first] >= window_ms) {
        history->first = (uint8_t)((history->first + 1u) % RESTART_HISTORY);
        history->count--;
    }
    return history->count;
}

void restart_history_add(restart_history_t *history, uint32_t now_ms)
{
    if (history->count == RESTART_HISTORY) {
        history->first = (uint8_t)((history->first + 1u) % RESTART_HISTORY);
        history->count--;
    }
    history->at_ms[(history->first + history->count) % RESTART_HISTORY] = now_ms;
    history->count++;
}

uint32_t restart_backoff_limit_ms(void)
{
    const uint32_t busy = RESTART_BUSY_MS;
    const uint32_t left = busy < SYSTEM_RECOVERY_LIMIT_MS ? SYSTEM_RECOVERY_LIMIT_MS - busy : 0;
    return CONFIG_SYSTEM_RESTART_BACKOFF_MAX_MS < left ? CONFIG_SYSTEM_RESTART_BACKOFF_MAX_MS
                                                       : left;
}

uint32_t restart_backoff_ms(unsigned attempt, uint32_t random)
{
    if (attempt <= 1) {
        return 0;
    }
    const uint32_t limit = restart_backoff_limit_ms();
    uint32_t wait = CONFIG_SYSTEM_RESTART_BACKOFF_MS;
    for (unsigned n = 2; n < attempt && wait < limit; n++) {
        wait *= 2; /* at most 2 * 60000: far from the end of 32 bits */
    }
    wait = wait < limit ? wait : limit;
    return wait - random % (wait / 4 + 1);
}
