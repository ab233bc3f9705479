// SPDX-License-Identifier: Apache-2.0

// Any bytes as a file with sound: it is read to its end and from places in it, and is never more
// than it said.

#include <string.h>

#include "audio_decoder.h"
#include "fuzz.h"

#define FRAMES_MAX 200000u

typedef struct {
    const uint8_t *data;
    size_t size;
} file_t;

static esp_err_t read_file(void *arg, uint32_t offset, void *to, size_t *size)
{
    const file_t *file = arg;
    FUZZ_CHECK(offset < file->size);
    const size_t left = file->size - offset;
    *size = *size < left ? *size : left;
    memcpy(to, file->data + offset, *size);
    return ESP_OK;
}

static void read_on(audio_decoder_t *d, uint32_t most)
{
    audio_frame_t frames[251];
    uint32_t count = 0;
    size_t got;
    while (count < most && audio_decoder_read(d, frames, 251, &got) == ESP_OK && got != 0) {
        FUZZ_CHECK(got <= 251);
        count += (uint32_t)got;
    }
    FUZZ_CHECK(d->flac != NULL || d->position <= d->info.frames);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static audio_decoder_t d;
    file_t file = {data, size};
    const audio_source_t source = {read_file, &file, (uint32_t)size};
    if (audio_decoder_open(&d, &source) != ESP_OK) {
        return 0;
    }
    FUZZ_CHECK(d.info.channels >= 1 && d.info.channels <= 2);
    FUZZ_CHECK(d.info.rate >= AUDIO_RATE_MIN && d.info.rate <= AUDIO_RATE_MAX);
    read_on(&d, FRAMES_MAX);
    const uint32_t places[] = {d.info.frames / 2, 1, UINT32_MAX};
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        if (audio_decoder_seek(&d, places[i]) == ESP_OK) {
            read_on(&d, 1000);
        }
    }
    audio_decoder_close(&d);
    return 0;
}
