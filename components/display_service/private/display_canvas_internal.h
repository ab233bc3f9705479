/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief What the files that draw share: spans of pixels inside of the clip. display_canvas.c
 */

#include "display_app/display_canvas.h"

/** The part of a rectangle that may be drawn to; noted as damage. */
display_rect_t display_canvas_open(display_canvas_t *canvas, display_rect_t rect);

/** The pixel (x,y), which must be inside of the canvas. */
static inline display_color_t *display_canvas_at(const display_canvas_t *canvas, int x, int y)
{
    return canvas->pixels + (uint32_t)y * canvas->stride + (uint32_t)x;
}

/** Lay a colour over one pixel. */
static inline void display_canvas_blend(display_color_t *pixel, display_color_t color,
                                        unsigned alpha)
{
    if (alpha >= DISPLAY_OPAQUE) {
        *pixel = color;
    } else if (alpha != 0) {
        *pixel = display_color_mix(*pixel, color, (display_alpha_t)alpha);
    }
}

/** Lay a colour over columns [left,right) of a row, inside of clip. */
void display_canvas_span(display_canvas_t *canvas, display_rect_t clip, int left, int right, int y,
                         display_color_t color, display_alpha_t alpha);
