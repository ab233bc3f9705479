/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A portMUX says itself who owns it: a core on the device, a task on the PC. So nothing is noted
 * when one is given, and no state can be left behind by a task that was ended.
 */
#include "lock_order.h"

#ifdef CONFIG_SYSTEM_LOCK_ORDER_CHECK

#include <stdatomic.h>
#include <stdio.h>

#include "esp_system.h"

#include "event_internal.h"

#define LEAVES 32

/* The check is no part of what is checked: on the PC it neither switches tasks nor is it watched
 * for races. */
#if defined(__SANITIZE_THREAD__)
#define UNWATCHED __attribute__((no_sanitize("thread")))
#else
#define UNWATCHED
#endif

typedef const portMUX_TYPE *mux_t;

static _Atomic(mux_t) s_routes;
static _Atomic(mux_t) s_leaves[LEAVES]; /* found as they are taken */
/* Relaxed throughout: the check must not order what the locks do not order. */
static _Atomic(TaskHandle_t) s_holders[LOCK_RANK_REGISTRY + 1];

static const char *const s_names[] = {
    [LOCK_RANK_NONE] = "no",
    [LOCK_RANK_APPS] = "the apps' lock",
    [LOCK_RANK_REGISTRY] = "the registry's lock",
    [LOCK_RANK_ROUTES] = "the routes' lock",
    [LOCK_RANK_MAILBOX] = "a mailbox's lock",
    [LOCK_RANK_LEAF] = "a leaf lock",
};

static void stop(lock_rank_t taken, lock_rank_t held)
{
    static char text[96];
    (void)snprintf(text, sizeof(text), "lock order: %s is taken under %s", s_names[taken],
                   s_names[held]);
    esp_system_abort(text);
}

UNWATCHED static bool is_mailbox(mux_t mux)
{
    return (uintptr_t)mux >= (uintptr_t)&event_mailboxes[0] &&
           (uintptr_t)mux < (uintptr_t)&event_mailboxes[SYSTEM_SLOTS];
}

/** Remember a lock that is neither of the routes nor of a mailbox. */
UNWATCHED static void know_leaf(mux_t mux)
{
    for (unsigned i = 0; i < LEAVES; i++) {
        mux_t known = atomic_load_explicit(&s_leaves[i], memory_order_relaxed);
        if (known == mux || (known == NULL && (atomic_compare_exchange_strong_explicit(
                                                   &s_leaves[i], &known, mux, memory_order_relaxed,
                                                   memory_order_relaxed) ||
                                               known == mux))) {
            return;
        }
    }
    esp_system_abort("lock order: more leaf locks than there are places (lock_order.c)");
}

UNWATCHED static bool held_by(mux_t mux, uint32_t owner)
{
    return __atomic_load_n(&mux->owner, __ATOMIC_RELAXED) == owner;
}

/** The highest-ranked lock that owner holds beside mine and that is not before rank. */
UNWATCHED static lock_rank_t found(mux_t mine, uint32_t owner, lock_rank_t rank)
{
    for (unsigned i = 0; i < LEAVES; i++) {
        mux_t leaf = atomic_load_explicit(&s_leaves[i], memory_order_relaxed);
        if (leaf == NULL) {
            break;
        }
        if (leaf != mine && held_by(leaf, owner)) {
            return LOCK_RANK_LEAF;
        }
    }
    for (unsigned i = 0; rank <= LOCK_RANK_MAILBOX && i < SYSTEM_SLOTS; i++) {
        mux_t mailbox = &event_mailboxes[i].lock;
        if (mailbox != mine && held_by(mailbox, owner)) {
            return LOCK_RANK_MAILBOX;
        }
    }
    mux_t routes = atomic_load_explicit(&s_routes, memory_order_relaxed);
    return rank <= LOCK_RANK_ROUTES && routes != NULL && routes != mine && held_by(routes, owner)
               ? LOCK_RANK_ROUTES
               : LOCK_RANK_NONE;
}

void lock_order_name(const portMUX_TYPE *mux, lock_rank_t rank)
{
    configASSERT(rank == LOCK_RANK_ROUTES);
    atomic_store(&s_routes, mux);
}

UNWATCHED void lock_order_taken(const portMUX_TYPE *mux)
{
    lock_rank_t rank = LOCK_RANK_LEAF;
    if (mux == atomic_load_explicit(&s_routes, memory_order_relaxed)) {
        rank = LOCK_RANK_ROUTES;
    } else if (is_mailbox(mux)) {
        rank = LOCK_RANK_MAILBOX;
    } else {
        know_leaf(mux);
    }
    const lock_rank_t held = found(mux, mux->owner, rank);
    if (held != LOCK_RANK_NONE) {
        stop(rank, held);
    }
}

/* ---- mutexes -------------------------------------------------------------------------------- */

void lock_order_wants(lock_rank_t mutex)
{
    /* A lock of its own, to learn as whom the caller would own one. */
    portMUX_TYPE mine = portMUX_INITIALIZER_UNLOCKED;
    vPortEnterCritical(&mine);
    const lock_rank_t held = found(&mine, mine.owner, mutex);
    vPortExitCritical(&mine);
    if (held != LOCK_RANK_NONE) {
        stop(mutex, held);
    }
    for (unsigned rank = mutex; rank <= LOCK_RANK_REGISTRY; rank++) {
        if (atomic_load_explicit(&s_holders[rank], memory_order_relaxed) ==
            xTaskGetCurrentTaskHandle()) {
            stop(mutex, (lock_rank_t)rank);
        }
    }
}

void lock_order_has(lock_rank_t mutex)
{
    atomic_store_explicit(&s_holders[mutex], xTaskGetCurrentTaskHandle(), memory_order_relaxed);
}

void lock_order_gives(lock_rank_t mutex)
{
    atomic_store_explicit(&s_holders[mutex], NULL, memory_order_relaxed);
}

#endif
