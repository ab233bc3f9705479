// SPDX-License-Identifier: Apache-2.0

#include "window.h"

#include <SDL.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "host_display.h"
#include "host_input.h"

#define SCALE    2
#define POLL_MS  16
#define BYTES_PX 3

static pthread_t s_thread;
static bool s_open;
static atomic_bool s_close;

typedef struct {
    SDL_Window *window;
    SDL_Renderer *renderer;
    SDL_Texture *texture;
    unsigned width; // of the texture
    unsigned height;
    uint8_t *rgb;
    uint32_t changes; // of the screen, as last drawn
    bool down;        // the mouse button is
} window_t;

static const struct {
    SDL_Keycode code;
    const char *key;
} s_keys[] = {
    {SDLK_UP, "up"},          {SDLK_DOWN, "down"},
    {SDLK_LEFT, "left"},      {SDLK_RIGHT, "right"},
    {SDLK_RETURN, "select"},  {SDLK_ESCAPE, "back"},
    {SDLK_HOME, "home"},      {SDLK_h, "home"},
    {SDLK_p, "power"},        {SDLK_SPACE, "play"},
    {SDLK_n, "next"},         {SDLK_b, "previous"},
    {SDLK_PLUS, "volume_up"}, {SDLK_MINUS, "volume_down"},
};

static void on_key(SDL_Keycode code, bool down)
{
    for (size_t i = 0; i < sizeof(s_keys) / sizeof(s_keys[0]); i++) {
        if (s_keys[i].code == code) {
            host_input_t change = {.kind = HOST_INPUT_KEY, .down = down};
            snprintf(change.key, sizeof(change.key), "%s", s_keys[i].key);
            host_input_put(&change);
            return;
        }
    }
}

static void on_mouse(window_t *w, int x, int y, bool down)
{
    int width;
    int height;
    SDL_GetWindowSize(w->window, &width, &height);
    if (w->width == 0 || width <= 0 || height <= 0) {
        return;
    }
    const host_input_t change = {
        .kind = HOST_INPUT_TOUCH,
        .down = down,
        .x = x * (int)w->width / width,
        .y = y * (int)w->height / height,
    };
    host_input_put(&change);
}

// The knob: one detent, four counts, a notch; away from the hand is clockwise.
static void on_wheel(int notches)
{
    const host_input_t change = {.kind = HOST_INPUT_TURN, .x = 4 * notches};
    if (notches != 0) {
        host_input_put(&change);
    }
}

static void take_events(window_t *w)
{
    SDL_Event event;
    while (SDL_PollEvent(&event) != 0) {
        switch (event.type) {
        case SDL_QUIT:
            kill(getpid(), SIGINT); // as Ctrl-C on the terminal
            break;
        case SDL_KEYDOWN:
        case SDL_KEYUP:
            if (event.key.repeat == 0) {
                on_key(event.key.keysym.sym, event.type == SDL_KEYDOWN);
            }
            break;
        case SDL_MOUSEBUTTONDOWN:
        case SDL_MOUSEBUTTONUP:
            w->down = event.type == SDL_MOUSEBUTTONDOWN;
            on_mouse(w, event.button.x, event.button.y, w->down);
            break;
        case SDL_MOUSEMOTION:
            if (w->down) {
                on_mouse(w, event.motion.x, event.motion.y, true);
            }
            break;
        case SDL_MOUSEWHEEL:
            on_wheel(event.wheel.y);
            break;
        case SDL_WINDOWEVENT:
            w->changes = 0; // uncovered: draw again
            break;
        default:
            break;
        }
    }
}

// The texture for this size of the screen, and the window with it.
static bool fit(window_t *w, unsigned width, unsigned height)
{
    if (w->width == width && w->height == height) {
        return w->rgb != NULL && w->texture != NULL;
    }
    if (width == 0 || height == 0) {
        return false;
    }
    if (w->texture != NULL) {
        SDL_DestroyTexture(w->texture);
    }
    free(w->rgb);
    w->width = width;
    w->height = height;
    w->rgb = malloc((size_t)width * height * BYTES_PX);
    w->texture = SDL_CreateTexture(w->renderer, SDL_PIXELFORMAT_RGB24, SDL_TEXTUREACCESS_STREAMING,
                                   (int)width, (int)height);
    SDL_SetWindowSize(w->window, (int)width * SCALE, (int)height * SCALE);
    return w->rgb != NULL && w->texture != NULL;
}

static void draw(window_t *w)
{
    unsigned width;
    unsigned height;
    const uint32_t changes = host_display_counts().changes;
    if (changes == w->changes || !host_display_size(&width, &height) || !fit(w, width, height)) {
        return;
    }
    if (host_display_see(width, height, w->rgb)) {
        SDL_UpdateTexture(w->texture, NULL, w->rgb, (int)(width * BYTES_PX));
        SDL_RenderClear(w->renderer);
        SDL_RenderCopy(w->renderer, w->texture, NULL, NULL);
        SDL_RenderPresent(w->renderer);
        w->changes = changes;
    }
}

static void *run(void *arg)
{
    window_t w = {0};
    (void)arg;

    w.window = SDL_CreateWindow("Kraken-OS", SDL_WINDOWPOS_CENTERED, SDL_WINDOWPOS_CENTERED,
                                240 * SCALE, 320 * SCALE, SDL_WINDOW_RESIZABLE);
    w.renderer = w.window != NULL ? SDL_CreateRenderer(w.window, -1, 0) : NULL;
    if (w.renderer == NULL) {
        fprintf(stderr, "kraken-os: no window: %s\n", SDL_GetError());
    }
    while (w.renderer != NULL && !atomic_load(&s_close)) {
        take_events(&w);
        draw(&w);
        SDL_Delay(POLL_MS);
    }
    free(w.rgb);
    SDL_Quit();
    return NULL;
}

// SDL wants its window made and pumped by one thread; signals are for the board's threads.
bool window_open(void)
{
    sigset_t all;
    sigset_t before;

    if (getenv("DISPLAY") == NULL && getenv("WAYLAND_DISPLAY") == NULL &&
        getenv("SDL_VIDEODRIVER") == NULL) {
        return false;
    }
    if (SDL_Init(SDL_INIT_VIDEO | SDL_INIT_NOPARACHUTE) != 0) {
        fprintf(stderr, "kraken-os: no window: %s\n", SDL_GetError());
        return false;
    }
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    s_open = pthread_create(&s_thread, NULL, run, NULL) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return s_open;
}

void window_close(void)
{
    if (s_open) {
        atomic_store(&s_close, true);
        pthread_join(s_thread, NULL);
        s_open = false;
    }
}
