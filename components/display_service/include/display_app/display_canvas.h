/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief Drawing into memory: shapes, images and text, with alpha, clipping and smooth edges.
 *
 * A canvas is a view of pixels that belong to somebody else, a clip rectangle, and a note of what
 * was changed. Everything here computes and returns: no allocation, no waiting, no lock. Whatever
 * lies outside of the clip is not drawn, so any coordinates are allowed. One canvas is for one task
 * at a time.
 */

#include "display_app/display_types.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Largest width or height of a canvas. */
#define DISPLAY_CANVAS_MAX 4096

/** Made by display_canvas_init(); read its fields, change them by the functions below. */
typedef struct {
    display_color_t *pixels;
    uint16_t width;
    uint16_t height;
    uint16_t stride;         /**< pixels from one row to the next */
    display_rect_t clip;     /**< always inside of the canvas */
    display_damage_t damage; /**< what was drawn to since it was last cleared */
} display_canvas_t;

/**
 * @brief View width * height pixels as a canvas, with the clip around all of it and no damage.
 * @context any  @blocks never  @owns pixels stay the caller's
 * @param[in] width, height 1..DISPLAY_CANVAS_MAX
 * @param[in] stride        at least width
 */
void display_canvas_init(display_canvas_t *canvas, display_color_t *pixels, unsigned width,
                         unsigned height, unsigned stride);

/** Draw only inside of clip from now on; NULL = everywhere. @context any  @blocks never */
void display_canvas_set_clip(display_canvas_t *canvas, const display_rect_t *clip);

/* All of the following: @context any  @blocks never. A size that is not positive draws nothing. */

/** The whole clip in one colour. */
void display_canvas_fill(display_canvas_t *canvas, display_color_t color);

void display_canvas_pixel(display_canvas_t *canvas, int x, int y, display_color_t color,
                          display_alpha_t alpha);

/** A filled rectangle. */
void display_canvas_rect(display_canvas_t *canvas, display_rect_t rect, display_color_t color,
                         display_alpha_t alpha);

/** A filled rectangle that fades from one colour at the top to another one at the bottom. */
void display_canvas_gradient(display_canvas_t *canvas, display_rect_t rect, display_color_t top,
                             display_color_t bottom);

/** The border of a rectangle, thickness pixels inwards. */
void display_canvas_frame(display_canvas_t *canvas, display_rect_t rect, int thickness,
                          display_color_t color, display_alpha_t alpha);

/** A filled rectangle with round corners; radius 0 = square ones, at most half of a side. */
void display_canvas_round_rect(display_canvas_t *canvas, display_rect_t rect, int radius,
                               display_color_t color, display_alpha_t alpha);

/** A line with round ends, thickness pixels wide, from the middle of one pixel to another's. */
void display_canvas_line(display_canvas_t *canvas, int x0, int y0, int x1, int y1, int thickness,
                         display_color_t color, display_alpha_t alpha);

/** A filled circle around the middle of the pixel (x,y). */
void display_canvas_circle(display_canvas_t *canvas, int x, int y, int radius,
                           display_color_t color, display_alpha_t alpha);

/**
 * @brief A part of a ring around the middle of the pixel (x,y), thickness pixels inwards.
 * @param[in] start_deg where it begins: 0 = to the right, 90 = below
 * @param[in] sweep_deg how far it goes on clockwise; 360 and more = all of it
 */
void display_canvas_arc(display_canvas_t *canvas, int x, int y, int radius, int thickness,
                        int start_deg, int sweep_deg, display_color_t color, display_alpha_t alpha);

/** A picture with its upper left pixel at (x,y); alpha applies to the whole. */
void display_canvas_image(display_canvas_t *canvas, int x, int y, const display_image_t *image,
                          display_alpha_t alpha);

/** Two colours mixed: alpha of over, the rest of under. */
display_color_t display_color_mix(display_color_t under, display_color_t over,
                                  display_alpha_t alpha);

#ifdef __cplusplus
}
#endif
