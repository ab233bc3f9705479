/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One button. Its contacts bounce: a new level counts once it lasted for the debounce time, and
 * then counts from the first edge of the burst, so that no duration depends on the bouncing.
 */
#include "input_internal.h"

#include <string.h>

#define LONG_AGO (INT64_MIN / 4)

void input_key_reset(input_key_t *key, uint8_t button)
{
    memset(key, 0, sizeof(*key));
    key->button = button;
    key->last_us = LONG_AGO;
    key->click_us = LONG_AGO;
}

void input_key_hold(input_key_t *key)
{
    key->level = true;
    key->down = true;
    key->dead = true;
}

void input_key_edge(input_key_t *key, bool level, int64_t at_us)
{
    if (level == key->level) {
        return;
    }
    if (at_us - key->last_us >= INPUT_DEBOUNCE_US) {
        key->first_us = at_us;
    }
    key->level = level;
    key->last_us = at_us;
}

int64_t input_key_due(const input_key_t *key)
{
    if (key->level != key->down) {
        return key->last_us + INPUT_DEBOUNCE_US;
    }
    if (!key->down || key->dead) {
        return INPUT_NEVER;
    }
    if (!key->was_long) {
        return key->down_us + INPUT_LONG_US;
    }
    const int64_t stuck_us = key->down_us + INPUT_STUCK_US;
    return key->repeat_us < stuck_us ? key->repeat_us : stuck_us;
}

static void tell(const input_key_t *key, input_out_t what, int64_t edge_us, input_sink_t sink)
{
    const input_event_t event = {
        .button = key->button,
        .held_ms = what == INPUT_OUT_PRESS ? 0 : (uint32_t)((edge_us - key->down_us) / 1000),
        .count = what == INPUT_OUT_REPEAT ? key->repeats : 0,
        .edge_us = edge_us,
    };
    sink(what, &event);
}

static void went_down(input_key_t *key, input_sink_t sink)
{
    key->down = true;
    key->was_long = false;
    key->repeats = 0;
    key->down_us = key->first_us;
    tell(key, INPUT_OUT_PRESS, key->first_us, sink);
}

static void went_up(input_key_t *key, input_sink_t sink)
{
    const bool dead = key->dead;
    key->down = false;
    key->dead = false;
    if (dead) {
        key->half = false;
        return;
    }
    tell(key, INPUT_OUT_RELEASE, key->first_us, sink);
    if (key->was_long) {
        key->half = false;
        return;
    }
    tell(key, INPUT_OUT_CLICK, key->first_us, sink);
    const bool second = key->half && key->down_us - key->click_us <= INPUT_DOUBLE_US;
    if (second) {
        tell(key, INPUT_OUT_DOUBLE, key->first_us, sink);
    }
    key->half = !second; /* a third click begins anew */
    key->click_us = key->first_us;
}

/** Still down, and something is due at a time that is not after now. */
static void goes_on(input_key_t *key, int64_t due_us, int64_t now_us, input_sink_t sink)
{
    if (!key->was_long) {
        key->was_long = true;
        key->repeat_us = due_us + INPUT_REPEAT_US;
        tell(key, INPUT_OUT_LONG, due_us, sink);
    } else if (due_us >= key->down_us + INPUT_STUCK_US) {
        key->dead = true;
        tell(key, INPUT_OUT_RELEASE, due_us, sink);
    } else {
        /* Those that were missed are not made up for; the phase is kept. */
        const int64_t missed = (now_us - due_us) / INPUT_REPEAT_US;
        key->repeat_us = due_us + (missed + 1) * INPUT_REPEAT_US;
        key->repeats++;
        tell(key, INPUT_OUT_REPEAT, due_us, sink);
    }
}

void input_key_advance(input_key_t *key, int64_t now_us, input_sink_t sink)
{
    for (int64_t due_us = input_key_due(key); due_us <= now_us; due_us = input_key_due(key)) {
        if (key->level == key->down) {
            goes_on(key, due_us, now_us, sink);
        } else if (key->level) {
            went_down(key, sink);
        } else {
            went_up(key, sink);
        }
    }
}
