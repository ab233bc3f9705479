// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include "sdkconfig.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Prints straight to the console, whole lines at once, without a lock and without the heap.
 * @context any task or ISR, and before the scheduler runs
 * @return number of characters printed
 */
int esp_rom_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
int esp_rom_vprintf(const char *fmt, va_list ap) __attribute__((format(printf, 1, 0)));

/** Busy-waits: burns time of the calling core without giving it away (virtual time in the sim). */
void esp_rom_delay_us(uint32_t us);

uint32_t esp_rom_get_cpu_ticks_per_us(void);

/** Resets the chip without the shutdown handlers of esp_restart(). Does not return. */
void esp_rom_software_reset_system(void) __attribute__((__noreturn__));

#ifdef __cplusplus
}
#endif
