// SPDX-License-Identifier: Apache-2.0
#pragma once

// Who is calling: what heap, log and panics ask of the scheduler. Safe in any context.

#include <stdbool.h>

/** @return true in a task or an interrupt of the running board, false in plain program code */
bool host_in_board(void);

/** @return the calling task's name, "interrupt" in one, "(none)" outside the board */
const char *host_task_name(void);

/** @return the caller's core, 0 outside the board */
int host_core_id(void);
