/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whatever file system is mounted at CONFIG_AUDIO_MEDIA_PATH, through ESP-IDF's VFS: a memory card,
 * or a partition. Without one nothing is found.
 */
#include "media_backend.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sdkconfig.h"

#include "audio_app/audio_track.h"
#include "media_card.h"

#define ROOT           CONFIG_AUDIO_MEDIA_PATH
#define PATH_MAX_BYTES (sizeof(ROOT) + 1 + AUDIO_PATH_MAX + 1 + AUDIO_NAME_MAX)

static esp_err_t result(int error)
{
    return error == ENOENT || error == ENOTDIR || error == ENODEV ? ESP_ERR_NOT_FOUND : ESP_FAIL;
}

static bool place(char *out, const char *path)
{
    const int length = snprintf(out, PATH_MAX_BYTES, path[0] != '\0' ? "%s/%s" : "%s", ROOT, path);
    return length > 0 && length < (int)PATH_MAX_BYTES;
}

static esp_err_t do_each(const char *folder, media_visit_t visit, void *arg)
{
    char full[PATH_MAX_BYTES];
    const struct dirent *entry;
    if (!place(full, folder)) {
        return ESP_ERR_NOT_FOUND;
    }
    DIR *dir = opendir(full);
    if (dir == NULL) {
        return result(errno);
    }
    while ((entry = readdir(dir)) != NULL) {
        visit(arg, entry->d_name, entry->d_type == DT_DIR);
    }
    (void)closedir(dir);
    return ESP_OK;
}

static esp_err_t do_size(const char *path, uint32_t *size)
{
    char full[PATH_MAX_BYTES];
    struct stat info;
    if (!place(full, path)) {
        return ESP_ERR_NOT_FOUND;
    }
    if (stat(full, &info) != 0) {
        return result(errno);
    }
    if (!S_ISREG(info.st_mode)) {
        return ESP_ERR_NOT_FOUND;
    }
    *size = (uint32_t)info.st_size; /* FAT holds less than 4 GB a file */
    return ESP_OK;
}

static esp_err_t do_read(const char *path, uint32_t offset, void *to, size_t *size)
{
    char full[PATH_MAX_BYTES];
    if (!place(full, path)) {
        return ESP_ERR_NOT_FOUND;
    }
    const int file = open(full, O_RDONLY);
    if (file < 0) {
        return result(errno);
    }
    ssize_t got = lseek(file, (off_t)offset, SEEK_SET) < 0 ? -1 : read(file, to, *size);
    *size = got > 0 ? (size_t)got : 0;
    (void)close(file);
    return got < 0 ? ESP_FAIL : ESP_OK;
}

/* ---- the seam: while the card stays as it is ---------------------------------------------------
 */

esp_err_t media_backend_each(const char *folder, media_visit_t visit, void *arg)
{
    media_card_take();
    const esp_err_t ret = do_each(folder, visit, arg);
    media_card_give();
    return ret;
}

esp_err_t media_backend_size(const char *path, uint32_t *size)
{
    media_card_take();
    const esp_err_t ret = do_size(path, size);
    media_card_give();
    return ret;
}

esp_err_t media_backend_read(const char *path, uint32_t offset, void *to, size_t *size)
{
    media_card_take();
    const esp_err_t ret = do_read(path, offset, to, size);
    media_card_give();
    return ret;
}
