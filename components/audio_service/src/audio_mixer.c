/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Voices are added up with eight more bits than a frame has, made as loud as the master says, and
 * limited to full scale.
 *
 * No clicks: a voice begins with a short fade. Where one stops between two frames, because it was
 * cut off or ran dry, its last frame is handed to s_rest, which dies away within milliseconds.
 */
#include "audio_internal.h"

#include <string.h>

#include "sdkconfig.h"

#include "esp_attr.h"

#define FINE_BITS    8
#define REST_SHIFT   7 /* of s_rest a 128th is gone with each frame */
#define REST_HEARD   (1 << FINE_BITS)
#define BEGIN_MS     5
#define DUCK_MS      100
#define PREBUFFER_HZ 50 /* a stream sounds when so much of a second is there */

static uint32_t s_rate;
static audio_ramp_t s_master;
static int32_t s_rest[2];
static audio_meter_t s_meter;
static EXT_RAM_BSS_ATTR int32_t s_sum[AUDIO_BLOCK_FRAMES][2];
static EXT_RAM_BSS_ATTR audio_frame_t s_input[AUDIO_BLOCK_INPUT];
static EXT_RAM_BSS_ATTR audio_frame_t s_converted[AUDIO_BLOCK_FRAMES];

void audio_mixer_begin(uint32_t rate)
{
    s_rate = rate;
    audio_ramp_set(&s_master, 0);
    memset(s_rest, 0, sizeof(s_rest));
    s_meter = (audio_meter_t){.clipped = s_meter.clipped};
    audio_tone_begin(rate);
}

uint32_t audio_mixer_frames(uint32_t ms)
{
    const uint32_t frames = (uint32_t)((uint64_t)ms * s_rate / 1000);
    return frames != 0 ? frames : 1;
}

audio_meter_t *audio_mixer_meter(void)
{
    return &s_meter;
}

void audio_mixer_set_master(unsigned percent, uint32_t ms)
{
    audio_ramp_to(&s_master, audio_gain_of(percent),
                  audio_mixer_frames(ms > BEGIN_MS ? ms : BEGIN_MS));
}

/* ---- voices ------------------------------------------------------------------------------------
 */

void audio_mixer_attach(audio_voice_t *voice, uint32_t rate, unsigned volume)
{
    voice->volume = (uint8_t)volume;
    voice->prebuffer = rate / PREBUFFER_HZ;
    voice->primed = false;
    voice->stop = false;
    voice->drained = false;
    voice->ran_dry = false;
    voice->last = (audio_frame_t){0, 0};
    audio_ramp_set(&voice->fade, 0);
    audio_ramp_set(&voice->duck, AUDIO_GAIN_ONE);
    audio_resampler_init(&voice->resampler, rate, s_rate);
}

void audio_mixer_cut(audio_voice_t *voice)
{
    s_rest[0] += voice->last.left * (1 << FINE_BITS);
    s_rest[1] += voice->last.right * (1 << FINE_BITS);
    voice->last = (audio_frame_t){0, 0};
    voice->primed = false;
    audio_ramp_set(&voice->fade, 0);
}

bool audio_mixer_sounds(const audio_voice_t *voice)
{
    return voice->ring != NULL && voice->primed && !voice->paused && !voice->held;
}

/** Enough is there: begin. */
static void prime(audio_voice_t *voice, uint32_t waiting)
{
    if (waiting >= voice->prebuffer || (voice->draining && waiting != 0)) {
        voice->primed = true;
        audio_ramp_to(&voice->fade, audio_gain_of(voice->volume), audio_mixer_frames(BEGIN_MS));
    }
}

static void add(audio_voice_t *voice, uint32_t frames)
{
    for (uint32_t i = 0; i < frames; i++) {
        const int32_t gain =
            (audio_ramp_next(&voice->fade) * (audio_ramp_next(&voice->duck) >> 1)) >> 14;
        const int32_t left = s_converted[i].left * gain;
        const int32_t right = s_converted[i].right * gain;
        s_sum[i][0] += left >> (15 - FINE_BITS);
        s_sum[i][1] += right >> (15 - FINE_BITS);
        voice->last = (audio_frame_t){(int16_t)(left >> 15), (int16_t)(right >> 15)};
    }
}

static void mix_voice(audio_voice_t *voice)
{
    if (voice->ring == NULL || voice->paused || voice->held) {
        return;
    }
    const uint32_t waiting = audio_ring_waiting(voice->ring);
    if (!voice->primed) {
        prime(voice, waiting);
    }
    if (!voice->primed) {
        if (voice->draining && waiting == 0) {
            voice->draining = false;
            voice->drained = true;
        }
        return;
    }
    uint32_t frames = AUDIO_BLOCK_FRAMES;
    if (audio_resampler_needs(&voice->resampler, frames) > waiting) {
        const uint32_t gives = audio_resampler_gives(&voice->resampler, waiting);
        frames = gives < frames ? gives : frames;
    }
    const uint32_t needs = audio_resampler_needs(&voice->resampler, frames);
    audio_ring_take(voice->ring, s_input, needs);
    audio_resampler_run(&voice->resampler, s_input, s_converted, frames);
    add(voice, frames);
    if (frames == AUDIO_BLOCK_FRAMES) {
        return;
    }
    /* The rest dies away from here on; s_rest is added from the next block's first frame, so what
     * is missing of this one holds the last value. */
    for (uint32_t i = frames; i < AUDIO_BLOCK_FRAMES; i++) {
        s_sum[i][0] += voice->last.left * (1 << FINE_BITS);
        s_sum[i][1] += voice->last.right * (1 << FINE_BITS);
    }
    audio_mixer_cut(voice);
    if (voice->draining) {
        audio_ring_empty(voice->ring); /* less than one more frame could be made of */
        voice->draining = false;
        voice->drained = true;
    } else {
        voice->underruns++;
        voice->ran_dry = true;
    }
}

static void duck(audio_voice_t *voices, unsigned count)
{
    bool notice = audio_tone_sounds();
    for (unsigned i = 0; i < count; i++) {
        notice = notice ||
                 (audio_mixer_sounds(&voices[i]) && voices[i].category == AUDIO_CATEGORY_NOTICE);
    }
    const int32_t gain = notice ? audio_gain_of(CONFIG_AUDIO_DUCK) : AUDIO_GAIN_ONE;
    for (unsigned i = 0; i < count; i++) {
        if (voices[i].category == AUDIO_CATEGORY_MUSIC && voices[i].duck.target != gain << 15) {
            audio_ramp_to(&voices[i].duck, gain, audio_mixer_frames(DUCK_MS));
        }
    }
}

/* ---- blocks ------------------------------------------------------------------------------------
 */

static void add_rest(void)
{
    for (unsigned i = 0; i < AUDIO_BLOCK_FRAMES && (s_rest[0] != 0 || s_rest[1] != 0); i++) {
        for (unsigned side = 0; side < 2; side++) {
            s_sum[i][side] += s_rest[side];
            s_rest[side] -= s_rest[side] / (1 << REST_SHIFT);
            if (s_rest[side] < REST_HEARD && s_rest[side] > -REST_HEARD) {
                s_rest[side] = 0;
            } else if (s_rest[side] / (1 << REST_SHIFT) == 0) {
                s_rest[side] -= s_rest[side] > 0 ? 1 : -1;
            }
        }
    }
}

static int16_t finish(int32_t sum, int32_t gain, bool *clipped)
{
    const int64_t sample = ((int64_t)sum * gain) >> (15 + FINE_BITS);
    if (sample > INT16_MAX || sample < INT16_MIN) {
        *clipped = true;
        return sample > 0 ? INT16_MAX : INT16_MIN;
    }
    return (int16_t)sample;
}

static void measure(const audio_frame_t *frame)
{
    const int32_t side[2] = {frame->left, frame->right};
    for (unsigned i = 0; i < 2; i++) {
        const uint32_t size = (uint32_t)(side[i] < 0 ? -side[i] : side[i]);
        if (size > s_meter.peak[i]) {
            s_meter.peak[i] = (uint16_t)(size > INT16_MAX ? INT16_MAX : size);
        }
        s_meter.squares[i] += (uint64_t)size * size;
    }
    s_meter.frames++;
}

void audio_mixer_mix(audio_voice_t *voices, unsigned count, audio_frame_t block[AUDIO_BLOCK_FRAMES])
{
    memset(s_sum, 0, sizeof(s_sum));
    add_rest();
    duck(voices, count);
    for (unsigned i = 0; i < count; i++) {
        mix_voice(&voices[i]);
    }
    audio_tone_mix(s_sum, AUDIO_BLOCK_FRAMES);
    for (unsigned i = 0; i < AUDIO_BLOCK_FRAMES; i++) {
        const int32_t gain = audio_ramp_next(&s_master);
        bool clipped = false;
        block[i].left = finish(s_sum[i][0], gain, &clipped);
        block[i].right = finish(s_sum[i][1], gain, &clipped);
        s_meter.clipped += clipped;
        measure(&block[i]);
    }
}

bool audio_mixer_silent(const audio_voice_t *voices, unsigned count)
{
    if (audio_tone_sounds() || s_rest[0] != 0 || s_rest[1] != 0) {
        return false;
    }
    for (unsigned i = 0; i < count; i++) {
        const audio_voice_t *v = &voices[i];
        if (v->ring == NULL || v->paused || v->held) {
            continue;
        }
        if (v->primed || v->draining || audio_ring_waiting(v->ring) >= v->prebuffer) {
            return false;
        }
    }
    return true;
}
