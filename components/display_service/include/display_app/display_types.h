/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief Colours, rectangles and images: what everything that draws has in common.
 *
 * Coordinates are pixels; x grows to the right, y downwards, (0,0) is the upper left pixel.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** RGB565: red in bits 15..11, green in 10..5, blue in 4..0; in the byte order of the processor. */
typedef uint16_t display_color_t;

/** A colour from 0..255 each of red, green and blue. */
#define DISPLAY_RGB(r, g, b)                                                                       \
    ((display_color_t)((((unsigned)(r)&0xF8u) << 8) | (((unsigned)(g)&0xFCu) << 3) |               \
                       (((unsigned)(b)&0xFFu) >> 3)))

/** How much of a colour is laid over what is there: 0 nothing, DISPLAY_OPAQUE all. */
typedef uint8_t display_alpha_t;
#define DISPLAY_OPAQUE 255

/** A rectangle of pixels; empty when w or h is not positive. */
typedef struct {
    int16_t x;
    int16_t y;
    int16_t w;
    int16_t h;
} display_rect_t;

/** The pixels that two rectangles share; empty when there are none. @context any  @blocks never */
display_rect_t display_rect_intersect(display_rect_t a, display_rect_t b);

/** The smallest rectangle with both in it; an empty one adds nothing. @context any  @blocks never
 */
display_rect_t display_rect_union(display_rect_t a, display_rect_t b);

/** @context any  @blocks never */
bool display_rect_empty(display_rect_t rect);

/** @context any  @blocks never */
bool display_rect_contains(display_rect_t rect, int x, int y);

/** The rectangle without a border of so many pixels. @context any  @blocks never */
display_rect_t display_rect_inset(display_rect_t rect, int border);

/** What changed: a few rectangles that together hold every changed pixel. All zero is nothing. */
#define DISPLAY_DAMAGE_RECTS 8
typedef struct {
    uint16_t count;
    display_rect_t rects[DISPLAY_DAMAGE_RECTS];
} display_damage_t;

/** Add a rectangle. When there are too many, those are joined that cost the fewest extra pixels.
 *  @context any  @blocks never */
void display_damage_add(display_damage_t *damage, display_rect_t rect);

/** A picture in memory. */
typedef struct {
    uint16_t width;
    uint16_t height;
    const display_color_t *pixels; /**< width * height, row by row */
    const display_alpha_t *alpha;  /**< one for each pixel; NULL = all opaque */
} display_image_t;

#ifdef __cplusplus
}
#endif
