// SPDX-License-Identifier: Apache-2.0
#include "tally.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define HANDED "KRAKEN_TALLY" /* the file, to the processes of the seeds */

void *tally_share(size_t size, bool *prints)
{
    const char *handed = getenv(HANDED);
    const int fd = handed != NULL ? atoi(handed) : memfd_create("tally", 0);
    void *at = MAP_FAILED;
    if (fd >= 0 && (handed != NULL || ftruncate(fd, (off_t)size) == 0)) {
        at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    }
    if (at == MAP_FAILED) {
        perror("tally");
        exit(2);
    }
    *prints = handed == NULL;
    if (handed == NULL) {
        char text[16];
        snprintf(text, sizeof(text), "%d", fd);
        setenv(HANDED, text, 1);
    }
    return at;
}
