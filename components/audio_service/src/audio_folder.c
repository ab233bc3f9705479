/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Folders. A file system gives names in any order; the first ones behind a given one are picked in
 * one pass, so that a long folder costs no memory.
 */
#include "audio_app/audio_track.h"

#include <string.h>

#include "audio_internal.h"

typedef struct {
    const audio_entry_t *after;
    audio_entry_t *entries; /* in order */
    size_t room;
    size_t count;
} pick_t;

static int lower(char letter)
{
    return letter >= 'A' && letter <= 'Z' ? letter - 'A' + 'a' : (uint8_t)letter;
}

/** Names that differ in nothing but the case of letters are still two. */
static int compare_names(const char *a, const char *b)
{
    size_t i = 0;
    while (a[i] != '\0' && lower(a[i]) == lower(b[i])) {
        i++;
    }
    const int difference = lower(a[i]) - lower(b[i]);
    return difference != 0 ? difference : strcmp(a, b);
}

static int compare(const char *name, bool is_folder, const audio_entry_t *with)
{
    return is_folder != with->is_folder ? (is_folder ? -1 : 1) : compare_names(name, with->name);
}

static bool may_hold_sound(const char *name)
{
    static const char *const endings[] = {".wav", ".flac"};
    const size_t length = strlen(name);
    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
        const size_t ending = strlen(endings[i]);
        size_t same = 0;
        while (length > ending && same < ending &&
               lower(name[length - ending + same]) == endings[i][same]) {
            same++;
        }
        if (same == ending) {
            return true;
        }
    }
    return false;
}

static void pick(void *arg, const char *name, bool is_folder)
{
    pick_t *p = arg;
    const size_t length = strlen(name);
    if (name[0] == '.' || length == 0 || length > AUDIO_NAME_MAX ||
        (!is_folder && !may_hold_sound(name)) ||
        (p->after != NULL && compare(name, is_folder, p->after) <= 0)) {
        return;
    }
    size_t at = p->count;
    while (at > 0 && compare(name, is_folder, &p->entries[at - 1]) < 0) {
        at--;
    }
    if (at == p->room || (at > 0 && compare(name, is_folder, &p->entries[at - 1]) == 0)) {
        return;
    }
    const size_t moved = p->count < p->room ? p->count - at : p->count - at - 1;
    memmove(p->entries + at + 1, p->entries + at, moved * sizeof(p->entries[0]));
    memset(&p->entries[at], 0, sizeof(p->entries[at]));
    memcpy(p->entries[at].name, name, length + 1);
    p->entries[at].is_folder = is_folder;
    p->count += p->count < p->room;
}

esp_err_t audio_folder_list(const char *folder, const audio_entry_t *after, audio_entry_t *entries,
                            size_t *count)
{
    if (folder == NULL || entries == NULL || count == NULL || *count == 0 ||
        !audio_path_valid(folder)) {
        return ESP_ERR_INVALID_ARG;
    }
    /* What is behind it is compared while entries are written, and may be one of them. */
    const audio_entry_t last = after != NULL ? *after : (audio_entry_t){0};
    pick_t p = {.after = after != NULL ? &last : NULL, .entries = entries, .room = *count};
    const esp_err_t ret = audio_link_each_file(folder, pick, &p);
    *count = p.count;
    return ret;
}
