/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The heap calls the two hooks below after each allocation and after each free, in the context of
 * whoever asked for it, with no lock held. What that means for the ledger:
 *  - realloc() that stays in place reports the same pointer again: the entry is replaced.
 *  - realloc() that moves inside one heap does not report the old pointer as freed. Its entry stays
 *    until the address is handed out again, and counts against its owner so long.
 *  - Between a free and its hook the other core may get the same address and report it first; the
 *    late report then strikes off the new block, which is no longer counted.
 * Neither adds up: every entry dies when its address is used again.
 */
#include "esp_attr.h"
#include "esp_heap_caps.h"

#include "event_internal.h"
#include "memory_utils_internal.h"
#include "relaxed.h"
#include "resource_quota_internal.h"

static _Atomic uint32_t s_sealed;
static _Atomic uint32_t s_violations;
static _Atomic uint32_t s_untracked;

/* Tasks inside memory_tracking_pause(). A task can only be there while it is in the heap, so a few
 * places are enough. */
#define PAUSES 8
static _Atomic(TaskHandle_t) s_paused[PAUSES];

static void IRAM_ATTR uncharge(const ledger_entry_t *entry)
{
    if (entry->slot != LEDGER_NOBODY) {
        quota_release_memory(entry->slot, entry->size);
    }
}

void memory_hooks_init(void)
{
    relaxed_put(&s_sealed, 0);
    relaxed_put(&s_violations, 0);
    relaxed_put(&s_untracked, 0);
}

void IRAM_ATTR memory_untrack(const void *ptr)
{
    ledger_entry_t entry;

    if (ledger_take(ptr, LEDGER_PLAIN, &entry)) {
        uncharge(&entry);
    }
}

uint32_t memory_untracked(void)
{
    return relaxed_get(&s_untracked);
}

int memory_tracking_pause(void)
{
    const TaskHandle_t self = xTaskGetCurrentTaskHandle();

    for (int i = 0; i < PAUSES; i++) {
        TaskHandle_t nobody = NULL;

        if (atomic_compare_exchange_strong(&s_paused[i], &nobody, self)) {
            return i;
        }
    }
    return -1;
}

void memory_tracking_resume(int pause)
{
    if (pause >= 0) {
        atomic_store(&s_paused[pause], (TaskHandle_t)NULL);
    }
}

void memory_seal(void)
{
    relaxed_put(&s_violations, 0);
    relaxed_put(&s_sealed, 1);
}

void memory_unseal(void)
{
    relaxed_put(&s_sealed, 0);
}

uint32_t memory_seal_violations(void)
{
    return relaxed_get(&s_violations);
}

#ifdef CONFIG_HEAP_USE_HOOKS

bool memory_seal_watches(void)
{
    return true;
}

static bool IRAM_ATTR is_paused(void)
{
    const TaskHandle_t self = xTaskGetCurrentTaskHandle();
    bool found = false;

    for (int i = 0; i < PAUSES; i++) {
        found = found || atomic_load(&s_paused[i]) == self;
    }
    return found;
}

/* The core's own code: a task of the core that acts for nobody, or any task inside one of our
 * calls, but for those that were asked for memory. */
static bool IRAM_ATTR in_core_code(void)
{
    const system_identity_t *identity = system_identity();

    return identity != NULL &&
           (atomic_load_explicit(&identity->slot, memory_order_relaxed) == SYSTEM_SLOT_NONE ||
            (atomic_load_explicit(&identity->depth, memory_order_relaxed) > 0 && !is_paused()));
}

#ifdef CONFIG_SYSTEM_TRACK_PLAIN_MALLOC
static void IRAM_ATTR track(void *ptr, size_t size)
{
    const unsigned current = system_current_slot();
    const unsigned slot = current < SYSTEM_SLOTS && is_paused() ? SYSTEM_SLOT_NONE : current;
    const ledger_entry_t entry = {
        .ptr = ptr, .size = (uint32_t)size & LEDGER_SIZE_MAX, .slot = slot & LEDGER_NOBODY};
    ledger_entry_t stale;

    if (slot >= SYSTEM_SLOTS || size > LEDGER_SIZE_MAX) {
        /* nobody's; but the address may have been somebody's before */
        if (ledger_take(ptr, LEDGER_KINDS, &stale)) {
            uncharge(&stale);
        }
        if (slot < SYSTEM_SLOTS) {
            relaxed_add(&s_untracked, 1);
        }
        return;
    }
    const bool fits = ledger_put(entry, &stale);

    if (stale.ptr != NULL) {
        uncharge(&stale);
    }
    if (fits) {
        quota_force_memory(slot, size);
    } else {
        relaxed_add(&s_untracked, 1);
    }
}
#else
static void track(void *ptr, size_t size)
{
    (void)ptr;
    (void)size;
}
#endif

/* esp_heap_caps.h puts both into IRAM where the heap is. */
void esp_heap_trace_alloc_hook(void *ptr, size_t size, uint32_t caps)
{
    (void)caps;
    track(ptr, size);
    if (relaxed_get(&s_sealed) != 0 && in_core_code()) {
        relaxed_add(&s_violations, 1);
    }
}

void esp_heap_trace_free_hook(void *ptr)
{
    memory_untrack(ptr);
}

#else

bool memory_seal_watches(void)
{
    return false;
}

#endif
