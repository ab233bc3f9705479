/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The folder "drop" beside the board's flash. A file that is still being written is left alone: a
 * package is taken once nobody has changed it for a moment. Not in a simulated board, nor in a run
 * that is recorded or replayed: whatever happens there must happen again.
 */
#include "drop_backend.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "host_control.h"
#include "host_record.h"

#define ENDING     ".kapp"
#define REFUSED    ".refused"
#define SETTLED_MS 500
#define PERIOD_MS  500

static bool folder(char path[DROP_PATH_MAX + 1])
{
    const char *state = host_config()->state_dir;
    return state != NULL && !host_recording() &&
           snprintf(path, DROP_PATH_MAX + 1, "%s/drop", state) <= (int)DROP_PATH_MAX;
}

static bool is_settled(const char *path)
{
    struct stat info;
    struct timespec now;
    if (stat(path, &info) != 0 || !S_ISREG(info.st_mode) ||
        clock_gettime(CLOCK_REALTIME, &now) != 0) {
        return false;
    }
    const long long age_ms = (now.tv_sec - info.st_mtim.tv_sec) * 1000LL +
                             (now.tv_nsec - info.st_mtim.tv_nsec) / 1000000;
    return age_ms >= SETTLED_MS || age_ms < 0; /* a file of the future was not written now */
}

static bool has_ending(const char *name)
{
    const size_t length = strlen(name);
    return length > strlen(ENDING) && strcmp(name + length - strlen(ENDING), ENDING) == 0;
}

bool drop_backend_next(char path[DROP_PATH_MAX + 1])
{
    char dir[DROP_PATH_MAX + 1];
    char first[DROP_PATH_MAX + 1] = "";
    const struct dirent *entry;
    if (!folder(dir)) {
        return false;
    }
    (void)mkdir(dir, 0777); /* there already is the usual case */
    DIR *open_dir = opendir(dir);
    while (open_dir != NULL && (entry = readdir(open_dir)) != NULL) {
        const int length = snprintf(path, DROP_PATH_MAX + 1, "%s/%s", dir, entry->d_name);
        if (length <= (int)(DROP_PATH_MAX - strlen(REFUSED)) && has_ending(entry->d_name) &&
            is_settled(path) && (first[0] == '\0' || strcmp(path, first) < 0)) {
            memcpy(first, path, sizeof(first));
        }
    }
    if (open_dir != NULL) {
        (void)closedir(open_dir);
    }
    memcpy(path, first, sizeof(first));
    return first[0] != '\0';
}

bool drop_backend_done(const char *path, esp_err_t ret)
{
    char aside[DROP_PATH_MAX + 1];
    (void)snprintf(aside, sizeof(aside), "%s%s", path, REFUSED);
    return ret != ESP_OK ? rename(path, aside) == 0 : unlink(path) == 0;
}

uint32_t drop_backend_period_ms(void)
{
    char dir[DROP_PATH_MAX + 1];
    return host_sched() == HOST_SCHED_THREADS && folder(dir) ? PERIOD_MS : 0;
}
