// SPDX-License-Identifier: Apache-2.0

// A run of threads again, in the simulator: what came from outside comes again at its time, and
// what each mailbox hands out is compared with the order in which it did.

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "host_heap.h"
#include "host_services.h"
#include "record.h"
#include "record_format.h"
#include "sched.h"

#define SLOTS    256
#define TYPES    1024
#define CHANNELS 16
#define GRACE_US 2000000u // what the run may still do after the end of the recording

// What is compared of an event: who posted what kind of event, with which urgency. Numbers of types
// and posts may differ from run to run.
typedef struct {
    uint64_t key;
    uint64_t time_us;
    record_t record;
} past_t;

typedef struct {
    past_t *past; // in the order in which they were taken out
    uint32_t count, room, at;
    uint32_t same, other, beyond;
} mailbox_order_t;

typedef struct {
    uint64_t names[SLOTS]; // hash of the owner's name
    uint64_t types[TYPES];
} names_t;

// Written by steer_load() before any task runs, then under the recorder's lock.
static record_t *s_records; // of this boot
static size_t s_count, s_room;
static mailbox_order_t s_order[SLOTS];
static names_t s_then, s_now;
static size_t s_next_input[CHANNELS];
static const char *s_channel[CHANNELS];
static bool *s_used; // random numbers that were given out
static uint64_t s_end_us;
static bool s_reset;
static uint32_t s_invented;
static bool s_told;

static void *grow(void *old, size_t size)
{
    void *larger = host_libc_realloc(old, size);
    if (larger == NULL) {
        host_panic("no memory for the recording");
    }
    return larger;
}

static uint64_t hash(const uint8_t *bytes, size_t size)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < size; i++) {
        h = (h ^ bytes[i]) * 0x100000001b3u;
    }
    return h;
}

static void learn(names_t *names, const record_t *r)
{
    if (r->kind == RECORD_TYPE && r->value[0] < TYPES) {
        names->types[r->value[0]] = hash(r->bytes, r->size);
    } else if (r->kind == RECORD_OWNER && r->value[0] < SLOTS) {
        names->names[r->value[0]] = hash(r->bytes, r->size);
    }
}

static uint64_t key_of(const names_t *names, const record_t *r)
{
    const uint64_t *v = r->value;
    const uint64_t source = v[EVENT_SOURCE] == 0 ? 0 : names->names[v[EVENT_SOURCE] % SLOTS];
    return (names->types[v[EVENT_TYPE] % TYPES] * 3u ^ source) * 0x9e3779b97f4a7c15u +
           v[EVENT_LANE];
}

static void add_past(const record_t *r)
{
    mailbox_order_t *order = &s_order[r->value[EVENT_SLOT] % SLOTS];
    if (order->count == order->room) {
        order->room = order->room * 2 + 64;
        order->past = grow(order->past, order->room * sizeof(order->past[0]));
    }
    order->past[order->count++] = (past_t){key_of(&s_then, r), r->time_us, *r};
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
        learn(&s_then, &r);
        if (r.kind == RECORD_HANDLED) {
            add_past(&r);
        } else if (r.kind == RECORD_CHANNEL && r.value[0] < CHANNELS) {
            char *name = grow(NULL, r.size + 1);
            memcpy(name, r.bytes, r.size);
            name[r.size] = '\0';
            s_channel[r.value[0]] = name;
        } else if (r.kind == RECORD_END) {
            s_reset = r.value[END_HOW] == END_RESET;
        }
    }
    s_used = grow(NULL, s_count + 1);
    memset(s_used, 0, s_count + 1);
}

static void wait_until(uint64_t at_us)
{
    k_lock();
    while (g_sched->now() < at_us) {
        (void)k_block(NULL, at_us, "recorded input", 0);
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
                wait_until(r->time_us);
                *bytes = r->bytes;
                return r->size;
            }
        }
    }
    wait_until(s_end_us + GRACE_US); // nothing more was typed; what else happens, may
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

// ---- comparing ----

static const mailbox_order_t *s_first_other;
static record_t s_first_want, s_first_got;

static void compare(const record_t *r)
{
    mailbox_order_t *order = &s_order[r->value[EVENT_SLOT] % SLOTS];
    if (order->at == order->count) {
        order->beyond++;
        return;
    }
    const past_t *want = &order->past[order->at++];
    if (want->key == key_of(&s_now, r)) {
        order->same++;
        return;
    }
    order->other++;
    if (s_first_other == NULL) {
        s_first_other = order;
        s_first_want = want->record;
        s_first_got = *r;
    }
}

void steer_observe(const record_t *r)
{
    learn(&s_now, r);
    if (r->kind == RECORD_HANDLED) {
        compare(r);
    }
    if (r->kind == RECORD_END && r->value[END_HOW] == END_RESET) {
        (void)steer_verdict();
    } else if (r->time_us > s_end_us + GRACE_US && r->kind != RECORD_END) {
        host_quit(steer_verdict());
    }
}

static void print_first(void)
{
    char text[512];
    record_text_describe(&s_first_want, text, sizeof(text));
    fprintf(stderr, "  recorded: %4" PRIu64 ".%06" PRIu64 " s  %s\n",
            s_first_want.time_us / 1000000u, s_first_want.time_us % 1000000u, text);
    record_text_describe(&s_first_got, text, sizeof(text));
    fprintf(stderr, "  now:      %4" PRIu64 ".%06" PRIu64 " s  %s\n",
            s_first_got.time_us / 1000000u, s_first_got.time_us % 1000000u, text);
}

int steer_verdict(void)
{
    uint32_t recorded = 0, same = 0, missing = 0, beyond = 0;
    for (unsigned i = 0; i < SLOTS; i++) {
        recorded += s_order[i].count;
        same += s_order[i].same;
        missing += s_order[i].count - s_order[i].at;
        beyond += s_order[i].beyond;
    }
    if (s_told) {
        return same == recorded ? 0 : 1;
    }
    s_told = true;
    fprintf(stderr,
            "kraken: replay: recorded with threads, boot %" PRIu32 ": %" PRIu32 " of %" PRIu32
            " events as recorded in the order of their mailbox, %" PRIu32 " missing, %" PRIu32
            " more than recorded, %" PRIu32 " random numbers not recorded\n",
            host_boot_count(), same, recorded, missing, beyond, s_invented);
    if (s_first_other != NULL) {
        fprintf(stderr, "kraken: replay: the first that differs:\n");
        print_first();
    }
    return same == recorded ? 0 : 1;
}
