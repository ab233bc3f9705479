// SPDX-License-Identifier: Apache-2.0

// Memory dumps in the log, 16 bytes a line.

#include "esp_log_buffer.h"

#include <ctype.h>
#include "esp_log.h"

#define BYTES_PER_LINE 16

static uint16_t line_length(uint16_t left)
{
    return left < BYTES_PER_LINE ? left : BYTES_PER_LINE;
}

static char *put_hex(char *out, uint8_t byte)
{
    static const char digits[] = "0123456789abcdef";
    *out++ = digits[byte >> 4];
    *out++ = digits[byte & 15u];
    return out;
}

void esp_log_buffer_hex_internal(const char *tag, const void *buffer, uint16_t buff_len,
                                 esp_log_level_t level)
{
    const uint8_t *p = buffer;
    for (uint32_t at = 0; at < buff_len; at += BYTES_PER_LINE) {
        char line[BYTES_PER_LINE * 3 + 1];
        char *out = line;
        for (uint16_t i = 0; i < line_length((uint16_t)(buff_len - at)); i++) {
            out = put_hex(out, p[at + i]);
            *out++ = ' ';
        }
        *out = '\0';
        ESP_LOG_LEVEL(level, tag, "%s", line);
    }
}

void esp_log_buffer_char_internal(const char *tag, const void *buffer, uint16_t buff_len,
                                  esp_log_level_t level)
{
    const char *p = buffer;
    for (uint32_t at = 0; at < buff_len; at += BYTES_PER_LINE) {
        int n = line_length((uint16_t)(buff_len - at));
        ESP_LOG_LEVEL(level, tag, "%.*s", n, p + at);
    }
}

void esp_log_buffer_hexdump_internal(const char *tag, const void *buffer, uint16_t buff_len,
                                     esp_log_level_t level)
{
    const uint8_t *p = buffer;
    for (uint32_t at = 0; at < buff_len; at += BYTES_PER_LINE) {
        uint16_t n = line_length((uint16_t)(buff_len - at));
        char line[BYTES_PER_LINE * 4 + 8];
        char *out = line;
        for (uint16_t i = 0; i < BYTES_PER_LINE; i++) {
            if (i == BYTES_PER_LINE / 2) {
                *out++ = ' ';
            }
            if (i < n) {
                out = put_hex(out, p[at + i]);
            } else {
                *out++ = ' ';
                *out++ = ' ';
            }
            *out++ = ' ';
        }
        *out++ = ' ';
        *out++ = '|';
        for (uint16_t i = 0; i < n; i++) {
            *out++ = isprint(p[at + i]) ? (char)p[at + i] : '.';
        }
        *out++ = '|';
        *out = '\0';
        ESP_LOG_LEVEL(level, tag, "%p   %s", (const void *)(p + at), line);
    }
}
