/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief The chip's watchdog behind the supervisor: all others are watched by it, it by nobody
 * else.
 *
 * With CONFIG_SYSTEM_SUPERVISOR_TASK_WDT the supervisor's task is a user of ESP-IDF's task
 * watchdog. Called by that task alone. Without it, or where that watchdog does not run, nothing
 * happens.
 */

#include "freertos/FreeRTOS.h"

/** From here on the task has to feed. */
void supervisor_backstop_begin(void);
/** It is alive. @return how long it may sleep now: at most ticks, so that it feeds in time */
TickType_t supervisor_backstop_feed(TickType_t ticks);
/** The task ends in order. */
void supervisor_backstop_end(void);
