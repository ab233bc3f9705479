/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The screen: the folder above, and a panel with what plays. Only what changed is drawn, so that a
 * level twenty times a second costs two bars and not a picture.
 */
#include <stdio.h>

#include "music.h"

#define MARGIN     8
#define PANEL_H    132
#define ROW_H      36
#define BUTTON_H   40
#define METER_H    6
#define PROGRESS_H 8
#define TEXT_H     20
#define ICON       8 /* half of one */
#define BLOCKS     24
#define DB_SHOWN   48   /* the meter begins so far below full scale */
#define OWED_MS    2000 /* after a commit that failed */

/* ---- where things are --------------------------------------------------------------------------
 */

void music_screen_lay_out(music_screen_t *screen, music_list_t *list)
{
    const display_canvas_t *canvas = &screen->surface.canvas;
    const int16_t width = (int16_t)(canvas->width - 2 * MARGIN);
    const int16_t top = (int16_t)(canvas->height - PANEL_H);
    const int16_t third = (int16_t)((width - 2 * MARGIN) / 3);
    const int16_t y = (int16_t)(canvas->height - MARGIN - BUTTON_H);
    list->list.row_height = ROW_H;
    list->list.box = (display_rect_t){MARGIN, MARGIN, width, (int16_t)(top - 2 * MARGIN)};
    screen->panel = (display_rect_t){0, top, (int16_t)canvas->width, PANEL_H};
    screen->progress =
        (display_rect_t){MARGIN, (int16_t)(top + MARGIN + TEXT_H + 22), width, PROGRESS_H};
    for (int16_t i = 0; i < 3; i++) {
        screen->buttons[i] =
            (display_rect_t){(int16_t)(MARGIN + i * (third + MARGIN)), y, third, BUTTON_H};
    }
}

uint16_t music_screen_level(uint16_t peak)
{
    /* Decibels by halves: 6 for each bit, and a straight line in between. */
    if (peak == 0) {
        return 0;
    }
    unsigned bits = 0;
    while (peak >> (bits + 1) != 0) {
        bits++;
    }
    const unsigned below = ((unsigned)peak << 8 >> bits) - 256; /* 0..255 of the way */
    const int quarters = (int)(bits * 256 + below) - 7 * 256;   /* 7 bits: 48 dB down */
    return quarters > 0 ? (uint16_t)(quarters * 1000 / (DB_SHOWN * 256 / 6)) : 0;
}

/* ---- pictures on buttons -----------------------------------------------------------------------
 */

/** A triangle that points to the right or, mirrored, to the left. */
static void draw_triangle(display_canvas_t *canvas, int x, int y, bool left, display_color_t color)
{
    for (int i = -ICON; i <= ICON; i++) {
        const int16_t width = (int16_t)((ICON - (i < 0 ? -i : i)) * 3 / 2 + 1);
        const display_rect_t row = {(int16_t)(left ? x + ICON - width : x - ICON), (int16_t)(y + i),
                                    width, 1};
        display_canvas_rect(canvas, row, color, DISPLAY_OPAQUE);
    }
}

static void draw_bar(display_canvas_t *canvas, int x, int y, display_color_t color)
{
    const display_rect_t bar = {(int16_t)x, (int16_t)(y - ICON), 4, 2 * ICON + 1};
    display_canvas_rect(canvas, bar, color, DISPLAY_OPAQUE);
}

static void draw_buttons(display_canvas_t *canvas, const music_screen_t *screen,
                         const music_state_t *state)
{
    const display_color_t ink = DISPLAY_COLOR_TEXT;
    for (unsigned i = 0; i < 3; i++) {
        const display_rect_t box = screen->buttons[i];
        const int x = box.x + box.w / 2;
        const int y = box.y + box.h / 2;
        const display_button_t face = {
            .box = box, .text = "", .color = i == 1 ? DISPLAY_COLOR_ACCENT : 0};
        display_button_draw(canvas, &face);
        if (i == 0) {
            draw_bar(canvas, x - ICON - 1, y, ink);
            draw_triangle(canvas, x + 2, y, true, ink);
        } else if (i == 2) {
            draw_triangle(canvas, x - 2, y, false, ink);
            draw_bar(canvas, x + ICON - 2, y, ink);
        } else if (state->mode == MUSIC_PLAYING) {
            draw_bar(canvas, x - 7, y, ink);
            draw_bar(canvas, x + 3, y, ink);
        } else {
            draw_triangle(canvas, x + 2, y, false, ink);
        }
    }
}

/* ---- what moves --------------------------------------------------------------------------------
 */

static void draw_meter(display_canvas_t *canvas, const music_screen_t *screen)
{
    const int16_t top = (int16_t)(screen->panel.y + MARGIN + TEXT_H + 2);
    const int width = screen->progress.w + 2; /* a gap of 2 behind each but the last one */
    for (int16_t side = 0; side < 2; side++) {
        for (int16_t i = 0; i < BLOCKS; i++) {
            const int from = i * width / BLOCKS;
            const display_rect_t block = {(int16_t)(screen->progress.x + from),
                                          (int16_t)(top + side * (METER_H + 2)),
                                          (int16_t)((i + 1) * width / BLOCKS - from - 2), METER_H};
            const display_color_t lit = i >= BLOCKS - 2   ? DISPLAY_COLOR_BAD
                                        : i >= BLOCKS - 6 ? DISPLAY_COLOR_WARNING
                                                          : DISPLAY_COLOR_GOOD;
            const bool on = screen->level[side] * BLOCKS > (unsigned)i * 1000;
            display_canvas_rect(canvas, block, on ? lit : DISPLAY_COLOR_RAISED, DISPLAY_OPAQUE);
        }
    }
}

static void put_time(char *text, size_t size, uint32_t ms)
{
    const unsigned seconds = (unsigned)(ms / 1000);
    if (seconds < 3600) {
        (void)snprintf(text, size, "%u:%02u", seconds / 60, seconds % 60);
    } else {
        (void)snprintf(text, size, "%u:%02u:%02u", seconds / 3600, seconds / 60 % 60, seconds % 60);
    }
}

static void draw_progress(display_canvas_t *canvas, const music_screen_t *screen,
                          const music_state_t *state)
{
    char texts[3][24];
    const display_rect_t bar = screen->progress;
    const uint32_t length = state->length_ms;
    const uint32_t at = length != 0 && state->position_ms > length ? length : state->position_ms;
    const display_rect_t back = {bar.x, bar.y, bar.w, (int16_t)(bar.h + 2 + TEXT_H)};
    display_canvas_rect(canvas, back, DISPLAY_COLOR_PANEL, DISPLAY_OPAQUE);
    display_progress_draw(canvas, bar, length != 0 ? (unsigned)((uint64_t)at * 1000 / length) : 0,
                          DISPLAY_COLOR_ACCENT);
    put_time(texts[0], sizeof(texts[0]), at);
    (void)snprintf(texts[1], sizeof(texts[1]), "volume %u", state->volume);
    put_time(texts[2], sizeof(texts[2]), length);
    for (unsigned i = 0; i < 3; i++) {
        static const display_align_t align[] = {DISPLAY_ALIGN_LEFT, DISPLAY_ALIGN_CENTER,
                                                DISPLAY_ALIGN_RIGHT};
        const display_rect_t line = {bar.x, (int16_t)(bar.y + bar.h + 2), bar.w, TEXT_H};
        if (i < 2 || length != 0) {
            display_text_box(canvas, line, align[i], &display_font_small, DISPLAY_COLOR_MUTED,
                             texts[i]);
        }
    }
}

/* ---- all of it ---------------------------------------------------------------------------------
 */

static void draw_title(display_canvas_t *canvas, const music_screen_t *screen,
                       const music_list_t *list, const music_state_t *state)
{
    char title[MUSIC_TITLE] = "Choose something to play";
    display_color_t color = DISPLAY_COLOR_MUTED;
    if (list->playing[0] != '\0') {
        music_list_title(list->playing, title);
        color = state->error == ESP_OK ? DISPLAY_COLOR_TEXT : DISPLAY_COLOR_BAD;
    }
    const display_rect_t line = {MARGIN, (int16_t)(screen->panel.y + MARGIN - 2),
                                 (int16_t)(screen->panel.w - 2 * MARGIN), TEXT_H};
    display_text_box(canvas, line, DISPLAY_ALIGN_LEFT, &display_font_small, color, title);
}

static void draw_all(display_canvas_t *canvas, const music_screen_t *screen,
                     const music_list_t *list, const music_state_t *state)
{
    display_canvas_fill(canvas, DISPLAY_COLOR_BACKGROUND);
    if (list->list.count != 0) {
        display_list_draw(canvas, &list->list);
    } else {
        const char *why = list->error == ESP_OK              ? "There is no music in here"
                          : list->error == ESP_ERR_NOT_FOUND ? "There is no card with music"
                                                             : "The card cannot be read";
        display_text_box(canvas, list->list.box, DISPLAY_ALIGN_CENTER, &display_font_small,
                         DISPLAY_COLOR_MUTED, why);
    }
    display_canvas_rect(canvas, screen->panel, DISPLAY_COLOR_PANEL, DISPLAY_OPAQUE);
    draw_title(canvas, screen, list, state);
    draw_buttons(canvas, screen, state);
}

void music_screen_draw(app_context_t *ctx, music_screen_t *screen, music_list_t *list,
                       const music_state_t *state, unsigned parts, int64_t now_us)
{
    esp_err_t ret;
    if (!screen->open || !screen->shown || (screen->owed && now_us < screen->owed_us)) {
        return;
    }
    parts |= screen->owed ? MUSIC_DRAW_ALL : 0;
    do {
        display_canvas_t *canvas = &screen->surface.canvas;
        if ((parts & MUSIC_DRAW_ALL) != 0) {
            music_screen_lay_out(screen, list);
            display_list_select(&list->list, list->list.selected);
            draw_all(canvas, screen, list, state);
            parts |= MUSIC_DRAW_METER | MUSIC_DRAW_PROGRESS;
        }
        if ((parts & MUSIC_DRAW_METER) != 0) {
            draw_meter(canvas, screen);
        }
        if ((parts & MUSIC_DRAW_PROGRESS) != 0) {
            draw_progress(canvas, screen, state);
        }
        ret = display_surface_commit(ctx, &screen->surface);
        parts |= ret == ESP_ERR_INVALID_SIZE ? MUSIC_DRAW_ALL : 0; /* turned meanwhile */
    } while (ret == ESP_ERR_INVALID_SIZE);
    /* A service that hangs costs the time of a request each time: hands come first. */
    screen->owed = ret != ESP_OK;
    screen->owed_us = now_us + OWED_MS * 1000LL;
}
