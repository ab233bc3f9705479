/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One mailbox per owner, and the bitmaps that tell the shared workers which of them are ready.
 *
 * Invariant, kept under the mailbox lock: the ready bit of (lane, slot) is set if and only if the
 * mailbox is open, nobody drains it, it has no worker of its own, and something waits in the lane.
 * Workers look at the bits without a lock and check again under it. A bit that goes from 0 to 1
 * wakes an idle worker; a worker declares itself idle before it looks at the bits the last time,
 * so one of the two always sees the other (both sides are sequentially consistent).
 */
#include <string.h>

#include "esp_timer.h"

#include "event_internal.h"

#define READY_WORDS ((SYSTEM_SLOTS + 31) / 32)

mailbox_t event_mailboxes[SYSTEM_SLOTS];
static _Atomic uint32_t s_ready[SYSTEM_EVENT_LANES][READY_WORDS];

void event_mailbox_init(void)
{
    for (unsigned i = 0; i < SYSTEM_SLOTS; i++) {
        memset(&event_mailboxes[i], 0, sizeof(event_mailboxes[i]));
        portMUX_INITIALIZE(&event_mailboxes[i].lock);
        event_mailboxes[i].running_sub = SUB_NONE;
    }
    memset(s_ready, 0, sizeof(s_ready));
    event_waiters_init();
}

void event_mailbox_totals(uint32_t *delivered, uint32_t *handled)
{
    *delivered = *handled = 0;
    for (unsigned i = 0; i < SYSTEM_SLOTS; i++) {
        portENTER_CRITICAL(&event_mailboxes[i].lock);
        *delivered += event_mailboxes[i].total_delivered;
        *handled += event_mailboxes[i].handled_before + event_mailboxes[i].handled;
        portEXIT_CRITICAL(&event_mailboxes[i].lock);
    }
}

/* ---- ready bits ----------------------------------------------------------------------------- */

static bool is_drainable(const mailbox_t *mailbox)
{
    return mailbox->state == MAILBOX_OPEN && mailbox->running == NULL;
}

/** @return true when the bit was clear before */
static inline bool set_ready(unsigned slot, unsigned lane)
{
    const uint32_t bit = 1u << (slot % 32);
    /* In a burst it is set already; the lock is held, so nobody else writes this bit. */
    if (atomic_load_explicit(&s_ready[lane][slot / 32], memory_order_relaxed) & bit) {
        return false;
    }
    return (atomic_fetch_or(&s_ready[lane][slot / 32], bit) & bit) == 0;
}

/** Lock held: nobody else writes this bit. */
static void clear_bit(unsigned slot, unsigned lane)
{
    _Atomic uint32_t *word = &s_ready[lane][slot / 32];
    const uint32_t bit = 1u << (slot % 32);
    if (atomic_load_explicit(word, memory_order_relaxed) & bit) {
        atomic_fetch_and(word, ~bit);
    }
}

static void clear_ready(unsigned slot)
{
    for (unsigned lane = 0; lane < SYSTEM_EVENT_LANES; lane++) {
        clear_bit(slot, lane);
    }
}

/** Lanes that are empty must not look ready. Lock held. */
static void clear_empty_locked(unsigned slot)
{
    for (unsigned lane = 0; lane < SYSTEM_EVENT_LANES; lane++) {
        if (event_mailboxes[slot].queue.count[lane] == 0) {
            clear_bit(slot, lane);
        }
    }
}

/** Something waits and nobody drains the mailbox: say so, and note whom to wake. Lock held. */
static void announce_locked(unsigned slot, mailbox_wake_t *wake)
{
    mailbox_t *mailbox = event_mailbox(slot);
    if (!is_drainable(mailbox)) {
        return;
    }
    for (unsigned lane = 0; lane < SYSTEM_EVENT_LANES; lane++) {
        if (mailbox->queue.count[lane] == 0) {
            continue;
        }
        if (mailbox->own != NULL) {
            wake->own = mailbox->own;
            wake->some = true;
            return;
        }
        if (set_ready(slot, lane) && !wake->shared) {
            wake->shared = wake->some = true;
            wake->lane = (uint8_t)lane;
        }
    }
}

bool event_mailbox_any_ready(unsigned last_lane)
{
    for (unsigned lane = 0; lane <= last_lane; lane++) {
        for (unsigned w = 0; w < READY_WORDS; w++) {
            if (atomic_load(&s_ready[lane][w]) != 0) {
                return true;
            }
        }
    }
    return false;
}

/* ---- open, pause, close --------------------------------------------------------------------- */

void event_mailbox_open(unsigned slot, struct event_worker *own)
{
    mailbox_t *mailbox = event_mailbox(slot);
    portENTER_CRITICAL(&mailbox->lock);
    priority_queue_init(&mailbox->queue);
    mailbox->own = own;
    mailbox->handled_before += mailbox->handled;
    mailbox->handled = mailbox->refused = mailbox->displaced = mailbox->discarded = 0;
    mailbox->pings = 0;
    mailbox->state = MAILBOX_OPEN;
    portEXIT_CRITICAL(&mailbox->lock);
    event_waits_begin(slot);
}

unsigned event_mailbox_close(unsigned slot)
{
    mailbox_t *mailbox = event_mailbox(slot);
    unsigned discarded = 0;
    queue_entry_t entry;
    portENTER_CRITICAL(&mailbox->lock);
    mailbox->state = MAILBOX_CLOSED;
    mailbox->own = NULL;
    clear_ready(slot);
    while (priority_queue_pop(&mailbox->queue, SYSTEM_EVENT_LANES - 1, &entry)) {
        portEXIT_CRITICAL(&mailbox->lock); /* closed: nothing is added any more */
        if (entry.sub != SUB_PING) {
            pool_block_release(entry.block);
            discarded++;
        }
        portENTER_CRITICAL(&mailbox->lock);
    }
    portEXIT_CRITICAL(&mailbox->lock);
    event_bus_count_discarded(discarded);
    event_waiters_signal(slot); /* posters that wait for room wait in vain */
    return discarded;
}

void event_mailbox_pause(unsigned slot, bool paused)
{
    mailbox_t *mailbox = event_mailbox(slot);
    mailbox_wake_t wake = {0};
    portENTER_CRITICAL(&mailbox->lock);
    if (mailbox->state != MAILBOX_CLOSED) {
        mailbox->state = paused ? MAILBOX_PAUSED : MAILBOX_OPEN;
        if (paused) {
            clear_ready(slot);
        }
        announce_locked(slot, &wake);
    }
    portEXIT_CRITICAL(&mailbox->lock);
    event_mailbox_wake(&wake, NULL);
}

/* ---- putting in ----------------------------------------------------------------------------- */

/** Note whom to wake for a new entry in lane. Lock held. */
static inline void note_wake_locked(const mailbox_t *mailbox, unsigned slot, unsigned lane,
                                    mailbox_wake_t *wake)
{
    if (mailbox->running != NULL) {
        if (lane <= 1 && mailbox->running->kind == WORKER_GENERAL) {
            wake->raise = mailbox->running; /* do not let it wait behind a low-priority handler */
            wake->some = true;
        }
        return;
    }
    if (mailbox->state != MAILBOX_OPEN) {
        return;
    }
    if (mailbox->own != NULL) {
        /* Not with the first entry alone: whoever posted that one may be kept from its core, by a
         * handler that spins there, before it wakes anybody. */
        wake->own = mailbox->own;
        wake->some = true;
    } else if (set_ready(slot, lane)) {
        wake->shared = wake->some = true;
        wake->lane = (uint8_t)lane;
    }
}

/** The subscription wants its latest event of a type only. @return false: there is none that waits
 */
static __attribute__((noinline)) bool replace_locked(unsigned slot, queue_entry_t entry,
                                                     unsigned lane, mailbox_wake_t *wake,
                                                     pool_index_t *displaced)
{
    mailbox_t *mailbox = event_mailbox(slot);
    queue_entry_t old;
    bool same_place = false;
    if (!priority_queue_replace(&mailbox->queue, lane, entry, pool_block(entry.block)->type, &old,
                                &same_place)) {
        return false;
    }
    *displaced = old.block;
    mailbox->displaced++;
    mailbox->total_delivered++;
    if (!same_place) { /* its lane has room: replace() looked */
        clear_empty_locked(slot);
        (void)priority_queue_push(&mailbox->queue, lane, entry);
        note_wake_locked(mailbox, slot, lane, wake);
    }
    return true;
}

/** The lane is full. */
static __attribute__((noinline)) delivery_t displace_locked(unsigned slot, const event_sub_t *sub,
                                                            queue_entry_t entry, unsigned lane,
                                                            mailbox_wake_t *wake,
                                                            pool_index_t *displaced)
{
    mailbox_t *mailbox = event_mailbox(slot);
    queue_entry_t old;
    if (sub->overflow != SYSTEM_OVERFLOW_DROP_OLDEST ||
        !priority_queue_drop_oldest(&mailbox->queue, lane, entry.sub, &old)) {
        return DELIVERY_FULL;
    }
    (void)priority_queue_push(&mailbox->queue, lane, entry);
    *displaced = old.block;
    mailbox->displaced++;
    mailbox->total_delivered++;
    note_wake_locked(mailbox, slot, lane, wake);
    return DELIVERED_DISPLACED;
}

/* What happens in nearly every delivery is inlined, what does not is a call: the chip keeps the
 * registers of few calls within each other, and stores those of more. */
static inline delivery_t put_locked(mailbox_t *mailbox, unsigned slot, const event_sub_t *sub,
                                    queue_entry_t entry, unsigned lane, mailbox_wake_t *wake,
                                    pool_index_t *displaced)
{
    if (sub->overflow == SYSTEM_OVERFLOW_KEEP_LATEST &&
        replace_locked(slot, entry, lane, wake, displaced)) {
        return DELIVERED_DISPLACED;
    }
    if (!priority_queue_push(&mailbox->queue, lane, entry)) {
        return displace_locked(slot, sub, entry, lane, wake, displaced);
    }
    mailbox->total_delivered++;
    note_wake_locked(mailbox, slot, lane, wake);
    return DELIVERED;
}

delivery_t event_mailbox_put(event_receiver_t receiver, pool_index_t block, unsigned lane,
                             mailbox_wake_t *wake, pool_index_t *displaced)
{
    const event_sub_t *sub = event_sub(receiver.sub);
    const unsigned slot = atomic_load_explicit(&sub->slot, memory_order_relaxed);
    mailbox_t *mailbox = event_mailbox(slot);
    delivery_t outcome = DELIVERY_GONE;
    if (wake->in_isr) { /* known: the _SAFE variants would ask twice */
        portENTER_CRITICAL_ISR(&mailbox->lock);
    } else {
        portENTER_CRITICAL(&mailbox->lock);
    }
    /* The entry may have a new subscriber by now, then its generation differs; the slot read above
     * is the right one whenever the generation is. */
    if (atomic_load_explicit(&sub->generation, memory_order_relaxed) == receiver.generation &&
        mailbox->state != MAILBOX_CLOSED) {
        outcome = put_locked(mailbox, slot, sub, (queue_entry_t){block, receiver.sub}, lane, wake,
                             displaced);
    }
    if (wake->in_isr) {
        portEXIT_CRITICAL_ISR(&mailbox->lock);
    } else {
        portEXIT_CRITICAL(&mailbox->lock);
    }
    return outcome;
}

void event_mailbox_count_refused(uint16_t sub)
{
    mailbox_t *mailbox =
        &event_mailboxes[atomic_load_explicit(&event_sub(sub)->slot, memory_order_relaxed)];
    portENTER_CRITICAL_SAFE(&mailbox->lock);
    mailbox->refused++;
    portEXIT_CRITICAL_SAFE(&mailbox->lock);
}

void event_mailbox_wake(const mailbox_wake_t *wake, BaseType_t *woken)
{
    if (wake->raise != NULL) {
        event_worker_raise(wake->raise, woken);
    }
    if (wake->own != NULL) {
        event_worker_wake_one(wake->own, woken);
    }
    if (wake->shared) {
        event_workers_wake(wake->lane, woken);
    }
}

bool event_mailbox_ping(unsigned slot)
{
    mailbox_t *mailbox = event_mailbox(slot);
    mailbox_wake_t wake = {0};
    const unsigned lane = priority_queue_lane(SYSTEM_EVENT_PRIORITY_NORMAL);
    portENTER_CRITICAL(&mailbox->lock);
    const bool put =
        mailbox->state == MAILBOX_OPEN &&
        priority_queue_push(&mailbox->queue, lane, (queue_entry_t){POOL_NONE, SUB_PING});
    if (put) {
        note_wake_locked(mailbox, slot, lane, &wake);
    }
    struct event_worker *const own = mailbox->own;
    const bool waits = is_drainable(mailbox);
    portEXIT_CRITICAL(&mailbox->lock);
    event_mailbox_wake(&wake, NULL);
    /* Whoever set the ready bit, or took a sleeper out of the idle ones, may be kept from its core,
     * by a handler that spins there, before it notifies anybody. Nobody else would, and the silence
     * would be blamed on this one. */
    if (waits) {
        event_workers_rouse(own);
    }
    return put;
}

uint32_t event_mailbox_answers(unsigned slot)
{
    mailbox_t *mailbox = event_mailbox(slot);
    portENTER_CRITICAL(&mailbox->lock);
    const uint32_t answers = mailbox->handled + mailbox->pings;
    portEXIT_CRITICAL(&mailbox->lock);
    return answers;
}

/* ---- taking out ----------------------------------------------------------------------------- */

/** The highest lane in which something waits that may be taken out now, SYSTEM_EVENT_LANES if none
 * does. Lock held. */
static unsigned lane_to_drain_locked(const mailbox_t *mailbox)
{
    unsigned lane = is_drainable(mailbox) ? 0 : SYSTEM_EVENT_LANES;
    while (lane < SYSTEM_EVENT_LANES && mailbox->queue.count[lane] == 0) {
        lane++;
    }
    return lane;
}

static bool try_claim(struct event_worker *worker, unsigned slot, unsigned last_lane)
{
    mailbox_t *mailbox = event_mailbox(slot);
    /* What is urgent is claimed at the priority that it is to run at: a claim hides it from the
     * express workers, and any task between the two priorities would keep it waiting. */
    bool raises = worker->kind == WORKER_GENERAL;
    for (;;) {
        portENTER_CRITICAL(&mailbox->lock);
        const unsigned lane = lane_to_drain_locked(mailbox);
        raises =
            raises && lane <= 1 && !atomic_load_explicit(&worker->raised, memory_order_relaxed);
        if (lane <= last_lane && !raises) {
            mailbox->running = worker;
            if (mailbox->own == NULL) {
                clear_ready(slot);
            }
        }
        portEXIT_CRITICAL(&mailbox->lock);
        if (!raises) {
            return lane <= last_lane;
        }
        event_worker_raise(worker, NULL);
        raises = false; /* once: it lowers itself before its next look */
    }
}

unsigned event_mailbox_claim(struct event_worker *worker, unsigned last_lane)
{
    for (unsigned lane = 0; lane <= last_lane; lane++) {
        for (unsigned w = 0; w < READY_WORDS; w++) {
            uint32_t bits = atomic_load(&s_ready[lane][w]);
            /* Start behind the slot served last, so that no mailbox waits for the others for ever.
             */
            const unsigned turn = worker->turn / 32 == w ? worker->turn % 32 : 0;
            while (bits != 0) {
                const uint32_t later = bits & ~((1u << turn) - 1u);
                const unsigned n = (unsigned)__builtin_ctz(later != 0 ? later : bits);
                const unsigned slot = w * 32 + n;
                if (try_claim(worker, slot, last_lane)) {
                    worker->turn = (uint8_t)((slot + 1) % SYSTEM_SLOTS);
                    return slot;
                }
                bits &= ~(1u << n);
            }
        }
    }
    return SYSTEM_SLOT_NONE;
}

bool event_mailbox_claim_own(struct event_worker *worker, unsigned slot)
{
    return try_claim(worker, slot, SYSTEM_EVENT_LANES - 1);
}

bool event_mailbox_waiting(unsigned slot)
{
    mailbox_t *mailbox = event_mailbox(slot);
    portENTER_CRITICAL(&mailbox->lock);
    const bool waiting = is_drainable(mailbox) && priority_queue_count(&mailbox->queue) != 0;
    portEXIT_CRITICAL(&mailbox->lock);
    return waiting;
}

void event_mailbox_release_locked(unsigned slot, mailbox_wake_t *wake)
{
    event_mailbox(slot)->running = NULL;
    announce_locked(slot, wake);
}

struct event_worker *event_mailbox_purge(unsigned slot, uint16_t sub)
{
    mailbox_t *mailbox = event_mailbox(slot);
    event_sub_t *s = event_sub(sub);
    pool_index_t blocks[QUEUE_ENTRIES];
    portENTER_CRITICAL(&mailbox->lock);
    s->active = false;
    /* The lock keeps other writers out; the table may be in PSRAM, where no instruction adds. */
    atomic_store_explicit(
        &s->generation, (uint16_t)(atomic_load_explicit(&s->generation, memory_order_relaxed) + 1u),
        memory_order_relaxed);
    const unsigned removed = priority_queue_remove_sub(&mailbox->queue, sub, blocks);
    mailbox->discarded += removed;
    struct event_worker *running = mailbox->running_sub == sub ? mailbox->running : NULL;
    s->free_on_return = running != NULL;
    if (running == NULL) {
        event_sub_free(sub);
    }
    clear_empty_locked(slot);
    portEXIT_CRITICAL(&mailbox->lock);
    for (unsigned i = 0; i < removed; i++) {
        pool_block_release(blocks[i]);
    }
    event_bus_count_discarded(removed);
    if (removed > 0) {
        event_waiters_signal(slot);
    }
    return running;
}

bool event_mailbox_seize(unsigned slot, struct event_worker *worker, uint16_t sub)
{
    mailbox_t *mailbox = event_mailbox(slot);
    portENTER_CRITICAL(&mailbox->lock);
    const bool seized = mailbox->running == worker && mailbox->running_sub == sub;
    if (seized) {
        atomic_store(&worker->quarantined, 1);
        if (event_sub(sub)->free_on_return) {
            event_sub_free(sub);
        }
        mailbox->running_sub = SUB_NONE;
        mailbox->running = NULL; /* paused or closed by the caller: nobody is woken */
    }
    portEXIT_CRITICAL(&mailbox->lock);
    if (seized) {
        event_bus_count_cut();
        event_waiters_signal(slot);
    }
    return seized;
}
