// SPDX-License-Identifier: Apache-2.0
#pragma once

// Input from a file, and into one: docs/services/input.md has the format.

#include <stdbool.h>

/** @brief Read a script. What is wrong is said on stderr, with the line.
 *  @context plain program code  @return false: it cannot be read, or not be understood */
bool input_script_read(const char *path);

/** @brief Have the script that was read happen, counted from boot. Once: a reboot ends it.
 *  @context a task */
void input_script_begin(void);

/** @brief Write everything that happens at the wires to a file, from now on.
 *  @context plain program code  @return false: it cannot be written; said on stderr */
bool input_script_record(const char *path);

/** @brief End the recording. @context plain program code
 *  @return false: it is not complete; said on stderr */
bool input_script_finish(void);
