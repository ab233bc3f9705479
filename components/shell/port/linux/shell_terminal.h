/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief The shell on a terminal: line editing, history, completion, and log lines that do not cut
 *        through what is being typed.
 */

#include <stdbool.h>
#include <stddef.h>

/** @return false: the terminal cannot be used; read plain lines instead */
bool shell_terminal_open(void);
void shell_terminal_close(void);

/**
 * Let the operator edit one line.
 * @param[out] line without its end
 * @return false: end of input
 */
bool shell_terminal_read(char *line, size_t size);
