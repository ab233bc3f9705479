// SPDX-License-Identifier: Apache-2.0

// Files as frames: every format gives back what was written, from every place in it, and whatever
// is done to a file costs an error at most.

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "audio_decoder.h"
#include "ktest.h"
#include "tunes.h"

#define FRAMES 5000u
#define RATE   22050

static int16_t *s_samples;

static esp_err_t read_tune(void *arg, uint32_t offset, void *to, size_t *size)
{
    const tune_t *tune = arg;
    KTEST_CHECK(offset < tune->size);
    const size_t left = tune->size - offset;
    *size = *size < left ? *size : left;
    memcpy(to, tune->data + offset, *size);
    return ESP_OK;
}

static esp_err_t open_tune(audio_decoder_t *d, tune_t *tune)
{
    const audio_source_t source = {read_tune, tune, (uint32_t)tune->size};
    return audio_decoder_open(d, &source);
}

/** All of it, in parts of odd sizes. @return frames */
static size_t read_all(audio_decoder_t *d, audio_frame_t *frames, size_t room)
{
    size_t count = 0;
    for (size_t part = 1; count < room; part = part % 611 + 7) {
        size_t got;
        const size_t wanted = part < room - count ? part : room - count;
        assert_int_equal(audio_decoder_read(d, frames + count, wanted, &got), ESP_OK);
        if (got == 0) {
            break;
        }
        count += got;
    }
    return count;
}

static int side_of(const audio_frame_t *frame, unsigned side)
{
    return side == 0 ? frame->left : frame->right;
}

/** Read all of a tune and compare with the samples; then again from places in it. */
static void check_tune(tune_t tune, unsigned channels, unsigned format, unsigned bits,
                       double tolerance)
{
    static audio_decoder_t d;
    static audio_frame_t all[FRAMES + 1];
    assert_int_equal(open_tune(&d, &tune), ESP_OK);
    assert_int_equal(d.info.rate, RATE);
    assert_int_equal(d.info.frames, FRAMES);
    assert_int_equal(d.info.channels, channels);
    assert_int_equal(d.info.format, format);
    assert_int_equal(d.info.bits, bits);
    assert_int_equal(read_all(&d, all, FRAMES + 1), FRAMES);
    for (unsigned side = 0; side < 2; side++) {
        double error = 0;
        for (size_t i = 0; i < FRAMES; i++) {
            const int want = s_samples[2 * i + (channels == 2 ? side : 0)];
            error += pow(side_of(&all[i], side) - want, 2);
        }
        assert_true(sqrt(error / FRAMES) <= tolerance);
    }
    static const uint32_t places[] = {4999, 0, 1, 1023, 1024, 1025, 4096, 504, 505, 506, 2, 4000};
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        audio_frame_t some[300];
        assert_int_equal(audio_decoder_seek(&d, places[i]), ESP_OK);
        const size_t count = read_all(&d, some, 300);
        assert_int_equal(count, FRAMES - places[i] < 300 ? FRAMES - places[i] : 300);
        assert_memory_equal(some, all + places[i], count * sizeof(some[0]));
    }
    for (uint32_t place = FRAMES; place < FRAMES + 2; place++) {
        assert_int_equal(audio_decoder_seek(&d, place), ESP_OK);
        assert_int_equal(read_all(&d, all, 1), 0);
    }
    audio_decoder_close(&d);
    free(tune.data);
}

static void pcm_is_read_as_it_was_written(void **state)
{
    (void)state;
    for (unsigned channels = 1; channels <= 2; channels++) {
        check_tune(tune_wav(s_samples, FRAMES, RATE, channels, 8), channels, AUDIO_FORMAT_PCM, 8,
                   256);
        check_tune(tune_wav(s_samples, FRAMES, RATE, channels, 16), channels, AUDIO_FORMAT_PCM, 16,
                   0);
        check_tune(tune_wav(s_samples, FRAMES, RATE, channels, 24), channels, AUDIO_FORMAT_PCM, 24,
                   0);
    }
}

static void adpcm_is_close_to_what_was_written(void **state)
{
    (void)state;
    for (unsigned channels = 1; channels <= 2; channels++) {
        for (unsigned block = 256; block <= 1024; block *= 2) {
            check_tune(tune_adpcm(s_samples, FRAMES, RATE, channels, block), channels,
                       AUDIO_FORMAT_IMA_ADPCM, 4, 600);
        }
    }
}

// Worked out by hand from the standard: steps 7, 16, 34, 31.
static void adpcm_by_hand(void **state)
{
    (void)state;
    const uint8_t head[] = {0, 0, 0, 0};
    const uint8_t raw[] = {0xF7, 0x80, 0, 0};
    audio_adpcm_t coder;
    audio_frame_t frames[AUDIO_ADPCM_GROUP];
    assert_true(audio_adpcm_begin(&coder, head, 1, frames));
    assert_int_equal(frames[0].left, 0);
    audio_adpcm_group(&coder, raw, 1, frames);
    assert_int_equal(frames[0].left, 11);  // 0 + 7 + 3 + 1 of step 7
    assert_int_equal(frames[1].left, -19); // 2 + 16 + 8 + 4 of step 16, down
    assert_int_equal(frames[2].left, -15); // 34 / 8
    assert_int_equal(frames[3].left, -18); // 31 / 8, down
    assert_int_equal(frames[3].right, -18);
}

static void adpcm_has_the_standard_s_steps(void **state)
{
    (void)state;
    const uint8_t raw[] = {0x04, 0, 0, 0}; // up, by a step and its eighth
    audio_frame_t frames[AUDIO_ADPCM_GROUP];
    audio_adpcm_t coder;
    for (int index = 0; index <= 88; index++) {
        const uint8_t head[] = {0, 0x80, (uint8_t)index, 0}; // from the lowest value
        const int step = tune_adpcm_step(index);
        assert_true(audio_adpcm_begin(&coder, head, 1, frames));
        audio_adpcm_group(&coder, raw, 1, frames);
        assert_int_equal(frames[0].left, INT16_MIN + step + step / 8);
    }
    const uint8_t beyond[] = {0, 0, 89, 0};
    assert_false(audio_adpcm_begin(&coder, beyond, 1, frames));
}

static void flac_is_read_as_it_was_written(void **state)
{
    (void)state;
    for (unsigned channels = 1; channels <= 2; channels++) {
        check_tune(tune_flac(s_samples, FRAMES, RATE, channels), channels, AUDIO_FORMAT_FLAC, 16,
                   0);
    }
}

static void what_is_not_read_is_named(void **state)
{
    (void)state;
    static audio_decoder_t d;
    tune_t tune = tune_wav(s_samples, 100, RATE, 2, 16);
    static const struct {
        unsigned at;
        uint8_t value;
        esp_err_t error;
    } changes[] = {
        {0, 'X', ESP_ERR_NOT_SUPPORTED},      // no RIFF
        {8, 'X', ESP_ERR_NOT_SUPPORTED},      // no WAVE
        {20, 3, ESP_ERR_NOT_SUPPORTED},       // floating point
        {22, 3, ESP_ERR_NOT_SUPPORTED},       // channels
        {22, 0, ESP_ERR_NOT_SUPPORTED},       //
        {26, 9, ESP_ERR_NOT_SUPPORTED},       // 600 kHz
        {34, 12, ESP_ERR_NOT_SUPPORTED},      // bits
        {32, 3, ESP_ERR_INVALID_RESPONSE},    // bytes of a frame
        {12, 'X', ESP_ERR_INVALID_RESPONSE},  // data before a format
        {16, 15, ESP_ERR_INVALID_RESPONSE},   // a format cut short
        {36, 'X', ESP_ERR_INVALID_RESPONSE},  // no data
        {19, 0xFF, ESP_ERR_INVALID_RESPONSE}, // a chunk longer than the file
    };
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        const uint8_t was = tune.data[changes[i].at];
        tune.data[changes[i].at] = changes[i].value;
        assert_int_equal(open_tune(&d, &tune), changes[i].error);
        tune.data[changes[i].at] = was;
    }
    tune.data[43] = 0xFF; // more data than the file has: as recorders leave it that are ended
    assert_int_equal(open_tune(&d, &tune), ESP_OK);
    assert_int_equal(d.info.frames, 100);
    audio_decoder_close(&d);
    tune.size = 3;
    assert_int_equal(open_tune(&d, &tune), ESP_ERR_NOT_SUPPORTED);
    free(tune.data);
}

/** Whatever there is: it ends, and gives no more than it said. */
static void swallow(tune_t *tune)
{
    static audio_decoder_t d;
    audio_frame_t frames[256];
    size_t count = 0;
    size_t got = 1;
    esp_err_t ret = open_tune(&d, tune);
    if (ret != ESP_OK) {
        return;
    }
    while (ret == ESP_OK && got != 0 && count < 100000) {
        ret = audio_decoder_read(&d, frames, 256, &got);
        count += got;
    }
    assert_true(d.info.format == AUDIO_FORMAT_FLAC || count <= d.info.frames);
    (void)audio_decoder_seek(&d, 333);
    (void)audio_decoder_read(&d, frames, 256, &got);
    audio_decoder_close(&d);
}

static void damage(tune_t tune)
{
    const size_t whole = tune.size;
    const size_t head = whole < 100 ? whole : 100;
    for (size_t at = 0; at < head; at++) {
        static const uint8_t values[] = {0, 1, 0x7F, 0x80, 0xFF};
        const uint8_t was = tune.data[at];
        for (size_t i = 0; i < sizeof(values); i++) {
            tune.data[at] = values[i];
            swallow(&tune);
        }
        tune.data[at] = was;
    }
    for (size_t size = 0; size < whole; size += size < head ? 1 : 997) { // cut off
        tune_t cut = {malloc(size != 0 ? size : 1), size};               // so that ASan sees it
        KTEST_CHECK(cut.data != NULL);
        memcpy(cut.data, tune.data, size);
        swallow(&cut);
        free(cut.data);
    }
    for (size_t at = head; at < whole; at += 101) {
        tune.data[at] ^= 0xFF;
    }
    swallow(&tune);
    free(tune.data);
}

static void damage_costs_an_error_at_most(void **state)
{
    (void)state;
    damage(tune_wav(s_samples, 2000, RATE, 2, 16));
    damage(tune_wav(s_samples, 2000, RATE, 1, 24));
    damage(tune_adpcm(s_samples, 2000, RATE, 2, 256));
    damage(tune_flac(s_samples, 2000, RATE, 2));
}

static void reading_fails(void **state)
{
    (void)state;
    static audio_decoder_t d;
    tune_t tunes[] = {tune_wav(s_samples, FRAMES, RATE, 2, 16),
                      tune_adpcm(s_samples, FRAMES, RATE, 2, 256),
                      tune_flac(s_samples, FRAMES, RATE, 2)};
    for (size_t i = 0; i < 3; i++) {
        audio_frame_t frames[64];
        size_t got = 1;
        assert_int_equal(open_tune(&d, &tunes[i]), ESP_OK);
        const size_t size = tunes[i].size;
        tunes[i].size = 4096 < size ? 4096 : size - 100; // the file has become shorter
        d.reader.source.size = (uint32_t)tunes[i].size;
        esp_err_t ret = ESP_OK;
        for (int n = 0; n < 1000 && ret == ESP_OK && got != 0; n++) {
            ret = audio_decoder_read(&d, frames, 64, &got);
        }
        assert_true(ret == ESP_ERR_INVALID_RESPONSE || d.info.format == AUDIO_FORMAT_FLAC);
        audio_decoder_close(&d);
        free(tunes[i].data);
    }
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(pcm_is_read_as_it_was_written),
        cmocka_unit_test(adpcm_is_close_to_what_was_written),
        cmocka_unit_test(adpcm_by_hand),
        cmocka_unit_test(adpcm_has_the_standard_s_steps),
        cmocka_unit_test(flac_is_read_as_it_was_written),
        cmocka_unit_test(what_is_not_read_is_named),
        cmocka_unit_test(damage_costs_an_error_at_most),
        cmocka_unit_test(reading_fails),
    };
    s_samples = tune_sine(FRAMES, 20000, 440, RATE);
    return KTEST_MAIN(argc, argv, tests);
}
