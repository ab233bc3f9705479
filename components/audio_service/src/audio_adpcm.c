/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IMA ADPCM as WAV files have it: four bits a sample, which say how far the next one is in steps
 * that grow and shrink.
 */
#include "audio_decoder.h"

#define INDEX_MAX 88

static const int16_t s_steps[INDEX_MAX + 1] = {
    7,     8,     9,     10,    11,    12,    13,    14,    16,    17,    19,    21,    23,
    25,    28,    31,    34,    37,    41,    45,    50,    55,    60,    66,    73,    80,
    88,    97,    107,   118,   130,   143,   157,   173,   190,   209,   230,   253,   279,
    307,   337,   371,   408,   449,   494,   544,   598,   658,   724,   796,   876,   963,
    1060,  1166,  1282,  1411,  1552,  1707,  1878,  2066,  2272,  2499,  2749,  3024,  3327,
    3660,  4026,  4428,  4871,  5358,  5894,  6484,  7132,  7845,  8630,  9493,  10442, 11487,
    12635, 13899, 15289, 16818, 18500, 20350, 22385, 24623, 27086, 29794, 32767,
};

static const int8_t s_moves[8] = {-1, -1, -1, -1, 2, 4, 6, 8};

static int16_t decode(audio_adpcm_t *state, unsigned channel, unsigned code)
{
    const int32_t step = s_steps[state->index[channel]];
    int32_t change = step >> 3;
    change += (code & 4) != 0 ? step : 0;
    change += (code & 2) != 0 ? step >> 1 : 0;
    change += (code & 1) != 0 ? step >> 2 : 0;
    int32_t value = state->value[channel] + ((code & 8) != 0 ? -change : change);
    value = value > INT16_MAX ? INT16_MAX : value < INT16_MIN ? INT16_MIN : value;
    int index = state->index[channel] + s_moves[code & 7];
    index = index < 0 ? 0 : index > INDEX_MAX ? INDEX_MAX : index;
    state->value[channel] = (int16_t)value;
    state->index[channel] = (uint8_t)index;
    return (int16_t)value;
}

bool audio_adpcm_begin(audio_adpcm_t *state, const uint8_t *head, unsigned channels,
                       audio_frame_t *first)
{
    for (unsigned i = 0; i < channels; i++, head += 4) {
        if (head[2] > INDEX_MAX) {
            return false;
        }
        state->value[i] = (int16_t)audio_u16(head);
        state->index[i] = head[2];
    }
    first->left = state->value[0];
    first->right = state->value[channels - 1];
    return true;
}

void audio_adpcm_group(audio_adpcm_t *state, const uint8_t *raw, unsigned channels,
                       audio_frame_t frames[AUDIO_ADPCM_GROUP])
{
    for (unsigned i = 0; i < AUDIO_ADPCM_GROUP; i++) { /* the lower four bits come first */
        frames[i].left = decode(state, 0, (raw[i / 2] >> (i % 2 * 4)) & 15);
        frames[i].right = frames[i].left;
    }
    for (unsigned i = 0; i < AUDIO_ADPCM_GROUP && channels == 2; i++) {
        frames[i].right = decode(state, 1, (raw[4 + i / 2] >> (i % 2 * 4)) & 15);
    }
}
