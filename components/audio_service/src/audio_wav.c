/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A WAV file is a list of chunks: a name of four letters, a size, and so many bytes, padded to an
 * even number. What is not known is passed over. Programs that record write the sizes last, and
 * not at all when they are ended before: sound reaches at most to the end of the file.
 */
#include "audio_decoder.h"

#include <string.h>

#define CHUNK_HEAD       8u
#define CHUNKS_MAX       256u /* of a file that is nothing but chunks the rest is not looked at */
#define TAG_PCM          1u
#define TAG_IMA_ADPCM    0x11u
#define TAG_EXTENSIBLE   0xFFFEu
#define FORMAT_MIN       16u
#define FORMAT_MAX       40u
#define ADPCM_HEAD       4u /* bytes a channel, before its groups of 4 */
#define ADPCM_FORMAT_MIN 20u

typedef struct {
    bool format_found;
    bool data_found;
    uint32_t fact; /* frames; 0 = not told */
} found_t;

static esp_err_t parse_pcm(audio_wav_t *wav, audio_track_info_t *info)
{
    if (info->bits != 8 && info->bits != 16 && info->bits != 24) {
        return ESP_ERR_NOT_SUPPORTED;
    }
    info->format = AUDIO_FORMAT_PCM;
    wav->per_block = 1;
    return wav->block == (uint32_t)info->channels * info->bits / 8 ? ESP_OK
                                                                   : ESP_ERR_INVALID_RESPONSE;
}

static esp_err_t parse_adpcm(const uint8_t *format, uint32_t size, audio_wav_t *wav,
                             audio_track_info_t *info)
{
    const uint32_t head = ADPCM_HEAD * info->channels;
    if (info->bits != 4) {
        return ESP_ERR_NOT_SUPPORTED;
    }
    if (size < ADPCM_FORMAT_MIN || wav->block <= head || wav->block % head != 0) {
        return ESP_ERR_INVALID_RESPONSE;
    }
    info->format = AUDIO_FORMAT_IMA_ADPCM;
    wav->per_block = audio_u16(format + 18);
    /* Fewer than there is room for would be odd, but can be read. */
    const uint32_t room = (wav->block - head) / head * AUDIO_ADPCM_GROUP + 1;
    return wav->per_block != 0 && wav->per_block <= room ? ESP_OK : ESP_ERR_INVALID_RESPONSE;
}

static esp_err_t parse_format(audio_reader_t *reader, uint32_t at, uint32_t size, audio_wav_t *wav,
                              audio_track_info_t *info)
{
    uint8_t format[FORMAT_MAX] = {0};
    if (size < FORMAT_MIN) {
        return ESP_ERR_INVALID_RESPONSE;
    }
    size = size < FORMAT_MAX ? size : FORMAT_MAX;
    const esp_err_t ret = audio_reader_get(reader, at, format, size);
    if (ret != ESP_OK) {
        return ret;
    }
    const uint32_t channels = audio_u16(format + 2);
    const uint32_t bits = audio_u16(format + 14);
    uint32_t tag = audio_u16(format);
    if (tag == TAG_EXTENSIBLE && size >= FORMAT_MAX) {
        tag = audio_u16(format + 24); /* the real one, in front of what is the same for all */
    }
    info->rate = audio_u32(format + 4);
    wav->block = audio_u16(format + 12);
    if (channels == 0 || channels > 2 || info->rate < AUDIO_RATE_MIN ||
        info->rate > AUDIO_RATE_MAX || bits > 32) {
        return ESP_ERR_NOT_SUPPORTED;
    }
    info->channels = (uint8_t)channels;
    info->bits = (uint8_t)bits;
    return tag == TAG_PCM         ? parse_pcm(wav, info)
           : tag == TAG_IMA_ADPCM ? parse_adpcm(format, size, wav, info)
                                  : ESP_ERR_NOT_SUPPORTED;
}

/** How many frames there are, from the bytes that there are. */
static uint32_t count_frames(const audio_wav_t *wav, const audio_track_info_t *info)
{
    uint64_t frames = (uint64_t)(wav->data_size / wav->block) * wav->per_block;
    const uint32_t rest = wav->data_size % wav->block;
    const uint32_t head = ADPCM_HEAD * info->channels;
    if (info->format == AUDIO_FORMAT_IMA_ADPCM && rest >= head) {
        const uint32_t more = (rest - head) / head * AUDIO_ADPCM_GROUP + 1;
        frames += more < wav->per_block ? more : wav->per_block;
    }
    return frames < UINT32_MAX ? (uint32_t)frames : UINT32_MAX;
}

static esp_err_t parse_chunk(audio_reader_t *reader, const uint8_t *head, uint32_t at,
                             audio_wav_t *wav, audio_track_info_t *info, found_t *found)
{
    uint8_t fact[4];
    const uint32_t size = audio_u32(head + 4);
    const uint32_t left = reader->source.size - at;
    esp_err_t ret = ESP_OK;
    if (memcmp(head, "fmt ", 4) == 0 && !found->format_found) {
        ret = parse_format(reader, at, size, wav, info);
        found->format_found = true;
    } else if (memcmp(head, "fact", 4) == 0 && size >= sizeof(fact)) {
        ret = audio_reader_get(reader, at, fact, sizeof(fact));
        found->fact = ret == ESP_OK ? audio_u32(fact) : 0;
    } else if (memcmp(head, "data", 4) == 0) {
        if (!found->format_found) {
            return ESP_ERR_INVALID_RESPONSE;
        }
        found->data_found = true;
        wav->data = at;
        wav->data_size = size < left ? size : left;
    }
    return ret;
}

esp_err_t audio_wav_parse(audio_reader_t *reader, audio_wav_t *wav, audio_track_info_t *info)
{
    uint8_t head[12];
    found_t found = {0};
    uint32_t at = sizeof(head);
    esp_err_t ret = audio_reader_get(reader, 0, head, sizeof(head));
    if (ret != ESP_OK) {
        return ret;
    }
    if (memcmp(head, "RIFF", 4) != 0 || memcmp(head + 8, "WAVE", 4) != 0) {
        return ESP_ERR_NOT_SUPPORTED;
    }
    for (unsigned n = 0; n < CHUNKS_MAX && !found.data_found; n++) {
        ret = audio_reader_get(reader, at, head, CHUNK_HEAD);
        if (ret == ESP_OK) {
            at += CHUNK_HEAD;
            ret = parse_chunk(reader, head, at, wav, info, &found);
        }
        if (ret != ESP_OK) {
            return ret;
        }
        const uint64_t next = (uint64_t)at + audio_u32(head + 4) + (head[4] & 1);
        if (!found.data_found && next > reader->source.size) {
            return ESP_ERR_INVALID_RESPONSE;
        }
        at = found.data_found ? at : (uint32_t)next;
    }
    if (!found.data_found) {
        return ESP_ERR_INVALID_RESPONSE;
    }
    info->frames = count_frames(wav, info);
    if (info->format == AUDIO_FORMAT_IMA_ADPCM && found.fact != 0 && found.fact < info->frames) {
        info->frames = found.fact; /* the last block is padded */
    }
    return ESP_OK;
}

/* ---- samples -----------------------------------------------------------------------------------
 */

static int16_t sample(const uint8_t *raw, unsigned bits)
{
    switch (bits) {
    case 8: /* the only one without a sign */
        return (int16_t)((raw[0] - 128) * 256);
    case 16:
        return (int16_t)audio_u16(raw);
    default:
        return (int16_t)audio_u16(raw + 1);
    }
}

void audio_wav_convert(const audio_track_info_t *info, const uint8_t *raw, audio_frame_t *frames,
                       size_t count)
{
    const unsigned width = info->bits / 8;
    for (size_t i = 0; i < count; i++) {
        frames[i].left = sample(raw, info->bits);
        raw += width;
        frames[i].right = info->channels == 2 ? sample(raw, info->bits) : frames[i].left;
        raw += info->channels == 2 ? width : 0;
    }
}
