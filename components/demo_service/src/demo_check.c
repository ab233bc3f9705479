/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "demo_internal.h"

#define LINE_MAX_BYTES 192

static bool s_colour;
static unsigned s_step;
static unsigned s_checks;
static unsigned s_failed;

static const char *colour(const char *code)
{
    return s_colour ? code : "";
}

#define BOLD   colour("\033[1m")
#define GREEN  colour("\033[32m")
#define RED    colour("\033[1;31m")
#define NORMAL colour("\033[0m")

void demo_check_begin(const demo_config_t *config)
{
    s_colour = config->colour;
    s_step = s_checks = s_failed = 0;
}

void demo_step(const char *title)
{
    printf("\n%s%2u  %s%s\n", BOLD, ++s_step, title, NORMAL);
}

/* Each line is one call of printf(): lines of the log come between, not inside. */
void demo_say(const char *format, ...)
{
    char line[LINE_MAX_BYTES];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    printf("           %s\n", line);
}

bool demo_check(bool ok, const char *format, ...)
{
    char line[LINE_MAX_BYTES];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    s_checks++;
    s_failed += !ok;
    printf("    %s%s%s %s\n", ok ? GREEN : RED, ok ? "[ ok ]" : "[FAIL]", NORMAL, line);
    return ok;
}

bool demo_check_end(void)
{
    const bool ok = s_checks != 0 && s_failed == 0;
    printf("\n%s%u of %u checks hold: %s%s\n", ok ? GREEN : RED, s_checks - s_failed, s_checks,
           ok ? "all that was claimed was seen" : "the demonstration FAILED", NORMAL);
    return ok;
}

const char *demo_time(int64_t us, char text[DEMO_TIME_BYTES])
{
    if (us < 1000) {
        snprintf(text, DEMO_TIME_BYTES, "%" PRId64 " us", us);
    } else if (us < 1000000) {
        snprintf(text, DEMO_TIME_BYTES, "%" PRId64 ".%02u ms", us / 1000,
                 (unsigned)(us % 1000 / 10));
    } else {
        snprintf(text, DEMO_TIME_BYTES, "%" PRId64 ".%02u s", us / 1000000,
                 (unsigned)(us % 1000000 / 10000));
    }
    return text;
}
