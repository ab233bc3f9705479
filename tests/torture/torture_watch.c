// SPDX-License-Identifier: Apache-2.0
/*
 * Looking at one fault: was it noticed in time, did the core mend it or say that it cannot, are all
 * well again, was nobody else hurt?
 */
#include "torture_watch.h"

#include <string.h>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "system_service/flight_recorder.h"

#define RECOVERY_MS 5000 // the promise, from noticed to running again, for each attempt
#define SETTLE_MS   40000
#define CALM_MS     5
#define DELETED_MS  100 // until it is noticed that a task is gone

/* ---- the helper: makes the calls that block ---- */

static struct {
    TaskHandle_t task;
    ask_t ask;
    actor_t *actor;
    actor_app_t *app;
    esp_err_t result;
    _Atomic uint32_t busy;
    _Atomic uint32_t end;
} s_helper;

static void helper_task(void *arg)
{
    (void)arg;
    while (atomic_load(&s_helper.end) == 0) {
        (void)ulTaskNotifyTake(pdTRUE, portMAX_DELAY);
        if (atomic_load(&s_helper.busy) == 0) {
            continue;
        }
        switch (s_helper.ask) {
        case ASK_START:
            s_helper.result = system_service_start(s_helper.actor->id);
            break;
        case ASK_STOP:
            s_helper.result = system_service_stop(s_helper.actor->id);
            break;
        case ASK_BEAT:
            s_helper.result = system_service_heartbeat(s_helper.actor->id);
            break;
        case ASK_APP_STOP:
            s_helper.result = app_manager_stop(s_helper.app->name);
            break;
        }
        atomic_store(&s_helper.busy, 0);
    }
    atomic_store(&s_helper.end, 2);
    vTaskDelete(NULL);
}

void fault_helper_start(void)
{
    memset(&s_helper, 0, sizeof(s_helper));
    TORTURE_CHECK(xTaskCreate(helper_task, "helper", 4096, NULL, 5, &s_helper.task) == pdPASS,
                  "no helper");
}

void fault_helper_stop(void)
{
    atomic_store(&s_helper.end, 1);
    xTaskNotifyGive(s_helper.task);
    while (atomic_load(&s_helper.end) != 2) {
        vTaskDelay(1);
    }
    vTaskDelay(pdMS_TO_TICKS(100));
}

void helper_ask(ask_t what, actor_t *actor, actor_app_t *app)
{
    TORTURE_CHECK(atomic_load(&s_helper.busy) == 0, "the helper is busy");
    s_helper.ask = what;
    s_helper.actor = actor;
    s_helper.app = app;
    s_helper.result = ESP_OK;
    atomic_store(&s_helper.busy, 1);
    xTaskNotifyGive(s_helper.task);
}

bool helper_done(void)
{
    return atomic_load(&s_helper.busy) == 0;
}

static bool helper_failed(void)
{
    return helper_done() && s_helper.result != ESP_OK;
}

esp_err_t helper_take_result(void)
{
    const esp_err_t result = s_helper.result;
    s_helper.result = ESP_OK;
    return result;
}

/* ---- what is looked at ---- */

static uint32_t newest_sequence(void)
{
    flight_record_t record;
    uint32_t cursor = 0;
    return flight_recorder_read(NULL, &cursor, &record) == ESP_OK ? record.sequence : 0;
}

service_watchdog_stats_t watch_stats(const actor_t *actor)
{
    service_watchdog_stats_t stats;
    TORTURE_CHECK(watchdog_get_stats(actor->id, &stats) == ESP_OK, "%s: no figures", actor->name);
    return stats;
}

app_info_t watch_app(const actor_app_t *app)
{
    app_info_t info;
    TORTURE_CHECK(app_manager_get_info(app->name, &info) == ESP_OK, "%s: no info", app->name);
    return info;
}

void watch_begin(watch_t *watch, const planned_fault_t *fault)
{
    memset(watch, 0, sizeof(*watch));
    watch->victim = &actors[fault->victim < torture_plan()->services ? fault->victim : 0];
    watch->app = &actor_apps[fault->victim < torture_plan()->apps ? fault->victim : 0];
    s_helper.result = ESP_OK;
    watch->sequence = newest_sequence();
    for (unsigned i = 0; i < torture_plan()->services; i++) {
        watch->faults[i] = actor_info(&actors[i]).fault_count;
        watch->lives[i] = atomic_load(&actors[i].life);
    }
    watch->restarts_failed = watch_stats(watch->victim).restarts_failed;
    watch->restarts = watch_stats(watch->victim).restarts;
    for (unsigned i = 0; i < torture_plan()->apps; i++) {
        watch->crashes[i] = watch_app(&actor_apps[i]).crashes;
    }
    atomic_store(&watch->victim->happened_us, 0);
    atomic_store(&watch->app->happened_us, 0);
}

/** What the core writes down when it notices a fault of this kind. */
static bool tells_of(const flight_record_t *record, torture_fault_t kind)
{
    switch (kind) {
    case TORTURE_SLOW_HANDLER:
        return record->kind == FLIGHT_SLOW;
    case TORTURE_HANG_HANDLER:
        return record->kind == FLIGHT_HANG || record->kind == FLIGHT_FAULT;
    case TORTURE_SILENCE:
        return record->kind == FLIGHT_FAULT && record->a == (uint32_t)ESP_ERR_WATCHDOG_TIMEOUT;
    case TORTURE_REPORTED:
        return record->kind == FLIGHT_FAULT && record->a == (uint32_t)ESP_ERR_SERVICE_CRASHED;
    default:
        return record->kind == FLIGHT_FAULT || (record->kind == FLIGHT_EVENT && record->a != 0);
    }
}

static bool written_down(watch_t *watch, torture_fault_t kind)
{
    flight_record_t record;
    flight_stats_t stats;
    uint32_t cursor = 0;
    (void)flight_recorder_get_stats(&stats);
    if (stats.recorded == watch->recorded) {
        return false; // nothing new: reading the rings costs more than all else in here
    }
    watch->recorded = stats.recorded;
    while (flight_recorder_read(watch->victim->name, &cursor, &record) == ESP_OK &&
           (int32_t)(record.sequence - watch->sequence) > 0) {
        if (tells_of(&record, kind)) {
            return true;
        }
    }
    return false;
}

static bool is_noticed(watch_t *watch, torture_fault_t kind)
{
    return written_down(watch, kind) || helper_failed() ||
           watch_stats(watch->victim).restarts_failed != watch->restarts_failed;
}

void watch_note(watch_t *watch)
{
    if (!watch->noticed) {
        watch->noticed = true;
        watch->noticed_us = host_now_us();
    }
}

bool watch_app_is_down(const actor_app_t *app)
{
    const app_state_t state = watch_app(app).state;
    return state == APP_STATE_STOPPED || state == APP_STATE_CRASHED;
}

/* ---- until all is well ---- */

static bool all_run(void)
{
    for (unsigned i = 0; i < torture_plan()->services; i++) {
        if (actor_info(&actors[i]).state != SYSTEM_SERVICE_STATE_RUNNING) {
            return false;
        }
    }
    return true;
}

static bool is_settled(const watch_t *watch)
{
    const system_service_state_t state = actor_info(watch->victim).state;
    return helper_done() &&
           (state == SYSTEM_SERVICE_STATE_RUNNING || state == SYSTEM_SERVICE_STATE_STOPPED ||
            state == SYSTEM_SERVICE_STATE_ERROR);
}

/** What must be noticed by the core itself, not by the call that made it. */
static bool needs_notice(torture_fault_t kind)
{
    return kind <= TORTURE_SILENCE || kind == TORTURE_FOREIGN_LOCK;
}

void watch_until_noticed(watch_t *watch, const planned_fault_t *fault)
{
    const torture_kind_t *kind = &torture_kinds[fault->kind];
    while (!watch->noticed) {
        if (is_noticed(watch, fault->kind) ||
            (watch->column != IN_RUNNING && watch->column != IN_PAUSED && is_settled(watch))) {
            watch_note(watch);
            break;
        }
        const uint32_t noticed_ms = watch->deleted ? DELETED_MS : kind->noticed_ms;
        const uint64_t limit_ms = noticed_ms * (torture_is_real() ? UINT64_C(10) : 1);
        TORTURE_CHECK(host_now_us() - watch->happened_us <= limit_ms * 1000,
                      "not noticed for %" PRIu32 " ms; %s is %s", noticed_ms, watch->victim->name,
                      system_service_state_name(actor_info(watch->victim).state));
        vTaskDelay(1);
    }
}

static void book(const watch_t *watch, const planned_fault_t *fault, bool recovered)
{
    torture_report_t *report = torture_report();
    torture_cell_t *cell = &report->cell[fault->kind][watch->column];
    cell->count++;
    cell->noticed += watch->noticed;
    cell->recovered += recovered;
    cell->escalated += !recovered;
    if (recovered && watch->noticed && report->recoveries < RECOVERIES_MAX) {
        const uint32_t ms = (uint32_t)((host_now_us() - watch->noticed_us) / 1000);
        report->recovery[report->recoveries].kind = (uint8_t)fault->kind;
        report->recovery[report->recoveries++].ms = ms;
    }
}

/** Only a fault in these kinds may end in ERROR; any other must be mended. */
static bool may_escalate(const watch_t *watch, const planned_fault_t *fault)
{
    switch (fault->kind) {
    case TORTURE_APP_HANGS:
    case TORTURE_NO_MEMORY:
        return true;
    case TORTURE_CLOCK_JUMP: // a lifecycle function may lose its time, or that of what is needed
        return watch->column != IN_RUNNING;
    default: // an order that cannot be carried out is reported to whoever gave it
        return watch->column == IN_STARTING || watch->column == IN_STOPPING ||
               watch->column == IN_RESTARTING || watch->column == IN_STOPPED;
    }
}

/** The core says that it restarted the victim: then another life of it has begun. */
static void check_restarted(const watch_t *watch, const planned_fault_t *fault)
{
    const uint32_t restarts = watch_stats(watch->victim).restarts - watch->restarts;
    const uint32_t lives = atomic_load(&watch->victim->life) - watch->lives[watch->victim - actors];
    const bool asks_for_it = fault->kind == TORTURE_HANG_HANDLER ||
                             fault->kind == TORTURE_SILENCE ||
                             (fault->kind == TORTURE_REPORTED && watch->column != IN_STOPPED);
    TORTURE_CHECK(lives >= restarts,
                  "%s was restarted %" PRIu32 " times and began %" PRIu32 " lives",
                  watch->victim->name, restarts, lives);
    TORTURE_CHECK(!asks_for_it || watch->asked_down || lives != 0,
                  "%s was at fault and lives on as it was", watch->victim->name);
    if (!asks_for_it || fault->state != IN_RUNNING ||
        (torture_plan()->strategy <= SYSTEM_STRATEGY_REST_FOR_ONE &&
         torture_plan()->strategy != SYSTEM_STRATEGY_ONE_FOR_ONE)) {
        return;
    }
    for (unsigned i = 0; i < torture_plan()->services; i++) {
        TORTURE_CHECK(&actors[i] == watch->victim ||
                          atomic_load(&actors[i].life) == watch->lives[i],
                      "%s was restarted for a fault of %s, and is in no group with it",
                      actors[i].name, watch->victim->name);
    }
}

static void settle(watch_t *watch, const planned_fault_t *fault)
{
    const uint64_t from = watch->noticed_us;
    // Noticed is not yet acted upon: only what lasts is settled.
    for (uint32_t i = 0, calm = 0; calm < CALM_MS; i++) {
        calm = is_settled(watch) ? calm + 1 : 0;
        TORTURE_CHECK(i < SETTLE_MS, "%s stays %s", watch->victim->name,
                      system_service_state_name(actor_info(watch->victim).state));
        vTaskDelay(1);
    }
    const system_service_state_t state = actor_info(watch->victim).state;
    const bool app = fault->kind == TORTURE_APP_HANGS;
    const bool recovered =
        !app && !helper_failed() && (state == SYSTEM_SERVICE_STATE_RUNNING || watch->asked_down);
    TORTURE_CHECK(recovered || may_escalate(watch, fault), "%s is %s, %s", watch->victim->name,
                  system_service_state_name(state),
                  system_error_to_string(actor_info(watch->victim).last_error));
    TORTURE_CHECK(!recovered || torture_is_real() ||
                      host_now_us() - from <= 2 * RECOVERY_MS * UINT64_C(1000) ||
                      fault->kind == TORTURE_CLOCK_JUMP,
                  "recovery took %" PRIu64 " ms", (host_now_us() - from) / 1000);
    if (recovered) {
        check_restarted(watch, fault);
    }
    book(watch, fault, recovered);
}

static void check_others(const watch_t *watch, const planned_fault_t *fault)
{
    for (unsigned i = 0; i < torture_plan()->services; i++) {
        const system_service_info_t info = actor_info(&actors[i]);
        TORTURE_CHECK(&actors[i] == watch->victim || info.fault_count == watch->faults[i],
                      "%s is at fault (%s) for %s of %s", actors[i].name,
                      system_error_to_string(info.last_error), torture_kinds[fault->kind].name,
                      watch->victim->name);
    }
    for (unsigned i = 0; i < torture_plan()->apps; i++) {
        const app_info_t info = watch_app(&actor_apps[i]);
        TORTURE_CHECK(fault->kind == TORTURE_APP_HANGS || info.crashes == watch->crashes[i],
                      "%s crashed (%s) for %s of %s", actor_apps[i].name,
                      system_error_to_string(info.last_error), torture_kinds[fault->kind].name,
                      watch->victim->name);
    }
}

static void make_well(void)
{
    actors_tell_nothing();
    for (unsigned i = 0; i < torture_plan()->services; i++) {
        events_linger(&actors[i], 0);
    }
    esp_err_t ret = ESP_OK;
    for (int i = 0; !all_run(); i++) {
        TORTURE_CHECK(i < 20, "not all run again: %s", system_error_to_string(ret));
        ret = system_service_start_all();
        vTaskDelay(pdMS_TO_TICKS(500));
    }
    for (unsigned i = 0; i < torture_plan()->apps; i++) {
        if (watch_app_is_down(&actor_apps[i])) {
            atomic_store(&actor_apps[i].deed, DO_NOTHING);
            ret = app_manager_start(actor_apps[i].name);
            TORTURE_CHECK(ret == ESP_OK, "%s: %s", actor_apps[i].name, system_error_to_string(ret));
        }
    }
    TORTURE_CHECK(!system_safe_mode_active(), "safe mode without a critical fault");
}

void watch_to_the_end(watch_t *watch, const planned_fault_t *fault)
{
    if (needs_notice(fault->kind)) {
        watch_until_noticed(watch, fault);
    } else {
        watch_note(watch);
    }
    settle(watch, fault);
    make_well();
    check_others(watch, fault);
}
