/* SPDX-License-Identifier: Apache-2.0 */
/* The app's side of a stream: its end of the ring, and requests in the app's own name. */
#include "audio_app/audio_stream.h"

#include <string.h>

#include "audio_internal.h"

#define HEADER(type) STATUS_HEADER(type, AUDIO_EVENTS_VERSION)
#define WAIT_MS      5

esp_err_t audio_stream_open(app_context_t *ctx, uint32_t rate, audio_category_t category,
                            audio_stream_t *stream)
{
    const audio_open_t wish = {
        .header = HEADER(audio_open_t),
        .rate = rate,
        .volume = 100,
        .category = (uint8_t)category,
    };
    audio_opened_t opened = {0};
    size_t room = sizeof(opened);
    system_event_type_t type;

    if (ctx == NULL || stream == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    memset(stream, 0, sizeof(*stream));
    esp_err_t ret = ctx->register_event(ctx, AUDIO_CONTROL_REQUEST, &stream->control);
    if (ret == ESP_OK) {
        ret = ctx->register_event(ctx, AUDIO_WAKE_EVENT, &stream->wake);
    }
    if (ret == ESP_OK) {
        ret = ctx->register_event(ctx, AUDIO_OPEN_REQUEST, &type);
    }
    if (ret == ESP_OK) {
        ret = ctx->request(ctx, SYSTEM_SERVICE_ID_NONE, type, &wish, sizeof(wish), PRIORITY_NORMAL,
                           &opened, &room, 0);
    }
    if (ret == ESP_OK) {
        stream->handle = opened.stream;
        stream->ring = opened.ring;
    }
    return ret;
}

static bool is_open(const audio_stream_t *stream)
{
    return stream->ring != NULL && stream->handle != 0 &&
           atomic_load(&stream->ring->handle) == stream->handle;
}

static esp_err_t wake(app_context_t *ctx, const audio_stream_t *stream)
{
    /* Whoever finds it asleep wakes it; the service looks at the rings after it said so. */
    if (!atomic_exchange(&audio_ring_asleep, false)) {
        return ESP_OK;
    }
    const esp_err_t ret = ctx->post_event(ctx, stream->wake, NULL, 0, PRIORITY_NORMAL);
    if (ret != ESP_OK) {
        atomic_store(&audio_ring_asleep, true); /* the next one tries again */
    }
    return ret;
}

esp_err_t audio_stream_write(app_context_t *ctx, audio_stream_t *stream,
                             const audio_frame_t *frames, size_t count, uint32_t timeout_ms,
                             size_t *written)
{
    size_t done = 0;
    uint32_t waited = 0;
    esp_err_t ret = ESP_OK;

    if (ctx == NULL || stream == NULL || (frames == NULL && count != 0)) {
        return ESP_ERR_INVALID_ARG;
    }
    while (ret == ESP_OK) {
        if (!is_open(stream)) {
            ret = ESP_ERR_NOT_FOUND;
            break;
        }
        done += audio_ring_put(stream->ring, frames + done, count - done);
        (void)wake(ctx, stream); /* a post that is refused is repeated with the next write */
        if (done == count) {
            break;
        }
        if (waited >= timeout_ms) {
            ret = ESP_ERR_TIMEOUT;
        } else if (!ctx->sleep_ms(ctx, WAIT_MS)) {
            ret = ESP_ERR_INVALID_STATE;
        }
        waited += WAIT_MS;
    }
    if (written != NULL) {
        *written = done;
    }
    return ret;
}

size_t audio_stream_room(const audio_stream_t *stream)
{
    return stream != NULL && is_open(stream) ? audio_ring_room(stream->ring) : 0;
}

uint32_t audio_stream_position(const audio_stream_t *stream)
{
    return stream != NULL && is_open(stream) ? atomic_load(&stream->ring->tail) : 0;
}

static esp_err_t control(app_context_t *ctx, const audio_stream_t *stream, audio_control_t *wish)
{
    if (ctx == NULL || stream == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    wish->header = (status_header_t)HEADER(audio_control_t);
    wish->stream = stream->handle;
    return ctx->request(ctx, SYSTEM_SERVICE_ID_NONE, stream->control, wish, sizeof(*wish),
                        PRIORITY_NORMAL, NULL, NULL, 0);
}

esp_err_t audio_stream_set_volume(app_context_t *ctx, audio_stream_t *stream, uint8_t volume,
                                  uint32_t fade_ms)
{
    audio_control_t wish = {.what = AUDIO_CONTROL_VOLUME, .volume = volume};
    if (fade_ms > AUDIO_FADE_MS_MAX) {
        return ESP_ERR_INVALID_ARG;
    }
    wish.fade_ms = (uint16_t)fade_ms;
    return control(ctx, stream, &wish);
}

esp_err_t audio_stream_pause(app_context_t *ctx, audio_stream_t *stream, bool paused)
{
    audio_control_t wish = {.what = AUDIO_CONTROL_PAUSED, .paused = paused};
    return control(ctx, stream, &wish);
}

esp_err_t audio_stream_flush(app_context_t *ctx, audio_stream_t *stream)
{
    audio_control_t wish = {.what = AUDIO_CONTROL_FLUSH};
    return control(ctx, stream, &wish);
}

esp_err_t audio_stream_drain(app_context_t *ctx, audio_stream_t *stream)
{
    audio_control_t wish = {.what = AUDIO_CONTROL_DRAIN};
    return control(ctx, stream, &wish);
}

esp_err_t audio_stream_close(app_context_t *ctx, audio_stream_t *stream, uint32_t fade_ms)
{
    audio_control_t wish = {.what = AUDIO_CONTROL_CLOSE};
    if (fade_ms > AUDIO_FADE_MS_MAX) {
        return ESP_ERR_INVALID_ARG;
    }
    wish.fade_ms = (uint16_t)fade_ms;
    return control(ctx, stream, &wish);
}

esp_err_t audio_tone(app_context_t *ctx, uint16_t hz, uint16_t ms, uint8_t volume)
{
    const audio_tone_t tone = {
        .header = HEADER(audio_tone_t),
        .hz = hz,
        .ms = ms,
        .volume = volume,
    };
    system_event_type_t type;
    if (ctx == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    const esp_err_t ret = ctx->register_event(ctx, AUDIO_TONE_EVENT, &type);
    return ret == ESP_OK ? ctx->post_event(ctx, type, &tone, sizeof(tone), PRIORITY_NORMAL) : ret;
}
