// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdarg.h>
#include <stdint.h>
#include "esp_log_level.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef int (*vprintf_like_t)(const char *, va_list);

/**
 * Sends all further log lines through func instead of to standard output. One call is one line.
 * func may be called from several tasks at once.
 * @return the function used until now
 */
vprintf_like_t esp_log_set_vprintf(vprintf_like_t func);

/**
 * Prints format if the tag's run-time level allows it. Adds nothing to the format: the ESP_LOGx
 * macros put letter, time, tag and newline there.
 * @context any task; blocks on the log's lock
 */
void esp_log_write(esp_log_level_t level, const char *tag, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

void esp_log_writev(esp_log_level_t level, const char *tag, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));

#ifdef __cplusplus
}
#endif
