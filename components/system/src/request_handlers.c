/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who serves which requests. Each entry has a subscription of its own that no post reaches: it
 * gives a request the same way through the mailbox, the same limits and the same monitors as an
 * event.
 */
#include "request_internal.h"

#include <string.h>

#include "esp_attr.h"

#ifdef CONFIG_SYSTEM_REQUESTS

typedef enum {
    HANDLER_FREE = 0,
    HANDLER_BUSY, /* being set up or taken down: not found by requests */
    HANDLER_READY,
} handler_state_t;

typedef struct {
    uint8_t state; /* handler_state_t */
    uint8_t slot;  /* who serves */
    system_event_type_t type;
    event_receiver_t receiver;
    system_request_handler_t handler;
    void *user_data;
} request_handler_t;

static EXT_RAM_BSS_ATTR request_handler_t s_handlers[CONFIG_SYSTEM_MAX_REQUEST_HANDLERS];
static portMUX_TYPE s_lock = portMUX_INITIALIZER_UNLOCKED; /* protects s_handlers; leaf */

void request_handlers_init(void)
{
    memset(s_handlers, 0, sizeof(s_handlers));
}

/** Lock held. */
static request_handler_t *find_locked(unsigned slot, system_event_type_t type)
{
    for (unsigned i = 0; i < CONFIG_SYSTEM_MAX_REQUEST_HANDLERS; i++) {
        request_handler_t *h = &s_handlers[i];
        if (h->state != HANDLER_FREE && h->type == type &&
            (slot == SYSTEM_SLOT_NONE || h->slot == slot)) {
            return h;
        }
    }
    return NULL;
}

bool request_handler_find(unsigned slot, system_event_type_t type, unsigned *target,
                          event_receiver_t *receiver)
{
    portENTER_CRITICAL(&s_lock);
    const request_handler_t *h = find_locked(slot, type);
    const bool found = h != NULL && h->state == HANDLER_READY;
    if (found) {
        *target = h->slot;
        *receiver = h->receiver;
    }
    portEXIT_CRITICAL(&s_lock);
    return found;
}

void request_handlers_reclaim(unsigned slot)
{
    portENTER_CRITICAL(&s_lock);
    for (unsigned i = 0; i < CONFIG_SYSTEM_MAX_REQUEST_HANDLERS; i++) {
        if (s_handlers[i].slot == slot) {
            s_handlers[i].state = HANDLER_FREE;
        }
    }
    portEXIT_CRITICAL(&s_lock);
}

/** Runs in the server's mailbox in place of an event handler. */
static void on_request(const system_event_t *event, void *user_data)
{
    const request_handler_t *entry = user_data;
    request_handler_t h;
    portENTER_CRITICAL(&s_lock);
    h = *entry; /* it may be given to somebody else while the handler runs */
    portEXIT_CRITICAL(&s_lock);
    if (h.state != HANDLER_READY || h.slot != system_current_slot() || !request_begin(event)) {
        return; /* not served any more, or the asker does not wait any more */
    }
    const system_request_t request = {
        .id = event->sequence,
        .from = event->source,
        .type = event->type,
        .priority = event->priority,
        .data = event->data,
        .data_size = event->data_size,
    };
    h.handler(&request, h.user_data);
}

system_event_handler_t request_handler_behind(uint16_t sub, system_event_handler_t handler)
{
    portENTER_CRITICAL(&s_lock);
    for (unsigned i = 0; i < CONFIG_SYSTEM_MAX_REQUEST_HANDLERS && handler == on_request; i++) {
        if (s_handlers[i].state == HANDLER_READY && s_handlers[i].receiver.sub == sub) {
            handler = (system_event_handler_t)(void (*)(void))s_handlers[i].handler;
        }
    }
    portEXIT_CRITICAL(&s_lock);
    return handler; /* to be named, not to be called */
}

/** Take an entry for (slot, type). */
static esp_err_t take(unsigned slot, system_event_type_t type, request_handler_t **out)
{
    esp_err_t ret = ESP_ERR_REQUEST_TABLE_FULL;
    portENTER_CRITICAL(&s_lock);
    if (find_locked(slot, type) != NULL) {
        ret = ESP_ERR_REQUEST_HANDLER_EXISTS;
    }
    for (unsigned i = 0;
         i < CONFIG_SYSTEM_MAX_REQUEST_HANDLERS && ret == ESP_ERR_REQUEST_TABLE_FULL; i++) {
        if (s_handlers[i].state == HANDLER_FREE) {
            s_handlers[i] =
                (request_handler_t){.state = HANDLER_BUSY, .slot = (uint8_t)slot, .type = type};
            *out = &s_handlers[i];
            ret = ESP_OK;
        }
    }
    portEXIT_CRITICAL(&s_lock);
    return ret;
}

esp_err_t system_request_serve(system_service_id_t service_id, system_event_type_t type,
                               system_request_handler_t handler, void *user_data)
{
    unsigned slot;
    request_handler_t *entry = NULL;
    if (handler == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    if (!event_type_known(type)) {
        return ESP_ERR_EVENT_TYPE_NOT_FOUND;
    }
    esp_err_t ret = service_slot_for_caller(service_id, &slot);
    if (ret == ESP_OK) {
        ret = take(slot, type, &entry);
    }
    if (ret != ESP_OK) {
        return ret;
    }
    system_identity_t *identity = system_enter();
    event_receiver_t receiver = {SUB_NONE, 0};
    ret = event_subscribe_direct(slot, on_request, entry, &receiver);
    portENTER_CRITICAL(&s_lock);
    if (entry->state == HANDLER_BUSY) { /* else it was reclaimed meanwhile */
        entry->receiver = receiver;
        entry->handler = handler;
        entry->user_data = user_data;
        entry->state = ret == ESP_OK ? HANDLER_READY : HANDLER_FREE;
    }
    portEXIT_CRITICAL(&s_lock);
    system_leave(identity);
    return ret;
}

esp_err_t system_request_unserve(system_service_id_t service_id, system_event_type_t type)
{
    unsigned slot;
    esp_err_t ret = service_slot_for_caller(service_id, &slot);
    if (ret != ESP_OK) {
        return ret;
    }
    event_receiver_t receiver = {SUB_NONE, 0};
    portENTER_CRITICAL(&s_lock);
    request_handler_t *entry = find_locked(slot, type);
    const bool served = entry != NULL && entry->state == HANDLER_READY;
    if (served) {
        receiver = entry->receiver;
        entry->state = HANDLER_BUSY;
    }
    portEXIT_CRITICAL(&s_lock);
    if (!served) {
        return ESP_ERR_REQUEST_NO_HANDLER;
    }
    ret = system_event_unsubscribe(service_id,
                                   (uint32_t)receiver.generation << 16 | (receiver.sub + 1u));
    requests_end_unseen(slot, type);
    portENTER_CRITICAL(&s_lock);
    if (entry->state == HANDLER_BUSY && entry->slot == slot && entry->type == type) {
        entry->state = HANDLER_FREE;
    }
    portEXIT_CRITICAL(&s_lock);
    return ret;
}

#endif
