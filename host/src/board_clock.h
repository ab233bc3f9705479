// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdint.h>

/** @brief The clock begins at 0 and runs. @context plain program code, no board runs */
void board_clock_start(void);

/** @brief It is needed no more. @context plain program code, every task has ended */
void board_clock_stop(void);

/** @brief Microseconds of the board: those in which the PC stood still are not among them.
 * @context any */
uint64_t board_clock_us(void);

/** @brief When, on CLOCK_MONOTONIC, the board's clock will show this, unless the PC stands still
 * till then. @context any */
uint64_t board_clock_at(uint64_t board_us);
