// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the board printed, for tests.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Receives all that the log and esp_rom_printf() print, a whole line (or more) at a time, under the
 * console's lock: it must not log.
 */
typedef void (*host_console_sink_t)(const char *text, size_t length, void *ctx);

/** @param sink in place of standard output; NULL puts that back. @context any task */
void host_console_set_sink(host_console_sink_t sink, void *ctx);

/** @param listener gets the same, beside whoever shows it; NULL ends that. @context any task */
void host_console_set_listener(host_console_sink_t listener, void *ctx);

/** Keeps all that is printed, beside or instead of showing it. Starting again forgets it. */
void host_log_capture_start(bool also_print);
void host_log_capture_stop(void);

/** @return how many of the lines kept so far contain this text; "" counts all. @context any task */
size_t host_log_count(const char *text);

/** Copies what was kept, terminated, as much as fits. @return its full length */
size_t host_log_captured(char *buffer, size_t size);

#ifdef __cplusplus
}
#endif
