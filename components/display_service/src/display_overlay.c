/* SPDX-License-Identifier: Apache-2.0 */
/* The toast: one short text over everything, for a while. */
#include "display_internal.h"

#include <string.h>

#include "esp_timer.h"

#define DEFAULT_MS 2500u
#define LONGEST_MS 10000u

static char s_text[DISPLAY_TOAST_TEXT];
static int64_t s_until_us; /* 0 = there is none */

static display_rect_t box(void)
{
    return display_toast_box(display_screen_area(), s_text);
}

void display_overlay_begin(void)
{
    s_until_us = 0;
}

uint32_t display_overlay_show(const display_toast_t *toast)
{
    uint32_t ms = toast->duration_ms != 0 ? toast->duration_ms : DEFAULT_MS;
    ms = ms < LONGEST_MS ? ms : LONGEST_MS;
    if (s_until_us != 0) {
        display_screen_damage(box()); /* of the one before */
    }
    memcpy(s_text, toast->text, sizeof(s_text));
    s_text[sizeof(s_text) - 1] = '\0';
    s_until_us = esp_timer_get_time() + (int64_t)ms * 1000;
    display_screen_damage(box());
    return ms;
}

void display_overlay_update(void)
{
    if (s_until_us != 0 && esp_timer_get_time() >= s_until_us) {
        s_until_us = 0;
        display_screen_damage(box());
    }
}

void display_overlay_draw(display_canvas_t *screen)
{
    if (s_until_us != 0) {
        display_toast_draw(screen, box(), s_text);
    }
}
