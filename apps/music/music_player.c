/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The player: reads a track and keeps the stream's ring full. A wish that cannot be met just now,
 * because the audio service is being restarted, is met in a later round; the ring survives that, so
 * that sound goes on where it was. A stream that is gone is opened again, at what was heard last.
 */
#include <string.h>

#include "music.h"

#define ROUND_MS       10
#define IDLE_MS        40
#define TELL_MS        200
#define CHUNKS_A_ROUND 8
#define FADE_MS        20

static uint32_t to_ms(uint32_t frames, uint32_t rate)
{
    return rate != 0 ? (uint32_t)((uint64_t)frames * 1000 / rate) : 0;
}

static uint32_t to_frames(uint32_t ms, uint32_t rate)
{
    const uint64_t frames = (uint64_t)ms * rate / 1000;
    return frames < UINT32_MAX ? (uint32_t)frames : UINT32_MAX;
}

/* ---- wishes ------------------------------------------------------------------------------------
 */

bool music_player_wish(music_player_t *player, const music_wish_t *wish)
{
    const uint32_t wished = atomic_load(&player->wished);
    if (wished - atomic_load(&player->heard) == MUSIC_WISHES) {
        return false;
    }
    player->wishes[wished % MUSIC_WISHES] = *wish;
    atomic_store(&player->wished, wished + 1);
    return true;
}

/** Frames that were written and not taken yet. */
static uint32_t pending(const music_player_t *p)
{
    return p->stream_rate != 0 ? p->written - audio_stream_position(&p->stream) : 0;
}

/** The frame of the track that is heard. */
static uint32_t heard_frame(const music_player_t *p)
{
    if (p->track == NULL) {
        return 0;
    }
    const uint32_t waiting = pending(p) + (uint32_t)(p->chunk_filled - p->chunk_at);
    const uint32_t at = audio_track_position(p->track);
    return at > waiting ? at - waiting : 0;
}

static void fail(music_player_t *p, esp_err_t error)
{
    audio_track_close(p->track);
    p->track = NULL;
    p->state.error = error;
    p->state.ended = true; /* another one may follow */
    p->ctx->log(p->ctx, ESP_LOG_WARN, "%s: %s", p->path, system_error_to_string(error));
}

static void seek(music_player_t *p, uint32_t frame)
{
    const esp_err_t ret = audio_track_seek(p->track, frame);
    p->chunk_at = p->chunk_filled = 0;
    p->flush = true;
    p->drained = false;
    p->state.ended = false;
    if (ret != ESP_OK) {
        fail(p, ret);
    }
}

static void begin(music_player_t *p, const music_wish_t *wish)
{
    const bool follow = wish->kind == MUSIC_WISH_FOLLOW;
    audio_track_close(p->track);
    p->track = NULL;
    memcpy(p->path, wish->path, sizeof(p->path));
    p->state.track++;
    p->state.error = ESP_OK;
    p->state.ended = false;
    p->state.mode = wish->paused ? MUSIC_PAUSED : MUSIC_PLAYING;
    p->drained = false;
    p->flush = !follow;
    if (!follow) {
        p->chunk_at = p->chunk_filled = 0;
    }
    const esp_err_t ret = audio_track_open(p->path, &p->track);
    if (ret != ESP_OK) {
        p->track = NULL;
        fail(p, ret);
        return;
    }
    audio_track_get_info(p->track, &p->info);
    p->state.length_ms = to_ms(p->info.frames, p->info.rate);
    if (wish->value != 0 && !follow) {
        seek(p, to_frames(wish->value, p->info.rate));
    }
}

static void take_wishes(music_player_t *p)
{
    uint32_t heard = atomic_load(&p->heard);
    while (heard != atomic_load(&p->wished)) {
        const music_wish_t *wish = &p->wishes[heard % MUSIC_WISHES];
        switch (wish->kind) {
        case MUSIC_WISH_PLAY:
        case MUSIC_WISH_FOLLOW:
            begin(p, wish);
            break;
        case MUSIC_WISH_PAUSE:
            if (p->track != NULL) {
                p->state.mode = wish->value != 0 ? MUSIC_PAUSED : MUSIC_PLAYING;
            }
            break;
        case MUSIC_WISH_SEEK:
            if (p->track != NULL) {
                seek(p, to_frames(wish->value, p->info.rate));
            }
            break;
        default:
            p->state.volume = (uint8_t)(wish->value < 100 ? wish->value : 100);
            break;
        }
        atomic_store(&p->heard, ++heard);
    }
}

/* ---- the stream --------------------------------------------------------------------------------
 */

static void forget_stream(music_player_t *p)
{
    p->stream_rate = 0;
    p->written = 0;
    p->paused_set = false;
    p->volume_set = 100; /* as a new one has it */
}

/** A stream with the track's rate. @return false: not yet */
static bool have_stream(music_player_t *p)
{
    if (p->stream_rate != 0 && p->stream_rate != p->info.rate) {
        if (!p->flush && pending(p) > p->stream_rate / 100) {
            return false; /* the track before is still heard */
        }
        const esp_err_t ret = audio_stream_close(p->ctx, &p->stream, p->flush ? FADE_MS : 0);
        if (ret != ESP_OK && ret != ESP_ERR_NOT_FOUND) {
            return false;
        }
        forget_stream(p);
    }
    if (p->stream_rate == 0) {
        const esp_err_t ret =
            audio_stream_open(p->ctx, p->info.rate, AUDIO_CATEGORY_MUSIC, &p->stream);
        if (ret == ESP_ERR_NOT_SUPPORTED) {
            fail(p, ret);
        }
        if (ret != ESP_OK) {
            return false;
        }
        forget_stream(p);
        p->stream_rate = p->info.rate;
        p->flush = false;
    }
    return true;
}

/** Let the stream be as it should. @return false: not yet */
static bool settle_stream(music_player_t *p)
{
    const bool paused = p->state.mode != MUSIC_PLAYING;
    esp_err_t ret = ESP_OK;
    if (p->flush) {
        ret = audio_stream_flush(p->ctx, &p->stream);
        p->flush = ret != ESP_OK;
    }
    if (ret == ESP_OK && p->volume_set != p->state.volume) {
        ret = audio_stream_set_volume(p->ctx, &p->stream, p->state.volume, FADE_MS);
        p->volume_set = ret == ESP_OK ? p->state.volume : p->volume_set;
    }
    if (ret == ESP_OK && p->paused_set != paused) {
        ret = audio_stream_pause(p->ctx, &p->stream, paused);
        p->paused_set = ret == ESP_OK ? paused : p->paused_set;
    }
    return ret == ESP_OK;
}

/** Gone with the audio service, or taken away: open another one where this one was heard last. */
static void lost_stream(music_player_t *p)
{
    forget_stream(p);
    if (p->track != NULL) {
        seek(p, to_frames(p->state.position_ms, p->info.rate));
        p->flush = false;
    }
}

/* ---- frames ------------------------------------------------------------------------------------
 */

/** @return false: there is nothing more of the track for now */
static bool fill_chunk(music_player_t *p)
{
    if (p->chunk_at < p->chunk_filled) {
        return true;
    }
    p->chunk_at = p->chunk_filled = 0;
    const esp_err_t ret = audio_track_read(p->track, p->chunk, MUSIC_CHUNK, &p->chunk_filled);
    if (ret != ESP_OK) {
        fail(p, ret);
    } else if (p->chunk_filled == 0) {
        p->state.ended = true;
    }
    return ret == ESP_OK && p->chunk_filled != 0;
}

static void feed(music_player_t *p)
{
    for (int i = 0; i < CHUNKS_A_ROUND && !p->state.ended; i++) {
        if (!fill_chunk(p)) {
            break;
        }
        size_t written = 0;
        const esp_err_t ret = audio_stream_write(p->ctx, &p->stream, p->chunk + p->chunk_at,
                                                 p->chunk_filled - p->chunk_at, 0, &written);
        p->chunk_at += written;
        p->written += (uint32_t)written;
        if (ret == ESP_ERR_NOT_FOUND) {
            lost_stream(p);
        }
        if (ret != ESP_OK) {
            return; /* the ring is full */
        }
    }
}

/** Nothing followed the last track. */
static void end(music_player_t *p)
{
    if (p->stream_rate != 0 && !p->drained) {
        p->drained = audio_stream_drain(p->ctx, &p->stream) == ESP_OK;
    }
    if (p->stream_rate == 0 || (p->drained && pending(p) == 0)) {
        audio_track_close(p->track);
        p->track = NULL;
        p->state.mode = MUSIC_STOPPED;
    }
}

static void tell(music_player_t *p)
{
    music_state_t *s = &p->state;
    s->header = (status_header_t)STATUS_HEADER(music_state_t, MUSIC_STATE_VERSION);
    s->position_ms = to_ms(heard_frame(p), p->info.rate);
    music_state_t still = *s;
    still.position_ms = p->told.position_ms;
    const bool moved = s->position_ms != p->told.position_ms;
    if (memcmp(&still, &p->told, sizeof(still)) != 0 || (moved && p->untold_ms >= TELL_MS)) {
        if (p->ctx->post_event(p->ctx, p->state_type, s, sizeof(*s), PRIORITY_NORMAL) == ESP_OK) {
            p->told = *s; /* else the next round tells it */
            p->untold_ms = 0;
        }
    }
}

uint32_t music_player_round(music_player_t *p)
{
    take_wishes(p);
    if (p->track != NULL && have_stream(p) && settle_stream(p)) {
        if (p->state.mode == MUSIC_PLAYING) {
            feed(p);
        }
    }
    if (p->state.ended && p->state.mode == MUSIC_PLAYING) {
        end(p);
    }
    tell(p);
    const uint32_t next_ms = p->state.mode == MUSIC_PLAYING ? ROUND_MS : IDLE_MS;
    p->untold_ms += p->untold_ms < TELL_MS ? next_ms : 0;
    return next_ms;
}

void music_player_close(music_player_t *p)
{
    audio_track_close(p->track);
    p->track = NULL;
    if (p->stream_rate != 0) {
        (void)audio_stream_close(p->ctx, &p->stream, FADE_MS);
    }
}
