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

static struct {
    _Atomic uint32_t posted, delivered, handled, refused, displaced, discarded, no_memory;
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

void event_bus_count_handled(void)
{
    count(&s_stats.handled, 1);
}

void event_bus_count_delivered(void)
{
    count(&s_stats.delivered, 1);
}

void event_bus_count_discarded(unsigned n)
{
    count(&s_stats.discarded, n);
}

/* ---- blocks as events ----------------------------------------------------------------------- */

/** The time is kept in 40 bits, the upper eight beside the priority: good for 12 days in a queue. */
static void fill_header(pool_index_t index, system_event_type_t type, uint8_t priority)
{
    pool_block_t *block = pool_block(index);
    const uint64_t now = (uint64_t)esp_timer_get_time();
    block->type = type;
    block->posted_us = (uint32_t)now;
    atomic_store_explicit(&block->link, (uint16_t)((now >> 32 & 0xFFu) << 8 | priority),
                          memory_order_relaxed);
    *pool_sequence(index) = atomic_fetch_add_explicit(&s_sequence, 1, memory_order_relaxed) + 1;
}

void event_bus_describe(pool_index_t index, system_event_t *out)
{
    const pool_block_t *block = pool_block(index);
    const uint16_t link = atomic_load_explicit(&block->link, memory_order_relaxed);
    const int64_t now = esp_timer_get_time();
    int64_t posted = (now & ~((1LL << 40) - 1)) | (int64_t)(link >> 8) << 32 | block->posted_us;
    if (posted > now) { /* 40 bits wrapped since */
        posted -= 1LL << 40;
    }
    *out = (system_event_t){
        .type = block->type,
        .name = event_type_name(block->type),
        .source = atomic_load_explicit(&block->source, memory_order_relaxed),
        .priority = (uint8_t)link,
        .sequence = *pool_sequence(index),
        .timestamp_us = posted,
        .data = block->size != 0 ? pool_payload(index) : NULL,
        .data_size = block->size,
    };
}

/* ---- fan-out -------------------------------------------------------------------------------- */

typedef struct {
    pool_index_t block;
    unsigned lane;
    bool may_wait;
    BaseType_t *woken;
    system_post_result_t result;
} fanout_t;

static void book(fanout_t *f, delivery_t outcome, pool_index_t displaced)
{
    if (displaced != POOL_NONE) {
        pool_block_release(displaced);
    }
    f->result.delivered += outcome == DELIVERED || outcome == DELIVERED_DISPLACED;
    f->result.displaced += outcome == DELIVERED_DISPLACED;
}

/** One receiver, without waiting. The reference for it is taken before and dropped on failure. */
static delivery_t deliver(fanout_t *f, event_receiver_t receiver)
{
    mailbox_wake_t wake = {0};
    pool_index_t displaced = POOL_NONE;
    pool_block_ref(f->block);
    const delivery_t outcome =
        event_mailbox_put(receiver, f->block, f->lane, &wake, &displaced);
    if (outcome == DELIVERY_FULL || outcome == DELIVERY_GONE) {
        pool_block_release(f->block); /* never the last one: the poster holds one too */
    }
    event_mailbox_wake(&wake, f->woken);
    book(f, outcome, displaced);
    return outcome;
}

/** A receiver that wants its posters to wait for room. */
static delivery_t deliver_waiting(fanout_t *f, event_receiver_t receiver)
{
    const event_sub_t *sub = event_sub(receiver.sub);
    const TickType_t limit = pdMS_TO_TICKS(sub->block_ms);
    const TickType_t start = xTaskGetTickCount();
    struct mailbox_waiter *waiter = event_waiter_begin(atomic_load(&sub->slot));
    delivery_t outcome = deliver(f, receiver);
    while (outcome == DELIVERY_FULL && waiter != NULL) {
        const TickType_t waited = xTaskGetTickCount() - start;
        if (waited >= limit || !event_waiter_sleep(waiter, limit - waited)) {
            break;
        }
        outcome = deliver(f, receiver);
    }
    event_waiter_end(waiter);
    return outcome;
}

static void refuse(fanout_t *f, event_receiver_t receiver)
{
    f->result.refused++;
    event_mailbox_count_refused(receiver.sub);
}

/** Deliver to one batch; those that make the poster wait come last, so that nobody waits for them. */
static void deliver_batch(fanout_t *f, event_receiver_t *receivers, unsigned n)
{
    unsigned waiting = 0;
    for (unsigned i = 0; i < n; i++) {
        const delivery_t outcome = deliver(f, receivers[i]);
        f->result.matched += outcome != DELIVERY_GONE;
        if (outcome != DELIVERY_FULL) {
            continue;
        }
        if (f->may_wait && event_sub(receivers[i].sub)->overflow == SYSTEM_OVERFLOW_BLOCK) {
            receivers[waiting++] = receivers[i];
        } else {
            refuse(f, receivers[i]);
        }
    }
    for (unsigned i = 0; i < waiting; i++) {
        const delivery_t outcome = deliver_waiting(f, receivers[i]);
        f->result.matched -= outcome == DELIVERY_GONE;
        if (outcome == DELIVERY_FULL) {
            refuse(f, receivers[i]);
        }
    }
}

/** Send a filled block on its way and drop the poster's reference. */
static esp_err_t send(pool_index_t block, system_event_type_t type, uint8_t priority,
                      BaseType_t *woken, system_post_result_t *result)
{
    fanout_t f = {
        .block = block,
        .lane = priority_queue_lane(priority),
        .may_wait = !system_must_not_block(),
        .woken = woken,
    };
    event_receiver_t receivers[EVENT_ROUTE_BATCH];
    event_route_cursor_t cursor = {0};
    const pool_index_t retain = event_type_retained(type) ? block : POOL_NONE;
    fill_header(block, type, priority);
    count(&s_stats.posted, 1);
    if (priority == SYSTEM_EVENT_PRIORITY_CRITICAL) {
        flight_record_post(pool_block(block)->source, type, pool_block(block)->size);
    }
    for (;;) {
        const unsigned n = event_routes_next(type, &cursor, receivers, retain);
        if (n == 0) {
            break;
        }
        deliver_batch(&f, receivers, n);
    }
    pool_block_release(block);
    count(&s_stats.delivered, f.result.delivered);
    count(&s_stats.refused, f.result.refused);
    count(&s_stats.displaced, f.result.displaced);
    if (result != NULL) {
        *result = f.result;
    }
    return f.result.refused != 0 ? ESP_ERR_EVENT_QUEUE_FULL : ESP_OK;
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

static esp_err_t post_copy(system_service_id_t source, system_event_type_t type, const void *data,
                           size_t size, uint8_t priority, BaseType_t *woken,
                           system_post_result_t *result)
{
    const pool_index_t block =
        pool_block_take(size, source, POOL_KIND_EVENT, priority == SYSTEM_EVENT_PRIORITY_CRITICAL);
    if (block == POOL_NONE) {
        count(&s_stats.no_memory, 1);
        return ESP_ERR_EVENT_NO_MEMORY;
    }
    if (size != 0) {
        memcpy(pool_payload(block), data, size);
    }
    return send(block, type, priority, woken, result);
}

/** A checked post in the name of a slot, at the cost of its quota. */
static esp_err_t post_charged(system_service_id_t id, unsigned slot, system_event_type_t type,
                              const void *data, size_t size, uint8_t priority, BaseType_t *woken,
                              system_post_result_t *result)
{
    esp_err_t ret = quota_charge_event(slot, size, (uint32_t)esp_timer_get_time());
    if (ret == ESP_OK) {
        system_identity_t *identity = system_enter();
        ret = post_copy(id, type, data, size, priority, woken, result);
        system_leave(identity);
    } else {
        supervisor_note_busy(); /* it reports the refusal */
    }
    return ret;
}

static esp_err_t post(system_service_id_t id, system_event_type_t type, const void *data,
                      size_t size, uint8_t priority, BaseType_t *woken,
                      system_post_result_t *result)
{
    unsigned slot;
    if (result != NULL) {
        *result = (system_post_result_t){0};
    }
    esp_err_t ret = check_payload(type, data, size);
    if (ret == ESP_OK) {
        ret = service_slot_for_caller(id, &slot);
    }
    return ret == ESP_OK ? post_charged(id, slot, type, data, size, priority, woken, result) : ret;
}

esp_err_t event_bus_post_for(system_service_id_t id, system_event_type_t type, const void *data,
                             size_t size, uint8_t priority)
{
    unsigned slot;
    esp_err_t ret = check_payload(type, data, size);
    if (ret == ESP_OK) {
        ret = service_slot_of(id, &slot);
    }
    return ret == ESP_OK ? post_charged(id, slot, type, data, size, priority, NULL, NULL) : ret;
}

esp_err_t event_bus_post_as(unsigned slot, system_event_type_t type, const void *data, size_t size,
                            uint8_t priority)
{
    const esp_err_t ret = check_payload(type, data, size);
    return ret != ESP_OK
               ? ret
               : post_copy(service_slot_id(slot), type, data, size, priority, NULL, NULL);
}

esp_err_t system_event_post_ex(system_service_id_t service_id, system_event_type_t type,
                               const void *data, size_t size, uint8_t priority,
                               system_post_result_t *result)
{
    return post(service_id, type, data, size, priority, NULL, result);
}

esp_err_t system_event_post(system_service_id_t service_id, system_event_type_t type,
                            const void *data, size_t size, uint8_t priority)
{
    return post(service_id, type, data, size, priority, NULL, NULL);
}

esp_err_t system_event_post_from_isr(system_service_id_t service_id, system_event_type_t type,
                                     const void *data, size_t size, uint8_t priority,
                                     BaseType_t *woken)
{
    return post(service_id, type, data, size, priority, woken, NULL);
}

esp_err_t event_bus_put_block(event_receiver_t receiver, pool_index_t block,
                              system_event_type_t type, uint8_t priority, uint32_t tag)
{
    mailbox_wake_t wake = {0};
    pool_index_t displaced = POOL_NONE; /* stays so: these receivers reject */
    fill_header(block, type, priority);
    *pool_sequence(block) = tag;
    const delivery_t outcome =
        event_mailbox_put(receiver, block, priority_queue_lane(priority), &wake, &displaced);
    if (outcome == DELIVERY_GONE) {
        return ESP_ERR_EVENT_NOT_SUBSCRIBED;
    }
    count(&s_stats.posted, 1);
    if (outcome == DELIVERY_FULL) {
        count(&s_stats.refused, 1);
        event_mailbox_count_refused(receiver.sub);
        return ESP_ERR_EVENT_QUEUE_FULL;
    }
    count(&s_stats.delivered, 1);
    event_mailbox_wake(&wake, NULL);
    return ESP_OK;
}

/* ---- loans ---------------------------------------------------------------------------------- */

esp_err_t system_event_loan(system_service_id_t service_id, size_t size, void **payload)
{
    unsigned slot;
    if (payload == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    *payload = NULL;
    if (size > MEMORY_POOL_MAX_BLOCK) {
        return ESP_ERR_EVENT_DATA_TOO_LARGE;
    }
    esp_err_t ret = service_slot_for_caller(service_id, &slot);
    if (ret == ESP_OK) {
        ret = quota_check_event_data(slot, size);
    }
    if (ret == ESP_OK) {
        ret = quota_charge_memory(slot, memory_pool_block_bytes(size));
    }
    if (ret != ESP_OK) {
        return ret;
    }
    system_identity_t *identity = system_enter();
    const pool_index_t block = pool_block_take(size, service_id, POOL_KIND_LOAN, false);
    system_leave(identity);
    if (block == POOL_NONE) {
        quota_release_memory(slot, memory_pool_block_bytes(size));
        count(&s_stats.no_memory, 1);
        return ESP_ERR_EVENT_NO_MEMORY;
    }
    *payload = pool_payload(block);
    return ESP_OK;
}

/** Take a loan back from its borrower, as an event. @return POOL_NONE: it is none of his */
static pool_index_t end_loan(system_service_id_t service_id, unsigned slot, const void *payload)
{
    const pool_index_t block = pool_find(payload);
    if (block == POOL_NONE || atomic_load(&pool_block(block)->source) != service_id) {
        return POOL_NONE;
    }
    const uint16_t size = pool_block(block)->size;
    if (!pool_block_convert(block, POOL_KIND_LOAN, POOL_KIND_EVENT)) {
        return POOL_NONE;
    }
    quota_release_memory(slot, memory_pool_block_bytes(size));
    return block;
}

esp_err_t system_event_publish(system_service_id_t service_id, system_event_type_t type,
                               void *payload, size_t size, uint8_t priority,
                               system_post_result_t *result)
{
    unsigned slot;
    if (result != NULL) {
        *result = (system_post_result_t){0};
    }
    esp_err_t ret = service_slot_for_caller(service_id, &slot);
    if (ret != ESP_OK) {
        return ret;
    }
    const pool_index_t found = pool_find(payload);
    if (found == POOL_NONE || size > pool_block(found)->size) {
        return ESP_ERR_INVALID_ARG;
    }
    system_identity_t *identity = system_enter();
    const pool_index_t block = end_loan(service_id, slot, payload);
    if (block == POOL_NONE) {
        ret = ESP_ERR_INVALID_ARG;
    } else if (!event_type_known(type)) {
        ret = ESP_ERR_EVENT_TYPE_NOT_FOUND;
    } else {
        ret = quota_charge_event(slot, size, (uint32_t)esp_timer_get_time());
    }
    if (ret == ESP_OK) {
        pool_block_shrink(block, size);
        ret = send(block, type, priority, NULL, result);
    } else if (block != POOL_NONE) {
        pool_block_release(block);
    }
    system_leave(identity);
    return ret;
}

esp_err_t system_event_return(system_service_id_t service_id, void *payload)
{
    unsigned slot;
    const esp_err_t ret = service_slot_for_caller(service_id, &slot);
    if (ret != ESP_OK) {
        return ret;
    }
    system_identity_t *identity = system_enter();
    const pool_index_t block = end_loan(service_id, slot, payload);
    if (block != POOL_NONE) {
        pool_block_release(block);
    }
    system_leave(identity);
    return block != POOL_NONE ? ESP_OK : ESP_ERR_INVALID_ARG;
}

esp_err_t system_event_get_bus_stats(system_event_bus_stats_t *out)
{
    if (out == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    *out = (system_event_bus_stats_t){
        .posted = atomic_load_explicit(&s_stats.posted, memory_order_relaxed),
        .delivered = atomic_load_explicit(&s_stats.delivered, memory_order_relaxed),
        .handled = atomic_load_explicit(&s_stats.handled, memory_order_relaxed),
        .refused = atomic_load_explicit(&s_stats.refused, memory_order_relaxed),
        .displaced = atomic_load_explicit(&s_stats.displaced, memory_order_relaxed),
        .discarded = atomic_load_explicit(&s_stats.discarded, memory_order_relaxed),
        .no_memory = atomic_load_explicit(&s_stats.no_memory, memory_order_relaxed),
    };
    return ESP_OK;
}
