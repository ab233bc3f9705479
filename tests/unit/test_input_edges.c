// SPDX-License-Identifier: Apache-2.0

// Every edge in time and place that decides what a hand did, to the microsecond and the pixel: keys
// that bounce, clicks and long presses, repeats, taps, drags and swipes, a knob that wraps.

#include <string.h>

#include "input_internal.h"
#include "ktest.h"

#define MS(n)  ((int64_t)(n)*1000)
#define START  MS(100000)
#define BOUNCE MS(CONFIG_INPUT_DEBOUNCE_MS)
#define LONG   MS(CONFIG_INPUT_LONG_MS)
#define REPEAT MS(CONFIG_INPUT_REPEAT_MS)
#define DOUBLE MS(CONFIG_INPUT_DOUBLE_MS)
#define STUCK  MS(CONFIG_INPUT_STUCK_S * 1000)
#define SLOP   CONFIG_INPUT_SLOP_PX
#define SWIPE  CONFIG_INPUT_SWIPE_PX
#define HEARD  512

static const char s_letters[INPUT_OUTS + 1] = "prc2l.g";

static char s_heard[HEARD]; // one letter an event
static input_event_t s_events[HEARD];
static unsigned s_count;

static void hear(input_out_t what, const input_event_t *event)
{
    assert_true(s_count < HEARD - 1);
    s_events[s_count] = *event;
    s_heard[s_count++] = s_letters[what];
}

static void forget(void)
{
    memset(s_heard, 0, sizeof(s_heard));
    s_count = 0;
}

/* ---- keys ---------------------------------------------------------------------------------------
 */

static input_key_t s_key;

static void begin_key(void)
{
    forget();
    input_key_reset(&s_key, INPUT_BUTTON_SELECT);
}

static void until(int64_t at)
{
    input_key_advance(&s_key, START + at, hear);
}

static void edge(bool level, int64_t at)
{
    until(at);
    input_key_edge(&s_key, level, START + at);
}

static void a_level_counts_when_it_lasted(void **state)
{
    (void)state;
    begin_key();
    edge(true, 0);
    assert_int_equal(input_key_due(&s_key), START + BOUNCE);
    until(BOUNCE - 1);
    assert_string_equal(s_heard, "");
    until(BOUNCE);
    assert_string_equal(s_heard, "p");
    assert_int_equal(s_events[0].edge_us, START); // not when it was believed
    assert_int_equal(s_events[0].button, INPUT_BUTTON_SELECT);
    assert_int_equal(s_events[0].held_ms, 0);

    begin_key();
    edge(true, 0);
    edge(false, BOUNCE - 1); // one microsecond too short
    until(MS(5000));
    assert_string_equal(s_heard, "");
    assert_int_equal(input_key_due(&s_key), INPUT_NEVER);
}

static void bouncing_changes_no_duration(void **state)
{
    (void)state;
    begin_key();
    int64_t at = 0;
    for (int i = 0; i < 9; i++, at += BOUNCE - 1) { // ends at down
        edge(i % 2 == 0, at);
    }
    at -= BOUNCE - 1;
    until(at + BOUNCE - 1);
    assert_string_equal(s_heard, "");
    until(at + BOUNCE);
    assert_string_equal(s_heard, "p");
    assert_int_equal(s_events[0].edge_us, START);
    const int64_t up = MS(200);
    edge(false, up);
    edge(true, up + 300);
    edge(false, up + 700);
    until(up + 700 + BOUNCE);
    assert_string_equal(s_heard, "prc");
    assert_int_equal(s_events[1].edge_us, START + up);
    assert_int_equal(s_events[1].held_ms, 200);
    assert_int_equal(s_events[2].held_ms, 200);
    // A touch of the contact while it is down, or up, is nothing.
    forget();
    edge(true, MS(2000));
    edge(false, MS(2300));
    edge(true, MS(2300) + 500);
    until(MS(2500));
    assert_string_equal(s_heard, "p");
    // The same level told twice is no edge.
    input_key_edge(&s_key, true, START + MS(2510));
    until(MS(2530));
    assert_string_equal(s_heard, "p");
}

static void click_or_long(void **state)
{
    (void)state;
    begin_key();
    edge(true, 0);
    edge(false, LONG - 1);
    until(LONG + BOUNCE);
    assert_string_equal(s_heard,
                        "prc"); // although the decision came after the time of a long press
    assert_int_equal(s_events[2].held_ms, CONFIG_INPUT_LONG_MS - 1);

    begin_key();
    edge(true, 0);
    edge(false, LONG);
    until(LONG + BOUNCE);
    assert_string_equal(s_heard, "plr");
    assert_int_equal(s_events[1].edge_us, START + LONG);
    assert_int_equal(s_events[1].held_ms, CONFIG_INPUT_LONG_MS);

    // It opens just before, but only bounced: the long press comes late, and is one.
    begin_key();
    edge(true, 0);
    edge(false, LONG - 2);
    until(LONG + 1);
    assert_string_equal(s_heard, "p");
    edge(true, LONG + 2);
    assert_string_equal(s_heard, "p");
    until(LONG + 2);
    assert_string_equal(s_heard, "pl");
    assert_int_equal(s_events[1].edge_us, START + LONG);
}

static void a_late_look_decides_the_same(void **state)
{
    (void)state;
    begin_key();
    edge(true, 0);
    edge(false, MS(100)); // nobody looked between
    edge(true, MS(200));
    edge(false, MS(300));
    until(MS(9000));
    assert_string_equal(s_heard, "prcprc2");
    assert_int_equal(s_events[0].edge_us, START);
    assert_int_equal(s_events[5].held_ms, 100);
}

static void click_twice(int64_t pause)
{
    begin_key();
    edge(true, 0);
    edge(false, MS(50));
    edge(true, MS(50) + pause);
    edge(false, MS(100) + pause);
    until(MS(100) + pause + BOUNCE);
}

static void twice_soon_is_double(void **state)
{
    (void)state;
    click_twice(DOUBLE);
    assert_string_equal(s_heard, "prcprc2");
    click_twice(DOUBLE + 1);
    assert_string_equal(s_heard, "prcprc");
    // A third one begins anew, a fourth one makes a second double.
    click_twice(MS(100));
    for (int i = 2; i < 4; i++) {
        edge(true, MS(150 * i));
        edge(false, MS(150 * i + 50));
    }
    until(MS(2000));
    assert_string_equal(s_heard, "prcprc2prcprc2");
    // A long press between them is not half of a double.
    begin_key();
    edge(true, 0);
    edge(false, MS(50));
    edge(true, MS(100));
    edge(false, MS(100) + LONG);
    edge(true, MS(150) + LONG);
    edge(false, MS(200) + LONG);
    until(MS(9000));
    assert_string_equal(s_heard, "prcplrprc");
}

static void held_on_it_repeats(void **state)
{
    (void)state;
    begin_key();
    edge(true, 0);
    until(LONG + REPEAT - 1);
    assert_string_equal(s_heard, "pl");
    until(LONG + REPEAT);
    assert_string_equal(s_heard, "pl.");
    until(LONG + 2 * REPEAT);
    assert_string_equal(s_heard, "pl..");
    assert_int_equal(s_events[3].count, 2);
    assert_int_equal(s_events[3].held_ms, CONFIG_INPUT_LONG_MS + 2 * CONFIG_INPUT_REPEAT_MS);
    until(LONG + 7 * REPEAT + REPEAT / 2); // five were missed: one is made, the phase is kept
    assert_string_equal(s_heard, "pl...");
    assert_int_equal(input_key_due(&s_key), START + LONG + 8 * REPEAT);
    edge(false, LONG + 8 * REPEAT - 1);
    until(LONG + 8 * REPEAT + BOUNCE);
    assert_string_equal(s_heard, "pl...r");
    until(MS(60000));
    assert_string_equal(s_heard, "pl...r");
}

static void a_stuck_key_is_let_go(void **state)
{
    (void)state;
    begin_key();
    edge(true, 0);
    until(LONG);
    until(STUCK - 1);
    assert_int_equal(s_heard[s_count - 1], '.');
    until(STUCK);
    assert_int_equal(s_heard[s_count - 1], 'r');
    assert_true(s_key.dead);
    const unsigned count = s_count;
    until(STUCK * 3);
    assert_int_equal(s_count, count);
    assert_int_equal(input_key_due(&s_key), INPUT_NEVER);
    edge(false, STUCK * 3);
    until(STUCK * 3 + BOUNCE);
    assert_int_equal(s_count, count); // it was released before
    forget();
    edge(true, STUCK * 4);
    edge(false, STUCK * 4 + MS(50));
    until(STUCK * 4 + MS(100));
    assert_string_equal(s_heard, "prc");
}

static void what_was_down_before_is_nothing(void **state)
{
    (void)state;
    begin_key();
    input_key_hold(&s_key);
    until(STUCK * 2);
    edge(false, STUCK * 2);
    until(STUCK * 2 + BOUNCE);
    assert_string_equal(s_heard, "");
    edge(true, STUCK * 2 + MS(100));
    until(STUCK * 2 + MS(100) + BOUNCE);
    assert_string_equal(s_heard, "p");
}

/* ---- touch --------------------------------------------------------------------------------------
 */

static input_touch_t s_touch;

static void begin_touch(void)
{
    forget();
    input_touch_reset(&s_touch);
}

static void touch(bool down, int x, int y, int64_t at)
{
    input_touch_advance(&s_touch, START + at, hear);
    input_touch_at(&s_touch, down, (int16_t)x, (int16_t)y, START + at, hear);
}

static input_gesture_t last_gesture(void)
{
    assert_true(s_count > 0);
    return (input_gesture_t)s_events[s_count - 1].gesture;
}

static void a_finger_that_stays_taps(void **state)
{
    (void)state;
    begin_touch();
    touch(true, 100, 100, 0);
    touch(true, 100 + SLOP, 100 - SLOP, MS(50));
    touch(false, 0, 0, LONG - 1);
    assert_string_equal(s_heard, "prg");
    assert_int_equal(last_gesture(), INPUT_GESTURE_TAP);
    assert_int_equal(s_events[2].x, 100 + SLOP); // where it was last, whatever the lift says
    assert_int_equal(s_events[2].y, 100 - SLOP);
    touch(false, 0, 0, LONG); // up twice is nothing
    assert_string_equal(s_heard, "prg");

    begin_touch();
    touch(true, 100, 100, 0);
    touch(false, 0, 0, LONG);
    assert_string_equal(s_heard, "plr"); // long, so it is no tap
}

static void a_finger_that_leaves_its_place_drags(void **state)
{
    (void)state;
    begin_touch();
    touch(true, 100, 100, 0);
    touch(true, 100 + SLOP + 1, 100, MS(400));
    assert_string_equal(s_heard, "pg");
    assert_int_equal(last_gesture(), INPUT_GESTURE_DRAG);
    assert_int_equal(s_events[1].dx, SLOP + 1);
    touch(true, 120, 100, MS(401)); // too soon after the last one: kept
    assert_string_equal(s_heard, "pg");
    assert_int_equal(input_touch_due(&s_touch), START + MS(400 + CONFIG_INPUT_DRAG_MS));
    touch(true, 130, 101, MS(400 + CONFIG_INPUT_DRAG_MS));
    assert_string_equal(s_heard, "pgg"); // what was kept comes first
    assert_int_equal(s_events[2].dx, 20 - SLOP - 1);
    touch(true, 100, 100, MS(900)); // back where it began: still no tap, still no long press
    touch(false, 0, 0, MS(5000));
    assert_string_equal(s_heard, "pggggrg");
    assert_int_equal(last_gesture(), INPUT_GESTURE_DROP);
    assert_int_equal(s_events[6].dx, 0);
    int dx = 0;
    for (unsigned i = 0; i < 5; i++) {
        dx += s_events[i].gesture == INPUT_GESTURE_DRAG ? s_events[i].dx : 0;
    }
    assert_int_equal(dx, 0); // the drags add up to the whole way
}

static input_gesture_t stroke(int dx, int dy, int64_t duration)
{
    begin_touch();
    touch(true, 200, 200, 0);
    touch(true, 200 + dx, 200 + dy, duration / 2);
    touch(false, 0, 0, duration);
    return last_gesture();
}

static void quick_long_and_straight_is_a_swipe(void **state)
{
    (void)state;
    const int64_t quick = MS(CONFIG_INPUT_SWIPE_MS);
    assert_int_equal(stroke(SWIPE, 0, quick), INPUT_GESTURE_SWIPE_RIGHT);
    assert_string_equal(s_heard, "pgrgg"); // a drag and its drop, too
    assert_int_equal(s_events[4].dx, SWIPE);
    assert_int_equal(stroke(-SWIPE, 0, quick), INPUT_GESTURE_SWIPE_LEFT);
    assert_int_equal(stroke(0, SWIPE, quick), INPUT_GESTURE_SWIPE_DOWN);
    assert_int_equal(stroke(0, -SWIPE, quick), INPUT_GESTURE_SWIPE_UP);
    assert_int_equal(stroke(SWIPE - 1, 0, quick), INPUT_GESTURE_DROP); // too short
    assert_int_equal(stroke(SWIPE, 0, quick + 1), INPUT_GESTURE_DROP); // too slow
    assert_int_equal(stroke(SWIPE, SWIPE / 2, quick), INPUT_GESTURE_SWIPE_RIGHT);
    assert_int_equal(stroke(SWIPE, SWIPE / 2 + 1, quick), INPUT_GESTURE_DROP); // askew
    assert_int_equal(stroke(SLOP, 0, quick), INPUT_GESTURE_TAP);
}

static void a_hand_that_rests_there_is_let_go(void **state)
{
    (void)state;
    begin_touch();
    touch(true, 10, 10, 0);
    touch(true, 12, 10, STUCK - 1); // moves within its place: it lives
    touch(true, 12, 10, STUCK);
    assert_string_equal(s_heard, "pl");
    input_touch_advance(&s_touch, START + STUCK * 2 - 1, hear);
    assert_string_equal(s_heard, "pl");
    input_touch_advance(&s_touch, START + STUCK * 2, hear);
    assert_string_equal(s_heard, "plr");
    assert_true(s_touch.dead);
    touch(true, 90, 90, STUCK * 3);
    touch(false, 0, 0, STUCK * 3 + 5);
    assert_string_equal(s_heard, "plr");
    touch(true, 90, 90, STUCK * 4);
    touch(false, 0, 0, STUCK * 4 + 5);
    assert_string_equal(s_heard, "plrprg");
}

/* ---- knob ---------------------------------------------------------------------------------------
 */

static input_knob_t s_knob;

static int turn_to(unsigned count)
{
    forget();
    input_knob_at(&s_knob, (uint16_t)count, START, hear);
    return s_count != 0 ? s_events[0].dx : 0;
}

static void a_knob_turns_by_detents(void **state)
{
    (void)state;
    enum {
        D = CONFIG_INPUT_KNOB_COUNTS
    };
    input_knob_reset(&s_knob);
    assert_int_equal(turn_to(1000), 0); // where it stands
    assert_int_equal(turn_to(1000 + D - 1), 0);
    assert_int_equal(turn_to(1000 + D), 1);
    assert_int_equal(last_gesture(), INPUT_GESTURE_TURN);
    assert_int_equal(turn_to(1000 + D - 1), 0); // it trembles at the detent
    assert_int_equal(turn_to(1000 + D), 0);
    assert_int_equal(turn_to(1000 - 2 * D), -3);
    assert_int_equal(turn_to(1000 + 100 * D), 102); // quickly
}

static void a_knob_wraps(void **state)
{
    (void)state;
    enum {
        D = CONFIG_INPUT_KNOB_COUNTS
    };
    input_knob_reset(&s_knob);
    assert_int_equal(turn_to(65536 - D), 0);
    assert_int_equal(turn_to(0), 1);
    assert_int_equal(turn_to(D), 1);
    assert_int_equal(turn_to(65536 - D), -2);
    assert_int_equal(turn_to(0x7fff - D), 0x7fff / D);
    int64_t way = 0;
    input_knob_reset(&s_knob);
    (void)turn_to(0);
    for (unsigned i = 1; i <= 200000; i++) {
        way += turn_to(i * 7);
    }
    assert_int_equal(way, 200000 * 7 / D);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_level_counts_when_it_lasted),
        cmocka_unit_test(bouncing_changes_no_duration),
        cmocka_unit_test(click_or_long),
        cmocka_unit_test(a_late_look_decides_the_same),
        cmocka_unit_test(twice_soon_is_double),
        cmocka_unit_test(held_on_it_repeats),
        cmocka_unit_test(a_stuck_key_is_let_go),
        cmocka_unit_test(what_was_down_before_is_nothing),
        cmocka_unit_test(a_finger_that_stays_taps),
        cmocka_unit_test(a_finger_that_leaves_its_place_drags),
        cmocka_unit_test(quick_long_and_straight_is_a_swipe),
        cmocka_unit_test(a_hand_that_rests_there_is_let_go),
        cmocka_unit_test(a_knob_turns_by_detents),
        cmocka_unit_test(a_knob_wraps),
    };
    return KTEST_MAIN(argc, argv, tests);
}
