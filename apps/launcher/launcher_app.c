/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Launcher: the apps of this device, to start, stop and switch between. It is what is seen when no
 * other app has the screen.
 *
 * Everything happens in handlers, which run one at a time: an event changes the state and the
 * screen is drawn from it. The entry point sets this up and waits for the end.
 */
#include "launcher_app.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "app_control_service/app_control_events.h"
#include "bluetooth_service/bluetooth_events.h"
#include "display_app/display_surface.h"
#include "display_app/display_widgets.h"
#include "display_service/display_events.h"
#include "input_service/input_events.h"
#include "system_service/common_events.h"

#define MARGIN       8
#define BUTTON_H     40
#define WAIT_MS      1000
#define TRY_AGAIN_MS 200
#define LOOK_MS      1000
#define PASSKEY_MS   10000

static display_surface_t s_screen;
static app_control_list_t s_apps;
static display_list_t s_list;
static display_button_t s_open;
static display_button_t s_stop;
static bool s_listens; /* to what happens to apps */
static bool s_looks;   /* in a while, since nobody gave a list */
static bool s_hears;   /* when that is */
static bool s_pairs;   /* a passkey was shown */

/* ---- what there is ------------------------------------------------------------------------------
 */

static bool runs(const app_control_app_t *app)
{
    return app->state == APP_STATE_STARTING || app->state == APP_STATE_RUNNING ||
           app->state == APP_STATE_PAUSED;
}

static const app_control_app_t *selected(void)
{
    return s_list.selected >= 0 && s_list.selected < (int)s_apps.count
               ? &s_apps.apps[s_list.selected]
               : NULL;
}

static esp_err_t ask(app_context_t *ctx, const char *what, const void *data, size_t size,
                     void *response, size_t *response_size)
{
    system_event_type_t type;
    const esp_err_t ret = ctx->register_event(ctx, what, &type);
    return ret == ESP_OK ? ctx->request(ctx, SYSTEM_SERVICE_ID_NONE, type, data, size,
                                        PRIORITY_NORMAL, response, response_size, WAIT_MS)
                         : ret;
}

static void forget_self(app_context_t *ctx)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < s_apps.count; i++) {
        if (strcmp(s_apps.apps[i].name, ctx->name) != 0) {
            s_apps.apps[kept++] = s_apps.apps[i];
        }
    }
    s_apps.count = (uint16_t)kept;
}

static void on_look(const system_event_t *event, void *user_data);

/** Nobody answered, or too late: then no event says that somebody would now. */
static void look_later(app_context_t *ctx)
{
    system_event_type_t look;
    if (s_looks) {
        return;
    }
    esp_err_t ret = ctx->register_event(ctx, "launcher.look", &look);
    if (ret == ESP_OK && !s_hears) {
        ret = ctx->subscribe(ctx, look, on_look, ctx);
        s_hears = ret == ESP_OK;
    }
    if (ret == ESP_OK) {
        ret = ctx->post_after(ctx, look, NULL, 0, PRIORITY_NORMAL, LOOK_MS, NULL);
    }
    s_looks = ret == ESP_OK;
    if (ret != ESP_OK) { /* the next event asks again */
        ctx->log(ctx, ESP_LOG_WARN, "no other look: %s", system_error_to_string(ret));
    }
}

/** Ask for the apps; what was known stays when nobody answers. */
static void refresh(app_context_t *ctx)
{
    static app_control_list_t s_answer;
    size_t size = sizeof(s_answer);
    const esp_err_t ret = ask(ctx, APP_CONTROL_LIST_REQUEST, NULL, 0, &s_answer, &size);
    if (ret != ESP_OK || s_answer.header.version != APP_CONTROL_VERSION) {
        ctx->log(ctx, ESP_LOG_WARN, "no list of apps: %s", system_error_to_string(ret));
        look_later(ctx);
        return;
    }
    s_apps = s_answer;
    forget_self(ctx);
    s_list.count = s_apps.count;
    display_list_select(&s_list, s_list.selected < 0 && s_apps.count != 0 ? 0 : s_list.selected);
}

/* ---- how it looks -------------------------------------------------------------------------------
 */

static display_color_t badge_of(const char *name)
{
    static const display_color_t colors[] = {
        DISPLAY_RGB(72, 136, 255), DISPLAY_RGB(232, 96, 152),  DISPLAY_RGB(64, 176, 136),
        DISPLAY_RGB(240, 144, 64), DISPLAY_RGB(144, 112, 240), DISPLAY_RGB(56, 164, 200),
    };
    uint32_t hash = 5381;
    for (; *name != '\0'; name++) {
        hash = hash * 33 + (uint8_t)*name;
    }
    return colors[hash % (sizeof(colors) / sizeof(colors[0]))];
}

static void describe_row(void *arg, unsigned index, display_list_row_t *row)
{
    (void)arg;
    const app_control_app_t *app = &s_apps.apps[index];
    row->title = app->name;
    row->detail = app->description[0] != '\0' ? app->description : NULL;
    row->badge = badge_of(app->name);
    if (app->state == APP_STATE_PAUSED) {
        row->mark = "paused";
        row->mark_color = DISPLAY_COLOR_WARNING;
    } else if (app->state == APP_STATE_CRASHED) {
        row->mark = "failed";
        row->mark_color = DISPLAY_COLOR_BAD;
    } else if (runs(app)) {
        row->mark = "on";
        row->mark_color = DISPLAY_COLOR_GOOD;
    }
}

/** Where things are on a canvas of this size. */
static void lay_out(const display_canvas_t *canvas)
{
    const int16_t width = (int16_t)(canvas->width - 2 * MARGIN);
    const int16_t half = (int16_t)((width - MARGIN) / 2);
    const int16_t y = (int16_t)(canvas->height - BUTTON_H - MARGIN);
    s_list.box = (display_rect_t){MARGIN, MARGIN, width, (int16_t)(y - 2 * MARGIN)};
    s_open.box = (display_rect_t){MARGIN, y, half, BUTTON_H};
    s_stop.box = (display_rect_t){(int16_t)(canvas->width - MARGIN - half), y, half, BUTTON_H};
    display_list_select(&s_list, s_list.selected);
}

static void draw(app_context_t *ctx)
{
    esp_err_t ret;
    do {
        display_canvas_t *canvas = &s_screen.canvas;
        const app_control_app_t *app = selected();
        lay_out(canvas);
        s_open.text = app != NULL && runs(app) ? "Open" : "Start";
        s_open.color = DISPLAY_COLOR_ACCENT;
        s_open.disabled = app == NULL;
        s_stop.text = "Stop";
        s_stop.disabled = app == NULL || !runs(app);
        display_canvas_fill(canvas, DISPLAY_COLOR_BACKGROUND);
        if (s_apps.count == 0) {
            display_text_box(canvas, s_list.box, DISPLAY_ALIGN_CENTER, &display_font_small,
                             DISPLAY_COLOR_MUTED, "No apps are installed");
        } else {
            display_list_draw(canvas, &s_list);
        }
        display_button_draw(canvas, &s_open);
        display_button_draw(canvas, &s_stop);
        ret = display_surface_commit(ctx, &s_screen);
    } while (ret == ESP_ERR_INVALID_SIZE); /* turned meanwhile: for the new size */
    if (ret != ESP_OK) {                   /* the next event draws again */
        ctx->log(ctx, ESP_LOG_WARN, "not shown: %s", system_error_to_string(ret));
    }
}

/* ---- what people do ----------------------------------------------------------------------------
 */

static void say(app_context_t *ctx, const char *what, esp_err_t error)
{
    ctx->log(ctx, ESP_LOG_WARN, "%s: %s", what, system_error_to_string(error));
    (void)display_toast(ctx, what, 0);
}

static void open_selected(app_context_t *ctx)
{
    const app_control_app_t *app = selected();
    if (app == NULL) {
        return;
    }
    if (!runs(app)) {
        app_control_request_t wish = {
            .header = STATUS_HEADER(app_control_request_t, APP_CONTROL_VERSION)};
        memcpy(wish.name, app->name, sizeof(wish.name));
        const esp_err_t ret = ask(ctx, APP_CONTROL_START_REQUEST, &wish, sizeof(wish), NULL, NULL);
        if (ret != ESP_OK) {
            say(ctx, "It does not start", ret);
        }
        return;
    }
    const esp_err_t ret = display_surface_raise(ctx, app->name);
    if (ret == ESP_ERR_NOT_FOUND) {
        (void)display_toast(ctx, "It runs without a screen", 0);
    } else if (ret != ESP_OK) {
        say(ctx, "It cannot be shown", ret);
    }
}

static void stop_selected(app_context_t *ctx)
{
    const app_control_app_t *app = selected();
    if (app == NULL || !runs(app)) {
        return;
    }
    app_control_request_t wish = {.header =
                                      STATUS_HEADER(app_control_request_t, APP_CONTROL_VERSION)};
    memcpy(wish.name, app->name, sizeof(wish.name));
    const esp_err_t ret = ask(ctx, APP_CONTROL_STOP_REQUEST, &wish, sizeof(wish), NULL, NULL);
    if (ret != ESP_OK) {
        say(ctx, "It does not stop", ret);
    }
}

static void touched(app_context_t *ctx, const input_event_t *input)
{
    const int row = display_list_row_at(&s_list, input->x, input->y);
    if (row >= 0) {
        const bool again = row == s_list.selected;
        display_list_select(&s_list, row);
        if (again) {
            open_selected(ctx);
        }
    } else if (display_button_hit(&s_open, input->x, input->y)) {
        open_selected(ctx);
    } else if (display_button_hit(&s_stop, input->x, input->y)) {
        stop_selected(ctx);
    }
}

static void on_gesture(const system_event_t *event, void *user_data)
{
    app_context_t *ctx = user_data;
    const input_event_t *input = event->data;
    if (!status_event_fits(input, event->data_size, INPUT_EVENT_VERSION, sizeof(*input)) ||
        input->focus != ctx->id) {
        return;
    }
    const int rows = (int)display_list_rows(&s_list);
    switch (input->gesture) {
    case INPUT_GESTURE_TAP:
        touched(ctx, input);
        break;
    case INPUT_GESTURE_SWIPE_UP:
        display_list_select(&s_list, s_list.selected + rows);
        break;
    case INPUT_GESTURE_SWIPE_DOWN:
        display_list_select(&s_list, s_list.selected < rows ? 0 : s_list.selected - rows);
        break;
    case INPUT_GESTURE_TURN:
        display_list_select(&s_list,
                            s_list.selected + input->dx < 0 ? 0 : s_list.selected + input->dx);
        break;
    default:
        return;
    }
    draw(ctx);
}

static void on_click(const system_event_t *event, void *user_data)
{
    app_context_t *ctx = user_data;
    const input_event_t *input = event->data;
    if (!status_event_fits(input, event->data_size, INPUT_EVENT_VERSION, sizeof(*input))) {
        return;
    }
    if (input->button == INPUT_BUTTON_HOME) { /* whoever is in front */
        (void)display_surface_raise(ctx, NULL);
        return;
    }
    if (input->focus != ctx->id) {
        return;
    }
    switch (input->button) {
    case INPUT_BUTTON_UP:
        display_list_select(&s_list, s_list.selected > 0 ? s_list.selected - 1 : 0);
        break;
    case INPUT_BUTTON_DOWN:
        display_list_select(&s_list, s_list.selected + 1);
        break;
    case INPUT_BUTTON_SELECT:
        open_selected(ctx);
        break;
    case INPUT_BUTTON_BACK:
        stop_selected(ctx);
        break;
    default:
        return;
    }
    draw(ctx);
}

/* ---- what happens -------------------------------------------------------------------------------
 */

static void on_app(const system_event_t *event, void *user_data)
{
    (void)event;
    refresh(user_data);
    draw(user_data);
}

static void on_look(const system_event_t *event, void *user_data)
{
    s_looks = false;
    on_app(event, user_data);
}

/** Retained, so it comes at once: by then we listen to what happens to apps, and miss nothing. */
static void on_display(const system_event_t *event, void *user_data)
{
    const display_state_t *state = event->data;
    if (!s_listens) {
        s_listens = true;
        on_app(event, user_data);
    } else if (status_event_fits(state, event->data_size, DISPLAY_EVENTS_VERSION, sizeof(*state)) &&
               (state->width != s_screen.canvas.width ||
                state->height - state->top != s_screen.canvas.height)) {
        draw(user_data); /* turned */
    }
}

/** What people have to know of Bluetooth, and have no other place to see. */
static void on_bluetooth(const system_event_t *event, void *user_data)
{
    const bluetooth_told_t *told = event->data;
    char text[DISPLAY_TOAST_TEXT];
    if (!status_event_fits(told, event->data_size, BLUETOOTH_EVENTS_VERSION, sizeof(*told))) {
        return;
    }
    switch (told->kind) {
    case BLUETOOTH_TOLD_PASSKEY:
        s_pairs = true;
        (void)snprintf(text, sizeof(text), "Pairing: enter %06" PRIu32 " there", told->value);
        (void)display_toast(user_data, text, PASSKEY_MS);
        break;
    case BLUETOOTH_TOLD_PAIRED: /* or known from before: then nobody waits for it */
    case BLUETOOTH_TOLD_NOT_PAIRED:
        if (s_pairs) {
            (void)display_toast(user_data,
                                told->kind == BLUETOOTH_TOLD_PAIRED ? "Paired" : "Not paired", 0);
        }
        s_pairs = false;
        break;
    case BLUETOOTH_TOLD_INSTALLED:
        (void)snprintf(text, sizeof(text), "Installed: %.*s", (int)sizeof(told->name), told->name);
        (void)display_toast(user_data, text, 0);
        break;
    case BLUETOOTH_TOLD_NOT_INSTALLED:
        (void)display_toast(user_data, "An app that was sent is not installed", 0);
        break;
    default:
        break;
    }
}

/** The display service may come after us, or be out of order for a while. @return false: we are to
 *  stop */
static bool open_screen(app_context_t *ctx)
{
    esp_err_t told = ESP_OK;
    for (;;) {
        const esp_err_t ret = display_surface_open(ctx, "Kraken-OS", &s_screen);
        if (ret == ESP_OK) {
            return true;
        }
        if (ret != told) {
            ctx->log(ctx, ESP_LOG_WARN, "no screen yet: %s", system_error_to_string(ret));
            told = ret;
        }
        if (!ctx->sleep_ms(ctx, TRY_AGAIN_MS)) {
            return false;
        }
    }
}

static void launcher_app_main(app_context_t *ctx)
{
    static const struct {
        const char *pattern;
        system_event_handler_t handler;
    } wanted[] = {
        {"app.*", on_app},
        {BLUETOOTH_TOLD_EVENT, on_bluetooth},
        {DISPLAY_STATE_EVENT, on_display},
        {INPUT_CLICK_EVENT, on_click},
        {INPUT_GESTURE_EVENT, on_gesture},
    };
    esp_err_t ret = ESP_OK;

    memset(&s_apps, 0, sizeof(s_apps)); /* statics outlive the app: each life begins by itself */
    s_list = (display_list_t){.selected = -1, .row = describe_row};
    s_listens = false;
    s_looks = false;
    s_hears = false;
    s_pairs = false;
    if (!open_screen(ctx)) {
        return;
    }
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]) && ret == ESP_OK; i++) {
        ret = ctx->subscribe_pattern(ctx, wanted[i].pattern, wanted[i].handler, ctx);
    }
    if (ret != ESP_OK) {
        ctx->log(ctx, ESP_LOG_ERROR, "cannot begin: %s", system_error_to_string(ret));
        return;
    }
    while (ctx->sleep_ms(ctx, WAIT_MS)) {
        /* The handlers do it all. */
    }
}

static const service_quota_t s_quota = {
    .max_events_per_sec = 200,
    .max_subscriptions = 8,
    .max_event_data_size = 256,
};

const app_manifest_t launcher_app_manifest = {
    .name = "launcher",
    .version = "1.0.0",
    .author = "Kraken-OS",
    .description = "Starts, stops and switches apps",
    .entry_point = launcher_app_main,
    .stack_size = 6144,
    .handler_stack_size = 6144,
    .priority = 5,
    .restart_on_crash = true,
    .quota = &s_quota,
};
