// SPDX-License-Identifier: Apache-2.0
#pragma once

/* What the tests in this app use of host/control on the PC. */

#include <stdint.h>

/** The board is the board. */
typedef struct host_config host_config_t;

/** Run fn(arg) in an interrupt of a core and wait until it returned. @context any task */
void host_isr_run(void (*fn)(void *arg), void *arg, int core);

/** Since boot. */
uint64_t host_now_us(void);
/** Compute for so long. */
void host_busy(uint64_t us);
