/* SPDX-License-Identifier: Apache-2.0 */
#include "audio_decoder.h"

#include <string.h>

#include "flac_backend.h"

#define RAW_BYTES 768 /* on the stack; samples of 128 frames at least */
#define LABEL     4

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* ---- PCM ---------------------------------------------------------------------------------------
 */

static esp_err_t read_pcm(audio_decoder_t *d, audio_frame_t *frames, size_t count, size_t *got)
{
    uint8_t raw[RAW_BYTES];
    while (*got < count) {
        const size_t part = least(count - *got, sizeof(raw) / d->wav.block);
        const uint32_t at = d->wav.data + (uint32_t)(d->position + *got) * d->wav.block;
        const esp_err_t ret = audio_reader_get(&d->reader, at, raw, part * d->wav.block);
        if (ret != ESP_OK) {
            return ret;
        }
        audio_wav_convert(&d->info, raw, frames + *got, part);
        *got += part;
    }
    return ESP_OK;
}

/* ---- ADPCM -------------------------------------------------------------------------------------
 */

/** Decode what comes next of the block that the frame is in. */
static esp_err_t next_group(audio_decoder_t *d, uint32_t frame)
{
    uint8_t raw[2 * 4];
    const uint32_t size = 4u * d->info.channels;
    const uint32_t at = d->wav.data + frame / d->wav.per_block * d->wav.block;
    const bool first = d->in_block == 0;
    const uint32_t offset = first ? 0 : size + (d->in_block - 1) / AUDIO_ADPCM_GROUP * size;
    const esp_err_t ret = audio_reader_get(&d->reader, at + offset, raw, size);
    if (ret != ESP_OK) {
        return ret;
    }
    d->group_at = 0;
    if (first) {
        if (!audio_adpcm_begin(&d->adpcm, raw, d->info.channels, d->group)) {
            return ESP_ERR_INVALID_RESPONSE;
        }
        d->group_filled = 1;
    } else {
        audio_adpcm_group(&d->adpcm, raw, d->info.channels, d->group);
        d->group_filled = (uint32_t)least(AUDIO_ADPCM_GROUP,
                                          d->wav.per_block - d->in_block); /* the rest is pad */
    }
    d->in_block += d->group_filled;
    return ESP_OK;
}

static esp_err_t read_adpcm(audio_decoder_t *d, audio_frame_t *frames, size_t count, size_t *got)
{
    while (*got < count) {
        if (d->group_at == d->group_filled) {
            if (d->in_block == d->wav.per_block) {
                d->in_block = 0;
            }
            const esp_err_t ret = next_group(d, d->position + (uint32_t)*got);
            if (ret != ESP_OK) {
                d->group_at = d->group_filled = 0;
                return ret;
            }
        }
        const size_t part = least(count - *got, d->group_filled - d->group_at);
        memcpy(frames + *got, d->group + d->group_at, part * sizeof(*frames));
        d->group_at += (uint32_t)part;
        *got += part;
    }
    return ESP_OK;
}

/** From the beginning of a block to a frame in it: what comes before must be decoded. */
static esp_err_t seek_adpcm(audio_decoder_t *d, uint32_t frame)
{
    audio_frame_t passed[AUDIO_ADPCM_GROUP];
    d->in_block = 0;
    d->group_at = d->group_filled = 0;
    d->position = frame - frame % d->wav.per_block;
    while (d->position < frame) {
        size_t got = 0;
        const esp_err_t ret =
            read_adpcm(d, passed, least(AUDIO_ADPCM_GROUP, frame - d->position), &got);
        if (ret != ESP_OK) {
            return ret;
        }
        d->position += (uint32_t)got;
    }
    return ESP_OK;
}

/* ---- any of them -------------------------------------------------------------------------------
 */

esp_err_t audio_decoder_open(audio_decoder_t *decoder, const audio_source_t *source)
{
    char label[LABEL];
    memset(decoder, 0, sizeof(*decoder));
    audio_reader_init(&decoder->reader, source);
    const esp_err_t ret = audio_reader_get(&decoder->reader, 0, label, sizeof(label));
    if (ret != ESP_OK) {
        return ret == ESP_ERR_INVALID_RESPONSE ? ESP_ERR_NOT_SUPPORTED : ret;
    }
    if (memcmp(label, "fLaC", LABEL) == 0 || memcmp(label, "ID3", 3) == 0) {
        return flac_backend_open(&decoder->reader, &decoder->info, &decoder->flac);
    }
    return audio_wav_parse(&decoder->reader, &decoder->wav, &decoder->info);
}

esp_err_t audio_decoder_read(audio_decoder_t *decoder, audio_frame_t *frames, size_t count,
                             size_t *got)
{
    esp_err_t ret;
    *got = 0;
    if (decoder->flac != NULL) {
        ret = flac_backend_read(decoder->flac, frames, count, got);
    } else {
        count = least(count, decoder->info.frames - decoder->position);
        ret = decoder->info.format == AUDIO_FORMAT_PCM ? read_pcm(decoder, frames, count, got)
                                                       : read_adpcm(decoder, frames, count, got);
    }
    decoder->position += (uint32_t)*got;
    return *got != 0 ? ESP_OK : ret; /* first what there is; the next call tells why it ended */
}

esp_err_t audio_decoder_seek(audio_decoder_t *decoder, uint32_t frame)
{
    esp_err_t ret = ESP_OK;
    if (decoder->info.frames != 0 || decoder->flac == NULL) {
        frame = (uint32_t)least(frame, decoder->info.frames);
    }
    if (decoder->flac != NULL) {
        ret = flac_backend_seek(decoder->flac, frame);
    } else if (decoder->info.format == AUDIO_FORMAT_IMA_ADPCM && frame < decoder->info.frames) {
        ret = seek_adpcm(decoder, frame);
    }
    if (ret == ESP_OK) {
        decoder->position = frame;
    }
    return ret;
}

void audio_decoder_close(audio_decoder_t *decoder)
{
    if (decoder->flac != NULL) {
        flac_backend_close(decoder->flac);
        decoder->flac = NULL;
    }
}
