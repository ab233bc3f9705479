/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libFLAC. It calls back for bytes and with what it decoded, a block of up to 65535 frames at a
 * time, which is kept here until it was read.
 */
#include "flac_backend.h"

#include <stdlib.h>

#include <FLAC/stream_decoder.h>

#define BITS_MAX 32

struct flac_backend {
    FLAC__StreamDecoder *decoder;
    audio_reader_t *reader;
    audio_track_info_t *info;
    uint32_t at;     /* the byte that is read next */
    esp_err_t error; /* that ended a callback */
    audio_frame_t *block;
    size_t room;
    size_t filled;
    size_t taken;
};

static FLAC__StreamDecoderReadStatus on_read(const FLAC__StreamDecoder *decoder,
                                             FLAC__byte buffer[], size_t *bytes, void *arg)
{
    (void)decoder;
    flac_backend_t *flac = arg;
    const size_t wanted = *bytes;
    flac->error = audio_reader_some(flac->reader, flac->at, buffer, wanted, bytes);
    if (flac->error != ESP_OK) {
        return FLAC__STREAM_DECODER_READ_STATUS_ABORT;
    }
    flac->at += (uint32_t)*bytes;
    return *bytes != 0 ? FLAC__STREAM_DECODER_READ_STATUS_CONTINUE
                       : FLAC__STREAM_DECODER_READ_STATUS_END_OF_STREAM;
}

static FLAC__StreamDecoderSeekStatus on_seek(const FLAC__StreamDecoder *decoder, FLAC__uint64 at,
                                             void *arg)
{
    (void)decoder;
    flac_backend_t *flac = arg;
    if (at > flac->reader->source.size) {
        return FLAC__STREAM_DECODER_SEEK_STATUS_ERROR;
    }
    flac->at = (uint32_t)at;
    return FLAC__STREAM_DECODER_SEEK_STATUS_OK;
}

static FLAC__StreamDecoderTellStatus on_tell(const FLAC__StreamDecoder *decoder, FLAC__uint64 *at,
                                             void *arg)
{
    (void)decoder;
    *at = ((const flac_backend_t *)arg)->at;
    return FLAC__STREAM_DECODER_TELL_STATUS_OK;
}

static FLAC__StreamDecoderLengthStatus on_length(const FLAC__StreamDecoder *decoder,
                                                 FLAC__uint64 *length, void *arg)
{
    (void)decoder;
    *length = ((const flac_backend_t *)arg)->reader->source.size;
    return FLAC__STREAM_DECODER_LENGTH_STATUS_OK;
}

static FLAC__bool on_eof(const FLAC__StreamDecoder *decoder, void *arg)
{
    (void)decoder;
    const flac_backend_t *flac = arg;
    return flac->at >= flac->reader->source.size;
}

static int16_t sample(FLAC__int32 value, unsigned bits)
{
    return (int16_t)(bits > 16 ? value >> (bits - 16) : value * (1 << (16 - bits)));
}

static FLAC__StreamDecoderWriteStatus on_write(const FLAC__StreamDecoder *decoder,
                                               const FLAC__Frame *frame,
                                               const FLAC__int32 *const samples[], void *arg)
{
    (void)decoder;
    flac_backend_t *flac = arg;
    const size_t count = frame->header.blocksize;
    const unsigned bits = frame->header.bits_per_sample;
    const unsigned right = frame->header.channels > 1 ? 1 : 0;
    if (frame->header.channels == 0 || bits == 0 || bits > BITS_MAX) {
        return FLAC__STREAM_DECODER_WRITE_STATUS_ABORT;
    }
    if (count > flac->room) {
        audio_frame_t *more = realloc(flac->block, count * sizeof(*more));
        if (more == NULL) {
            flac->error = ESP_ERR_NO_MEM;
            return FLAC__STREAM_DECODER_WRITE_STATUS_ABORT;
        }
        flac->block = more;
        flac->room = count;
    }
    for (size_t i = 0; i < count; i++) {
        flac->block[i].left = sample(samples[0][i], bits);
        flac->block[i].right = sample(samples[right][i], bits);
    }
    flac->filled = count;
    flac->taken = 0;
    return FLAC__STREAM_DECODER_WRITE_STATUS_CONTINUE;
}

static void on_metadata(const FLAC__StreamDecoder *decoder, const FLAC__StreamMetadata *metadata,
                        void *arg)
{
    (void)decoder;
    audio_track_info_t *info = ((flac_backend_t *)arg)->info;
    if (metadata->type == FLAC__METADATA_TYPE_STREAMINFO) {
        const FLAC__StreamMetadata_StreamInfo *stream = &metadata->data.stream_info;
        info->rate = stream->sample_rate;
        info->channels = (uint8_t)stream->channels;
        info->bits = (uint8_t)stream->bits_per_sample;
        info->frames =
            stream->total_samples < UINT32_MAX ? (uint32_t)stream->total_samples : UINT32_MAX;
    }
}

/* What is damaged is passed over until the next frame that is not. */
static void on_error(const FLAC__StreamDecoder *decoder, FLAC__StreamDecoderErrorStatus status,
                     void *arg)
{
    (void)decoder;
    (void)status;
    (void)arg;
}

static esp_err_t failed(const flac_backend_t *flac)
{
    if (flac->error != ESP_OK) {
        return flac->error;
    }
    return FLAC__stream_decoder_get_state(flac->decoder) ==
                   FLAC__STREAM_DECODER_MEMORY_ALLOCATION_ERROR
               ? ESP_ERR_NO_MEM
               : ESP_ERR_INVALID_RESPONSE;
}

static esp_err_t begin(flac_backend_t *flac)
{
    flac->decoder = FLAC__stream_decoder_new();
    if (flac->decoder == NULL ||
        FLAC__stream_decoder_init_stream(flac->decoder, on_read, on_seek, on_tell, on_length,
                                         on_eof, on_write, on_metadata, on_error,
                                         flac) != FLAC__STREAM_DECODER_INIT_STATUS_OK) {
        return ESP_ERR_NO_MEM;
    }
    if (!FLAC__stream_decoder_process_until_end_of_metadata(flac->decoder)) {
        return failed(flac);
    }
    const audio_track_info_t *info = flac->info;
    if (info->rate == 0) {
        return ESP_ERR_INVALID_RESPONSE; /* it ended before it said what it holds */
    }
    return info->channels >= 1 && info->channels <= 2 && info->rate >= AUDIO_RATE_MIN &&
                   info->rate <= AUDIO_RATE_MAX
               ? ESP_OK
               : ESP_ERR_NOT_SUPPORTED;
}

esp_err_t flac_backend_open(audio_reader_t *reader, audio_track_info_t *info, flac_backend_t **out)
{
    flac_backend_t *flac = calloc(1, sizeof(*flac));
    *out = NULL;
    if (flac == NULL) {
        return ESP_ERR_NO_MEM;
    }
    flac->reader = reader;
    flac->info = info;
    info->format = AUDIO_FORMAT_FLAC;
    const esp_err_t ret = begin(flac);
    if (ret != ESP_OK) {
        flac_backend_close(flac);
        return ret;
    }
    *out = flac;
    return ESP_OK;
}

esp_err_t flac_backend_read(flac_backend_t *flac, audio_frame_t *frames, size_t count, size_t *got)
{
    while (*got < count) {
        if (flac->taken == flac->filled) {
            flac->taken = flac->filled = 0;
            if (FLAC__stream_decoder_get_state(flac->decoder) ==
                FLAC__STREAM_DECODER_END_OF_STREAM) {
                return ESP_OK;
            }
            if (!FLAC__stream_decoder_process_single(flac->decoder)) {
                return failed(flac);
            }
            continue; /* it may have passed something over, or come to the end */
        }
        frames[(*got)++] = flac->block[flac->taken++];
    }
    return ESP_OK;
}

esp_err_t flac_backend_seek(flac_backend_t *flac, uint32_t frame)
{
    flac->taken = flac->filled = 0;
    flac->error = ESP_OK;
    if (flac->info->frames != 0 && frame >= flac->info->frames) {
        frame = flac->info->frames - 1; /* one that there is, so that the end comes behind it */
        const esp_err_t ret = flac_backend_seek(flac, frame);
        flac->taken = flac->filled;
        return ret;
    }
    if (FLAC__stream_decoder_seek_absolute(flac->decoder, frame)) {
        return ESP_OK;
    }
    const esp_err_t ret = failed(flac);
    (void)FLAC__stream_decoder_flush(flac->decoder); /* else it would not go on from anywhere */
    return ret;
}

void flac_backend_close(flac_backend_t *flac)
{
    if (flac->decoder != NULL) {
        FLAC__stream_decoder_delete(flac->decoder);
    }
    free(flac->block);
    free(flac);
}
