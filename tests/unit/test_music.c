// SPDX-License-Identifier: Apache-2.0

// The music app as people use it: with fingers and keys, and over Bluetooth, heard at the
// loudspeaker. It goes on while services are ended under it, and knows where it was.

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "audio_measure.h"
#include "audio_service/audio_events.h"
#include "audio_service/audio_service.h"
#include "bluetooth_service/bluetooth_events.h"
#include "display_app/display_widgets.h"
#include "display_service/display_service.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "host_audio.h"
#include "host_flash.h"
#include "host_media.h"
#include "input_service/input_events.h"
#include "kapp/kapp.h"
#include "kapp/kapp_install.h"
#include "ktest.h"
#include "music_app.h"
#include "nvs_flash.h"
#include "system_service/app_manager.h"
#include "system_service/fault_injection.h"
#include "system_service/memory_utils.h"
#include "system_service/service_supervisor.h"
#include "system_up.h"
#include "tunes.h"

#define RATE     48000
#define HEARD    (2 * RATE)
#define TOP      DISPLAY_STATUS_BAR_HEIGHT
#define HEIGHT   (CONFIG_DISPLAY_HEIGHT - TOP)
#define FIRST_HZ 300
#define NEXT_HZ  700

static const char s_table[] = "nvs,  data, nvs,  0x9000, 24K\n"
                              "apps, data, 0x40, 0x20000, 320K\n";

static system_secure_key_t s_key;
static system_service_id_t s_hand;
static system_service_id_t s_audio;
static system_service_id_t s_display;
static music_state_t s_state;
static _Atomic uint32_t s_told;
static system_service_id_t s_music; // of its present life

// ---- what is heard -----------------------------------------------------------------------------

static int16_t s_heard[2 * HEARD];
static size_t s_count;

__attribute__((no_sanitize("thread"))) static void hear(const int16_t *samples, unsigned frames,
                                                        void *arg)
{
    (void)arg;
    for (unsigned i = 0; i < frames && s_count < HEARD; i++, s_count++) {
        s_heard[2 * s_count] = samples[2 * i];
        s_heard[2 * s_count + 1] = samples[2 * i + 1];
    }
}

static double level_of(double hz, uint32_t ms)
{
    s_count = 0;
    vTaskDelay(pdMS_TO_TICKS(ms));
    return s_count > RATE / 100 ? audio_measure_tone(s_heard, s_count, 0, hz, RATE) : 0;
}

static bool plays(double hz)
{
    return level_of(hz, 200) > 500;
}

static bool is_silent(void)
{
    s_count = 0;
    vTaskDelay(pdMS_TO_TICKS(200));
    return s_count == 0 || audio_measure_rms(s_heard, s_count, 0) < 1;
}

// ---- hands -------------------------------------------------------------------------------------

static void post(const char *name, const void *data, size_t size)
{
    assert_int_equal(
        system_event_post(s_hand, system_up_type(name), data, size, SYSTEM_EVENT_PRIORITY_HIGH),
        ESP_OK);
    vTaskDelay(pdMS_TO_TICKS(150));
}

static void key(input_button_t button)
{
    const input_event_t input = {.header = STATUS_HEADER(input_event_t, INPUT_EVENT_VERSION),
                                 .focus = s_music,
                                 .button = (uint8_t)button};
    post(INPUT_CLICK_EVENT, &input, sizeof(input));
}

static void tap(int x, int y)
{
    const input_event_t input = {.header = STATUS_HEADER(input_event_t, INPUT_EVENT_VERSION),
                                 .focus = s_music,
                                 .button = INPUT_TOUCH,
                                 .gesture = INPUT_GESTURE_TAP,
                                 .x = (int16_t)x,
                                 .y = (int16_t)y};
    post(INPUT_GESTURE_EVENT, &input, sizeof(input));
}

static void tap_row(int row)
{
    tap(80, 8 + 36 * row + 18);
}

static void tap_button(int which)
{
    tap(40 + 80 * which, HEIGHT - 20);
}

static void control(bluetooth_control_action_t action, uint32_t value)
{
    const bluetooth_control_t wish = {
        .header = STATUS_HEADER(bluetooth_control_t, BLUETOOTH_EVENTS_VERSION),
        .action = (uint8_t)action,
        .value = value};
    post(BLUETOOTH_CONTROL_EVENT, &wish, sizeof(wish));
}

static void on_state(const system_event_t *event, void *user_data)
{
    (void)user_data;
    KTEST_CHECK(event->data_size == sizeof(s_state));
    memcpy(&s_state, event->data, sizeof(s_state));
    atomic_fetch_add(&s_told, 1);
}

static void start_music(void)
{
    app_info_t info = {0};
    assert_int_equal(app_manager_start("music"), ESP_OK);
    vTaskDelay(pdMS_TO_TICKS(500));
    assert_int_equal(app_manager_get_info("music", &info), ESP_OK);
    assert_int_equal(info.state, APP_STATE_RUNNING);
    s_music = info.id;
}

static bool near_ms(uint32_t value, uint32_t wanted, uint32_t by)
{
    return value + by >= wanted && value <= wanted + by;
}

// ---- the tests, one life after the other -------------------------------------------------------

static void fingers_play_pause_seek_and_choose(void **state)
{
    (void)state;
    assert_true(is_silent());
    tap_row(1); // row 0 is the folder
    assert_true(plays(FIRST_HZ));
    assert_int_equal(s_state.mode, MUSIC_PLAYING);
    assert_true(near_ms(s_state.length_ms, 20000, 1));
    tap_button(1);
    assert_true(is_silent());
    assert_int_equal(s_state.mode, MUSIC_PAUSED);
    const uint32_t at = s_state.position_ms;
    assert_true(is_silent());
    assert_true(near_ms(s_state.position_ms, at, 60));
    tap_button(1);
    assert_true(plays(FIRST_HZ));
    tap(8 + 112, HEIGHT - 132 + 54); // half-way of the bar
    vTaskDelay(pdMS_TO_TICKS(300));
    assert_true(near_ms(s_state.position_ms, 10300, 400));
    assert_true(plays(FIRST_HZ));
    tap_button(2);
    assert_true(plays(NEXT_HZ));
    assert_true(level_of(FIRST_HZ, 200) < 50);
    key(INPUT_BUTTON_PREVIOUS);
    assert_true(plays(FIRST_HZ));
    tap_row(0); // into the folder, and out of it: the sound goes on
    tap_row(0);
    assert_true(plays(FIRST_HZ));
    key(INPUT_BUTTON_PLAY);
    assert_true(is_silent());
}

static void volume_is_heard(void **state)
{
    (void)state;
    key(INPUT_BUTTON_PLAY);
    const double before = level_of(FIRST_HZ, 200);
    for (int i = 0; i < 4; i++) {
        key(INPUT_BUTTON_VOLUME_DOWN);
    }
    assert_int_equal(s_state.volume, 60);
    const double after = level_of(FIRST_HZ, 200);
    assert_true(fabs(after / before - pow(60.0 / 80.0, 3)) < 0.05);
    control(BLUETOOTH_CONTROL_VOLUME, 80);
    assert_int_equal(s_state.volume, 80);
    control(BLUETOOTH_CONTROL_LOUDER, 100);
    assert_int_equal(s_state.volume, 100);
    control(BLUETOOTH_CONTROL_VOLUME, 80);
}

static void bluetooth_controls_it(void **state)
{
    (void)state;
    control(BLUETOOTH_CONTROL_PAUSE, 0);
    assert_true(is_silent());
    control(BLUETOOTH_CONTROL_PLAY, 0);
    assert_true(plays(FIRST_HZ));
    control(BLUETOOTH_CONTROL_NEXT, 0);
    assert_true(plays(NEXT_HZ));
    control(BLUETOOTH_CONTROL_PREVIOUS, 0);
    assert_true(plays(FIRST_HZ));
    control(BLUETOOTH_CONTROL_SEEK, 5000);
    assert_true(near_ms(s_state.position_ms, 5000, 400));
    control(BLUETOOTH_CONTROL_STOP, 0);
    assert_true(is_silent());
    assert_true(s_state.position_ms < 100);
    control(BLUETOOTH_CONTROL_TOGGLE, 0);
    assert_true(plays(FIRST_HZ));
}

static void one_track_follows_the_other_without_a_gap(void **state)
{
    (void)state;
    control(BLUETOOTH_CONTROL_SEEK, 19000);
    s_count = 0;
    vTaskDelay(pdMS_TO_TICKS(1800)); // over the end: another rate and another format
    size_t longest = 0;
    for (size_t i = 0, run = 0; i < s_count; i++) {
        run = abs(s_heard[2 * i]) < 20 ? run + 1 : 0;
        longest = run > longest ? run : longest;
    }
    assert_true(longest < RATE / 10); // a stream of the other rate begins with 20 ms
    assert_true(plays(NEXT_HZ));
    // The last one of the folder is no music: it is told, and that is the end.
    control(BLUETOOTH_CONTROL_SEEK, 1000000);
    vTaskDelay(pdMS_TO_TICKS(1500));
    assert_true(is_silent());
    assert_int_equal(s_state.mode, MUSIC_STOPPED);
    assert_int_equal(s_state.error, ESP_ERR_NOT_SUPPORTED);
}

static void killed_services_come_back_and_it_goes_on(void **state)
{
    (void)state;
    tap_row(1);
    assert_true(plays(FIRST_HZ));
    assert_int_equal(system_service_restart(s_audio), ESP_OK);
    vTaskDelay(pdMS_TO_TICKS(800));
    assert_true(plays(FIRST_HZ)); // within a second
    assert_int_equal(system_fault_inject(s_audio, SYSTEM_FAULT_HANG, 0), ESP_OK);
    vTaskDelay(pdMS_TO_TICKS(4000));
    assert_true(plays(FIRST_HZ));
    // A screen that hangs is nothing to the ears.
    assert_int_equal(system_fault_inject(s_display, SYSTEM_FAULT_HANG, 0), ESP_OK);
    for (int i = 0; i < 15; i++) {
        assert_true(plays(FIRST_HZ));
    }
    vTaskDelay(pdMS_TO_TICKS(3000)); // whoever waited is held back for a while
    tap_button(1);                   // and it takes part again
    assert_true(is_silent());
    tap_button(1);
    assert_true(plays(FIRST_HZ));
}

static void it_knows_where_it_was(void **state)
{
    (void)state;
    control(BLUETOOTH_CONTROL_SEEK, 7000);
    control(BLUETOOTH_CONTROL_VOLUME, 55);
    assert_int_equal(app_manager_stop("music"), ESP_OK);
    vTaskDelay(pdMS_TO_TICKS(200)); // what the device holds is heard
    assert_true(is_silent());
    start_music();
    assert_true(plays(FIRST_HZ)); // it played, so it plays
    assert_true(near_ms(s_state.position_ms, 7700, 800));
    assert_int_equal(s_state.volume, 55);
    control(BLUETOOTH_CONTROL_PAUSE, 0);
    assert_int_equal(app_manager_stop("music"), ESP_OK);
    start_music();
    assert_true(is_silent()); // it was paused, so it waits
    assert_int_equal(s_state.mode, MUSIC_PAUSED);
    control(BLUETOOTH_CONTROL_PLAY, 0);
    assert_true(plays(FIRST_HZ));
}

static void the_card_is_pulled_out(void **state)
{
    (void)state;
    const audio_fault_request_t wish = {.header = STATUS_HEADER(audio_fault_request_t, 1),
                                        .fault = AUDIO_FAULT_CARD};
    assert_int_equal(system_request_sync(SYSTEM_SERVICE_ID_NONE, SYSTEM_SERVICE_ID_NONE,
                                         system_up_type(AUDIO_FAULT_REQUEST), &wish, sizeof(wish),
                                         SYSTEM_EVENT_PRIORITY_NORMAL, NULL, NULL,
                                         ktest_patience_ms(CONFIG_SYSTEM_REQUEST_TIMEOUT_MS)),
                     ESP_OK);
    vTaskDelay(pdMS_TO_TICKS(1500)); // what was read is heard to its end
    assert_true(is_silent());
    assert_int_equal(s_state.error, ESP_ERR_NOT_FOUND);
    app_info_t info;
    assert_int_equal(app_manager_get_info("music", &info), ESP_OK);
    assert_int_equal(info.state, APP_STATE_RUNNING);
    assert_int_equal(info.crashes, 0);
    assert_int_equal(app_manager_stop("music"), ESP_OK);
    memory_usage_t usage;
    assert_int_not_equal(memory_get_usage(s_music, &usage), ESP_OK); // nothing of it is left
}

static system_service_id_t start(const system_service_descriptor_t *service)
{
    system_service_id_t id;
    assert_int_equal(system_service_register(service->name, service, &id), ESP_OK);
    assert_int_equal(system_service_start(id), ESP_OK);
    return id;
}

static int set_up(void **state)
{
    (void)state;
    static const uint8_t noise[] = "this is a text, whatever its name says";
    int16_t *first = tune_sine(20 * 22050, 20000, FIRST_HZ, 22050);
    int16_t *next = tune_sine(5 * 16000, 20000, NEXT_HZ, 16000);
    const tune_t wav = tune_wav(first, 20 * 22050, 22050, 2, 16);
    const tune_t flac = tune_flac(next, 5 * 16000, 16000, 2);
    free(first);
    free(next);
    assert_true(host_media_put("a first.wav", wav.data, wav.size) &&
                host_media_put("b next.flac", flac.data, flac.size) &&
                host_media_put("c text.wav", noise, sizeof(noise)) &&
                host_media_put("Folder/inside.wav", wav.data, wav.size));
    assert_int_equal(nvs_flash_init(), ESP_OK);
    assert_int_equal(kapp_init(), ESP_OK);
    s_key = system_up();
    assert_int_equal(kapp_store_start(true), ESP_OK);
    s_audio = start(&audio_service);
    s_display = start(&display_service);
    s_hand = system_up_service("hand");
    assert_int_equal(
        system_event_subscribe(s_hand, system_up_type(MUSIC_STATE_EVENT), on_state, NULL), ESP_OK);
    assert_int_equal(app_manager_register(&music_app_manifest), ESP_OK);
    host_audio_set_tap(hear, NULL);
    start_music();
    return 0;
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(fingers_play_pause_seek_and_choose, set_up),
        cmocka_unit_test(volume_is_heard),
        cmocka_unit_test(bluetooth_controls_it),
        cmocka_unit_test(one_track_follows_the_other_without_a_gap),
        cmocka_unit_test(killed_services_come_back_and_it_goes_on),
        cmocka_unit_test(it_knows_where_it_was),
        cmocka_unit_test(the_card_is_pulled_out),
    };
    host_flash_use_table(s_table);
    return KTEST_MAIN(argc, argv, tests);
}
