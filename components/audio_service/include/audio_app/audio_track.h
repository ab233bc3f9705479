/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief Files with sound, for apps: what there is, and reading it as frames for a stream.
 *
 * WAV (PCM with 8, 16 or 24 bits, IMA ADPCM) and, where the firmware has a decoder, FLAC; one
 * channel or two. Files lie in the folder that the board keeps for them (CONFIG_AUDIO_MEDIA_PATH)
 * and are only read. Decoding happens in the task that calls, with memory of its app: what is
 * wrong with a file costs that app alone, and nothing is left when it ends.
 *
 * Paths are relative, with '/' between their parts; "" is the folder itself. No part of one may be
 * empty, "." or "..".
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "audio_app/audio_types.h"
#include "esp_err.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Bytes of a path and of a name in a folder, without the final NUL. Longer ones are not listed. */
#define AUDIO_PATH_MAX 191u
#define AUDIO_NAME_MAX 95u

/** What is in a folder. */
typedef struct {
    char name[AUDIO_NAME_MAX + 1];
    bool is_folder;
} audio_entry_t;

/** How sound is written down in a file. */
typedef enum {
    AUDIO_FORMAT_PCM = 0,
    AUDIO_FORMAT_IMA_ADPCM,
    AUDIO_FORMAT_FLAC,
} audio_format_t;

/** What is known of a track. */
typedef struct {
    uint32_t rate;    /**< frames a second, AUDIO_RATE_MIN..AUDIO_RATE_MAX */
    uint32_t frames;  /**< all of it; 0 = not known before it was read */
    uint8_t format;   /**< audio_format_t */
    uint8_t channels; /**< 1 or 2; frames always have both sides */
    uint8_t bits;     /**< of a sample in the file */
    uint8_t reserved;
} audio_track_info_t;

/** A track that is being read; of one task at a time. */
typedef struct audio_track audio_track_t;

/**
 * @brief List a folder: folders first, then files that may hold sound, each by name.
 * @context any task  @blocks until the files are read
 * @param[in] after     the last entry of the part before; NULL = from the beginning
 * @param[in,out] count in: room in entries; out: how many there are, less than the room at the end
 * @return ESP_OK, or
 *  - ESP_ERR_INVALID_ARG  a NULL, no room, or no path
 *  - ESP_ERR_NOT_FOUND    there is no such folder, or nothing that holds files
 *  - ESP_FAIL             it cannot be read
 */
esp_err_t audio_folder_list(const char *folder, const audio_entry_t *after, audio_entry_t *entries,
                            size_t *count);

/**
 * @brief Open a file to read it from its beginning.
 * @context any task  @blocks until the file is read
 * @owns    the track is the caller's until audio_track_close(), or goes with its app
 * @return ESP_OK, or
 *  - ESP_ERR_INVALID_ARG       a NULL, or no path
 *  - ESP_ERR_NOT_FOUND         there is no such file
 *  - ESP_ERR_NOT_SUPPORTED     it holds something else, or sound in a way that is not read here
 *  - ESP_ERR_INVALID_RESPONSE  it is damaged
 *  - ESP_ERR_NO_MEM            no memory, or none left of the app's quota: 5 KB, for FLAC some 100
 *  - ESP_FAIL                  it cannot be read
 */
esp_err_t audio_track_open(const char *path, audio_track_t **track);

/** @brief What is known of it. @context any task  @blocks never */
void audio_track_get_info(const audio_track_t *track, audio_track_info_t *info);

/**
 * @brief Read the next frames.
 * @context the task that opened it  @blocks until the file is read
 * @param[out] got how many there were: 0 at the end
 * @return ESP_OK, or
 *  - ESP_ERR_INVALID_ARG       a NULL
 *  - ESP_ERR_INVALID_RESPONSE  it is damaged from here on
 *  - ESP_ERR_NOT_FOUND         the file is gone
 *  - ESP_ERR_NO_MEM            as audio_track_open()
 *  - ESP_FAIL                  it cannot be read
 */
esp_err_t audio_track_read(audio_track_t *track, audio_frame_t *frames, size_t count, size_t *got);

/**
 * @brief Go on reading at a frame; behind the last one is the end.
 * @context, @blocks as audio_track_read()
 * @return as audio_track_read(): where it stands is not known then
 */
esp_err_t audio_track_seek(audio_track_t *track, uint32_t frame);

/** The frame that is read next. @context any task  @blocks never */
uint32_t audio_track_position(const audio_track_t *track);

/** @brief Forget it; NULL is fine. @context the task that opened it  @blocks never */
void audio_track_close(audio_track_t *track);

#ifdef __cplusplus
}
#endif
