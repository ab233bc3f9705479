// SPDX-License-Identifier: Apache-2.0

// The clock of a board on threads: the PC's, without what the PC did not give the board.
//
// A PC stands still at times: another program has its processors, a hypervisor or a debugger holds
// it. A board never does, and its watchdogs would take that for services that hang. So the clock
// is driven by a thread that looks every BEAT_US: where more than LATE_US went by since the look
// before, the rest is left out. A reader does the same with the last look, so the clock neither
// leaps when everything goes on nor ever goes back.

#include "board_clock.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define BEAT_US 2000
#define LATE_US 20000

// What a reader needs together: odd while it is written. All are atomic.
static uint32_t s_version;
static uint64_t s_beat_us; // the last look, on the PC's clock
static uint64_t s_zero_us; // the PC's clock when the board's was 0; moved on by what is left out

static uint32_t s_ends; // atomic
static pthread_t s_thread;

static uint64_t monotonic_us(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000u + (uint64_t)ts.tv_nsec / 1000u;
}

static uint64_t load(const uint64_t *value)
{
    return __atomic_load_n(value, __ATOMIC_ACQUIRE);
}

// -> the PC's clock when the board's was 0, as it is by now; *now: the PC's
static uint64_t zero(uint64_t *now)
{
    for (;;) {
        const uint32_t version = __atomic_load_n(&s_version, __ATOMIC_ACQUIRE);
        const uint64_t beat = load(&s_beat_us);
        const uint64_t zero_us = load(&s_zero_us);
        *now = monotonic_us();
        if ((version & 1u) == 0 && __atomic_load_n(&s_version, __ATOMIC_ACQUIRE) == version) {
            return *now > beat + LATE_US ? zero_us + (*now - beat - LATE_US) : zero_us;
        }
        (void)sched_yield();
    }
}

static void beat(void)
{
    uint64_t now;
    const uint64_t zero_us = zero(&now);
    (void)__atomic_add_fetch(&s_version, 1, __ATOMIC_ACQ_REL);
    __atomic_store_n(&s_beat_us, now, __ATOMIC_RELEASE);
    __atomic_store_n(&s_zero_us, zero_us, __ATOMIC_RELEASE);
    (void)__atomic_add_fetch(&s_version, 1, __ATOMIC_ACQ_REL);
}

static void *run(void *arg)
{
    const struct timespec pause = {.tv_nsec = BEAT_US * 1000};
    (void)arg;
    while (__atomic_load_n(&s_ends, __ATOMIC_ACQUIRE) == 0) {
        (void)nanosleep(&pause, NULL);
        beat();
    }
    return NULL;
}

void board_clock_start(void)
{
    sigset_t all;
    sigset_t before;
    const uint64_t now = monotonic_us();
    __atomic_store_n(&s_beat_us, now, __ATOMIC_RELEASE);
    __atomic_store_n(&s_zero_us, now, __ATOMIC_RELEASE);
    __atomic_store_n(&s_ends, 0, __ATOMIC_RELEASE);
    sigfillset(&all); // signals are for the others
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const int error = pthread_create(&s_thread, NULL, run, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error != 0) {
        fputs("host: no thread for the board's clock\n", stderr);
        abort();
    }
}

void board_clock_stop(void)
{
    __atomic_store_n(&s_ends, 1, __ATOMIC_RELEASE);
    (void)pthread_join(s_thread, NULL);
}

uint64_t board_clock_us(void)
{
    uint64_t now;
    const uint64_t zero_us = zero(&now);
    return now - zero_us;
}

uint64_t board_clock_at(uint64_t board_us)
{
    uint64_t now;
    return board_us + zero(&now);
}
