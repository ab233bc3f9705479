/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What has round edges. A pixel is covered as far as its middle is inside of the edge: 1/2 on it,
 * all from half a pixel inside, nothing from half a pixel outside. Only pixels near an edge are
 * measured; what lies between is filled in whole spans.
 */
#include <math.h>

#include "display_canvas_internal.h"

#define DEGREE 0.01745329252f

/** How much of the pixel is covered, 0..alpha, when its middle is so far inside of the edge. */
static unsigned covered(float inside, display_alpha_t alpha)
{
    const float share = inside + 0.5f;
    if (share <= 0.0f) {
        return 0;
    }
    return share >= 1.0f ? alpha : (unsigned)(share * (float)alpha + 0.5f);
}

/** A box that any coordinates fit in, also sums of them; outside of a canvas's reach nothing is
 * seen anyway. */
static display_rect_t box_of(int64_t left, int64_t top, int64_t right, int64_t bottom)
{
    const int limit = 2 * DISPLAY_CANVAS_MAX;
    left = left < -limit ? -limit : left;
    top = top < -limit ? -limit : top;
    right = right > limit ? limit : right;
    bottom = bottom > limit ? limit : bottom;
    if (right <= left || bottom <= top) {
        return (display_rect_t){0};
    }
    return (display_rect_t){(int16_t)left, (int16_t)top, (int16_t)(right - left),
                            (int16_t)(bottom - top)};
}

static display_rect_t box_around(int64_t x, int64_t y, int64_t radius)
{
    return box_of(x - radius - 1, y - radius - 1, x + radius + 2, y + radius + 2);
}

/* ---- round rectangles and circles --------------------------------------------------------------
 */

/** One row of a corner, from the outside in: how many columns are not fully covered. */
static int corner_row(int radius, float dy, display_alpha_t alpha, uint8_t *cover, int room)
{
    int partial = 0;
    for (int column = 0; column < radius && column < room; column++) {
        const float dx = (float)radius - (float)column - 0.5f;
        const unsigned here = covered((float)radius - sqrtf(dx * dx + dy * dy), alpha);
        if (here == alpha) {
            break;
        }
        cover[column] = (uint8_t)here;
        partial = column + 1;
    }
    return partial;
}

void display_canvas_round_rect(display_canvas_t *canvas, display_rect_t rect, int radius,
                               display_color_t color, display_alpha_t alpha)
{
    uint8_t cover[DISPLAY_CANVAS_MAX / 16];
    const int half = (rect.w < rect.h ? rect.w : rect.h) / 2;

    radius = radius < half ? radius : half;
    radius = radius < (int)sizeof(cover) ? radius : (int)sizeof(cover);
    const display_rect_t inside = display_canvas_open(canvas, rect);
    for (int y = inside.y; y < inside.y + inside.h; y++) {
        const int from_top = y - rect.y;
        const int from_bottom = rect.y + rect.h - 1 - y;
        const int row = from_top < from_bottom ? from_top : from_bottom;
        int partial = 0;
        if (row < radius) {
            partial = corner_row(radius, (float)radius - (float)row - 0.5f, alpha, cover,
                                 (int)sizeof(cover));
        }
        const int left = rect.x + partial;
        const int right = rect.x + rect.w - partial;
        display_canvas_span(canvas, inside, left, right, y, color, alpha);
        for (int column = 0; column < partial; column++) {
            const display_alpha_t here = cover[column];
            display_canvas_span(canvas, inside, rect.x + column, rect.x + column + 1, y, color,
                                here);
            display_canvas_span(canvas, inside, rect.x + rect.w - 1 - column,
                                rect.x + rect.w - column, y, color, here);
        }
    }
}

void display_canvas_circle(display_canvas_t *canvas, int x, int y, int radius,
                           display_color_t color, display_alpha_t alpha)
{
    if (radius < 0) {
        return;
    }
    const display_rect_t box = box_around(x, y, radius);
    const display_rect_t inside = display_canvas_open(canvas, box);
    const float edge = (float)radius + 0.5f;
    for (int row = inside.y; row < inside.y + inside.h; row++) {
        const float dy = (float)row - (float)y;
        display_color_t *pixel = display_canvas_at(canvas, inside.x, row);
        for (int column = inside.x; column < inside.x + inside.w; column++, pixel++) {
            const float dx = (float)column - (float)x;
            display_canvas_blend(pixel, color, covered(edge - sqrtf(dx * dx + dy * dy), alpha));
        }
    }
}

/* ---- lines and arcs ----------------------------------------------------------------------------
 */

void display_canvas_line(display_canvas_t *canvas, int x0, int y0, int x1, int y1, int thickness,
                         display_color_t color, display_alpha_t alpha)
{
    const int64_t reach = thickness / 2 + 2;
    if (thickness <= 0) {
        return;
    }
    const display_rect_t box =
        box_of((x0 < x1 ? x0 : x1) - reach, (y0 < y1 ? y0 : y1) - reach,
               (x0 > x1 ? x0 : x1) + reach + 1, (y0 > y1 ? y0 : y1) + reach + 1);
    const display_rect_t inside = display_canvas_open(canvas, box);
    const float dx = (float)x1 - (float)x0;
    const float dy = (float)y1 - (float)y0;
    const float length2 = dx * dx + dy * dy;
    const float half = (float)thickness / 2.0f;

    for (int y = inside.y; y < inside.y + inside.h; y++) {
        display_color_t *pixel = display_canvas_at(canvas, inside.x, y);
        for (int x = inside.x; x < inside.x + inside.w; x++, pixel++) {
            const float px = (float)x - (float)x0;
            const float py = (float)y - (float)y0;
            float along = length2 > 0.0f ? (px * dx + py * dy) / length2 : 0.0f;
            along = along < 0.0f ? 0.0f : along > 1.0f ? 1.0f : along;
            const float ax = px - along * dx;
            const float ay = py - along * dy;
            const float near = half + 0.5f; /* beyond it nothing is covered: no root needed */
            const float distance2 = ax * ax + ay * ay;
            if (distance2 < near * near) {
                display_canvas_blend(pixel, color, covered(half - sqrtf(distance2), alpha));
            }
        }
    }
}

/** How far (dx,dy) is inside of the part of a ring that begins at (sx,sy) and ends at (ex,ey), both
 *  of length one; negative outside. */
static float inside_of_sweep(float dx, float dy, float sx, float sy, float ex, float ey, bool wide)
{
    const float after_start = sx * dy - sy * dx;
    const float before_end = dx * ey - dy * ex;
    if (wide) { /* more than half: outside is what is neither after the start nor before the end */
        return after_start > before_end ? after_start : before_end;
    }
    return after_start < before_end ? after_start : before_end;
}

void display_canvas_arc(display_canvas_t *canvas, int x, int y, int radius, int thickness,
                        int start_deg, int sweep_deg, display_color_t color, display_alpha_t alpha)
{
    if (radius < 0 || thickness <= 0 || sweep_deg <= 0) {
        return;
    }
    const display_rect_t box = box_around(x, y, radius);
    const display_rect_t inside = display_canvas_open(canvas, box);
    const float outer = (float)radius + 0.5f;
    const float inner = outer - (float)thickness;
    const float start = (float)(start_deg % 360) * DEGREE;
    const float end = start + (float)sweep_deg * DEGREE;
    const float sx = cosf(start), sy = sinf(start), ex = cosf(end), ey = sinf(end);

    for (int row = inside.y; row < inside.y + inside.h; row++) {
        display_color_t *pixel = display_canvas_at(canvas, inside.x, row);
        for (int column = inside.x; column < inside.x + inside.w; column++, pixel++) {
            const float dx = (float)column - (float)x;
            const float dy = (float)row - (float)y;
            const float distance = sqrtf(dx * dx + dy * dy);
            float depth = outer - distance;
            depth = distance - inner < depth ? distance - inner : depth;
            if (depth > -0.5f && sweep_deg < 360) {
                const float along = inside_of_sweep(dx, dy, sx, sy, ex, ey, sweep_deg > 180);
                depth = along < depth ? along : depth;
            }
            display_canvas_blend(pixel, color, covered(depth, alpha));
        }
    }
}
