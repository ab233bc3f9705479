// SPDX-License-Identifier: Apache-2.0

#include "sound.h"

#include <SDL.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "host_audio.h"

#define FRAMES    512
#define POLL_US   50000
#define PATH_SIZE 256

static pthread_t s_thread;
static bool s_started;
static atomic_bool s_close;

// SDL's drivers print what they miss on the way; so ask first whether there is anything to find.
static bool is_there_sound(void)
{
    char path[PATH_SIZE];
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    if (getenv("SDL_AUDIODRIVER") != NULL || getenv("PULSE_SERVER") != NULL ||
        access("/dev/snd", F_OK) == 0) {
        return true;
    }
    if (runtime == NULL) {
        return false;
    }
    snprintf(path, sizeof(path), "%s/pulse/native", runtime);
    if (access(path, F_OK) == 0) {
        return true;
    }
    snprintf(path, sizeof(path), "%s/pipewire-0", runtime);
    return access(path, F_OK) == 0;
}

static void pull(void *rate, Uint8 *stream, int bytes)
{
    (void)host_audio_pull((unsigned)(uintptr_t)rate, (int16_t *)(void *)stream,
                          (unsigned)bytes / 4);
}

static void play(unsigned rate)
{
    const SDL_AudioSpec wanted = {
        .freq = (int)rate,
        .format = AUDIO_S16SYS,
        .channels = 2,
        .samples = FRAMES,
        .callback = pull,
        .userdata = (void *)(uintptr_t)rate,
    };
    const SDL_AudioDeviceID device = SDL_OpenAudioDevice(NULL, 0, &wanted, NULL, 0);
    if (device == 0) {
        fprintf(stderr, "kraken-os: no sound: %s\n", SDL_GetError());
        return;
    }
    host_audio_set_pulled(true);
    SDL_PauseAudioDevice(device, 0);
    while (!atomic_load(&s_close)) {
        usleep(POLL_US);
    }
    SDL_CloseAudioDevice(device);
    host_audio_set_pulled(false);
}

// Opening a card may take a while, and its rate is known when the firmware has set it up.
static void *run(void *arg)
{
    (void)arg;
    while (!atomic_load(&s_close) && host_audio_rate() == 0) {
        usleep(POLL_US);
    }
    if (!atomic_load(&s_close)) {
        play(host_audio_rate());
    }
    return NULL;
}

bool sound_open(void)
{
    if (!is_there_sound()) {
        return false;
    }
    if (SDL_InitSubSystem(SDL_INIT_AUDIO) != 0) {
        fprintf(stderr, "kraken-os: no sound: %s\n", SDL_GetError());
        return false;
    }
    s_started = pthread_create(&s_thread, NULL, run, NULL) == 0;
    return s_started;
}

void sound_close(void)
{
    if (s_started) {
        atomic_store(&s_close, true);
        pthread_join(s_thread, NULL);
        SDL_QuitSubSystem(SDL_INIT_AUDIO);
        s_started = false;
    }
}
