/* SPDX-License-Identifier: Apache-2.0 */
#include "system_service/memory_utils.h"

#include <inttypes.h>
#include <string.h>

#include "esp_heap_caps.h"
#include "esp_log.h"

#include "event_internal.h"
#include "memory_utils_internal.h"
#include "relaxed.h"
#include "resource_quota_internal.h"
#include "supervisor_wake.h"

static const char *TAG = "memory";

/* Follows every accounted block, mixed with its address so that a copied block does not carry it.
 */
#define GUARD      0x6B52414Bu
#define GUARD_SIZE sizeof(uint32_t)

static struct {
    _Atomic uint32_t over_quota;
    _Atomic uint32_t refused;
    _Atomic uint32_t misplaced;
    _Atomic uint32_t double_frees;
    _Atomic uint32_t foreign_frees;
    _Atomic uint32_t overruns;
    _Atomic uint32_t reclaimed_blocks;
    _Atomic uint32_t reclaimed_bytes;
} s_totals;

/* ---- helpers -------------------------------------------------------------------------------- */

static unsigned slot_of_entry(const ledger_entry_t *entry)
{
    return entry->slot == LEDGER_NOBODY ? SYSTEM_SLOT_NONE : entry->slot;
}

static const char *owner_name(const ledger_entry_t *entry)
{
    return entry->slot == LEDGER_NOBODY ? "firmware" : service_slot_name(entry->slot);
}

static uint32_t guard_of(const void *ptr)
{
    return GUARD ^ (uint32_t)(uintptr_t)ptr;
}

static void set_guard(void *ptr, size_t size)
{
    const uint32_t guard = guard_of(ptr);

    memcpy((uint8_t *)ptr + size, &guard, GUARD_SIZE);
}

static bool guard_is_whole(const ledger_entry_t *entry)
{
    uint32_t guard;

    memcpy(&guard, (const uint8_t *)entry->ptr + entry->size, GUARD_SIZE);
    return guard == guard_of(entry->ptr);
}

static void report_overrun(const ledger_entry_t *entry)
{
    relaxed_add(&s_totals.overruns, 1);
    ESP_LOGE(TAG, "%s wrote beyond its block of %" PRIu32 " bytes at %p", owner_name(entry),
             (uint32_t)entry->size, entry->ptr);
}

/* ---- placement ------------------------------------------------------------------------------ */

static void *from(size_t size, uint32_t caps)
{
    return heap_caps_malloc(size + GUARD_SIZE, caps | MALLOC_CAP_8BIT);
}

static void *second_choice(size_t size, uint32_t caps)
{
    void *ptr = from(size, caps);

    if (ptr != NULL) {
        relaxed_add(&s_totals.misplaced, 1);
    }
    return ptr;
}

static bool internal_can_spare(size_t size)
{
    const size_t free_bytes = heap_caps_get_free_size(MALLOC_CAP_INTERNAL | MALLOC_CAP_8BIT);

    return free_bytes >= size && free_bytes - size >= CONFIG_SYSTEM_HEAP_INTERNAL_FREE_WARN;
}

static void *place(size_t size, memory_purpose_t purpose)
{
    void *ptr = NULL;

    switch (purpose) {
    case MEMORY_PURPOSE_HOT:
        return from(size, MALLOC_CAP_INTERNAL);
    case MEMORY_PURPOSE_DMA:
        return from(size, MALLOC_CAP_INTERNAL | MALLOC_CAP_DMA);
    case MEMORY_PURPOSE_BIG:
        ptr = from(size, MALLOC_CAP_SPIRAM);
        if (ptr == NULL && internal_can_spare(size)) {
            ptr = second_choice(size, MALLOC_CAP_INTERNAL);
        }
        return ptr;
    case MEMORY_PURPOSE_GENERAL:
    default: {
        const bool big = size >= CONFIG_SYSTEM_MEMORY_BIG_BLOCK;

        ptr = from(size, big ? MALLOC_CAP_SPIRAM : MALLOC_CAP_INTERNAL);
        return ptr != NULL ? ptr
                           : second_choice(size, big ? MALLOC_CAP_INTERNAL : MALLOC_CAP_SPIRAM);
    }
    }
}

/* ---- accounted allocation ------------------------------------------------------------------- */

static void *alloc_for(unsigned slot, size_t size, memory_purpose_t purpose)
{
    if (size == 0 || size > LEDGER_SIZE_MAX || (unsigned)purpose >= MEMORY_PURPOSES) {
        return NULL;
    }
    if (quota_charge_memory(slot, size) != ESP_OK) {
        relaxed_add(&s_totals.over_quota, 1);
        supervisor_note_busy(); /* it reports the refusal */
        return NULL;
    }
    const int pause = memory_tracking_pause();
    void *ptr = place(size, purpose);

    memory_tracking_resume(pause);
    const ledger_entry_t entry = {
        .ptr = ptr,
        .size = (uint32_t)size,
        .slot = slot < SYSTEM_SLOTS ? slot : LEDGER_NOBODY,
        .kind = LEDGER_ACCOUNTED,
    };
    ledger_entry_t stale;

    if (ptr == NULL) {
        quota_release_memory(slot, size);
        relaxed_add(&s_totals.refused, 1);
        return NULL;
    }
    memory_untrack(ptr); /* there is an entry only if tracking could not be paused */
    if (!ledger_put(entry, &stale)) {
        heap_caps_free(ptr);
        quota_release_memory(slot, size);
        relaxed_add(&s_totals.refused, 1);
        return NULL;
    }
    set_guard(ptr, size);
    return ptr;
}

static size_t release(const ledger_entry_t *entry)
{
    quota_release_memory(slot_of_entry(entry), entry->size);
    heap_caps_free(entry->ptr);
    return entry->size;
}

void memory_accounts_init(void)
{
    memory_hooks_init();
    ledger_init();
    memset(&s_totals, 0, sizeof(s_totals));
}

size_t memory_reclaim(unsigned slot)
{
    ledger_entry_t entry;
    size_t bytes = 0;

    while (slot < SYSTEM_SLOTS && ledger_take_one_of(slot, LEDGER_ACCOUNTED, &entry)) {
        if (!guard_is_whole(&entry)) {
            report_overrun(&entry);
        }
        relaxed_add(&s_totals.reclaimed_blocks, 1);
        relaxed_add(&s_totals.reclaimed_bytes, entry.size);
        bytes += release(&entry);
    }
    return bytes;
}

size_t memory_reclaim_plain(unsigned slot, bool free_blocks)
{
    ledger_entry_t entry;
    size_t bytes = 0;

    while (slot < SYSTEM_SLOTS && ledger_take_one_of(slot, LEDGER_PLAIN, &entry)) {
        bytes += entry.size;
        if (free_blocks) {
            relaxed_add(&s_totals.reclaimed_blocks, 1);
            relaxed_add(&s_totals.reclaimed_bytes, entry.size);
            release(&entry);
        } else {
            quota_release_memory(slot, entry.size);
        }
    }
    return bytes;
}

/* ---- before a lock is taken ----------------------------------------------------------------- */

#define TOUCH_EVERY 4096u /* bytes: the least that a platform maps or protects as one */

static void touch(volatile uint8_t *byte, bool write)
{
    const uint8_t value = *byte;
    if (write) {
        *byte = value;
    }
}

void memory_touch(const void *ptr, size_t size, bool write)
{
    uint8_t *bytes = (uint8_t *)(uintptr_t)ptr;
    for (size_t at = 0; at < size; at += TOUCH_EVERY) {
        touch(bytes + at, write);
    }
    if (size != 0) {
        touch(bytes + size - 1, write);
    }
}

/* ---- public API ----------------------------------------------------------------------------- */

/* Not to be cut between the heap and the ledger. */
static void *alloc_uncut(unsigned slot, size_t size, memory_purpose_t purpose)
{
    system_identity_t *identity = system_enter();
    void *ptr = alloc_for(slot, size, purpose);

    system_leave(identity);
    return ptr;
}

void *memory_alloc(size_t size, memory_purpose_t purpose)
{
    return alloc_uncut(system_current_slot(), size, purpose);
}

void *system_mem_alloc(system_service_id_t id, size_t size, memory_purpose_t purpose)
{
    unsigned slot;

    return service_slot_for_caller(id, &slot) == ESP_OK ? alloc_uncut(slot, size, purpose) : NULL;
}

static esp_err_t free_for(unsigned caller, void *ptr)
{
    ledger_entry_t entry;

    if (ledger_find(ptr, &entry) && entry.kind == LEDGER_ACCOUNTED && caller != SYSTEM_SLOT_NONE &&
        caller != entry.slot) {
        ESP_LOGE(TAG, "%s tried to free a block of %s", service_slot_name(caller),
                 owner_name(&entry));
        return ESP_ERR_NOT_OWNER;
    }
    if (!ledger_take(ptr, LEDGER_ACCOUNTED, &entry)) {
        const bool twice = entry.ptr == NULL && ledger_freed_lately(ptr);

        relaxed_add(twice ? &s_totals.double_frees : &s_totals.foreign_frees, 1);
        ESP_LOGE(TAG, "%s freed %p, %s", service_slot_name(caller), ptr,
                 twice ? "which was free already" : "which is no accounted block");
        return twice ? ESP_ERR_MEMORY_DOUBLE_FREE : ESP_ERR_MEMORY_FOREIGN_POINTER;
    }
    const bool whole = guard_is_whole(&entry);

    if (!whole) {
        report_overrun(&entry);
    }
    ledger_note_freed(ptr);
    release(&entry);
    return whole ? ESP_OK : ESP_ERR_MEMORY_CORRUPTED;
}

esp_err_t memory_free(void *ptr)
{
    if (ptr == NULL) {
        return ESP_OK;
    }
    system_identity_t *identity = system_enter();
    const esp_err_t ret = free_for(system_current_slot(), ptr);

    system_leave(identity);
    return ret;
}

esp_err_t memory_size(const void *ptr, size_t *out)
{
    ledger_entry_t entry;
    const unsigned caller = system_current_slot();

    if (ptr == NULL || out == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    if (!ledger_find(ptr, &entry) || entry.kind != LEDGER_ACCOUNTED) {
        return ledger_freed_lately(ptr) ? ESP_ERR_MEMORY_DOUBLE_FREE
                                        : ESP_ERR_MEMORY_FOREIGN_POINTER;
    }
    if (caller != SYSTEM_SLOT_NONE && caller != entry.slot) {
        return ESP_ERR_NOT_OWNER;
    }
    *out = entry.size;
    return ESP_OK;
}

esp_err_t system_mem_free(void *ptr)
{
    return memory_free(ptr);
}

esp_err_t memory_get_usage(system_service_id_t id, memory_usage_t *out)
{
    unsigned slot;
    service_quota_t quota;

    if (out == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    esp_err_t err = service_slot_of(id, &slot);

    if (err == ESP_OK) {
        err = quota_get(id, &quota);
    }
    if (err != ESP_OK) {
        return err;
    }
    ledger_count(slot, LEDGER_ACCOUNTED, &out->bytes, &out->blocks);
    ledger_count(slot, LEDGER_PLAIN, &out->plain_bytes, &out->plain_blocks);
    out->charged = quota_memory_used(slot);
    out->limit = quota.max_memory_bytes;
    return ESP_OK;
}

esp_err_t memory_get_totals(memory_totals_t *out)
{
    if (out == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    *out = (memory_totals_t){
        .tracked_max = CONFIG_SYSTEM_TRACKED_BLOCKS - CONFIG_SYSTEM_TRACKED_BLOCKS / 8,
        .untracked = memory_untracked(),
        .over_quota = relaxed_get(&s_totals.over_quota),
        .refused = relaxed_get(&s_totals.refused),
        .misplaced = relaxed_get(&s_totals.misplaced),
        .double_frees = relaxed_get(&s_totals.double_frees),
        .foreign_frees = relaxed_get(&s_totals.foreign_frees),
        .overruns = relaxed_get(&s_totals.overruns),
        .reclaimed_blocks = relaxed_get(&s_totals.reclaimed_blocks),
        .reclaimed_bytes = relaxed_get(&s_totals.reclaimed_bytes),
    };
    ledger_fill(&out->tracked, &out->tracked_high_water);
    return ESP_OK;
}

static void check_one(const ledger_entry_t *entry, void *arg)
{
    bool *whole = arg;
    ledger_entry_t now;

    /* it may have been freed since it was copied: then nobody may look at it */
    if (entry->kind == LEDGER_ACCOUNTED && ledger_find(entry->ptr, &now) && !guard_is_whole(&now)) {
        *whole = false;
        ESP_LOGE(TAG, "%s wrote beyond its block of %" PRIu32 " bytes at %p", owner_name(&now),
                 (uint32_t)now.size, now.ptr);
    }
}

esp_err_t memory_check(void)
{
    bool whole = true;

    ledger_for_each(check_one, &whole);
    return whole ? ESP_OK : ESP_ERR_MEMORY_CORRUPTED;
}
