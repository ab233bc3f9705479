// SPDX-License-Identifier: Apache-2.0

// The board's serial console: standard output, a line at a time, and what tests keep of it.

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include "esp_rom_sys.h"
#include "host_heap.h"
#include "host_log.h"
#include "host_services.h"

#define SHORT_TEXT 512 // longer texts take memory of the PC, not of the board

// console lock: protects the sink and what is kept. Leaf lock.
static pthread_mutex_t s_lock = PTHREAD_MUTEX_INITIALIZER;
static host_console_sink_t s_sink;
static void *s_sink_ctx;
static host_console_sink_t s_listener;
static void *s_listener_ctx;
static bool s_capturing;
static bool s_also_print;
static char *s_kept;
static size_t s_kept_length;
static size_t s_kept_room;

static void keep_locked(const char *text, size_t length)
{
    if (s_kept_length + length + 1 > s_kept_room) {
        size_t room = (s_kept_length + length + 1) * 2;
        char *grown = host_libc_realloc(s_kept, room);
        if (grown == NULL) {
            return;
        }
        s_kept = grown;
        s_kept_room = room;
    }
    memcpy(s_kept + s_kept_length, text, length);
    s_kept_length += length;
    s_kept[s_kept_length] = '\0';
}

static void put(const char *text, size_t length)
{
    pthread_mutex_lock(&s_lock);
    if (s_capturing) {
        keep_locked(text, length);
    }
    if (!s_capturing || s_also_print) {
        if (s_sink != NULL) {
            s_sink(text, length, s_sink_ctx);
        } else {
            fwrite(text, 1, length, stdout);
        }
    }
    if (s_listener != NULL) {
        s_listener(text, length, s_listener_ctx);
    }
    pthread_mutex_unlock(&s_lock);
}

int host_console_vprintf(const char *format, va_list args)
{
    char small[SHORT_TEXT];
    va_list again;
    va_copy(again, args);
    int length = vsnprintf(small, sizeof(small), format, args);
    if (length >= 0 && (size_t)length < sizeof(small)) {
        put(small, (size_t)length);
    } else if (length > 0) {
        char *large = host_libc_malloc((size_t)length + 1);
        if (large != NULL) {
            vsnprintf(large, (size_t)length + 1, format, again);
            put(large, (size_t)length);
            host_libc_free(large);
        }
    }
    va_end(again);
    return length;
}

int esp_rom_vprintf(const char *fmt, va_list ap)
{
    return host_console_vprintf(fmt, ap);
}

int esp_rom_printf(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int length = host_console_vprintf(fmt, args);
    va_end(args);
    return length;
}

void host_console_set_sink(host_console_sink_t sink, void *ctx)
{
    pthread_mutex_lock(&s_lock);
    s_sink = sink;
    s_sink_ctx = ctx;
    pthread_mutex_unlock(&s_lock);
}

void host_console_set_listener(host_console_sink_t listener, void *ctx)
{
    pthread_mutex_lock(&s_lock);
    s_listener = listener;
    s_listener_ctx = ctx;
    pthread_mutex_unlock(&s_lock);
}

void host_log_capture_start(bool also_print)
{
    pthread_mutex_lock(&s_lock);
    s_capturing = true;
    s_also_print = also_print;
    s_kept_length = 0;
    pthread_mutex_unlock(&s_lock);
}

void host_log_capture_stop(void)
{
    pthread_mutex_lock(&s_lock);
    s_capturing = false;
    pthread_mutex_unlock(&s_lock);
}

size_t host_log_count(const char *text)
{
    size_t count = 0;
    size_t length = strlen(text);
    pthread_mutex_lock(&s_lock);
    for (size_t at = 0; at < s_kept_length;) {
        const char *line = s_kept + at;
        const char *end = memchr(line, '\n', s_kept_length - at);
        size_t n = end != NULL ? (size_t)(end - line) : s_kept_length - at;
        if (length == 0 || memmem(line, n, text, length) != NULL) {
            count++;
        }
        at += n + 1;
    }
    pthread_mutex_unlock(&s_lock);
    return count;
}

size_t host_log_captured(char *buffer, size_t size)
{
    pthread_mutex_lock(&s_lock);
    size_t length = s_kept_length;
    if (size > 0) {
        size_t n = length < size - 1 ? length : size - 1;
        if (n > 0) {
            memcpy(buffer, s_kept, n);
        }
        buffer[n] = '\0';
    }
    pthread_mutex_unlock(&s_lock);
    return length;
}
