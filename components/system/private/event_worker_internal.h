/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief What event_worker.c (running handlers) and event_worker_life.c (workers that come and go)
 *        share.
 */

#include "event_internal.h"

#define SHARED_WORKERS (2 * portNUM_PROCESSORS)
/** Places that run on stacks of their own: shared workers and their replacements. */
#define STATIC_WORKERS (SHARED_WORKERS + CONFIG_SYSTEM_WORKER_SPARES)
#define WORKERS        (STATIC_WORKERS + CONFIG_SYSTEM_MAX_PRIVATE_WORKERS)
_Static_assert(WORKERS <= 32, "the idle workers are one word of bits");

/** Life of a place in the table. */
enum {
    PLACE_FREE = 0,
    PLACE_ALIVE,  /* its task runs */
    PLACE_PARKED, /* its task suspended itself for good; whoever needs the place deletes it */
    PLACE_REAPED, /* its task is being deleted */
};

extern event_worker_t event_workers[WORKERS];
/** Bit n: worker n is alive, of this kind, and not given up. Changes only when workers come and go.
 */
extern _Atomic uint32_t event_worker_masks[WORKER_PRIVATE + 1];

/** The task of a worker. */
void event_worker_main(void *arg);
/** Drop the reference to the event handled last, unless somebody did it for the worker. */
void event_worker_release_block(event_worker_t *worker);
/** Notify a worker, whatever it does; nothing if it is gone. */
void event_worker_notify(event_worker_t *worker);
/** An express worker is given up, or not there any more: HIGH is free for the others. */
void event_worker_lose_high(const event_worker_t *worker);
/** Forget what was handed to a worker that starts. */
void event_worker_reset(event_worker_t *worker);
