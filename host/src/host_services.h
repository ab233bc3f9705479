// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the boot sequence calls of heap, log, storage and system, in this order.

#include <stdarg.h>
#include "host_control.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Takes over what an earlier boot left: reset reason, no-init memory, flash in memory. */
void host_system_init(const host_config_t *cfg);

/** Back to the configured level for every tag. Before the heap is built anew. */
void host_log_init(void);

void host_heap_init(const host_config_t *cfg);

/** Opens the flash and reads the partition table into it. */
void host_flash_init(const host_config_t *cfg);

/** Forgets storage handles of an earlier boot in this process. */
void host_nvs_init(void);

/** Starts the task watchdog if the configuration says so; needs a running scheduler. */
void host_wdt_init(void);

/** Prints one formatted text on the console, whole. @return its length */
int host_console_vprintf(const char *format, va_list args) __attribute__((format(printf, 1, 0)));

/** @return file descriptor of the flash image held in memory by an earlier boot, -1 if none */
int host_inherited_flash_fd(void);

/** Tells the restart which descriptor holds the flash image in memory; -1 for none. */
void host_keep_flash_fd(int fd);

#ifdef __cplusplus
}
#endif
