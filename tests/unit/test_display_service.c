// SPDX-License-Identifier: Apache-2.0

// The display service between apps and the virtual board's panel: what is transferred, who is in
// front, settings, the status bar. One system for all cases, in order.

#include <stdatomic.h>
#include <string.h>

#include "app_control_service/app_control_events.h"
#include "app_control_service/app_control_service.h"
#include "display_app.h"
#include "esp_timer.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "host_display.h"
#include "ktest.h"
#include "system_service/service_supervisor.h"
#include "system_up.h"

#define WIDTH  CONFIG_DISPLAY_WIDTH
#define HEIGHT CONFIG_DISPLAY_HEIGHT
#define TOP    DISPLAY_STATUS_BAR_HEIGHT
#define RED    DISPLAY_APP_RED
#define BLUE   DISPLAY_APP_BLUE
#define DOT    DISPLAY_APP_DOT

static system_secure_key_t s_key;
static system_service_id_t s_display;
static system_service_id_t s_observer;
static status_focus_t s_focus;
static display_state_t s_state;
static _Atomic unsigned s_focus_events, s_syncs;

/* ---- what apps do -------------------------------------------------------------------------------
 */

static esp_err_t close_surface(app_context_t *ctx, display_surface_t *surface)
{
    return display_surface_close(ctx, surface);
}

static esp_err_t commit(app_context_t *ctx, display_surface_t *surface)
{
    return display_surface_commit(ctx, surface);
}

static esp_err_t draw_without_commit(app_context_t *ctx, display_surface_t *surface)
{
    (void)ctx;
    display_canvas_fill(&surface->canvas, DOT);
    return ESP_OK;
}

static esp_err_t raise_self(app_context_t *ctx, display_surface_t *surface)
{
    (void)surface;
    return display_surface_raise(ctx, NULL);
}

static esp_err_t raise_blue(app_context_t *ctx, display_surface_t *surface)
{
    (void)surface;
    return display_surface_raise(ctx, "blue");
}

static esp_err_t inject(app_context_t *ctx, display_surface_t *surface)
{
    (void)surface;
    system_event_type_t type;
    const display_fault_request_t wish = {
        .header = STATUS_HEADER(display_fault_request_t, DISPLAY_EVENTS_VERSION)};
    (void)ctx->register_event(ctx, DISPLAY_FAULT_REQUEST, &type);
    return ctx->request(ctx, SYSTEM_SERVICE_ID_NONE, type, &wish, sizeof(wish), PRIORITY_NORMAL,
                        NULL, NULL, 0);
}

static esp_err_t toast(app_context_t *ctx, display_surface_t *surface)
{
    (void)surface;
    return display_toast(ctx, "Hello", 1000);
}

static esp_err_t start_blue(app_context_t *ctx, display_surface_t *surface)
{
    (void)surface;
    system_event_type_t type;
    const app_control_request_t wish = {
        .header = STATUS_HEADER(app_control_request_t, APP_CONTROL_VERSION), .name = "blue"};
    (void)ctx->register_event(ctx, APP_CONTROL_START_REQUEST, &type);
    return ctx->request(ctx, SYSTEM_SERVICE_ID_NONE, type, &wish, sizeof(wish), PRIORITY_NORMAL,
                        NULL, NULL, 0);
}

/* ---- what is seen -------------------------------------------------------------------------------
 */

static void on_focus(const system_event_t *event, void *user_data)
{
    (void)user_data;
    KTEST_CHECK(event->data_size == sizeof(s_focus));
    memcpy(&s_focus, event->data, sizeof(s_focus));
    atomic_fetch_add(&s_focus_events, 1);
}

static void on_state(const system_event_t *event, void *user_data)
{
    (void)user_data;
    KTEST_CHECK(event->data_size == sizeof(s_state));
    memcpy(&s_state, event->data, sizeof(s_state));
}

static void on_sync(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
    atomic_fetch_add(&s_syncs, 1);
}

/** What was asked for is on the panel, and what was told of it has been heard. */
static void settle(void)
{
    display_app_settle();
    const unsigned before = atomic_load(&s_syncs);
    assert_int_equal(system_event_post(s_observer, system_up_type("display_test.sync"), NULL, 0,
                                       SYSTEM_EVENT_PRIORITY_NORMAL),
                     ESP_OK);
    while (atomic_load(&s_syncs) == before) {
        vTaskDelay(1);
    }
}

static uint32_t hash_of_bar(void)
{
    uint32_t hash = 5381;
    for (unsigned y = 0; y < TOP; y++) {
        for (unsigned x = 0; x < WIDTH; x++) {
            hash = hash * 33 + host_display_memory(x, y);
        }
    }
    return hash;
}

/* ---- the cases ----------------------------------------------------------------------------------
 */

static void a_surface_opens_black_and_shows_what_is_committed(void **state)
{
    (void)state;
    display_app_start(DISPLAY_APP_IS_RED);
    assert_int_equal(display_app_do(DISPLAY_APP_IS_RED, display_app_open), ESP_OK);
    assert_true(display_app_wait_for_body(0));
    assert_int_equal(display_app_do(DISPLAY_APP_IS_RED, draw_without_commit), ESP_OK);
    settle();
    assert_true(display_app_body_is(0)); // half-drawn pictures are nobody's business
    assert_int_equal(display_app_do(DISPLAY_APP_IS_RED, display_app_fill), ESP_OK);
    assert_true(display_app_wait_for_body(RED));
    settle();
    assert_string_equal(s_focus.name, "red");
    assert_int_equal(s_focus.top, TOP);
    assert_int_equal(s_state.surfaces, 1);
}

static void only_what_changed_is_transferred(void **state)
{
    (void)state;
    settle();
    host_display_counts_t before = host_display_counts();
    assert_int_equal(display_app_do(DISPLAY_APP_IS_RED, display_app_fill),
                     ESP_OK); // all of it anew, all the same
    vTaskDelay(pdMS_TO_TICKS(100));
    assert_true(host_display_counts().pixels - before.pixels <= WIDTH * TOP); // the bar may live
    before = host_display_counts();
    assert_int_equal(display_app_do(DISPLAY_APP_IS_RED, display_app_dot), ESP_OK);
    settle();
    const uint64_t sent = host_display_counts().pixels - before.pixels;
    assert_true(sent >= 7 * 5 && sent <= 7 * 5 + WIDTH * TOP);
    assert_int_equal(host_display_memory(10, TOP + 20), DOT);
    assert_int_equal(host_display_memory(9, TOP + 20), RED);
    before = host_display_counts();
    assert_int_equal(display_app_do(DISPLAY_APP_IS_RED, commit), ESP_OK); // nothing was drawn
    vTaskDelay(pdMS_TO_TICKS(100));
    assert_true(host_display_counts().pixels - before.pixels <= WIDTH * TOP);
}

static void the_one_in_front_is_seen(void **state)
{
    (void)state;
    display_app_start(DISPLAY_APP_IS_BLUE);
    assert_int_equal(display_app_do(DISPLAY_APP_IS_RED, display_app_fill), ESP_OK);
    assert_int_equal(display_app_do(DISPLAY_APP_IS_BLUE, display_app_open), ESP_OK);
    assert_int_equal(display_app_do(DISPLAY_APP_IS_BLUE, display_app_fill), ESP_OK);
    assert_true(display_app_wait_for_body(BLUE));
    assert_int_equal(display_app_do(DISPLAY_APP_IS_RED, display_app_dot), ESP_OK); // behind
    settle();
    assert_true(display_app_body_is(BLUE));
    assert_int_equal(display_app_do(DISPLAY_APP_IS_RED, raise_blue), ESP_ERR_NOT_OWNER);
    assert_int_equal(display_app_do(DISPLAY_APP_IS_RED, raise_self), ESP_OK);
    settle();
    assert_int_equal(host_display_memory(10, TOP + 20), DOT); // drawn while it was behind
    assert_string_equal(s_focus.name, "red");
    const display_raise_t by_name = {
        .header = STATUS_HEADER(display_raise_t, DISPLAY_EVENTS_VERSION), .name = "blue"};
    assert_int_equal(display_app_ask(DISPLAY_RAISE_REQUEST, &by_name, sizeof(by_name), NULL, 0),
                     ESP_OK);
    assert_true(display_app_wait_for_body(BLUE));
    const display_raise_t nobody = {
        .header = STATUS_HEADER(display_raise_t, DISPLAY_EVENTS_VERSION), .name = "green"};
    assert_int_equal(display_app_ask(DISPLAY_RAISE_REQUEST, &nobody, sizeof(nobody), NULL, 0),
                     ESP_ERR_NOT_FOUND);
    display_app_stop(DISPLAY_APP_IS_BLUE); // with it goes its surface
    settle();
    assert_int_equal(host_display_memory(10, TOP + 20), DOT);
    assert_string_equal(s_focus.name, "red");
    assert_int_equal(display_app_info().state.surfaces, 1);
}

static void requests_are_looked_at(void **state)
{
    (void)state;
    const display_surface_open_t wish = {
        .header = STATUS_HEADER(display_surface_open_t, DISPLAY_EVENTS_VERSION)};
    const status_header_t alone = {.version = DISPLAY_EVENTS_VERSION, .size = 400};
    static const char *const names[] = {DISPLAY_OPEN_REQUEST, DISPLAY_COMMIT_REQUEST,
                                        DISPLAY_SET_REQUEST, DISPLAY_RAISE_REQUEST,
                                        DISPLAY_FAULT_REQUEST};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        assert_int_equal(display_app_ask(names[i], NULL, 0, NULL, 0), ESP_ERR_INVALID_ARG);
        assert_int_equal(display_app_ask(names[i], &alone, sizeof(alone), NULL, 0),
                         ESP_ERR_INVALID_ARG);
    }
    assert_int_equal(display_app_ask(DISPLAY_OPEN_REQUEST, &wish, sizeof(wish), NULL, 0),
                     ESP_ERR_NOT_OWNER); // firmware is no app
    assert_int_equal(display_app_do(DISPLAY_APP_IS_RED, inject), ESP_ERR_NOT_OWNER);
    assert_int_equal(display_app_set(0x80, 0, 0, true), ESP_ERR_INVALID_ARG);
    assert_int_equal(display_app_set(DISPLAY_SET_BRIGHTNESS, 0, 0, true), ESP_ERR_INVALID_ARG);
    assert_int_equal(display_app_set(DISPLAY_SET_BRIGHTNESS, 101, 0, true), ESP_ERR_INVALID_ARG);
    assert_int_equal(display_app_set(DISPLAY_SET_DEGREES, 0, 45, true), ESP_ERR_INVALID_ARG);
    assert_int_equal(display_app_set(DISPLAY_SET_DEGREES, 0, 360, true), ESP_ERR_INVALID_ARG);
    assert_int_equal(display_app_fault(DISPLAY_FAULTS), ESP_ERR_INVALID_ARG);
    assert_int_equal(display_surface_commit(NULL, NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(display_app_do(DISPLAY_APP_IS_RED, close_surface), ESP_OK);
    assert_int_equal(display_app_do(DISPLAY_APP_IS_RED, commit), ESP_ERR_NOT_FOUND);
    assert_int_equal(display_app_do(DISPLAY_APP_IS_RED, raise_self), ESP_ERR_NOT_FOUND);
    assert_int_equal(display_app_do(DISPLAY_APP_IS_RED, display_app_open), ESP_OK);
    assert_int_equal(display_app_do(DISPLAY_APP_IS_RED, display_app_fill), ESP_OK);
    assert_true(display_app_wait_for_body(RED));
}

static void the_screen_turns(void **state)
{
    (void)state;
    static const struct {
        uint16_t degrees;
        unsigned bar_x, bar_y; // of the panel: a corner that belongs to the bar now
        unsigned body_x, body_y;
    } turns[] = {
        {90, WIDTH - 1, HEIGHT - 1, 0, 0},
        {180, WIDTH - 1, HEIGHT - 1, 0, 0},
        {270, 0, 0, WIDTH - 1, HEIGHT - 1},
        {0, 0, 0, WIDTH - 1, HEIGHT - 1},
    };
    for (size_t i = 0; i < sizeof(turns) / sizeof(turns[0]); i++) {
        const uint32_t failures = display_app_info().failures;
        (void)display_app_do(DISPLAY_APP_IS_RED, display_app_dot);
        (void)display_app_do(DISPLAY_APP_IS_RED, display_app_fill);
        // At once: what is damaged by that is damage of a screen of another shape.
        assert_int_equal(display_app_set(DISPLAY_SET_DEGREES, 0, turns[i].degrees, true), ESP_OK);
        esp_err_t ret = display_app_do(DISPLAY_APP_IS_RED, display_app_fill);
        if (turns[i].degrees != 180 || ret != ESP_OK) { // from 90 to 180 the size changes too
            assert_int_equal(ret, ESP_ERR_INVALID_SIZE);
            ret = display_app_do(DISPLAY_APP_IS_RED, display_app_fill);
        }
        assert_int_equal(ret, ESP_OK);
        settle();
        assert_int_equal(host_display_memory(turns[i].body_x, turns[i].body_y), RED);
        assert_int_equal(host_display_memory(turns[i].bar_x, turns[i].bar_y), DISPLAY_COLOR_PANEL);
        const bool across = turns[i].degrees % 180 != 0;
        assert_int_equal(s_state.width, across ? HEIGHT : WIDTH);
        assert_int_equal(s_state.height, across ? WIDTH : HEIGHT);
        assert_int_equal(s_focus.degrees, turns[i].degrees);
        assert_int_equal(display_app_info().failures, failures);
    }
    assert_true(display_app_wait_for_body(RED));
}

static void brightness_dims_what_is_seen_and_sleep_ends_it(void **state)
{
    (void)state;
    static uint8_t s_rgb[WIDTH * HEIGHT * 3];
    const size_t middle = (HEIGHT / 2 * WIDTH + WIDTH / 2) * 3;

    assert_int_equal(display_app_set(DISPLAY_SET_BRIGHTNESS, 100, 0, true), ESP_OK);
    assert_true(host_display_see(WIDTH, HEIGHT, s_rgb));
    assert_int_equal(s_rgb[middle], 255);
    assert_int_equal(display_app_set(DISPLAY_SET_BRIGHTNESS, 50, 0, true), ESP_OK);
    assert_true(host_display_see(WIDTH, HEIGHT, s_rgb));
    assert_int_equal(s_rgb[middle], 127);
    assert_int_equal(display_app_set(DISPLAY_SET_AWAKE, 0, 0, false), ESP_OK);
    settle();
    assert_true(host_display_see(WIDTH, HEIGHT, s_rgb));
    assert_int_equal(s_rgb[middle], 0);
    const host_display_counts_t before = host_display_counts();
    assert_int_equal(display_app_do(DISPLAY_APP_IS_RED, display_app_dot), ESP_OK); // apps go on
    vTaskDelay(pdMS_TO_TICKS(500));
    assert_int_equal(host_display_counts().pixels - before.pixels, 0);
    assert_false(display_app_info().state.awake);
    assert_int_equal(display_app_set(DISPLAY_SET_AWAKE, 0, 0, true), ESP_OK);
    settle();
    assert_true(host_display_see(WIDTH, HEIGHT, s_rgb));
    assert_int_equal(s_rgb[middle], 127);
    assert_int_equal(host_display_memory(10, TOP + 20), DOT); // what came meanwhile
    assert_int_equal(display_app_set(DISPLAY_SET_BRIGHTNESS, 100, 0, true), ESP_OK);
}

static void post(const char *name, const void *data, size_t size)
{
    const system_event_type_t type = system_up_type(name);
    assert_int_equal(system_event_set_retained(type, true), ESP_OK); // as its owner does
    assert_int_equal(system_event_post(s_observer, type, data, size, SYSTEM_EVENT_PRIORITY_NORMAL),
                     ESP_OK);
    vTaskDelay(pdMS_TO_TICKS(50));
    settle();
}

static void the_status_bar_shows_what_others_tell(void **state)
{
    (void)state;
    const status_network_t network = {
        .header = STATUS_HEADER(status_network_t, 1), .state = STATUS_NETWORK_CONNECTED, .bars = 3};
    const status_bluetooth_t radio = {
        .header = STATUS_HEADER(status_bluetooth_t, 1), .enabled = true, .connections = 1};
    const status_time_t time = {.header = STATUS_HEADER(status_time_t, 1),
                                .offset_minutes = 60,
                                .utc_us = 1700000039000000LL,
                                .at_us = esp_timer_get_time()};
    uint32_t before = hash_of_bar();
    post(STATUS_NETWORK_EVENT, &network, sizeof(network) - 1); // cut: not believed
    post(STATUS_NETWORK_EVENT, &network, sizeof(network));
    assert_int_not_equal(hash_of_bar(), before);
    before = hash_of_bar();
    post(STATUS_BLUETOOTH_EVENT, &radio, sizeof(radio));
    assert_int_not_equal(hash_of_bar(), before);
    before = hash_of_bar();
    post(STATUS_TIME_EVENT, &time, sizeof(time));
    assert_int_not_equal(hash_of_bar(), before);
    before = hash_of_bar();
    for (int i = 0; i < ktest_polls(600) && hash_of_bar() == before; i++) { // it is the 59th second
        vTaskDelay(pdMS_TO_TICKS(10));
    }
    assert_int_not_equal(hash_of_bar(), before);
    before = hash_of_bar();
    assert_int_equal(system_service_stop(s_display), ESP_OK); // what is retained comes again
    assert_int_equal(system_service_start(s_display), ESP_OK);
    vTaskDelay(pdMS_TO_TICKS(100));
    settle();
    assert_int_equal(hash_of_bar(), before);
}

static void a_toast_comes_and_goes(void **state)
{
    (void)state;
    assert_int_equal(display_app_do(DISPLAY_APP_IS_RED, display_app_fill), ESP_OK);
    assert_true(display_app_wait_for_body(RED));
    bool seen = false;
    for (int i = 0; i < ktest_polls(500) && !seen; i++) {
        if (i % 500 == 0) { // again, where a busy machine looked too late
            assert_int_equal(display_app_do(DISPLAY_APP_IS_RED, toast), ESP_OK);
        }
        seen = !display_app_body_is(RED);
        vTaskDelay(pdMS_TO_TICKS(2));
    }
    assert_true(seen);
    assert_true(display_app_wait_for_body(RED));
}

static void only_the_launcher_controls_apps(void **state)
{
    (void)state;
    static app_control_list_t s_list;
    system_service_id_t id;
    assert_int_equal(system_service_register(app_control_service.name, &app_control_service, &id),
                     ESP_OK);
    assert_int_equal(system_service_start(id), ESP_OK);
    assert_int_equal(display_app_do(DISPLAY_APP_IS_RED, start_blue), ESP_ERR_APP_PERMISSION_DENIED);
    assert_int_equal(display_app_ask(APP_CONTROL_LIST_REQUEST, NULL, 0, &s_list, sizeof(s_list)),
                     ESP_OK);
    assert_int_equal(s_list.count, 1);
    assert_string_equal(s_list.apps[0].name, "red");
    assert_int_equal(s_list.apps[0].state, APP_STATE_RUNNING);
    const app_control_request_t wish = {
        .header = STATUS_HEADER(app_control_request_t, APP_CONTROL_VERSION), .name = "none"};
    assert_int_equal(display_app_ask(APP_CONTROL_START_REQUEST, &wish, sizeof(wish), NULL, 0),
                     ESP_ERR_APP_NOT_FOUND);
    assert_int_equal(display_app_ask(APP_CONTROL_STOP_REQUEST, NULL, 0, NULL, 0),
                     ESP_ERR_INVALID_ARG);
}

static int set_up(void **state)
{
    (void)state;
    s_key = system_up();
    s_observer = system_up_service("observer");
    s_display = display_app_service();
    assert_int_equal(
        system_event_subscribe(s_observer, system_up_type(STATUS_FOCUS_EVENT), on_focus, NULL),
        ESP_OK);
    assert_int_equal(
        system_event_subscribe(s_observer, system_up_type(DISPLAY_STATE_EVENT), on_state, NULL),
        ESP_OK);
    assert_int_equal(
        system_event_subscribe(s_observer, system_up_type("display_test.sync"), on_sync, NULL),
        ESP_OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    display_app_stop(DISPLAY_APP_IS_RED);
    system_down(s_key);
    return 0;
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_surface_opens_black_and_shows_what_is_committed, set_up),
        cmocka_unit_test(only_what_changed_is_transferred),
        cmocka_unit_test(the_one_in_front_is_seen),
        cmocka_unit_test(requests_are_looked_at),
        cmocka_unit_test(the_screen_turns),
        cmocka_unit_test(brightness_dims_what_is_seen_and_sleep_ends_it),
        cmocka_unit_test(the_status_bar_shows_what_others_tell),
        cmocka_unit_test(a_toast_comes_and_goes),
        cmocka_unit_test_teardown(only_the_launcher_controls_apps, tear_down),
    };
    return KTEST_MAIN(argc, argv, tests);
}
