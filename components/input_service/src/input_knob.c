/* SPDX-License-Identifier: Apache-2.0 */
/* The knob: detents out of a counter that wraps. */
#include "input_internal.h"

#include <string.h>

void input_knob_reset(input_knob_t *knob)
{
    memset(knob, 0, sizeof(*knob));
}

void input_knob_at(input_knob_t *knob, uint16_t count, int64_t at_us, input_sink_t sink)
{
    /* The shorter way round; as long as it is read before it turned by half of its range. */
    const uint16_t ahead = (uint16_t)(count - knob->count);
    const int32_t turned = ahead < 0x8000u ? (int32_t)ahead : (int32_t)ahead - 0x10000;
    const bool known = knob->known;

    knob->count = count;
    knob->known = true;
    if (!known) {
        return; /* from where it stands */
    }
    knob->rest += turned;
    const int32_t detents = knob->rest / CONFIG_INPUT_KNOB_COUNTS;
    knob->rest %= CONFIG_INPUT_KNOB_COUNTS;
    if (detents != 0) {
        const input_event_t event = {
            .button = INPUT_KNOB,
            .gesture = INPUT_GESTURE_TURN,
            .dx = (int16_t)(detents > INT16_MAX   ? INT16_MAX
                            : detents < INT16_MIN ? INT16_MIN
                                                  : detents),
            .edge_us = at_us,
        };
        sink(INPUT_OUT_GESTURE, &event);
    }
}
