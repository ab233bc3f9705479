// SPDX-License-Identifier: Apache-2.0
#pragma once

// The recorder, as the other files of the board see it. Off, every call costs a load and a branch.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "host_record.h"
#include "record_format.h"

typedef enum {
    RECORDER_OFF,
    RECORDER_WRITES,   // a recording is made
    RECORDER_COMPARES, // a run of the simulator again: every record must come as it was recorded
    RECORDER_STEERS,   // a run of threads again, in the simulator: see replay_threads.c
} recorder_t;

extern recorder_t g_recorder;

// ---- record.c ----

/** The board boots: heap, flash and no-init memory are there, no task runs yet. */
void record_boot(void);
/** This boot is over. how: END_EXIT with its status, or END_RESET with the reason. Once a boot. */
void record_end(unsigned how, int code);
/** A source of input is about to be read: the first time tells its name. */
void record_announce(const char *channel);
/** A random number was drawn from the PC. */
void record_random(uint32_t value);
/** Fills in kind and values of the boot that is under way. */
void record_describe_boot(record_t *r);

// ---- replay.c: the same run again ----

/** Compares with what was recorded; does not return if it differs, or if the replay is to end. */
void replay_compare(const record_t *r);
/** What came in here when it was recorded. @return its size, 0: the end */
uint32_t replay_input(const char *channel, const uint8_t **bytes);
/** Prints the verdict. @return exit status */
int replay_verdict(void);
/** --verbose, --until and --break-at, for a record that was made now. */
void replay_watch(const record_t *r, uint64_t events);

// ---- replay_threads.c: what came from outside a run of threads, again at its time ----

/** Reads what was recorded of this boot. */
void steer_load(void);
void steer_observe(const record_t *r);
/** Waits for the time of the next input. @return its size, 0: the end */
uint32_t steer_input(const char *channel, const uint8_t **bytes);
/** @return false: no more numbers were drawn by this task */
bool steer_random(uint32_t *value);
void steer_wait_until(uint64_t at_us);
/** A task is about to end the run or the boot: not before the time when it ended. */
void steer_before_end(void);
/** Says, once a boot, what came as it was recorded. @return exit status */
int steer_verdict(void);

// ---- steer_order.c: the order in which mailboxes take and hand out events, as it was ----

void steer_order_add(const record_t *r);
void steer_order_observe(const record_t *r);
void steer_order_report(void);
bool steer_order_kept(void);
