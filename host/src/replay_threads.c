// SPDX-License-Identifier: Apache-2.0

// A run of threads again, in the simulator: what came from outside comes again at its time.
// steer_order.c sees to the events.

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "host_heap.h"
#include "host_services.h"
#include "record.h"
#include "record_format.h"
#include "sched.h"

#define DIFFERED_ENV "KRAKEN_HOST_REPLAY_DIFFERED"
#define CHANNELS     16
#define GRACE_US     2000000u // what the run may still do after the end of the recording
#define SETTLE_US    25000u   // what is held at the very end still comes before the end

// Written by steer_load() before any task runs, then under the recorder's lock.
static record_t *s_records; // of this boot
static size_t s_count, s_room;
static size_t s_next_input[CHANNELS];
static const char *s_channel[CHANNELS];
static bool *s_used; // random numbers that were given out
static uint64_t s_end_us;
static uint32_t s_invented;
static uint32_t s_foreign; // inputs that are not those that were recorded

static void *grow(void *old, size_t size)
{
    void *larger = host_libc_realloc(old, size);
    if (larger == NULL) {
        host_panic("no memory for the recording");
    }
    return larger;
}

void steer_load(void)
{
    record_t r;
    while (record_reader_peek(&r) && r.kind != RECORD_BOOT) {
        (void)record_reader_next(&r);
        if (s_count == s_room) {
            s_room = s_room * 2 + 256;
            s_records = grow(s_records, s_room * sizeof(s_records[0]));
        }
        s_records[s_count++] = r;
        s_end_us = r.time_us;
        steer_order_add(&r);
        if (r.kind == RECORD_CHANNEL && r.value[0] < CHANNELS) {
            char *name = grow(NULL, r.size + 1);
            memcpy(name, r.bytes, r.size);
            name[r.size] = '\0';
            s_channel[r.value[0]] = name;
        }
    }
    s_used = grow(NULL, s_count + 1);
    memset(s_used, 0, s_count + 1);
}

void steer_wait_until(uint64_t at_us)
{
    k_lock();
    while (g_sched->now() < at_us) {
        (void)k_block(NULL, at_us, "the recorded time", 0);
    }
    k_unlock();
}

uint32_t steer_input(const char *channel, const uint8_t **bytes)
{
    for (unsigned c = 0; c < CHANNELS && s_channel[c] != NULL; c++) {
        if (strcmp(s_channel[c], channel) != 0) {
            continue;
        }
        while (s_next_input[c] < s_count) {
            const record_t *r = &s_records[s_next_input[c]++];
            if (r->kind == RECORD_INPUT && r->value[0] == c) {
                steer_wait_until(r->time_us);
                *bytes = r->bytes;
                return r->size;
            }
        }
    }
    steer_wait_until(s_end_us + GRACE_US); // nothing more was typed; what else happens, may
    return 0;
}

bool steer_random(uint32_t *value)
{
    const char *task = host_task_name();
    for (size_t i = 0; i < s_count; i++) {
        const record_t *r = &s_records[i];
        if (r->kind == RECORD_RANDOM && !s_used[i] && r->size == strlen(task) &&
            memcmp(r->bytes, task, r->size) == 0) {
            s_used[i] = true;
            *value = (uint32_t)r->value[0];
            return true;
        }
    }
    s_invented++;
    return false;
}

void steer_before_end(void)
{
    if (g_recorder == RECORDER_STEERS && k_self != NULL && !k_self->is_isr && k_may_cut(k_self)) {
        steer_wait_until(s_end_us + SETTLE_US); // what else was recorded comes first
    }
}

/** Only what the board fetches by itself is noted in a replay: it must be what it was. */
static void compare_input(const record_t *r)
{
    for (size_t i = 0; i < s_count; i++) {
        const record_t *then = &s_records[i];
        if (then->kind == RECORD_INPUT && then->size == r->size &&
            memcmp(then->bytes, r->bytes, r->size) == 0) {
            return;
        }
    }
    s_foreign++;
    fprintf(stderr, "kraken: replay: DIFFERENT input: %.*s\n", (int)r->size,
            (const char *)r->bytes);
}

void steer_observe(const record_t *r)
{
    steer_order_observe(r);
    if (r->kind == RECORD_INPUT) {
        compare_input(r);
    }
    if (r->kind == RECORD_END && r->value[END_HOW] == END_RESET) {
        if (steer_verdict() != 0) {
            (void)setenv(DIFFERED_ENV, "1", 1); // the verdict of the last boot is that of all
        }
    } else if (r->time_us > s_end_us + GRACE_US && r->kind != RECORD_END) {
        host_quit(steer_verdict());
    }
}

int steer_verdict(void)
{
    static bool s_told;
    if (!s_told) {
        s_told = true;
        steer_order_report();
        if (record_reader_is_cut()) {
            fprintf(stderr, "kraken: replay: the recording was cut short\n");
        }
        if (s_invented != 0) {
            fprintf(stderr, "kraken: replay: %" PRIu32 " random numbers were not recorded\n",
                    s_invented);
        }
    }
    return steer_order_kept() && s_foreign == 0 && getenv(DIFFERED_ENV) == NULL ? 0 : 1;
}
