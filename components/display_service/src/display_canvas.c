/* SPDX-License-Identifier: Apache-2.0 */
/* The canvas itself, and what has straight edges. display_shapes.c has the round ones. */
#include "display_app/display_canvas.h"

#include <assert.h>

#include "display_canvas_internal.h"

/* Red and blue far enough apart from green that all three are multiplied at once. */
#define SPREAD_MASK 0x07E0F81Fu

display_color_t display_color_mix(display_color_t under, display_color_t over,
                                  display_alpha_t alpha)
{
    /* 0..32, since blue and red have five bits: exact at both ends. */
    const uint32_t share = ((uint32_t)alpha + 4) >> 3;
    const uint32_t below = (under | (uint32_t)under << 16) & SPREAD_MASK;
    const uint32_t above = (over | (uint32_t)over << 16) & SPREAD_MASK;
    const uint32_t mixed = ((below * (32 - share) + above * share) >> 5) & SPREAD_MASK;
    return (display_color_t)(mixed | mixed >> 16);
}

void display_canvas_init(display_canvas_t *canvas, display_color_t *pixels, unsigned width,
                         unsigned height, unsigned stride)
{
    assert(pixels != NULL && width - 1 < DISPLAY_CANVAS_MAX && height - 1 < DISPLAY_CANVAS_MAX);
    assert(stride >= width && stride <= UINT16_MAX);
    *canvas = (display_canvas_t){
        .pixels = pixels,
        .width = (uint16_t)width,
        .height = (uint16_t)height,
        .stride = (uint16_t)stride,
        .clip = {0, 0, (int16_t)width, (int16_t)height},
    };
}

void display_canvas_set_clip(display_canvas_t *canvas, const display_rect_t *clip)
{
    const display_rect_t all = {0, 0, (int16_t)canvas->width, (int16_t)canvas->height};
    canvas->clip = clip != NULL ? display_rect_intersect(all, *clip) : all;
}

display_rect_t display_canvas_open(display_canvas_t *canvas, display_rect_t rect)
{
    const display_rect_t inside = display_rect_intersect(rect, canvas->clip);
    display_damage_add(&canvas->damage, inside);
    return inside;
}

void display_canvas_span(display_canvas_t *canvas, display_rect_t clip, int left, int right, int y,
                         display_color_t color, display_alpha_t alpha)
{
    if (y < clip.y || y >= clip.y + clip.h) {
        return;
    }
    left = left > clip.x ? left : clip.x;
    right = right < clip.x + clip.w ? right : clip.x + clip.w;
    if (left >= right) {
        return;
    }
    display_color_t *pixel = display_canvas_at(canvas, left, y);
    display_color_t *const end = pixel + (right - left);
    if (alpha == DISPLAY_OPAQUE) {
        while (pixel < end) {
            *pixel++ = color;
        }
        return;
    }
    for (; pixel < end; pixel++) {
        *pixel = display_color_mix(*pixel, color, alpha);
    }
}

void display_canvas_rect(display_canvas_t *canvas, display_rect_t rect, display_color_t color,
                         display_alpha_t alpha)
{
    const display_rect_t inside = display_canvas_open(canvas, rect);
    for (int y = inside.y; y < inside.y + inside.h; y++) {
        display_canvas_span(canvas, inside, inside.x, inside.x + inside.w, y, color, alpha);
    }
}

void display_canvas_fill(display_canvas_t *canvas, display_color_t color)
{
    display_canvas_rect(canvas, canvas->clip, color, DISPLAY_OPAQUE);
}

void display_canvas_pixel(display_canvas_t *canvas, int x, int y, display_color_t color,
                          display_alpha_t alpha)
{
    if (display_rect_contains(canvas->clip, x, y)) {
        display_canvas_rect(canvas, (display_rect_t){(int16_t)x, (int16_t)y, 1, 1}, color, alpha);
    }
}

void display_canvas_gradient(display_canvas_t *canvas, display_rect_t rect, display_color_t top,
                             display_color_t bottom)
{
    const display_rect_t inside = display_canvas_open(canvas, rect);
    for (int y = inside.y; y < inside.y + inside.h; y++) {
        const int share = rect.h > 1 ? (y - rect.y) * DISPLAY_OPAQUE / (rect.h - 1) : 0;
        display_canvas_span(canvas, inside, inside.x, inside.x + inside.w, y,
                            display_color_mix(top, bottom, (display_alpha_t)share), DISPLAY_OPAQUE);
    }
}

void display_canvas_frame(display_canvas_t *canvas, display_rect_t rect, int thickness,
                          display_color_t color, display_alpha_t alpha)
{
    const int16_t t = (int16_t)thickness;
    if (thickness <= 0 || display_rect_empty(rect)) {
        return;
    }
    if (thickness >= (rect.w + 1) / 2 ||
        thickness >= (rect.h + 1) / 2) { /* its sides meet: no pixel twice */
        display_canvas_rect(canvas, rect, color, alpha);
        return;
    }
    const int16_t middle = (int16_t)(rect.h - 2 * t);
    const display_rect_t sides[] = {
        {rect.x, rect.y, rect.w, t},
        {rect.x, (int16_t)(rect.y + rect.h - t), rect.w, t},
        {rect.x, (int16_t)(rect.y + t), t, middle},
        {(int16_t)(rect.x + rect.w - t), (int16_t)(rect.y + t), t, middle},
    };
    for (unsigned i = 0; i < sizeof(sides) / sizeof(sides[0]); i++) {
        display_canvas_rect(canvas, sides[i], color, alpha);
    }
}

void display_canvas_image(display_canvas_t *canvas, int x, int y, const display_image_t *image,
                          display_alpha_t alpha)
{
    if (x < -DISPLAY_CANVAS_MAX || y < -DISPLAY_CANVAS_MAX || x > DISPLAY_CANVAS_MAX ||
        y > DISPLAY_CANVAS_MAX || image->width > DISPLAY_CANVAS_MAX ||
        image->height > DISPLAY_CANVAS_MAX) {
        return; /* no part of it could be visible, or it is none */
    }
    const display_rect_t whole = {(int16_t)x, (int16_t)y, (int16_t)image->width,
                                  (int16_t)image->height};
    const display_rect_t inside = display_canvas_open(canvas, whole);
    for (int row = inside.y; row < inside.y + inside.h; row++) {
        const uint32_t from = (uint32_t)(row - y) * image->width + (uint32_t)(inside.x - x);
        display_color_t *pixel = display_canvas_at(canvas, inside.x, row);
        for (uint32_t i = 0; i < (uint32_t)inside.w; i++) {
            const unsigned own = image->alpha != NULL ? image->alpha[from + i] : DISPLAY_OPAQUE;
            display_canvas_blend(pixel + i, image->pixels[from + i], own * alpha / DISPLAY_OPAQUE);
        }
    }
}
