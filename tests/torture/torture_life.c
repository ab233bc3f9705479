// SPDX-License-Identifier: Apache-2.0
/*
 * What each life of a service takes, besides its subscriptions, and never gives back by itself:
 * whoever reclaims must. Its accounts begin at nothing; at rest they hold what it took; the pools
 * hold nothing that no life has.
 */
#include "torture.h"

#include <stdio.h>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "memory_pool_internal.h"
#include "request_internal.h"
#include "service_record.h"
#include "system_service/memory_pool.h"
#include "system_service/memory_utils.h"
#include "system_service/resource_quota.h"

#define ASK_MS    200
#define ANSWER_MS 300
// An answer that finds its asker's mailbox full is tried again, each time counted as refused.
#define ANSWER_TRIES   64
#define CALLBACK_TICKS 100 // no callback of ours takes as long

static system_event_type_t s_state; // retained
static _Atomic uint32_t s_state_posted;

typedef struct {
    torture_payload_t payload; // checked as that of any event
    uint32_t life;
} tick_t;

static uint32_t answer_to(uint32_t number)
{
    return number * 3 + 1;
}

system_event_type_t life_type(const char *what, const char *name)
{
    char text[32];
    system_event_type_t type = SYSTEM_EVENT_TYPE_NONE;
    snprintf(text, sizeof(text), "%s.%.16s", what, name);
    const esp_err_t ret = system_event_register_type(text, &type);
    TORTURE_CHECK(ret == ESP_OK, "type %s: %s", text, system_error_to_string(ret));
    return type;
}

void life_types(actor_t *actor)
{
    actor->type = life_type("work", actor->name);
    actor->tick = life_type("tick", actor->name);
    actor->ask = life_type("ask", actor->name);
    s_state = life_type("state", "torture");
    TORTURE_CHECK(system_event_set_retained(s_state, true) == ESP_OK, "not retained");
}

/* ---- requests ---- */

static void on_ask(const system_request_t *request, void *user_data)
{
    actor_t *actor = user_data;
    TORTURE_CHECK(request->type == actor->ask && request->data_size == sizeof(uint32_t),
                  "%s: a damaged request", actor->name);
    TORTURE_CHECK(system_service_current() == actor->id, "%s: not itself", actor->name);
    const uint32_t answer = answer_to(*(const uint32_t *)request->data);
    const esp_err_t ret = system_request_respond(request->id, ESP_OK, &answer, sizeof(answer));
    TORTURE_CHECK(ret == ESP_OK || ret == ESP_ERR_EVENT_NO_MEMORY ||
                      ret == ESP_ERR_REQUEST_NOT_FOUND,
                  "%s: answer: %s", actor->name, system_error_to_string(ret));
}

void life_ask(const actor_t *actor, uint32_t number)
{
    uint32_t answer = 0;
    size_t size = sizeof(answer);
    const esp_err_t ret =
        system_request_sync(SYSTEM_SERVICE_ID_NONE, actor->id, actor->ask, &number, sizeof(number),
                            SYSTEM_EVENT_PRIORITY_NORMAL, &answer, &size, ASK_MS);
    if (ret == ESP_ERR_EVENT_QUEUE_FULL) {
        books_refused();
    }
    TORTURE_CHECK(ret == ESP_OK || ret == ESP_ERR_EVENT_QUEUE_FULL ||
                      ret == ESP_ERR_EVENT_NO_MEMORY || ret == ESP_ERR_REQUEST_TIMEOUT ||
                      ret == ESP_ERR_REQUEST_TARGET_GONE || ret == ESP_ERR_REQUEST_NO_HANDLER ||
                      ret == ESP_ERR_REQUEST_TABLE_FULL,
                  "%s is asked: %s", actor->name, system_error_to_string(ret));
    TORTURE_CHECK(ret != ESP_OK || (size == sizeof(answer) && answer == answer_to(number)),
                  "%s was asked %" PRIu32 " and answers %" PRIu32, actor->name, number, answer);
}

static void on_answer(const system_response_t *response, void *user_data)
{
    actor_t *actor = user_data;
    TORTURE_CHECK(system_service_current() == actor->id, "%s: not itself", actor->name);
    if (response->status == ESP_OK) {
        TORTURE_CHECK(response->data_size == sizeof(uint32_t) &&
                          *(const uint32_t *)response->data == answer_to(atomic_load(&actor->life)),
                      "%s: an answer to somebody else", actor->name);
    }
    atomic_fetch_add(&actor->holds.answered, 1);
}

static void ask_next(actor_t *actor)
{
    const actor_t *to = &actors[(unsigned)(actor - actors + 1) % torture_plan()->services];
    const uint32_t number = atomic_load(&actor->life);
    atomic_store(&actor->holds.tried, 1);
    atomic_fetch_add(&actor->holds.asked, 1); // the answer may come before the call returns
    const esp_err_t ret =
        system_request_async(actor->id, to->id, to->ask, &number, sizeof(number),
                             SYSTEM_EVENT_PRIORITY_NORMAL, on_answer, actor, ANSWER_MS, NULL);
    if (ret == ESP_OK) {
        books_untold(ANSWER_TRIES);
        return;
    }
    atomic_fetch_sub(&actor->holds.asked, 1);
    if (ret == ESP_ERR_EVENT_QUEUE_FULL) {
        books_refused();
    }
}

/* ---- timers and the retained state ---- */

static void on_tick(const system_event_t *event, void *user_data)
{
    actor_t *actor = user_data;
    const tick_t *tick = event->data;
    TORTURE_CHECK(event->data_size == sizeof(*tick) &&
                      tick->payload.check == torture_payload_check(&tick->payload),
                  "%s: a damaged tick", actor->name);
    TORTURE_CHECK(tick->life == atomic_load(&actor->life), "%s: the timer of a life that is over",
                  actor->name);
    atomic_fetch_add(&actor->ticks, 1);
    books_untold(1); // the next one may be refused
    ask_next(actor);
}

static void on_state(const system_event_t *event, void *user_data)
{
    actor_t *actor = user_data;
    TORTURE_CHECK(event->data_size == sizeof(uint32_t), "%s: a damaged state", actor->name);
    const uint32_t value = *(const uint32_t *)event->data;
    TORTURE_CHECK(value >= atomic_load(&actor->state_seen), "%s: an older state", actor->name);
    atomic_store(&actor->state_seen, value);
}

void life_post_state(void)
{
    const uint32_t value = atomic_fetch_add(&s_state_posted, 1) + 1;
    system_post_result_t result;
    esp_err_t ret = ESP_OK;
    for (int i = 0; i < 2000; i++) { // whoever had no room misses it: once more
        ret = system_event_post_ex(actors[0].id, s_state, &value, sizeof(value),
                                   SYSTEM_EVENT_PRIORITY_HIGH, &result);
        books_told(&result);
        if (ret == ESP_OK) {
            return;
        }
        vTaskDelay(1);
    }
    torture_fail(__FILE__, __LINE__, "state: %s", system_error_to_string(ret));
}

void life_end_state(void)
{
    TORTURE_CHECK(system_event_set_retained(s_state, false) == ESP_OK, "retained for ever");
    atomic_store(&s_state_posted, 0);
}

/* ---- a life ---- */

static void must(const actor_t *actor, const char *what, esp_err_t ret)
{
    TORTURE_CHECK(ret == ESP_OK, "%s: %s: %s", actor->name, what, system_error_to_string(ret));
}

void life_begins(actor_t *actor, system_service_id_t id)
{
    quota_usage_t usage;
    TORTURE_CHECK(quota_get_usage(id, &usage) == ESP_OK, "%s: no figures", actor->name);
    TORTURE_CHECK(usage.memory_bytes == 0 && usage.subscriptions == 0,
                  "%s begins its life with %" PRIu32 " bytes and %" PRIu32
                  " subscriptions of the last one",
                  actor->name, usage.memory_bytes, usage.subscriptions);
    actor->holds.life = 0;
    atomic_store(&actor->state_seen, 0);
}

void life_knows_state(actor_t *actor, system_service_id_t id)
{
    static const system_subscription_config_t latest = {.overflow = SYSTEM_OVERFLOW_KEEP_LATEST};
    books_untold(1); // without room it would miss the retained value
    must(actor, "subscribe",
         system_event_subscribe_ex(id, s_state, on_state, actor, &latest, NULL));
}

/* ---- the lock ---- */

void life_locks(actor_t *actor)
{
    if (actor->lock == SYSTEM_LOCK_NONE) {
        return; // it never started
    }
    const esp_err_t ret = system_lock_take(actor->lock, 0);
    TORTURE_CHECK(ret == ESP_OK, "%s: its lock: %s", actor->name, system_error_to_string(ret));
    atomic_store(&actor->locked, 1);
}

/** What the life before had in its hands is free again, and the next one is told. */
static void finds_lock(actor_t *actor, system_service_id_t id)
{
    char name[32];
    snprintf(name, sizeof(name), "lock.%.16s", actor->name);
    must(actor, "lock", system_lock_create(id, name, 0, &actor->lock));
    const esp_err_t ret = system_lock_take(actor->lock, 0);
    const bool cut = atomic_exchange(&actor->locked, 0) != 0;
    if (ret == ESP_ERR_SYSTEM_LOCK_LOST) {
        TORTURE_CHECK(cut, "%s: its lock is lost, and nobody had it", actor->name);
        return;
    }
    TORTURE_CHECK(ret == (cut ? ESP_ERR_LOCK_OWNER_DEAD : ESP_OK),
                  "%s: its lock, which the life before %s, says %s", actor->name,
                  cut ? "died with" : "did not have", system_error_to_string(ret));
    must(actor, "mend", system_lock_mend(actor->lock));
    must(actor, "give", system_lock_give(actor->lock));
}

void life_takes(actor_t *actor, system_service_id_t id)
{
    const uint32_t me = (uint32_t)(actor - actors);
    tick_t tick = {.life = atomic_load(&actor->life)};
    quota_usage_t usage;
    tick.payload.check = torture_payload_check(&tick.payload);
    // The load may have used them all: then it is of the heap.
    actor->holds.blocks = pool_find(memory_pool_alloc(64)) != POOL_NONE;
    finds_lock(actor, id);
    (void)memory_alloc(100 + 4 * me, MEMORY_PURPOSE_GENERAL);
    must(actor, "subscribe",
         system_event_subscribe_ex(id, actor->tick, on_tick, actor, NULL, NULL));
    must(actor, "serve", system_request_serve(id, actor->ask, on_ask, actor));
    must(actor, "timer",
         system_event_post_every(id, actor->tick, &tick, sizeof(tick), SYSTEM_EVENT_PRIORITY_HIGH,
                                 TICK_MS, NULL));
    must(actor, "figures", quota_get_usage(id, &usage));
    actor->holds.bytes = usage.memory_bytes;
    actor->holds.subscriptions = usage.subscriptions;
    actor->holds.unsubscribed = 0;
    atomic_store(&actor->holds.tried, 0);
    atomic_store(&actor->holds.asked, 0);
    atomic_store(&actor->holds.answered, 0);
    actor->holds.life = tick.life;
}

static void check_life(const actor_t *actor)
{
    const actor_holds_t *holds = &actor->holds;
    quota_usage_t usage;
    must(actor, "figures", quota_get_usage(actor->id, &usage));
    // Whoever asked has a subscription for the answers; who could not may have it.
    const uint32_t least =
        holds->subscriptions - holds->unsubscribed + (atomic_load(&holds->asked) != 0);
    const uint32_t most =
        holds->subscriptions - holds->unsubscribed + (atomic_load(&holds->tried) != 0);
    TORTURE_CHECK(holds->life == atomic_load(&actor->life), "%s runs, and has not started",
                  actor->name);
    TORTURE_CHECK(usage.memory_bytes == holds->bytes,
                  "%s holds %" PRIu32 " bytes, it took %" PRIu32, actor->name, usage.memory_bytes,
                  holds->bytes);
    TORTURE_CHECK(usage.subscriptions >= least && usage.subscriptions <= most,
                  "%s holds %" PRIu32 " subscriptions, it took %" PRIu32, actor->name,
                  usage.subscriptions, least);
    TORTURE_CHECK(atomic_load(&holds->asked) == atomic_load(&holds->answered),
                  "%s asked %" PRIu32 " times and heard %" PRIu32 " ends", actor->name,
                  atomic_load(&holds->asked), atomic_load(&holds->answered));
    TORTURE_CHECK(atomic_load(&actor->state_seen) == atomic_load(&s_state_posted),
                  "%s knows state %" PRIu32 ", the last is %" PRIu32, actor->name,
                  atomic_load(&actor->state_seen), atomic_load(&s_state_posted));
}

/** The last callback may be under way: its request is over before it is called. */
static void await_callbacks(const actor_t *actor)
{
    const actor_holds_t *holds = &actor->holds;
    for (unsigned i = 0; i < CALLBACK_TICKS; i++) {
        if (atomic_load(&holds->asked) == atomic_load(&holds->answered)) {
            return;
        }
        vTaskDelay(1);
    }
}

static void check_requests(void)
{
    system_request_stats_t stats;
    for (unsigned i = 0; requests_count(SYSTEM_SLOT_NONE) != 0; i++) {
        TORTURE_CHECK(i < 2 * ANSWER_MS, "%u requests are never over",
                      requests_count(SYSTEM_SLOT_NONE));
        vTaskDelay(1);
    }
    (void)system_request_get_stats(&stats);
    TORTURE_CHECK(stats.asked == stats.answered + stats.timeouts + stats.cancelled + stats.gone,
                  "%" PRIu32 " requests; %" PRIu32 " answered + %" PRIu32 " timed out + %" PRIu32
                  " cancelled + %" PRIu32 " gone",
                  stats.asked, stats.answered, stats.timeouts, stats.cancelled, stats.gone);
}

static uint32_t pool_blocks_used(void)
{
    uint32_t used = 0;
    for (unsigned pool = 0; pool < MEMORY_POOL_CLASSES; pool++) {
        memory_pool_stats_t stats;
        (void)memory_pool_get_stats((memory_pool_class_t)pool, &stats);
        used += stats.used;
    }
    return used;
}

void life_checks(const torture_plan_t *plan)
{
    watchdog_totals_t totals;
    unsigned running = 0;
    unsigned timers = 0;
    uint32_t taken = atomic_load(&s_state_posted) != 0;
    check_requests();
    for (unsigned i = 0; i < plan->services; i++) {
        if (actor_info(&actors[i]).state == SYSTEM_SERVICE_STATE_RUNNING) {
            await_callbacks(&actors[i]);
            check_life(&actors[i]);
            running++;
            taken += actors[i].holds.blocks;
        }
    }
    (void)watchdog_get_totals(&totals);
    uint32_t used = pool_blocks_used();
    // A task that was set aside keeps the event it works on.
    const uint32_t aside = totals.quarantined_tasks + app_manager_set_aside_count();
    // The last tick may be in its handler; what is lost stays so.
    for (unsigned i = 0; i < CALLBACK_TICKS && used > taken + aside; i++) {
        vTaskDelay(1);
        used = pool_blocks_used();
    }
    TORTURE_CHECK(used >= taken && used <= taken + aside,
                  "%" PRIu32 " pool blocks in use at rest, %" PRIu32 " were taken, %" PRIu32
                  " tasks set aside",
                  used, taken, aside);
    timers = event_timers_count(SYSTEM_SLOT_NONE);
    TORTURE_CHECK(timers == running, "%u timers of %u services", timers, running);
}
