// SPDX-License-Identifier: Apache-2.0
#pragma once

// What log, heap, storage and system know of each other.

#include <stdarg.h>
#include "host_control.h"
#include "host_internal.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Takes over what an earlier boot left (reset reason, no-init memory, flash in memory) and clears
 * the log's levels; host_heap_init() calls it, since it is the first to run.
 */
void host_system_init(const host_config_t *cfg);

/** Forgets storage handles of an earlier boot in this process; host_flash_init() calls it. */
void host_nvs_init(void);

/** Forgets the watchdog of an earlier boot in this process; host_system_init() calls it. */
void host_wdt_reset(void);

/**
 * Starts the task watchdog if the configuration says so; from the main task, before main_fn.
 */
void host_wdt_init(void);

/** @return CRC-32 of the no-init memory, before anybody has written to it in this boot */
uint32_t host_noinit_digest(void);

/** Ends the process, with what a process that ends in order leaves. Does not return. */
void host_quit(int code) __attribute__((noreturn));

/** @brief What must not outlive the process is taken along by this, however it ends or begins anew;
 * the last one counts. @context any */
void host_at_end(void (*leave)(void));

/** Prints one formatted text on the console, whole. @return its length */
int host_console_vprintf(const char *format, va_list args) __attribute__((format(printf, 1, 0)));

/** @return file descriptor of the flash image held in memory by an earlier boot, -1 if none */
int host_inherited_flash_fd(void);

/** Tells the restart which descriptor holds the flash image in memory; -1 for none. */
void host_keep_flash_fd(int fd);

#ifdef __cplusplus
}
#endif
