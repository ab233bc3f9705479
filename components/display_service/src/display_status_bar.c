/* SPDX-License-Identifier: Apache-2.0 */
/* The status bar: title at the left, then from the right clock, memory, network and Bluetooth. */
#include "display_app/display_widgets.h"

#define HEIGHT  DISPLAY_STATUS_BAR_HEIGHT
#define MARGIN  8
#define SPACE   9 /* between two things at the right */
#define BARS    4
#define BAR_W   3
#define BAR_GAP 1

/** Four bars that grow; the lit ones in color. @return the width taken */
static int draw_network(display_canvas_t *canvas, int right, const display_status_bar_t *bar)
{
    const int width = BARS * BAR_W + (BARS - 1) * BAR_GAP;
    const display_color_t lit = bar->network_busy ? DISPLAY_COLOR_WARNING : DISPLAY_COLOR_TEXT;
    const int shown = bar->network_busy ? 1 : bar->network_bars;

    for (int i = 0; i < BARS; i++) {
        const int height = 3 + 3 * i;
        const display_rect_t box = {(int16_t)(right - width + i * (BAR_W + BAR_GAP)),
                                    (int16_t)(HEIGHT - 6 - height), BAR_W, (int16_t)height};
        display_canvas_rect(canvas, box, i < shown ? lit : DISPLAY_COLOR_RAISED, DISPLAY_OPAQUE);
    }
    return width;
}

/** The rune: a vertical line with two triangles. @return the width taken */
static int draw_bluetooth(display_canvas_t *canvas, int right, const display_status_bar_t *bar)
{
    const display_color_t color =
        bar->bluetooth_connected ? DISPLAY_COLOR_ACCENT : DISPLAY_COLOR_MUTED;
    const int x = right - 4;
    const int top = 6;
    const int bottom = HEIGHT - 6;
    static const int8_t corners[][2] = {{-4, 4}, {3, -3}, {0, -6}, {0, 6}, {3, 3}, {-4, -4}};
    const int y = (top + bottom) / 2;
    for (unsigned i = 1; i < sizeof(corners) / sizeof(corners[0]); i++) {
        display_canvas_line(canvas, x + corners[i - 1][0], y + corners[i - 1][1], x + corners[i][0],
                            y + corners[i][1], 1, color, DISPLAY_OPAQUE);
    }
    return 8;
}

/** A chip that fills up. @return the width taken */
static int draw_memory(display_canvas_t *canvas, int right, const display_status_bar_t *bar)
{
    static const display_color_t levels[] = {DISPLAY_COLOR_GOOD, DISPLAY_COLOR_WARNING,
                                             DISPLAY_COLOR_BAD};
    const unsigned level = bar->memory_level < 2 ? bar->memory_level : 2;
    const int used = bar->memory_percent < 100 ? bar->memory_percent : 100;
    const display_rect_t box = {(int16_t)(right - 22), 7, 22, 10};
    const display_rect_t room = display_rect_inset(box, 2);
    display_rect_t fill = room;

    fill.w = (int16_t)((room.w * used + 99) / 100);
    display_canvas_frame(canvas, box, 1, DISPLAY_COLOR_MUTED, DISPLAY_OPAQUE);
    display_canvas_rect(canvas, fill, levels[level], DISPLAY_OPAQUE);
    return box.w;
}

void display_status_bar_draw(display_canvas_t *canvas, const display_status_bar_t *bar)
{
    const display_rect_t all = {0, 0, (int16_t)canvas->width, HEIGHT};
    int right = canvas->width - MARGIN;

    display_canvas_rect(canvas, all, DISPLAY_COLOR_PANEL, DISPLAY_OPAQUE);
    if (bar->clock[0] != '\0') {
        const int width = display_text_width(&display_font_small, bar->clock);
        display_text_box(canvas,
                         (display_rect_t){(int16_t)(right - width), 0, (int16_t)width, HEIGHT},
                         DISPLAY_ALIGN_RIGHT, &display_font_small, DISPLAY_COLOR_TEXT, bar->clock);
        right -= width + SPACE;
    }
    right -= draw_memory(canvas, right, bar) + SPACE;
    if (bar->network) {
        right -= draw_network(canvas, right, bar) + SPACE;
    }
    if (bar->bluetooth) {
        right -= draw_bluetooth(canvas, right, bar) + SPACE;
    }
    display_text_box(canvas, (display_rect_t){MARGIN, 0, (int16_t)(right - MARGIN), HEIGHT},
                     DISPLAY_ALIGN_LEFT, &display_font_small, DISPLAY_COLOR_TEXT, bar->title);
}
