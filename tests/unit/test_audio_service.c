// SPDX-License-Identifier: Apache-2.0

// The audio service between an app and the virtual board's loudspeaker, in virtual time: what is
// heard is measured. One system for all cases, in order.

#include <math.h>

#include "audio_app/audio_interface.h"
#include "audio_measure.h"
#include "audio_player.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "host_audio.h"
#include "ktest.h"
#include "system_service/app_manager.h"
#include "system_up.h"

#define HEADER(t) STATUS_HEADER(t, AUDIO_EVENTS_VERSION)

/* ---- what the app is given to do ----------------------------------------------------------------
 */

static esp_err_t open_wrong(app_context_t *ctx, audio_stream_t *stream)
{
    audio_stream_t other;
    (void)stream;
    KTEST_CHECK(audio_stream_open(ctx, 3999, AUDIO_CATEGORY_MUSIC, &other) == ESP_ERR_INVALID_ARG);
    KTEST_CHECK(audio_stream_open(ctx, 96001, AUDIO_CATEGORY_MUSIC, &other) == ESP_ERR_INVALID_ARG);
    KTEST_CHECK(audio_stream_open(ctx, 48000, AUDIO_CATEGORIES, &other) == ESP_ERR_INVALID_ARG);
    KTEST_CHECK(audio_stream_open(NULL, 48000, AUDIO_CATEGORY_MUSIC, &other) ==
                ESP_ERR_INVALID_ARG);
    KTEST_CHECK(audio_stream_set_volume(ctx, &audio_player_stream, 101, 0) == ESP_ERR_INVALID_ARG);
    KTEST_CHECK(audio_stream_set_volume(ctx, &audio_player_stream, 1, 60001) ==
                ESP_ERR_INVALID_ARG);
    audio_stream_t wrong = audio_player_stream;
    wrong.handle ^= 1u << 20;
    KTEST_CHECK(audio_stream_pause(ctx, &wrong, true) == ESP_ERR_NOT_FOUND);
    KTEST_CHECK(audio_stream_room(&wrong) == 0);
    for (int i = 1; i < CONFIG_AUDIO_STREAMS; i++) {
        KTEST_CHECK(audio_stream_open(ctx, 8000, AUDIO_CATEGORY_MUSIC, &other) == ESP_OK);
    }
    return audio_stream_open(ctx, 48000, AUDIO_CATEGORY_MUSIC, &other);
}

static esp_err_t pause_stream(app_context_t *ctx, audio_stream_t *stream)
{
    return audio_stream_pause(ctx, stream, true);
}

static esp_err_t resume_stream(app_context_t *ctx, audio_stream_t *stream)
{
    return audio_stream_pause(ctx, stream, false);
}

static esp_err_t flush_stream(app_context_t *ctx, audio_stream_t *stream)
{
    return audio_stream_flush(ctx, stream);
}

static esp_err_t drain_stream(app_context_t *ctx, audio_stream_t *stream)
{
    return audio_stream_drain(ctx, stream);
}

static esp_err_t close_stream(app_context_t *ctx, audio_stream_t *stream)
{
    return audio_stream_close(ctx, stream, 100);
}

static esp_err_t beep(app_context_t *ctx, audio_stream_t *stream)
{
    (void)stream;
    return audio_tone(ctx, AUDIO_PLAYER_HZ, 2000, 100);
}

static esp_err_t inject(app_context_t *ctx, audio_stream_t *stream)
{
    (void)stream;
    system_event_type_t type;
    const audio_fault_request_t wish = {.header = HEADER(audio_fault_request_t)};
    (void)ctx->register_event(ctx, AUDIO_FAULT_REQUEST, &type);
    return ctx->request(ctx, SYSTEM_SERVICE_ID_NONE, type, &wish, sizeof(wish), PRIORITY_NORMAL,
                        NULL, NULL, 0);
}

static esp_err_t set(uint8_t what, uint8_t volume, bool muted)
{
    const audio_set_t wish = {
        .header = HEADER(audio_set_t), .what = what, .volume = volume, .muted = muted};
    return audio_player_ask(AUDIO_SET_REQUEST, &wish, sizeof(wish), NULL, 0);
}

/* ---- the cases ----------------------------------------------------------------------------------
 */

static void nothing_runs_while_nothing_sounds(void **state)
{
    (void)state;
    audio_player_listen(3000);
    assert_int_equal(audio_player_count, 0);
    assert_int_equal(host_audio_room(), 0); // the device is off
    assert_int_equal(audio_player_state.device, AUDIO_DEVICE_WELL);
    assert_int_equal(audio_player_state.volume, CONFIG_AUDIO_VOLUME);
    assert_int_equal(audio_player_state.rate, AUDIO_PLAYER_RATE);
    assert_int_equal(set(AUDIO_SET_VOLUME, 100, false), ESP_OK);
    assert_int_equal(set(AUDIO_SET_VOLUME, 101, false), ESP_ERR_INVALID_ARG);
    assert_int_equal(set(1 << 7, 1, false), ESP_ERR_INVALID_ARG);
    assert_int_equal(audio_player_info().state.volume, 100);
}

static void what_an_app_plays_is_heard(void **state)
{
    (void)state;
    assert_int_equal(audio_player_do(audio_player_open), ESP_OK);
    audio_player_play(true);
    audio_player_listen(300);
    assert_true(audio_player_kink() < 150); // it begins without a click
    assert_true(audio_player_sounds());
    assert_true(
        audio_measure_rest(audio_player_heard, 9000, 1, AUDIO_PLAYER_HZ, AUDIO_PLAYER_RATE) < 10);
    assert_in_range(audio_player_level.peak_left, AUDIO_PLAYER_AMPLITUDE - 50,
                    AUDIO_PLAYER_AMPLITUDE + 50);
    assert_in_range(audio_player_level.rms_right, AUDIO_PLAYER_AMPLITUDE * 0.7,
                    AUDIO_PLAYER_AMPLITUDE * 0.71);
    assert_int_equal(audio_player_state.streams, 1);
    assert_int_equal(audio_player_state.playing, 1);
    assert_int_equal(audio_player_info().device_underruns, 0);
    assert_int_equal(audio_player_info().underruns, 0);
}

static void wrong_wishes_are_refused(void **state)
{
    (void)state;
    assert_int_equal(audio_player_do(open_wrong), ESP_ERR_NO_MEM);
    assert_int_equal(audio_player_do(inject), ESP_ERR_NOT_OWNER);
    audio_open_t wish = {.header = HEADER(audio_open_t), .rate = 48000, .volume = 100};
    audio_opened_t opened;
    assert_int_equal(
        audio_player_ask(AUDIO_OPEN_REQUEST, &wish, sizeof(wish), &opened, sizeof(opened)),
        ESP_ERR_NOT_OWNER);
    audio_control_t control = {.header = HEADER(audio_control_t),
                               .stream = audio_player_stream.handle};
    assert_int_equal(audio_player_ask(AUDIO_CONTROL_REQUEST, &control, sizeof(control), NULL, 0),
                     ESP_ERR_NOT_FOUND);
    assert_int_equal(audio_player_ask(AUDIO_CONTROL_REQUEST, &control, 3, NULL, 0),
                     ESP_ERR_INVALID_ARG);
    assert_true(audio_player_sounds());
}

static void muted_and_quieter(void **state)
{
    (void)state;
    assert_int_equal(set(AUDIO_SET_MUTED, 0, true), ESP_OK);
    vTaskDelay(pdMS_TO_TICKS(200));
    assert_true(audio_player_silent());
    assert_true(audio_player_state.muted);
    assert_int_equal(set(AUDIO_SET_MUTED | AUDIO_SET_VOLUME, 50, false), ESP_OK);
    vTaskDelay(pdMS_TO_TICKS(200));
    audio_player_listen(200);
    assert_true(fabs(20 * log10(audio_player_tone() / (AUDIO_PLAYER_AMPLITUDE / 8.0))) < 0.2);
    assert_int_equal(set(AUDIO_SET_VOLUME, 100, false), ESP_OK);
    vTaskDelay(pdMS_TO_TICKS(200));
}

static void pause_holds_the_place_and_drain_tells_the_end(void **state)
{
    (void)state;
    audio_player_play(false);
    assert_int_equal(audio_player_do(pause_stream), ESP_OK);
    const uint32_t before = audio_stream_position(&audio_player_stream);
    vTaskDelay(pdMS_TO_TICKS(200));
    assert_true(audio_player_silent());
    assert_int_equal(audio_stream_position(&audio_player_stream), before);
    assert_int_equal(audio_player_info().underruns, 0);
    assert_int_equal(audio_player_do(resume_stream), ESP_OK);
    assert_int_equal(audio_player_do(drain_stream), ESP_OK);
    vTaskDelay(pdMS_TO_TICKS(600)); // what is in the ring
    assert_true(audio_player_told(AUDIO_STREAM_DRAINED));
    assert_true(audio_player_silent());
    assert_int_equal(audio_player_info().underruns, 0);
    assert_int_equal(audio_stream_room(&audio_player_stream), CONFIG_AUDIO_RING_FRAMES);
    audio_player_play(true);
    vTaskDelay(pdMS_TO_TICKS(300));
    assert_true(audio_player_sounds());
}

static void an_app_that_is_late_is_told_of_its_underrun(void **state)
{
    (void)state;
    audio_player_play(false);
    audio_player_listen(1000);
    assert_int_equal(audio_player_info().underruns, 1);
    assert_true(audio_player_told(AUDIO_STREAM_UNDERRUN));
    assert_true(audio_player_silent());
    assert_true(audio_player_kink() < 650);
    audio_player_listen(2000); // it is asleep; the next write wakes it
    assert_int_equal(host_audio_room(), 0);
    audio_player_play(true);
    vTaskDelay(pdMS_TO_TICKS(300));
    assert_true(audio_player_sounds());
    assert_int_equal(audio_player_do(flush_stream), ESP_OK);
}

static void no_memory_is_left_behind_by_a_stopped_app(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(app_manager_stop("player"), ESP_OK);
        audio_player_listen(300);
        assert_true(audio_player_kink() < 650);
        assert_true(audio_player_silent());
        assert_int_equal(audio_player_state.streams, 0);
        assert_true(audio_player_told(AUDIO_STREAM_CLOSED));
        assert_int_equal(audio_stream_room(&audio_player_stream), 0);
        audio_player_play(false);
        assert_int_equal(app_manager_start("player"), ESP_OK);
        assert_int_equal(audio_player_do(audio_player_open), ESP_OK);
        audio_player_play(true);
        vTaskDelay(pdMS_TO_TICKS(300));
        assert_true(audio_player_sounds());
    }
}

static void a_paused_app_is_silent(void **state)
{
    (void)state;
    const uint32_t underruns = audio_player_info().underruns;
    assert_int_equal(app_manager_pause("player"), ESP_OK);
    vTaskDelay(pdMS_TO_TICKS(200));
    assert_true(audio_player_silent());
    vTaskDelay(pdMS_TO_TICKS(3000));
    assert_int_equal(app_manager_resume("player"), ESP_OK);
    vTaskDelay(pdMS_TO_TICKS(300));
    assert_true(audio_player_sounds());
    assert_int_equal(audio_player_info().underruns, underruns);
}

// The device decides how fast music is; the app follows it, however wrong its clock is.
static void the_clock_of_the_device_rules(void **state)
{
    (void)state;
    const audio_info_t before = audio_player_info();
    const uint64_t heard = audio_player_total;
    const uint32_t position = audio_stream_position(&audio_player_stream);
    host_audio_set_drift(800);
    vTaskDelay(pdMS_TO_TICKS(MINUTES * 60 * 1000));
    const uint64_t frames = audio_player_total - heard;
    const uint64_t wanted = (uint64_t)MINUTES * 60 * AUDIO_PLAYER_RATE * 10008 / 10000;
    assert_in_range(frames, wanted - AUDIO_PLAYER_RATE / 50, wanted + AUDIO_PLAYER_RATE / 50);
    assert_in_range(audio_stream_position(&audio_player_stream) - position,
                    (uint32_t)frames - AUDIO_PLAYER_RATE / 10,
                    (uint32_t)frames + AUDIO_PLAYER_RATE / 10);
    host_audio_set_drift(0);
    assert_int_equal(audio_player_info().underruns, before.underruns);
    assert_int_equal(audio_player_info().device_underruns, before.device_underruns);
    assert_true(audio_player_sounds());
}

static void closed_with_a_fade_then_a_tone(void **state)
{
    (void)state;
    audio_player_play(false);
    assert_int_equal(audio_player_do(close_stream), ESP_OK);
    audio_player_listen(400);
    assert_true(audio_player_kink() < 100);
    assert_true(audio_player_told(AUDIO_STREAM_CLOSED));
    assert_int_equal(audio_player_do(pause_stream), ESP_ERR_NOT_FOUND);
    vTaskDelay(pdMS_TO_TICKS(3000)); // until it sleeps
    assert_int_equal(host_audio_room(), 0);
    assert_int_equal(audio_player_level.peak_left, 0);
    assert_int_equal(audio_player_do(beep), ESP_OK);
    vTaskDelay(pdMS_TO_TICKS(200));
    audio_player_listen(500);
    assert_true(fabs(20 * log10(audio_player_tone() / 32767)) < 0.2);
    vTaskDelay(pdMS_TO_TICKS(2000));
    assert_true(audio_player_silent());
}

static void the_interface_of_apps_names_what_there_is(void **state)
{
    (void)state;
#define AS_FUNCTION(group, minor, name) (void (*)(void)) name,
    void (*const functions[])(void) = {AUDIO_INTERFACE_FUNCTIONS(AS_FUNCTION)};
    for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
        assert_true(functions[i] != NULL);
        for (size_t j = 0; j < i; j++) {
            assert_true(functions[i] != functions[j]);
        }
    }
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(nothing_runs_while_nothing_sounds, audio_player_up),
        cmocka_unit_test(what_an_app_plays_is_heard),
        cmocka_unit_test(wrong_wishes_are_refused),
        cmocka_unit_test(muted_and_quieter),
        cmocka_unit_test(pause_holds_the_place_and_drain_tells_the_end),
        cmocka_unit_test(an_app_that_is_late_is_told_of_its_underrun),
        cmocka_unit_test(no_memory_is_left_behind_by_a_stopped_app),
        cmocka_unit_test(a_paused_app_is_silent),
        cmocka_unit_test(the_clock_of_the_device_rules),
        cmocka_unit_test(closed_with_a_fade_then_a_tone),
        cmocka_unit_test_teardown(the_interface_of_apps_names_what_there_is, audio_player_down),
    };
    return KTEST_MAIN(argc, argv, tests);
}
