/* SPDX-License-Identifier: Apache-2.0 */
/* What the keys of this hardware stand for, and how they are called. */
#include "input_internal.h"

#include <string.h>

#include "esp_log.h"

static const char *TAG = "input";

static const char *const s_names[INPUT_BUTTONS] = {
    [INPUT_BUTTON_NONE] = "none",
    [INPUT_BUTTON_UP] = "up",
    [INPUT_BUTTON_DOWN] = "down",
    [INPUT_BUTTON_LEFT] = "left",
    [INPUT_BUTTON_RIGHT] = "right",
    [INPUT_BUTTON_SELECT] = "select",
    [INPUT_BUTTON_BACK] = "back",
    [INPUT_BUTTON_HOME] = "home",
    [INPUT_BUTTON_POWER] = "power",
    [INPUT_BUTTON_PLAY] = "play",
    [INPUT_BUTTON_NEXT] = "next",
    [INPUT_BUTTON_PREVIOUS] = "previous",
    [INPUT_BUTTON_VOLUME_UP] = "volume_up",
    [INPUT_BUTTON_VOLUME_DOWN] = "volume_down",
    [INPUT_TOUCH] = "touch",
    [INPUT_KNOB] = "knob",
};

static uint8_t s_map[INPUT_BUTTONS];

const char *input_button_name(uint8_t button)
{
    return button < INPUT_BUTTONS ? s_names[button] : "?";
}

static uint8_t find(const char *name, size_t length)
{
    for (unsigned i = 0; i < INPUT_BUTTONS; i++) {
        if (strlen(s_names[i]) == length && memcmp(s_names[i], name, length) == 0) {
            return i;
        }
    }
    return INPUT_BUTTONS;
}

uint8_t input_button_find(const char *name)
{
    const uint8_t button = name != NULL ? find(name, strlen(name)) : INPUT_BUTTONS;
    return button < INPUT_BUTTONS ? button : INPUT_BUTTON_NONE;
}

static bool is_key(uint8_t button)
{
    return button > INPUT_BUTTON_NONE && button < INPUT_TOUCH;
}

uint8_t input_map_of(uint8_t key)
{
    return is_key(key) ? s_map[key] : INPUT_BUTTON_NONE;
}

esp_err_t input_map_set(uint8_t key, uint8_t button)
{
    if (!is_key(key) || (button != INPUT_BUTTON_NONE && !is_key(button))) {
        return ESP_ERR_INVALID_ARG;
    }
    s_map[key] = button;
    return ESP_OK;
}

/** One "key=button" of length bytes. */
static bool read_pair(const char *pair, size_t length)
{
    const char *equals = memchr(pair, '=', length);
    if (equals == NULL) {
        return false;
    }
    const size_t before = (size_t)(equals - pair);
    return input_map_set(find(pair, before), find(equals + 1, length - before - 1)) == ESP_OK;
}

void input_map_begin(void)
{
    static const char separators[] = " ,";
    static bool s_begun;
    const char *at = CONFIG_INPUT_MAP;
    if (s_begun) {
        return; /* what was set since then outlives a restart */
    }
    s_begun = true;
    for (unsigned i = 0; i < INPUT_BUTTONS; i++) {
        s_map[i] = is_key(i) ? i : INPUT_BUTTON_NONE;
    }
    for (at += strspn(at, separators); *at != '\0'; at += strspn(at, separators)) {
        const size_t length = strcspn(at, separators);
        if (!read_pair(at, length)) {
            ESP_LOGE(TAG, "CONFIG_INPUT_MAP: '%.*s' is not KEY=BUTTON", (int)length, at);
        }
        at += length;
    }
}
