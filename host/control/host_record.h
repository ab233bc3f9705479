// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Record and replay: everything that comes from outside the board and every event that the system
 * carries, streamed to a file; and the same run again in the simulator, compared event by event.
 * docs/REPLAY.md tells what is promised, and describes the file.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host_control.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @brief Record what the board does from its next boot on. A process that a reset of the board
 *        started goes on with the same file.
 * @context plain program code before host_boot()
 * @return NULL, or what is wrong with the file
 */
const char *host_record_to(const char *path);

typedef struct {
    uint64_t until_us; /* stop when a boot's clock passes this; 0 = at the end */
    uint64_t break_at; /* raise SIGTRAP before this event, the first is 1; 0 = never */
    bool verbose;      /* print each record */
    bool any_build;    /* try a recording of another build of the program */
} host_replay_options_t;

/**
 * @brief Make the next boot the one that was recorded; after a reset, the one after it.
 * @context plain program code before host_boot()
 * @param[in]  options copied
 * @param[out] board   what to give to host_boot()
 * @return NULL, or what is wrong with the file
 */
const char *host_replay_from(const char *path, const host_replay_options_t *options,
                             host_config_t *board);

/**
 * @brief The board has stopped: close the recording, or give the verdict of the replay.
 * @context plain program code after host_boot()
 * @return exit status: code itself; after a replay 0 if all was as recorded, else 1
 */
int host_record_finish(int code);

/** @brief True while a recording is made or replayed. @context any */
bool host_recording(void);

/* ---- what the system tells ---- */

/** Somebody wants to know: look at it before calling what follows. Does not change during a boot.
 */
extern bool host_trace_on;

typedef struct {
    uint32_t slot;         /* owner of the mailbox */
    uint32_t lane;         /* 0 the most urgent */
    uint32_t type;         /* of the event */
    const char *type_name; /* valid for ever */
    uint32_t source;       /* id of who posted it, its slot in the lowest byte; 0: nobody's */
    uint32_t sequence;
    uint32_t sub; /* subscription */
} host_trace_event_t;

/** @brief An event was put into a mailbox. @context any task, isr-ok, with locks held; passes no
 *  scheduling point */
void host_trace_delivered(const host_trace_event_t *event);

/** @brief An event was taken out of a mailbox for its handler. @context as above */
void host_trace_handled(const host_trace_event_t *event);

/** @brief A slot has a new owner. @context as above */
void host_trace_owner(uint32_t slot, const char *name);

/* ---- a run of threads again: the order is that of the recording ---- */

/** Ask before an event is delivered or taken out. Does not change during a boot. */
extern bool host_steer_on;

/**
 * @brief An event is about to be delivered: wait until it is its turn.
 * @context any; in an interrupt, or with a lock held, it does not wait
 * @return what host_steer_delivered() wants
 */
uint32_t host_steer_deliver(const host_trace_event_t *event);

/** @brief It was delivered, or was not. @context as above */
void host_steer_delivered(uint32_t slot, uint32_t turn);

#define HOST_STEER_WAIT (-1) /* what was taken out next is not there yet */
#define HOST_STEER_ANY  (-2) /* the recording does not tell */

/**
 * @brief Which lane's first event was taken out next.
 * @context any; passes no scheduling point
 * @param heads of each lane the first event; slot is set in all of them, type_name NULL: none
 * @return the lane, or HOST_STEER_WAIT, HOST_STEER_ANY
 */
int host_steer_choose(const host_trace_event_t *heads, unsigned lanes);

/** @brief Let some time pass, in a task that was told to wait. @blocks up to a millisecond */
void host_steer_pause(uint32_t slot);

/* ---- what comes from outside ---- */

/** @brief True while a recording is replayed: nothing is to be read from outside then. @context any
 */
bool host_replaying(void);

/**
 * @brief Something came in from outside. Call it where the board first sees it.
 * @context any task, isr-ok; costs a load and a branch while nothing is recorded
 * @param source name of where it came from, valid for ever; 16 of them
 * @param size   at most 4096; 0: nothing will come any more
 */
void host_input_note(const char *source, const void *bytes, uint32_t size);

/**
 * @brief In a replay: what came in next from this source, when its time has come.
 * @context any task  @blocks until then
 * @param room as large as what the source notes at once
 * @return its size; 0: nothing comes any more
 */
uint32_t host_input_again(const char *source, void *to, uint32_t room);

/**
 * @brief One byte of the console: of standard input, or of the recording, when its time has come.
 * @context any task  @blocks until there is one
 * @return 0..255, or -1 at the end of input
 */
int host_console_read(void);

/** @brief A line was read from the console in another way, by an editor. NULL: the input has ended.
 *  @context any task */
void host_console_note(const char *line);

/** @brief True when somebody sits at the console whose keys may be read directly: not in a replay,
 *  and not while a run of the simulator is recorded. @context any */
bool host_console_interactive(void);

#ifdef __cplusplus
}
#endif
