/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests in flight. A request is an entry of the table; its id (generation and place) travels as
 * the sequence number of the event that carries it, and of the event that carries the answer back.
 *
 * Who frees an entry: of a synchronous request always the task that waits for it, whatever ended
 * it, so that nobody gives its semaphore after it is gone; of an asynchronous one whoever ends it
 * last, which is the callback's event, a cancellation, or the reclaim of the asker. Semaphores are
 * made once and never deleted; a give that comes late finds another waiter, who looks at his entry
 * and sleeps again.
 *
 * The answer to an asynchronous request always arrives: if the asker's mailbox has no room now, the
 * entry keeps it and the alarm tries again.
 */
#include "request_internal.h"

#include <string.h>

#include "esp_timer.h"

#include "request_table.h"
#include "resource_quota_internal.h"

#ifdef CONFIG_SYSTEM_REQUESTS

static esp_timer_handle_t s_alarm;

/* ---- answers on their way ------------------------------------------------------------------- */

/** Runs in the asker's mailbox in place of an event handler. */
static void on_answer(const system_event_t *event, void *user_data)
{
    (void)user_data;
    request_entry_t e;
    if (!request_table_take_answer(event->sequence, &e)) {
        return; /* cancelled while it waited in the mailbox */
    }
    const system_response_t response = {
        .id = event->sequence,
        .from = e.target,
        .status = e.status,
        .data = event->data,
        .data_size = event->data_size,
    };
    e.callback(&response, e.user_data);
}

/** Try to hand the end of an asynchronous request to its asker. The caller set it aside for this
 *  with request_table_claim_delivery(). */
static void deliver(system_request_id_t id, const request_entry_t *e)
{
    pool_index_t block = e->block;
    esp_err_t ret = ESP_ERR_EVENT_NO_MEMORY;
    if (block == POOL_NONE) { /* no answer but its absence: an event without payload */
        block = pool_block_take(0, e->target, POOL_KIND_EVENT, true);
    }
    if (block != POOL_NONE) {
        ret = event_bus_put_block(e->answers, block, e->type, e->priority, id);
    }
    if (ret == ESP_ERR_EVENT_NOT_SUBSCRIBED) { /* the asker goes just now */
        pool_block_release(block);
        request_table_drop(id);
    } else if (ret != ESP_OK && !request_table_keep_answer(id, block) && block != POOL_NONE) {
        pool_block_release(block); /* ended meanwhile */
    }
}

/* ---- the alarm ------------------------------------------------------------------------------ */

/** As the event timers do: several tasks may arm at once, so each looks again afterwards. */
static void arm(void)
{
    int64_t due = request_table_nearest();
    while (due != REQUEST_DUE_NEVER) {
        const int64_t now = esp_timer_get_time();
        const uint64_t wait = due > now ? (uint64_t)(due - now) : 0;
        if (esp_timer_restart(s_alarm, wait) != ESP_OK) {
            (void)esp_timer_start_once(s_alarm, wait);
        }
        const int64_t nearest = request_table_nearest();
        if (nearest >= due) {
            return;
        }
        due = nearest;
    }
}

/** Hand over every end that waits for it. */
static void deliver_all(void)
{
    request_entry_t e;
    system_request_id_t id;
    const int64_t now = esp_timer_get_time();
    while (request_table_claim_delivery(now, &id, &e)) {
        deliver(id, &e);
    }
    arm();
}

static void on_alarm(void *arg)
{
    (void)arg;
    request_table_expire(esp_timer_get_time());
    deliver_all();
}

void requests_init(void)
{
    request_table_init();
    request_handlers_init();
}

esp_err_t requests_start(void)
{
    const esp_timer_create_args_t args = {.callback = on_alarm, .name = "requests"};
    return esp_timer_create(&args, &s_alarm);
}

void requests_stop(void)
{
    if (s_alarm != NULL) {
        (void)esp_timer_stop(s_alarm); /* fails when it is not armed: nothing to stop */
        (void)esp_timer_delete(s_alarm);
        s_alarm = NULL;
    }
    request_table_clear();
}

/* ---- asking --------------------------------------------------------------------------------- */

/** What both kinds of request have in common. */
typedef struct {
    system_service_id_t self;
    system_service_id_t target;
    system_event_type_t type;
    const void *data;
    size_t size;
    uint8_t priority;
    uint32_t timeout_ms;
} ask_t;

static esp_err_t check_ask(ask_t *ask)
{
    if ((ask->data == NULL && ask->size != 0) || ask->timeout_ms > SYSTEM_REQUEST_TIMEOUT_MS_MAX) {
        return ESP_ERR_INVALID_ARG;
    }
    if (xPortInIsrContext()) {
        return ESP_ERR_INVALID_STATE;
    }
    if (!system_is_initialized()) {
        return ESP_ERR_SERVICE_NOT_FOUND;
    }
    if (!event_type_known(ask->type)) {
        return ESP_ERR_EVENT_TYPE_NOT_FOUND;
    }
    if (ask->timeout_ms == 0) {
        ask->timeout_ms = CONFIG_SYSTEM_REQUEST_TIMEOUT_MS;
    }
    return ask->size > MEMORY_POOL_MAX_BLOCK ? ESP_ERR_EVENT_DATA_TOO_LARGE : ESP_OK;
}

/** Find both sides. */
static esp_err_t resolve(const ask_t *ask, request_entry_t *e, event_receiver_t *receiver)
{
    unsigned asker = SYSTEM_SLOT_NONE;
    unsigned target = SYSTEM_SLOT_NONE;
    esp_err_t ret = ESP_OK;
    if (ask->self != SYSTEM_SERVICE_ID_NONE) {
        ret = service_slot_for_caller(ask->self, &asker);
    } else if (system_current_slot() != SYSTEM_SLOT_NONE) {
        ret = ESP_ERR_NOT_OWNER;
    }
    if (ret == ESP_OK && ask->target != SYSTEM_SERVICE_ID_NONE) {
        ret = service_slot_of(ask->target, &target);
    }
    if (ret != ESP_OK) {
        return ret;
    }
    if (!request_handler_find(target, ask->type, &target, receiver)) {
        return ESP_ERR_REQUEST_NO_HANDLER;
    }
    *e = (request_entry_t){
        .asker_slot = (uint8_t)asker,
        .target_slot = (uint8_t)target,
        .target = service_slot_id(target),
        .type = ask->type,
        .priority = ask->priority,
        .block = POOL_NONE,
        .due_us = esp_timer_get_time() + (int64_t)ask->timeout_ms * 1000,
    };
    return ESP_OK;
}

/** Put the request into its target's mailbox, at the cost of the asker. */
static esp_err_t send(const ask_t *ask, const request_entry_t *e, event_receiver_t receiver,
                      system_request_id_t id)
{
    if (e->asker_slot != SYSTEM_SLOT_NONE) {
        const esp_err_t ret =
            quota_charge_event(e->asker_slot, ask->size, (uint32_t)esp_timer_get_time());
        if (ret != ESP_OK) {
            return ret;
        }
    }
    const pool_index_t block = pool_block_take(ask->size, ask->self, POOL_KIND_EVENT,
                                               ask->priority == SYSTEM_EVENT_PRIORITY_CRITICAL);
    if (block == POOL_NONE) {
        return ESP_ERR_EVENT_NO_MEMORY;
    }
    if (ask->size != 0) {
        memcpy(pool_payload(block), ask->data, ask->size);
    }
    const esp_err_t ret = event_bus_put_block(receiver, block, ask->type, ask->priority, id);
    if (ret != ESP_OK) {
        pool_block_release(block);
    }
    return ret == ESP_ERR_EVENT_NOT_SUBSCRIBED ? ESP_ERR_REQUEST_NO_HANDLER : ret;
}

/** Enter the request in the table and send it. */
static esp_err_t open_request(const ask_t *ask, request_entry_t *e, event_receiver_t receiver,
                              system_request_id_t *id)
{
    esp_err_t ret = request_table_add(e, id);
    if (ret == ESP_OK) {
        ret = send(ask, e, receiver, *id);
        if (ret != ESP_OK) {
            request_table_undo(*id);
        }
    }
    return ret;
}

/** Copy the answer out and free it. */
static esp_err_t read_answer(const request_entry_t *e, void *response, size_t *response_size)
{
    const size_t room = response_size != NULL ? *response_size : 0;
    const size_t size = e->block != POOL_NONE ? pool_block(e->block)->size : 0;
    esp_err_t ret = e->status;
    if (response_size != NULL) {
        *response_size = size;
    }
    if (size > room) {
        ret = ret == ESP_OK ? ESP_ERR_REQUEST_RESPONSE_TOO_LARGE : ret;
    } else if (size != 0) {
        memcpy(response, pool_payload(e->block), size);
    }
    if (e->block != POOL_NONE) {
        pool_block_release(e->block);
    }
    return ret;
}

/** Note the worker that will wait, if the caller is a handler. */
static void note_waiter(request_entry_t *e)
{
    system_identity_t *identity = system_identity();
    if (identity != NULL && identity->is_worker) {
        e->worker = (struct event_worker *)(void *)identity; /* its first member */
    }
}

esp_err_t system_request_sync(system_service_id_t self_id, system_service_id_t target_id,
                              system_event_type_t type, const void *data, size_t size,
                              uint8_t priority, void *response, size_t *response_size,
                              uint32_t timeout_ms)
{
    ask_t ask = {self_id, target_id, type, data, size, priority, timeout_ms};
    event_receiver_t receiver;
    system_request_id_t id;
    request_entry_t e;
    esp_err_t ret = check_ask(&ask);
    if (ret == ESP_OK && response == NULL && response_size != NULL && *response_size != 0) {
        ret = ESP_ERR_INVALID_ARG;
    }
    if (ret == ESP_OK) {
        ret = resolve(&ask, &e, &receiver);
    }
    if (ret != ESP_OK) {
        return ret;
    }
    system_identity_t *identity = system_enter(); /* not to be cut while the entry is its own */
    note_waiter(&e);
    ret = open_request(&ask, &e, receiver, &id);
    if (ret == ESP_OK) {
        request_table_wait(id, ask.timeout_ms, &e);
        ret = read_answer(&e, response, response_size);
    }
    system_leave(identity);
    return ret;
}

esp_err_t system_request_async(system_service_id_t self_id, system_service_id_t target_id,
                               system_event_type_t type, const void *data, size_t size,
                               uint8_t priority, system_response_handler_t callback,
                               void *user_data, uint32_t timeout_ms, system_request_id_t *out)
{
    ask_t ask = {self_id, target_id, type, data, size, priority, timeout_ms};
    event_receiver_t receiver;
    system_request_id_t id;
    request_entry_t e;
    esp_err_t ret = callback == NULL || self_id == SYSTEM_SERVICE_ID_NONE ? ESP_ERR_INVALID_ARG
                                                                          : check_ask(&ask);
    if (ret == ESP_OK) {
        ret = resolve(&ask, &e, &receiver);
    }
    if (ret != ESP_OK) {
        return ret;
    }
    e.callback = callback;
    e.user_data = user_data;
    system_identity_t *identity = system_enter();
    ret = request_answers_subscription(e.asker_slot, on_answer, &e.answers);
    if (ret == ESP_OK) {
        ret = open_request(&ask, &e, receiver, &id);
    }
    if (ret == ESP_OK) {
        arm();
        if (out != NULL) {
            *out = id;
        }
    }
    system_leave(identity);
    return ret;
}

/* ---- ending --------------------------------------------------------------------------------- */

esp_err_t system_request_cancel(system_service_id_t self_id, system_request_id_t request)
{
    unsigned slot;
    esp_err_t ret = service_slot_for_caller(self_id, &slot);
    if (ret == ESP_OK) {
        system_identity_t *identity = system_enter();
        ret = request_table_cancel(request, slot);
        system_leave(identity);
    }
    return ret;
}

esp_err_t system_request_respond(system_request_id_t request, esp_err_t status, const void *data,
                                 size_t size)
{
    unsigned target;
    if (data == NULL && size != 0) {
        return ESP_ERR_INVALID_ARG;
    }
    if (size > MEMORY_POOL_MAX_BLOCK) {
        return ESP_ERR_EVENT_DATA_TOO_LARGE;
    }
    esp_err_t ret = request_table_target(request, &target);
    if (ret != ESP_OK) {
        return ret;
    }
    ret = service_slot_for_caller(service_slot_id(target), &target);
    if (ret != ESP_OK) { /* the target went between the two: the request did too */
        return ret == ESP_ERR_NOT_OWNER ? ret : ESP_ERR_REQUEST_NOT_FOUND;
    }
    system_identity_t *identity = system_enter();
    pool_index_t block = POOL_NONE;
    if (size != 0) {
        block = pool_block_take(size, service_slot_id(target), POOL_KIND_EVENT, false);
        if (block != POOL_NONE) {
            memcpy(pool_payload(block), data, size);
        } else {
            ret = ESP_ERR_EVENT_NO_MEMORY;
        }
    }
    if (ret == ESP_OK) {
        ret = request_table_end(request, status, block, REQUEST_ANSWERED);
        if (ret == ESP_OK) {
            deliver_all();
        } else if (block != POOL_NONE) {
            pool_block_release(block);
        }
    }
    system_leave(identity);
    return ret;
}

bool request_begin(const system_event_t *event)
{
    return request_table_see(event->sequence);
}

void requests_end_unseen(unsigned slot, system_event_type_t type)
{
    request_table_end_unseen(slot, type);
    deliver_all();
}

void requests_cancel_asker(unsigned slot)
{
    request_table_cancel_waiters(slot);
}

void requests_reclaim(unsigned slot)
{
    request_handlers_reclaim(slot);
    request_table_reclaim(slot);
    deliver_all();
}

unsigned requests_count(unsigned slot)
{
    return request_table_count(slot);
}

esp_err_t system_request_get_stats(system_request_stats_t *out)
{
    if (out == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    request_table_stats(out);
    return ESP_OK;
}

#endif
