/* SPDX-License-Identifier: Apache-2.0 */
/* input: by requests alone, so a firmware without buttons links nothing of it but their names */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "input_service/input_control.h"
#include "shell_internal.h"

#define HEADER(type) STATUS_HEADER(type, INPUT_CONTROL_VERSION)
#define CLICK_MS     60
#define HELD_MAX_MS  60000
#define STEP_MS      10 /* of a finger that moves */

static const char *const s_faults[INPUT_FAULTS] = {
    [INPUT_FAULT_NONE] = "none",   [INPUT_FAULT_UNPLUGGED] = "unplugged",
    [INPUT_FAULT_STUCK] = "stuck", [INPUT_FAULT_SHORT] = "short",
    [INPUT_FAULT_WRONG] = "wrong",
};

/* The names are here as well: the service is not linked where there is none. */
static const char *const s_buttons[INPUT_TOUCH] = {
    [INPUT_BUTTON_NONE] = "none",           [INPUT_BUTTON_UP] = "up",
    [INPUT_BUTTON_DOWN] = "down",           [INPUT_BUTTON_LEFT] = "left",
    [INPUT_BUTTON_RIGHT] = "right",         [INPUT_BUTTON_SELECT] = "select",
    [INPUT_BUTTON_BACK] = "back",           [INPUT_BUTTON_HOME] = "home",
    [INPUT_BUTTON_POWER] = "power",         [INPUT_BUTTON_PLAY] = "play",
    [INPUT_BUTTON_NEXT] = "next",           [INPUT_BUTTON_PREVIOUS] = "previous",
    [INPUT_BUTTON_VOLUME_UP] = "volume_up", [INPUT_BUTTON_VOLUME_DOWN] = "volume_down",
};

static void describe_buttons(const char *what, uint32_t bits)
{
    for (unsigned button = 0; button < INPUT_TOUCH; button++) {
        if ((bits & UINT32_C(1) << button) != 0) {
            shell_print("%s: %s", what, s_buttons[button]);
        }
    }
    if ((bits & UINT32_C(1) << INPUT_TOUCH) != 0) {
        shell_print("%s: touch", what);
    }
}

/** Half of what is in there was faster than this; 0 = nothing is. */
static uint32_t median_us(const uint32_t buckets[INPUT_LATENCY_BUCKETS])
{
    uint64_t total = 0;
    uint64_t seen = 0;
    for (unsigned i = 0; i < INPUT_LATENCY_BUCKETS; i++) {
        total += buckets[i];
    }
    for (unsigned i = 0; i < INPUT_LATENCY_BUCKETS && total != 0; i++) {
        seen += buckets[i];
        if (2 * seen >= total) {
            return (uint32_t)INPUT_LATENCY_FIRST_US << i;
        }
    }
    return 0;
}

static int describe(void)
{
    input_info_t info;
    size_t size = sizeof(info);
    const esp_err_t ret = shell_ask(INPUT_GET_REQUEST, NULL, 0, &info, &size);
    if (ret != ESP_OK) {
        return shell_result("input", ret);
    }
    const input_state_t *state = &info.state;
    shell_print("the board has %sbuttons, %stouch panel, %sknob", state->keys ? "" : "no ",
                state->touch ? "a " : "no ", state->knob ? "a " : "no ");
    describe_buttons("down", state->down);
    describe_buttons("stuck", state->stuck);
    shell_print("%" PRIu32 " changes of the hardware, %" PRIu32 " lost; %" PRIu32
                " events, %" PRIu32 " refused",
                info.edges, info.lost, info.events, info.refused);
    shell_print("from the edge to the service: half within %" PRIu32 " us, the slowest %" PRIu32
                " us",
                median_us(info.taken), info.taken_worst_us);
    shell_print("from the edge to a handler: half within %" PRIu32 " us, the slowest %" PRIu32
                " us",
                median_us(info.handled), info.handled_worst_us);
    return SHELL_OK;
}

/* ---- what a hand would do ----------------------------------------------------------------------
 */

static esp_err_t feed(input_feed_t what, uint8_t key, bool down, int x, int y)
{
    const input_feed_request_t wish = {
        .header = HEADER(input_feed_request_t),
        .what = (uint8_t)what,
        .key = key,
        .down = down,
        .x = (int16_t)x,
        .y = (int16_t)y,
    };
    return shell_ask(INPUT_FEED_REQUEST, &wish, sizeof(wish), NULL, NULL);
}

static int press(uint8_t key, uint32_t ms)
{
    esp_err_t ret = feed(INPUT_FEED_KEY, key, true, 0, 0);
    if (ret == ESP_OK) {
        vTaskDelay(pdMS_TO_TICKS(ms));
        ret = feed(INPUT_FEED_KEY, key, false, 0, 0);
    }
    return shell_result(s_buttons[key], ret);
}

/** From one place to another in so many ms, then the finger is lifted. */
static int swipe(const int32_t place[4], uint32_t ms)
{
    const int32_t steps = (int32_t)(ms / STEP_MS) + 1;
    esp_err_t ret = feed(INPUT_FEED_TOUCH, 0, true, place[0], place[1]);
    for (int32_t i = 1; i <= steps && ret == ESP_OK; i++) {
        vTaskDelay(pdMS_TO_TICKS(STEP_MS));
        ret = feed(INPUT_FEED_TOUCH, 0, true, place[0] + (place[2] - place[0]) * i / steps,
                   place[1] + (place[3] - place[1]) * i / steps);
    }
    if (ret == ESP_OK) {
        ret = feed(INPUT_FEED_TOUCH, 0, false, place[2], place[3]);
    }
    return shell_result("touch", ret);
}

static int key_command(int argc, char **argv)
{
    uint8_t key = INPUT_BUTTON_NONE;
    uint32_t ms = CLICK_MS;
    if (argc < 4 || !shell_choice(argv[2], s_buttons, INPUT_TOUCH, &key) ||
        key == INPUT_BUTTON_NONE) {
        return shell_usage("input");
    }
    if (argc == 4 && strcmp(argv[3], "down") == 0) {
        return shell_result(argv[2], feed(INPUT_FEED_KEY, key, true, 0, 0));
    }
    if (argc == 4 && strcmp(argv[3], "up") == 0) {
        return shell_result(argv[2], feed(INPUT_FEED_KEY, key, false, 0, 0));
    }
    if (strcmp(argv[3], "click") == 0 &&
        (argc == 4 || (argc == 5 && shell_number(argv[4], 1, HELD_MAX_MS, &ms)))) {
        return press(key, ms);
    }
    return shell_usage("input");
}

/** Pixels of the panel. */
static bool places(char **argv, unsigned count, int32_t *place)
{
    for (unsigned i = 0; i < count; i++) {
        uint32_t number;
        if (!shell_number(argv[i], 0, 4095, &number)) {
            return false;
        }
        place[i] = (int32_t)number;
    }
    return true;
}

static int touch_command(int argc, char **argv)
{
    int32_t place[4];
    uint32_t ms = CLICK_MS;
    if (argc == 7 && strcmp(argv[1], "swipe") == 0 && places(&argv[2], 4, place) &&
        shell_number(argv[6], STEP_MS, HELD_MAX_MS, &ms)) {
        return swipe(place, ms);
    }
    if (argc != 4 || !places(&argv[2], 2, place)) {
        return shell_usage("input");
    }
    if (strcmp(argv[1], "tap") == 0) {
        place[2] = place[0];
        place[3] = place[1];
        return swipe(place, ms);
    }
    return shell_result("touch", feed(INPUT_FEED_TOUCH, 0, true, place[0], place[1]));
}

static int turn_command(const char *text)
{
    uint32_t counts;
    const bool back = text[0] == '-';
    if (!shell_number(text + back, 1, 10000, &counts)) {
        return shell_usage("input");
    }
    const int x = back ? -(int)counts : (int)counts;
    return shell_result("turn", feed(INPUT_FEED_TURN, 0, false, x, 0));
}

int cmd_input(int argc, char **argv)
{
    input_fault_request_t wish = {.header = HEADER(input_fault_request_t)};
    const char *what = argc > 1 ? argv[1] : "";

    if (argc == 1) {
        return describe();
    }
    if (strcmp(what, "key") == 0) {
        return key_command(argc, argv);
    }
    if (strcmp(what, "tap") == 0 || strcmp(what, "touch") == 0 || strcmp(what, "swipe") == 0) {
        return touch_command(argc, argv);
    }
    if (argc == 2 && strcmp(what, "lift") == 0) {
        return shell_result("touch", feed(INPUT_FEED_TOUCH, 0, false, 0, 0));
    }
    if (argc == 3 && strcmp(what, "turn") == 0) {
        return turn_command(argv[2]);
    }
    if (argc == 3 && strcmp(what, "fault") == 0 &&
        shell_choice(argv[2], s_faults, INPUT_FAULTS, &wish.fault)) {
        return shell_result(argv[2],
                            shell_ask(INPUT_FAULT_REQUEST, &wish, sizeof(wish), NULL, NULL));
    }
    return shell_usage("input");
}
