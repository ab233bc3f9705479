/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief Recording: what the bus and the supervisor call.
 *
 * A histogram has one writer at a time, because the handlers of one subscriber never run at the
 * same time and a mailbox changes hands under its lock. So the writer needs no read-modify-write
 * operations; readers see each number whole, but not all of the same moment.
 */

#include <stdint.h>

#include "system_internal.h"
#include "system_service/handler_monitor.h"

/** All histograms are empty; nobody has subscribed yet. @context init only */
void handler_monitor_init(void);

/** The subscription is a new one. Its entry in the subscription table is filled in.
 *  @context any task, under registry_lock */
void handler_monitor_reset(unsigned sub_index);

/** Its handler returned after this long. @context the worker that ran it  @blocks never */
void handler_monitor_record(unsigned sub_index, uint32_t us);

/** Its handler runs, or ran, for longer than its limit; once per run.
 *  @context any task  @blocks never */
void handler_monitor_note_slow(unsigned sub_index);

/** Handlers that exceeded their limit since boot, all together. @context any task, isr-ok */
uint32_t handler_monitor_total_slow(void);
