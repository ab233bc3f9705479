/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief What the supervisor asks the watchdog, and what it tells it to count.
 *
 * Times are milliseconds since boot in 32 bits: differences are right across the wrap after 49 days
 * as long as each is below that, and reading one takes no lock.
 */

#include <stdbool.h>
#include <stdint.h>

#include "system_internal.h"
#include "system_service/service_watchdog.h"

/** True when CONFIG_SYSTEM_WATCHDOG_ENABLE is set. */
bool watchdog_on(void);

/** Milliseconds since boot. isr-ok. */
uint32_t watchdog_now_ms(void);

/** The slot has a configuration and is not switched off for a while. */
bool watchdog_watches(unsigned slot);

/** The configuration in force, defaults filled in; of an owner that is not watched: no restarts. */
service_watchdog_config_t watchdog_config(unsigned slot);

/** The owner begins to be watched now: it counts as alive. @context the supervisor's task */
void watchdog_begin(unsigned slot);

typedef enum {
    WATCHDOG_ALIVE,
    WATCHDOG_SILENT, /* longer than its timeout */
} watchdog_verdict_t;

/** The last ms do not count as silence: the supervisor did not run in them either, since the chip
 *  slept or the clock was put forward. */
void watchdog_leave_out(unsigned slot, uint32_t ms);
/**
 * Look for signs of life and ask the mailbox for one if there were none for a third of the timeout.
 * @context the supervisor's task, for an owner that is watched and whose mailbox is open
 * @param[out] next_ms when to look again, from now
 */
watchdog_verdict_t watchdog_check(unsigned slot, uint32_t *next_ms);

/* Counted where it happens. @context the supervisor's task */
void watchdog_count_timeout(unsigned slot);
void watchdog_count_restart(unsigned slot, uint32_t recovery_ms);
void watchdog_count_restart_failed(unsigned slot);
void watchdog_count_given_up(void);
void watchdog_count_safe_mode(void);
void watchdog_count_last_resort(void);
/** The number in watchdog_get_stats(). */
void watchdog_set_attempts(unsigned slot, uint32_t attempts);
