// SPDX-License-Identifier: Apache-2.0
#pragma once

// Resets and panics of the virtual board, seen from outside.

#include <stdbool.h>
#include <stdint.h>
#include "esp_system.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Exit codes beside those in host_control.h. */
#define HOST_EXIT_PANIC   93 /* a panic, when the configuration says not to reboot */
#define HOST_EXIT_RESTART 94 /* esp_restart(), likewise */

/**
 * Prints a report (what, core, task, time, call chain) and reboots or ends the process, as
 * host_config_t.restart_exits says.
 * @context any: task, interrupt or plain program code, with the kernel lock held or not; so it
 * takes no kernel lock. Does not return, runs no shutdown handler.
 */
void host_panic(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/** As host_panic(), with what esp_reset_reason() shall answer after the reboot. */
void host_panic_as(esp_reset_reason_t reason, const char *format, ...)
    __attribute__((noreturn, format(printf, 2, 3)));

/**
 * Called with the text of each panic before anything else happens; it may end the process itself.
 * @param hook NULL for none
 */
typedef void (*host_panic_hook_t)(esp_reset_reason_t reason, const char *text);
void host_panic_set_hook(host_panic_hook_t hook);

/** @return true in an interrupt of the running board. @context any */
bool host_in_isr(void);

/** Panics with the call's name if it is made from an interrupt. @context any */
void host_refuse_isr(const char *call);

/** @return 0 after power-on, one more after each restart since. @context any */
uint32_t host_boot_count(void);

/**
 * Makes the next host_boot() of this process a reset instead of a power-on: it reports this reason
 * and finds no-init memory as it was. For tests that look at both sides of a reset in one process.
 * @context plain program code
 */
void host_next_boot_is_reset(esp_reset_reason_t reason);

/** Starts the program again at once: no handlers, no messages. Does not return. */
void host_reset(esp_reset_reason_t reason) __attribute__((noreturn));

#ifdef __cplusplus
}
#endif
