/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "esp_log.h"

static char s_text[2048];

const char *fake_log_text(void)
{
    return s_text;
}

void fake_log_clear(void)
{
    s_text[0] = '\0';
}

uint32_t esp_log_timestamp(void)
{
    return 0;
}

void esp_log_write(esp_log_level_t level, const char *tag, const char *format, ...)
{
    const size_t used = strlen(s_text);
    va_list args;

    (void)level;
    (void)tag;
    va_start(args, format);
    vsnprintf(s_text + used, sizeof(s_text) - used, format, args);
    va_end(args);
}
