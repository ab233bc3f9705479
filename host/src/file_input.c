// SPDX-License-Identifier: Apache-2.0

// Files of the PC that the board's tasks read: for a recording they come from outside. Their name,
// size and checksum are noted, so a replay notices that it reads something else. The program's
// linker puts this before the C library's call (host/cmake/idf_component.cmake).

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "esp_rom_crc.h"
#include "host_internal.h"
#include "record.h"
#include "record_format.h"

#define PIECE 4096

FILE *__real_fopen(const char *path, const char *mode);
FILE *__wrap_fopen(const char *path, const char *mode);

static void note(const char *path)
{
    uint8_t piece[PIECE];
    char text[RECORD_BYTES_MAX / 2];
    unsigned long long size = 0;
    uint32_t crc = 0;
    ssize_t n = -1;
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    while (fd >= 0 && (n = read(fd, piece, sizeof(piece))) > 0) {
        crc = esp_rom_crc32_le(crc, piece, (uint32_t)n);
        size += (unsigned long long)n;
    }
    if (fd >= 0) {
        close(fd);
    }
    const int length = n < 0 ? snprintf(text, sizeof(text), "%s: cannot be read", path)
                             : snprintf(text, sizeof(text), "%s: %llu bytes, CRC-32 %08lx", path,
                                        size, (unsigned long)crc);
    host_input_note("files", text,
                    (uint32_t)length < sizeof(text) ? (uint32_t)length : sizeof(text) - 1);
}

FILE *__wrap_fopen(const char *path, const char *mode)
{
    if (g_recorder != RECORDER_OFF && host_in_task() && mode[0] == 'r') {
        note(path);
    }
    return __real_fopen(path, mode);
}
