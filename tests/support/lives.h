// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Several lives of one board, for tests of what a boot finds of the one before. Each life is a
 * process of its own, begins main() anew and ends by a restart or a panic; the last one by
 * host_exit(0).
 */

#include <stdbool.h>
#include <stdint.h>

#include "host_control.h"
#include "host_system.h"

/** @brief What main() returns: all lives of one board, of which the last is number lives.
 *  @context plain program code; live is called in the task "main" of each */
int lives_run(host_sched_t sched, void (*live)(void *arg), uint32_t lives);

/** @brief A check for any context: names the life and what does not hold, and ends the test. */
void lives_check(bool ok, const char *what);
