// SPDX-License-Identifier: Apache-2.0
#include "tunes.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <FLAC/stream_encoder.h>

#define WAV_HEAD   44u
#define ADPCM_HEAD 60u

/** Anywhere, also outside of a test. */
static void must(bool ok)
{
    if (!ok) {
        abort();
    }
}

static void put16(uint8_t *at, unsigned value)
{
    at[0] = (uint8_t)value;
    at[1] = (uint8_t)(value >> 8);
}

static void put32(uint8_t *at, size_t value)
{
    put16(at, (unsigned)value & 0xFFFF);
    put16(at + 2, (unsigned)(value >> 16));
}

static tune_t make(size_t size)
{
    const tune_t tune = {calloc(1, size), size};
    must(tune.data != NULL);
    return tune;
}

static void put_format(uint8_t *to, unsigned tag, unsigned rate, unsigned channels, unsigned bits,
                       unsigned block, unsigned bytes_per_second)
{
    put16(to, tag);
    put16(to + 2, channels);
    put32(to + 4, rate);
    put32(to + 8, bytes_per_second);
    put16(to + 12, block);
    put16(to + 14, bits);
}

tune_t tune_wav(const int16_t *samples, size_t frames, unsigned rate, unsigned channels,
                unsigned bits)
{
    const unsigned block = channels * bits / 8;
    const tune_t tune = make(WAV_HEAD + frames * block);
    uint8_t *to = tune.data + WAV_HEAD;
    memcpy(tune.data, "RIFF....WAVEfmt ", 16);
    put32(tune.data + 4, tune.size - 8);
    put32(tune.data + 16, 16);
    put_format(tune.data + 20, 1, rate, channels, bits, block, rate * block);
    memcpy(tune.data + 36, "data", 4);
    put32(tune.data + 40, frames * block);
    for (size_t i = 0; i < frames; i++) {
        for (unsigned side = 0; side < channels; side++, to += bits / 8) {
            const int16_t value = samples[2 * i + side];
            if (bits == 8) {
                to[0] = (uint8_t)((value >> 8) + 128);
            } else {
                put16(to + bits / 8 - 2, (uint16_t)value);
            }
        }
    }
    return tune;
}

/* ---- IMA ADPCM, from the definition: the steps grow by a tenth each ----------------------------
 */

int tune_adpcm_step(int index)
{
    // The standard's table by its rule: only its fourth and fifth step are rounded up, and its last
    // is what 16 bits hold.
    const int step = (int)(32774.405 / pow(1.1, 88 - index)) + (index == 3 || index == 4);
    return step < INT16_MAX ? step : INT16_MAX;
}

typedef struct {
    int value;
    int index;
} coder_t;

static int limit(int value, int low, int high)
{
    return value < low ? low : value > high ? high : value;
}

static unsigned encode(coder_t *c, int sample)
{
    const int step = tune_adpcm_step(c->index);
    int left = abs(sample - c->value);
    unsigned code = sample < c->value ? 8 : 0;
    int change = step >> 3;
    for (unsigned bit = 0; bit < 3; bit++) {
        if (left >= step >> bit) {
            code |= 4u >> bit;
            left -= step >> bit;
            change += step >> bit;
        }
    }
    c->value = limit((code & 8) != 0 ? c->value - change : c->value + change, -32768, 32767);
    c->index = limit(c->index + ((code & 4) != 0 ? 2 * (int)(code & 3) + 2 : -1), 0, 88);
    return code;
}

static void encode_block(uint8_t *to, const int16_t *samples, size_t left, unsigned channels,
                         unsigned block, coder_t coders[2])
{
    const size_t groups = (block - 4 * channels) / (4 * channels);
    for (unsigned side = 0; side < channels; side++) {
        coders[side].value = samples[side];
        put16(to + 4 * side, (uint16_t)samples[side]);
        to[4 * side + 2] = (uint8_t)coders[side].index;
    }
    for (size_t group = 0; group < groups; group++) {
        for (unsigned side = 0; side < channels; side++) {
            uint8_t *at = to + 4 * channels * (group + 1) + 4 * side;
            for (unsigned i = 0; i < 8; i++) {
                const size_t frame = 1 + 8 * group + i;
                const int sample = frame < left ? samples[2 * frame + side] : 0;
                at[i / 2] |= (uint8_t)(encode(&coders[side], sample) << (i % 2 * 4));
            }
        }
    }
}

tune_t tune_adpcm(const int16_t *samples, size_t frames, unsigned rate, unsigned channels,
                  unsigned block)
{
    const size_t per_block = (block - 4 * channels) / (4 * channels) * 8 + 1;
    const size_t blocks = (frames + per_block - 1) / per_block;
    const tune_t tune = make(ADPCM_HEAD + blocks * block);
    coder_t coders[2] = {{0, 0}, {0, 0}};
    memcpy(tune.data, "RIFF....WAVEfmt ", 16);
    put32(tune.data + 4, tune.size - 8);
    put32(tune.data + 16, 20);
    put_format(tune.data + 20, 0x11, rate, channels, 4, block,
               (unsigned)(rate * block / per_block));
    put16(tune.data + 36, 2);
    put16(tune.data + 38, (unsigned)per_block);
    memcpy(tune.data + 40, "fact", 4);
    put32(tune.data + 44, 4);
    put32(tune.data + 48, frames);
    memcpy(tune.data + 52, "data", 4);
    put32(tune.data + 56, blocks * block);
    for (size_t i = 0; i < blocks; i++) {
        encode_block(tune.data + ADPCM_HEAD + i * block, samples + 2 * i * per_block,
                     frames - i * per_block, channels, block, coders);
    }
    return tune;
}

/* ---- FLAC --------------------------------------------------------------------------------------
 */

typedef struct {
    tune_t tune;
    size_t at;
} file_t;

static FLAC__StreamEncoderWriteStatus on_write(const FLAC__StreamEncoder *encoder,
                                               const FLAC__byte bytes[], size_t size,
                                               unsigned samples, unsigned frame, void *arg)
{
    (void)encoder;
    (void)samples;
    (void)frame;
    file_t *file = arg;
    if (file->at + size > file->tune.size) {
        file->tune.size = file->at + size;
        file->tune.data = realloc(file->tune.data, file->tune.size);
        must(file->tune.data != NULL);
    }
    memcpy(file->tune.data + file->at, bytes, size);
    file->at += size;
    return FLAC__STREAM_ENCODER_WRITE_STATUS_OK;
}

static FLAC__StreamEncoderSeekStatus on_seek(const FLAC__StreamEncoder *encoder, FLAC__uint64 at,
                                             void *arg)
{
    (void)encoder;
    ((file_t *)arg)->at = (size_t)at;
    return FLAC__STREAM_ENCODER_SEEK_STATUS_OK;
}

static FLAC__StreamEncoderTellStatus on_tell(const FLAC__StreamEncoder *encoder, FLAC__uint64 *at,
                                             void *arg)
{
    (void)encoder;
    *at = ((const file_t *)arg)->at;
    return FLAC__STREAM_ENCODER_TELL_STATUS_OK;
}

tune_t tune_flac(const int16_t *samples, size_t frames, unsigned rate, unsigned channels)
{
    file_t file = {0};
    FLAC__StreamEncoder *encoder = FLAC__stream_encoder_new();
    must(encoder != NULL && FLAC__stream_encoder_set_channels(encoder, channels) &&
         FLAC__stream_encoder_set_bits_per_sample(encoder, 16) &&
         FLAC__stream_encoder_set_sample_rate(encoder, rate) &&
         FLAC__stream_encoder_set_blocksize(encoder, 1024));
    must(FLAC__stream_encoder_init_stream(encoder, on_write, on_seek, on_tell, NULL, &file) ==
         FLAC__STREAM_ENCODER_INIT_STATUS_OK);
    for (size_t i = 0; i < frames; i++) {
        const FLAC__int32 frame[2] = {samples[2 * i], samples[2 * i + 1]};
        must(FLAC__stream_encoder_process_interleaved(encoder, frame, 1));
    }
    must(FLAC__stream_encoder_finish(encoder));
    FLAC__stream_encoder_delete(encoder);
    return file.tune;
}

int16_t *tune_sine(size_t frames, double amplitude, double hz, double rate)
{
    int16_t *samples = calloc(frames, 2 * sizeof(*samples));
    must(samples != NULL);
    for (size_t i = 0; i < frames; i++) {
        const double angle = 2 * 3.14159265358979 * hz * (double)i / rate;
        samples[2 * i] = (int16_t)lround(amplitude * sin(angle));
        samples[2 * i + 1] = (int16_t)lround(amplitude / 2 * sin(angle / 2));
    }
    return samples;
}
