// SPDX-License-Identifier: Apache-2.0

// What comes out of the mixer, measured: frequency, level, silence, no clicks.

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "audio_internal.h"
#include "audio_measure.h"
#include "ktest.h"
#include "sdkconfig.h"

#define RATE   48000
#define VOICES 3
#define BLOCKS 800 // 4 s

static audio_voice_t s_voices[VOICES];
static audio_ring_t s_rings[VOICES];
static audio_frame_t s_memory[VOICES][CONFIG_AUDIO_RING_FRAMES];
static int16_t s_out[2 * BLOCKS * AUDIO_BLOCK_FRAMES];
static size_t s_frames; // in s_out
static double s_phase[VOICES];

static int begin(void **state)
{
    (void)state;
    memset(s_voices, 0, sizeof(s_voices));
    for (int i = 0; i < VOICES; i++) {
        atomic_store(&s_rings[i].head, 0xFFFFFF00u); // it wraps soon
        atomic_store(&s_rings[i].tail, 0xFFFFFF00u);
        s_rings[i].frames = s_memory[i];
        s_phase[i] = 0;
    }
    s_frames = 0;
    audio_mixer_begin(RATE);
    audio_mixer_set_master(100, 0);
    audio_mixer_mix(s_voices, VOICES, (audio_frame_t *)(void *)s_out); // the master is up
    return 0;
}

static void attach(int i, uint32_t rate, unsigned volume)
{
    s_voices[i].ring = &s_rings[i];
    audio_mixer_attach(&s_voices[i], rate, volume);
}

static void write_sine(int i, size_t frames, double amplitude, double hz, double rate)
{
    int16_t samples[2 * 2048];
    while (frames > 0) {
        const size_t now = frames < 2048 ? frames : 2048;
        audio_measure_sine(samples, now, amplitude, hz, rate, &s_phase[i]);
        assert_int_equal(audio_ring_put(&s_rings[i], (audio_frame_t *)(void *)samples, now), now);
        frames -= now;
    }
}

static void mix(unsigned blocks)
{
    for (; blocks > 0; blocks--) {
        assert_true(s_frames + AUDIO_BLOCK_FRAMES <= sizeof(s_out) / 4);
        audio_mixer_mix(s_voices, VOICES, (audio_frame_t *)(void *)&s_out[2 * s_frames]);
        s_frames += AUDIO_BLOCK_FRAMES;
    }
}

// Mixes while a voice gets a tone of its own rate.
static void play(int i, unsigned blocks, double amplitude, double hz, double rate)
{
    for (; blocks > 0; blocks--) {
        if (audio_ring_room(&s_rings[i]) > 8192) {
            write_sine(i, 4096, amplitude, hz, rate);
        }
        mix(1);
    }
}

static double db(double value, double reference)
{
    return 20 * log10(value / reference);
}

static void a_stream_is_heard_as_it_is(void **state)
{
    (void)state;
    static const uint32_t rates[] = {48000, 44100, 22050, 8000};
    for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
        begin(NULL);
        attach(0, rates[i], 100);
        play(0, 200, 10000, 440, rates[i]);
        const int16_t *later = s_out + 2 * 100 * AUDIO_BLOCK_FRAMES;
        const size_t frames = 100 * AUDIO_BLOCK_FRAMES; // half a second: 220 periods
        for (int side = 0; side < 2; side++) {
            assert_true(fabs(db(audio_measure_tone(later, frames, side, 440, RATE), 10000)) < 0.1);
            assert_true(audio_measure_rest(later, frames, side, 440, RATE) < 10);
            assert_true(audio_measure_tone(later, frames, side, 450, RATE) < 20);
        }
    }
}

static void silence_is_silence(void **state)
{
    (void)state;
    attach(0, RATE, 100);
    mix(20);
    assert_true(audio_measure_rms(s_out, s_frames, 0) == 0);
    assert_true(audio_mixer_silent(s_voices, VOICES));
    write_sine(0, 100, 10000, 440, RATE); // too little to begin with
    mix(4);
    assert_true(audio_measure_rms(s_out, s_frames, 0) == 0);
    assert_true(audio_mixer_silent(s_voices, VOICES));
}

static void volume_is_a_cube_and_monotonic(void **state)
{
    (void)state;
    assert_int_equal(audio_gain_of(0), 0);
    assert_int_equal(audio_gain_of(100), AUDIO_GAIN_ONE);
    assert_int_equal(audio_gain_of(255), AUDIO_GAIN_ONE);
    for (unsigned i = 1; i <= 100; i++) {
        assert_true(audio_gain_of(i) >= audio_gain_of(i - 1));
    }
    attach(0, RATE, 50);
    play(0, 100, 20000, 1000, RATE);
    const int16_t *later = s_out + 2 * 40 * AUDIO_BLOCK_FRAMES;
    assert_true(fabs(db(audio_measure_tone(later, 60 * AUDIO_BLOCK_FRAMES, 0, 1000, RATE),
                        20000 * 0.125)) < 0.1);
}

// A tone of 100 Hz is smooth: whatever bends sharply is a click.
static int kinks(void)
{
    const int left = audio_measure_kink(s_out, s_frames, 0);
    const int right = audio_measure_kink(s_out, s_frames, 1);
    return left > right ? left : right;
}

#define NO_CLICK                                                                                   \
    650 /* a hard stop of these tones gives up to 30000; their own slope is 380 a frame */

static void no_click_where_a_stream_begins_and_ends(void **state)
{
    (void)state;
    attach(0, RATE, 100);
    write_sine(0, 5 * AUDIO_BLOCK_FRAMES + 120, 30000, 100, RATE); // ends at its peak
    mix(4);
    assert_true(audio_measure_step(s_out, s_frames - 1, 0) > 300); // it does sound
    mix(40);
    assert_int_equal(s_voices[0].underruns, 1);
    assert_true(kinks() < NO_CLICK);
    assert_true(audio_measure_rms(s_out + 2 * (s_frames - 240), 240, 0) == 0); // and it is over
    assert_true(audio_mixer_silent(s_voices, VOICES));
}

static void no_click_at_cut_pause_and_change_of_volume(void **state)
{
    (void)state;
    attach(0, RATE, 100);
    for (int i = 0; i < 20; i++) { // at all places of the tone
        play(0, 13, 30000, 97, RATE);
        audio_mixer_cut(&s_voices[0]);
        s_voices[0].paused = true;
        mix(3);
        s_voices[0].paused = false;
        play(0, 7, 30000, 97, RATE);
        audio_ramp_to(&s_voices[0].fade, audio_gain_of(i % 2 != 0 ? 100 : 30),
                      audio_mixer_frames(5));
    }
    assert_true(kinks() < NO_CLICK);
}

static void an_underrun_is_counted_once_and_said(void **state)
{
    (void)state;
    attach(0, RATE, 100);
    for (unsigned i = 1; i <= 3; i++) {
        write_sine(0, 3000, 10000, 440, RATE);
        mix(30);
        assert_int_equal(s_voices[0].underruns, i);
        assert_true(s_voices[0].ran_dry);
        s_voices[0].ran_dry = false;
    }
    write_sine(0, 3000, 10000, 440, RATE);
    s_voices[0].draining = true; // a wanted end is none
    mix(30);
    assert_int_equal(s_voices[0].underruns, 3);
    assert_false(s_voices[0].ran_dry);
    assert_true(s_voices[0].drained);
    assert_int_equal(audio_ring_waiting(&s_rings[0]), 0);
}

static void music_steps_back_for_a_notice(void **state)
{
    (void)state;
    attach(0, RATE, 100);
    attach(1, RATE, 100);
    s_voices[1].category = AUDIO_CATEGORY_NOTICE;
    play(0, 60, 10000, 500, RATE);
    write_sine(1, 8 * 2048, 5000, 2000, RATE); // 68 blocks
    play(0, 60, 10000, 500, RATE);
    const int16_t *during = s_out + 2 * 90 * AUDIO_BLOCK_FRAMES;
    const double duck = 10000.0 * audio_gain_of(CONFIG_AUDIO_DUCK) / AUDIO_GAIN_ONE;
    const size_t frames = 20 * AUDIO_BLOCK_FRAMES;
    assert_true(fabs(db(audio_measure_tone(during, frames, 0, 500, RATE), duck)) < 0.2);
    assert_true(fabs(db(audio_measure_tone(during, frames, 0, 2000, RATE), 5000)) < 0.2);
    play(0, 60, 10000, 500, RATE);
    const int16_t *after = s_out + 2 * 160 * AUDIO_BLOCK_FRAMES;
    assert_true(fabs(db(audio_measure_tone(after, frames, 0, 500, RATE), 10000)) < 0.2);
}

static void too_loud_is_limited_and_counted(void **state)
{
    (void)state;
    const uint32_t before = audio_mixer_meter()->clipped;
    for (int i = 0; i < VOICES; i++) {
        attach(i, RATE, 100);
        write_sine(i, 9600, 30000, 300, RATE);
    }
    mix(30);
    assert_true(audio_mixer_meter()->clipped - before > 1000);
    assert_int_equal(audio_mixer_meter()->peak[0], INT16_MAX);
    for (size_t i = 1200; i < s_frames; i++) { // it does not wrap
        assert_true(abs(s_out[2 * i] - s_out[2 * i - 2]) < 6000);
    }
}

static void the_meter_says_what_comes_out(void **state)
{
    (void)state;
    attach(0, RATE, 100);
    play(0, 20, 10000, 480, RATE);
    *audio_mixer_meter() = (audio_meter_t){0};
    play(0, 20, 10000, 480, RATE);
    const audio_meter_t *meter = audio_mixer_meter();
    assert_int_equal(meter->frames, 20 * AUDIO_BLOCK_FRAMES);
    assert_in_range(meter->peak[0], 9990, 10000);
    assert_true(fabs(sqrt((double)meter->squares[1] / meter->frames) - 10000 / sqrt(2)) < 20);
}

static void the_master_fades_and_mutes(void **state)
{
    (void)state;
    attach(0, RATE, 100);
    play(0, 20, 20000, 100, RATE);
    audio_mixer_set_master(0, 500);
    play(0, 50, 20000, 100, RATE); // half of the fade
    const double half = audio_measure_rms(s_out + 2 * (s_frames - 480), 480, 0);
    assert_true(half > 20000 / sqrt(2) * 0.4 && half < 20000 / sqrt(2) * 0.6);
    play(0, 55, 20000, 100, RATE);
    assert_true(audio_measure_rms(s_out + 2 * (s_frames - 480), 480, 0) == 0);
    assert_true(kinks() < NO_CLICK);
}

static void a_tone_has_its_pitch_level_and_length(void **state)
{
    (void)state;
    audio_tone_t tone = {.hz = 880, .ms = 500, .volume = 80};
    assert_true(audio_tone_play(&tone));
    mix(110);
    const double wanted = 32767 * 0.512;
    const int16_t *within = s_out + 2 * 10 * AUDIO_BLOCK_FRAMES;
    assert_true(
        fabs(db(audio_measure_tone(within, 60 * AUDIO_BLOCK_FRAMES, 0, 880, RATE), wanted)) < 0.1);
    assert_true(audio_measure_rest(within, 60 * AUDIO_BLOCK_FRAMES, 0, 880, RATE) < 10);
    assert_true(audio_measure_rms(s_out + 2 * 100 * AUDIO_BLOCK_FRAMES, 2400, 0) == 0);
    assert_true(audio_measure_rms(s_out + 2 * 98 * AUDIO_BLOCK_FRAMES, 240, 0) > 1000);
    assert_true(audio_measure_step(s_out, 300, 0) < 2300);
    tone.ms = 1; // shorter than its own fades
    assert_true(audio_tone_play(&tone));
    mix(10);
    assert_false(audio_tone_sounds());
    static const audio_tone_t wrong[] = {
        {.hz = 19, .ms = 1, .volume = 1},     {.hz = 24000, .ms = 1, .volume = 1},
        {.hz = 440, .ms = 0, .volume = 1},    {.hz = 440, .ms = 10001, .volume = 1},
        {.hz = 440, .ms = 100, .volume = 0},  {.hz = 440, .ms = 100, .volume = 101},
        {.hz = 20001, .ms = 10, .volume = 1},
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_false(audio_tone_play(&wrong[i]));
    }
}

static void a_ring_damaged_by_its_app_is_as_good_as_empty(void **state)
{
    (void)state;
    attach(0, RATE, 100);
    play(0, 10, 10000, 440, RATE);
    atomic_store(&s_rings[0].head, atomic_load(&s_rings[0].tail) + CONFIG_AUDIO_RING_FRAMES + 1);
    mix(10);
    assert_int_equal(audio_ring_waiting(&s_rings[0]), 0);
    play(0, 20, 10000, 440, RATE);
    assert_true(audio_measure_rms(s_out + 2 * (s_frames - 240), 240, 0) > 5000);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_stream_is_heard_as_it_is, begin),
        cmocka_unit_test_setup(silence_is_silence, begin),
        cmocka_unit_test_setup(volume_is_a_cube_and_monotonic, begin),
        cmocka_unit_test_setup(no_click_where_a_stream_begins_and_ends, begin),
        cmocka_unit_test_setup(no_click_at_cut_pause_and_change_of_volume, begin),
        cmocka_unit_test_setup(an_underrun_is_counted_once_and_said, begin),
        cmocka_unit_test_setup(music_steps_back_for_a_notice, begin),
        cmocka_unit_test_setup(too_loud_is_limited_and_counted, begin),
        cmocka_unit_test_setup(the_meter_says_what_comes_out, begin),
        cmocka_unit_test_setup(the_master_fades_and_mutes, begin),
        cmocka_unit_test_setup(a_tone_has_its_pitch_level_and_length, begin),
        cmocka_unit_test_setup(a_ring_damaged_by_its_app_is_as_good_as_empty, begin),
    };
    return KTEST_MAIN(argc, argv, tests);
}
