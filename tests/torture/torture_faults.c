// SPDX-License-Identifier: Apache-2.0
/*
 * Each fault: bring the victim into its state, let it happen, see that it is noticed in time, wait
 * until everything is well again, and book how that came about.
 */
#include "torture.h"

#include <stdlib.h>
#include <string.h>

#include "esp_system.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "host_heap.h"
#include "system_service/flight_recorder.h"
#include "torture_story.h"

#define LINGER_MS   250
#define RECOVERY_MS 5000 // the promise, from noticed to running again, for each attempt
#define SETTLE_MS   40000

/* ---- the helper: makes the calls that block ---- */

typedef enum {
    ASK_START,
    ASK_STOP,
    ASK_BEAT,
    ASK_APP_STOP
} ask_t;

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

static void ask(ask_t what, actor_t *actor, actor_app_t *app)
{
    TORTURE_CHECK(atomic_load(&s_helper.busy) == 0, "the helper is busy");
    s_helper.ask = what;
    s_helper.actor = actor;
    s_helper.app = app;
    s_helper.result = ESP_OK;
    atomic_store(&s_helper.busy, 1);
    xTaskNotifyGive(s_helper.task);
}

static bool helper_done(void)
{
    return atomic_load(&s_helper.busy) == 0;
}

static bool helper_failed(void)
{
    return helper_done() && s_helper.result != ESP_OK;
}

/* ---- what is looked at ---- */

typedef struct {
    actor_t *victim;
    actor_app_t *app;
    torture_state_t column;
    uint32_t sequence; // of the flight recorder, before
    uint32_t faults[SERVICES_MAX];
    uint32_t restarts_failed;
    uint32_t restarts;
    uint32_t crashes[APPS_MAX];
    bool asked_down; // the victim is to be stopped at the end
    bool noticed;
    uint64_t happened_us, noticed_us;
} watch_t;

static uint32_t newest_sequence(void)
{
    flight_record_t record;
    uint32_t cursor = 0;
    return flight_recorder_read(NULL, &cursor, &record) == ESP_OK ? record.sequence : 0;
}

static service_watchdog_stats_t stats_of(const actor_t *actor)
{
    service_watchdog_stats_t stats;
    TORTURE_CHECK(watchdog_get_stats(actor->id, &stats) == ESP_OK, "%s: no figures", actor->name);
    return stats;
}

static app_info_t app_info(const actor_app_t *app)
{
    app_info_t info;
    TORTURE_CHECK(app_manager_get_info(app->name, &info) == ESP_OK, "%s: no info", app->name);
    return info;
}

static void watch_begin(watch_t *watch, const planned_fault_t *fault)
{
    memset(watch, 0, sizeof(*watch));
    watch->victim = &actors[fault->victim < torture_plan()->services ? fault->victim : 0];
    watch->app = &actor_apps[fault->victim < torture_plan()->apps ? fault->victim : 0];
    s_helper.result = ESP_OK;
    watch->sequence = newest_sequence();
    for (unsigned i = 0; i < torture_plan()->services; i++) {
        watch->faults[i] = actor_info(&actors[i]).fault_count;
    }
    watch->restarts_failed = stats_of(watch->victim).restarts_failed;
    watch->restarts = stats_of(watch->victim).restarts;
    for (unsigned i = 0; i < torture_plan()->apps; i++) {
        watch->crashes[i] = app_info(&actor_apps[i]).crashes;
    }
    atomic_store(&watch->victim->happened_us, 0);
    atomic_store(&watch->app->happened_us, 0);
}

/** The core wrote down that something is wrong with the victim. */
static bool written_down(const watch_t *watch)
{
    flight_record_t record;
    uint32_t cursor = 0;
    while (flight_recorder_read(watch->victim->name, &cursor, &record) == ESP_OK &&
           (int32_t)(record.sequence - watch->sequence) > 0) {
        if (record.kind == FLIGHT_FAULT || record.kind == FLIGHT_HANG ||
            record.kind == FLIGHT_SLOW || (record.kind == FLIGHT_EVENT && record.a != 0)) {
            return true;
        }
    }
    return false;
}

static bool is_noticed(const watch_t *watch)
{
    return written_down(watch) || helper_failed() ||
           stats_of(watch->victim).restarts_failed != watch->restarts_failed;
}

static void note(watch_t *watch)
{
    if (!watch->noticed) {
        watch->noticed = true;
        watch->noticed_us = host_now_us();
    }
}

/* ---- into a state ---- */

static bool wait_for_state(const actor_t *actor, torture_state_t state, uint32_t ms)
{
    bool is_column;
    for (uint32_t i = 0; i < ms; i++) {
        if (actor_state(actor, &is_column) == state && is_column) {
            return true;
        }
        vTaskDelay(1);
    }
    return false;
}

static void stop_now(actor_t *actor)
{
    const esp_err_t ret = system_service_stop(actor->id);
    TORTURE_CHECK(ret == ESP_OK, "%s: stop: %s", actor->name, system_error_to_string(ret));
}

/** One that the victim needs. */
static actor_t *need_of(const actor_t *victim)
{
    return &actors[(unsigned)__builtin_ctz(torture_plan()->needs[victim - actors])];
}

/** Begin what brings the victim there; code lingers so that the state lasts. */
static void go_to(watch_t *watch, torture_state_t state, bool linger)
{
    actor_t *victim = watch->victim;
    const actor_deed_t deed = linger ? DO_LINGER : DO_NOTHING;
    switch (state) {
    case IN_STOPPED:
        stop_now(victim);
        watch->asked_down = true;
        break;
    case IN_STARTING:
        stop_now(victim);
        if (linger) {
            actor_tell(victim, CODE_START, deed, LINGER_MS);
        }
        ask(ASK_START, victim, NULL);
        break;
    case IN_PAUSED:
        actor_tell(need_of(victim), CODE_START, DO_LINGER, LINGER_MS);
        TORTURE_CHECK(system_service_restart(need_of(victim)->id) == ESP_OK, "restart refused");
        break;
    case IN_STOPPING:
        if (linger) {
            actor_tell(victim, CODE_STOP, deed, LINGER_MS);
        }
        ask(ASK_STOP, victim, NULL);
        watch->asked_down = true;
        break;
    case IN_RESTARTING:
        if (linger) {
            actor_tell(victim, CODE_STOP, deed, LINGER_MS);
        }
        TORTURE_CHECK(system_service_restart(victim->id) == ESP_OK, "restart refused");
        break;
    default:
        break;
    }
}

static void sample(watch_t *watch)
{
    bool is_column;
    watch->column = actor_state(watch->victim, &is_column);
    TORTURE_CHECK(is_column, "%s is in ERROR", watch->victim->name);
}

static void bring_to(watch_t *watch, torture_state_t state)
{
    go_to(watch, state, true);
    if (state != IN_RUNNING && state != IN_STOPPED) {
        (void)wait_for_state(watch->victim, state, 600);
    }
    sample(watch);
    watch->happened_us = host_now_us();
}

/** Wait until the deed that was told is being done. */
static void wait_for_deed(watch_t *watch)
{
    for (uint32_t i = 0; atomic_load(&watch->victim->happened_us) == 0; i++) {
        TORTURE_CHECK(i < 5000, "%s does not get to its deed", watch->victim->name);
        vTaskDelay(1);
    }
    watch->happened_us = atomic_load(&watch->victim->happened_us);
}

/* ---- faults of handlers and lifecycle functions ---- */

static void wake_handler(watch_t *watch)
{
    for (uint32_t i = 0; atomic_load(&watch->victim->happened_us) == 0; i++) {
        TORTURE_CHECK(i < 5000, "%s: no handler runs", watch->victim->name);
        (void)load_flood(watch->victim, 1, SYSTEM_EVENT_PRIORITY_NORMAL);
        vTaskDelay(pdMS_TO_TICKS(2));
    }
    watch->happened_us = atomic_load(&watch->victim->happened_us);
}

static void play_handler(watch_t *watch, const planned_fault_t *fault, actor_deed_t deed,
                         uint32_t amount)
{
    actor_tell(watch->victim, CODE_HANDLER, deed, amount);
    wake_handler(watch);
    if (fault->state != IN_RUNNING) {
        go_to(watch, fault->state, true);
        (void)wait_for_state(watch->victim, fault->state, 100);
    }
    sample(watch);
}

static void play_lifecycle(watch_t *watch, const planned_fault_t *fault, actor_code_t code,
                           actor_deed_t deed)
{
    if (fault->state == IN_STARTING) {
        stop_now(watch->victim);
    }
    actor_tell(watch->victim, code, deed, fault->pick);
    if (fault->state == IN_STARTING) {
        ask(ASK_START, watch->victim, NULL);
    } else {
        go_to(watch, fault->state, false);
    }
    wait_for_deed(watch);
    watch->column = fault->state; // it is where that function is called, and may be past it by now
}

/* ---- faults of apps ---- */

static bool app_is_down(const actor_app_t *app)
{
    const app_state_t state = app_info(app).state;
    return state == APP_STATE_STOPPED || state == APP_STATE_CRASHED;
}

static void tell_app(watch_t *watch, actor_deed_t deed, uint32_t amount)
{
    atomic_store(&watch->app->amount, amount);
    atomic_store(&watch->app->deed, deed);
    for (uint32_t i = 0; atomic_load(&watch->app->happened_us) == 0; i++) {
        TORTURE_CHECK(i < 5000, "%s does not run", watch->app->name);
        vTaskDelay(1);
    }
    watch->happened_us = atomic_load(&watch->app->happened_us);
}

static void play_app(watch_t *watch, const planned_fault_t *fault)
{
    actor_app_t *app = watch->app;
    watch->column = fault->state;
    if (fault->kind == TORTURE_KILLED_TASK) {
        if (fault->state == IN_PAUSED) {
            TORTURE_CHECK(app_manager_pause(app->name) == ESP_OK, "%s: not paused", app->name);
            vTaskDelay(pdMS_TO_TICKS(fault->pick % 50));
        }
        watch->happened_us = host_now_us();
        if (fault->state == IN_STOPPING) {
            ask(ASK_APP_STOP, NULL, app);
            vTaskDelay(fault->pick % 3);
        }
        (void)host_task_kill(app->name); // in STOPPING it may be gone already
    } else {
        tell_app(watch, fault->kind == TORTURE_APP_HANGS ? DO_HANG : DO_FAIL, fault->pick);
        if (fault->state == IN_STOPPING) {
            ask(ASK_APP_STOP, NULL, app);
        }
    }
    while (!app_is_down(app)) {
        TORTURE_CHECK(host_now_us() - watch->happened_us <
                          torture_kinds[fault->kind].noticed_ms * UINT64_C(1000) + 5000000,
                      "%s is %s", app->name, app_state_name(app_info(app).state));
        vTaskDelay(1);
    }
    note(watch);
}

/* ---- faults of the world around ---- */

static void no_memory(watch_t *watch, const planned_fault_t *fault)
{
    const uint64_t before = host_heap_injected_failures();
    host_heap_fail_nth(1, 1 + fault->pick % 3);
    void *first = malloc(16);
    TORTURE_CHECK(first == NULL, "an allocation should have failed");
    if (torture_plan()->apps != 0) {
        (void)app_manager_stop(actor_apps[0].name);
        host_heap_fail_nth(1 + fault->pick % 4, 0);
        const esp_err_t ret = app_manager_start(actor_apps[0].name);
        TORTURE_CHECK(ret == ESP_OK || ret == ESP_ERR_NO_MEM, "an app without memory: %s",
                      system_error_to_string(ret));
    }
    vTaskDelay(pdMS_TO_TICKS(50));
    host_heap_fail_nth(0, 0);
    if (host_heap_injected_failures() > before) {
        note(watch);
    }
}

static void full_queue(watch_t *watch, const planned_fault_t *fault)
{
    static const uint8_t priorities[] = {50, 200, 255};
    const system_service_info_t before = actor_info(watch->victim);
    actor_tell(watch->victim, CODE_HANDLER, DO_LINGER, 60);
    const uint32_t refused = load_flood(watch->victim, 120, priorities[fault->pick % 3]);
    const system_service_info_t after = actor_info(watch->victim);
    // Where all events wait, those that found no room are counted against the one that they miss.
    const bool counted = after.events_refused + after.events_displaced >
                         before.events_refused + before.events_displaced;
    if (watch->column == IN_RUNNING || watch->column == IN_PAUSED) {
        TORTURE_CHECK(refused != 0 && counted, "120 events at once: %" PRIu32 " refused", refused);
    }
    note(watch);
}

static void foreign_beat(watch_t *watch)
{
    const uint32_t before = stats_of(watch->victim).foreign_heartbeats;
    if (!helper_done()) { // it is at work; the load's tasks are foreign, too, but so is nobody here
        note(watch);
        return;
    }
    ask(ASK_BEAT, watch->victim, NULL);
    while (!helper_done()) {
        vTaskDelay(1);
    }
    TORTURE_CHECK(s_helper.result == ESP_ERR_NOT_OWNER, "a foreign heartbeat: %s",
                  system_error_to_string(s_helper.result));
    s_helper.result = ESP_OK;
    TORTURE_CHECK(stats_of(watch->victim).foreign_heartbeats == before + 1,
                  "a foreign heartbeat is not counted");
    note(watch);
}

/** The board goes down here, now or when the victim gets to it. */
static _Noreturn void reset(watch_t *watch, const planned_fault_t *fault)
{
    static const actor_code_t codes[TORTURE_STATES] = {[IN_STARTING] = CODE_START,
                                                       [IN_RUNNING] = CODE_HANDLER,
                                                       [IN_STOPPING] = CODE_STOP,
                                                       [IN_RESTARTING] = CODE_STOP};
    torture_story_t *story = torture_story();
    const bool by_victim =
        fault->kind == TORTURE_PANIC && fault->state != IN_STOPPED && fault->state != IN_PAUSED;
    if (!by_victim) {
        bring_to(watch, fault->state);
    } else {
        watch->column = fault->state;
    }
    torture_story_before_reset();
    story->crashes += fault->kind == TORTURE_PANIC;
    story->column = watch->column;
    strcpy(story->culprit, by_victim ? watch->victim->name : "");
    story->reset_pending = true;
    if (fault->kind == TORTURE_RESTART) {
        esp_restart();
    }
    if (!by_victim) {
        abort();
    }
    if (fault->state == IN_STARTING) {
        stop_now(watch->victim);
    }
    actor_tell(watch->victim, codes[fault->state], DO_PANIC, 0);
    if (fault->state == IN_RUNNING) {
        wake_handler(watch);
    } else if (fault->state == IN_STARTING) {
        ask(ASK_START, watch->victim, NULL);
    } else {
        go_to(watch, fault->state, false);
    }
    vTaskDelay(pdMS_TO_TICKS(5000));
    torture_fail(__FILE__, __LINE__, "%s does not panic", watch->victim->name);
}

void fault_after_reset(unsigned number)
{
    const planned_fault_t *fault = &torture_plan()->fault[number];
    const torture_story_t *story = torture_story();
    torture_cell_t *cell = &torture_report()->cell[fault->kind][story->column];
    boot_report_t boot;
    (void)boot_report_get(&boot);
    const bool panic = fault->kind == TORTURE_PANIC;
    TORTURE_CHECK(boot.reason == (panic ? ESP_RST_PANIC : ESP_RST_SW) && boot.crash == panic,
                  "the boot says %s", boot_reason_name(boot.reason));
    TORTURE_CHECK(!panic || (boot.culprit_known && strcmp(boot.culprit, story->culprit) == 0),
                  "the boot blames '%s', it was '%s'", boot.culprit, story->culprit);
    cell->count++;
    cell->noticed++;
    if (system_safe_mode_active()) {
        cell->escalated++;
        TORTURE_CHECK(system_safe_mode_leave() == ESP_OK, "safe mode stays");
    } else {
        cell->recovered++;
    }
    const esp_err_t ret = system_service_start_all();
    TORTURE_CHECK(ret == ESP_OK, "start all after a reset: %s", system_error_to_string(ret));
    for (unsigned i = 0; i < torture_plan()->apps; i++) {
        (void)app_manager_start(actor_apps[i].name);
    }
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
    return kind <= TORTURE_SILENCE;
}

static void wait_until_noticed(watch_t *watch, const planned_fault_t *fault)
{
    const torture_kind_t *kind = &torture_kinds[fault->kind];
    while (!watch->noticed) {
        if (is_noticed(watch) ||
            (watch->column != IN_RUNNING && watch->column != IN_PAUSED && is_settled(watch))) {
            note(watch);
            break;
        }
        TORTURE_CHECK(host_now_us() - watch->happened_us <= kind->noticed_ms * UINT64_C(1000),
                      "not noticed for %" PRIu32 " ms; %s is %s", kind->noticed_ms,
                      watch->victim->name,
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

static void settle(watch_t *watch, const planned_fault_t *fault)
{
    const uint64_t from = watch->noticed_us;
    for (uint32_t i = 0; !is_settled(watch); i++) {
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
    TORTURE_CHECK(!recovered || host_sched() != HOST_SCHED_SIM ||
                      host_now_us() - from <= 2 * RECOVERY_MS * UINT64_C(1000) ||
                      fault->kind == TORTURE_CLOCK_JUMP,
                  "recovery took %" PRIu64 " ms", (host_now_us() - from) / 1000);
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
        const app_info_t info = app_info(&actor_apps[i]);
        TORTURE_CHECK(fault->kind == TORTURE_APP_HANGS || info.crashes == watch->crashes[i],
                      "%s crashed (%s) for %s of %s", actor_apps[i].name,
                      system_error_to_string(info.last_error), torture_kinds[fault->kind].name,
                      watch->victim->name);
    }
}

static void make_well(void)
{
    actors_tell_nothing();
    esp_err_t ret = ESP_OK;
    for (int i = 0; !all_run(); i++) {
        TORTURE_CHECK(i < 20, "not all run again: %s", system_error_to_string(ret));
        ret = system_service_start_all();
        vTaskDelay(pdMS_TO_TICKS(500));
    }
    for (unsigned i = 0; i < torture_plan()->apps; i++) {
        if (app_is_down(&actor_apps[i])) {
            atomic_store(&actor_apps[i].deed, DO_NOTHING);
            ret = app_manager_start(actor_apps[i].name);
            TORTURE_CHECK(ret == ESP_OK, "%s: %s", actor_apps[i].name, system_error_to_string(ret));
        }
    }
    TORTURE_CHECK(!system_safe_mode_active(), "safe mode without a critical fault");
}

static void happen(watch_t *watch, const planned_fault_t *fault)
{
    switch (fault->kind) {
    case TORTURE_HANG_HANDLER:
        play_handler(watch, fault, DO_HANG, fault->pick);
        break;
    case TORTURE_SLOW_HANDLER:
        play_handler(watch, fault, DO_LINGER, 300 + fault->pick % 300);
        break;
    case TORTURE_SILENCE: // longer than its watchdog waits, shorter than a hang
        play_handler(watch, fault, DO_LINGER, 1500 + fault->pick % 2000);
        break;
    case TORTURE_HANG_INIT:
        play_lifecycle(watch, fault, CODE_INIT, DO_HANG);
        break;
    case TORTURE_HANG_START:
        play_lifecycle(watch, fault, CODE_START, DO_HANG);
        break;
    case TORTURE_HANG_STOP:
        play_lifecycle(watch, fault, CODE_STOP, DO_HANG);
        break;
    case TORTURE_HANG_DEINIT:
        play_lifecycle(watch, fault, CODE_DEINIT, DO_HANG);
        break;
    case TORTURE_START_ERROR:
        play_lifecycle(watch, fault, fault->pick % 2 ? CODE_INIT : CODE_START, DO_FAIL);
        break;
    case TORTURE_APP_RETURNS:
    case TORTURE_APP_HANGS:
    case TORTURE_KILLED_TASK:
        play_app(watch, fault);
        break;
    case TORTURE_PANIC:
    case TORTURE_RESTART:
        reset(watch, fault);
    default:
        break;
    }
}

static void happen_around(watch_t *watch, const planned_fault_t *fault)
{
    bring_to(watch, fault->state);
    switch (fault->kind) {
    case TORTURE_REPORTED:
        TORTURE_CHECK(system_service_report_fault(watch->victim->id, ESP_ERR_SERVICE_CRASHED) ==
                          ESP_OK,
                      "a fault cannot be reported");
        break;
    case TORTURE_FOREIGN_BEAT:
        foreign_beat(watch);
        break;
    case TORTURE_NO_MEMORY:
        no_memory(watch, fault);
        break;
    case TORTURE_FULL_QUEUE:
        full_queue(watch, fault);
        break;
    case TORTURE_ISR_STORM:
        load_isr_storm(watch->victim, 100 + fault->pick % 200);
        note(watch);
        break;
    default: // CLOCK_JUMP
        load_clock_turned();
        host_clock_jump(1000 + fault->pick % 20000000);
        load_clock_turned();
        note(watch);
        break;
    }
}

void fault_play(unsigned number)
{
    const planned_fault_t *fault = &torture_plan()->fault[number];
    const bool around = fault->kind == TORTURE_REPORTED || fault->kind == TORTURE_FOREIGN_BEAT ||
                        (fault->kind >= TORTURE_NO_MEMORY && fault->kind <= TORTURE_CLOCK_JUMP);
    watch_t watch;
    if (fault->kind >= TORTURE_APP_RETURNS && fault->kind <= TORTURE_KILLED_TASK &&
        torture_plan()->apps == 0) {
        return;
    }
    watch_begin(&watch, fault);
    actor_unsubscribe_one(watch.victim, fault->pick);
    if (around) {
        happen_around(&watch, fault);
    } else {
        happen(&watch, fault);
    }
    if (needs_notice(fault->kind)) {
        wait_until_noticed(&watch, fault);
    } else {
        note(&watch);
    }
    settle(&watch, fault);
    make_well();
    check_others(&watch, fault);
}
