// SPDX-License-Identifier: Apache-2.0

// The launcher, as a hand uses it: it lists the apps, starts, stops and switches them, comes back
// when another app ends or the home button is pressed, and believes only what is meant for it.

#include <stdatomic.h>
#include <string.h>

#include "app_control_service/app_control_service.h"
#include "bluetooth_service/bluetooth_events.h"
#include "display_app.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "host_display.h"
#include "input_service/input_events.h"
#include "ktest.h"
#include "launcher_app.h"
#include "system_service/service_supervisor.h"
#include "system_up.h"

#define WIDTH  CONFIG_DISPLAY_WIDTH
#define HEIGHT CONFIG_DISPLAY_HEIGHT
#define TOP    DISPLAY_STATUS_BAR_HEIGHT

#define SUBSCRIPTIONS 5 // that the launcher makes before it listens to everything

static system_secure_key_t s_key;
static system_service_id_t s_hand; // in whose name input is posted
static status_focus_t s_focus;
static display_toast_t s_toast;
static _Atomic uint32_t s_settled;

static void on_focus(const system_event_t *event, void *user_data)
{
    (void)user_data;
    KTEST_CHECK(event->data_size == sizeof(s_focus));
    memcpy(&s_focus, event->data, sizeof(s_focus));
}

static void on_toast(const system_event_t *event, void *user_data)
{
    (void)user_data;
    KTEST_CHECK(event->data_size == sizeof(s_toast));
    memcpy(&s_toast, event->data, sizeof(s_toast));
}

static void on_settled(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
    atomic_fetch_add(&s_settled, 1);
}

static system_service_info_t launcher_info(void)
{
    app_info_t app;
    system_service_info_t info;
    assert_int_equal(app_manager_get_info("launcher", &app), ESP_OK);
    assert_int_equal(system_service_get_info(app.id, &info), ESP_OK);
    return info;
}

/** What was posted before was handled: by the launcher, and what that posted by the hand. */
static void settle(void)
{
    const uint32_t before = atomic_load(&s_settled);
    // Nothing to the launcher, and the last that it takes: then all before is done.
    assert_int_equal(system_event_post(s_hand, system_up_type(BLUETOOTH_TOLD_EVENT), "x", 1,
                                       SYSTEM_EVENT_PRIORITY_LOW),
                     ESP_OK);
    for (int i = 0; launcher_info().events_waiting != 0; i++) {
        assert_true(i < ktest_polls(4000));
        vTaskDelay(1);
    }
    assert_int_equal(system_event_post(s_hand, system_up_type("hand.settled"), NULL, 0,
                                       SYSTEM_EVENT_PRIORITY_LOW),
                     ESP_OK);
    assert_true(system_up_wait(&s_settled, before + 1, 4000));
}

static bool wait_for_focus(const char *name)
{
    for (int i = 0; i < ktest_polls(400) && strcmp(s_focus.name, name) != 0; i++) {
        vTaskDelay(pdMS_TO_TICKS(10));
    }
    return strcmp(s_focus.name, name) == 0;
}

static bool wait_for_state(const char *name, app_state_t state)
{
    app_info_t info = {0};
    for (int i = 0; i < ktest_polls(400); i++) {
        assert_int_equal(app_manager_get_info(name, &info), ESP_OK);
        if (info.state == state) {
            vTaskDelay(pdMS_TO_TICKS(100)); // whoever made it so tells it
            settle();                       // and the launcher hears of it
            return true;
        }
        vTaskDelay(pdMS_TO_TICKS(10));
    }
    return false;
}

static void post(const char *name, input_event_t input)
{
    const system_event_type_t type = system_up_type(name);
    input.header = (status_header_t)STATUS_HEADER(input_event_t, INPUT_EVENT_VERSION);
    assert_int_equal(
        system_event_post(s_hand, type, &input, sizeof(input), SYSTEM_EVENT_PRIORITY_HIGH), ESP_OK);
    settle();
}

static void click(input_button_t button)
{
    post(INPUT_CLICK_EVENT, (input_event_t){.focus = s_focus.app, .button = (uint8_t)button});
}

static void tap(int x, int y)
{
    post(INPUT_GESTURE_EVENT, (input_event_t){.focus = s_focus.app,
                                              .button = INPUT_TOUCH,
                                              .gesture = INPUT_GESTURE_TAP,
                                              .x = (int16_t)x,
                                              .y = (int16_t)y});
}

static void tap_row(int row)
{
    tap(60, 8 + row * 48 + 20);
}

static void tap_open(void)
{
    tap(40, HEIGHT - TOP - 20);
}

static void tap_stop(void)
{
    tap(WIDTH - 40, HEIGHT - TOP - 20);
}

static void touch_starts_switches_and_stops(void **state)
{
    (void)state;
    tap_row(0); // selected from the beginning: a second touch means open
    assert_true(wait_for_state("red", APP_STATE_RUNNING));
    assert_string_equal(s_focus.name, "launcher"); // it has no screen yet
    assert_int_equal(display_app_do(DISPLAY_APP_IS_RED, display_app_open), ESP_OK);
    assert_int_equal(display_app_do(DISPLAY_APP_IS_RED, display_app_fill), ESP_OK);
    assert_true(wait_for_focus("red"));
    assert_true(display_app_wait_for_body(DISPLAY_APP_RED));
    tap_stop(); // a touch of the app in front is none of the launcher's business
    assert_true(wait_for_state("red", APP_STATE_RUNNING));
    click(INPUT_BUTTON_HOME);
    assert_true(wait_for_focus("launcher"));
    tap_open();
    assert_true(wait_for_focus("red"));
    click(INPUT_BUTTON_HOME);
    assert_true(wait_for_focus("launcher"));
    tap_row(1);
    tap_stop(); // of one that does not run: nothing
    assert_true(wait_for_state("red", APP_STATE_RUNNING));
    tap_row(0);
    tap_stop();
    assert_true(wait_for_state("red", APP_STATE_STOPPED));
}

static void buttons_do_the_same(void **state)
{
    (void)state;
    click(INPUT_BUTTON_DOWN);
    click(INPUT_BUTTON_DOWN); // there are two: it stays at the last one
    click(INPUT_BUTTON_SELECT);
    assert_true(wait_for_state("blue", APP_STATE_RUNNING));
    assert_int_equal(display_app_do(DISPLAY_APP_IS_BLUE, display_app_open), ESP_OK);
    assert_true(wait_for_focus("blue"));
    click(INPUT_BUTTON_HOME);
    assert_true(wait_for_focus("launcher"));
    click(INPUT_BUTTON_BACK);
    assert_true(wait_for_state("blue", APP_STATE_STOPPED));
    assert_string_equal(s_focus.name, "launcher");
    click(INPUT_BUTTON_UP);
    click(INPUT_BUTTON_SELECT);
    assert_true(wait_for_state("red", APP_STATE_RUNNING));
    assert_int_equal(display_app_do(DISPLAY_APP_IS_RED, display_app_open), ESP_OK);
    assert_true(wait_for_focus("red"));
    assert_int_equal(app_manager_stop("red"), ESP_OK); // by somebody else
    assert_true(wait_for_focus("launcher"));
}

static void what_is_no_input_is_nothing(void **state)
{
    (void)state;
    const status_header_t alone = {.version = INPUT_EVENT_VERSION, .size = sizeof(input_event_t)};
    static const char *const names[] = {INPUT_CLICK_EVENT, INPUT_GESTURE_EVENT, "display.state"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const system_event_type_t type = system_up_type(names[i]);
        assert_int_equal(system_event_post(s_hand, type, &alone, sizeof(alone), 200), ESP_OK);
        assert_int_equal(system_event_post(s_hand, type, NULL, 0, 200), ESP_OK);
    }
    post(INPUT_CLICK_EVENT, (input_event_t){.focus = s_hand, .button = INPUT_BUTTON_SELECT});
    post(INPUT_CLICK_EVENT, (input_event_t){.focus = s_focus.app, .button = 255});
    post(INPUT_GESTURE_EVENT, (input_event_t){.focus = s_focus.app, .gesture = 255});
    tap(INT16_MIN, INT16_MAX);
    app_info_t info;
    assert_int_equal(app_manager_get_info("red", &info), ESP_OK);
    assert_int_equal(info.state, APP_STATE_STOPPED);
    assert_int_equal(app_manager_get_info("launcher", &info), ESP_OK);
    assert_int_equal(info.state, APP_STATE_RUNNING);
    assert_int_equal(info.crashes, 0);
}

/** @return what is shown over everything then; "" = nothing */
static const char *told(bluetooth_told_kind_t kind, uint32_t value, const char *name)
{
    bluetooth_told_t about = {.header = STATUS_HEADER(bluetooth_told_t, BLUETOOTH_EVENTS_VERSION),
                              .kind = (uint8_t)kind,
                              .value = value};
    strcpy(about.name, name);
    memset(&s_toast, 0, sizeof(s_toast));
    assert_int_equal(system_event_post(s_hand, system_up_type(BLUETOOTH_TOLD_EVENT), &about,
                                       sizeof(about), SYSTEM_EVENT_PRIORITY_NORMAL),
                     ESP_OK);
    settle();
    return s_toast.text;
}

static void what_bluetooth_has_to_tell_people_is_shown(void **state)
{
    (void)state;
    assert_string_equal(told(BLUETOOTH_TOLD_PASSKEY, 4711, ""), "Pairing: enter 004711 there");
    assert_int_equal(s_toast.duration_ms, 10000);
    assert_string_equal(told(BLUETOOTH_TOLD_PAIRED, 0, ""), "Paired");
    assert_string_equal(told(BLUETOOTH_TOLD_PAIRED, 0, ""), ""); // known from before
    (void)told(BLUETOOTH_TOLD_PASSKEY, 999999, "");
    assert_string_equal(s_toast.text, "Pairing: enter 999999 there");
    assert_string_equal(told(BLUETOOTH_TOLD_NOT_PAIRED, 0, ""), "Not paired");
    assert_string_equal(told(BLUETOOTH_TOLD_INSTALLED, 0, "radio"), "Installed: radio");
    assert_string_equal(told(BLUETOOTH_TOLD_FOUND, 0, "somebody"), "");
    const system_event_type_t type = system_up_type(BLUETOOTH_TOLD_EVENT);
    assert_int_equal(system_event_post(s_hand, type, "x", 1, 200), ESP_OK);
    settle();
    assert_string_equal(s_toast.text, "");
}

static void what_it_missed_it_asks_for_again(void **state)
{
    (void)state;
    system_service_id_t apps;
    assert_int_equal(system_service_find(app_control_service.name, &apps), ESP_OK);
    tap_row(0);
    assert_true(wait_for_state("red", APP_STATE_RUNNING));
    click(INPUT_BUTTON_HOME);
    assert_int_equal(system_service_stop(apps), ESP_OK); // nobody gives a list
    assert_int_equal(app_manager_stop("red"), ESP_OK);
    assert_true(wait_for_state("red", APP_STATE_STOPPED));
    assert_int_equal(system_service_start(apps), ESP_OK); // and nobody says that somebody does
    // As soon as it knows that red has ended, the button starts it.
    app_info_t red = {0};
    for (int i = 0; red.state != APP_STATE_RUNNING; i++) {
        assert_true(i < ktest_polls(40));
        vTaskDelay(pdMS_TO_TICKS(100));
        tap_open();
        assert_int_equal(app_manager_get_info("red", &red), ESP_OK);
    }
    assert_true(wait_for_state("red", APP_STATE_RUNNING));
    assert_int_equal(app_manager_stop("red"), ESP_OK);
    assert_true(wait_for_state("red", APP_STATE_STOPPED));
}

static void it_is_drawn_anew_when_the_screen_is_turned(void **state)
{
    (void)state;
    assert_int_equal(display_app_set(DISPLAY_SET_DEGREES, 0, 90, true), ESP_OK);
    // Of the screen's (20, 210), in the middle of the left button's side; the panel stands upright.
    for (int i = 0;
         i < ktest_polls(300) && host_display_memory(WIDTH - 1 - 210, 20) != DISPLAY_COLOR_ACCENT;
         i++) {
        vTaskDelay(pdMS_TO_TICKS(10));
    }
    assert_int_equal(host_display_memory(WIDTH - 1 - 210, 20), DISPLAY_COLOR_ACCENT);
    assert_int_equal(display_app_set(DISPLAY_SET_DEGREES, 0, 0, true), ESP_OK);
}

static int set_up(void **state)
{
    (void)state;
    system_service_id_t id;
    s_key = system_up();
    s_hand = system_up_service("hand");
    assert_int_equal(
        system_event_subscribe(s_hand, system_up_type(STATUS_FOCUS_EVENT), on_focus, NULL), ESP_OK);
    assert_int_equal(
        system_event_subscribe(s_hand, system_up_type(DISPLAY_TOAST_EVENT), on_toast, NULL),
        ESP_OK);
    assert_int_equal(
        system_event_subscribe(s_hand, system_up_type("hand.settled"), on_settled, NULL), ESP_OK);
    assert_int_equal(system_service_register(app_control_service.name, &app_control_service, &id),
                     ESP_OK);
    assert_int_equal(system_service_start(id), ESP_OK);
    display_app_register(DISPLAY_APP_IS_RED);
    display_app_register(DISPLAY_APP_IS_BLUE);
    assert_int_equal(app_manager_register(&launcher_app_manifest), ESP_OK);
    assert_int_equal(app_manager_start("launcher"), ESP_OK); // before there is a screen
    (void)display_app_service();
    assert_true(wait_for_focus("launcher"));
    for (int i = 0; launcher_info().subscriptions < SUBSCRIPTIONS; i++) {
        assert_true(i < ktest_polls(4000));
        vTaskDelay(1);
    }
    settle();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    assert_int_equal(app_manager_stop("launcher"), ESP_OK);
    assert_true(wait_for_focus("")); // nobody is in front
    system_down(s_key);
    return 0;
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(touch_starts_switches_and_stops, set_up),
        cmocka_unit_test(buttons_do_the_same),
        cmocka_unit_test(what_it_missed_it_asks_for_again),
        cmocka_unit_test(what_is_no_input_is_nothing),
        cmocka_unit_test(what_bluetooth_has_to_tell_people_is_shown),
        cmocka_unit_test_teardown(it_is_drawn_anew_when_the_screen_is_turned, tear_down),
    };
    return KTEST_MAIN(argc, argv, tests);
}
