/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A polyphase filter: a sinc under a Blackman window, sampled at AUDIO_PHASES places between two
 * input frames, with linear interpolation between these. For 1 kHz from 44.1 to 48 kHz what is
 * added lies some 75 dB below the tone. An equal rate costs a copy.
 */
#include "audio_internal.h"

#include <math.h>
#include <string.h>

#include "esp_attr.h"

/* The output frame lies between these two of the window. */
#define CENTRE       (AUDIO_TAPS / 2 - 1)
#define PI           3.14159265f
#define PASS         0.92f /* of half the lower rate: the rest is for the filter's slope */
#define FINE_BITS    8     /* between two phases */
#define COEFFICIENT  32768.0f
#define COEFFICIENTS 15 /* its bits */

static float weight(float x, float cutoff)
{
    const float half = (float)AUDIO_TAPS / 2;
    if (fabsf(x) >= half) {
        return 0;
    }
    const float window = 0.42f + 0.5f * cosf(PI * x / half) + 0.08f * cosf(2 * PI * x / half);
    const float angle = PI * x * cutoff;
    return window * cutoff * (fabsf(angle) < 1e-6f ? 1 : sinf(angle) / angle);
}

void audio_resampler_init(audio_resampler_t *r, uint32_t in, uint32_t out)
{
    memset(r, 0, sizeof(*r));
    r->in = in;
    r->out = out;
    if (in == out) {
        return;
    }
    const float cutoff = PASS * (in > out ? (float)out / (float)in : 1);
    for (unsigned phase = 0; phase <= AUDIO_PHASES; phase++) {
        const float between = (float)phase / AUDIO_PHASES;
        float taps[AUDIO_TAPS];
        float sum = 0;
        for (int k = 0; k < AUDIO_TAPS; k++) {
            const int from_centre = k - CENTRE;
            taps[k] = weight((float)from_centre - between, cutoff);
            sum += taps[k];
        }
        for (int k = 0; k < AUDIO_TAPS; k++) { /* each phase as loud as the others */
            const float scaled = roundf(taps[k] / sum * COEFFICIENT);
            r->filter[phase][k] = (int16_t)(scaled > 32767 ? 32767 : scaled);
        }
    }
}

uint32_t audio_resampler_needs(const audio_resampler_t *r, uint32_t frames)
{
    return (uint32_t)((r->fraction + (uint64_t)frames * r->in) / r->out);
}

uint32_t audio_resampler_gives(const audio_resampler_t *r, uint32_t input)
{
    return (uint32_t)((((uint64_t)input + 1) * r->out - r->fraction - 1) / r->in);
}

static int16_t limit(int32_t sample)
{
    return (int16_t)(sample > INT16_MAX ? INT16_MAX : sample < INT16_MIN ? INT16_MIN : sample);
}

/** The frame at a place between window[CENTRE] and the next one, in parts of AUDIO_PHASES << 8. */
static audio_frame_t between(const audio_resampler_t *r, const audio_frame_t *window,
                             uint32_t place)
{
    const int16_t *before = r->filter[place >> FINE_BITS];
    const int16_t *after = r->filter[(place >> FINE_BITS) + 1];
    const int32_t fine = (int32_t)(place & ((1u << FINE_BITS) - 1));
    int32_t left = 1 << (COEFFICIENTS - 1);
    int32_t right = 1 << (COEFFICIENTS - 1);
    for (unsigned k = 0; k < AUDIO_TAPS; k++) {
        const int32_t c = before[k] + (((after[k] - before[k]) * fine) >> FINE_BITS);
        left += c * window[k].left;
        right += c * window[k].right;
    }
    return (audio_frame_t){limit(left >> COEFFICIENTS), limit(right >> COEFFICIENTS)};
}

void audio_resampler_run(audio_resampler_t *r, const audio_frame_t *input, audio_frame_t *output,
                         uint32_t frames)
{
    static EXT_RAM_BSS_ATTR audio_frame_t s_line[AUDIO_TAPS + AUDIO_BLOCK_INPUT];
    if (r->in == r->out) {
        memcpy(output, input, frames * sizeof(*output));
        return;
    }
    const uint32_t needed = audio_resampler_needs(r, frames);
    const uint64_t scale = (((uint64_t)AUDIO_PHASES << FINE_BITS) << 32) / r->out;
    uint32_t at = 0;
    memcpy(s_line, r->history, sizeof(r->history));
    memcpy(s_line + AUDIO_TAPS, input, needed * sizeof(*input));
    for (uint32_t i = 0; i < frames; i++) {
        output[i] = between(r, s_line + at, (uint32_t)((r->fraction * scale) >> 32));
        r->fraction += r->in;
        while (r->fraction >= r->out) {
            r->fraction -= r->out;
            at++;
        }
    }
    memcpy(r->history, s_line + at, sizeof(r->history));
}
