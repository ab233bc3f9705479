/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hash table from pointers to owners: open addressing, linear probing, no tombstones (what
 * follows a removed entry is moved up). It is never filled beyond seven eighths, which bounds the
 * probing and so the time that the lock is held.
 */
#include <string.h>

#include "esp_attr.h"
#include "freertos/FreeRTOS.h"

#include "lock_order.h"
#include "memory_utils_internal.h"

#define ROOM     CONFIG_SYSTEM_TRACKED_BLOCKS
#define MASK     (ROOM - 1u)
#define FILL_MAX (ROOM - ROOM / 8u)
#define FREED    16u

_Static_assert((ROOM & MASK) == 0, "SYSTEM_TRACKED_BLOCKS must be a power of two");

/* What each slot holds; the last one is firmware. */
typedef struct {
    uint32_t bytes[LEDGER_KINDS];
    uint32_t blocks[LEDGER_KINDS];
} account_t;

/* Order 5, a leaf: protects all below. */
static portMUX_TYPE s_lock = portMUX_INITIALIZER_UNLOCKED;
static ledger_entry_t s_entries[ROOM]; /* .ptr = NULL: free */
static account_t s_accounts[SYSTEM_SLOTS + 1];
static uint32_t s_used;
static uint32_t s_high_water;
static const void *s_freed[FREED]; /* the last accounted blocks freed */
static unsigned s_freed_next;

/* ---- helpers, lock held --------------------------------------------------------------------- */

FORCE_INLINE_ATTR unsigned home(const void *ptr)
{
    /* Fibonacci hashing; blocks are aligned, so the low bits say nothing */
    return (unsigned)(((uint32_t)(uintptr_t)ptr >> 2) * 2654435769u >> 16) & MASK;
}

FORCE_INLINE_ATTR account_t *account(unsigned slot)
{
    return &s_accounts[slot < SYSTEM_SLOTS ? slot : SYSTEM_SLOTS];
}

/* Where ptr is, or where it would go. */
static unsigned IRAM_ATTR place_of(const void *ptr)
{
    unsigned i = home(ptr);

    while (s_entries[i].ptr != NULL && s_entries[i].ptr != ptr) {
        i = (i + 1) & MASK;
    }
    return i;
}

static void IRAM_ATTR count(const ledger_entry_t *entry, uint32_t sign)
{
    account_t *a = account(entry->slot);

    a->bytes[entry->kind] += sign * entry->size;
    a->blocks[entry->kind] += sign;
    s_used += sign;
}

static void IRAM_ATTR remove_at(unsigned hole)
{
    count(&s_entries[hole], UINT32_MAX);
    for (unsigned i = (hole + 1) & MASK; s_entries[i].ptr != NULL; i = (i + 1) & MASK) {
        /* may the entry move up to the hole: is its home not between the two? */
        if (((i - home(s_entries[i].ptr)) & MASK) >= ((i - hole) & MASK)) {
            s_entries[hole] = s_entries[i];
            hole = i;
        }
    }
    s_entries[hole].ptr = NULL;
}

/* ---- the ledger ----------------------------------------------------------------------------- */

void ledger_init(void)
{
    portENTER_CRITICAL_SAFE(&s_lock);
    memset(s_entries, 0, sizeof(s_entries));
    memset(s_accounts, 0, sizeof(s_accounts));
    memset(s_freed, 0, sizeof(s_freed));
    s_used = 0;
    s_high_water = 0;
    portEXIT_CRITICAL_SAFE(&s_lock);
}

bool IRAM_ATTR ledger_put(ledger_entry_t entry, ledger_entry_t *replaced)
{
    bool fits = true;

    replaced->ptr = NULL;
    portENTER_CRITICAL_SAFE(&s_lock);
    unsigned i = place_of(entry.ptr);

    if (s_entries[i].ptr != NULL) {
        *replaced = s_entries[i];
        remove_at(i);
        i = place_of(entry.ptr);
    }
    fits = s_used < FILL_MAX;
    if (fits) {
        s_entries[i] = entry;
        count(&entry, 1);
        if (s_used > s_high_water) {
            s_high_water = s_used;
        }
    }
    portEXIT_CRITICAL_SAFE(&s_lock);
    return fits;
}

bool IRAM_ATTR ledger_take(const void *ptr, ledger_kind_t kind, ledger_entry_t *out)
{
    portENTER_CRITICAL_SAFE(&s_lock);
    const unsigned i = place_of(ptr);

    *out = s_entries[i];
    const bool found = out->ptr != NULL && (kind == LEDGER_KINDS || out->kind == kind);

    if (found) {
        remove_at(i);
    }
    portEXIT_CRITICAL_SAFE(&s_lock);
    return found;
}

bool ledger_find(const void *ptr, ledger_entry_t *out)
{
    portENTER_CRITICAL_SAFE(&s_lock);
    *out = s_entries[place_of(ptr)];
    portEXIT_CRITICAL_SAFE(&s_lock);
    return out->ptr != NULL;
}

bool ledger_take_one_of(unsigned slot, ledger_kind_t kind, ledger_entry_t *out)
{
    bool found = false;

    /* one short critical section per entry looked at: the table may be large */
    for (unsigned i = 0; i < ROOM && !found; i++) {
        portENTER_CRITICAL_SAFE(&s_lock);
        const bool any = account(slot)->blocks[kind] != 0;

        if (s_entries[i].ptr != NULL && s_entries[i].slot == slot && s_entries[i].kind == kind) {
            *out = s_entries[i];
            remove_at(i);
            found = true;
        }
        portEXIT_CRITICAL_SAFE(&s_lock);
        if (!any) {
            break;
        }
    }
    return found;
}

void ledger_for_each(void (*fn)(const ledger_entry_t *entry, void *arg), void *arg)
{
    for (unsigned i = 0; i < ROOM; i++) {
        portENTER_CRITICAL_SAFE(&s_lock);
        const ledger_entry_t entry = s_entries[i];

        portEXIT_CRITICAL_SAFE(&s_lock);
        if (entry.ptr != NULL) {
            fn(&entry, arg);
        }
    }
}

void ledger_count(unsigned slot, ledger_kind_t kind, uint32_t *bytes, uint32_t *blocks)
{
    portENTER_CRITICAL_SAFE(&s_lock);
    *bytes = account(slot)->bytes[kind];
    *blocks = account(slot)->blocks[kind];
    portEXIT_CRITICAL_SAFE(&s_lock);
}

void ledger_fill(uint32_t *used, uint32_t *high_water)
{
    portENTER_CRITICAL_SAFE(&s_lock);
    *used = s_used;
    *high_water = s_high_water;
    portEXIT_CRITICAL_SAFE(&s_lock);
}

void ledger_note_freed(const void *ptr)
{
    portENTER_CRITICAL_SAFE(&s_lock);
    s_freed[s_freed_next++ % FREED] = ptr;
    portEXIT_CRITICAL_SAFE(&s_lock);
}

bool ledger_freed_lately(const void *ptr)
{
    bool found = false;

    portENTER_CRITICAL_SAFE(&s_lock);
    for (unsigned i = 0; i < FREED; i++) {
        found = found || s_freed[i] == ptr;
    }
    portEXIT_CRITICAL_SAFE(&s_lock);
    return found;
}
