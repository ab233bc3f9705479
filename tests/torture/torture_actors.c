// SPDX-License-Identifier: Apache-2.0
/*
 * The services. Each subscription of each life of each service has a context of its own, so that an
 * event that comes twice, too late, out of order, or after the subscription is over is noticed by
 * the handler that gets it.
 */
#include "torture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "system_service/memory_pool.h"

#define CONTEXTS 4096
#define LANES    4

typedef struct {
    actor_t *actor;
    system_event_type_t type;
    system_subscription_t handle;
    _Atomic uint32_t over;    // the subscription has ended: no more handlers
    _Atomic uint32_t entered; // handler runs begun
    _Atomic uint32_t left;    // handler runs ended
    uint32_t last[PUBLISHERS][LANES];
} context_t;

actor_t actors[SERVICES_MAX];
static context_t s_contexts[CONTEXTS];
static _Atomic uint32_t s_context_count;

/* ---- deeds ---- */

void actor_tell(actor_t *actor, actor_code_t code, actor_deed_t deed, uint32_t amount)
{
    atomic_store(&actor->amount[code], amount);
    atomic_store(&actor->deed[code], deed);
}

void actors_tell_nothing(void)
{
    for (unsigned i = 0; i < SERVICES_MAX; i++) {
        for (unsigned code = 0; code < CODES; code++) {
            atomic_store(&actors[i].deed[code], DO_NOTHING);
        }
    }
}

static _Noreturn void hang(uint32_t amount)
{
    for (;;) {
        if (amount % 2 != 0) {
            host_busy(1000);
        } else {
            vTaskDelay(pdMS_TO_TICKS(50));
        }
    }
}

static esp_err_t act(actor_t *actor, actor_code_t code)
{
    _Atomic uint32_t *inside = &actor->inside[atomic_load(&actor->life) % LIVES];
    TORTURE_CHECK(atomic_fetch_add(inside, 1) == 0, "%s: its code runs twice at once", actor->name);
    TORTURE_CHECK(system_service_current() == actor->id, "%s: not itself", actor->name);
    atomic_fetch_add(&actor->calls[code], 1);
    const uint32_t deed = atomic_exchange(&actor->deed[code], DO_NOTHING);
    const uint32_t amount = atomic_load(&actor->amount[code]);
    esp_err_t ret = ESP_OK;
    if (deed != DO_NOTHING) {
        atomic_store(&actor->happened_us, host_now_us());
    }
    switch (deed) {
    case DO_LINGER: // it may be cut here, so it does not count as inside
        atomic_fetch_sub(inside, 1);
        vTaskDelay(pdMS_TO_TICKS(amount));
        return ESP_OK;
    case DO_HANG:
        atomic_fetch_sub(inside, 1);
        hang(amount);
    case DO_FAIL:
        ret = ESP_FAIL;
        break;
    case DO_PANIC:
        abort();
    default:
        break;
    }
    TORTURE_CHECK(atomic_fetch_sub(inside, 1) == 1, "%s: its code overlaps", actor->name);
    return ret;
}

/* ---- handlers ---- */

static unsigned lane_of(uint8_t priority)
{
    return priority == 0 ? 0 : priority <= 100 ? 1 : priority <= 200 ? 2 : 3;
}

static void check_event(context_t *context, const system_event_t *event)
{
    const torture_payload_t *payload = event->data;
    const char *name = context->actor->name;
    TORTURE_CHECK(atomic_load(&context->over) == 0, "%s: an event after its subscription ended",
                  name);
    TORTURE_CHECK(event->type == context->type, "%s: an event of another type", name);
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

static void on_event(const system_event_t *event, void *user_data)
{
    context_t *context = user_data;
    atomic_fetch_add(&context->entered, 1);
    check_event(context, event);
    (void)act(context->actor, CODE_HANDLER);
    host_busy(20 + event->sequence % 64);
    atomic_fetch_add(&context->left, 1);
    torture_report()->events++;
}

uint32_t actors_lost(void)
{
    uint32_t lost = 0;
    for (uint32_t i = 0; i < atomic_load(&s_context_count); i++) {
        lost += atomic_load(&s_contexts[i].entered) - atomic_load(&s_contexts[i].left);
    }
    return lost;
}

static context_t *new_context(actor_t *actor, system_event_type_t type)
{
    const uint32_t n = atomic_fetch_add(&s_context_count, 1);
    TORTURE_CHECK(n < CONTEXTS, "too many contexts");
    s_contexts[n].actor = actor;
    s_contexts[n].type = type;
    return &s_contexts[n];
}

/** What the last life had is over. */
static void end_contexts(const actor_t *actor)
{
    for (uint32_t i = 0; i < atomic_load(&s_context_count); i++) {
        if (s_contexts[i].actor == actor) {
            atomic_store(&s_contexts[i].over, 1);
        }
    }
}

void actor_unsubscribe_one(actor_t *actor, uint32_t n)
{
    const uint32_t count = atomic_load(&s_context_count);
    for (uint32_t i = 0; i < count; i++) {
        context_t *context = &s_contexts[(i + n) % count];
        // Its own type stays: faults of handlers need one that runs.
        if (context->actor == actor && context->type != actor->type && context->handle != 0 &&
            atomic_load(&context->over) == 0) {
            if (system_event_unsubscribe(actor->id, context->handle) == ESP_OK) {
                atomic_store(&context->over, 1);
            }
            return;
        }
    }
}

/* ---- lifecycle ---- */

static esp_err_t on_init(system_service_id_t id, void *arg)
{
    actor_t *actor = arg;
    (void)id;
    // Ordinary code can be cut, too, when its worker is: the next life counts anew.
    atomic_store(&actor->inside[(atomic_load(&actor->life) + 1) % LIVES], 0);
    atomic_fetch_add(&actor->life, 1);
    return act(actor, CODE_INIT);
}

static esp_err_t on_start(system_service_id_t id, void *arg)
{
    actor_t *actor = arg;
    const torture_plan_t *plan = torture_plan();
    const unsigned number = (unsigned)(actor - actors);
    end_contexts(actor);
    for (unsigned n = 0; n < plan->subscriptions[number]; n++) {
        const system_subscription_config_t config = {
            .overflow = (system_overflow_t)((number + n) % 4),
            .block_ms = (number + n) % 4 == SYSTEM_OVERFLOW_BLOCK ? 20 : 0,
        };
        // Its own type, and that of those after it.
        context_t *context = new_context(actor, actors[(number + n) % plan->services].type);
        const esp_err_t ret = system_event_subscribe_ex(id, context->type, on_event, context,
                                                        &config, &context->handle);
        TORTURE_CHECK(ret == ESP_OK, "%s: subscribe: %s", actor->name, system_error_to_string(ret));
    }
    // Never freed: whoever reclaims must do it.
    (void)memory_pool_alloc(64);
    return act(actor, CODE_START);
}

static esp_err_t on_stop(system_service_id_t id, void *arg)
{
    (void)id;
    TORTURE_CHECK(system_service_should_stop(), "%s: stopped without being asked",
                  ((actor_t *)arg)->name);
    return act(arg, CODE_STOP);
}

static esp_err_t on_deinit(system_service_id_t id, void *arg)
{
    (void)id;
    return act(arg, CODE_DEINIT);
}

static void prepare(const torture_plan_t *plan, unsigned number)
{
    actor_t *actor = &actors[number];
    unsigned needs = 0;
    memset(actor, 0, sizeof(*actor));
    snprintf(actor->name, sizeof(actor->name), "service%u", number);
    snprintf(actor->type_name, sizeof(actor->type_name), "service%u.work", number);
    for (unsigned i = 0; i < number && needs < NEEDS_MAX; i++) {
        if (plan->needs[number] & 1u << i) {
            actor->needs[needs++] = actors[i].name;
        }
    }
    actor->watchdog = (service_watchdog_config_t){
        .timeout_ms = ACTOR_WATCHDOG_MS, .auto_restart = true, .max_restart_attempts = 5};
    actor->quota = (service_quota_t){.max_events_per_sec = 1000000,
                                     .max_subscriptions = 64,
                                     .max_event_data_size = 4096,
                                     .max_memory_bytes = 1024 * 1024,
                                     .max_cpu_percent = 100};
    actor->descriptor = (system_service_descriptor_t){
        .name = actor->name,
        .lifecycle = {.init = on_init, .start = on_start, .stop = on_stop, .deinit = on_deinit},
        .arg = actor,
        .depends_on = actor->needs,
        .watchdog = &actor->watchdog,
        .quota = &actor->quota,
        .own_worker = plan->own_worker[number] != 0,
    };
}

static void put_in_group(const torture_plan_t *plan)
{
    system_supervisor_config_t config = {.name = "odd", .max_restarts = 20};
    system_supervisor_t group;
    if (plan->strategy > SYSTEM_STRATEGY_REST_FOR_ONE) {
        return;
    }
    config.strategy = (system_strategy_t)plan->strategy;
    TORTURE_CHECK(system_supervisor_create(&config, &group) == ESP_OK, "no group");
    for (unsigned i = 1; i < plan->services; i += 2) {
        TORTURE_CHECK(system_supervisor_assign(actors[i].id, group) == ESP_OK, "not assigned");
    }
}

/* ---- apps ---- */

actor_app_t actor_apps[APPS_MAX];

static void app_main_of(actor_app_t *app, app_context_t *ctx)
{
    unsigned leaks = 0;
    while (ctx->get_state(ctx) == APP_STATE_RUNNING) {
        const uint32_t deed = atomic_exchange(&app->deed, DO_NOTHING);
        if (deed != DO_NOTHING) {
            atomic_store(&app->happened_us, host_now_us());
        }
        if (deed == DO_FAIL) {
            return;
        }
        while (deed == DO_HANG) {
            if (atomic_load(&app->amount) % 2 != 0) {
                host_busy(1000);
            } else {
                vTaskDelay(pdMS_TO_TICKS(50));
            }
        }
        if (leaks++ < 20) {
            (void)ctx->alloc(ctx, 32); // never freed: whoever reclaims must do it
        }
        vTaskDelay(pdMS_TO_TICKS(load_is_paused() ? 1000 : 25));
    }
}

static void app_main_0(app_context_t *ctx)
{
    app_main_of(&actor_apps[0], ctx);
}

static void app_main_1(app_context_t *ctx)
{
    app_main_of(&actor_apps[1], ctx);
}

static void apps_up(const torture_plan_t *plan)
{
    static void (*const mains[APPS_MAX])(app_context_t * ctx) = {app_main_0, app_main_1};
    for (unsigned i = 0; i < plan->apps; i++) {
        actor_app_t *app = &actor_apps[i];
        memset(app, 0, sizeof(*app));
        snprintf(app->name, sizeof(app->name), "app%u", i);
        app->quota = (service_quota_t){.max_memory_bytes = 2048};
        app->manifest = (app_manifest_t){.name = app->name,
                                         .entry_point = mains[i],
                                         .stack_size = 4096,
                                         .priority = 2 + (uint8_t)i,
                                         .watchdog_timeout_ms = 2000,
                                         .quota = &app->quota};
        esp_err_t ret = app_manager_register(&app->manifest);
        TORTURE_CHECK(ret == ESP_OK, "%s: register: %s", app->name, system_error_to_string(ret));
        ret = app_manager_start(app->name);
        TORTURE_CHECK(ret == ESP_OK || system_safe_mode_active(), "%s: start: %s", app->name,
                      system_error_to_string(ret));
    }
}

/* ---- all of them ---- */

void actors_up(const torture_plan_t *plan)
{
    for (unsigned i = 0; i < plan->services; i++) {
        prepare(plan, i);
        TORTURE_CHECK(system_event_register_type(actors[i].type_name, &actors[i].type) == ESP_OK,
                      "no type");
    }
    for (unsigned i = 0; i < plan->services; i++) {
        const esp_err_t ret =
            system_service_register(actors[i].name, &actors[i].descriptor, &actors[i].id);
        TORTURE_CHECK(ret == ESP_OK, "register: %s", system_error_to_string(ret));
    }
    put_in_group(plan);
    if (!system_safe_mode_active()) {
        const esp_err_t ret = system_service_start_all();
        TORTURE_CHECK(ret == ESP_OK, "start all: %s", system_error_to_string(ret));
    }
    apps_up(plan);
}

void actors_down(const torture_plan_t *plan)
{
    for (unsigned i = 0; i < plan->apps; i++) {
        (void)app_manager_stop(actor_apps[i].name);
        const esp_err_t ret = app_manager_unregister(actor_apps[i].name);
        TORTURE_CHECK(ret == ESP_OK, "%s: unregister: %s", actor_apps[i].name,
                      system_error_to_string(ret));
    }
    const esp_err_t ret = system_service_stop_all();
    TORTURE_CHECK(ret == ESP_OK, "stop all: %s", system_error_to_string(ret));
    for (unsigned i = 0; i < plan->services; i++) {
        end_contexts(&actors[i]);
    }
    for (unsigned i = plan->services; i-- > 0;) {
        const esp_err_t gone = system_service_unregister(actors[i].id);
        TORTURE_CHECK(gone == ESP_OK, "%s: unregister: %s", actors[i].name,
                      system_error_to_string(gone));
    }
}

system_service_info_t actor_info(const actor_t *actor)
{
    system_service_info_t info;
    const esp_err_t ret = system_service_get_info(actor->id, &info);
    TORTURE_CHECK(ret == ESP_OK, "%s: %s", actor->name, system_error_to_string(ret));
    return info;
}

torture_state_t actor_state(const actor_t *actor, bool *is_column)
{
    static const torture_state_t columns[] = {
        [SYSTEM_SERVICE_STATE_REGISTERED] = IN_STOPPED,
        [SYSTEM_SERVICE_STATE_STARTING] = IN_STARTING,
        [SYSTEM_SERVICE_STATE_RUNNING] = IN_RUNNING,
        [SYSTEM_SERVICE_STATE_PAUSED] = IN_PAUSED,
        [SYSTEM_SERVICE_STATE_STOPPING] = IN_STOPPING,
        [SYSTEM_SERVICE_STATE_STOPPED] = IN_STOPPED,
        [SYSTEM_SERVICE_STATE_RESTARTING] = IN_RESTARTING,
        [SYSTEM_SERVICE_STATE_ERROR] = IN_STOPPED,
    };
    const system_service_state_t state = actor_info(actor).state;
    *is_column = state != SYSTEM_SERVICE_STATE_ERROR;
    return columns[state];
}
