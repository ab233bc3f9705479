// SPDX-License-Identifier: Apache-2.0

// From one rate to another: what is added to a tone, what is taken away, and that it never drifts.

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "audio_internal.h"
#include "audio_measure.h"
#include "ktest.h"

#define SECONDS 1

static int16_t s_in[2 * 96000 * SECONDS + 2 * AUDIO_BLOCK_INPUT];
static int16_t s_out[2 * 48000 * SECONDS + 2 * AUDIO_BLOCK_FRAMES];

// Converts a second. @return frames of output
static size_t convert(uint32_t in, uint32_t out, double hz, double amplitude)
{
    static audio_resampler_t r;
    double phase = 0;
    size_t used = 0;
    size_t made = 0;
    audio_measure_sine(s_in, sizeof(s_in) / 4, amplitude, hz, in, &phase);
    audio_resampler_init(&r, in, out);
    while (made < out * SECONDS) {
        const uint32_t needs = audio_resampler_needs(&r, AUDIO_BLOCK_FRAMES);
        assert_in_range(needs, 0, AUDIO_BLOCK_INPUT);
        assert_true(audio_resampler_gives(&r, needs) >= AUDIO_BLOCK_FRAMES);
        assert_true(needs == 0 || audio_resampler_gives(&r, needs - 1) < AUDIO_BLOCK_FRAMES);
        audio_resampler_run(&r, (audio_frame_t *)(void *)&s_in[2 * used],
                            (audio_frame_t *)(void *)&s_out[2 * made], AUDIO_BLOCK_FRAMES);
        used += needs;
        made += AUDIO_BLOCK_FRAMES;
    }
    assert_int_equal(used, (uint64_t)made * in / out);
    return made;
}

static void a_tone_stays_a_tone(void **state)
{
    (void)state;
    static const struct {
        uint32_t in;
        uint32_t out;
        double hz;
        double clean_db; // least distance of everything else
    } cases[] = {
        {44100, 48000, 1000, 65}, {44100, 48000, 100, 65},  {44100, 48000, 10000, 55},
        {22050, 48000, 1000, 60}, {11025, 48000, 1000, 60}, {8000, 48000, 1000, 60},
        {48000, 44100, 1000, 65}, {96000, 48000, 1000, 65}, {48000, 48000, 1000, 80},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const size_t frames = convert(cases[i].in, cases[i].out, cases[i].hz, 16000) - 9600;
        for (int side = 0; side < 2; side++) {
            const double level =
                audio_measure_tone(s_out + 9600, frames, side, cases[i].hz, cases[i].out);
            const double rest =
                audio_measure_rest(s_out + 9600, frames, side, cases[i].hz, cases[i].out);
            const double clean = 20 * log10(level / sqrt(2) / rest);
            if (clean < cases[i].clean_db || fabs(20 * log10(level / 16000)) > 0.5) {
                fail_msg("%u to %u Hz, a tone of %.0f Hz: level %.1f, the rest %.1f dB below",
                         (unsigned)cases[i].in, (unsigned)cases[i].out, cases[i].hz, level, clean);
            }
        }
    }
}

static void what_the_output_cannot_have_is_taken_away(void **state)
{
    (void)state;
    const size_t frames = convert(48000, 24000, 20000, 16000) - 4800; // it would come as 4 kHz
    assert_true(audio_measure_rms(s_out + 4800, frames, 0) < 16000 / 100.0);
}

static void full_scale_does_not_wrap(void **state)
{
    (void)state;
    static audio_resampler_t r;
    static audio_frame_t in[AUDIO_BLOCK_INPUT];
    static audio_frame_t out[AUDIO_BLOCK_FRAMES];
    for (unsigned i = 0; i < AUDIO_BLOCK_INPUT; i++) { // a square wave overshoots when filtered
        in[i].left = i / 20 % 2 == 0 ? INT16_MAX : INT16_MIN;
        in[i].right = INT16_MAX;
    }
    audio_resampler_init(&r, 44100, 48000);
    audio_resampler_run(&r, in, out, AUDIO_BLOCK_FRAMES);
    for (unsigned i = 60; i < 200; i++) {
        const unsigned from = (unsigned)(i * 44100ull / 48000) - 8;
        if (from % 20 > 5 && from % 20 < 15) { // well inside one half of it
            assert_true((out[i].left > 0) == (in[from].left > 0));
        }
        assert_true(out[i].right > 32700);
    }
}

// The whole of a long time, block by block: after it not one frame more or less was used.
static void it_never_drifts(void **state)
{
    (void)state;
    static audio_resampler_t r;
    static audio_frame_t in[AUDIO_BLOCK_INPUT];
    static audio_frame_t out[AUDIO_BLOCK_FRAMES];
    const uint64_t blocks = (uint64_t)MINUTES * 60 * 4000 / AUDIO_BLOCK_FRAMES;
    uint64_t used = 0;
    audio_resampler_init(&r, 3999, 4000);
    for (uint64_t i = 0; i < blocks; i++) {
        used += audio_resampler_needs(&r, AUDIO_BLOCK_FRAMES);
        audio_resampler_run(&r, in, out, AUDIO_BLOCK_FRAMES);
    }
    assert_int_equal(used, blocks * AUDIO_BLOCK_FRAMES * 3999 / 4000);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tone_stays_a_tone),
        cmocka_unit_test(what_the_output_cannot_have_is_taken_away),
        cmocka_unit_test(full_scale_does_not_wrap),
        cmocka_unit_test(it_never_drifts),
    };
    return KTEST_MAIN(argc, argv, tests);
}
