/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief Text in two sizes. Texts are UTF-8; what the font does not have, and every byte that is no
 *        UTF-8, shows as a crossed box.
 */

#include "display_app/display_canvas.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct display_font display_font_t;

extern const display_font_t display_font_small; /**< capitals are 12 pixels high */
extern const display_font_t display_font_large; /**< capitals are 20 pixels high */

/** Where a text stands in its box. */
typedef enum {
    DISPLAY_ALIGN_LEFT = 0,
    DISPLAY_ALIGN_CENTER,
    DISPLAY_ALIGN_RIGHT,
} display_align_t;

/* All of the following: @context any  @blocks never. */

/** Pixels from the start of a text to where the next one would begin. */
int display_text_width(const display_font_t *font, const char *text);

/** Pixels from the top of the highest letter to the bottom of the lowest. */
int display_text_height(const display_font_t *font);

/** How high a capital is: what a line of text is centred by. */
int display_text_cap_height(const display_font_t *font);

/** Draw a text with its baseline at y. @return where the next one would begin */
int display_text_draw(display_canvas_t *canvas, int x, int y, const display_font_t *font,
                      display_color_t color, const char *text);

/** Draw one line into a box, centred by the height of its capitals; one that does not fit ends in
 *  an ellipsis. Nothing is drawn outside of the box. */
void display_text_box(display_canvas_t *canvas, display_rect_t box, display_align_t align,
                      const display_font_t *font, display_color_t color, const char *text);

/** Draw a text into a box from its top, broken into lines at spaces. @return pixels that the lines
 *  take from the top, also of those that do not fit */
int display_text_paragraph(display_canvas_t *canvas, display_rect_t box, const display_font_t *font,
                           display_color_t color, const char *text);

#ifdef __cplusplus
}
#endif
