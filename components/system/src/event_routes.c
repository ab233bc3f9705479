/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who gets an event of a type. Each type has a list of its subscriptions, sorted by their number,
 * and a mask of the patterns that match its name. A post copies the receivers in batches under
 * s_route_lock and delivers with the lock released; since the list is sorted, the next batch goes
 * on behind the last number copied, whatever changed in between. Each copy carries the
 * subscription's generation, which the delivery checks under the mailbox lock: so a subscription
 * that ended meanwhile gets nothing, without anybody having to wait for the posts under way.
 */
#include <string.h>

#include "event_internal.h"
#include "handler_monitor_internal.h"
#include "resource_quota_internal.h"

_Static_assert(CONFIG_SYSTEM_MAX_PATTERNS <= 32, "the patterns of a type are one word of bits");

typedef struct {
    uint16_t first;        /* head of the list, or SUB_NONE */
    pool_index_t retained; /* last value, or POOL_NONE: one reference is held */
    uint32_t patterns;     /* bit n: pattern n matches */
} event_route_t;

typedef struct {
    char text[SYSTEM_NAME_MAX + 1]; /* under the registry lock */
    uint16_t sub;                   /* SUB_NONE = free; under the route lock */
} event_pattern_t;

/* s_route_lock (order 3): protects s_routes, the next links, s_patterns[].sub. Never held across
 * anything but a put into a mailbox. */
static portMUX_TYPE s_route_lock = portMUX_INITIALIZER_UNLOCKED;
static event_route_t s_routes[CONFIG_SYSTEM_MAX_EVENT_TYPES + 1];
static event_pattern_t s_patterns[CONFIG_SYSTEM_MAX_PATTERNS];

static event_sub_t s_subs[CONFIG_SYSTEM_MAX_SUBSCRIPTIONS];
/* Set under the registry lock, cleared when nothing can reach the entry any more. */
static _Atomic bool s_taken[CONFIG_SYSTEM_MAX_SUBSCRIPTIONS];

void event_routes_init(void)
{
    memset(s_subs, 0, sizeof(s_subs));
    for (unsigned i = 0; i < CONFIG_SYSTEM_MAX_SUBSCRIPTIONS; i++) {
        atomic_store(&s_taken[i], false);
    }
    for (unsigned i = 0; i <= CONFIG_SYSTEM_MAX_EVENT_TYPES; i++) {
        s_routes[i] = (event_route_t){.first = SUB_NONE, .retained = POOL_NONE};
    }
    for (unsigned i = 0; i < CONFIG_SYSTEM_MAX_PATTERNS; i++) {
        s_patterns[i].sub = SUB_NONE;
    }
}

event_sub_t *event_sub(uint16_t sub)
{
    return &s_subs[sub];
}

system_subscription_t event_sub_handle(uint16_t sub)
{
    return ((uint32_t)atomic_load(&s_subs[sub].generation) << 16) | (sub + 1u);
}

void event_sub_free(uint16_t sub)
{
    s_subs[sub].free_on_return = false;
    atomic_store_explicit(&s_taken[sub], false, memory_order_release);
}

unsigned event_subs_count(unsigned slot)
{
    unsigned count = 0;
    for (unsigned i = 0; i < CONFIG_SYSTEM_MAX_SUBSCRIPTIONS; i++) {
        if (atomic_load_explicit(&s_taken[i], memory_order_acquire) &&
            (slot == SYSTEM_SLOT_NONE || atomic_load(&s_subs[i].slot) == slot)) {
            count++;
        }
    }
    return count;
}

/* ---- copying the receivers ------------------------------------------------------------------ */

static unsigned copy_list(const event_route_t *route, event_route_cursor_t *cursor,
                          event_receiver_t *out)
{
    unsigned n = 0;
    uint16_t sub = route->first;
    while (sub != SUB_NONE && sub < cursor->after) {
        sub = s_subs[sub].next;
    }
    for (; sub != SUB_NONE && n < EVENT_ROUTE_BATCH; sub = s_subs[sub].next) {
        out[n++] = (event_receiver_t){
            sub, atomic_load_explicit(&s_subs[sub].generation, memory_order_relaxed)};
        cursor->after = (uint16_t)(sub + 1);
    }
    if (sub == SUB_NONE) {
        cursor->listed = true;
        cursor->after = 0;
        cursor->done = route->patterns == 0;
    }
    return n;
}

/** Patterns are numbered too: the cursor goes on behind the last number copied. */
static unsigned copy_patterns(const event_route_t *route, event_route_cursor_t *cursor,
                              event_receiver_t *out, unsigned n)
{
    unsigned pattern = cursor->after;
    for (; pattern < CONFIG_SYSTEM_MAX_PATTERNS && n < EVENT_ROUTE_BATCH; pattern++) {
        const uint16_t sub = s_patterns[pattern].sub;
        if ((route->patterns >> pattern & 1u) && sub != SUB_NONE) {
            out[n++] = (event_receiver_t){
                sub, atomic_load_explicit(&s_subs[sub].generation, memory_order_relaxed)};
        }
    }
    cursor->after = (uint16_t)pattern;
    cursor->done = pattern == CONFIG_SYSTEM_MAX_PATTERNS;
    return n;
}

unsigned event_routes_next(system_event_type_t type, event_route_cursor_t *cursor,
                           event_receiver_t out[EVENT_ROUTE_BATCH], pool_index_t retain)
{
    if (cursor->done) {
        return 0;
    }
    event_route_t *route = &s_routes[type];
    pool_index_t old = POOL_NONE;
    unsigned n = 0;
    portENTER_CRITICAL_SAFE(&s_route_lock);
    if (retain != POOL_NONE && cursor->after == 0 && !cursor->listed) {
        old = route->retained;
        route->retained = retain;
        pool_block_ref(retain);
    }
    if (!cursor->listed) {
        n = copy_list(route, cursor, out);
    }
    if (cursor->listed && !cursor->done) {
        n = copy_patterns(route, cursor, out, n);
    }
    portEXIT_CRITICAL_SAFE(&s_route_lock);
    if (old != POOL_NONE) {
        pool_block_release(old);
    }
    return n;
}

void event_routes_forget_retained(system_event_type_t type)
{
    portENTER_CRITICAL(&s_route_lock);
    const pool_index_t old = s_routes[type].retained;
    s_routes[type].retained = POOL_NONE;
    portEXIT_CRITICAL(&s_route_lock);
    if (old != POOL_NONE) {
        pool_block_release(old);
    }
}

/* ---- linking -------------------------------------------------------------------------------- */

/** Hand the retained value to a new subscription: under the route lock, so that no newer event of
 *  the type can overtake it. */
static void put_retained_locked(const event_route_t *route, uint16_t sub, mailbox_wake_t *wake)
{
    if (route->retained == POOL_NONE) {
        return;
    }
    const pool_index_t block = route->retained;
    const uint8_t priority = (uint8_t)atomic_load(&pool_block(block)->link);
    const event_receiver_t receiver = {sub, atomic_load(&s_subs[sub].generation)};
    pool_index_t displaced = POOL_NONE;
    pool_block_ref(block);
    const delivery_t outcome =
        event_mailbox_put(receiver, block, priority_queue_lane(priority), wake, &displaced);
    if (outcome == DELIVERY_FULL || outcome == DELIVERY_GONE) {
        pool_block_release(block);
    } else {
        event_bus_count_delivered();
    }
    if (displaced != POOL_NONE) {
        pool_block_release(displaced);
    }
}

static void link_type(uint16_t sub, system_event_type_t type)
{
    mailbox_wake_t wake = {0};
    portENTER_CRITICAL(&s_route_lock);
    uint16_t *link = &s_routes[type].first;
    while (*link != SUB_NONE && *link < sub) {
        link = &s_subs[*link].next;
    }
    s_subs[sub].next = *link;
    *link = sub;
    put_retained_locked(&s_routes[type], sub, &wake);
    portEXIT_CRITICAL(&s_route_lock);
    event_mailbox_wake(&wake, NULL);
}

static void link_pattern_type(system_event_type_t type, void *arg)
{
    const uint16_t sub = *(const uint16_t *)arg;
    const unsigned pattern = s_subs[sub].pattern - 1u;
    mailbox_wake_t wake = {0};
    portENTER_CRITICAL(&s_route_lock);
    s_routes[type].patterns |= 1u << pattern;
    put_retained_locked(&s_routes[type], sub, &wake);
    portEXIT_CRITICAL(&s_route_lock);
    event_mailbox_wake(&wake, NULL);
}

void event_routes_type_added(system_event_type_t type)
{
    for (unsigned i = 0; i < CONFIG_SYSTEM_MAX_PATTERNS; i++) {
        if (s_patterns[i].sub != SUB_NONE &&
            event_pattern_matches(s_patterns[i].text, event_type_name(type))) {
            portENTER_CRITICAL(&s_route_lock);
            s_routes[type].patterns |= 1u << i;
            portEXIT_CRITICAL(&s_route_lock);
        }
    }
}

static void unlink_sub(uint16_t sub)
{
    event_sub_t *s = &s_subs[sub];
    portENTER_CRITICAL(&s_route_lock);
    if (s->pattern == 0) {
        uint16_t *link = &s_routes[s->type].first;
        while (*link != SUB_NONE && *link != sub) {
            link = &s_subs[*link].next;
        }
        if (*link == sub) {
            *link = s->next;
        }
    } else {
        s_patterns[s->pattern - 1].sub = SUB_NONE;
    }
    portEXIT_CRITICAL(&s_route_lock);
    if (s->pattern == 0) {
        return;
    }
    for (unsigned i = 1; i <= event_types_count(); i++) { /* one short turn each, not one long */
        portENTER_CRITICAL(&s_route_lock);
        s_routes[i].patterns &= ~(1u << (s->pattern - 1));
        portEXIT_CRITICAL(&s_route_lock);
    }
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
    const event_sub_t *s = &s_subs[sub];
    return atomic_load(&s_taken[sub]) && s->active && atomic_load(&s->slot) == rq->slot &&
           s->handler == rq->handler && s->user_data == rq->user_data && s->type == rq->type &&
           (rq->pattern == NULL) == (s->pattern == 0) &&
           (rq->pattern == NULL || strcmp(s_patterns[s->pattern - 1].text, rq->pattern) == 0);
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

static uint8_t take_pattern_locked(const char *text, uint16_t sub)
{
    for (unsigned i = 0; i < CONFIG_SYSTEM_MAX_PATTERNS; i++) {
        if (s_patterns[i].sub == SUB_NONE) {
            system_copy_name(s_patterns[i].text, text);
            portENTER_CRITICAL(&s_route_lock);
            s_patterns[i].sub = sub;
            portEXIT_CRITICAL(&s_route_lock);
            return (uint8_t)(i + 1);
        }
    }
    return 0;
}

static esp_err_t subscribe_locked(const sub_request_t *rq, uint16_t *out)
{
    esp_err_t ret = find_entry_locked(rq, out);
    if (ret != ESP_OK) {
        return ret;
    }
    ret = quota_charge_subscription(rq->slot);
    if (ret != ESP_OK) {
        return ret;
    }
    const uint16_t sub = *out;
    event_sub_t *s = &s_subs[sub];
    const system_subscription_config_t *config = rq->config;
    mailbox_t *mailbox = event_mailbox(rq->slot);
    portENTER_CRITICAL(&mailbox->lock); /* a late delivery to the entry's last owner may look */
    atomic_store(&s->slot, (uint8_t)rq->slot);
    s->handler = rq->handler;
    s->user_data = rq->user_data;
    s->type = rq->type;
    s->overflow = config ? (uint8_t)config->overflow : SYSTEM_OVERFLOW_REJECT;
    s->block_ms = config ? config->block_ms : 0;
    s->time_limit_us = (config && config->time_limit_ms ? config->time_limit_ms
                                                        : CONFIG_SYSTEM_HANDLER_WARN_MS) *
                       1000u;
    s->pattern = 0;
    s->active = true;
    s->free_on_return = false;
    portEXIT_CRITICAL(&mailbox->lock);
    handler_monitor_reset(sub);
    atomic_store(&s_taken[sub], true);
    if (rq->pattern == NULL) {
        link_type(sub, rq->type);
        return ESP_OK;
    }
    s->pattern = take_pattern_locked(rq->pattern, sub);
    if (s->pattern == 0) {
        s->active = false;
        event_sub_free(sub);
        quota_release_subscription(rq->slot);
        return ESP_ERR_EVENT_PATTERNS_FULL;
    }
    event_types_match(rq->pattern, link_pattern_type, &(uint16_t){sub});
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
    sub_request_t rq = {
        .type = type, .handler = handler, .user_data = user_data, .config = config};
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

/** True while the handler call that was under way at the purge has not returned. */
static bool still_running(unsigned slot, uint16_t sub, uint16_t generation)
{
    mailbox_t *mailbox = event_mailbox(slot);
    portENTER_CRITICAL(&mailbox->lock);
    const bool running =
        s_subs[sub].free_on_return && atomic_load(&s_subs[sub].generation) == generation;
    portEXIT_CRITICAL(&mailbox->lock);
    return running;
}

static esp_err_t wait_for_return(unsigned slot, uint16_t sub, uint16_t generation)
{
    const TickType_t start = xTaskGetTickCount();
    const TickType_t limit = pdMS_TO_TICKS(CONFIG_SYSTEM_UNSUBSCRIBE_WAIT_MS);
    struct mailbox_waiter *waiter = event_waiter_begin(slot);
    esp_err_t ret = ESP_OK;
    while (still_running(slot, sub, generation)) {
        const TickType_t waited = xTaskGetTickCount() - start;
        if (waited >= limit) {
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
    return ret;
}

/** Registry lock held; released on return. */
static esp_err_t unsubscribe_unlocking(unsigned slot, uint16_t sub)
{
    event_sub_t *s = &s_subs[sub];
    unlink_sub(sub);
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
    if (ret == ESP_OK &&
        (sub >= CONFIG_SYSTEM_MAX_SUBSCRIPTIONS || !atomic_load(&s_taken[sub]) ||
         !s_subs[sub].active || atomic_load(&s_subs[sub].slot) != slot ||
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
        const event_sub_t *s = &s_subs[i];
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

esp_err_t event_routes_reclaim(unsigned slot)
{
    unsigned ended = 0;
    return unsubscribe_matching(slot, SYSTEM_EVENT_TYPE_NONE, NULL, &ended);
}
