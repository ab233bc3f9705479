// SPDX-License-Identifier: Apache-2.0
#pragma once

/* Measures on sound: stereo samples, left and right in turn. */

#include <stddef.h>
#include <stdint.h>

/** Amplitude of a frequency (Goertzel), full scale = 32768; side 0 = left, 1 = right. */
double audio_measure_tone(const int16_t *samples, size_t frames, int side, double hz, double rate);

/** Root of the mean square of one side, its mean included. */
double audio_measure_rms(const int16_t *samples, size_t frames, int side);

/** RMS of what is left when the tone of this frequency is taken away. */
double audio_measure_rest(const int16_t *samples, size_t frames, int side, double hz, double rate);

/** Largest difference of two neighbours of one side. */
int audio_measure_step(const int16_t *samples, size_t frames, int side);

/** Largest second difference, which a tone of low frequency does not have and a click does. */
int audio_measure_kink(const int16_t *samples, size_t frames, int side);

/** Write a sine. @param[in,out] phase in periods */
void audio_measure_sine(int16_t *samples, size_t frames, double amplitude, double hz, double rate,
                        double *phase);
