/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief A stream of sound, for apps.
 *
 * Frames go into a ring that the service plays from: CONFIG_AUDIO_RING_FRAMES of them. It begins to
 * sound when 20 ms are there. Where a stream begins, stops or runs dry there is no click. A stream
 * survives a restart of the service; it ends with the app.
 */

#include <stddef.h>
#include <stdint.h>

#include "audio_app/audio_types.h"
#include "system_service/app_manager.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A stream; the app's own, to be filled in by audio_stream_open(). */
typedef struct {
    uint32_t handle;
    struct audio_ring *ring;
    system_event_type_t control;
    system_event_type_t wake;
} audio_stream_t;

/**
 * @brief Open a stream.
 * @context code of the app  @blocks until reply
 * @param[in] rate frames a second
 * @return ESP_OK, or
 *  - ESP_ERR_INVALID_ARG    a NULL, or a rate or category that there is not
 *  - ESP_ERR_NOT_SUPPORTED  the rate is more than twice the device's
 *  - ESP_ERR_NO_MEM         CONFIG_AUDIO_STREAMS are open, or there is no memory
 *  - what request() of the context returns: without a service ESP_ERR_REQUEST_NO_HANDLER
 */
esp_err_t audio_stream_open(app_context_t *ctx, uint32_t rate, audio_category_t category,
                            audio_stream_t *stream);

/**
 * @brief Write frames.
 * @context the app's own task: it waits at a pause point. With timeout 0 any code of the app, one
 *          writer at a time
 * @blocks  up to timeout, for room
 * @param[out] written how many were taken, also when not all were; may be NULL
 * @return ESP_OK all of them, or
 *  - ESP_ERR_TIMEOUT        there was no room for the rest
 *  - ESP_ERR_NOT_FOUND      the stream is closed
 *  - ESP_ERR_INVALID_STATE  the app is to stop
 *  - ESP_ERR_INVALID_ARG    a NULL
 */
esp_err_t audio_stream_write(app_context_t *ctx, audio_stream_t *stream,
                             const audio_frame_t *frames, size_t count, uint32_t timeout_ms,
                             size_t *written);

/** Frames that can be written now without waiting; 0 for a stream that is closed.
 *  @context code of the app  @blocks never */
size_t audio_stream_room(const audio_stream_t *stream);

/** Frames the service has taken since the stream was opened, flushed ones included; wraps after
 *  2^32. What is heard lags by the device's buffer, some 30 ms.
 *  @context code of the app  @blocks never */
uint32_t audio_stream_position(const audio_stream_t *stream);

/** @brief Change the volume: 0..100 percent, within fade_ms.
 *  @context code of the app  @blocks until reply
 *  @return ESP_OK; ESP_ERR_INVALID_ARG; ESP_ERR_NOT_FOUND it is closed; what request() returns */
esp_err_t audio_stream_set_volume(app_context_t *ctx, audio_stream_t *stream, uint8_t volume,
                                  uint32_t fade_ms);

/** @brief Pause, or go on where it was. What was written stays. @return as above */
esp_err_t audio_stream_pause(app_context_t *ctx, audio_stream_t *stream, bool paused);

/** @brief Forget what was written and not heard yet, to seek. @return as above */
esp_err_t audio_stream_flush(app_context_t *ctx, audio_stream_t *stream);

/** @brief Nothing more comes: the event audio.stream tells when the ring is empty. @return as above
 */
esp_err_t audio_stream_drain(app_context_t *ctx, audio_stream_t *stream);

/** @brief Close it, within fade_ms. @return as above */
esp_err_t audio_stream_close(app_context_t *ctx, audio_stream_t *stream, uint32_t fade_ms);

/** @brief A signal over everything: see audio_tone_t. @context code of the app  @blocks never
 *  @return ESP_OK it was asked for; ESP_ERR_INVALID_ARG; what post_event() returns */
esp_err_t audio_tone(app_context_t *ctx, uint16_t hz, uint16_t ms, uint8_t volume);

#ifdef __cplusplus
}
#endif
