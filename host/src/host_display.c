// SPDX-License-Identifier: Apache-2.0

#include "host_display.h"

#include <pthread.h>
#include <string.h>

// Tasks of the board write, the window's thread looks: neither holds this lock across a call that
// the scheduler could use to switch.
static pthread_mutex_t s_lock = PTHREAD_MUTEX_INITIALIZER;

static struct {
    unsigned width; // of the panel itself, upright; 0 = never reset
    unsigned height;
    unsigned degrees;
    unsigned brightness;
    bool on;
    host_display_counts_t counts;
    uint16_t memory[HOST_DISPLAY_MAX * HOST_DISPLAY_MAX];
} s_panel;

static bool lies_across(void)
{
    return s_panel.degrees == 90 || s_panel.degrees == 270;
}

// Where the firmware's (x,y) is in the panel's memory.
static uint16_t *place(unsigned x, unsigned y)
{
    const unsigned w = s_panel.width;
    const unsigned h = s_panel.height;
    switch (s_panel.degrees) {
    case 90:
        return &s_panel.memory[x * w + (w - 1 - y)];
    case 180:
        return &s_panel.memory[(h - 1 - y) * w + (w - 1 - x)];
    case 270:
        return &s_panel.memory[(h - 1 - x) * w + y];
    default:
        return &s_panel.memory[y * w + x];
    }
}

static void seen_size(unsigned *width, unsigned *height)
{
    *width = lies_across() ? s_panel.height : s_panel.width;
    *height = lies_across() ? s_panel.width : s_panel.height;
}

bool host_display_reset(unsigned width, unsigned height)
{
    if (width - 1 >= HOST_DISPLAY_MAX || height - 1 >= HOST_DISPLAY_MAX) {
        return false;
    }
    pthread_mutex_lock(&s_lock);
    if (s_panel.width != width || s_panel.height != height) {
        uint32_t noise = 1; // the same in every run
        for (unsigned i = 0; i < width * height; i++) {
            noise = noise * 1664525u + 1013904223u;
            s_panel.memory[i] = (uint16_t)(noise >> 16);
        }
    }
    s_panel.width = width;
    s_panel.height = height;
    s_panel.degrees = 0;
    s_panel.brightness = 100;
    s_panel.on = false;
    s_panel.counts.resets++;
    s_panel.counts.changes++;
    pthread_mutex_unlock(&s_lock);
    return true;
}

bool host_display_write(int x, int y, int w, int h, const uint16_t *pixels, unsigned stride)
{
    unsigned width;
    unsigned height;

    pthread_mutex_lock(&s_lock);
    seen_size(&width, &height);
    const bool fits = x >= 0 && y >= 0 && w > 0 && h > 0 && (unsigned)(x + w) <= width &&
                      (unsigned)(y + h) <= height;
    if (fits) {
        for (int row = 0; row < h; row++) {
            const uint16_t *from = pixels + (size_t)row * stride;
            for (int column = 0; column < w; column++) {
                *place((unsigned)(x + column), (unsigned)(y + row)) = from[column];
            }
        }
        s_panel.counts.writes++;
        s_panel.counts.pixels += (uint64_t)w * (uint64_t)h;
        s_panel.counts.changes++;
    }
    pthread_mutex_unlock(&s_lock);
    return fits;
}

bool host_display_set_orientation(unsigned degrees)
{
    if (degrees > 270 || degrees % 90 != 0) {
        return false;
    }
    pthread_mutex_lock(&s_lock);
    s_panel.degrees = degrees;
    s_panel.counts.changes++;
    pthread_mutex_unlock(&s_lock);
    return true;
}

void host_display_set_brightness(unsigned percent)
{
    pthread_mutex_lock(&s_lock);
    s_panel.brightness = percent < 100 ? percent : 100;
    s_panel.counts.changes++;
    pthread_mutex_unlock(&s_lock);
}

void host_display_set_power(bool on)
{
    pthread_mutex_lock(&s_lock);
    s_panel.on = on;
    s_panel.counts.changes++;
    pthread_mutex_unlock(&s_lock);
}

bool host_display_size(unsigned *width, unsigned *height)
{
    pthread_mutex_lock(&s_lock);
    seen_size(width, height);
    pthread_mutex_unlock(&s_lock);
    return *width != 0;
}

bool host_display_see(unsigned width, unsigned height, uint8_t *rgb)
{
    unsigned real_width;
    unsigned real_height;

    pthread_mutex_lock(&s_lock);
    seen_size(&real_width, &real_height);
    const bool fits = real_width == width && real_height == height && width != 0;
    const unsigned light = s_panel.on ? s_panel.brightness : 0;
    for (unsigned y = 0; fits && y < height; y++) {
        for (unsigned x = 0; x < width; x++, rgb += 3) {
            const unsigned pixel = *place(x, y);
            rgb[0] = (uint8_t)((pixel >> 11) * 255 / 31 * light / 100);
            rgb[1] = (uint8_t)((pixel >> 5 & 63) * 255 / 63 * light / 100);
            rgb[2] = (uint8_t)((pixel & 31) * 255 / 31 * light / 100);
        }
    }
    pthread_mutex_unlock(&s_lock);
    return fits;
}

uint16_t host_display_memory(unsigned x, unsigned y)
{
    uint16_t pixel = 0;
    pthread_mutex_lock(&s_lock);
    if (x < s_panel.width && y < s_panel.height) {
        pixel = s_panel.memory[y * s_panel.width + x];
    }
    pthread_mutex_unlock(&s_lock);
    return pixel;
}

host_display_counts_t host_display_counts(void)
{
    pthread_mutex_lock(&s_lock);
    const host_display_counts_t counts = s_panel.counts;
    pthread_mutex_unlock(&s_lock);
    return counts;
}
