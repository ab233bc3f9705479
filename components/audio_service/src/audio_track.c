/* SPDX-License-Identifier: Apache-2.0 */
/* Files as tracks. Everything of a track is memory of whoever opened it, and no file stays open. */
#include "audio_app/audio_track.h"

#include <string.h>

#include "audio_decoder.h"
#include "audio_internal.h"
#include "system_service/memory_utils.h"

struct audio_track {
    audio_decoder_t decoder;
    char path[AUDIO_PATH_MAX + 1];
};

/* A part of a path has a name of its own: nothing leads out of the folder. */
bool audio_path_valid(const char *path)
{
    const size_t length = strnlen(path, AUDIO_PATH_MAX + 1);
    if (length > AUDIO_PATH_MAX) {
        return false;
    }
    for (size_t at = 0; at < length;) {
        const size_t part = strcspn(path + at, "/");
        if (part == 0 || (part <= 2 && strncmp(path + at, "..", part) == 0)) {
            return false;
        }
        at += part;
        if (path[at] == '/' && path[at + 1] == '\0') {
            return false;
        }
        at += path[at] == '/';
    }
    return true;
}

static esp_err_t read_file(void *arg, uint32_t offset, void *to, size_t *size)
{
    return audio_link_read_file(((const audio_track_t *)arg)->path, offset, to, size);
}

esp_err_t audio_track_open(const char *path, audio_track_t **track)
{
    if (path == NULL || track == NULL || !audio_path_valid(path) || path[0] == '\0') {
        return ESP_ERR_INVALID_ARG;
    }
    *track = NULL;
    audio_track_t *t = memory_alloc(sizeof(*t), MEMORY_PURPOSE_BIG);
    if (t == NULL) {
        return ESP_ERR_NO_MEM;
    }
    memcpy(t->path, path, strlen(path) + 1);
    audio_source_t source = {.read = read_file, .arg = t};
    esp_err_t ret = audio_link_file_size(path, &source.size);
    if (ret == ESP_OK) {
        ret = audio_decoder_open(&t->decoder, &source);
    }
    if (ret != ESP_OK) {
        (void)memory_free(t);
        return ret;
    }
    *track = t;
    return ESP_OK;
}

void audio_track_get_info(const audio_track_t *track, audio_track_info_t *info)
{
    *info = track->decoder.info;
}

esp_err_t audio_track_read(audio_track_t *track, audio_frame_t *frames, size_t count, size_t *got)
{
    if (track == NULL || got == NULL || (frames == NULL && count != 0)) {
        return ESP_ERR_INVALID_ARG;
    }
    return audio_decoder_read(&track->decoder, frames, count, got);
}

esp_err_t audio_track_seek(audio_track_t *track, uint32_t frame)
{
    return track != NULL ? audio_decoder_seek(&track->decoder, frame) : ESP_ERR_INVALID_ARG;
}

uint32_t audio_track_position(const audio_track_t *track)
{
    return track->decoder.position;
}

void audio_track_close(audio_track_t *track)
{
    if (track != NULL) {
        audio_decoder_close(&track->decoder);
        (void)memory_free(track);
    }
}
