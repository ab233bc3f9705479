// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * What the files of host/src know of each other beyond the ESP-IDF API.
 * Boot order (boot.c): heap, flash, log, scheduler; then the board's own tasks; then "main".
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "host_control.h"
#include "host_system.h" /* host_panic() */

/* ---- heap ---- */
void host_heap_init(const host_config_t *cfg);

/* ---- flash, partitions, nvs ---- */
void host_flash_init(const host_config_t *cfg);

/* ---- log ---- */
void host_log_init(void);

/* ---- scheduler: sched_*.c, task*.c ---- */
/* Name of the running task, "ISR0"/"ISR1" in an interrupt, "-" outside tasks. */
const char *host_task_name(void);
/* Abort naming the call when in an interrupt. Calls that need no task (the heap) use this one. */
void host_assert_not_isr(const char *call);
/* True in a task or interrupt of the running board. */
bool host_in_task(void);
