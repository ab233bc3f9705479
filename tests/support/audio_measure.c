// SPDX-License-Identifier: Apache-2.0
#include "audio_measure.h"

#include <math.h>
#include <stdlib.h>

#define TWO_PI 6.283185307179586

// Amplitude and phase as the two parts of a sum.
static void correlate(const int16_t *samples, size_t frames, int side, double turn, double *cosine,
                      double *sine)
{
    *cosine = 0;
    *sine = 0;
    for (size_t i = 0; i < frames; i++) {
        *cosine += samples[2 * i + (size_t)side] * cos(turn * (double)i);
        *sine += samples[2 * i + (size_t)side] * sin(turn * (double)i);
    }
    *cosine *= 2.0 / (double)frames;
    *sine *= 2.0 / (double)frames;
}

double audio_measure_tone(const int16_t *samples, size_t frames, int side, double hz, double rate)
{
    const double turn = TWO_PI * hz / rate;
    double before = 0;
    double last = 0;
    for (size_t i = 0; i < frames; i++) {
        const double now = samples[2 * i + (size_t)side] + 2 * cos(turn) * last - before;
        before = last;
        last = now;
    }
    const double power = last * last + before * before - 2 * cos(turn) * last * before;
    return frames != 0 && power > 0 ? 2 * sqrt(power) / (double)frames : 0;
}

double audio_measure_rms(const int16_t *samples, size_t frames, int side)
{
    double sum = 0;
    for (size_t i = 0; i < frames; i++) {
        const double s = samples[2 * i + (size_t)side];
        sum += s * s;
    }
    return frames != 0 ? sqrt(sum / (double)frames) : 0;
}

double audio_measure_rest(const int16_t *samples, size_t frames, int side, double hz, double rate)
{
    const double turn = TWO_PI * hz / rate;
    double cosine;
    double sine;
    double sum = 0;
    correlate(samples, frames, side, turn, &cosine, &sine);
    for (size_t i = 0; i < frames; i++) {
        const double s = samples[2 * i + (size_t)side] - cosine * cos(turn * (double)i) -
                         sine * sin(turn * (double)i);
        sum += s * s;
    }
    return frames != 0 ? sqrt(sum / (double)frames) : 0;
}

int audio_measure_step(const int16_t *samples, size_t frames, int side)
{
    int most = 0;
    for (size_t i = 1; i < frames; i++) {
        const int16_t *at = samples + 2 * i + side;
        const int step = abs(at[0] - at[-2]);
        most = step > most ? step : most;
    }
    return most;
}

int audio_measure_kink(const int16_t *samples, size_t frames, int side)
{
    int most = 0;
    for (size_t i = 1; i + 1 < frames; i++) {
        const int16_t *at = samples + 2 * i + side;
        const int kink = abs(at[2] - 2 * at[0] + at[-2]);
        most = kink > most ? kink : most;
    }
    return most;
}

void audio_measure_sine(int16_t *samples, size_t frames, double amplitude, double hz, double rate,
                        double *phase)
{
    for (size_t i = 0; i < frames; i++) {
        samples[2 * i] = (int16_t)lround(amplitude * sin(TWO_PI * *phase));
        samples[2 * i + 1] = samples[2 * i];
        *phase += hz / rate;
        *phase -= floor(*phase);
    }
}
