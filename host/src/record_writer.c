// SPDX-License-Identifier: Apache-2.0

// Writes a recording, a chunk at a time with one write(), so that a crash costs what was not yet
// written and nothing that was. The caller holds the recorder's lock.

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "esp_rom_crc.h"
#include "record_format.h"

static int s_fd = -1;
static uint32_t s_index; // of the chunk that is being filled
static uint8_t s_chunk[RECORD_CHUNK_HEAD + RECORD_CHUNK_MAX];
static size_t s_length; // of its payload
static uint64_t s_time; // of its last record

_Static_assert(RECORD_CHUNK_FULL + RECORD_ROOM(RECORD_BYTES_MAX) <= RECORD_CHUNK_MAX,
               "a record fits into a chunk that is not full");

static char s_error[128];

static const char *cannot(const char *what)
{
    snprintf(s_error, sizeof(s_error), "cannot %s: %s", what, strerror(errno));
    if (s_fd >= 0) {
        close(s_fd);
        s_fd = -1;
    }
    return s_error;
}

/** Goes behind the last whole chunk; @return NULL, or what is wrong */
static const char *find_end(void)
{
    uint8_t head[RECORD_HEADER];
    struct stat info;
    off_t at = RECORD_HEADER;
    if (fstat(s_fd, &info) != 0 || pread(s_fd, head, sizeof(head), 0) != (ssize_t)sizeof(head) ||
        record_header_check(head) != HEADER_FINE) {
        errno = EINVAL;
        return cannot("go on with the recording of the boot before");
    }
    while (pread(s_fd, head, RECORD_CHUNK_HEAD, at) == (ssize_t)RECORD_CHUNK_HEAD &&
           record_get32(head) == RECORD_CHUNK_MAGIC &&
           at + (off_t)RECORD_CHUNK_HEAD + (off_t)record_get32(head + 4) <= info.st_size) {
        at += (off_t)RECORD_CHUNK_HEAD + (off_t)record_get32(head + 4);
        s_index++;
    }
    return ftruncate(s_fd, at) != 0 || lseek(s_fd, at, SEEK_SET) < 0 ? cannot("go on recording")
                                                                     : NULL;
}

const char *record_writer_open(const char *path, bool more)
{
    uint8_t header[RECORD_HEADER];
    s_index = 0;
    s_length = 0;
    s_time = 0;
    s_fd = open(path, more ? O_RDWR | O_CLOEXEC : O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (s_fd < 0) {
        return cannot("open it");
    }
    if (more) {
        return find_end();
    }
    record_header_make(header);
    return write(s_fd, header, sizeof(header)) == (ssize_t)sizeof(header) ? NULL : cannot("write");
}

void record_writer_flush(void)
{
    if (s_length == 0 || s_fd < 0) {
        return;
    }
    record_put32(s_chunk, RECORD_CHUNK_MAGIC);
    record_put32(s_chunk + 4, (uint32_t)s_length);
    record_put32(s_chunk + 8, s_index);
    record_put32(s_chunk + 12,
                 esp_rom_crc32_le(0, s_chunk + RECORD_CHUNK_HEAD, (uint32_t)s_length));
    record_put32(s_chunk + 16, esp_rom_crc32_le(0, s_chunk, 16));
    size_t left = RECORD_CHUNK_HEAD + s_length;
    const uint8_t *from = s_chunk;
    while (left > 0) {
        const ssize_t n = write(s_fd, from, left);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) { // the disk is full: what is there can be used, the run goes on
            fprintf(stderr, "host: the recording ends here: %s\n", cannot("write"));
            return;
        }
        from += n;
        left -= (size_t)n;
    }
    s_index++;
    s_length = 0;
    s_time = 0;
}

void record_writer_add(const record_t *r)
{
    if (s_fd < 0) {
        return;
    }
    s_length += record_encode(r, s_time, s_chunk + RECORD_CHUNK_HEAD + s_length);
    s_time = r->time_us;
    if (s_length >= RECORD_CHUNK_FULL) {
        record_writer_flush();
    }
}
