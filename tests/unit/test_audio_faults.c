// SPDX-License-Identifier: Apache-2.0

// What can go wrong with the audio service and its device in the middle of a song, in virtual time:
// afterwards it sounds again.

#include "audio_player.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "ktest.h"
#include "system_service/service_supervisor.h"
#include "system_up.h"

static void a_song_is_played(void **state)
{
    (void)state;
    const audio_set_t loud = {.header = STATUS_HEADER(audio_set_t, AUDIO_EVENTS_VERSION),
                              .what = AUDIO_SET_VOLUME,
                              .volume = 100};
    assert_int_equal(audio_player_ask(AUDIO_SET_REQUEST, &loud, sizeof(loud), NULL, 0), ESP_OK);
    assert_int_equal(audio_player_do(audio_player_open), ESP_OK);
    audio_player_play(true);
    vTaskDelay(pdMS_TO_TICKS(300));
    assert_true(audio_player_sounds());
}

static void it_is_restarted_in_the_middle_of_a_song(void **state)
{
    (void)state;
    assert_int_equal(system_service_restart(audio_player_service), ESP_OK);
    vTaskDelay(pdMS_TO_TICKS(1000)); // the promise
    assert_true(audio_player_sounds());
    assert_int_equal(audio_player_info().state.volume, 100);
    assert_int_equal(audio_player_state.playing, 1);
}

static void a_transfer_that_never_returns_is_got_rid_of(void **state)
{
    (void)state;
    system_service_info_t before;
    system_service_info_t after;
    assert_int_equal(system_service_get_info(audio_player_service, &before), ESP_OK);
    audio_player_fault(AUDIO_FAULT_STUCK);
    vTaskDelay(pdMS_TO_TICKS(5000));
    assert_true(audio_player_sounds());
    assert_int_equal(system_service_get_info(audio_player_service, &after), ESP_OK);
    assert_int_equal(after.restart_count, before.restart_count + 1);
}

static void unplugged_time_goes_on(void **state)
{
    (void)state;
    audio_player_fault(AUDIO_FAULT_UNPLUGGED);
    vTaskDelay(pdMS_TO_TICKS(500));
    assert_int_equal(audio_player_state.device, AUDIO_DEVICE_ABSENT);
    const uint32_t before = audio_stream_position(&audio_player_stream);
    vTaskDelay(pdMS_TO_TICKS(2000));
    const uint32_t passed = audio_stream_position(&audio_player_stream) - before;
    assert_in_range(passed, 2 * AUDIO_PLAYER_RATE - AUDIO_PLAYER_RATE / 50,
                    2 * AUDIO_PLAYER_RATE + AUDIO_PLAYER_RATE / 50);
    assert_true(audio_player_info().lost > 300);
    audio_player_fault(AUDIO_FAULT_NONE);
    vTaskDelay(pdMS_TO_TICKS(CONFIG_AUDIO_PROBE_MS + 200));
    assert_int_equal(audio_player_state.device, AUDIO_DEVICE_WELL);
    assert_true(audio_player_sounds());
}

static void what_does_not_arrive_whole_is_noticed(void **state)
{
    (void)state;
    const audio_info_t before = audio_player_info();
    audio_player_fault(AUDIO_FAULT_SHORT);
    vTaskDelay(pdMS_TO_TICKS(300));
    assert_int_equal(audio_player_state.device, AUDIO_DEVICE_FAILING);
    assert_true(audio_player_info().failures > before.failures);
    assert_true(audio_player_info().reopened > before.reopened);
    audio_player_fault(AUDIO_FAULT_NONE);
    vTaskDelay(pdMS_TO_TICKS(300));
    assert_int_equal(audio_player_state.device, AUDIO_DEVICE_WELL);
    assert_true(audio_player_sounds());
    const uint32_t reopened = audio_player_info().reopened;
    audio_player_fault(AUDIO_FAULT_WRONG);
    vTaskDelay(pdMS_TO_TICKS(2 * CONFIG_AUDIO_PROBE_MS));
    assert_true(audio_player_info().reopened > reopened);
    audio_player_fault(AUDIO_FAULT_NONE);
    vTaskDelay(pdMS_TO_TICKS(300));
    assert_true(audio_player_sounds());
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_song_is_played, audio_player_up),
        cmocka_unit_test(it_is_restarted_in_the_middle_of_a_song),
        cmocka_unit_test(a_transfer_that_never_returns_is_got_rid_of),
        cmocka_unit_test(unplugged_time_goes_on),
        cmocka_unit_test_teardown(what_does_not_arrive_whole_is_noticed, audio_player_down),
    };
    return KTEST_MAIN(argc, argv, tests);
}
