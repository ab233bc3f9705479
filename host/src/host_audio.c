// SPDX-License-Identifier: Apache-2.0

#include "host_audio.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "host_control.h"

#define CHUNK       256
#define WAV_HEADER  44
#define SAMPLE_SIZE 2
#define FRAME_SIZE  (2 * SAMPLE_SIZE)
#define SECOND_US   1000000
// A clock that leaps plays no more silence than this at once.
#define LEAP_SECONDS 2

// Tasks of the board write, the sound card's thread pulls: neither holds this lock across a call
// that the scheduler could use to switch.
static pthread_mutex_t s_lock = PTHREAD_MUTEX_INITIALIZER;

static struct {
    unsigned rate; // 0 = never set up
    unsigned size; // frames of the FIFO
    unsigned first;
    unsigned count;
    bool on;
    bool pulled;
    bool dry; // it has told that it is empty
    int drift_ppm;
    uint64_t since_us; // when it was switched on
    uint64_t played;   // frames since then
    uint32_t underruns;
    int16_t fifo[HOST_AUDIO_FRAMES_MAX][2];
    host_audio_tap_t tap;
    void *tap_arg;
} s_device;

static struct {
    int file;
    bool open;
    int error; // the first one
    uint64_t bytes;
} s_wav;

/* ---- the file ---- */

static void put32(uint8_t *at, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++) {
        at[i] = (uint8_t)(value >> (8 * i));
    }
}

static void write_all(const void *data, size_t size)
{
    const uint8_t *from = data;
    while (size > 0 && s_wav.error == 0) {
        const ssize_t done = write(s_wav.file, from, size);
        if (done < 0 && errno != EINTR) {
            s_wav.error = errno;
        } else if (done > 0) {
            from += done;
            size -= (size_t)done;
        }
    }
}

static void write_header(void)
{
    uint8_t header[WAV_HEADER] = "RIFF....WAVEfmt ....\1\0\2\0....    \4\0\20\0data";
    const uint32_t bytes =
        s_wav.bytes > UINT32_MAX - WAV_HEADER ? UINT32_MAX - WAV_HEADER : (uint32_t)s_wav.bytes;
    put32(header + 4, bytes + WAV_HEADER - 8);
    put32(header + 16, 16);
    put32(header + 24, s_device.rate);
    put32(header + 28, s_device.rate * FRAME_SIZE);
    put32(header + 40, bytes);
    write_all(header, sizeof(header));
}

bool host_audio_record(const char *path)
{
    s_wav.file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    s_wav.open = s_wav.file >= 0;
    s_wav.bytes = 0;
    s_wav.error = 0;
    if (s_wav.open) {
        write_header(); // its figures follow at the end
    }
    return s_wav.open;
}

bool host_audio_finish(void)
{
    pthread_mutex_lock(&s_lock);
    if (s_wav.open) {
        if (lseek(s_wav.file, 0, SEEK_SET) < 0 && s_wav.error == 0) {
            s_wav.error = errno;
        }
        write_header();
        if (close(s_wav.file) != 0 && s_wav.error == 0) {
            s_wav.error = errno;
        }
        s_wav.open = false;
    }
    errno = s_wav.error;
    pthread_mutex_unlock(&s_lock);
    return s_wav.error == 0;
}

/* ---- playing; all of it with the lock held ---- */

static void heard(const int16_t (*frames)[2], unsigned count)
{
    if (s_wav.open) {
        write_all(frames, (size_t)count * FRAME_SIZE); // the sample's bytes as every PC has them
        s_wav.bytes += (uint64_t)count * FRAME_SIZE;
    }
    if (s_device.tap != NULL) {
        s_device.tap(frames[0], count, s_device.tap_arg);
    }
}

// Play at most CHUNK frames.
static unsigned play_some(int16_t (*out)[2], unsigned count)
{
    unsigned from_fifo = 0;
    for (; from_fifo < count && s_device.count != 0; from_fifo++) {
        memcpy(out[from_fifo], s_device.fifo[s_device.first], FRAME_SIZE);
        s_device.first = (s_device.first + 1) % s_device.size;
        s_device.count--;
    }
    if (from_fifo < count) {
        memset(out[from_fifo], 0, (size_t)(count - from_fifo) * FRAME_SIZE);
        s_device.underruns += !s_device.dry;
        s_device.dry = true;
    }
    s_device.played += count;
    heard(out, count);
    return count;
}

// What the board's clock has played meanwhile.
static void catch_up(void)
{
    if (!s_device.on || s_device.pulled) {
        return;
    }
    int16_t out[CHUNK][2];
    const uint64_t passed = host_now_us() - s_device.since_us;
    const uint64_t parts = SECOND_US + (uint64_t)(int64_t)s_device.drift_ppm;
    const uint64_t due = (uint64_t)((unsigned __int128)passed * s_device.rate * parts /
                                    ((uint64_t)SECOND_US * SECOND_US));
    if (due > s_device.played + LEAP_SECONDS * (uint64_t)s_device.rate) {
        s_device.played = due - LEAP_SECONDS * (uint64_t)s_device.rate;
    }
    while (s_device.played < due) {
        const uint64_t left = due - s_device.played;
        play_some(out, left < CHUNK ? (unsigned)left : CHUNK);
    }
}

static void switch_to(bool on)
{
    catch_up();
    if (s_device.on != on) {
        s_device.on = on;
        s_device.first = 0;
        s_device.count = 0;
        s_device.played = 0;
        s_device.since_us = host_now_us();
        s_device.dry = true; // nothing was given to it yet
    }
}

/* ---- the driver's side ---- */

bool host_audio_open(unsigned rate, unsigned frames)
{
    if (rate == 0 || frames == 0 || frames > HOST_AUDIO_FRAMES_MAX) {
        return false;
    }
    pthread_mutex_lock(&s_lock);
    switch_to(false);
    s_device.rate = rate;
    s_device.size = frames;
    pthread_mutex_unlock(&s_lock);
    return true;
}

void host_audio_run(bool on)
{
    pthread_mutex_lock(&s_lock);
    switch_to(on && s_device.rate != 0);
    pthread_mutex_unlock(&s_lock);
}

unsigned host_audio_room(void)
{
    pthread_mutex_lock(&s_lock);
    catch_up();
    const unsigned room = s_device.on ? s_device.size - s_device.count : 0;
    pthread_mutex_unlock(&s_lock);
    return room;
}

unsigned host_audio_write(const int16_t *samples, unsigned frames)
{
    pthread_mutex_lock(&s_lock);
    catch_up();
    unsigned taken = 0;
    for (; taken < frames && s_device.on && s_device.count < s_device.size; taken++) {
        memcpy(s_device.fifo[(s_device.first + s_device.count) % s_device.size],
               samples + (size_t)2 * taken, FRAME_SIZE);
        s_device.count++;
        s_device.dry = false;
    }
    pthread_mutex_unlock(&s_lock);
    return taken;
}

uint32_t host_audio_underruns(void)
{
    pthread_mutex_lock(&s_lock);
    const uint32_t underruns = s_device.underruns;
    pthread_mutex_unlock(&s_lock);
    return underruns;
}

/* ---- who listens ---- */

void host_audio_set_tap(host_audio_tap_t tap, void *arg)
{
    pthread_mutex_lock(&s_lock);
    s_device.tap = tap;
    s_device.tap_arg = arg;
    pthread_mutex_unlock(&s_lock);
}

void host_audio_set_pulled(bool pulled)
{
    pthread_mutex_lock(&s_lock);
    catch_up();
    s_device.pulled = pulled;
    s_device.since_us = host_now_us();
    s_device.played = 0;
    pthread_mutex_unlock(&s_lock);
}

bool host_audio_pull(unsigned rate, int16_t *samples, unsigned frames)
{
    pthread_mutex_lock(&s_lock);
    const bool plays = s_device.on && s_device.pulled && s_device.rate == rate;
    for (unsigned done = 0; done < frames && plays;) {
        const unsigned left = frames - done;
        done += play_some((int16_t(*)[2])(void *)(samples + (size_t)2 * done),
                          left < CHUNK ? left : CHUNK);
    }
    pthread_mutex_unlock(&s_lock);
    if (!plays) {
        memset(samples, 0, (size_t)frames * FRAME_SIZE);
    }
    return plays;
}

unsigned host_audio_rate(void)
{
    pthread_mutex_lock(&s_lock);
    const unsigned rate = s_device.rate;
    pthread_mutex_unlock(&s_lock);
    return rate;
}

void host_audio_set_drift(int ppm)
{
    pthread_mutex_lock(&s_lock);
    catch_up();
    s_device.drift_ppm = ppm;
    s_device.since_us = host_now_us();
    s_device.played = 0;
    pthread_mutex_unlock(&s_lock);
}
