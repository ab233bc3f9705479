/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief What the core knows of apps.
 */

#include "system_internal.h"

/** @context init only */
void app_manager_init(void);

/** After app_manager_stop_all(): end the manager's task and forget the apps. */
void app_manager_deinit(void);

/** Ask every app to stop; returns at once. @context any task */
void app_manager_ask_stop_all(void);

/** Stop every app, asked first and then by force; waits for all of them together.
 *  @context a task that is neither a worker nor an app's */
void app_manager_stop_all(void);

/** An app is at fault: end it, as CRASHED. Never blocks for long. @context any task */
void app_manager_fault(unsigned slot, esp_err_t reason);
