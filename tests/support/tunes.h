// SPDX-License-Identifier: Apache-2.0
#pragma once

/* Files with sound, made up in memory: a sine, or what the caller has. Memory of tunes is the
 * caller's to free(). */

#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint8_t *data;
    size_t size;
} tune_t;

/** A WAV file with PCM of so many bits (8, 16, 24) from stereo samples; of the left side alone with
 *  one channel. */
tune_t tune_wav(const int16_t *samples, size_t frames, unsigned rate, unsigned channels,
                unsigned bits);

/** A WAV file with IMA ADPCM in blocks of so many bytes. */
tune_t tune_adpcm(const int16_t *samples, size_t frames, unsigned rate, unsigned channels,
                  unsigned block);

/** What a step is wide at an index of 0 to 88. */
int tune_adpcm_step(int index);

/** A FLAC file. */
tune_t tune_flac(const int16_t *samples, size_t frames, unsigned rate, unsigned channels);

/** Stereo samples of a sine, to be freed. */
int16_t *tune_sine(size_t frames, double amplitude, double hz, double rate);
