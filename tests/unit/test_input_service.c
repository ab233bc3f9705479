// SPDX-License-Identifier: Apache-2.0

// The input service on the virtual board's wires: whom events are for, what survives a restart, and
// what happens when the hardware misbehaves. One system for all cases, in order.

#include <string.h>

#include "esp_timer.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "host_control.h"
#include "host_input.h"
#include "input_service/input_control.h"
#include "input_service/input_service.h"
#include "ktest.h"
#include "system_service/fault_injection.h"
#include "system_service/request_response.h"
#include "system_service/service_supervisor.h"
#include "sdkconfig.h"
#include "system_up.h"

#define HEARD 256

static system_secure_key_t s_key;
static system_service_id_t s_input;
static system_service_id_t s_listener;
static char s_heard[HEARD];
static input_event_t s_events[HEARD];
static unsigned s_count;
static input_state_t s_state;

/* ---- the hand, and who watches it ---------------------------------------------------------------
 */

static void hear(const system_event_t *event, void *user_data)
{
    const char *letter = user_data;
    KTEST_CHECK(event->data_size == sizeof(input_event_t) && s_count < HEARD - 1);
    memcpy(&s_events[s_count], event->data, sizeof(input_event_t));
    s_heard[s_count++] = *letter;
}

static void on_state(const system_event_t *event, void *user_data)
{
    (void)user_data;
    KTEST_CHECK(event->data_size == sizeof(s_state));
    memcpy(&s_state, event->data, sizeof(s_state));
}

static void rest(unsigned ms)
{
    vTaskDelay(pdMS_TO_TICKS(ms));
}

static void forget(void)
{
    memset(s_heard, 0, sizeof(s_heard));
    s_count = 0;
}

static void key(const char *name, bool down)
{
    host_input_t change = {.kind = HOST_INPUT_KEY, .down = down};
    strncpy(change.key, name, sizeof(change.key) - 1);
    (void)host_input_put(&change);
}

static void touch(bool down, int x, int y)
{
    const host_input_t change = {.kind = HOST_INPUT_TOUCH, .down = down, .x = x, .y = y};
    (void)host_input_put(&change);
}

static void click(const char *name)
{
    key(name, true);
    rest(50);
    key(name, false);
    rest(500);
}

static void focus_on(system_service_id_t app, uint16_t top)
{
    const status_focus_t focus = {
        .header = STATUS_HEADER(status_focus_t, STATUS_FOCUS_VERSION),
        .app = app,
        .width = 240,
        .height = 320,
        .top = top,
    };
    const system_event_type_t type = system_up_type(STATUS_FOCUS_EVENT);
    assert_int_equal(system_event_set_retained(type, true), ESP_OK);
    assert_int_equal(
        system_event_post(s_listener, type, &focus, sizeof(focus), SYSTEM_EVENT_PRIORITY_NORMAL),
        ESP_OK);
    rest(20);
}

static esp_err_t ask(const char *what, const void *data, size_t size, void *out, size_t *out_size)
{
    return system_request_sync(SYSTEM_SERVICE_ID_NONE, SYSTEM_SERVICE_ID_NONE, system_up_type(what),
                               data, size, SYSTEM_EVENT_PRIORITY_NORMAL, out, out_size,
                               ktest_patience_ms(1000));
}

static input_info_t info(void)
{
    input_info_t got;
    size_t size = sizeof(got);
    assert_int_equal(ask(INPUT_GET_REQUEST, NULL, 0, &got, &size), ESP_OK);
    return got;
}

static esp_err_t fault(input_fault_t kind)
{
    const input_fault_request_t wish = {
        .header = STATUS_HEADER(input_fault_request_t, INPUT_CONTROL_VERSION),
        .fault = (uint8_t)kind,
    };
    return ask(INPUT_FAULT_REQUEST, &wish, sizeof(wish), NULL, NULL);
}

static esp_err_t map(uint8_t from, uint8_t to)
{
    const input_map_request_t wish = {
        .header = STATUS_HEADER(input_map_request_t, INPUT_CONTROL_VERSION),
        .key = from,
        .button = to,
    };
    return ask(INPUT_MAP_REQUEST, &wish, sizeof(wish), NULL, NULL);
}

/* ---- the cases ----------------------------------------------------------------------------------
 */

static int set_up(void **state)
{
    static const struct {
        const char *name;
        const char *letter;
    } heard[] = {
        {INPUT_PRESS_EVENT, "p"},   {INPUT_RELEASE_EVENT, "r"}, {INPUT_CLICK_EVENT, "c"},
        {INPUT_DOUBLE_EVENT, "2"},  {INPUT_LONG_EVENT, "l"},    {INPUT_REPEAT_EVENT, "."},
        {INPUT_GESTURE_EVENT, "g"},
    };
    (void)state;
    s_key = system_up();
    assert_int_equal(system_service_register(input_service.name, &input_service, &s_input), ESP_OK);
    assert_int_equal(system_service_start(s_input), ESP_OK);
    s_listener = system_up_service("listener");
    for (size_t i = 0; i < sizeof(heard) / sizeof(heard[0]); i++) {
        assert_int_equal(system_event_subscribe(s_listener, system_up_type(heard[i].name), hear,
                                                (void *)(uintptr_t)heard[i].letter),
                         ESP_OK);
    }
    assert_int_equal(
        system_event_subscribe(s_listener, system_up_type(INPUT_STATE_EVENT), on_state, NULL),
        ESP_OK);
    return 0;
}

static void a_key_is_heard_in_its_time(void **state)
{
    (void)state;
    forget();
    const int64_t before = esp_timer_get_time();
    key("up", true);
    rest(CONFIG_INPUT_DEBOUNCE_MS - 2);
    assert_string_equal(s_heard, "");
    rest(5);
    assert_string_equal(s_heard, "p");
    assert_true(s_events[0].edge_us - before < 1000);
    assert_int_equal(s_state.down, 1u << INPUT_BUTTON_UP);
    rest(50);
    key("up", false);
    rest(50);
    assert_string_equal(s_heard, "prc");
    assert_int_equal(s_events[2].button, INPUT_BUTTON_UP);
    assert_int_equal(s_state.down, 0);
    forget();
    key("down", true);
    rest(CONFIG_INPUT_LONG_MS + 3 * CONFIG_INPUT_REPEAT_MS + CONFIG_INPUT_REPEAT_MS / 2);
    key("down", false);
    rest(50);
    assert_string_equal(s_heard, "pl...r");
    key("no_such_key", true);
    rest(50);
    assert_string_equal(s_heard, "pl...r");
}

static void it_is_for_whom_it_began_with(void **state)
{
    (void)state;
    focus_on(s_listener, 24);
    forget();
    key("select", true);
    rest(30);
    focus_on(s_input, 24); // another one comes to the front meanwhile
    key("select", false);
    rest(30);
    assert_string_equal(s_heard, "prc");
    for (unsigned i = 0; i < s_count; i++) {
        assert_int_equal(s_events[i].focus, s_listener);
    }
    forget();
    touch(true, 100, 100);
    rest(30);
    touch(false, 0, 0);
    rest(30);
    assert_string_equal(s_heard, "prg");
    assert_int_equal(s_events[2].gesture, INPUT_GESTURE_TAP);
    assert_int_equal(s_events[2].focus, s_input);
    assert_int_equal(s_events[2].x, 100);
    assert_int_equal(s_events[2].y, 100 - 24); // of the surface
    forget();
    touch(true, 500, 100); // not on the screen
    touch(false, 500, 100);
    rest(30);
    assert_string_equal(s_heard, "");
    touch(true, 200, 100);
    touch(true, 500, 100); // slips off it
    touch(false, 0, 0);
    rest(30);
    assert_string_equal(s_heard, "pgrg"); // 39 pixels: one too few for a swipe
    assert_int_equal(s_events[3].gesture, INPUT_GESTURE_DROP);
    assert_int_equal(s_events[s_count - 1].x, 239);
}

static void the_knob_turns(void **state)
{
    (void)state;
    const host_input_t two = {.kind = HOST_INPUT_TURN, .x = 2 * CONFIG_INPUT_KNOB_COUNTS};
    const host_input_t back = {.kind = HOST_INPUT_TURN, .x = -CONFIG_INPUT_KNOB_COUNTS};
    (void)host_input_put(&back); // from where it stands
    rest(20);
    forget();
    (void)host_input_put(&two);
    (void)host_input_put(&back);
    rest(20);
    assert_string_equal(s_heard, "gg");
    assert_int_equal(s_events[0].dx, 2);
    assert_int_equal(s_events[1].dx, -1);
}

static void keys_can_stand_for_others(void **state)
{
    (void)state;
    assert_int_equal(map(INPUT_BUTTON_PLAY, INPUT_BUTTON_SELECT), ESP_OK);
    assert_int_equal(map(INPUT_BUTTON_NEXT, INPUT_BUTTON_NONE), ESP_OK);
    assert_int_equal(map(INPUT_TOUCH, INPUT_BUTTON_UP), ESP_ERR_INVALID_ARG);
    assert_int_equal(map(INPUT_BUTTON_UP, INPUT_KNOB), ESP_ERR_INVALID_ARG);
    assert_int_equal(map(200, INPUT_BUTTON_UP), ESP_ERR_INVALID_ARG);
    forget();
    click("play");
    click("next");
    assert_string_equal(s_heard, "prc");
    assert_int_equal(s_events[0].button, INPUT_BUTTON_SELECT);
    assert_int_equal(info().map[INPUT_BUTTON_PLAY], INPUT_BUTTON_SELECT);
    forget();
    key("play", true);
    rest(30);
    assert_int_equal(map(INPUT_BUTTON_PLAY, INPUT_BUTTON_PLAY), ESP_OK); // while it is down
    key("play", false);
    rest(400);
    assert_int_equal(s_events[2].button, INPUT_BUTTON_SELECT); // it finishes as what it was
    click("play");
    assert_int_equal(s_events[3].button, INPUT_BUTTON_PLAY);
    assert_int_equal(map(INPUT_BUTTON_NEXT, INPUT_BUTTON_NEXT), ESP_OK);
}

static void a_restart_leaves_no_key_down(void **state)
{
    (void)state;
    forget();
    key("left", true);
    touch(true, 50, 50);
    rest(30);
    assert_string_equal(s_heard, "pp");
    assert_int_equal(system_service_restart(s_input), ESP_OK);
    rest(200);
    assert_string_equal(s_heard, "pprr");
    assert_int_equal(s_state.down, 0);
    key("left", false); // of the earlier life
    touch(false, 0, 0);
    rest(200);
    assert_string_equal(s_heard, "pprr");
    forget();
    click("left");
    assert_string_equal(s_heard, "prc");
    assert_int_equal(s_events[0].focus, s_input); // who is in front was told anew
}

static void a_crash_in_between_neither(void **state)
{
    (void)state;
    forget();
    key("right", true);
    rest(30);
    assert_int_equal(system_fault_inject(s_input, SYSTEM_FAULT_CRASH, 0), ESP_OK);
    key("right", false);
    rest(4000);
    assert_string_equal(s_heard, "pr");
    click("right");
    assert_string_equal(s_heard, "prprc");
}

static void storm(void *arg)
{
    for (uintptr_t i = 0; i < (uintptr_t)arg; i++) {
        key("up", i % 2 == 0);
    }
}

static void a_storm_of_edges_is_survived(void **state)
{
    (void)state;
    forget();
    for (int i = 0; i < 100; i++) {
        host_isr_run(storm, (void *)20, i % 2);
        rest(1);
    }
    rest(100);
    assert_string_equal(s_heard, ""); // it was never down for long enough, and ended up
    click("up");
    assert_string_equal(s_heard, "prc");
    const input_info_t after = info();
    assert_int_equal(after.refused, 0);
    // More at once than the wires can keep: the last ones count, and it is known.
    host_isr_run(storm, (void *)(2 * HOST_INPUT_WAITING), 0);
    rest(100);
    assert_true(info().lost > after.lost);
    click("up");
    assert_string_equal(s_heard, "prcprc");
}

static void a_stuck_key_is_told_and_released(void **state)
{
    (void)state;
    forget();
    assert_int_equal(fault(INPUT_FAULT_STUCK), ESP_OK);
    key("home", true);
    rest(50);
    key("home", false); // it does not arrive
    rest(1000u * CONFIG_INPUT_STUCK_S / 2);
    assert_int_equal(s_state.stuck, 0);
    forget();
    rest(1000u * CONFIG_INPUT_STUCK_S / 2 + 100);
    assert_int_equal(s_state.stuck, 1u << INPUT_BUTTON_HOME);
    assert_int_equal(s_state.down, 0);
    assert_int_equal(s_heard[s_count - 1], 'r');
    forget();
    assert_int_equal(fault(INPUT_FAULT_NONE), ESP_OK);
    rest(2000);
    assert_string_equal(s_heard, "");
    key("home", false);
    rest(50);
    assert_int_equal(s_state.stuck, 0);
    click("home");
    assert_string_equal(s_heard, "prc");
}

static void an_unplugged_board_is_known(void **state)
{
    (void)state;
    rest(CONFIG_INPUT_LOOK_MS + 100);
    assert_true(s_state.keys && s_state.touch && s_state.knob);
    assert_int_equal(fault(INPUT_FAULT_UNPLUGGED), ESP_OK);
    rest(CONFIG_INPUT_LOOK_MS + 100);
    assert_true(!s_state.keys && !s_state.touch && !s_state.knob);
    forget();
    click("up");
    assert_string_equal(s_heard, "");
    assert_int_equal(fault(INPUT_FAULT_WRONG), ESP_OK);
    touch(true, 10, 10);
    touch(false, 10, 10);
    rest(50);
    assert_string_equal(s_heard, "");
    assert_int_equal(fault(INPUT_FAULT_SHORT), ESP_OK);
    for (int i = 0; i < 4; i++) {
        click("up");
    }
    assert_int_equal(fault(INPUT_FAULTS), ESP_ERR_INVALID_ARG);
    assert_int_equal(fault(INPUT_FAULT_NONE), ESP_OK);
    key("up", false);
    rest(CONFIG_INPUT_LOOK_MS + 100);
    assert_true(s_state.keys && s_state.touch && s_state.knob);
    forget();
    click("up");
    assert_string_equal(s_heard, "prc");
}

static void latency_is_known(void **state)
{
    (void)state;
    const input_info_t got = info();
    uint32_t taken = 0;
    uint32_t handled = 0;
    for (int i = 0; i < INPUT_LATENCY_BUCKETS; i++) {
        taken += got.taken[i];
        handled += got.handled[i];
    }
    assert_int_equal(taken, got.edges);
    assert_true(handled > 20 && handled < got.events);
    assert_true(got.handled_worst_us >= CONFIG_INPUT_DEBOUNCE_MS * 1000);
}

static int tear_down(void **state)
{
    (void)state;
    system_down(s_key);
    return 0;
}

static esp_err_t feed(input_feed_request_t wish)
{
    wish.header = (status_header_t)STATUS_HEADER(input_feed_request_t, INPUT_CONTROL_VERSION);
    return ask(INPUT_FEED_REQUEST, &wish, sizeof(wish), NULL, NULL);
}

static void what_is_fed_counts_as_done(void **state)
{
    (void)state;
    input_feed_request_t select = {
        .what = INPUT_FEED_KEY, .key = INPUT_BUTTON_SELECT, .down = true};

    rest(1000);
    forget();
    assert_int_equal(feed(select), ESP_OK);
    rest(50);
    select.down = false;
    assert_int_equal(feed(select), ESP_OK);
    rest(1000);
    assert_string_equal(s_heard, "prc");
    assert_int_equal(s_events[2].button, INPUT_BUTTON_SELECT);

    forget();
    assert_int_equal(feed((input_feed_request_t){.what = INPUT_FEED_TOUCH, .down = true, .x = 30}),
                     ESP_OK);
    assert_int_equal(feed((input_feed_request_t){.what = INPUT_FEED_TOUCH, .x = 30}), ESP_OK);
    rest(1000);
    assert_non_null(strchr(s_heard, 'g'));

    forget();
    const int16_t back = -2 * CONFIG_INPUT_KNOB_COUNTS;
    assert_int_equal(feed((input_feed_request_t){.what = INPUT_FEED_TURN, .x = back}), ESP_OK);
    rest(100);
    assert_int_equal(s_events[0].gesture, INPUT_GESTURE_TURN);
    assert_int_equal(s_events[0].dx, -2);

    assert_int_equal(feed((input_feed_request_t){.what = INPUT_FEEDS}), ESP_ERR_INVALID_ARG);
    select.key = INPUT_TOUCH;
    assert_int_equal(feed(select), ESP_ERR_INVALID_ARG);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_key_is_heard_in_its_time, set_up),
        cmocka_unit_test(it_is_for_whom_it_began_with),
        cmocka_unit_test(the_knob_turns),
        cmocka_unit_test(keys_can_stand_for_others),
        cmocka_unit_test(a_restart_leaves_no_key_down),
        cmocka_unit_test(a_crash_in_between_neither),
        cmocka_unit_test(a_storm_of_edges_is_survived),
        cmocka_unit_test(a_stuck_key_is_told_and_released),
        cmocka_unit_test(an_unplugged_board_is_known),
        cmocka_unit_test(what_is_fed_counts_as_done),
        cmocka_unit_test_teardown(latency_is_known, tear_down),
    };
    return KTEST_MAIN(argc, argv, tests);
}
