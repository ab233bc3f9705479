/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "system_internal.h"
#include "system_service/log_control.h"

/** The owner goes: its tags are forgotten and have their levels back. Called while its name still
 *  holds. If it is not called, the next call of log control notices.
 *  @context any task, under registry_lock */
void log_control_reclaim(unsigned slot);

/** Put everything back and forget all tags. @context init only; any task, under registry_lock */
void log_control_init(void);
