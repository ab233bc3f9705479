// SPDX-License-Identifier: Apache-2.0
/*
 * The services: lifecycle functions that do what they are told, and notice when they are called in
 * the wrong order.
 */
#include "torture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "freertos/FreeRTOS.h"
#include "freertos/semphr.h"
#include "freertos/task.h"

#include "service_record.h"
#include "supervisor_machine.h"
#include "system_internal.h"

actor_t actors[SERVICES_MAX];
static StaticSemaphore_t s_library_storage;
static SemaphoreHandle_t s_library;

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

static _Noreturn void hang(actor_t *actor, uint32_t amount)
{
    life_locks(actor);
    atomic_store(&actor->hangs, xTaskGetCurrentTaskHandle());
    for (;;) {
        if (amount % 2 != 0) {
            host_busy(1000);
        } else {
            vTaskDelay(pdMS_TO_TICKS(50));
        }
    }
}

void actor_library_up(void)
{
    if (s_library == NULL) {
        s_library = xSemaphoreCreateMutexStatic(&s_library_storage);
    }
}

void actor_library_call(void)
{
    (void)xSemaphoreTake(s_library, portMAX_DELAY);
    (void)xSemaphoreGive(s_library);
}

/** Inside a library, as inside printf, NVS or lwIP: its lock is a mutex of FreeRTOS. */
static _Noreturn void keep(actor_t *actor, uint32_t ms)
{
    (void)xSemaphoreTake(s_library, portMAX_DELAY);
    atomic_store(&actor->hangs, xTaskGetCurrentTaskHandle());
    if (ms != 0) {
        vTaskDelay(pdMS_TO_TICKS(ms));
        (void)xSemaphoreGive(s_library);
    }
    for (;;) {
        vTaskDelay(pdMS_TO_TICKS(50));
    }
}

esp_err_t actor_act(actor_t *actor, actor_code_t code)
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
        hang(actor, amount);
    case DO_CHURN:
        atomic_fetch_sub(inside, 1);
        actor_churn(actor);
    case DO_KEEP:
        atomic_fetch_sub(inside, 1);
        keep(actor, amount);
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

/* ---- lifecycle ---- */

static esp_err_t on_init(system_service_id_t id, void *arg)
{
    actor_t *actor = arg;
    // Ordinary code can be cut, too, when its worker is: the next life counts anew.
    atomic_store(&actor->inside[(atomic_load(&actor->life) + 1) % LIVES], 0);
    atomic_fetch_add(&actor->life, 1);
    life_begins(actor, id);
    return actor_act(actor, CODE_INIT);
}

/** Nobody starts before what it needs: that is up, or on its way down and up again, or is asked to
 *  stop and waits for this one, with nothing taken from it. */
static void check_needs(const actor_t *actor)
{
    for (unsigned i = 0; i < torture_plan()->services; i++) {
        if (torture_plan()->needs[actor - actors] & 1u << i) {
            const unsigned slot = system_id_slot(actors[i].id);
            const system_service_state_t state = service_state(slot);
            const bool waits = machine_phase(slot) == PHASE_DEPENDANTS; // set before the state
            TORTURE_CHECK(state == SYSTEM_SERVICE_STATE_RUNNING ||
                              state == SYSTEM_SERVICE_STATE_PAUSED ||
                              (state == SYSTEM_SERVICE_STATE_STOPPING && waits) ||
                              state == SYSTEM_SERVICE_STATE_RESTARTING,
                          "%s starts while %s, which it needs, is %s", actor->name, actors[i].name,
                          system_service_state_name(state));
        }
    }
}

static esp_err_t on_start(system_service_id_t id, void *arg)
{
    actor_t *actor = arg;
    const torture_plan_t *plan = torture_plan();
    const unsigned number = (unsigned)(actor - actors);
    events_over(actor);
    check_needs(actor);
    life_knows_state(actor, id);
    for (unsigned n = 0; n < plan->subscriptions[number]; n++) {
        const system_subscription_config_t config = {
            .overflow = (system_overflow_t)((number + n) % 4),
            .block_ms = (number + n) % 4 == SYSTEM_OVERFLOW_BLOCK ? 20 : 0,
        };
        // Its own type, and that of those after it.
        events_subscribe(actor, id, actors[(number + n) % plan->services].type, &config);
    }
    if (plan->listener == number) {
        events_subscribe(actor, id, SYSTEM_EVENT_TYPE_NONE, NULL);
    }
    life_takes(actor, id);
    return actor_act(actor, CODE_START);
}

static esp_err_t on_stop(system_service_id_t id, void *arg)
{
    (void)id;
    TORTURE_CHECK(system_service_should_stop(), "%s: stopped without being asked",
                  ((actor_t *)arg)->name);
    events_over(arg); // its handlers are back, and its mailbox is closed
    return actor_act(arg, CODE_STOP);
}

static esp_err_t on_deinit(system_service_id_t id, void *arg)
{
    (void)id;
    return actor_act(arg, CODE_DEINIT);
}

static void prepare(const torture_plan_t *plan, unsigned number)
{
    actor_t *actor = &actors[number];
    unsigned needs = 0;
    memset(actor, 0, sizeof(*actor));
    snprintf(actor->name, sizeof(actor->name), "service%u", number);
    for (unsigned i = 0; i < number && needs < NEEDS_MAX; i++) {
        if (plan->needs[number] & 1u << i) {
            actor->needs[needs++] = actors[i].name;
        }
    }
    actor->watchdog = (service_watchdog_config_t){
        .timeout_ms = ACTOR_WATCHDOG_MS, .auto_restart = true, .max_restart_attempts = 5};
    if (torture_is_real() || plan->restarts != 0) { // no minute of rest between two faults
        actor->watchdog.max_restart_attempts = 100;
    }
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

/* ---- all of them ---- */

void actors_up(const torture_plan_t *plan)
{
    for (unsigned i = 0; i < plan->services; i++) {
        prepare(plan, i);
        life_types(&actors[i]);
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
    apps_down(plan);
    const esp_err_t ret = system_service_stop_all();
    TORTURE_CHECK(ret == ESP_OK, "stop all: %s", system_error_to_string(ret));
    for (unsigned i = 0; i < plan->services; i++) {
        events_over(&actors[i]);
    }
    for (unsigned i = plan->services; i-- > 0;) {
        const esp_err_t gone = system_service_unregister(actors[i].id);
        TORTURE_CHECK(gone == ESP_OK, "%s: unregister: %s", actors[i].name,
                      system_error_to_string(gone));
    }
}

void actor_watch(const actor_t *actor, uint32_t timeout_ms)
{
    service_watchdog_config_t config = actor->watchdog;
    config.timeout_ms = timeout_ms;
    TORTURE_CHECK(watchdog_register_service(actor->id, &config) == ESP_OK, "not watched");
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
