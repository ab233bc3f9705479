// SPDX-License-Identifier: Apache-2.0

#include "host_media.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *s_folder; // written before the board boots

// Each is complete before the count says that it is there.
static struct {
    const char *path;
    const void *data;
    size_t size;
} s_files[HOST_MEDIA_FILES];
static _Atomic unsigned s_count;

void host_media_set_folder(const char *path)
{
    s_folder = path;
}

bool host_media_put(const char *path, const void *data, size_t size)
{
    const unsigned at = atomic_load(&s_count);
    if (at == HOST_MEDIA_FILES) {
        return false;
    }
    s_files[at].path = path;
    s_files[at].data = data;
    s_files[at].size = size;
    atomic_store(&s_count, at + 1);
    return true;
}

void host_media_clear(void)
{
    atomic_store(&s_count, 0);
}

/* ---- made-up files ---- */

static int find(const char *path)
{
    const unsigned count = atomic_load(&s_count);
    for (unsigned i = 0; i < count; i++) {
        if (strcmp(s_files[i].path, path) == 0) {
            return (int)i;
        }
    }
    return -1;
}

static int each_made_up(const char *folder,
                        void (*visit)(void *arg, const char *name, bool is_folder), void *arg)
{
    const size_t length = strlen(folder);
    const unsigned count = atomic_load(&s_count);
    bool found = length == 0;
    for (unsigned i = 0; i < count; i++) {
        char name[NAME_MAX + 1];
        const char *path = s_files[i].path;
        if (length != 0 && (strncmp(path, folder, length) != 0 || path[length] != '/')) {
            continue;
        }
        found = true;
        path += length != 0 ? length + 1 : 0;
        const size_t part = strcspn(path, "/");
        snprintf(name, sizeof(name), "%.*s", (int)part, path);
        visit(arg, name, path[part] == '/');
    }
    return found ? 0 : ENOENT;
}

/* ---- the folder ---- */

static int place(char out[PATH_MAX], const char *path)
{
    if (s_folder == NULL) {
        return ENOENT;
    }
    return snprintf(out, PATH_MAX, "%s/%s", s_folder, path) < PATH_MAX ? 0 : ENOENT;
}

static bool is_folder(int dir, const char *name)
{
    struct stat info;
    return fstatat(dir, name, &info, 0) == 0 && S_ISDIR(info.st_mode);
}

int host_media_each(const char *folder, void (*visit)(void *arg, const char *name, bool is_folder),
                    void *arg)
{
    char full[PATH_MAX];
    const struct dirent *entry;
    if (atomic_load(&s_count) != 0) {
        return each_made_up(folder, visit, arg);
    }
    if (place(full, folder) != 0) {
        return ENOENT;
    }
    DIR *dir = opendir(full);
    if (dir == NULL) {
        return errno;
    }
    while ((entry = readdir(dir)) != NULL) {
        visit(arg, entry->d_name, is_folder(dirfd(dir), entry->d_name));
    }
    return closedir(dir) == 0 ? 0 : errno;
}

int host_media_size(const char *path, uint32_t *size)
{
    char full[PATH_MAX];
    struct stat info;
    if (atomic_load(&s_count) != 0) {
        const int at = find(path);
        *size = at >= 0 ? (uint32_t)s_files[at].size : 0;
        return at >= 0 ? 0 : ENOENT;
    }
    if (place(full, path) != 0) {
        return ENOENT;
    }
    if (stat(full, &info) != 0) {
        return errno;
    }
    if (!S_ISREG(info.st_mode)) {
        return ENOENT;
    }
    if ((uint64_t)info.st_size > UINT32_MAX) {
        return EFBIG;
    }
    *size = (uint32_t)info.st_size;
    return 0;
}

static int read_made_up(const char *path, uint32_t offset, void *to, size_t *size)
{
    const int at = find(path);
    if (at < 0) {
        return ENOENT;
    }
    const size_t left = offset < s_files[at].size ? s_files[at].size - offset : 0;
    *size = *size < left ? *size : left;
    if (*size != 0) {
        memcpy(to, (const uint8_t *)s_files[at].data + offset, *size);
    }
    return 0;
}

int host_media_read(const char *path, uint32_t offset, void *to, size_t *size)
{
    char full[PATH_MAX];
    if (atomic_load(&s_count) != 0) {
        return read_made_up(path, offset, to, size);
    }
    if (place(full, path) != 0) {
        return ENOENT;
    }
    const int file = open(full, O_RDONLY | O_CLOEXEC | O_NONBLOCK); // a pipe would wait for ever
    if (file < 0) {
        return errno;
    }
    const ssize_t got = pread(file, to, *size, (off_t)offset);
    const int error = got < 0 ? errno : 0;
    *size = got > 0 ? (size_t)got : 0;
    (void)close(file);
    return error;
}
