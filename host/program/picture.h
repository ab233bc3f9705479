// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdbool.h>

/** @brief Write what a person sees on the board's screen as a PNG file; says on stderr what is
 * wrong. @context plain program code */
bool picture_write(const char *path);
