// SPDX-License-Identifier: Apache-2.0
/*
 * Subscriptions. Each of each life of each service and app has a context of its own, so that an
 * event that comes twice, too late, out of order, or after the subscription is over is noticed by
 * the handler that gets it.
 */
#include "torture.h"

#include <string.h>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "service_record.h"
#include "system_internal.h"

#define CONTEXTS    2048
#define LANES       4
#define LINGER_MS   15
#define PUBLISH_ONE 64 // one handler run in so many posts by itself

struct context {
    _Atomic(const void *) owner; // actor or app; set last, as others look for theirs meanwhile
    const char *name;
    actor_t *actor;           // NULL: an app's
    system_event_type_t type; // NONE: a pattern
    system_subscription_t handle;
    _Atomic uint32_t over;    // the subscription has ended: no more handlers
    _Atomic uint32_t entered; // handler runs begun
    _Atomic uint32_t left;    // handler runs ended
    _Atomic uint32_t linger;  // the next run of a NORMAL or LOW event takes so many ms; or for ever
    uint32_t last[PUBLISHERS][LANES];
};

static context_t s_contexts[CONTEXTS];
static _Atomic uint32_t s_context_count; // since boot; old ones are used again
static _Atomic uint32_t s_lost;          // handler runs that will never end, of those used again

static uint32_t contexts(void)
{
    const uint32_t count = atomic_load(&s_context_count);
    return count < CONTEXTS ? count : CONTEXTS;
}

/** The next one that was never used, or is over. */
static context_t *free_context(void)
{
    for (uint32_t tries = 0; tries < CONTEXTS; tries++) {
        const uint32_t n = atomic_fetch_add(&s_context_count, 1);
        context_t *context = &s_contexts[n % CONTEXTS];
        if (n < CONTEXTS) {
            return context;
        }
        if (atomic_load(&context->over) != 0) {
            atomic_fetch_add(&s_lost, atomic_load(&context->entered) - atomic_load(&context->left));
            return context;
        }
    }
    torture_fail(__FILE__, __LINE__, "too many contexts");
}

static context_t *new_context(const void *owner, actor_t *actor, const char *name,
                              system_event_type_t type)
{
    context_t *context = free_context();
    atomic_store(&context->owner, NULL);
    context->name = name;
    context->actor = actor;
    context->type = type;
    context->handle = 0;
    memset(context->last, 0, sizeof(context->last));
    atomic_store(&context->entered, 0);
    atomic_store(&context->left, 0);
    atomic_store(&context->linger, 0);
    atomic_store(&context->over, 0);
    atomic_store(&context->owner, owner);
    return context;
}

uint32_t events_lost(void)
{
    uint32_t lost = atomic_load(&s_lost);
    for (uint32_t i = 0; i < contexts(); i++) {
        lost += atomic_load(&s_contexts[i].entered) - atomic_load(&s_contexts[i].left);
    }
    return lost;
}

void events_over(const void *owner)
{
    for (uint32_t i = 0; i < contexts(); i++) {
        if (atomic_load(&s_contexts[i].owner) == owner) {
            atomic_store(&s_contexts[i].over, 1);
        }
    }
}

/* ---- the handler ---- */

static unsigned lane_of(uint8_t priority)
{
    return priority == 0 ? 0 : priority <= 100 ? 1 : priority <= 200 ? 2 : 3;
}

static void check_event(context_t *context, const system_event_t *event)
{
    const torture_payload_t *payload = event->data;
    const char *name = context->name;
    TORTURE_CHECK(atomic_load(&context->over) == 0, "%s: an event after its subscription ended",
                  name);
    TORTURE_CHECK(event->type == context->type || context->type == SYSTEM_EVENT_TYPE_NONE,
                  "%s: an event of another type", name);
    TORTURE_CHECK(event->data_size >= sizeof(*payload) &&
                      payload->check == torture_payload_check(payload) &&
                      payload->publisher < PUBLISHERS,
                  "%s: a damaged event", name);
    uint32_t *last = &context->last[payload->publisher][lane_of(event->priority)];
    TORTURE_CHECK(payload->number > *last,
                  "%s: publisher %" PRIu32 ": event %" PRIu32 " after %" PRIu32, name,
                  payload->publisher, payload->number, *last);
    *last = payload->number;
}

/** Paused, it gets nothing, but for a run that was about to begin. */
static void check_not_paused(actor_t *actor)
{
    if (service_state(system_id_slot(actor->id)) != SYSTEM_SERVICE_STATE_PAUSED) {
        atomic_store(&actor->paused_runs, 0);
        return;
    }
    TORTURE_CHECK(atomic_fetch_add(&actor->paused_runs, 1) < 2, "%s gets events while it is paused",
                  actor->name);
}

/** Write into a block of the pool and send it on, without a copy. */
static void publish(actor_t *actor)
{
    const uint32_t me = (uint32_t)(actor - actors);
    const actor_t *to = &actors[(me + 1) % torture_plan()->services];
    const torture_payload_t payload = load_payload(PUBLISHER_ACTORS + me);
    system_post_result_t result;
    void *block;
    esp_err_t ret = system_event_loan(actor->id, 64, &block);
    TORTURE_CHECK(ret == ESP_OK || ret == ESP_ERR_EVENT_NO_MEMORY, "%s: loan: %s", actor->name,
                  system_error_to_string(ret));
    if (ret != ESP_OK) {
        return;
    }
    memcpy(block, &payload, sizeof(payload));
    ret = system_event_publish(actor->id, to->type, block, sizeof(payload),
                               SYSTEM_EVENT_PRIORITY_NORMAL, &result);
    TORTURE_CHECK(ret == ESP_OK || ret == ESP_ERR_EVENT_QUEUE_FULL, "%s: publish: %s", actor->name,
                  system_error_to_string(ret));
    books_told(&result);
}

static void on_event(const system_event_t *event, void *user_data)
{
    context_t *context = user_data;
    atomic_fetch_add(&context->entered, 1);
    check_event(context, event);
    if (context->actor != NULL) {
        check_not_paused(context->actor);
        (void)actor_act(context->actor, CODE_HANDLER);
        if (event->sequence % PUBLISH_ONE == 0) {
            publish(context->actor);
        }
    }
    if (event->priority > SYSTEM_EVENT_PRIORITY_HIGH) {
        const uint32_t ms = atomic_exchange(&context->linger, 0);
        vTaskDelay(ms == UINT32_MAX ? portMAX_DELAY : pdMS_TO_TICKS(ms));
    }
    host_busy(20 + event->sequence % 64);
    atomic_fetch_add(&context->left, 1);
    torture_report()->events++;
}

void events_linger(const void *owner, uint32_t ms)
{
    for (uint32_t i = 0; i < contexts(); i++) {
        if (atomic_load(&s_contexts[i].owner) == owner && atomic_load(&s_contexts[i].over) == 0) {
            atomic_store(&s_contexts[i].linger, ms);
        }
    }
}

/* ---- subscribing ---- */

void events_subscribe(actor_t *actor, system_service_id_t id, system_event_type_t type,
                      const system_subscription_config_t *config)
{
    context_t *context = new_context(actor, actor, actor->name, type);
    const esp_err_t ret =
        type != SYSTEM_EVENT_TYPE_NONE
            ? system_event_subscribe_ex(id, type, on_event, context, config, &context->handle)
            : system_event_subscribe_pattern(id, "work.*", on_event, context, config,
                                             &context->handle);
    TORTURE_CHECK(ret == ESP_OK, "%s: subscribe: %s", actor->name, system_error_to_string(ret));
}

void events_subscribe_app(actor_app_t *app, app_context_t *ctx, system_event_type_t type)
{
    const esp_err_t ret =
        ctx->subscribe(ctx, type, on_event, new_context(app, NULL, app->name, type));
    TORTURE_CHECK(ret == ESP_OK || ctx->should_stop(ctx), "%s: subscribe: %s", app->name,
                  system_error_to_string(ret));
}

static void unsubscribe(actor_t *actor, context_t *context)
{
    // A handler that runs: an event that makes it linger, on its way or there.
    actor_t *to = &actors[0];
    while (to->type != context->type) {
        to++;
    }
    const uint32_t before = atomic_load(&context->entered);
    atomic_store(&context->linger, LINGER_MS);
    for (int i = 0; i < 40 && atomic_load(&context->entered) == before; i++) {
        (void)load_flood(to, 1, SYSTEM_EVENT_PRIORITY_NORMAL);
        vTaskDelay(1);
    }
    const uint32_t life = atomic_load(&actor->life);
    const esp_err_t ret = system_event_unsubscribe(actor->id, context->handle);
    if (ret != ESP_OK) {
        return; // its life has ended
    }
    atomic_store(&context->over, 1);
    const uint32_t entered = atomic_load(&context->entered);
    const uint32_t left = atomic_load(&context->left);
    TORTURE_CHECK(entered == left || atomic_load(&actor->life) != life,
                  "%s: its handler still runs after unsubscribe", actor->name);
    actor->holds.unsubscribed++;
}

void events_unsubscribe_one(actor_t *actor, uint32_t n)
{
    const uint32_t count = contexts();
    for (uint32_t i = 0; i < count; i++) {
        context_t *context = &s_contexts[(i + n) % count];
        // Its own type stays: faults of handlers need one that runs.
        if (atomic_load(&context->owner) == actor && context->type != actor->type &&
            context->type != SYSTEM_EVENT_TYPE_NONE && context->handle != 0 &&
            atomic_load(&context->over) == 0) {
            unsubscribe(actor, context);
            return;
        }
    }
}
