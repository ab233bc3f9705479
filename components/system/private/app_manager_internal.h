/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief What the core knows of apps.
 */

#include "system_internal.h"

/** @context init only */
void app_manager_init(void);

/** Stop every app, asked first and then by force; each is waited for within its grace period.
 *  @context a task that is neither a worker nor an app's */
void app_manager_stop_all(void);
