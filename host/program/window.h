// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdbool.h>

/** @brief Show the board's screen in a window, if this computer has a display; keys and mouse
 * become wires of the board (host_input.h). A thread of its own does it until window_close().
 * @context plain program code, before host_boot() @return false: no display; told in the log */
bool window_open(void);

/** @brief Close it, if it is open. @context plain program code */
void window_close(void);
