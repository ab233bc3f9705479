/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief How often and how soon something may be restarted: arithmetic without a clock of its own.
 */

#include <stdint.h>

#include "system_internal.h"

/** Restarts that are remembered, and so the most that a limit can allow within its window. */
#define RESTART_HISTORY 20

/** The last restarts of a service or supervisor. All zero: none. */
typedef struct {
    uint32_t at_ms[RESTART_HISTORY];
    uint8_t count;
    uint8_t first; /* oldest one */
} restart_history_t;

/** Forget what is older than the window. Time may wrap. @return how many are left */
unsigned restart_history_count(restart_history_t *history, uint32_t now_ms, uint32_t window_ms);

/** Remember one more; the oldest one is forgotten when there is no room. */
void restart_history_add(restart_history_t *history, uint32_t now_ms);

/**
 * Longest back-off that leaves room for the rest of a restart within SYSTEM_RECOVERY_LIMIT_MS: the
 * grace period, three tasks that have to be ended (handler, stop, deinit), init and start.
 */
#define SYSTEM_RECOVERY_LIMIT_MS 5000
#define RESTART_MARGIN_MS        100
#define RESTART_BUSY_MS                                                                            \
    (CONFIG_SYSTEM_STOP_GRACE_MS + 3 * CONFIG_SYSTEM_TASK_END_MS +                                 \
     2 * CONFIG_SYSTEM_LIFECYCLE_TIMEOUT_MS + RESTART_MARGIN_MS)

/** The limit that the configuration leaves for the back-off; 0 when the rest takes it all. */
uint32_t restart_backoff_limit_ms(void);

/**
 * Wait before the n-th restart within the window, n >= 1: nothing before the first, then
 * CONFIG_SYSTEM_RESTART_BACKOFF_MS doubled each time up to the limit, less up to a quarter by
 * chance so that services which failed together do not come back together.
 */
uint32_t restart_backoff_ms(unsigned attempt, uint32_t random);
