/* SPDX-License-Identifier: Apache-2.0 */
/* display: by requests alone, so a firmware without a screen links nothing of it */
#include <inttypes.h>
#include <string.h>

#include "display_service/display_events.h"
#include "shell_internal.h"

#define HEADER(type) STATUS_HEADER(type, DISPLAY_EVENTS_VERSION)

static const char *const s_panels[] = {
    [DISPLAY_PANEL_ABSENT] = "does not answer",
    [DISPLAY_PANEL_WELL] = "well",
    [DISPLAY_PANEL_FAILING] = "fails",
};

static const char *const s_faults[DISPLAY_FAULTS] = {
    [DISPLAY_FAULT_NONE] = "none",   [DISPLAY_FAULT_UNPLUGGED] = "unplugged",
    [DISPLAY_FAULT_STUCK] = "stuck", [DISPLAY_FAULT_SHORT] = "short",
    [DISPLAY_FAULT_WRONG] = "wrong",
};

static int describe(void)
{
    display_info_t info;
    size_t size = sizeof(info);
    const esp_err_t ret = shell_ask(DISPLAY_GET_REQUEST, NULL, 0, &info, &size);
    if (ret != ESP_OK) {
        return shell_result("display", ret);
    }
    const display_state_t *state = &info.state;
    const size_t panels = sizeof(s_panels) / sizeof(s_panels[0]);
    shell_print("%u x %u pixels, turned by %u degrees, brightness %u %%, %s", state->width,
                state->height, state->degrees, state->brightness,
                state->awake ? "awake" : "asleep");
    shell_print("the panel %s; set up anew %" PRIu32 " times",
                state->panel < panels ? s_panels[state->panel] : "?", info.reopened);
    shell_print("%u surfaces; %" PRIu32 " frames, %" PRIu32 " transfers with %" PRIu64
                " pixels, %" PRIu32 " failed",
                state->surfaces, info.frames, info.flushes, info.pixels, info.failures);
    return SHELL_OK;
}

static int set(const char *what, display_set_t wish)
{
    return shell_result(what, shell_ask(DISPLAY_SET_REQUEST, &wish, sizeof(wish), NULL, NULL));
}

static int inject(const char *name)
{
    display_fault_request_t wish = {.header = HEADER(display_fault_request_t)};
    if (!shell_choice(name, s_faults, DISPLAY_FAULTS, &wish.fault)) {
        return shell_usage("display");
    }
    return shell_result(name, shell_ask(DISPLAY_FAULT_REQUEST, &wish, sizeof(wish), NULL, NULL));
}

static int show_app(const char *name)
{
    display_raise_t wish = {.header = HEADER(display_raise_t)};
    if (strlen(name) >= sizeof(wish.name)) {
        return shell_result(name, ESP_ERR_NOT_FOUND);
    }
    memcpy(wish.name, name, strlen(name));
    return shell_result(name, shell_ask(DISPLAY_RAISE_REQUEST, &wish, sizeof(wish), NULL, NULL));
}

static int say(const char *text)
{
    display_toast_t toast = {.header = HEADER(display_toast_t)};
    memcpy(toast.text, text, strnlen(text, sizeof(toast.text) - 1));
    return shell_result("toast", shell_tell(DISPLAY_TOAST_EVENT, &toast, sizeof(toast)));
}

int cmd_display(int argc, char **argv)
{
    display_set_t wish = {.header = HEADER(display_set_t)};
    uint32_t number;

    if (argc == 1) {
        return describe();
    }
    if (argc == 2 && (strcmp(argv[1], "sleep") == 0 || strcmp(argv[1], "wake") == 0)) {
        wish.what = DISPLAY_SET_AWAKE;
        wish.awake = argv[1][0] == 'w';
        return set(argv[1], wish);
    }
    if (argc != 3) {
        return shell_usage("display");
    }
    if (strcmp(argv[1], "brightness") == 0 && shell_number(argv[2], 1, 100, &number)) {
        wish.what = DISPLAY_SET_BRIGHTNESS;
        wish.brightness = (uint8_t)number;
        return set(argv[1], wish);
    }
    if (strcmp(argv[1], "turn") == 0 && shell_number(argv[2], 0, 270, &number)) {
        wish.what = DISPLAY_SET_DEGREES;
        wish.degrees = (uint16_t)number;
        return set(argv[1], wish);
    }
    if (strcmp(argv[1], "show") == 0) {
        return show_app(argv[2]);
    }
    if (strcmp(argv[1], "toast") == 0) {
        return say(argv[2]);
    }
    return strcmp(argv[1], "fault") == 0 ? inject(argv[2]) : shell_usage("display");
}
