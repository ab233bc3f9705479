/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of requests in flight, and the refusal of waits that could never end.
 *
 * Who waits for whom is read off the table: an entry whose asker waits in a handler is an edge from
 * the asker's mailbox to the target's. A mailbox runs one handler at a time, so there is at most
 * one edge out of each, and a circle is found by following them.
 */
#include "request_table.h"

#include <string.h>

#include "esp_attr.h"
#include "esp_timer.h"

#ifdef CONFIG_SYSTEM_REQUESTS

static EXT_RAM_BSS_ATTR request_entry_t s_entries[CONFIG_SYSTEM_MAX_REQUESTS];
/* Where each slot gets the ends of its asynchronous requests; under the registry lock. */
static event_receiver_t s_answers[SYSTEM_SLOTS];
static EXT_RAM_BSS_ATTR StaticSemaphore_t s_storage[CONFIG_SYSTEM_MAX_REQUESTS];
static SemaphoreHandle_t s_semaphores[CONFIG_SYSTEM_MAX_REQUESTS];
static system_request_stats_t s_stats;
static portMUX_TYPE s_lock = portMUX_INITIALIZER_UNLOCKED; /* protects entries and stats; leaf */
_Static_assert(CONFIG_SYSTEM_MAX_REQUESTS <= 64, "semaphores to give are 64 bits");

void request_table_init(void)
{
    memset(&s_stats, 0, sizeof(s_stats));
    for (unsigned i = 0; i < CONFIG_SYSTEM_MAX_REQUESTS; i++) {
        const uint16_t generation = s_entries[i].generation; /* goes on: old ids stay dead */
        s_entries[i] = (request_entry_t){.generation = generation, .block = POOL_NONE};
        s_semaphores[i] = xSemaphoreCreateBinaryStatic(&s_storage[i]);
    }
    for (unsigned i = 0; i < SYSTEM_SLOTS; i++) {
        s_answers[i].sub = SUB_NONE;
    }
}

/* ---- entries -------------------------------------------------------------------------------- */

static system_request_id_t id_of(const request_entry_t *e)
{
    return (uint32_t)e->generation << 16 | (uint32_t)(e - s_entries + 1);
}

/** The entry that an id names, in any state but FREE. Lock held. */
static request_entry_t *find_locked(system_request_id_t id)
{
    const unsigned i = (id & 0xFFFFu) - 1u;
    if (i >= CONFIG_SYSTEM_MAX_REQUESTS || s_entries[i].state == REQUEST_FREE ||
        s_entries[i].generation != id >> 16) {
        return NULL;
    }
    return &s_entries[i];
}

/** Forget an entry. Lock held. @return the block it held */
static pool_index_t free_locked(request_entry_t *e)
{
    const pool_index_t block = e->block;
    e->state = REQUEST_FREE;
    e->block = POOL_NONE;
    e->worker = NULL;
    return block;
}

static void count_end_locked(request_outcome_t outcome)
{
    uint32_t *const counts[REQUEST_OUTCOMES] = {
        [REQUEST_ANSWERED] = &s_stats.answered,
        [REQUEST_TIMED_OUT] = &s_stats.timeouts,
        [REQUEST_CANCELLED] = &s_stats.cancelled,
        [REQUEST_GONE] = &s_stats.gone,
    };
    (*counts[outcome])++;
    s_stats.in_flight--;
}

/** A request that waits ends. Lock held. @return the semaphore to give afterwards, as a bit */
static uint64_t end_locked(request_entry_t *e, esp_err_t status, pool_index_t block,
                           request_outcome_t outcome)
{
    e->state = REQUEST_ENDED;
    e->status = status;
    e->block = block;
    e->queued = false;
    e->due_us = 0;
    count_end_locked(outcome);
    return e->callback == NULL ? 1ull << (e - s_entries) : 0;
}

static void give(uint64_t semaphores)
{
    while (semaphores != 0) {
        const unsigned i = (unsigned)__builtin_ctzll(semaphores);
        semaphores &= semaphores - 1;
        (void)xSemaphoreGive(s_semaphores[i]); /* fails if it is given already: as good */
    }
}

static void release(pool_index_t block)
{
    if (block != POOL_NONE) {
        pool_block_release(block);
    }
}

void request_table_clear(void)
{
    for (unsigned i = 0; i < CONFIG_SYSTEM_MAX_REQUESTS; i++) {
        portENTER_CRITICAL(&s_lock);
        const pool_index_t block =
            s_entries[i].state == REQUEST_FREE ? POOL_NONE : free_locked(&s_entries[i]);
        portEXIT_CRITICAL(&s_lock);
        release(block);
    }
}

esp_err_t request_answers_subscription(unsigned slot, system_event_handler_t handler,
                                       event_receiver_t *out)
{
    registry_lock();
    *out = s_answers[slot];
    registry_unlock();
    if (out->sub != SUB_NONE) {
        return ESP_OK;
    }
    /* Written under the registry lock: a task that comes second finds it there. */
    const esp_err_t ret = event_subscribe_direct(slot, handler, NULL, &s_answers[slot]);
    registry_lock();
    *out = s_answers[slot];
    registry_unlock();
    return ret == ESP_ERR_EVENT_ALREADY_SUBSCRIBED ? ESP_OK : ret;
}

/* ---- waits that could never end ------------------------------------------------------------- */

static bool waits_in_handler(const request_entry_t *e)
{
    return e->state == REQUEST_WAITING && e->worker != NULL &&
           !atomic_load(&e->worker->quarantined);
}

/** The mailbox that the handler of a slot's mailbox waits for, or none. Lock held. */
static unsigned waits_for_locked(unsigned slot)
{
    for (unsigned i = 0; i < CONFIG_SYSTEM_MAX_REQUESTS; i++) {
        if (waits_in_handler(&s_entries[i]) && s_entries[i].asker_slot == slot) {
            return s_entries[i].target_slot;
        }
    }
    return SYSTEM_SLOT_NONE;
}

static unsigned waiting_workers_locked(worker_kind_t kind)
{
    unsigned count = 0;
    for (unsigned i = 0; i < CONFIG_SYSTEM_MAX_REQUESTS; i++) {
        count += waits_in_handler(&s_entries[i]) && s_entries[i].worker->kind == kind;
    }
    return count;
}

/** @param serving shared workers of the asking one's kind */
static bool would_deadlock_locked(const request_entry_t *e, unsigned serving)
{
    if (e->asker_slot == e->target_slot) {
        return true;
    }
    if (e->worker == NULL) {
        return false; /* no mailbox stands still for this one */
    }
    unsigned slot = e->target_slot;
    for (unsigned i = 0; i < SYSTEM_SLOTS && slot != SYSTEM_SLOT_NONE; i++) {
        slot = waits_for_locked(slot);
        if (slot == e->asker_slot) {
            return true;
        }
    }
    return e->worker->kind != WORKER_PRIVATE &&
           waiting_workers_locked((worker_kind_t)e->worker->kind) + 1 >= serving;
}

esp_err_t request_table_add(const request_entry_t *e, system_request_id_t *id)
{
    esp_err_t ret = ESP_ERR_REQUEST_TABLE_FULL;
    const unsigned serving =
        e->worker != NULL ? event_workers_serving((worker_kind_t)e->worker->kind) : 0;
    portENTER_CRITICAL(&s_lock);
    if (e->callback == NULL && would_deadlock_locked(e, serving)) {
        s_stats.deadlocks++;
        ret = ESP_ERR_REQUEST_DEADLOCK;
    }
    for (unsigned i = 0; i < CONFIG_SYSTEM_MAX_REQUESTS && ret == ESP_ERR_REQUEST_TABLE_FULL; i++) {
        request_entry_t *entry = &s_entries[i];
        if (entry->state != REQUEST_FREE) {
            continue;
        }
        const uint16_t generation = (uint16_t)(entry->generation + 1);
        *entry = *e;
        entry->generation = generation != 0 ? generation : 1;
        entry->state = REQUEST_WAITING;
        *id = id_of(entry);
        s_stats.asked++;
        s_stats.in_flight++;
        if (s_stats.in_flight > s_stats.high_water) {
            s_stats.high_water = s_stats.in_flight;
        }
        ret = ESP_OK;
    }
    portEXIT_CRITICAL(&s_lock);
    return ret;
}

void request_table_undo(system_request_id_t id)
{
    portENTER_CRITICAL(&s_lock);
    request_entry_t *e = find_locked(id);
    if (e != NULL) {
        s_stats.asked--;
        if (e->state == REQUEST_WAITING) {
            s_stats.in_flight--;
        } else { /* a side went in between, and that was counted: it was never asked */
            s_stats.gone -=
                e->status == ESP_ERR_REQUEST_TARGET_GONE || e->status == ESP_ERR_REQUEST_NO_HANDLER;
            s_stats.cancelled -= e->status == ESP_ERR_REQUEST_CANCELLED;
            s_stats.timeouts -= e->status == ESP_ERR_REQUEST_TIMEOUT;
        }
        (void)free_locked(e); /* without an answer it holds no block */
    }
    portEXIT_CRITICAL(&s_lock);
}

/* ---- serving and ending --------------------------------------------------------------------- */

bool request_table_see(system_request_id_t id)
{
    portENTER_CRITICAL(&s_lock);
    request_entry_t *e = find_locked(id);
    const bool open = e != NULL && e->state == REQUEST_WAITING;
    if (open) {
        e->seen = true;
    }
    portEXIT_CRITICAL(&s_lock);
    return open;
}

esp_err_t request_table_target(system_request_id_t id, unsigned *slot)
{
    portENTER_CRITICAL(&s_lock);
    const request_entry_t *e = find_locked(id);
    const bool open = e != NULL && e->state == REQUEST_WAITING;
    if (open) {
        *slot = e->target_slot;
    } else {
        s_stats.late++;
    }
    portEXIT_CRITICAL(&s_lock);
    return open ? ESP_OK : ESP_ERR_REQUEST_NOT_FOUND;
}

esp_err_t request_table_end(system_request_id_t id, esp_err_t status, pool_index_t block,
                            request_outcome_t outcome)
{
    uint64_t semaphores = 0;
    portENTER_CRITICAL(&s_lock);
    request_entry_t *e = find_locked(id);
    const bool open = e != NULL && e->state == REQUEST_WAITING;
    if (open) {
        semaphores = end_locked(e, status, block, outcome);
    } else {
        s_stats.late++;
    }
    portEXIT_CRITICAL(&s_lock);
    give(semaphores);
    return open ? ESP_OK : ESP_ERR_REQUEST_NOT_FOUND;
}

void request_table_wait(system_request_id_t id, uint32_t timeout_ms, request_entry_t *out)
{
    const unsigned i = (id & 0xFFFFu) - 1u;
    request_entry_t *e = &s_entries[i]; /* nobody else frees it */
    const TickType_t start = xTaskGetTickCount();
    const TickType_t limit = pdMS_TO_TICKS(timeout_ms);
    for (;;) {
        const TickType_t waited = xTaskGetTickCount() - start;
        const bool up = waited >= limit;
        if (!up) {
            (void)xSemaphoreTake(s_semaphores[i], limit - waited);
        }
        portENTER_CRITICAL(&s_lock);
        const bool done = up || e->state == REQUEST_ENDED;
        if (done) {
            if (e->state == REQUEST_WAITING) {
                (void)end_locked(e, ESP_ERR_REQUEST_TIMEOUT, POOL_NONE, REQUEST_TIMED_OUT);
            }
            *out = *e;
            (void)free_locked(e); /* the block is the caller's now */
        }
        portEXIT_CRITICAL(&s_lock);
        if (done) {
            return;
        }
    }
}

esp_err_t request_table_cancel(system_request_id_t id, unsigned slot)
{
    esp_err_t ret = ESP_OK;
    uint64_t semaphores = 0;
    pool_index_t block = POOL_NONE;
    portENTER_CRITICAL(&s_lock);
    request_entry_t *e = find_locked(id);
    if (e == NULL || (e->callback == NULL && e->state == REQUEST_ENDED)) {
        ret = ESP_ERR_REQUEST_NOT_FOUND;
    } else if (e->asker_slot != slot) {
        ret = ESP_ERR_NOT_OWNER;
    } else if (e->callback == NULL) {
        semaphores = end_locked(e, ESP_ERR_REQUEST_CANCELLED, POOL_NONE, REQUEST_CANCELLED);
    } else {
        if (e->state == REQUEST_WAITING) {
            count_end_locked(REQUEST_CANCELLED);
        }
        block = free_locked(e);
    }
    portEXIT_CRITICAL(&s_lock);
    give(semaphores);
    release(block);
    return ret;
}

void request_table_cancel_waiters(unsigned slot)
{
    uint64_t semaphores = 0;
    portENTER_CRITICAL(&s_lock);
    for (unsigned i = 0; i < CONFIG_SYSTEM_MAX_REQUESTS; i++) {
        request_entry_t *e = &s_entries[i];
        if (e->state == REQUEST_WAITING && e->asker_slot == slot && e->callback == NULL) {
            semaphores |= end_locked(e, ESP_ERR_REQUEST_CANCELLED, POOL_NONE, REQUEST_CANCELLED);
        }
    }
    portEXIT_CRITICAL(&s_lock);
    give(semaphores);
}

void request_table_end_unseen(unsigned slot, system_event_type_t type)
{
    uint64_t semaphores = 0;
    portENTER_CRITICAL(&s_lock);
    for (unsigned i = 0; i < CONFIG_SYSTEM_MAX_REQUESTS; i++) {
        request_entry_t *e = &s_entries[i];
        if (e->state == REQUEST_WAITING && e->target_slot == slot && e->type == type && !e->seen) {
            semaphores |= end_locked(e, ESP_ERR_REQUEST_NO_HANDLER, POOL_NONE, REQUEST_GONE);
        }
    }
    portEXIT_CRITICAL(&s_lock);
    give(semaphores);
}

/** What a slot asked for itself ends unheard. Lock held. @return the block to release */
static pool_index_t forget_asker_locked(request_entry_t *e, uint64_t *semaphores)
{
    if (e->callback == NULL) { /* freed by the task that waits */
        if (e->state == REQUEST_WAITING) {
            *semaphores |= end_locked(e, ESP_ERR_REQUEST_CANCELLED, POOL_NONE, REQUEST_CANCELLED);
        }
        return POOL_NONE;
    }
    if (e->state == REQUEST_WAITING) {
        count_end_locked(REQUEST_CANCELLED);
    }
    return free_locked(e);
}

void request_table_reclaim(unsigned slot)
{
    registry_lock();
    s_answers[slot].sub = SUB_NONE; /* the subscription itself goes with the slot's others */
    registry_unlock();
    for (unsigned i = 0; i < CONFIG_SYSTEM_MAX_REQUESTS; i++) {
        request_entry_t *e = &s_entries[i];
        uint64_t semaphores = 0;
        pool_index_t block = POOL_NONE;
        portENTER_CRITICAL(&s_lock);
        if (e->state != REQUEST_FREE && e->asker_slot == slot) {
            block = forget_asker_locked(e, &semaphores);
        } else if (e->state == REQUEST_WAITING && e->target_slot == slot) {
            semaphores = end_locked(e, ESP_ERR_REQUEST_TARGET_GONE, POOL_NONE, REQUEST_GONE);
        }
        portEXIT_CRITICAL(&s_lock);
        give(semaphores);
        release(block);
    }
}

/* ---- the ends of asynchronous requests ------------------------------------------------------ */

void request_table_expire(int64_t now_us)
{
    portENTER_CRITICAL(&s_lock);
    for (unsigned i = 0; i < CONFIG_SYSTEM_MAX_REQUESTS; i++) {
        request_entry_t *e = &s_entries[i];
        if (e->state == REQUEST_WAITING && e->callback != NULL && e->due_us <= now_us) {
            (void)end_locked(e, ESP_ERR_REQUEST_TIMEOUT, POOL_NONE, REQUEST_TIMED_OUT);
        }
    }
    portEXIT_CRITICAL(&s_lock);
}

int64_t request_table_nearest(void)
{
    int64_t nearest = REQUEST_DUE_NEVER;
    portENTER_CRITICAL(&s_lock);
    for (unsigned i = 0; i < CONFIG_SYSTEM_MAX_REQUESTS; i++) {
        const request_entry_t *e = &s_entries[i];
        if (e->state != REQUEST_FREE && e->callback != NULL && !e->queued && e->due_us < nearest) {
            nearest = e->due_us;
        }
    }
    portEXIT_CRITICAL(&s_lock);
    return nearest;
}

bool request_table_claim_delivery(int64_t now_us, system_request_id_t *id, request_entry_t *out)
{
    bool found = false;
    portENTER_CRITICAL(&s_lock);
    for (unsigned i = 0; i < CONFIG_SYSTEM_MAX_REQUESTS && !found; i++) {
        request_entry_t *e = &s_entries[i];
        if (e->state == REQUEST_ENDED && e->callback != NULL && !e->queued && e->due_us <= now_us) {
            found = true;
            *id = id_of(e);
            *out = *e;
            e->queued = true;
            e->block = POOL_NONE;
        }
    }
    portEXIT_CRITICAL(&s_lock);
    return found;
}

bool request_table_keep_answer(system_request_id_t id, pool_index_t block)
{
    const int64_t retry = esp_timer_get_time() + REQUEST_RETRY_US;
    portENTER_CRITICAL(&s_lock);
    request_entry_t *e = find_locked(id);
    if (e != NULL) {
        e->block = block;
        e->queued = false;
        e->due_us = retry;
    }
    portEXIT_CRITICAL(&s_lock);
    return e != NULL;
}

void request_table_drop(system_request_id_t id)
{
    pool_index_t block = POOL_NONE;
    portENTER_CRITICAL(&s_lock);
    request_entry_t *e = find_locked(id);
    if (e != NULL) {
        block = free_locked(e);
    }
    portEXIT_CRITICAL(&s_lock);
    release(block);
}

bool request_table_take_answer(system_request_id_t id, request_entry_t *out)
{
    portENTER_CRITICAL(&s_lock);
    request_entry_t *e = find_locked(id);
    const bool found = e != NULL && e->state == REQUEST_ENDED && e->callback != NULL;
    if (found) {
        *out = *e;
        (void)free_locked(e);
    }
    portEXIT_CRITICAL(&s_lock);
    return found;
}

/* ---- counting ------------------------------------------------------------------------------- */

unsigned request_table_count(unsigned slot)
{
    unsigned count = 0;
    portENTER_CRITICAL(&s_lock);
    for (unsigned i = 0; i < CONFIG_SYSTEM_MAX_REQUESTS; i++) {
        const request_entry_t *e = &s_entries[i];
        count += e->state != REQUEST_FREE &&
                 (slot == SYSTEM_SLOT_NONE || e->asker_slot == slot || e->target_slot == slot);
    }
    portEXIT_CRITICAL(&s_lock);
    return count;
}

void request_table_stats(system_request_stats_t *out)
{
    portENTER_CRITICAL(&s_lock);
    *out = s_stats;
    portEXIT_CRITICAL(&s_lock);
}

#endif
