/* SPDX-License-Identifier: Apache-2.0 */
/* Label, button, progress and toast; display_list.c and display_status_bar.c have the others. */
#include "display_app/display_widgets.h"

#define CORNER        8
#define TOAST_MARGIN  12
#define TOAST_HEIGHT  34 /* of one line */
#define TOAST_PADDING 8  /* above and below several */

void display_label_draw(display_canvas_t *canvas, const display_label_t *label)
{
    display_canvas_rect(canvas, label->box, label->background, DISPLAY_OPAQUE);
    display_text_box(canvas, label->box, label->align, label->font, label->color, label->text);
}

void display_button_draw(display_canvas_t *canvas, const display_button_t *button)
{
    display_color_t face = button->color != 0 ? button->color : DISPLAY_COLOR_RAISED;
    display_color_t text = DISPLAY_COLOR_TEXT;

    if (button->disabled) {
        face = DISPLAY_COLOR_PANEL;
        text = DISPLAY_COLOR_MUTED;
    } else if (button->pressed) {
        face = display_color_mix(face, DISPLAY_COLOR_TEXT, 64);
    }
    display_canvas_round_rect(canvas, button->box, CORNER, face, DISPLAY_OPAQUE);
    display_text_box(canvas, display_rect_inset(button->box, 4), DISPLAY_ALIGN_CENTER,
                     &display_font_small, text, button->text);
}

bool display_button_hit(const display_button_t *button, int x, int y)
{
    return !button->disabled && display_rect_contains(button->box, x, y);
}

void display_progress_draw(display_canvas_t *canvas, display_rect_t box, unsigned permille,
                           display_color_t color)
{
    const int radius = box.h / 2;
    permille = permille < 1000 ? permille : 1000;
    display_canvas_round_rect(canvas, box, radius, DISPLAY_COLOR_RAISED, DISPLAY_OPAQUE);
    if (permille != 0) { /* never less than its round ends, so that a little is seen */
        const int all = box.w - box.h;
        display_rect_t done = box;
        done.w = (int16_t)(box.h + all * (int)permille / 1000);
        display_canvas_round_rect(canvas, done, radius, color, DISPLAY_OPAQUE);
    }
}

/** Pixels that a toast's text takes when it is broken into lines; nothing is drawn. */
static int lines_height(const char *text, int width)
{
    display_canvas_t nowhere = {0};
    return display_text_paragraph(&nowhere, (display_rect_t){0, 0, (int16_t)width, 0},
                                  &display_font_small, 0, text);
}

display_rect_t display_toast_box(display_rect_t screen, const char *text)
{
    const int most = screen.w - 2 * TOAST_MARGIN;
    int width = display_text_width(&display_font_small, text) + TOAST_HEIGHT;
    int height = TOAST_HEIGHT;
    if (width > most) {
        width = most;
        height = lines_height(text, most - TOAST_HEIGHT) + 2 * TOAST_PADDING;
    }
    return (display_rect_t){
        (int16_t)(screen.x + (screen.w - width) / 2),
        (int16_t)(screen.y + screen.h - height - TOAST_MARGIN),
        (int16_t)width,
        (int16_t)height,
    };
}

void display_toast_draw(display_canvas_t *canvas, display_rect_t box, const char *text)
{
    display_rect_t lines = {(int16_t)(box.x + TOAST_HEIGHT / 2), box.y,
                            (int16_t)(box.w - TOAST_HEIGHT), box.h};
    display_canvas_round_rect(canvas, box, TOAST_HEIGHT / 2, DISPLAY_COLOR_TEXT, DISPLAY_OPAQUE);
    if (box.h <= TOAST_HEIGHT) {
        display_text_box(canvas, lines, DISPLAY_ALIGN_CENTER, &display_font_small,
                         DISPLAY_COLOR_BACKGROUND, text);
    } else {
        lines.y = (int16_t)(lines.y + TOAST_PADDING);
        lines.h = (int16_t)(lines.h - TOAST_PADDING);
        (void)display_text_paragraph(canvas, lines, &display_font_small, DISPLAY_COLOR_BACKGROUND,
                                     text);
    }
}
