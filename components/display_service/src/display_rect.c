/* SPDX-License-Identifier: Apache-2.0 */
/* Rectangles, and the few of them that say what changed. */
#include "display_app/display_types.h"

static int least(int a, int b)
{
    return a < b ? a : b;
}

static int most(int a, int b)
{
    return a > b ? a : b;
}

static int32_t area(display_rect_t rect)
{
    return display_rect_empty(rect) ? 0 : (int32_t)rect.w * rect.h;
}

bool display_rect_empty(display_rect_t rect)
{
    return rect.w <= 0 || rect.h <= 0;
}

bool display_rect_contains(display_rect_t rect, int x, int y)
{
    return x >= rect.x && y >= rect.y && x < rect.x + rect.w && y < rect.y + rect.h;
}

display_rect_t display_rect_intersect(display_rect_t a, display_rect_t b)
{
    const int left = most(a.x, b.x);
    const int top = most(a.y, b.y);
    const int right = least(a.x + a.w, b.x + b.w);
    const int bottom = least(a.y + a.h, b.y + b.h);
    if (display_rect_empty(a) || display_rect_empty(b) || right <= left || bottom <= top) {
        return (display_rect_t){0};
    }
    return (display_rect_t){(int16_t)left, (int16_t)top, (int16_t)(right - left),
                            (int16_t)(bottom - top)};
}

display_rect_t display_rect_union(display_rect_t a, display_rect_t b)
{
    if (display_rect_empty(a) && display_rect_empty(b)) {
        return (display_rect_t){0};
    }
    if (display_rect_empty(a)) {
        return b;
    }
    if (display_rect_empty(b)) {
        return a;
    }
    const int left = least(a.x, b.x);
    const int top = least(a.y, b.y);
    return (display_rect_t){(int16_t)left, (int16_t)top,
                            (int16_t)(most(a.x + a.w, b.x + b.w) - left),
                            (int16_t)(most(a.y + a.h, b.y + b.h) - top)};
}

display_rect_t display_rect_inset(display_rect_t rect, int border)
{
    return (display_rect_t){(int16_t)(rect.x + border), (int16_t)(rect.y + border),
                            (int16_t)(rect.w - 2 * border), (int16_t)(rect.h - 2 * border)};
}

/** Pixels that a and b joined have more than the two of them. */
static int32_t cost_of_joining(display_rect_t a, display_rect_t b)
{
    return area(display_rect_union(a, b)) - area(a) - area(b) + area(display_rect_intersect(a, b));
}

static void remove_at(display_damage_t *damage, unsigned index)
{
    damage->rects[index] = damage->rects[--damage->count];
}

/** The rectangle that is joined with rect at the least cost. */
static unsigned cheapest(const display_damage_t *damage, display_rect_t rect, int32_t *cost)
{
    unsigned best = 0;
    *cost = INT32_MAX;
    for (unsigned i = 0; i < damage->count; i++) {
        const int32_t this_cost = cost_of_joining(damage->rects[i], rect);
        if (this_cost < *cost) {
            *cost = this_cost;
            best = i;
        }
    }
    return best;
}

void display_damage_add(display_damage_t *damage, display_rect_t rect)
{
    int32_t cost;

    if (display_rect_empty(rect)) {
        return;
    }
    /* Joining costs nothing where the union is covered anyway: one in the other, or side by side.
     * A joined one may swallow or touch further ones, so it is added like a new one. */
    for (;;) {
        const unsigned best = cheapest(damage, rect, &cost);
        if (damage->count == 0 || (cost > 0 && damage->count < DISPLAY_DAMAGE_RECTS)) {
            break;
        }
        rect = display_rect_union(rect, damage->rects[best]);
        remove_at(damage, best);
    }
    damage->rects[damage->count++] = rect;
}
