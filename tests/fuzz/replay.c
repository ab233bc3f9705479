// SPDX-License-Identifier: Apache-2.0

// What the fuzzers found worth keeping, once more, by the compiler and under the sanitizers of
// everything else. usage: replay CORPUS, a file of corpus.py

#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "fuzz.h"
#include "kapp_format.h"

#define CORPUS_MAX (4u * 1024 * 1024) /* unpacked */

static size_t read_file(const char *path, uint8_t *to, size_t room)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return 0;
    }
    const size_t got = fread(to, 1, room, file);
    fclose(file);
    return got;
}

/** An input in memory of its own: what is behind its end is not ours. */
static void feed(const uint8_t *bytes, size_t size)
{
    uint8_t *input = malloc(size + 1);
    FUZZ_CHECK(input != NULL);
    memcpy(input + 1, bytes, size); /* unaligned, as libFuzzer does not give it */
    (void)LLVMFuzzerTestOneInput(input + 1, size);
    memmove(input, input + 1, size);
    (void)LLVMFuzzerTestOneInput(input, size);
    free(input);
}

int main(int argc, char **argv)
{
    uint8_t *packed = malloc(CORPUS_MAX);
    uint8_t *all = malloc(CORPUS_MAX);
    uLongf left = CORPUS_MAX;
    unsigned inputs = 0;
    FUZZ_CHECK(packed != NULL && all != NULL && argc == 2);
    const size_t size = read_file(argv[1], packed, CORPUS_MAX);
    if (uncompress(all, &left, packed, (uLong)size) != Z_OK) {
        fprintf(stderr, "%s: cannot be read\n", argv[1]);
        return 1;
    }
    for (const uint8_t *at = all; left >= 4; inputs++) {
        const size_t length = kapp_u32(at);
        FUZZ_CHECK(length <= left - 4);
        feed(at + 4, length);
        at += 4 + length;
        left -= 4 + length;
    }
    free(packed);
    free(all);
    printf("%u inputs\n", inputs);
    return left == 0 && inputs > 50 ? 0 : 1;
}
