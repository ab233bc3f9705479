/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tasks that run handlers. Per core one general worker (all lanes) and one express worker
 * (CRITICAL and HIGH, at a higher priority); beside them the private workers of apps and of the
 * services that asked for one, and spares that replace a worker whose handler hangs.
 *
 * A worker drains one mailbox at a time, at most CONFIG_SYSTEM_WORKER_BURST events in a row, so
 * that the others get their turn. The mailbox lock is taken once per event: it ends the last one
 * and takes the next.
 */
#include <inttypes.h>

#include "esp_log.h"
#include "esp_timer.h"

#include "event_describe.h"
#include "event_worker_internal.h"
#include "handler_monitor_internal.h"
#include "resource_quota_internal.h"
#include "service_record.h"
#include "supervisor_internal.h"
#include "supervisor_wake.h"
#include "system_lock_internal.h"
#include "task_end.h"
#include "task_memory.h"
#include "task_ref.h"

static const char *TAG = "event_worker";

#define LAST_EXPRESS_LANE 1
#define EXPRESS_WORKERS   portNUM_PROCESSORS
_Static_assert(EXPRESS_WORKERS <= 2, "all but one may serve HIGH: that is one word");

event_worker_t event_workers[WORKERS];
_Atomic uint32_t event_worker_masks[WORKER_PRIVATE + 1];
static _Atomic uint32_t s_idle;           /* bit n: worker n waits for work */
static _Atomic uint32_t s_raise_requests; /* bit n: an ISR wants worker n raised */
/* Slot + 1 of a mailbox claimed in this worker's name. Words, although bytes would do: the chip
 * changes a byte as part of its word, at three times the price. */
static _Atomic uint32_t s_handed[WORKERS];
/*
 * Number + 1 of the express worker that serves HIGH, or 0: of two, one at a time. So a CRITICAL
 * event waits for handlers of CRITICAL events at most, however long those of HIGH take. While only
 * one is left, because the other hangs and there is no spare, it serves CRITICAL alone. General
 * workers carry HIGH at all times. On a single core there is one express worker, for both.
 *
 * No wake-up is lost. A poster sets the ready bit before it looks whether HIGH is free, and whoever
 * has served HIGH gives it back before it looks at the ready bits: one of the two sees the other.
 * An express worker that is woken for HIGH and comes too late, or takes CRITICAL first, wakes
 * another in its place. Who hangs with it loses it to event_worker_lose_high(), and the worker that
 * takes that one's place looks at the ready bits when it begins.
 */
static _Atomic uint32_t s_high_worker;

/* ---- waking --------------------------------------------------------------------------------- */

/* Whoever wakes or raises a worker got it from a mailbox a moment ago. Its place may be somebody
 * else's by now, who then is woken for nothing: so only what is atomic is read of it. */

static uint32_t bit_of(const event_worker_t *worker)
{
    return 1u << (unsigned)(worker - event_workers);
}

static bool is_there(const event_worker_t *worker)
{
    return atomic_load(&worker->alive) == PLACE_ALIVE && !atomic_load(&worker->quarantined);
}

void event_worker_notify(event_worker_t *worker)
{
    if (is_there(worker)) {
        (void)task_ref_notify(&worker->task, NULL); /* none while it is made: it looks first */
    }
}

/**
 * Take one idle worker of mask out of the idle set and notify it. Both at once: who was kept from
 * its core in between would leave a worker asleep that nobody else wakes.
 * @return false: none is idle
 */
static bool wake_one_of(uint32_t mask, BaseType_t *woken)
{
    bool woke = false;
    uint32_t idle = atomic_load(&s_idle);
    while (!woke && (idle & mask) != 0) {
        const unsigned n = (unsigned)__builtin_ctz(idle & mask);
        const uint32_t bit = 1u << n;
        task_refs_lock();
        idle = atomic_fetch_and(&s_idle, ~bit);
        if ((idle & bit) != 0) {
            woke = task_ref_notify_locked(&event_workers[n].task, woken);
        }
        task_refs_unlock();
        idle &= ~bit;
    }
    return woke;
}

/** True when an express worker may begin with HIGH. */
static bool high_is_free(void)
{
    const uint32_t express = atomic_load(&event_worker_masks[WORKER_EXPRESS]);
    return atomic_load(&s_high_worker) == 0 &&
           (EXPRESS_WORKERS == 1 || (express & (express - 1u)) != 0);
}

void event_workers_wake(unsigned lane, BaseType_t *woken)
{
    const bool express = lane == 0 || (lane == LAST_EXPRESS_LANE && high_is_free());
    if (express && wake_one_of(event_worker_masks[WORKER_EXPRESS], woken)) {
        return;
    }
    (void)wake_one_of(event_worker_masks[WORKER_GENERAL], woken);
}

void event_worker_wake_one(event_worker_t *worker, BaseType_t *woken)
{
    (void)wake_one_of(bit_of(worker), woken);
}

void event_workers_rouse(event_worker_t *own)
{
    uint32_t mask = own != NULL ? bit_of(own) : atomic_load(&event_worker_masks[WORKER_GENERAL]);
    while (mask != 0) {
        event_worker_t *worker = &event_workers[__builtin_ctz(mask)];
        mask &= mask - 1u;
        if (atomic_load(&worker->started_us) == 0) { /* a handler may wait for notifications, too */
            event_worker_notify(worker);
        }
    }
}

void event_worker_raise(event_worker_t *worker, BaseType_t *woken)
{
    if (atomic_load_explicit(&worker->raised, memory_order_relaxed)) {
        return;
    }
    if (xPortInIsrContext()) { /* priorities are changed by tasks only: ask an express worker */
        atomic_fetch_or(&s_raise_requests, bit_of(worker));
        (void)wake_one_of(event_worker_masks[WORKER_EXPRESS], woken);
        return;
    }
    task_refs_lock();
    if (is_there(worker)) { /* who sets it aside lowers it after it said so, in here as well */
        atomic_store(&worker->raised, 1); /* it lowers itself in such a section, too */
        (void)task_ref_set_priority_locked(&worker->task, CONFIG_SYSTEM_EXPRESS_PRIORITY);
    }
    task_refs_unlock();
}

static void serve_raise_requests(void)
{
    uint32_t requests = atomic_exchange(&s_raise_requests, 0);
    while (requests != 0) {
        const unsigned n = (unsigned)__builtin_ctz(requests);
        requests &= requests - 1;
        if (atomic_load(&event_workers[n].started_us) != 0) {
            event_worker_raise(&event_workers[n], NULL);
        }
    }
}

/* ---- running handlers ----------------------------------------------------------------------- */

/** The time as kept in started_us, where 0 means that nothing runs. Never later than now: who
 *  subtracts it would see a run of 71 minutes. */
static uint32_t stamp(int64_t now_us)
{
    return (uint32_t)now_us != 0 ? (uint32_t)now_us : UINT32_MAX;
}

/** 1 in a worker's own code, which must not be cut any more than a call of ours: a block between
 * two hands would be lost. 0 in handlers. */
static void set_depth(event_worker_t *worker, uint8_t depth)
{
    atomic_store_explicit(&worker->identity.depth, depth, memory_order_release);
}

/**
 * Call the handler of one entry.
 * @param[in,out] now_us when it begins; when it ended
 * @return how long it ran, in us
 */
static uint32_t run_handler(event_worker_t *worker, const event_sub_t *sub, queue_entry_t entry,
                            int64_t *now_us)
{
    const int64_t start = *now_us;
    system_event_t event;
    event_bus_describe(entry.block, start, &event);
    atomic_store_explicit(&worker->running_sub, entry.sub, memory_order_relaxed);
    atomic_store_explicit(&worker->running_type, event.type, memory_order_relaxed);
    atomic_store_explicit(&worker->warned, 0, memory_order_relaxed);
    atomic_store_explicit(&worker->started_us, stamp(start), memory_order_release);
    set_depth(worker, 0);
    atomic_load_explicit(&sub->handler, memory_order_relaxed)(
        &event, sub->user_data); /* the entry is not given away before this returns */
    set_depth(worker, 1);
    system_locks_forgotten(&worker->identity);
    *now_us = esp_timer_get_time();
    atomic_store_explicit(&worker->started_us, 0, memory_order_release);
    return *now_us - start < UINT32_MAX ? (uint32_t)(*now_us - start) : UINT32_MAX;
}

/**
 * Keep the reference to the event that is handled next, or none, and drop that of the last one. The
 * supervisor does it for a worker whose task it ended in a handler, so there is one writer at a
 * time; started_us, written after this and read before, makes the block visible to it.
 */
static void hold_block(event_worker_t *worker, pool_index_t next)
{
    const pool_index_t block = atomic_load_explicit(&worker->block, memory_order_relaxed);
    atomic_store_explicit(&worker->block, next, memory_order_relaxed);
    if (block != POOL_NONE) {
        pool_block_release(block);
    }
}

void event_worker_release_block(event_worker_t *worker)
{
    hold_block(worker, POOL_NONE);
}

/** The handler's run has ended. Mailbox lock held. */
static void finish_locked(mailbox_t *mailbox, const event_sub_t *sub, uint16_t number)
{
    mailbox->handled++;
    mailbox->running_sub = SUB_NONE;
    if (atomic_load_explicit(&sub->free_on_return, memory_order_relaxed)) { /* set under the lock */
        event_sub_free(number);
    }
}

/** What a worker takes along from one handler of a mailbox to the next. */
typedef struct {
    int64_t now_us;     /* its last look at the clock: a handler begins when the last one ended */
    uint32_t unpaid_us; /* what handlers ran and nobody was charged for */
} burst_t;

/* Short runs are charged together. What is below this is lost with a handler that is given up. */
#define CHARGE_US 1000u

/** Charge the owner for a run, once it is worth it. Mailbox lock held: one writer at a time. */
static inline void charge_locked(unsigned slot, burst_t *burst, uint32_t ran_us)
{
    const uint32_t unpaid_us = burst->unpaid_us + ran_us;
    if (unpaid_us < CHARGE_US && ran_us < CHARGE_US) {
        burst->unpaid_us = unpaid_us;
        return;
    }
    /* a run of 71 minutes: the sum wrapped */
    (void)quota_charge_cpu(slot, unpaid_us < ran_us ? ran_us : unpaid_us, (uint32_t)burst->now_us);
    burst->unpaid_us = 0;
}

/**
 * Handle one event that was just taken out. Mailbox lock held on entry and on a true return.
 * @return false: the worker was given up meanwhile, the mailbox is no longer its own
 */
static bool handle_locked(event_worker_t *worker, mailbox_t *mailbox, unsigned slot,
                          queue_entry_t entry, burst_t *burst)
{
    if (entry.sub == SUB_PING) {
        mailbox->pings++;
        return true;
    }
    FOUND_ONCE(worker); /* or the addresses of its fields are kept in memory across the loop */
    const event_sub_t *sub = event_sub(entry.sub);
    const bool somebody_waits = mailbox->waiters != 0;
    mailbox->running_sub = entry.sub;
    portEXIT_CRITICAL(&mailbox->lock);
    hold_block(worker, entry.block);
    if (somebody_waits) {
        event_waiters_signal(slot);           /* there is room now */
        burst->now_us = esp_timer_get_time(); /* not at the cost of the handler */
    }
    const uint32_t ran_us = run_handler(worker, sub, entry, &burst->now_us);

    portENTER_CRITICAL(&mailbox->lock);
    if (atomic_load_explicit(&worker->quarantined, memory_order_relaxed)) { /* set under the lock */
        portEXIT_CRITICAL(&mailbox->lock);
        event_worker_release_block(worker);
        return false;
    }
    handler_monitor_record(entry.sub, ran_us);
    finish_locked(mailbox, sub, entry.sub);
    charge_locked(slot, burst, ran_us);
    if (mailbox->waiters != 0) {
        portEXIT_CRITICAL(&mailbox->lock);
        event_waiters_signal(slot); /* the handler is back */
        burst->now_us = esp_timer_get_time();
        portENTER_CRITICAL(&mailbox->lock);
    }
    return true;
}

/** Raised, and what it was raised for is done: the rest can wait for the usual priority. */
static bool raised_for_nothing(event_worker_t *worker, const mailbox_t *mailbox)
{
    return atomic_load_explicit(&worker->raised, memory_order_relaxed) &&
           mailbox->queue.count[0] == 0 && mailbox->queue.count[LAST_EXPRESS_LANE] == 0;
}

/**
 * Give a slot to an idle general worker and notify it. It may have woken by itself meanwhile: then
 * it has either seen the slot, which is as good, or the slot is taken back.
 * @return false: it does not take it
 */
static bool hand_to(unsigned n, unsigned slot)
{
    const uint32_t bit = 1u << n;
    uint32_t mine = slot + 1;
    uint32_t none = 0;
    task_refs_lock();
    bool taken = task_ref_is_there_locked(&event_workers[n].task) &&
                 atomic_compare_exchange_strong(&s_handed[n], &none, mine);
    if (taken) {
        taken = (atomic_fetch_and(&s_idle, ~bit) & bit) != 0 ||
                !atomic_compare_exchange_strong(&s_handed[n], &mine, 0);
        (void)task_ref_notify_locked(&event_workers[n].task, NULL);
    }
    task_refs_unlock();
    return taken;
}

/** Find one that takes it. @return NULL: all are busy */
static event_worker_t *hand_to_idle(unsigned slot)
{
    uint32_t idle = atomic_load(&s_idle) & event_worker_masks[WORKER_GENERAL];
    while (idle != 0) {
        const unsigned n = (unsigned)__builtin_ctz(idle);
        if (hand_to(n, slot)) {
            return &event_workers[n];
        }
        idle &= idle - 1u;
    }
    return NULL;
}

/**
 * An express worker is done with a mailbox for now. If lower lanes are overdue there, it would come
 * back before anybody who may take them: it hands the mailbox over instead. Lock held: the taker
 * waits for it.
 * @return false: it keeps it
 */
static bool hand_over_locked(event_worker_t *worker, mailbox_t *mailbox, unsigned slot)
{
    if (worker->kind != WORKER_EXPRESS || mailbox->state != MAILBOX_OPEN ||
        !priority_queue_overdue(&mailbox->queue, LAST_EXPRESS_LANE)) {
        return false;
    }
    event_worker_t *taker = hand_to_idle(slot);
    if (taker != NULL) {
        mailbox->running = taker;
    }
    return taker != NULL;
}

/* ---- HIGH on express workers ---------------------------------------------------------------- */

static bool has_high(const event_worker_t *worker)
{
    return atomic_load_explicit(&s_high_worker, memory_order_relaxed) == worker->number + 1u;
}

static bool take_high(const event_worker_t *worker)
{
    uint32_t nobody = 0;
    return high_is_free() &&
           atomic_compare_exchange_strong(&s_high_worker, &nobody, worker->number + 1u);
}

/** It is the caller's. */
static void give_high(void)
{
    atomic_store(&s_high_worker, 0);
}

void event_worker_lose_high(const event_worker_t *worker)
{
    uint32_t its = worker->number + 1u;
    (void)atomic_compare_exchange_strong(&s_high_worker, &its, 0);
}

/* ---- draining ------------------------------------------------------------------------------- */

/** Drain a claimed mailbox. @return false: the worker was given up */
static bool drain(event_worker_t *worker, unsigned slot)
{
    const bool serves_high = has_high(worker);
    const unsigned last_lane = worker->kind != WORKER_EXPRESS ? SYSTEM_EVENT_LANES - 1
                               : serves_high                  ? LAST_EXPRESS_LANE
                                                              : 0;
    mailbox_t *mailbox = event_mailbox(slot);
    mailbox_wake_t wake = {0};
    queue_entry_t entry;
    atomic_store_explicit(&worker->identity.slot, (uint8_t)slot, memory_order_relaxed);
    supervisor_note_busy(); /* after the claim */
    burst_t burst = {.now_us = esp_timer_get_time()};
    portENTER_CRITICAL(&mailbox->lock);
    for (unsigned n = 0; n < CONFIG_SYSTEM_WORKER_BURST; n++) {
        if (mailbox->state != MAILBOX_OPEN || raised_for_nothing(worker, mailbox) ||
            !priority_queue_pop(&mailbox->queue, last_lane, &entry)) {
            break;
        }
        if (!handle_locked(worker, mailbox, slot, entry, &burst)) {
            return false;
        }
    }
    if (burst.unpaid_us != 0) {
        (void)quota_charge_cpu(slot, burst.unpaid_us, (uint32_t)burst.now_us);
    }
    if (!hand_over_locked(worker, mailbox, slot)) {
        event_mailbox_release_locked(slot, &wake);
    }
    portEXIT_CRITICAL(&mailbox->lock);
    if (serves_high) {
        give_high();
    }
    event_worker_release_block(worker);
    atomic_store_explicit(&worker->identity.slot, SYSTEM_SLOT_NONE, memory_order_relaxed);
    if (wake.shared) { /* what this worker leaves may be for workers of the other kind */
        event_mailbox_wake(&wake, NULL);
    }
    return true;
}

void event_worker_reset(event_worker_t *worker)
{
    atomic_store(&s_handed[worker->number], 0);
    event_worker_lose_high(worker);
}

/* ---- the tasks ------------------------------------------------------------------------------ */

static bool work_waits(const event_worker_t *worker)
{
    if (worker->kind == WORKER_PRIVATE) {
        return event_mailbox_waiting(worker->private_slot);
    }
    if (worker->kind == WORKER_EXPRESS) {
        return event_mailbox_any_ready(high_is_free() ? LAST_EXPRESS_LANE : 0);
    }
    return event_mailbox_any_ready(SYSTEM_EVENT_LANES - 1);
}

static void wait_for_work(event_worker_t *worker)
{
    const uint32_t bit = 1u << worker->number;
    atomic_fetch_or(&s_idle, bit);
    if (!work_waits(worker) && !atomic_load(&worker->stop) &&
        (worker->kind != WORKER_EXPRESS || atomic_load(&s_raise_requests) == 0)) {
        (void)ulTaskNotifyTake(pdTRUE, portMAX_DELAY);
    }
    atomic_fetch_and(&s_idle, ~bit);
}

/** CRITICAL first; then HIGH, if it may. What it leaves others are woken for. */
static unsigned claim_express(event_worker_t *worker)
{
    unsigned slot = event_mailbox_claim(worker, 0);
    if (!event_mailbox_any_ready(LAST_EXPRESS_LANE)) {
        return slot;
    }
    if (slot == SYSTEM_SLOT_NONE && take_high(worker)) {
        slot = event_mailbox_claim(worker, LAST_EXPRESS_LANE);
        if (slot == SYSTEM_SLOT_NONE) {
            give_high(); /* and wait_for_work() looks again */
        }
        return slot;
    }
    event_workers_wake(LAST_EXPRESS_LANE, NULL);
    return slot;
}

static unsigned claim(event_worker_t *worker)
{
    /* Mostly there is nothing, and looking is cheaper than taking. */
    const uint32_t handed = atomic_load(&s_handed[worker->number]) != 0
                                ? atomic_exchange(&s_handed[worker->number], 0)
                                : 0;
    if (handed != 0) {
        event_worker_raise(worker, NULL); /* for what is urgent in it */
        return handed - 1u;
    }
    if (worker->kind == WORKER_PRIVATE) {
        return event_mailbox_claim_own(worker, worker->private_slot) ? worker->private_slot
                                                                     : SYSTEM_SLOT_NONE;
    }
    return worker->kind == WORKER_EXPRESS ? claim_express(worker)
                                          : event_mailbox_claim(worker, SYSTEM_EVENT_LANES - 1);
}

/**
 * FreeRTOS calls it for each worker whose task is deleted: by us, or by somebody else. Who finds
 * the reference void when it has parked, or killed, may give the place away: so what is asked of
 * this life is asked before, and nothing is written after.
 */
static void on_deleted(int index, void *identity)
{
    (void)index;
    event_worker_t *worker = identity; /* its first member */
    const bool parked = atomic_load(&worker->alive) != PLACE_ALIVE;
    /* NULL: we do it, and have looked */
    const TaskHandle_t task = task_memory_lost(&worker->task, &worker->deleter);
    if (parked) {
        return;
    }
    const bool loses = task != NULL && task_end_loses_mutex(task);
    const bool aside = atomic_load(&worker->quarantined);
    atomic_fetch_and(&s_idle, ~(1u << worker->number)); /* nobody notifies it any more */
    atomic_store(&worker->killed, loses ? WORKER_KILLED_IN_CORE : WORKER_KILLED_IN_HANDLER);
    if (aside || atomic_load(&worker->quarantined)) { /* or it became so just now, unaware */
        last_resort_aside_gone();
    } else {
        supervisor_poke();
    }
}

/** The flag and the priority change together, as where it is raised. */
static void lower(event_worker_t *worker)
{
    task_refs_lock();
    if (atomic_exchange(&worker->raised, 0)) {
        (void)task_ref_set_priority_locked(&worker->task, worker->base_priority);
    }
    task_refs_unlock();
}

void event_worker_main(void *arg)
{
    event_worker_t *worker = arg;
    set_depth(worker, 1);
    system_identity_set_until(&worker->identity, on_deleted); /* first: it voids the reference */
    task_ref_set(&worker->task, xTaskGetCurrentTaskHandle());
    while (!atomic_load(&worker->stop)) {
        if (atomic_load(&worker->raised)) {
            lower(worker);
        }
        if (worker->kind == WORKER_EXPRESS) {
            serve_raise_requests();
        }
        const unsigned slot = claim(worker);
        if (slot == SYSTEM_SLOT_NONE) {
            wait_for_work(worker);
        } else if (!drain(worker, slot)) {
            ESP_LOGW(TAG, "worker %u: the handler it was given up for came back",
                     (unsigned)worker->number);
            break;
        }
    }
    atomic_store(&worker->alive, PLACE_PARKED);
    set_depth(worker, 0);
    for (;;) { /* deleted by whoever needs the place, when it is certain that it does not run */
        vTaskSuspend(NULL);
    }
}
