// SPDX-License-Identifier: Apache-2.0

// The recorder's front: turns what the system tells and what comes from outside into records, and
// sends them to the file, or to whoever compares them with a file.
//
// It passes no scheduling point and takes nothing from the board's heap: a run of the simulator is
// the same with and without it.

#include "record.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "flash.h"
#include "host_flash.h"
#include "host_program.h"
#include "host_services.h"
#include "record_format.h"
#include "sched.h"

#define CHANNELS_MAX 16
#define TYPES_MAX    1024
#define WRITE_US     100000

recorder_t g_recorder;
bool host_trace_on;

// recorder lock: protects all below and the file. Leaf lock.
static pthread_mutex_t s_lock = PTHREAD_MUTEX_INITIALIZER;
static bool s_open; // from record_boot() to record_end()
static uint64_t s_events;
static uint64_t s_digest;
static uint64_t s_written_us;
static const char *s_channels[CHANNELS_MAX];
static bool s_known[TYPES_MAX];

// ---- the way of a record ----

static void emit_locked(record_t *r)
{
    if (!s_open) {
        return;
    }
    r->time_us = host_now_us();
    if (record_is_event(r->kind)) {
        s_events++;
        s_digest = record_digest(s_digest, r);
    }
    switch (g_recorder) {
    case RECORDER_WRITES:
        record_writer_add(r);
        if (host_sched() == HOST_SCHED_THREADS && r->time_us >= s_written_us + WRITE_US) {
            record_writer_flush(); // what was not written is lost when the program is killed
            s_written_us = r->time_us;
        }
        break;
    case RECORDER_COMPARES:
        replay_watch(r, s_events);
        replay_compare(r);
        break;
    case RECORDER_STEERS:
        replay_watch(r, s_events);
        steer_observe(r);
        break;
    default:
        break;
    }
}

static void emit(record_t *r)
{
    pthread_mutex_lock(&s_lock);
    emit_locked(r);
    pthread_mutex_unlock(&s_lock);
}

static void emit_name(record_kind_t kind, uint64_t number, const char *name)
{
    record_t r = {.kind = (uint8_t)kind,
                  .value = {number},
                  .bytes = (const uint8_t *)name,
                  .size = (uint32_t)strlen(name)};
    emit_locked(&r);
}

// ---- what the system tells ----

static void trace(record_kind_t kind, const host_trace_event_t *event)
{
    record_t r = {
        .kind = (uint8_t)kind,
        .value = {[EVENT_SLOT] = event->slot,
                  [EVENT_LANE] = event->lane,
                  [EVENT_TYPE] = event->type,
                  [EVENT_SOURCE] = event->source,
                  [EVENT_SEQUENCE] = event->sequence,
                  [EVENT_SUB] = event->sub},
    };
    pthread_mutex_lock(&s_lock);
    if (event->type < TYPES_MAX && !s_known[event->type]) {
        s_known[event->type] = true;
        emit_name(RECORD_TYPE, event->type, event->type_name);
    }
    emit_locked(&r);
    pthread_mutex_unlock(&s_lock);
}

void host_trace_delivered(const host_trace_event_t *event)
{
    trace(RECORD_DELIVERED, event);
}

void host_trace_handled(const host_trace_event_t *event)
{
    trace(RECORD_HANDLED, event);
}

void host_trace_owner(uint32_t slot, const char *name)
{
    pthread_mutex_lock(&s_lock);
    emit_name(RECORD_OWNER, slot, name);
    pthread_mutex_unlock(&s_lock);
}

// ---- what comes from outside ----

static unsigned channel_locked(const char *name)
{
    unsigned n = 0;
    while (n < CHANNELS_MAX && s_channels[n] != NULL && strcmp(s_channels[n], name) != 0) {
        n++;
    }
    if (n == CHANNELS_MAX) {
        host_panic("more than %u sources of input", CHANNELS_MAX);
    }
    if (s_channels[n] == NULL) {
        s_channels[n] = name;
        emit_name(RECORD_CHANNEL, n, name);
    }
    return n;
}

void record_announce(const char *channel)
{
    pthread_mutex_lock(&s_lock);
    (void)channel_locked(channel);
    pthread_mutex_unlock(&s_lock);
}

void host_input_note(const char *source, const void *bytes, uint32_t size)
{
    if (g_recorder == RECORDER_OFF) {
        return;
    }
    pthread_mutex_lock(&s_lock);
    record_t r = {.kind = RECORD_INPUT,
                  .value = {channel_locked(source)},
                  .bytes = bytes,
                  .size = size < RECORD_BYTES_MAX ? size : RECORD_BYTES_MAX};
    emit_locked(&r);
    if (g_recorder == RECORDER_WRITES && host_sched() == HOST_SCHED_THREADS) {
        record_writer_flush(); // it is seldom, and cannot be had again
    }
    pthread_mutex_unlock(&s_lock);
}

void record_random(uint32_t value)
{
    const char *task = host_task_name();
    record_t r = {.kind = RECORD_RANDOM,
                  .value = {value},
                  .bytes = (const uint8_t *)task,
                  .size = (uint32_t)strlen(task)};
    emit(&r);
}

uint32_t host_input_again(const char *source, void *to, uint32_t room)
{
    const uint8_t *bytes = NULL;
    uint32_t size = g_recorder == RECORDER_COMPARES ? replay_input(source, &bytes)
                                                    : steer_input(source, &bytes);
    size = size < room ? size : room;
    if (size != 0) {
        memcpy(to, bytes, size);
    }
    if (g_recorder == RECORDER_COMPARES) {
        host_input_note(source, to, size); // and compares it
    }
    return size;
}

bool host_replaying(void)
{
    return g_recorder == RECORDER_COMPARES || g_recorder == RECORDER_STEERS;
}

bool host_recording(void)
{
    return g_recorder != RECORDER_OFF;
}

// ---- boots ----

void record_describe_boot(record_t *r)
{
    const host_config_t *c = host_config();
    const host_faults_t *f = &c->faults;
    const bool sim = c->sched == HOST_SCHED_SIM && g_recorder != RECORDER_STEERS;
    *r = (record_t){
        .kind = RECORD_BOOT,
        .value = {[BOOT_NUMBER] = host_boot_count(),
                  [BOOT_REASON] = (uint64_t)esp_reset_reason(),
                  [BOOT_FLAGS] =
                      (sim ? BOOT_FLAG_SIM : 0u) |
                      (host_program_mode() == HOST_PROGRAM_SHELL ? BOOT_FLAG_SHELL : 0u) |
                      (host_program_watched() ? BOOT_FLAG_WATCHED : 0u),
                  [BOOT_NOINIT] = host_noinit_digest(),
                  [BOOT_SEED] = c->seed,
                  [BOOT_CORES] = c->cores,
                  [BOOT_PREEMPT_PPM] = f->preempt_ppm,
                  [BOOT_DROP_WAKE_PPM] = f->drop_wake_ppm,
                  [BOOT_ALLOC_FAIL_PPM] = f->alloc_fail_ppm,
                  [BOOT_CLOCK_JUMP_PPM] = f->clock_jump_ppm,
                  [BOOT_CLOCK_JUMP_MAX] = f->clock_jump_max_us,
                  [BOOT_SWITCH_CALL_PPM] = c->switch_call_ppm,
                  [BOOT_SWITCH_ATOMIC_PPM] = c->switch_atomic_ppm,
                  [BOOT_PLAIN_MEAN] = c->plain_mean,
                  [BOOT_SPIN_BOUND] = c->spin_bound,
                  [BOOT_MAX_POINTS] = c->max_points,
                  [BOOT_MAX_TIME] = c->max_time_us,
                  [BOOT_HEAP_INTERNAL] = c->heap_internal_bytes,
                  [BOOT_HEAP_SPIRAM] = c->heap_spiram_bytes},
    };
}

/** The sectors of the chip that hold something. The first boot alone has them from outside. */
static void record_flash(void)
{
    static uint8_t s_blank[FLASH_SECTOR];
    memset(s_blank, 0xff, sizeof(s_blank));
    for (size_t at = 0; at < flash_size(); at += FLASH_SECTOR) {
        record_t r = {
            .kind = RECORD_FLASH, .value = {at}, .bytes = flash_view() + at, .size = FLASH_SECTOR};
        if (memcmp(r.bytes, s_blank, FLASH_SECTOR) != 0) {
            emit_locked(&r);
        }
    }
}

_Static_assert(FLASH_SECTOR <= RECORD_BYTES_MAX, "a sector fits into a record");

static void replay_flash(void)
{
    record_t r;
    while (record_reader_peek(&r) && r.kind == RECORD_FLASH) {
        (void)record_reader_next(&r);
        (void)host_flash_poke((uint32_t)r.value[0], r.bytes, r.size);
    }
}

void record_boot(void)
{
    record_t r;
    if (g_recorder == RECORDER_OFF) {
        return;
    }
    s_open = true;
    s_events = 0;
    s_written_us = 0;
    s_digest = RECORD_DIGEST_BASIS;
    memset(s_channels, 0, sizeof(s_channels));
    memset(s_known, 0, sizeof(s_known));
    record_describe_boot(&r);
    if (g_recorder == RECORDER_STEERS) {
        (void)record_reader_next(&r);
    } else {
        emit_locked(&r);
    }
    if (g_recorder == RECORDER_WRITES && host_boot_count() == 0) {
        record_flash();
    } else if (g_recorder != RECORDER_WRITES) {
        replay_flash();
    }
    if (g_recorder == RECORDER_STEERS) {
        steer_load();
    } else if (g_recorder == RECORDER_WRITES) {
        record_writer_flush();
    }
}

void record_end(unsigned how, int code)
{
    if (g_recorder == RECORDER_OFF) {
        return;
    }
    pthread_mutex_lock(&s_lock);
    if (s_open) {
        record_t r = {
            .kind = RECORD_END,
            .value = {[END_HOW] = how,
                      [END_CODE] = (uint64_t)(uint32_t)code,
                      [END_POINTS] = host_trace_points(),
                      [END_TRACE] = host_trace_hash(),
                      [END_EVENTS] = s_events,
                      [END_DIGEST] = s_digest},
        };
        emit_locked(&r);
        s_open = false;
        record_writer_flush();
    }
    pthread_mutex_unlock(&s_lock);
}

const char *host_record_to(const char *path)
{
    const char *wrong = record_writer_open(path, host_boot_count() > 0);
    if (wrong == NULL) {
        g_recorder = RECORDER_WRITES;
        host_trace_on = true;
    }
    return wrong;
}

int host_record_finish(int code)
{
    record_end(END_EXIT, code);
    return host_replaying() ? replay_verdict() : code;
}
