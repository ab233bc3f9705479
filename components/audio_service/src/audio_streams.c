/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The streams of apps. Rings and places survive a restart of the service, since apps go on writing;
 * how far the mixer was with a voice does not. The memory of a ring is taken when its place is
 * first used and never given back: an app that cannot be ended may write into it for ever, and
 * makes noise at most.
 */
#include "audio_internal.h"

#include <string.h>

#include "sdkconfig.h"

#include "esp_attr.h"
#include "esp_heap_caps.h"
#include "esp_log.h"
#include "system_service/service_manager.h"

static const char *TAG = "audio";

#define PLACES       CONFIG_AUDIO_STREAMS
#define RING_BYTES   (CONFIG_AUDIO_RING_FRAMES * sizeof(audio_frame_t))
#define HEADER(type) STATUS_HEADER(type, AUDIO_EVENTS_VERSION)
#define CONTROLS                                                                                   \
    (AUDIO_CONTROL_VOLUME | AUDIO_CONTROL_PAUSED | AUDIO_CONTROL_FLUSH | AUDIO_CONTROL_DRAIN |     \
     AUDIO_CONTROL_CLOSE)

/* Who has a place, and what a voice is made from again after a restart. */
typedef struct {
    system_service_id_t app; /* SYSTEM_SERVICE_ID_NONE = free */
    uint32_t generation;
    uint32_t rate;
    bool closing;
} place_t;

static place_t s_places[PLACES];
static EXT_RAM_BSS_ATTR audio_voice_t s_voices[PLACES];
static audio_ring_t s_rings[PLACES];
static uint32_t s_underruns;

static uint32_t handle_of(unsigned place)
{
    return s_places[place].generation << 8 | (place + 1);
}

static void tell(unsigned place, audio_stream_change_t change)
{
    const audio_stream_event_t event = {
        .header = HEADER(audio_stream_event_t),
        .stream = handle_of(place),
        .owner = s_places[place].app,
        .change = (uint8_t)change,
        .underruns = s_voices[place].underruns,
    };
    audio_service_tell(&event);
}

static void release(unsigned place)
{
    atomic_store(&s_rings[place].handle, 0); /* from now on nobody writes who looks first */
    audio_mixer_cut(&s_voices[place]);
    tell(place, AUDIO_STREAM_CLOSED);
    s_underruns += s_voices[place].underruns;
    s_voices[place].ring = NULL;
    s_voices[place].underruns = 0;
    s_places[place].app = SYSTEM_SERVICE_ID_NONE;
    s_places[place].generation = (s_places[place].generation + 1) & 0xFFFFFF;
    audio_service_announce();
}

void audio_streams_forget_the_dead(void)
{
    for (unsigned i = 0; i < PLACES; i++) {
        system_service_state_t state;
        if (s_places[i].app != SYSTEM_SERVICE_ID_NONE &&
            system_service_get_state(s_places[i].app, &state) != ESP_OK) {
            release(i);
        }
    }
}

void audio_streams_begin(uint32_t rate)
{
    audio_streams_forget_the_dead();
    audio_streams_set_rate(rate);
}

void audio_streams_set_rate(uint32_t rate)
{
    for (unsigned i = 0; i < PLACES; i++) {
        if (s_places[i].app == SYSTEM_SERVICE_ID_NONE) {
            s_voices[i].ring = NULL; /* the last life may have ended half-way */
        } else if (s_places[i].rate > 2 * rate || s_places[i].closing) {
            release(i);
        } else {
            s_voices[i].paused = s_voices[i].paused || s_voices[i].stop;
            s_voices[i].ring = &s_rings[i];
            audio_mixer_attach(&s_voices[i], s_places[i].rate, s_voices[i].volume);
        }
    }
}

/* ---- what apps ask -----------------------------------------------------------------------------
 */

static int free_place(void)
{
    for (int i = 0; i < PLACES; i++) {
        if (s_places[i].app == SYSTEM_SERVICE_ID_NONE) {
            return i;
        }
    }
    return -1;
}

static bool is_app(system_service_id_t id)
{
    system_service_info_t info;
    return id != SYSTEM_SERVICE_ID_NONE && system_service_get_info(id, &info) == ESP_OK &&
           info.is_app;
}

static esp_err_t open_stream(const audio_open_t *wish, system_service_id_t app, uint32_t *handle,
                             audio_ring_t **ring)
{
    if (wish->rate < AUDIO_RATE_MIN || wish->rate > AUDIO_RATE_MAX || wish->volume > 100 ||
        wish->category >= AUDIO_CATEGORIES) {
        return ESP_ERR_INVALID_ARG;
    }
    if (wish->rate > 2 * audio_device_rate()) {
        return ESP_ERR_NOT_SUPPORTED;
    }
    int place = free_place();
    if (place < 0) {
        audio_streams_forget_the_dead();
        place = free_place();
    }
    if (place < 0) {
        ESP_LOGW(TAG, "all %d streams are open", PLACES);
        return ESP_ERR_NO_MEM;
    }
    audio_ring_t *r = &s_rings[place];
    if (r->frames == NULL) {
        r->frames = heap_caps_malloc(RING_BYTES, MALLOC_CAP_SPIRAM | MALLOC_CAP_8BIT);
        if (r->frames == NULL) {
            ESP_LOGW(TAG, "no %u bytes of PSRAM for a stream", (unsigned)RING_BYTES);
            return ESP_ERR_NO_MEM;
        }
    }
    audio_voice_t *voice = &s_voices[place];
    memset(voice, 0, sizeof(*voice));
    voice->category = wish->category;
    s_places[place].rate = wish->rate;
    s_places[place].closing = false;
    audio_mixer_attach(voice, wish->rate, wish->volume);
    atomic_store(&r->head, 0);
    atomic_store(&r->tail, 0);
    atomic_store(&r->handle, handle_of((unsigned)place));
    voice->ring = r;
    s_places[place].app = app; /* last: before that it is free */
    *handle = handle_of((unsigned)place);
    *ring = r;
    audio_service_announce();
    return ESP_OK;
}

void audio_streams_on_open(const system_request_t *request, void *user_data)
{
    (void)user_data;
    audio_opened_t opened = {.header = HEADER(audio_opened_t)};
    esp_err_t ret = ESP_ERR_INVALID_ARG;
    if (!is_app(request->from)) {
        ret = ESP_ERR_NOT_OWNER;
    } else if (status_event_fits(request->data, request->data_size, AUDIO_EVENTS_VERSION,
                                 sizeof(audio_open_t))) {
        ret = open_stream(request->data, request->from, &opened.stream, &opened.ring);
    }
    audio_service_answer(request, ret, ret == ESP_OK ? &opened : NULL,
                         ret == ESP_OK ? sizeof(opened) : 0);
}

/** Stop a voice now, or when its fade is over. */
static void stop(audio_voice_t *voice, uint32_t fade_ms)
{
    if (fade_ms == 0 || !audio_mixer_sounds(voice)) {
        audio_mixer_cut(voice);
        voice->paused = true;
        voice->stop = false;
        return;
    }
    voice->stop = true;
    audio_ramp_to(&voice->fade, 0, audio_mixer_frames(fade_ms));
}

static void set_volume(audio_voice_t *voice, unsigned volume, uint32_t fade_ms)
{
    voice->volume = (uint8_t)volume;
    if (voice->primed && !voice->stop) {
        audio_ramp_to(&voice->fade, audio_gain_of(volume),
                      audio_mixer_frames(fade_ms > 5 ? fade_ms : 5));
    }
}

static void go_on(audio_voice_t *voice)
{
    if (voice->stop) { /* it was fading out: back up again */
        voice->stop = false;
        set_volume(voice, voice->volume, 0);
    }
    voice->paused = false;
}

static esp_err_t control(const audio_control_t *wish, system_service_id_t app)
{
    const uint32_t place = (wish->stream & 0xFF) - 1;
    if (place >= PLACES || app == SYSTEM_SERVICE_ID_NONE || s_places[place].app != app ||
        handle_of(place) != wish->stream || s_places[place].closing) {
        return ESP_ERR_NOT_FOUND;
    }
    if ((wish->what & ~CONTROLS) != 0 || wish->fade_ms > AUDIO_FADE_MS_MAX ||
        ((wish->what & AUDIO_CONTROL_VOLUME) != 0 && wish->volume > 100)) {
        return ESP_ERR_INVALID_ARG;
    }
    audio_voice_t *voice = &s_voices[place];
    if ((wish->what & AUDIO_CONTROL_VOLUME) != 0) {
        set_volume(voice, wish->volume, wish->fade_ms);
    }
    if ((wish->what & AUDIO_CONTROL_FLUSH) != 0) {
        audio_mixer_cut(voice);
        audio_ring_empty(voice->ring);
        voice->draining = false;
    }
    if ((wish->what & AUDIO_CONTROL_DRAIN) != 0) {
        voice->draining = true;
    }
    if ((wish->what & AUDIO_CONTROL_PAUSED) != 0) {
        if (wish->paused) {
            stop(voice, wish->fade_ms);
        } else {
            go_on(voice);
        }
    }
    if ((wish->what & AUDIO_CONTROL_CLOSE) != 0) {
        s_places[place].closing = true;
        atomic_store(&s_rings[place].handle, 0);
        stop(voice, wish->fade_ms);
    }
    audio_service_announce();
    audio_service_wake();
    return ESP_OK;
}

void audio_streams_on_control(const system_request_t *request, void *user_data)
{
    (void)user_data;
    esp_err_t ret = ESP_ERR_INVALID_ARG;
    if (status_event_fits(request->data, request->data_size, AUDIO_EVENTS_VERSION,
                          sizeof(audio_control_t))) {
        ret = control(request->data, request->from);
        audio_streams_tend();
    }
    audio_service_answer(request, ret, NULL, 0);
}

/* ---- what happens to apps ----------------------------------------------------------------------
 */

void audio_streams_app_ended(system_service_id_t app)
{
    for (unsigned i = 0; i < PLACES; i++) {
        if (app != SYSTEM_SERVICE_ID_NONE && s_places[i].app == app) {
            release(i);
        }
    }
}

void audio_streams_app_held(system_service_id_t app, bool held)
{
    for (unsigned i = 0; i < PLACES; i++) {
        if (app != SYSTEM_SERVICE_ID_NONE && s_places[i].app == app && s_voices[i].held != held) {
            audio_mixer_cut(&s_voices[i]);
            s_voices[i].held = held;
        }
    }
}

/* ---- what the service does ---------------------------------------------------------------------
 */

void audio_streams_mix(audio_frame_t block[AUDIO_BLOCK_FRAMES])
{
    audio_mixer_mix(s_voices, PLACES, block);
}

void audio_streams_tend(void)
{
    for (unsigned i = 0; i < PLACES; i++) {
        audio_voice_t *voice = &s_voices[i];
        if (s_places[i].app == SYSTEM_SERVICE_ID_NONE) {
            continue;
        }
        if (voice->stop && (audio_ramp_silent(&voice->fade) || !voice->primed)) {
            stop(voice, 0);
        }
        if (voice->drained) {
            voice->drained = false;
            tell(i, AUDIO_STREAM_DRAINED);
        }
        if (voice->ran_dry) {
            voice->ran_dry = false;
            tell(i, AUDIO_STREAM_UNDERRUN);
        }
        if (s_places[i].closing && voice->paused && !voice->stop) {
            release(i);
        }
    }
}

bool audio_streams_silent(void)
{
    return audio_mixer_silent(s_voices, PLACES);
}

void audio_streams_describe(audio_state_t *state)
{
    for (unsigned i = 0; i < PLACES; i++) {
        state->streams += s_places[i].app != SYSTEM_SERVICE_ID_NONE;
        state->playing += audio_mixer_sounds(&s_voices[i]);
    }
}

uint32_t audio_streams_underruns(void)
{
    uint32_t sum = s_underruns;
    for (unsigned i = 0; i < PLACES; i++) {
        sum += s_voices[i].underruns;
    }
    return sum;
}
