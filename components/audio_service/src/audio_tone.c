/* SPDX-License-Identifier: Apache-2.0 */
/* One sine at a time, faded in and out. */
#include "audio_internal.h"

#include <math.h>

#include "esp_attr.h"

#define TABLE_BITS 8
#define TABLE      (1u << TABLE_BITS)
#define FADE_MS    5
#define HZ_MIN     20
#define HZ_MAX     20000
#define MS_MAX     10000

static EXT_RAM_BSS_ATTR int16_t
    s_sine[TABLE + 1]; /* one period; its first value again at the end */
static uint32_t s_rate;
static uint32_t s_phase; /* 2^32 = one period */
static uint32_t s_advance;
static uint32_t s_frames; /* still to come */
static audio_ramp_t s_gain;

void audio_tone_begin(uint32_t rate)
{
    for (unsigned i = 0; i <= TABLE; i++) {
        s_sine[i] = (int16_t)lroundf(sinf(6.2831853f * (float)i / TABLE) * INT16_MAX);
    }
    s_rate = rate;
    s_frames = 0;
    audio_ramp_set(&s_gain, 0);
}

bool audio_tone_play(const audio_tone_t *tone)
{
    if (tone->hz < HZ_MIN || tone->hz > HZ_MAX || 2u * tone->hz >= s_rate || tone->ms == 0 ||
        tone->ms > MS_MAX || tone->volume == 0 || tone->volume > 100) {
        return false;
    }
    if (s_frames == 0) { /* one that sounds goes over into the next one where it is */
        s_phase = 0;
    }
    s_advance = (uint32_t)(((uint64_t)tone->hz << 32) / s_rate);
    const uint32_t least = 2 * audio_mixer_frames(FADE_MS);
    s_frames = audio_mixer_frames(tone->ms);
    s_frames = s_frames > least ? s_frames : least;
    audio_ramp_to(&s_gain, audio_gain_of(tone->volume), audio_mixer_frames(FADE_MS));
    return true;
}

bool audio_tone_sounds(void)
{
    return s_frames != 0;
}

void audio_tone_mix(int32_t (*sum)[2], unsigned frames)
{
    const uint32_t fade = audio_mixer_frames(FADE_MS);
    for (unsigned i = 0; i < frames && s_frames != 0; i++, s_frames--) {
        const uint32_t place = s_phase >> (32 - TABLE_BITS);
        const int32_t fine = (int32_t)((s_phase >> (32 - TABLE_BITS - 15)) & 0x7FFF);
        const int32_t sine = s_sine[place] + (((s_sine[place + 1] - s_sine[place]) * fine) >> 15);
        if (s_frames == fade) {
            audio_ramp_to(&s_gain, 0, fade);
        }
        const int32_t sample = (sine * audio_ramp_next(&s_gain)) >> 7;
        sum[i][0] += sample;
        sum[i][1] += sample;
        s_phase += s_advance;
    }
}
