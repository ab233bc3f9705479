/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief From the bytes of a file to frames, grouped by the file that defines it.
 *
 * Nothing here knows where bytes come from, and every one of them may be wrong: sizes are compared
 * before they are used, and whatever a file says, a read ends.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "audio_app/audio_track.h"
#include "audio_app/audio_types.h"
#include "esp_err.h"

/* ---- audio_reader.c: bytes, a window at a time ------------------------------------------------
 */

#define AUDIO_READER_WINDOW 4096

/** Where bytes come from. */
typedef struct {
    /** @param[in,out] size in: bytes wanted; out: bytes read, fewer at the end */
    esp_err_t (*read)(void *arg, uint32_t offset, void *to, size_t *size);
    void *arg;
    uint32_t size; /* of all */
} audio_source_t;

typedef struct {
    audio_source_t source;
    uint32_t at; /* where the window begins */
    uint32_t filled;
    uint8_t window[AUDIO_READER_WINDOW];
} audio_reader_t;

void audio_reader_init(audio_reader_t *reader, const audio_source_t *source);
/** Bytes from an offset, as many as there are. @return ESP_OK; what the source returned */
esp_err_t audio_reader_some(audio_reader_t *reader, uint32_t offset, void *to, size_t size,
                            size_t *got);
/** The same, all of them. @return besides: ESP_ERR_INVALID_RESPONSE the file ends before */
esp_err_t audio_reader_get(audio_reader_t *reader, uint32_t offset, void *to, size_t size);

static inline uint32_t audio_u16(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8;
}

static inline uint32_t audio_u32(const uint8_t *p)
{
    return audio_u16(p) | audio_u16(p + 2) << 16;
}

/* ---- audio_wav.c: what a WAV file says of itself ----------------------------------------------
 */

/** Where the sound of a WAV file is and how to read it; checked, so that nothing more can be
 *  wrong with it. */
typedef struct {
    uint32_t data;      /* where it begins */
    uint32_t data_size; /* within the file */
    uint32_t block;     /* bytes of a block: for PCM of a frame */
    uint32_t per_block; /* frames of a block: for PCM 1 */
} audio_wav_t;

/** @return ESP_OK; ESP_ERR_NOT_SUPPORTED; ESP_ERR_INVALID_RESPONSE; what the source returned */
esp_err_t audio_wav_parse(audio_reader_t *reader, audio_wav_t *wav, audio_track_info_t *info);
/** Frames of the samples in so many bytes. */
void audio_wav_convert(const audio_track_info_t *info, const uint8_t *raw, audio_frame_t *frames,
                       size_t count);

/* ---- audio_adpcm.c: IMA ADPCM -----------------------------------------------------------------
 */

#define AUDIO_ADPCM_GROUP 8 /* frames that are packed together */

typedef struct {
    int16_t value[2];
    uint8_t index[2];
} audio_adpcm_t;

/** Begin a block with its head, 4 bytes a channel. @return false: it is none */
bool audio_adpcm_begin(audio_adpcm_t *state, const uint8_t *head, unsigned channels,
                       audio_frame_t *first);
/** Decode a group, 4 bytes a channel. */
void audio_adpcm_group(audio_adpcm_t *state, const uint8_t *raw, unsigned channels,
                       audio_frame_t frames[AUDIO_ADPCM_GROUP]);

/* ---- audio_decoder.c: any of them -------------------------------------------------------------
 */

typedef struct {
    audio_reader_t reader;
    audio_track_info_t info;
    uint32_t position; /* of the frame that is read next */
    audio_wav_t wav;
    audio_adpcm_t adpcm;
    uint32_t in_block; /* frames of this block that were decoded */
    uint32_t group_at;
    uint32_t group_filled;
    audio_frame_t group[AUDIO_ADPCM_GROUP];
    struct flac_backend *flac; /* NULL = a WAV file */
} audio_decoder_t;

/** @return as audio_track_open(); on an error there is nothing to close */
esp_err_t audio_decoder_open(audio_decoder_t *decoder, const audio_source_t *source);
esp_err_t audio_decoder_read(audio_decoder_t *decoder, audio_frame_t *frames, size_t count,
                             size_t *got);
esp_err_t audio_decoder_seek(audio_decoder_t *decoder, uint32_t frame);
void audio_decoder_close(audio_decoder_t *decoder);
