/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two frames of the whole screen. `back` is drawn to, `front` is what the panel shows as far as we
 * know. Of what is damaged only the pixels that differ are transferred, and only what was
 * transferred is copied to `front`: a transfer that failed differs still and is tried again.
 */
#include "display_internal.h"

#include <string.h>

#include "sdkconfig.h"

#include "esp_attr.h"

#define PIXELS ((size_t)CONFIG_DISPLAY_WIDTH * CONFIG_DISPLAY_HEIGHT)

static EXT_RAM_BSS_ATTR display_color_t s_back_pixels[PIXELS];
static EXT_RAM_BSS_ATTR display_color_t s_front_pixels[PIXELS];

static display_canvas_t s_back;
static display_damage_t s_damage;
static bool s_front_known;
static uint32_t s_frames;

void display_screen_resize(uint16_t degrees)
{
    const bool across = degrees == 90 || degrees == 270;
    const unsigned width = across ? CONFIG_DISPLAY_HEIGHT : CONFIG_DISPLAY_WIDTH;
    const unsigned height = across ? CONFIG_DISPLAY_WIDTH : CONFIG_DISPLAY_HEIGHT;
    display_canvas_init(&s_back, s_back_pixels, width, height, width);
    s_damage.count = 0; /* of another shape: it may lie outside */
    display_screen_forget();
}

display_rect_t display_screen_area(void)
{
    return (display_rect_t){0, 0, (int16_t)s_back.width, (int16_t)s_back.height};
}

void display_screen_damage(display_rect_t rect)
{
    display_damage_add(&s_damage, display_rect_intersect(rect, display_screen_area()));
    display_service_wake();
}

void display_screen_forget(void)
{
    s_front_known = false;
    display_screen_damage(display_screen_area());
}

bool display_screen_is_damaged(void)
{
    return s_damage.count != 0;
}

static void draw(display_rect_t rect)
{
    const display_rect_t bar = {0, 0, rect.w > 0 ? (int16_t)s_back.width : 0, DISPLAY_TOP};
    const display_rect_t in_bar = display_rect_intersect(rect, bar);
    const display_rect_t body = {0, DISPLAY_TOP, (int16_t)s_back.width,
                                 (int16_t)(s_back.height - DISPLAY_TOP)};
    const display_rect_t in_body = display_rect_intersect(rect, body);

    if (!display_rect_empty(in_bar)) {
        display_canvas_set_clip(&s_back, &in_bar);
        display_status_draw(&s_back);
    }
    if (!display_rect_empty(in_body)) {
        display_canvas_set_clip(&s_back, &in_body);
        if (!display_surfaces_draw(&s_back)) {
            display_canvas_gradient(&s_back, body, DISPLAY_COLOR_PANEL, DISPLAY_COLOR_BACKGROUND);
            display_text_box(&s_back, body, DISPLAY_ALIGN_CENTER, &display_font_large,
                             DISPLAY_COLOR_MUTED, "Kraken-OS");
        }
        display_overlay_draw(&s_back);
    }
    s_back.damage.count = 0;
}

/** The smallest part of rect that holds every pixel in which the frames differ. */
static display_rect_t differing(display_rect_t rect)
{
    int left = rect.x + rect.w;
    int right = rect.x;
    int top = 0;
    int bottom = -1;

    for (int y = rect.y; y < rect.y + rect.h; y++) {
        const size_t row = (size_t)y * s_back.width;
        const display_color_t *back = s_back_pixels + row;
        const display_color_t *front = s_front_pixels + row;
        if (memcmp(back + rect.x, front + rect.x, (size_t)rect.w * sizeof(*back)) == 0) {
            continue;
        }
        int first = rect.x;
        int last = rect.x + rect.w - 1;
        while (back[first] == front[first]) {
            first++;
        }
        while (back[last] == front[last]) {
            last--;
        }
        left = first < left ? first : left;
        right = last > right ? last : right;
        top = bottom < 0 ? y : top;
        bottom = y;
    }
    if (bottom < 0) {
        return (display_rect_t){0};
    }
    return (display_rect_t){(int16_t)left, (int16_t)top, (int16_t)(right - left + 1),
                            (int16_t)(bottom - top + 1)};
}

static bool transfer(display_rect_t rect)
{
    const size_t first = (size_t)rect.y * s_back.width + (size_t)rect.x;
    if (display_panel_flush(rect, s_back_pixels + first, s_back.width) != ESP_OK) {
        return false;
    }
    for (int y = 0; y < rect.h; y++) {
        const size_t row = first + (size_t)y * s_back.width;
        memcpy(s_front_pixels + row, s_back_pixels + row, (size_t)rect.w * sizeof(display_color_t));
    }
    return true;
}

bool display_screen_present(void)
{
    const display_damage_t damage = s_damage;
    bool complete = true;
    bool changed = false;

    s_damage.count = 0;
    for (unsigned i = 0; i < damage.count; i++) {
        const display_rect_t rect = damage.rects[i];
        draw(rect);
        const display_rect_t part = s_front_known ? differing(rect) : rect;
        if (display_rect_empty(part)) {
            continue;
        }
        changed = true;
        if (!display_panel_ready() || !transfer(part)) {
            s_front_known = false;
            display_damage_add(&s_damage, rect);
            complete = false;
        }
    }
    /* One failure and what we know of the panel's memory is forgotten until all of it arrived: a
     * part may have, and what is drawn next may be what was there before. */
    if (complete) {
        s_front_known = true;
        display_panel_shown();
    }
    s_frames += changed && complete;
    return complete;
}

void display_screen_count(display_info_t *info)
{
    info->frames = s_frames;
}
