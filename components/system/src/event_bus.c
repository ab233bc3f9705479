/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Posting: checks, one pool block with the payload, one reference into each receiver's mailbox.
 * Nothing here takes the heap or a lock that a task could sleep in; only a subscriber that declared
 * SYSTEM_OVERFLOW_BLOCK can make the poster wait, and never a worker or an ISR.
 */
#include "system_service/event_bus.h"

#include <string.h>

#include "esp_timer.h"

#include "event_internal.h"
#include "flight_recorder_internal.h"
#include "resource_quota_internal.h"
#include "supervisor_wake.h"

/* What happens with every event is counted elsewhere: posts by the sequence number, deliveries and
 * returns in the mailboxes. */
static struct {
    _Atomic uint32_t unsent; /* took a sequence number, but were no posts */
    _Atomic uint32_t refused, displaced, discarded, cut, no_memory;
} s_stats;

static _Atomic uint32_t s_sequence;

static void count(_Atomic uint32_t *counter, uint32_t n)
{
    if (n != 0) {
        atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
    }
}

void event_bus_init(void)
{
    memset(&s_stats, 0, sizeof(s_stats));
    atomic_store(&s_sequence, 0);
}

uint32_t event_bus_posts(void)
{
    return atomic_load_explicit(&s_sequence, memory_order_relaxed);
}

void event_bus_count_cut(void)
{
    count(&s_stats.cut, 1);
}

void event_bus_count_discarded(unsigned n)
{
    count(&s_stats.discarded, n);
}

void event_bus_count_refused(uint16_t sub)
{
    count(&s_stats.refused, 1);
    event_mailbox_count_refused(sub);
}

/* ---- blocks as events ----------------------------------------------------------------------- */

static inline void fill_header(pool_index_t index, void *payload, system_event_type_t type,
                               uint8_t priority, int64_t now_us)
{
    pool_block_t *block = pool_block(index);
    const uint32_t high = (uint32_t)((uint64_t)now_us >> 32);
    block->type = type;
    block->posted_us = (uint32_t)now_us;
    atomic_store_explicit(&block->link, (uint16_t)((high & 0xFFu) << 8 | priority),
                          memory_order_relaxed);
    *pool_sequence_in(pool_area(block), payload) =
        atomic_fetch_add_explicit(&s_sequence, 1, memory_order_relaxed) + 1;
}

/* ---- fan-out -------------------------------------------------------------------------------- */

/** One post on its way: what was found out once, at its beginning. */
typedef struct {
    int64_t now_us;
    system_event_type_t type;
    uint8_t priority;
    uint8_t lane;
    bool may_wait;
    bool in_isr;
    pool_index_t block;
    pool_index_t displaced; /* by a delivery, and to be released */
    BaseType_t *woken;
    mailbox_wake_t wake; /* nobody, between two deliveries */
    system_post_result_t result;
} post_t;

/** One receiver, without waiting. Its reference is taken over when it was delivered. */
static inline delivery_t deliver(post_t *p, event_receiver_t receiver)
{
    const delivery_t outcome =
        event_mailbox_put(receiver, p->block, p->lane, &p->wake, &p->displaced);
    if (p->wake.some) {
        event_mailbox_wake(&p->wake, p->woken);
        p->wake = (mailbox_wake_t){.in_isr = p->in_isr};
    }
    if (p->displaced != POOL_NONE) {
        pool_block_release(p->displaced);
        p->displaced = POOL_NONE;
    }
    if (outcome <= DELIVERED_DISPLACED) {
        p->result.delivered++;
        p->result.displaced = (uint16_t)(p->result.displaced + outcome); /* 1 if it displaced */
    }
    return outcome;
}

/** A receiver that wants its posters to wait for room. */
static __attribute__((noinline)) delivery_t deliver_waiting(post_t *p, event_receiver_t receiver)
{
    const event_sub_t *sub = event_sub(receiver.sub);
    const TickType_t limit = pdMS_TO_TICKS(sub->block_ms);
    const TickType_t start = xTaskGetTickCount();
    struct mailbox_waiter *waiter = event_waiter_begin(atomic_load(&sub->slot));
    delivery_t outcome = deliver(p, receiver);
    while (outcome == DELIVERY_FULL && waiter != NULL) {
        const TickType_t waited = xTaskGetTickCount() - start;
        if (waited >= limit || event_waits_ended() || !event_waiter_sleep(waiter, limit - waited)) {
            break;
        }
        outcome = deliver(p, receiver);
    }
    event_waiter_end(waiter);
    return outcome;
}

/** Not delivered for good: the receiver's reference goes back. */
static __attribute__((noinline)) void give_up(post_t *p, event_receiver_t receiver,
                                              delivery_t outcome)
{
    if (outcome == DELIVERY_FULL) {
        p->result.refused++;
        event_mailbox_count_refused(receiver.sub);
    } else {
        p->result.matched--; /* it went while we looked */
    }
    pool_block_release(p->block);
}

/** Those that make the poster wait come last, so that nobody waits for them. */
static __attribute__((noinline)) void
deliver_to_blocking(post_t *p, const event_receiver_t *receivers, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        const delivery_t outcome = deliver_waiting(p, receivers[i]);
        if (outcome > DELIVERED_DISPLACED) {
            give_up(p, receivers[i], outcome);
        }
    }
}

/** Deliver to one batch, with one reference for each. */
static inline __attribute__((always_inline)) void
deliver_batch(post_t *p, event_receiver_t *receivers, unsigned n)
{
    unsigned waiting = 0;
    p->result.matched = (uint16_t)(p->result.matched + n);
    for (unsigned i = 0; i < n; i++) {
        const delivery_t outcome = deliver(p, receivers[i]);
        if (outcome <= DELIVERED_DISPLACED) {
            continue;
        }
        if (outcome == DELIVERY_FULL && p->may_wait &&
            event_sub(receivers[i].sub)->overflow == SYSTEM_OVERFLOW_BLOCK) {
            receivers[waiting++] = receivers[i];
        } else {
            give_up(p, receivers[i], outcome);
        }
    }
    if (waiting != 0) {
        deliver_to_blocking(p, receivers, waiting);
    }
}

/** One reference for each receiver of a batch; the poster's becomes that of the last one of all. */
static inline void take_references(const post_t *p, unsigned n, bool more)
{
    if (n + more > 1) {
        pool_block_ref_many(p->block, n + more - 1);
    } else if (n == 0) {
        pool_block_release(p->block); /* the last batch, and nobody in it */
    }
}

/** To whom a short list does not tell: many, those of patterns, and who subscribes later. */
static __attribute__((noinline)) void send_in_batches(post_t *p, event_receiver_t *receivers)
{
    event_route_cursor_t cursor = {0};
    const pool_index_t retain = event_type_retained(p->type) ? p->block : POOL_NONE;
    while (!cursor.done) {
        const unsigned n = event_routes_next(p->type, &cursor, receivers, retain);
        take_references(p, n, !cursor.done);
        deliver_batch(p, receivers, n);
    }
}

/** Send a filled block on its way. The poster's reference becomes that of the last receiver. It and
 *  what it needs with each event is inlined where events are posted: levels of calls are windows
 *  of registers to store. */
static inline __attribute__((always_inline)) esp_err_t send(post_t *p, void *payload)
{
    event_receiver_t receivers[EVENT_ROUTE_BATCH];
    p->lane = (uint8_t)priority_queue_lane(p->priority);
    p->displaced = POOL_NONE;
    p->wake.in_isr = p->in_isr;
    fill_header(p->block, payload, p->type, p->priority, p->now_us);
    if (p->priority == SYSTEM_EVENT_PRIORITY_CRITICAL) {
        const pool_block_t *block = pool_block(p->block);
        flight_record_post(block->source, p->type, block->size, p->now_us);
    }
    const unsigned n = event_routes_short(p->type, receivers);
    if (n <= EVENT_ROUTE_BATCH) {
        take_references(p, n, false);
        deliver_batch(p, receivers, n);
    } else {
        send_in_batches(p, receivers);
    }
    count(&s_stats.refused, p->result.refused);
    count(&s_stats.displaced, p->result.displaced);
    return p->result.refused != 0 ? ESP_ERR_EVENT_QUEUE_FULL : ESP_OK;
}

/* ---- posting -------------------------------------------------------------------------------- */

static esp_err_t check_payload(system_event_type_t type, const void *data, size_t size)
{
    if (data == NULL && size != 0) {
        return ESP_ERR_INVALID_ARG;
    }
    if (!event_type_known(type)) {
        return ESP_ERR_EVENT_TYPE_NOT_FOUND;
    }
    return size > MEMORY_POOL_MAX_BLOCK ? ESP_ERR_EVENT_DATA_TOO_LARGE : ESP_OK;
}

static inline __attribute__((always_inline)) esp_err_t
post_copy(post_t *p, system_service_id_t source, const void *data, size_t size)
{
    p->block = pool_block_take(size, source, POOL_KIND_EVENT,
                               p->priority == SYSTEM_EVENT_PRIORITY_CRITICAL);
    if (p->block == POOL_NONE) {
        count(&s_stats.no_memory, 1);
        return ESP_ERR_EVENT_NO_MEMORY;
    }
    void *payload = pool_payload(p->block);
    if (size != 0) {
        memcpy(payload, data, size);
    }
    return send(p, payload);
}

/** A checked post in the name of a slot, at the cost of its quota; of nobody's with
 *  SYSTEM_SLOT_NONE. */
static __attribute__((noinline)) esp_err_t
post_charged(post_t *p, system_service_id_t id, unsigned slot, const void *data, size_t size)
{
    p->now_us = esp_timer_get_time();
    esp_err_t ret = quota_charge_event(slot, size, (uint32_t)p->now_us);
    if (ret == ESP_OK) {
        ret = post_copy(p, id, data, size);
    } else {
        supervisor_note_busy(); /* it reports the refusal */
    }
    return ret;
}

/** Who calls, found out once for each post. @return NULL: firmware or an ISR */
static inline system_identity_t *identify_caller(post_t *p)
{
    p->in_isr = identity_backend_in_isr();
    if (p->in_isr) {
        return NULL;
    }
    system_identity_t *identity = identity_backend_get();
    p->may_wait = identity == NULL || !identity->is_worker;
    return identity;
}

static inline esp_err_t post(post_t *p, system_service_id_t id, const void *data, size_t size)
{
    unsigned slot;
    esp_err_t ret = check_payload(p->type, data, size);
    if (ret != ESP_OK) {
        return ret;
    }
    system_identity_t *identity = identify_caller(p);
    system_enter_post(identity);
    ret = service_slot_for(id, system_identity_slot(identity), &slot);
    if (ret == ESP_OK) {
        ret = post_charged(p, id, slot, data, size);
    }
    system_leave_post(identity);
    return ret;
}

esp_err_t event_bus_post_for(system_service_id_t id, system_event_type_t type, const void *data,
                             size_t size, uint8_t priority)
{
    post_t p = {.type = type, .priority = priority, .in_isr = identity_backend_in_isr()};
    unsigned slot;
    esp_err_t ret = check_payload(type, data, size);
    if (ret != ESP_OK) {
        return ret;
    }
    system_identity_t *identity = system_identity();
    system_enter_post(identity);
    ret = service_slot_of(id, &slot);
    if (ret == ESP_OK) {
        ret = post_charged(&p, id, slot, data, size);
    }
    system_leave_post(identity);
    return ret;
}

esp_err_t event_bus_post_as(unsigned slot, system_event_type_t type, const void *data, size_t size,
                            uint8_t priority)
{
    post_t p = {.type = type, .priority = priority, .in_isr = identity_backend_in_isr()};
    esp_err_t ret = check_payload(type, data, size);
    if (ret != ESP_OK) {
        return ret;
    }
    system_identity_t *identity = system_identity();
    system_enter_post(identity);
    ret = system_is_initialized()
              ? post_charged(&p, service_slot_id(slot), SYSTEM_SLOT_NONE, data, size)
              : ESP_ERR_SYSTEM_NOT_INITIALIZED;
    system_leave_post(identity);
    return ret;
}

esp_err_t system_event_post_ex(system_service_id_t service_id, system_event_type_t type,
                               const void *data, size_t size, uint8_t priority,
                               system_post_result_t *result)
{
    post_t p = {.type = type, .priority = priority};
    const esp_err_t ret = post(&p, service_id, data, size);
    if (result != NULL) {
        *result = p.result;
    }
    return ret;
}

esp_err_t system_event_post(system_service_id_t service_id, system_event_type_t type,
                            const void *data, size_t size, uint8_t priority)
{
    post_t p = {.type = type, .priority = priority};
    return post(&p, service_id, data, size);
}

esp_err_t system_event_post_from_isr(system_service_id_t service_id, system_event_type_t type,
                                     const void *data, size_t size, uint8_t priority,
                                     BaseType_t *woken)
{
    post_t p = {.type = type, .priority = priority, .woken = woken};
    return post(&p, service_id, data, size);
}

esp_err_t event_bus_put_block(event_receiver_t receiver, pool_index_t block,
                              system_event_type_t type, uint8_t priority, uint32_t tag)
{
    mailbox_wake_t wake = {.in_isr = identity_backend_in_isr()};
    pool_index_t displaced = POOL_NONE; /* stays so: these receivers reject */
    void *payload = pool_payload(block);
    fill_header(block, payload, type, priority, esp_timer_get_time());
    *pool_sequence_behind(block, payload) = tag;
    const delivery_t outcome =
        event_mailbox_put(receiver, block, priority_queue_lane(priority), &wake, &displaced);
    if (outcome == DELIVERY_GONE) {
        count(&s_stats.unsent, 1);
        return ESP_ERR_EVENT_NOT_SUBSCRIBED;
    }
    if (outcome == DELIVERY_FULL) {
        event_bus_count_refused(receiver.sub);
        return ESP_ERR_EVENT_QUEUE_FULL;
    }
    event_mailbox_wake(&wake, NULL);
    return ESP_OK;
}

/* ---- loans ---------------------------------------------------------------------------------- */

static esp_err_t loan(system_service_id_t service_id, size_t size, void **payload)
{
    unsigned slot;
    esp_err_t ret = service_slot_for_caller(service_id, &slot);
    if (ret != ESP_OK) {
        return ret;
    }
    ret = quota_check_event_data(slot, size);
    if (ret == ESP_OK) {
        ret = quota_charge_memory(slot, memory_pool_block_bytes(size));
    }
    if (ret != ESP_OK) {
        supervisor_note_busy(); /* it reports the refusal */
        return ret;
    }
    const pool_index_t block = pool_block_take(size, service_id, POOL_KIND_LOAN, false);
    if (block == POOL_NONE) {
        quota_release_memory(slot, memory_pool_block_bytes(size));
        count(&s_stats.no_memory, 1);
        return ESP_ERR_EVENT_NO_MEMORY;
    }
    *payload = pool_payload(block);
    return ESP_OK;
}

esp_err_t system_event_loan(system_service_id_t service_id, size_t size, void **payload)
{
    if (payload == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    *payload = NULL;
    if (size > MEMORY_POOL_MAX_BLOCK) {
        return ESP_ERR_EVENT_DATA_TOO_LARGE;
    }
    system_identity_t *identity = system_identity();
    system_enter_post(identity);
    const esp_err_t ret = loan(service_id, size, payload);
    system_leave_post(identity);
    return ret;
}

/** Take a loan back from its borrower, as an event. @return POOL_NONE: it is none of his */
static pool_index_t end_loan(system_service_id_t service_id, unsigned slot, const void *payload)
{
    const pool_index_t block = pool_find(payload);
    if (block == POOL_NONE ||
        !pool_block_convert_of(block, POOL_KIND_LOAN, POOL_KIND_EVENT, service_id)) {
        return POOL_NONE;
    }
    quota_release_memory(slot, memory_pool_block_bytes(pool_block(block)->size));
    return block;
}

static esp_err_t publish(post_t *p, system_service_id_t service_id,
                         const system_identity_t *identity, void *payload, size_t size)
{
    unsigned slot;
    esp_err_t ret = service_slot_for(service_id, system_identity_slot(identity), &slot);
    if (ret != ESP_OK) {
        return ret;
    }
    const pool_index_t found = pool_find(payload);
    if (found == POOL_NONE || size > pool_block(found)->size) {
        return ESP_ERR_INVALID_ARG;
    }
    p->block = end_loan(service_id, slot, payload);
    if (p->block == POOL_NONE) {
        return ESP_ERR_INVALID_ARG;
    }
    ret = ESP_ERR_EVENT_TYPE_NOT_FOUND;
    if (event_type_known(p->type)) {
        p->now_us = esp_timer_get_time();
        ret = quota_charge_event(slot, size, (uint32_t)p->now_us);
    }
    if (ret != ESP_OK) {
        pool_block_release(p->block);
        return ret;
    }
    pool_block_shrink(p->block, size);
    return send(p, payload);
}

esp_err_t system_event_publish(system_service_id_t service_id, system_event_type_t type,
                               void *payload, size_t size, uint8_t priority,
                               system_post_result_t *result)
{
    post_t p = {.type = type, .priority = priority};
    system_identity_t *identity = identify_caller(&p);
    system_enter_post(identity);
    const esp_err_t ret = publish(&p, service_id, identity, payload, size);
    system_leave_post(identity);
    if (result != NULL) {
        *result = p.result;
    }
    return ret;
}

esp_err_t system_event_return(system_service_id_t service_id, void *payload)
{
    unsigned slot;
    system_identity_t *identity = system_identity();
    system_enter_post(identity);
    esp_err_t ret = service_slot_for_caller(service_id, &slot);
    if (ret == ESP_OK) {
        const pool_index_t block = end_loan(service_id, slot, payload);
        if (block != POOL_NONE) {
            pool_block_release(block);
        }
        ret = block != POOL_NONE ? ESP_OK : ESP_ERR_INVALID_ARG;
    }
    system_leave_post(identity);
    return ret;
}

esp_err_t system_event_get_bus_stats(system_event_bus_stats_t *out)
{
    if (out == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    uint32_t delivered;
    uint32_t handled;
    event_mailbox_totals(&delivered, &handled);
    *out = (system_event_bus_stats_t){
        .posted = atomic_load_explicit(&s_sequence, memory_order_relaxed) -
                  atomic_load_explicit(&s_stats.unsent, memory_order_relaxed),
        .delivered = delivered,
        .handled = handled,
        .refused = atomic_load_explicit(&s_stats.refused, memory_order_relaxed),
        .displaced = atomic_load_explicit(&s_stats.displaced, memory_order_relaxed),
        .discarded = atomic_load_explicit(&s_stats.discarded, memory_order_relaxed),
        .cut = atomic_load_explicit(&s_stats.cut, memory_order_relaxed),
        .no_memory = atomic_load_explicit(&s_stats.no_memory, memory_order_relaxed),
    };
    return ESP_OK;
}
