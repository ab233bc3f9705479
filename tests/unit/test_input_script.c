// SPDX-License-Identifier: Apache-2.0

// Input from a file: what it means, what is refused, and that a recording of it is the same again.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "host_control.h"
#include "host_input.h"
#include "input_script.h"
#include "ktest.h"

#define TAKEN 64

static char s_path[64];
static host_input_t s_taken[TAKEN];
static unsigned s_count;

static bool read_text(const char *text)
{
    snprintf(s_path, sizeof(s_path), "/tmp/kraken_input_XXXXXX");
    const int fd = mkstemp(s_path);
    assert_true(fd >= 0);
    FILE *file = fdopen(fd, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    const bool ok = input_script_read(s_path);
    unlink(s_path);
    return ok;
}

static void play_for(unsigned ms)
{
    host_input_t change;
    input_script_begin();
    for (s_count = 0; ms != 0; ms--) {
        vTaskDelay(pdMS_TO_TICKS(1));
        while (host_input_take(&change)) {
            assert_true(s_count < TAKEN);
            s_taken[s_count++] = change;
        }
    }
}

// At this time, or at the next tick.
static bool happened(unsigned i, uint64_t at_us)
{
    return s_taken[i].at_us >= at_us && s_taken[i].at_us < at_us + 2000;
}

static void a_script_happens_at_its_times(void **state)
{
    (void)state;
    const uint64_t now_ms = host_now_us() / 1000;
    char text[512];
    snprintf(text, sizeof(text),
             "# a comment, and an empty line\n\n"
             "%u key select click 30   # comes up by itself\n"
             "+10 tap 20 -3\n"
             "+0.5 turn -8\n"
             "+100 swipe 10 100 50 100 40\n",
             (unsigned)(now_ms + 20));
    assert_true(read_text(text));
    play_for(400);
    assert_int_equal(s_count, 11);
    const uint64_t start = (now_ms + 20) * 1000;
    assert_string_equal(s_taken[0].key, "select");
    assert_true(s_taken[0].down && !s_taken[1].down);
    assert_true(happened(0, start));
    assert_true(happened(1, start + 30000));
    assert_true(happened(2, start + 40000)); // ten after the end of the click
    assert_int_equal(s_taken[2].y, -3);
    assert_true(happened(3, start + 90000));
    assert_int_equal(s_taken[4].kind, HOST_INPUT_TURN);
    assert_int_equal(s_taken[4].x, -8);
    assert_true(happened(4, start + 90500));
    assert_int_equal(s_taken[5].x, 10);
    assert_int_equal(s_taken[6].x, 20);
    assert_int_equal(s_taken[9].x, 50);
    assert_true(s_taken[9].down && !s_taken[10].down);
    input_script_begin(); // once
    play_for(20);
    assert_int_equal(s_count, 0);
}

static void what_is_wrong_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "soon key up down\n",
        "100\n",
        "100 key up\n",
        "100 key up sideways\n",
        "100 tap 3\n",
        "100 tap 3 x\n",
        "100 tap 3 4 5\n",
        "100 dance\n",
        "-5 lift\n",
        "100 lift\n50 lift\n",
        "100 swipe 1 2 3 4 0\n",
        "100 turn 99999\n",
        "100 key a_name_that_is_far_too_long down\n",
        "100 key up down now\n",
        "100 key up click 0\n",
        "nan lift\n",
        "1e99 lift\n",
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_false(read_text(wrong[i]));
    }
    assert_false(input_script_read("/no/such/file"));
    assert_false(input_script_record("/no/such/file"));
    assert_true(read_text("")); // nothing happens
}

static void a_recording_is_a_script(void **state)
{
    (void)state;
    host_input_t first[TAKEN];
    char recorded[64] = "/tmp/kraken_input_XXXXXX";
    const int fd = mkstemp(recorded);
    assert_true(fd >= 0);
    close(fd);
    const uint64_t begin_us = host_now_us();
    char text[256];
    snprintf(text, sizeof(text), "%u.125 key up click\n+7 swipe 1 2 90 7 35\n+1.001 turn 4\n",
             (unsigned)(begin_us / 1000 + 10));
    assert_true(input_script_record(recorded));
    assert_true(read_text(text));
    play_for(300);
    assert_true(input_script_finish());
    const unsigned count = s_count;
    assert_int_equal(count, 2 + 6 + 1);
    memcpy(first, s_taken, sizeof(first));

    // Its times are of the past now: all of it happens at once, in order.
    assert_true(input_script_read(recorded));
    unlink(recorded);
    play_for(10);
    assert_int_equal(s_count, count);
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(s_taken[i].kind, first[i].kind);
        assert_int_equal(s_taken[i].down, first[i].down);
        assert_string_equal(s_taken[i].key, first[i].key);
        if (s_taken[i].kind != HOST_INPUT_TOUCH || s_taken[i].down) { // a lift has no place
            assert_int_equal(s_taken[i].x, first[i].x);
            assert_int_equal(s_taken[i].y, first[i].y);
        }
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_script_happens_at_its_times),
        cmocka_unit_test(what_is_wrong_is_refused),
        cmocka_unit_test(a_recording_is_a_script),
    };
    return KTEST_MAIN(argc, argv, tests);
}
