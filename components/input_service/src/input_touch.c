/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A finger on the screen. It taps until it leaves the place where it came down; from there on it
 * drags. A drag that was quick, long enough and straight was a swipe, too.
 */
#include "input_internal.h"

#include <stdlib.h>
#include <string.h>

void input_touch_reset(input_touch_t *touch)
{
    memset(touch, 0, sizeof(*touch));
}

static void tell(const input_touch_t *touch, input_out_t what, input_gesture_t gesture,
                 int64_t at_us, input_sink_t sink)
{
    input_event_t event = {
        .button = INPUT_TOUCH,
        .gesture = (uint8_t)gesture,
        .x = touch->x,
        .y = touch->y,
        .held_ms = (uint32_t)((at_us - touch->down_us) / 1000),
        .edge_us = at_us,
    };
    if (gesture == INPUT_GESTURE_DRAG) {
        event.dx = (int16_t)(touch->x - touch->told_x);
        event.dy = (int16_t)(touch->y - touch->told_y);
    } else if (gesture >= INPUT_GESTURE_DROP) {
        event.dx = (int16_t)(touch->x - touch->from_x);
        event.dy = (int16_t)(touch->y - touch->from_y);
    }
    sink(what, &event);
}

/** Tell a drag, if there is one that was not told. */
static void drag(input_touch_t *touch, int64_t at_us, input_sink_t sink)
{
    if (touch->x != touch->told_x || touch->y != touch->told_y) {
        tell(touch, INPUT_OUT_GESTURE, INPUT_GESTURE_DRAG, at_us, sink);
        touch->told_x = touch->x;
        touch->told_y = touch->y;
        touch->drag_us = at_us + INPUT_DRAG_US;
    }
}

static input_gesture_t swipe_of(const input_touch_t *touch, int64_t at_us)
{
    const int dx = touch->x - touch->from_x;
    const int dy = touch->y - touch->from_y;
    const int far = abs(dx) > abs(dy) ? abs(dx) : abs(dy);
    const int aside = abs(dx) > abs(dy) ? abs(dy) : abs(dx);
    if (at_us - touch->down_us > INPUT_SWIPE_US || far < CONFIG_INPUT_SWIPE_PX || aside * 2 > far) {
        return INPUT_GESTURE_NONE;
    }
    if (abs(dx) > abs(dy)) {
        return dx > 0 ? INPUT_GESTURE_SWIPE_RIGHT : INPUT_GESTURE_SWIPE_LEFT;
    }
    return dy > 0 ? INPUT_GESTURE_SWIPE_DOWN : INPUT_GESTURE_SWIPE_UP;
}

static void lift(input_touch_t *touch, int64_t at_us, input_sink_t sink)
{
    touch->down = false;
    if (touch->dead) {
        touch->dead = false;
        return;
    }
    if (touch->dragging) {
        drag(touch, at_us, sink);
    }
    tell(touch, INPUT_OUT_RELEASE, INPUT_GESTURE_NONE, at_us, sink);
    if (!touch->dragging) {
        if (!touch->was_long) {
            tell(touch, INPUT_OUT_GESTURE, INPUT_GESTURE_TAP, at_us, sink);
        }
        return;
    }
    tell(touch, INPUT_OUT_GESTURE, INPUT_GESTURE_DROP, at_us, sink);
    const input_gesture_t swipe = swipe_of(touch, at_us);
    if (swipe != INPUT_GESTURE_NONE) {
        tell(touch, INPUT_OUT_GESTURE, swipe, at_us, sink);
    }
}

void input_touch_at(input_touch_t *touch, bool down, int16_t x, int16_t y, int64_t at_us,
                    input_sink_t sink)
{
    if (!down) {
        if (touch->down) { /* where it was last seen: controllers tell no place without a finger */
            lift(touch, at_us, sink);
        }
        return;
    }
    touch->x = x;
    touch->y = y;
    if (!touch->down) {
        *touch = (input_touch_t){
            .down = true,
            .from_x = x,
            .from_y = y,
            .x = x,
            .y = y,
            .told_x = x,
            .told_y = y,
            .down_us = at_us,
        };
        tell(touch, INPUT_OUT_PRESS, INPUT_GESTURE_NONE, at_us, sink);
        return;
    }
    touch->moved_us = at_us;
    if (touch->dead) {
        return;
    }
    if (!touch->dragging && (abs(x - touch->from_x) > CONFIG_INPUT_SLOP_PX ||
                             abs(y - touch->from_y) > CONFIG_INPUT_SLOP_PX)) {
        touch->dragging = true;
        touch->drag_us = at_us;
    }
    if (touch->dragging && at_us >= touch->drag_us) {
        drag(touch, at_us, sink);
    }
}

int64_t input_touch_due(const input_touch_t *touch)
{
    if (!touch->down || touch->dead) {
        return INPUT_NEVER;
    }
    if (!touch->dragging && !touch->was_long) {
        return touch->down_us + INPUT_LONG_US;
    }
    const int64_t seen_us = touch->moved_us > touch->down_us ? touch->moved_us : touch->down_us;
    const bool untold = touch->dragging && (touch->x != touch->told_x || touch->y != touch->told_y);
    return untold ? touch->drag_us : seen_us + INPUT_STUCK_US;
}

void input_touch_advance(input_touch_t *touch, int64_t now_us, input_sink_t sink)
{
    for (int64_t due_us = input_touch_due(touch); due_us <= now_us;
         due_us = input_touch_due(touch)) {
        if (!touch->dragging && !touch->was_long) {
            touch->was_long = true;
            tell(touch, INPUT_OUT_LONG, INPUT_GESTURE_NONE, due_us, sink);
        } else if (touch->x != touch->told_x || touch->y != touch->told_y) {
            if (!touch->dragging) { /* a few pixels within its place, and still for too long */
                touch->told_x = touch->x;
                touch->told_y = touch->y;
                continue;
            }
            drag(touch, due_us, sink);
        } else {
            touch->was_long = true; /* a hand that rests there: no tap when it goes */
            lift(touch, due_us, sink);
            touch->down = true;
            touch->dead = true;
        }
    }
}
