/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief What the files of the service share, grouped by the file that defines it.
 *
 * All but the ring and the files runs in the service's worker, and in its lifecycle functions when
 * the worker does not; files are read in tasks of apps. A ring has one writer, the app, and one
 * reader, the service: each moves its own end and only reads the other one's.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "audio_backend.h"
#include "audio_service/audio_events.h"
#include "esp_err.h"
#include "media_backend.h"
#include "system_service/request_response.h"

/* ---- audio_gain.c: loudness and its changes ---------------------------------------------------
 */

#define AUDIO_GAIN_ONE 32768 /* of a gain: as loud as it came */

/** A gain on its way to a target. */
typedef struct {
    int32_t now; /* 15 bits finer than a gain */
    int32_t target;
    int32_t step;  /* a frame */
    uint32_t left; /* frames until the target */
} audio_ramp_t;

/** The gain for a volume in percent: its cube, which people hear as even steps. 0 is silence. */
int32_t audio_gain_of(unsigned percent);

void audio_ramp_set(audio_ramp_t *ramp, int32_t gain);
/** Go to a gain within so many frames, from wherever it is now. */
void audio_ramp_to(audio_ramp_t *ramp, int32_t gain, uint32_t frames);
bool audio_ramp_silent(const audio_ramp_t *ramp);

/** The gain for the next frame. */
static inline int32_t audio_ramp_next(audio_ramp_t *ramp)
{
    if (ramp->left != 0) {
        ramp->left--;
        ramp->now = ramp->left == 0 ? ramp->target : ramp->now + ramp->step;
    }
    return ramp->now >> 15;
}

/* ---- audio_resampler.c: from one rate to another ----------------------------------------------
 */

#define AUDIO_TAPS   16
#define AUDIO_PHASES 32
/* Most frames that one block of output can need. */
#define AUDIO_BLOCK_INPUT (2 * AUDIO_BLOCK_FRAMES + 1)

/** Where it stands is a fraction with the output rate below: it never drifts. */
typedef struct {
    uint32_t in;
    uint32_t out;
    uint32_t fraction; /* 0..out-1: how far between two input frames */
    audio_frame_t history[AUDIO_TAPS];
    int16_t filter[AUDIO_PHASES + 1][AUDIO_TAPS];
} audio_resampler_t;

/** @param[in] in at most twice out */
void audio_resampler_init(audio_resampler_t *r, uint32_t in, uint32_t out);
/** Input frames that so many output frames use up. */
uint32_t audio_resampler_needs(const audio_resampler_t *r, uint32_t frames);
/** Output frames that so many input frames are enough for. */
uint32_t audio_resampler_gives(const audio_resampler_t *r, uint32_t input);
/** Convert; input has audio_resampler_needs(r, frames), at most AUDIO_BLOCK_INPUT. */
void audio_resampler_run(audio_resampler_t *r, const audio_frame_t *input, audio_frame_t *output,
                         uint32_t frames);

/* ---- audio_ring.c: from an app's task to the mixer --------------------------------------------
 */

typedef struct audio_ring {
    _Atomic uint32_t handle; /* of the stream that it belongs to now; 0 = none */
    _Atomic uint32_t head;   /* frames written: the app's */
    _Atomic uint32_t tail;   /* frames taken: the service's */
    audio_frame_t *frames;   /* CONFIG_AUDIO_RING_FRAMES, for good */
} audio_ring_t;

/** Set by the service before it looks at the rings for the last time and sleeps: who writes after
 *  that wakes it. */
extern _Atomic bool audio_ring_asleep;

/** Write what there is room for. @return frames taken */
size_t audio_ring_put(audio_ring_t *ring, const audio_frame_t *frames, size_t count);
size_t audio_ring_room(const audio_ring_t *ring);
/** Frames that wait; if the app damaged its end they are as good as gone: 0. */
uint32_t audio_ring_waiting(audio_ring_t *ring);
void audio_ring_take(audio_ring_t *ring, audio_frame_t *frames, uint32_t count);
void audio_ring_empty(audio_ring_t *ring);

/* ---- audio_mixer.c: from streams to blocks ----------------------------------------------------
 */

/** A stream as the mixer sees it. */
typedef struct {
    audio_ring_t *ring; /* NULL = this place is free */
    uint8_t category;
    bool paused;
    bool held;     /* because its app is paused */
    bool draining; /* the end of the ring is the end of the stream */
    bool primed;   /* enough has arrived to sound */
    bool stop;     /* paused or closed once the fade is over */
    bool drained;  /* to be told */
    bool ran_dry;  /* to be told */
    uint8_t volume;
    uint32_t prebuffer; /* input frames */
    uint32_t underruns;
    audio_ramp_t fade;
    audio_ramp_t duck;
    audio_frame_t last; /* as it was heard */
    audio_resampler_t resampler;
} audio_voice_t;

typedef struct {
    uint16_t peak[2];
    uint64_t squares[2];
    uint32_t frames;
    uint32_t clipped; /* since boot */
} audio_meter_t;

/** @param[in] rate of the device */
void audio_mixer_begin(uint32_t rate);
/** Let a voice begin anew, silent, whatever it was. */
void audio_mixer_attach(audio_voice_t *voice, uint32_t rate, unsigned volume);
/** Stop a voice between two frames without a click. */
void audio_mixer_cut(audio_voice_t *voice);
/** Milliseconds as frames of the device, one frame at least. */
uint32_t audio_mixer_frames(uint32_t ms);
void audio_mixer_set_master(unsigned percent, uint32_t ms);
/** Mix the next block of these voices and the tone. */
void audio_mixer_mix(audio_voice_t *voices, unsigned count,
                     audio_frame_t block[AUDIO_BLOCK_FRAMES]);
/** A voice has something to be heard. */
bool audio_mixer_sounds(const audio_voice_t *voice);
/** Nothing sounds any more, not even the end of something. */
bool audio_mixer_silent(const audio_voice_t *voices, unsigned count);
audio_meter_t *audio_mixer_meter(void);

/* ---- audio_tone.c: signals --------------------------------------------------------------------
 */

void audio_tone_begin(uint32_t rate);
/** @return false: a value out of its range */
bool audio_tone_play(const audio_tone_t *tone);
bool audio_tone_sounds(void);
/** Add the next frames, 8 bits finer than a frame. */
void audio_tone_mix(int32_t (*sum)[2], unsigned frames);

/* ---- audio_streams.c: whose streams these are -------------------------------------------------
 */

/** After a start: streams of apps that live go on. */
void audio_streams_begin(uint32_t rate);
/** Take the streams of apps that ended although nobody told it. */
void audio_streams_forget_the_dead(void);
void audio_streams_on_open(const system_request_t *request, void *user_data);
void audio_streams_on_control(const system_request_t *request, void *user_data);
void audio_streams_app_ended(system_service_id_t app);
void audio_streams_app_held(system_service_id_t app, bool held);
/** The device runs at another rate now. */
void audio_streams_set_rate(uint32_t rate);
void audio_streams_mix(audio_frame_t block[AUDIO_BLOCK_FRAMES]);
/** Tell what happened to them, close what has faded out. */
void audio_streams_tend(void);
bool audio_streams_silent(void);
void audio_streams_describe(audio_state_t *state);
uint32_t audio_streams_underruns(void);

/* ---- audio_device.c: the device, there or not -------------------------------------------------
 */

void audio_device_begin(void);
void audio_device_end(void);
/** Look whether it is well, or there again. */
void audio_device_look(void);
/** Fill it. @param[in] mix gives the next block */
void audio_device_feed(void (*mix)(audio_frame_t *block));
void audio_device_run(bool on);
uint32_t audio_device_rate(void);
void audio_device_describe(audio_state_t *state);
void audio_device_count(audio_info_t *info);

/* ---- audio_link.c: faults between us and the device -------------------------------------------
 */

esp_err_t audio_link_inject(audio_fault_t fault);
esp_err_t audio_link_open(uint32_t *rate, uint32_t *blocks);
void audio_link_close(void);
esp_err_t audio_link_run(bool on);
esp_err_t audio_link_room(uint32_t *blocks);
esp_err_t audio_link_write(const audio_frame_t block[AUDIO_BLOCK_FRAMES]);
esp_err_t audio_link_probe(void);
/** Files, as media_backend.h has them; called in tasks of apps. */
esp_err_t audio_link_each_file(const char *folder, media_visit_t visit, void *arg);
esp_err_t audio_link_file_size(const char *path, uint32_t *size);
esp_err_t audio_link_read_file(const char *path, uint32_t offset, void *to, size_t *size);

/* ---- audio_track.c ----------------------------------------------------------------------------
 */

bool audio_path_valid(const char *path);

/* ---- audio_service.c --------------------------------------------------------------------------
 */

/** There is something to play: look at the device every CONFIG_AUDIO_PERIOD_MS from now on. */
void audio_service_wake(void);
/** audio.state has changed: it is told at the end of the handler. */
void audio_service_announce(void);
/** The device runs at another rate than so far. */
void audio_service_rate_changed(uint32_t rate);
void audio_service_tell(const audio_stream_event_t *event);
void audio_service_answer(const system_request_t *request, esp_err_t status, const void *data,
                          size_t size);
