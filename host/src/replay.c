// SPDX-License-Identifier: Apache-2.0

// A run of the simulator again. What it does is compared, record by record, with what was recorded:
// the first one that differs ends it.

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include "host_program.h"
#include "host_services.h"
#include "record.h"
#include "record_format.h"

#define LINE 512

static host_replay_options_t s_options;
static uint64_t s_total; // events of earlier boots
static uint64_t s_events;

static void print_record(const char *label, const record_t *r)
{
    char text[LINE];
    record_text_describe(r, text, sizeof(text));
    fprintf(stderr, "%s%4" PRIu64 ".%06" PRIu64 " s  %s\n", label, r->time_us / 1000000u,
            r->time_us % 1000000u, text);
}

// ---- ends ----

static _Noreturn void stop_early(const char *why, uint64_t time_us)
{
    fprintf(stderr,
            "kraken: replay: %s at %" PRIu64 ".%06" PRIu64 " s of boot %" PRIu32 "; so far %" PRIu64
            " events%s\n",
            why, time_us / 1000000u, time_us % 1000000u, host_boot_count(), s_total + s_events,
            g_recorder == RECORDER_COMPARES ? ", all as recorded" : "");
    host_quit(0);
}

static _Noreturn void differs(const record_t *want, const record_t *got)
{
    fprintf(stderr,
            "kraken: replay: DIFFERENT after %" PRIu64 " events that were as recorded, in boot "
            "%" PRIu32 "; the first difference (record at byte %zu of the file):\n",
            s_total + s_events, host_boot_count(), record_reader_offset());
    if (want != NULL) {
        print_record("  recorded: ", want);
    } else {
        fprintf(stderr, "  recorded: the end\n");
    }
    record_text_learn(got);
    print_record("  now:      ", got);
    host_quit(1);
}

int replay_verdict(void)
{
    record_t r = {0};
    record_t last = {0};
    if (g_recorder == RECORDER_STEERS) {
        return steer_verdict();
    }
    while (record_reader_next(&r)) { // there is none: the end was compared
        last = r;
    }
    if (last.kind != 0) {
        fprintf(stderr, "kraken: replay: DIFFERENT: it ended, the recording goes on\n");
        print_record("  recorded: ", &last);
        return 1;
    }
    fprintf(stderr, "kraken: replay: identical: %" PRIu64 " events in %" PRIu32 " boot%s\n",
            s_total + s_events, host_boot_count() + 1, host_boot_count() == 0 ? "" : "s");
    return 0;
}

// ---- comparing ----

void replay_watch(const record_t *r, uint64_t events)
{
    if (s_options.until_us != 0 && r->time_us > s_options.until_us) {
        stop_early("stopped as asked", r->time_us);
    }
    if (s_options.verbose) {
        record_text_learn(r);
        print_record("", r);
    }
    if (s_options.break_at != 0 && record_is_event(r->kind) &&
        s_total + events == s_options.break_at) {
        fprintf(stderr, "kraken: replay: event %" PRIu64 " is about to happen\n",
                s_options.break_at);
        fflush(NULL);
        (void)raise(SIGTRAP);
    }
    s_events = events;
}

void replay_compare(const record_t *r)
{
    record_t want;
    const uint64_t before = s_events - (record_is_event(r->kind) ? 1u : 0u);
    if (!record_reader_next(&want)) {
        s_events = before;
        if (record_reader_is_cut()) {
            stop_early("the recording was cut short", r->time_us);
        }
        differs(NULL, r);
    }
    if (!record_same(&want, r)) {
        s_events = before;
        differs(&want, r);
    }
    if (r->kind == RECORD_END) {
        fprintf(stderr,
                "kraken: replay: boot %" PRIu32 ": %" PRIu64 " events, %" PRIu64
                " scheduling points, digest %016" PRIx64 ": as recorded\n",
                host_boot_count(), r->value[END_EVENTS], r->value[END_POINTS],
                r->value[END_DIGEST]);
    }
}

uint32_t replay_input(const char *channel, const uint8_t **bytes)
{
    static uint8_t s_bytes[RECORD_BYTES_MAX];
    record_t r = {0};
    record_announce(channel);
    if (!record_reader_peek(&r) && record_reader_is_cut()) {
        stop_early("the recording was cut short", host_now_us());
    }
    if (r.kind != RECORD_INPUT) {
        host_input_note(channel, NULL, 0); // nothing was recorded here: this is the difference
    }
    if (r.size != 0) {
        memcpy(s_bytes, r.bytes, r.size);
    }
    *bytes = s_bytes;
    return r.size;
}

// ---- opening ----

static uint64_t events_before(uint64_t boot)
{
    record_t r;
    uint64_t events = 0;
    uint64_t ended = 0;
    while (ended < boot && record_reader_next(&r)) {
        if (r.kind == RECORD_END) {
            events += r.value[END_EVENTS];
            ended++;
        }
    }
    return events;
}

static void fill_board(const record_t *r, host_config_t *board)
{
    const uint64_t *v = r->value;
    *board = (host_config_t){
        .sched = HOST_SCHED_SIM,
        .seed = v[BOOT_SEED],
        .cores = (uint32_t)v[BOOT_CORES],
        .faults = {.preempt_ppm = (uint32_t)v[BOOT_PREEMPT_PPM],
                   .drop_wake_ppm = (uint32_t)v[BOOT_DROP_WAKE_PPM],
                   .alloc_fail_ppm = (uint32_t)v[BOOT_ALLOC_FAIL_PPM],
                   .clock_jump_ppm = (uint32_t)v[BOOT_CLOCK_JUMP_PPM],
                   .clock_jump_max_us = (uint32_t)v[BOOT_CLOCK_JUMP_MAX]},
        .switch_call_ppm = (uint32_t)v[BOOT_SWITCH_CALL_PPM],
        .switch_atomic_ppm = (uint32_t)v[BOOT_SWITCH_ATOMIC_PPM],
        .plain_mean = (uint32_t)v[BOOT_PLAIN_MEAN],
        .spin_bound = (uint32_t)v[BOOT_SPIN_BOUND],
        .max_points = v[BOOT_MAX_POINTS],
        .max_time_us = v[BOOT_MAX_TIME],
        .heap_internal_bytes = (size_t)v[BOOT_HEAP_INTERNAL],
        .heap_spiram_bytes = (size_t)v[BOOT_HEAP_SPIRAM],
    };
    host_program_set_mode((v[BOOT_FLAGS] & BOOT_FLAG_SHELL) != 0 ? HOST_PROGRAM_SHELL
                                                                 : HOST_PROGRAM_DEMO);
    host_program_set_watched((v[BOOT_FLAGS] & BOOT_FLAG_WATCHED) != 0);
}

const char *host_replay_from(const char *path, const host_replay_options_t *options,
                             host_config_t *board)
{
    record_t r;
    s_options = *options;
    const char *wrong = record_reader_open(path, options->any_build);
    if (wrong != NULL) {
        return wrong;
    }
    s_total = events_before(host_boot_count());
    if (!record_reader_seek(host_boot_count())) {
        if (record_reader_is_cut()) {
            stop_early("the recording was cut short", 0);
        }
        return "the recording has no further boot: this reset was not recorded";
    }
    (void)record_reader_peek(&r);
    fill_board(&r, board);
    g_recorder = (r.value[BOOT_FLAGS] & BOOT_FLAG_SIM) != 0 ? RECORDER_COMPARES : RECORDER_STEERS;
    host_steer_on = g_recorder == RECORDER_STEERS;
    host_trace_on = true;
    return NULL;
}
