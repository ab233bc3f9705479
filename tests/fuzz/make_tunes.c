// SPDX-License-Identifier: Apache-2.0

// What the audio fuzzer starts from: make_tunes FOLDER

#include <stdio.h>
#include <stdlib.h>

#include "tunes.h"

static void save(const char *folder, const char *name, tune_t tune)
{
    char path[4096];
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(tune.data, 1, tune.size, file) != tune.size || fclose(file) != 0) {
        perror(path);
        exit(EXIT_FAILURE);
    }
    free(tune.data);
}

int main(int argc, char **argv)
{
    enum {
        FRAMES = 700,
        RATE = 8000
    };
    if (argc != 2) {
        return 2;
    }
    int16_t *samples = tune_sine(FRAMES, 20000, 440, RATE);
    save(argv[1], "8.wav", tune_wav(samples, FRAMES, RATE, 1, 8));
    save(argv[1], "16.wav", tune_wav(samples, FRAMES, RATE, 2, 16));
    save(argv[1], "24.wav", tune_wav(samples, FRAMES, RATE, 2, 24));
    save(argv[1], "adpcm.wav", tune_adpcm(samples, FRAMES, RATE, 2, 256));
    save(argv[1], "mono.wav", tune_adpcm(samples, FRAMES, RATE, 1, 128));
    save(argv[1], "sound.flac", tune_flac(samples, FRAMES, RATE, 2));
    free(samples);
    return 0;
}
