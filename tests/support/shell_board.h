// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * A system to look at with the shell's commands: the shell, the service "base", the service
 * "upper", which needs it, and the app "idler", which runs.
 */

#include "system_service/resource_quota.h"
#include "system_service/service_manager.h"

/** For cmocka's set-up and tear-down. */
int shell_board_up(void **state);
int shell_board_down(void **state);

/** Of the service of this name; end the test when there is none. */
system_service_info_t shell_board_info(const char *name);
quota_usage_t shell_board_usage(const char *name);
