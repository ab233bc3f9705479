// SPDX-License-Identifier: Apache-2.0

// Reads a recording. All of it is checked before the first record is used, so a recording is either
// good up to its end, good up to where it was cut, or refused with the place that is wrong.

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "esp_rom_crc.h"
#include "record_format.h"

static const uint8_t *s_file;
static size_t s_size;
static size_t s_end; // behind the last whole chunk
static bool s_cut;
static char s_error[160];

// where reading stands
static size_t s_at;        // of the next record; at a chunk's end: of the next chunk
static size_t s_chunk_end; // 0: not in a chunk
static uint64_t s_time;
static size_t s_offset; // of the record read last
static bool s_peeked;
static record_t s_next;
static bool s_has_next;

static const char *map_file(const char *path)
{
    struct stat info;
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &info) != 0) {
        snprintf(s_error, sizeof(s_error), "%s", strerror(errno));
        return s_error;
    }
    if (!S_ISREG(info.st_mode) || (size_t)info.st_size < RECORD_HEADER) {
        close(fd);
        return "this is no recording";
    }
    void *file = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    if (file == MAP_FAILED) {
        snprintf(s_error, sizeof(s_error), "%s", strerror(errno));
        return s_error;
    }
    s_file = file;
    s_size = (size_t)info.st_size;
    return NULL;
}

static const char *check_header(bool any_build)
{
    switch (record_header_check(s_file)) {
    case HEADER_FINE:
        return NULL;
    case HEADER_VERSION:
        snprintf(s_error, sizeof(s_error),
                 "the recording has format %u, this program reads format %u",
                 (unsigned)(s_file[8] | s_file[9] << 8), RECORD_VERSION);
        return s_error;
    case HEADER_DAMAGED:
        return "damaged: the checksum of its first 64 bytes is wrong";
    case HEADER_OTHER_BUILD:
        if (any_build) {
            return NULL;
        }
        snprintf(s_error, sizeof(s_error),
                 "made by another build (flavour %.12s, %02x%02x%02x%02x): only the same program "
                 "does the same; --any-build tries it",
                 (const char *)s_file + 48, s_file[16], s_file[17], s_file[18], s_file[19]);
        return s_error;
    default:
        return "this is no recording";
    }
}

static const char *damaged(uint32_t index, size_t at, const char *what)
{
    snprintf(s_error, sizeof(s_error), "damaged: chunk %u, at byte %zu: %s", (unsigned)index, at,
             what);
    return s_error;
}

/** Do the bytes of a chunk consist of records? */
static bool is_whole(const uint8_t *from, size_t size)
{
    uint64_t time = 0;
    while (size > 0) {
        record_t r;
        const size_t n = record_decode(from, size, time, &r);
        if (n == 0) {
            return false;
        }
        time = r.time_us;
        from += n;
        size -= n;
    }
    return true;
}

static const char *check_chunks(void)
{
    uint32_t index = 0;
    s_end = RECORD_HEADER;
    while (s_end < s_size) {
        const uint8_t *head = s_file + s_end;
        const size_t left = s_size - s_end;
        if (left < RECORD_CHUNK_HEAD) {
            break;
        }
        const uint32_t length = record_get32(head + 4);
        if (record_get32(head) != RECORD_CHUNK_MAGIC ||
            record_get32(head + 16) != esp_rom_crc32_le(0, head, 16) || length > RECORD_CHUNK_MAX) {
            return damaged(index, s_end, "this is no head of a chunk");
        }
        if (record_get32(head + 8) != index) {
            return damaged(index, s_end, "chunks are missing");
        }
        if (left - RECORD_CHUNK_HEAD < length) {
            break;
        }
        if (record_get32(head + 12) != esp_rom_crc32_le(0, head + RECORD_CHUNK_HEAD, length)) {
            return damaged(index, s_end, "the checksum is wrong");
        }
        if (!is_whole(head + RECORD_CHUNK_HEAD, length)) {
            return damaged(index, s_end, "it holds what is no record");
        }
        s_end += RECORD_CHUNK_HEAD + length;
        index++;
    }
    return NULL;
}

static void rewind_all(void)
{
    s_at = RECORD_HEADER;
    s_chunk_end = 0;
    s_time = 0;
    s_peeked = false;
}

static bool read_next(record_t *r)
{
    if (s_at == s_chunk_end || s_chunk_end == 0) {
        if (s_at >= s_end) {
            return false;
        }
        const uint32_t length = record_get32(s_file + s_at + 4);
        s_at += RECORD_CHUNK_HEAD;
        s_chunk_end = s_at + length;
        s_time = 0;
    }
    s_offset = s_at;
    s_at += record_decode(s_file + s_at, s_chunk_end - s_at, s_time, r);
    s_time = r->time_us;
    return true;
}

bool record_reader_peek(record_t *r)
{
    if (!s_peeked) {
        s_has_next = read_next(&s_next);
        s_peeked = true;
    }
    if (s_has_next) {
        *r = s_next;
    }
    return s_has_next;
}

bool record_reader_next(record_t *r)
{
    const bool there = record_reader_peek(r);
    s_peeked = false;
    if (there) {
        record_text_learn(r);
    }
    return there;
}

bool record_reader_seek(uint64_t boot)
{
    record_t r;
    rewind_all();
    while (record_reader_peek(&r)) {
        if (r.kind == RECORD_BOOT && r.value[BOOT_NUMBER] == boot) {
            return true;
        }
        (void)record_reader_next(&r);
    }
    return false;
}

const char *record_reader_open(const char *path, bool any_build)
{
    record_t r = {0};
    const char *wrong = map_file(path);
    wrong = wrong == NULL ? check_header(any_build) : wrong;
    wrong = wrong == NULL ? check_chunks() : wrong;
    if (wrong != NULL) {
        return wrong;
    }
    rewind_all();
    while (read_next(&r)) {
    }
    s_cut = r.kind != RECORD_END || r.value[END_HOW] != END_EXIT;
    rewind_all();
    return record_reader_peek(&r) && r.kind == RECORD_BOOT ? NULL : "it holds no boot";
}

bool record_reader_is_cut(void)
{
    return s_cut;
}

size_t record_reader_offset(void)
{
    return s_offset;
}
