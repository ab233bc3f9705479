/* SPDX-License-Identifier: Apache-2.0 */
/* The wires of the virtual board: keys, mouse and wheel of the window, scripts and tests. */
#include "input_backend.h"

#include <stddef.h>

#include "host_input.h"
#include "input_service/input_control.h"

static void (*s_changed)(void);
static uint16_t s_count; /* of the knob */

static void on_change(void *arg)
{
    (void)arg;
    s_changed();
}

esp_err_t input_backend_open(void (*changed)(void), uint8_t *has)
{
    s_changed = changed;
    input_backend_probe(has);
    host_input_on_change(on_change, NULL);
    return ESP_OK;
}

void input_backend_close(void)
{
    host_input_on_change(NULL, NULL);
}

bool input_backend_take(input_raw_t *raw)
{
    host_input_t change;
    while (host_input_take(&change)) {
        *raw = (input_raw_t){
            .kind = INPUT_RAW_KEY,
            .down = change.down,
            .x = (int16_t)change.x,
            .y = (int16_t)change.y,
            .at_us = (int64_t)change.at_us,
        };
        switch (change.kind) {
        case HOST_INPUT_TOUCH:
            raw->kind = INPUT_RAW_TOUCH;
            return true;
        case HOST_INPUT_TURN:
            raw->kind = INPUT_RAW_KNOB;
            s_count = (uint16_t)(s_count + (unsigned)change.x);
            raw->count = s_count;
            return true;
        case HOST_INPUT_KEY:
            raw->key = input_button_find(change.key);
            if (raw->key != INPUT_BUTTON_NONE) {
                return true;
            }
            break; /* this board has no such key */
        }
    }
    return false;
}

uint32_t input_backend_poll_ms(void)
{
    return 0;
}

void input_backend_probe(uint8_t *has)
{
    *has = INPUT_HAS_KEYS | INPUT_HAS_TOUCH | INPUT_HAS_KNOB;
}

uint32_t input_backend_lost(void)
{
    return host_input_lost();
}
