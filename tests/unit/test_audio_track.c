// SPDX-License-Identifier: Apache-2.0

// Folders and files as an app sees them: in order, in parts, and nothing from outside.

#include <stdlib.h>
#include <string.h>

#include "audio_app/audio_track.h"
#include "host_media.h"
#include "ktest.h"
#include "tunes.h"

static tune_t s_tune;

static const char *const s_paths[] = {
    "b.wav",       "A.WAV",           "notes.txt", ".hidden.wav", "c.flac", "Sub/one.wav",
    "Sub/two.wav", "sub2/deep/x.wav", "a.wav",     "wav",         ".wav",
};

static void fill_card(void)
{
    for (size_t i = 0; i < sizeof(s_paths) / sizeof(s_paths[0]); i++) {
        assert_true(host_media_put(s_paths[i], s_tune.data, s_tune.size));
    }
}

static void folders_first_and_all_by_name(void **state)
{
    (void)state;
    static const char *const expected[] = {"Sub", "sub2", "A.WAV", "a.wav", "b.wav", "c.flac"};
    audio_entry_t entries[10];
    size_t count = 10;
    assert_int_equal(audio_folder_list("", NULL, entries, &count), ESP_OK);
    assert_int_equal(count, 6);
    for (size_t i = 0; i < 6; i++) {
        assert_string_equal(entries[i].name, expected[i]);
        assert_int_equal(entries[i].is_folder, i < 2);
    }
    // The same in parts, each behind the last one of the part before.
    for (size_t room = 1; room <= 4; room++) {
        size_t at = 0;
        do {
            count = room;
            assert_int_equal(
                audio_folder_list("", at != 0 ? &entries[(at - 1) % room] : NULL, entries, &count),
                ESP_OK);
            for (size_t i = 0; i < count; i++, at++) {
                assert_true(at < 6);
                assert_string_equal(entries[i].name, expected[at]);
            }
            if (count == room && at % room != 0) {
                break;
            }
        } while (count == room);
        assert_int_equal(at, 6);
    }
    count = 10;
    assert_int_equal(audio_folder_list("Sub", NULL, entries, &count), ESP_OK);
    assert_int_equal(count, 2);
    assert_string_equal(entries[1].name, "two.wav");
    count = 10;
    assert_int_equal(audio_folder_list("sub2", NULL, entries, &count), ESP_OK);
    assert_int_equal(count, 1);
    assert_true(entries[0].is_folder);
}

static void paths_lead_nowhere_else(void **state)
{
    (void)state;
    static const char *const wrong[] = {"/b.wav", "../b.wav", "Sub/../b.wav", "Sub//one.wav",
                                        ".",      "./b.wav",  "Sub/",         ".."};
    char longest[AUDIO_PATH_MAX + 2];
    audio_track_t *track = NULL;
    audio_entry_t entry;
    size_t count = 1;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(audio_track_open(wrong[i], &track), ESP_ERR_INVALID_ARG);
        assert_int_equal(audio_folder_list(wrong[i], NULL, &entry, &count), ESP_ERR_INVALID_ARG);
    }
    memset(longest, 'x', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    assert_int_equal(audio_track_open(longest, &track), ESP_ERR_INVALID_ARG);
    longest[AUDIO_PATH_MAX] = '\0';
    assert_int_equal(audio_track_open(longest, &track), ESP_ERR_NOT_FOUND);
    assert_int_equal(audio_track_open("", &track), ESP_ERR_INVALID_ARG);
    assert_int_equal(audio_track_open(NULL, &track), ESP_ERR_INVALID_ARG);
    assert_int_equal(audio_track_open("b.wav", NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(audio_track_open("no.wav", &track), ESP_ERR_NOT_FOUND);
    assert_int_equal(audio_folder_list("no", NULL, &entry, &count), ESP_ERR_NOT_FOUND);
    count = 0;
    assert_int_equal(audio_folder_list("", NULL, &entry, &count), ESP_ERR_INVALID_ARG);
}

static void a_track_is_read(void **state)
{
    (void)state;
    audio_track_t *track;
    audio_track_info_t info;
    audio_frame_t frames[64];
    size_t got;
    assert_int_equal(audio_track_open("Sub/one.wav", &track), ESP_OK);
    audio_track_get_info(track, &info);
    assert_int_equal(info.frames, 1000);
    assert_int_equal(audio_track_seek(track, 990), ESP_OK);
    assert_int_equal(audio_track_read(track, frames, 64, &got), ESP_OK);
    assert_int_equal(got, 10);
    assert_int_equal(audio_track_position(track), 1000);
    assert_int_equal(audio_track_read(track, frames, 64, &got), ESP_OK);
    assert_int_equal(got, 0);
    host_media_clear(); // the card is pulled out
    assert_int_equal(audio_track_seek(track, 0), ESP_OK);
    assert_int_equal(audio_track_read(track, NULL, 1, &got), ESP_ERR_INVALID_ARG);
    audio_track_t *other;
    assert_int_equal(audio_track_open("b.wav", &other), ESP_ERR_NOT_FOUND);
    audio_entry_t entry;
    size_t count = 1;
    assert_int_equal(audio_folder_list("", NULL, &entry, &count), ESP_ERR_NOT_FOUND);
    audio_track_close(track);
    audio_track_close(NULL);
    fill_card();
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(folders_first_and_all_by_name),
        cmocka_unit_test(paths_lead_nowhere_else),
        cmocka_unit_test(a_track_is_read),
    };
    int16_t *samples = tune_sine(1000, 10000, 440, 8000);
    s_tune = tune_wav(samples, 1000, 8000, 1, 16);
    free(samples);
    fill_card();
    return KTEST_MAIN(argc, argv, tests);
}
