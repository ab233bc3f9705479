/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief Who holds which block, grouped by the file that defines it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "system_internal.h"
#include "system_service/memory_utils.h"

/* ---- memory_utils.c: accounted allocation -----------------------------------------------------
 */

/** Empty accounts; forgets, and does not free, what is still in them. @context init only */
void memory_accounts_init(void);

/** Free every accounted block of an owner that is gone.
 *  @context any task; no code of the owner runs any more  @return bytes */
size_t memory_reclaim(unsigned slot);

/**
 * What an owner that is gone still holds by plain malloc(): free it, or only strike it off, for
 * what it may have given to others.
 * @context as memory_reclaim()  @return bytes
 */
size_t memory_reclaim_plain(unsigned slot, bool free_blocks);

/* ---- memory_ledger.c: from a pointer to its owner ----------------------------------------------
 */

/** Largest block that the ledger can hold, in bytes. */
#define LEDGER_SIZE_MAX 0xFFFFFFu

typedef enum {
    LEDGER_PLAIN = 0, /* malloc() and its kin, seen by the heap's hooks */
    LEDGER_ACCOUNTED, /* memory_alloc() */
    LEDGER_KINDS,
} ledger_kind_t;

typedef struct {
    void *ptr;
    uint32_t size : 24;
    uint32_t slot : 7; /* LEDGER_NOBODY = firmware */
    uint32_t kind : 1;
} ledger_entry_t;

#define LEDGER_NOBODY 0x7Fu
_Static_assert(SYSTEM_SLOTS < LEDGER_NOBODY, "a slot is 7 bits in the ledger");

void ledger_init(void);
/** Enter a block. An entry of the same pointer is out of date and is replaced.
 *  @param[out] replaced what was there, .ptr = NULL if nothing was
 *  @return false: no room. @context any task, isr-ok; never under another lock */
bool ledger_put(ledger_entry_t entry, ledger_entry_t *replaced);
/** Take the entry of a pointer out, if it is of this kind; LEDGER_KINDS = any kind.
 *  @return false: there is none of that kind; *out is what is there, .ptr = NULL for nothing */
bool ledger_take(const void *ptr, ledger_kind_t kind, ledger_entry_t *out);
/** Find an entry without taking it. */
bool ledger_find(const void *ptr, ledger_entry_t *out);
/** Take out any one entry of that slot and kind. */
bool ledger_take_one_of(unsigned slot, ledger_kind_t kind, ledger_entry_t *out);
/** Call fn on each entry in turn, as a copy, without a lock; entries that move may be missed. */
void ledger_for_each(void (*fn)(const ledger_entry_t *entry, void *arg), void *arg);
/** Bytes and blocks of one slot. */
void ledger_count(unsigned slot, ledger_kind_t kind, uint32_t *bytes, uint32_t *blocks);
/** Entries now, and the most there ever were. */
void ledger_fill(uint32_t *used, uint32_t *high_water);
/** Note that an accounted block was freed, and ask whether one was not long ago. */
void ledger_note_freed(const void *ptr);
bool ledger_freed_lately(const void *ptr);

/* ---- memory_hooks.c: what the heap tells -------------------------------------------------------
 */

void memory_hooks_init(void);
/** Strike off the plain entry of a pointer, if there is one. @context any task */
void memory_untrack(const void *ptr);
/**
 * What the calling task allocates until memory_tracking_resume() is accounted for by other means.
 * @context any task  @blocks never
 * @return what memory_tracking_resume() wants; -1: too many tasks are at it, the hook will charge
 *         the block too: memory_untrack() it then
 */
int memory_tracking_pause(void);
void memory_tracking_resume(int pause);
/** Plain blocks of owners that found no room in the ledger. */
uint32_t memory_untracked(void);
/** From now on an allocation made by the core's own code is counted; until memory_unseal(). */
void memory_seal(void);
void memory_unseal(void);
/** Allocations by the core's own code while sealed, since memory_seal(). 0 as well when the heap
 * has no hooks (CONFIG_HEAP_USE_HOOKS), see memory_seal_watches(). */
uint32_t memory_seal_violations(void);
/** True when the heap tells about its allocations, so that the count above means something. */
bool memory_seal_watches(void);
