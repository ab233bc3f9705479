/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of subscriptions: who gets which events, and the promise of unsubscribe. The routes
 * from event types to this table are in event_routes.c.
 */
#include <string.h>

#include "esp_attr.h"

#include "event_internal.h"
#include "handler_monitor_internal.h"
#include "resource_quota_internal.h"
#include "supervisor_wake.h"

EXT_RAM_BSS_ATTR event_sub_t event_subs[CONFIG_SYSTEM_MAX_SUBSCRIPTIONS];
/* Set under the registry lock, cleared when nothing can reach the entry any more. */
static EXT_RAM_BSS_ATTR _Atomic bool s_taken[CONFIG_SYSTEM_MAX_SUBSCRIPTIONS];

void event_subs_init(void)
{
    memset(event_subs, 0, sizeof(event_subs));
    for (unsigned i = 0; i < CONFIG_SYSTEM_MAX_SUBSCRIPTIONS; i++) {
        atomic_store(&s_taken[i], false);
    }
}

system_subscription_t event_sub_handle(uint16_t sub)
{
    return ((uint32_t)atomic_load(&event_subs[sub].generation) << 16) | (sub + 1u);
}

void event_sub_free(uint16_t sub)
{
    event_subs[sub].free_on_return = false;
    atomic_store_explicit(&s_taken[sub], false, memory_order_release);
}

unsigned event_subs_count(unsigned slot)
{
    unsigned count = 0;
    for (unsigned i = 0; i < CONFIG_SYSTEM_MAX_SUBSCRIPTIONS; i++) {
        if (atomic_load_explicit(&s_taken[i], memory_order_acquire) &&
            (slot == SYSTEM_SLOT_NONE || atomic_load(&event_subs[i].slot) == slot)) {
            count++;
        }
    }
    return count;
}

/* ---- subscribe ------------------------------------------------------------------------------ */

typedef struct {
    unsigned slot;
    system_event_type_t type;
    const char *pattern;
    system_event_handler_t handler;
    void *user_data;
    const system_subscription_config_t *config;
} sub_request_t;

static bool same_sub(uint16_t sub, const sub_request_t *rq)
{
    const event_sub_t *s = &event_subs[sub];
    return atomic_load(&s_taken[sub]) && s->active && atomic_load(&s->slot) == rq->slot &&
           s->handler == rq->handler && s->user_data == rq->user_data && s->type == rq->type &&
           (rq->pattern == NULL) == (s->pattern == 0) &&
           (rq->pattern == NULL || strcmp(event_pattern_text(s->pattern), rq->pattern) == 0);
}

/** A free table entry, and that there is no such subscription yet. */
static esp_err_t find_entry_locked(const sub_request_t *rq, uint16_t *out)
{
    *out = SUB_NONE;
    for (uint16_t i = CONFIG_SYSTEM_MAX_SUBSCRIPTIONS; i-- > 0;) {
        if (same_sub(i, rq)) {
            return ESP_ERR_EVENT_ALREADY_SUBSCRIBED;
        }
        if (!atomic_load_explicit(&s_taken[i], memory_order_acquire)) {
            *out = i;
        }
    }
    return *out == SUB_NONE ? ESP_ERR_EVENT_SUBSCRIPTIONS_FULL : ESP_OK;
}

static esp_err_t subscribe_locked(const sub_request_t *rq, uint16_t *out)
{
    esp_err_t ret = find_entry_locked(rq, out);
    if (ret != ESP_OK) {
        return ret;
    }
    ret = quota_charge_subscription(rq->slot);
    if (ret != ESP_OK) {
        supervisor_note_busy(); /* it reports the refusal */
        return ret;
    }
    const uint16_t sub = *out;
    event_sub_t *s = &event_subs[sub];
    const system_subscription_config_t *config = rq->config;
    mailbox_t *mailbox = event_mailbox(rq->slot);
    portENTER_CRITICAL(&mailbox->lock); /* a late delivery to the entry's last owner may look */
    atomic_store(&s->slot, (uint8_t)rq->slot);
    atomic_store(&s->handler, rq->handler);
    s->user_data = rq->user_data;
    s->type = rq->type;
    s->overflow = config ? (uint8_t)config->overflow : SYSTEM_OVERFLOW_REJECT;
    s->block_ms = config ? config->block_ms : 0;
    s->time_limit_us =
        (config && config->time_limit_ms ? config->time_limit_ms : CONFIG_SYSTEM_HANDLER_WARN_MS) *
        1000u;
    s->pattern = 0;
    s->active = true;
    s->free_on_return = false;
    portEXIT_CRITICAL(&mailbox->lock);
    handler_monitor_reset(sub);
    atomic_store(&s_taken[sub], true);
    if (rq->pattern == NULL) {
        event_routes_link(sub, rq->type);
        return ESP_OK;
    }
    if (!event_routes_link_pattern(sub, rq->pattern)) {
        s->active = false;
        event_sub_free(sub);
        quota_release_subscription(rq->slot);
        return ESP_ERR_EVENT_PATTERNS_FULL;
    }
    return ESP_OK;
}

static esp_err_t check_config(const system_subscription_config_t *config)
{
    if (config == NULL) {
        return ESP_OK;
    }
    const bool blocks = config->overflow == SYSTEM_OVERFLOW_BLOCK;
    return (unsigned)config->overflow > SYSTEM_OVERFLOW_BLOCK ||
                   blocks != (config->block_ms != 0) ||
                   config->block_ms > SYSTEM_EVENT_BLOCK_MS_MAX ||
                   config->time_limit_ms > SYSTEM_EVENT_TIME_LIMIT_MS_MAX
               ? ESP_ERR_INVALID_ARG
               : ESP_OK;
}

static esp_err_t subscribe(system_service_id_t id, sub_request_t *rq, system_subscription_t *out)
{
    esp_err_t ret = rq->handler == NULL ? ESP_ERR_INVALID_ARG : check_config(rq->config);
    if (ret != ESP_OK) {
        return ret;
    }
    uint16_t sub;
    registry_lock();
    ret = service_slot_for_caller(id, &rq->slot);
    if (ret == ESP_OK) {
        ret = subscribe_locked(rq, &sub);
    }
    if (ret == ESP_OK && out != NULL) {
        *out = event_sub_handle(sub);
    }
    registry_unlock();
    return ret;
}

esp_err_t system_event_subscribe_ex(system_service_id_t subscriber_id, system_event_type_t type,
                                    system_event_handler_t handler, void *user_data,
                                    const system_subscription_config_t *config,
                                    system_subscription_t *out)
{
    if (!event_type_known(type)) {
        return ESP_ERR_EVENT_TYPE_NOT_FOUND;
    }
    sub_request_t rq = {.type = type, .handler = handler, .user_data = user_data, .config = config};
    return subscribe(subscriber_id, &rq, out);
}

esp_err_t system_event_subscribe(system_service_id_t subscriber_id, system_event_type_t type,
                                 system_event_handler_t handler, void *user_data)
{
    return system_event_subscribe_ex(subscriber_id, type, handler, user_data, NULL, NULL);
}

esp_err_t event_subscribe_direct(unsigned slot, system_event_handler_t handler, void *user_data,
                                 event_receiver_t *out)
{
    /* Type NONE has a list like the others, but nobody can post it. */
    const sub_request_t rq = {.slot = slot, .handler = handler, .user_data = user_data};
    uint16_t sub;
    registry_lock();
    const esp_err_t ret = subscribe_locked(&rq, &sub);
    if (ret == ESP_OK) {
        *out = (event_receiver_t){sub, atomic_load(&event_sub(sub)->generation)};
    }
    registry_unlock();
    return ret;
}

static bool pattern_valid(const char *pattern)
{
    const size_t length = pattern ? strnlen(pattern, SYSTEM_NAME_MAX + 1) : 0;
    if (length == 0 || length > SYSTEM_NAME_MAX) {
        return false;
    }
    const char *star = strchr(pattern, '*');
    return star == NULL || star == pattern + length - 1;
}

esp_err_t system_event_subscribe_pattern(system_service_id_t subscriber_id, const char *pattern,
                                         system_event_handler_t handler, void *user_data,
                                         const system_subscription_config_t *config,
                                         system_subscription_t *out)
{
    if (!pattern_valid(pattern)) {
        return ESP_ERR_EVENT_PATTERN_INVALID;
    }
    sub_request_t rq = {
        .pattern = pattern, .handler = handler, .user_data = user_data, .config = config};
    return subscribe(subscriber_id, &rq, out);
}

/* ---- unsubscribe ---------------------------------------------------------------------------- */

/** True while the handler call that was under way at the purge has not returned. The entry may have
 *  a new subscriber by then, with another mailbox: so this looks at atomics, without a lock. */
static bool still_running(uint16_t sub, uint16_t generation)
{
    return atomic_load(&event_subs[sub].free_on_return) &&
           atomic_load(&event_subs[sub].generation) == generation;
}

static esp_err_t wait_for_return(unsigned slot, uint16_t sub, uint16_t generation)
{
    const TickType_t start = xTaskGetTickCount();
    const TickType_t limit = pdMS_TO_TICKS(CONFIG_SYSTEM_UNSUBSCRIBE_WAIT_MS);
    system_identity_t *identity = system_enter(); /* not to be cut with a waiter's place */
    struct mailbox_waiter *waiter = event_waiter_begin(slot);
    esp_err_t ret = ESP_OK;
    while (still_running(sub, generation)) {
        const TickType_t waited = xTaskGetTickCount() - start;
        if (waited >= limit || event_waits_ended()) {
            ret = ESP_ERR_TIMEOUT;
            break;
        }
        if (waiter == NULL) {
            vTaskDelay(1); /* all places taken: look once a tick */
        } else {
            (void)event_waiter_sleep(waiter, limit - waited);
        }
    }
    event_waiter_end(waiter);
    system_leave(identity);
    return ret;
}

/** Registry lock held; released on return. */
static esp_err_t unsubscribe_unlocking(unsigned slot, uint16_t sub)
{
    event_sub_t *s = &event_subs[sub];
    event_routes_unlink(sub);
    struct event_worker *worker = event_mailbox_purge(slot, sub);
    const uint16_t generation = atomic_load(&s->generation);
    quota_release_subscription(slot);
    registry_unlock();
    if (worker == NULL || system_identity() == &worker->identity) {
        return ESP_OK;
    }
    return wait_for_return(slot, sub, generation);
}

esp_err_t system_event_unsubscribe(system_service_id_t subscriber_id,
                                   system_subscription_t subscription)
{
    unsigned slot;
    const unsigned sub = (subscription & 0xFFFFu) - 1u;
    registry_lock();
    esp_err_t ret = service_slot_for_caller(subscriber_id, &slot);
    if (ret == ESP_OK && (sub >= CONFIG_SYSTEM_MAX_SUBSCRIPTIONS || !atomic_load(&s_taken[sub]) ||
                          !event_subs[sub].active || atomic_load(&event_subs[sub].slot) != slot ||
                          event_sub_handle((uint16_t)sub) != subscription)) {
        ret = ESP_ERR_EVENT_NOT_SUBSCRIBED;
    }
    if (ret != ESP_OK) {
        registry_unlock();
        return ret;
    }
    return unsubscribe_unlocking(slot, (uint16_t)sub);
}

/** End the subscriptions of a slot to type (NONE: all, patterns too) with handler (NULL: any). */
static esp_err_t unsubscribe_matching(unsigned slot, system_event_type_t type,
                                      system_event_handler_t handler, unsigned *ended)
{
    esp_err_t ret = ESP_OK;
    for (uint16_t i = 0; i < CONFIG_SYSTEM_MAX_SUBSCRIPTIONS; i++) {
        registry_lock();
        const event_sub_t *s = &event_subs[i];
        if (!atomic_load(&s_taken[i]) || !s->active || atomic_load(&s->slot) != slot ||
            (type != SYSTEM_EVENT_TYPE_NONE && s->type != type) ||
            (handler != NULL && s->handler != handler)) {
            registry_unlock();
            continue;
        }
        (*ended)++;
        const esp_err_t one = unsubscribe_unlocking(slot, i);
        ret = one != ESP_OK ? one : ret;
    }
    return ret;
}

esp_err_t system_event_unsubscribe_type(system_service_id_t subscriber_id, system_event_type_t type,
                                        system_event_handler_t handler)
{
    unsigned slot;
    unsigned ended = 0;
    esp_err_t ret = service_slot_for_caller(subscriber_id, &slot);
    if (ret != ESP_OK) {
        return ret;
    }
    if (!event_type_known(type)) {
        return ESP_ERR_EVENT_TYPE_NOT_FOUND;
    }
    ret = unsubscribe_matching(slot, type, handler, &ended);
    return ended == 0 ? ESP_ERR_EVENT_NOT_SUBSCRIBED : ret;
}

esp_err_t event_subs_reclaim(unsigned slot)
{
    unsigned ended = 0;
    return unsubscribe_matching(slot, SYSTEM_EVENT_TYPE_NONE, NULL, &ended);
}
