/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "music.h"

/** In a folder the first row leads out of it. */
static unsigned rows_above(const music_list_t *list)
{
    return list->folder[0] != '\0' ? 1 : 0;
}

static bool join(char out[AUDIO_PATH_MAX + 1], const char *folder, const char *name)
{
    const int length =
        snprintf(out, AUDIO_PATH_MAX + 1, "%s%s%s", folder, folder[0] != '\0' ? "/" : "", name);
    return length > 0 && length <= (int)AUDIO_PATH_MAX;
}

/** A text of which only the beginning may fit. */
static void copy(char *to, size_t size, const char *from)
{
    const size_t length = strnlen(from, size - 1);
    memcpy(to, from, length);
    to[length] = '\0';
}

static const char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

static void folder_of(const char *path, char folder[AUDIO_PATH_MAX + 1])
{
    const size_t length = (size_t)(name_of(path) - path);
    memcpy(folder, path, length);
    folder[length != 0 ? length - 1 : 0] = '\0';
}

void music_list_title(const char *path, char title[MUSIC_TITLE])
{
    copy(title, MUSIC_TITLE, name_of(path));
    char *dot = strrchr(title, '.');
    if (dot != NULL && dot != title) {
        *dot = '\0';
    }
}

static void describe_row(void *arg, unsigned index, display_list_row_t *row)
{
    static char s_title[MUSIC_TITLE]; /* one row is drawn at a time */
    const music_list_t *list = arg;
    const unsigned above = rows_above(list);
    char path[AUDIO_PATH_MAX + 1];
    if (index < above) {
        row->title = "Back";
        row->badge = DISPLAY_COLOR_RAISED;
        return;
    }
    const audio_entry_t *entry = &list->entries[index - above];
    if (entry->is_folder) {
        row->title = entry->name;
        row->badge = DISPLAY_COLOR_WARNING;
        return;
    }
    music_list_title(entry->name, s_title);
    row->title = s_title;
    row->badge = DISPLAY_COLOR_ACCENT;
    if (join(path, list->folder, entry->name) && strcmp(path, list->playing) == 0) {
        row->mark = "now";
        row->mark_color = DISPLAY_COLOR_GOOD;
    }
}

void music_list_open(music_list_t *list, const char *folder, const char *selected)
{
    size_t count = MUSIC_ENTRIES;
    int row = 0;
    if (folder != list->folder) {
        copy(list->folder, sizeof(list->folder), folder);
    }
    list->error = audio_folder_list(list->folder, NULL, list->entries, &count);
    list->count = list->error == ESP_OK ? (unsigned)count : 0;
    for (unsigned i = 0; selected != NULL && i < list->count; i++) {
        if (strcmp(list->entries[i].name, selected) == 0) {
            row = (int)(i + rows_above(list));
        }
    }
    list->list.count = (uint16_t)(list->count + rows_above(list));
    list->list.row = describe_row;
    list->list.arg = list;
    list->list.first = 0;
    display_list_select(&list->list, list->list.count != 0 ? row : -1);
}

void music_list_up(music_list_t *list)
{
    char folder[AUDIO_PATH_MAX + 1];
    char name[AUDIO_NAME_MAX + 1];
    if (list->folder[0] != '\0') {
        copy(name, sizeof(name), name_of(list->folder));
        folder_of(list->folder, folder);
        music_list_open(list, folder, name);
    }
}

void music_list_enter(music_list_t *list, int row, char path[AUDIO_PATH_MAX + 1])
{
    const int above = (int)rows_above(list);
    path[0] = '\0';
    if (row < 0 || row >= (int)list->list.count) {
        return;
    }
    display_list_select(&list->list, row);
    if (row < above) {
        music_list_up(list);
        return;
    }
    const audio_entry_t *entry = &list->entries[row - above];
    char whole[AUDIO_PATH_MAX + 1];
    if (!join(whole, list->folder, entry->name)) {
        return;
    }
    if (entry->is_folder) {
        music_list_open(list, whole, NULL);
    } else {
        memcpy(path, whole, sizeof(whole));
    }
}

void music_list_show(music_list_t *list, const char *path)
{
    char folder[AUDIO_PATH_MAX + 1];
    folder_of(path, folder);
    music_list_open(list, folder, name_of(path));
}

bool music_list_neighbour(const music_list_t *list, int step, char path[AUDIO_PATH_MAX + 1])
{
    char folder[AUDIO_PATH_MAX + 1];
    audio_entry_t here = {0};
    folder_of(list->playing, folder);
    if (list->playing[0] == '\0') {
        return false;
    }
    if (step > 0) { /* whatever is on the screen: the folder is asked again */
        size_t count = 1;
        copy(here.name, sizeof(here.name), name_of(list->playing));
        return audio_folder_list(folder, &here, &here, &count) == ESP_OK && count == 1 &&
               !here.is_folder && join(path, folder, here.name);
    }
    /* Backwards: the last one that comes before. */
    audio_entry_t entry = {0};
    bool found = false;
    for (bool first = true;; first = false) {
        size_t count = 1;
        if (audio_folder_list(folder, first ? NULL : &entry, &entry, &count) != ESP_OK ||
            count == 0 || strcmp(entry.name, name_of(list->playing)) == 0) {
            break;
        }
        if (!entry.is_folder) {
            here = entry;
            found = true;
        }
    }
    return found && join(path, folder, here.name);
}
