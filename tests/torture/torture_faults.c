// SPDX-License-Identifier: Apache-2.0
/*
 * How each fault is made to happen: the victim is brought into its state, and there it goes wrong.
 */
#include "torture_watch.h"

#include <stdlib.h>
#include <string.h>

#include "esp_system.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "host_heap.h"
#include "system_service/flight_recorder.h"

#define LINGER_MS 250

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
        helper_ask(ASK_START, victim, NULL);
        break;
    case IN_PAUSED:
        actor_tell(need_of(victim), CODE_START, DO_LINGER, LINGER_MS);
        TORTURE_CHECK(system_service_restart(need_of(victim)->id) == ESP_OK, "restart refused");
        break;
    case IN_STOPPING:
        if (linger) {
            actor_tell(victim, CODE_STOP, deed, LINGER_MS);
        }
        helper_ask(ASK_STOP, victim, NULL);
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

void fault_sample(watch_t *watch)
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
    fault_sample(watch);
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

void fault_wake_handler(watch_t *watch)
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
    fault_wake_handler(watch);
    if (fault->state != IN_RUNNING) {
        go_to(watch, fault->state, true);
        (void)wait_for_state(watch->victim, fault->state, 100);
    }
    fault_sample(watch);
}

/** Somebody deletes the task that runs the handler: nobody has to wait until it has hung. */
void fault_delete_worker(watch_t *watch)
{
    for (uint32_t i = 0; atomic_load(&watch->victim->hangs) == NULL; i++) {
        TORTURE_CHECK(i < 5000, "%s does not hang", watch->victim->name);
        vTaskDelay(1);
    }
    watch->happened_us = host_now_us();
    watch->deleted = true;
    vTaskDelete(atomic_load(&watch->victim->hangs));
}

void fault_play_lifecycle(watch_t *watch, const planned_fault_t *fault, actor_code_t code,
                          actor_deed_t deed)
{
    if (fault->state == IN_STARTING) {
        stop_now(watch->victim);
    }
    actor_tell(watch->victim, code, deed, fault->pick);
    if (fault->state == IN_STARTING) {
        helper_ask(ASK_START, watch->victim, NULL);
    } else {
        go_to(watch, fault->state, false);
    }
    wait_for_deed(watch);
    watch->column = fault->state; // it is where that function is called, and may be past it by now
}

/* ---- faults of apps ---- */

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
            helper_ask(ASK_APP_STOP, NULL, app);
            vTaskDelay(fault->pick % 3);
        }
        (void)host_task_kill(app->name); // in STOPPING it may be gone already
    } else {
        if (fault->kind == TORTURE_APP_HANGS && (fault->pick & 0x100u)) {
            watch->happened_us = host_now_us();
            events_linger(app, UINT32_MAX);
            vTaskDelay(pdMS_TO_TICKS(fault->pick % 50));
        } else {
            tell_app(watch, fault->kind == TORTURE_APP_HANGS ? DO_HANG : DO_FAIL, fault->pick);
        }
        if (fault->state == IN_STOPPING) {
            helper_ask(ASK_APP_STOP, NULL, app);
        }
    }
    while (!watch_app_is_down(app)) {
        TORTURE_CHECK(host_now_us() - watch->happened_us <
                          torture_kinds[fault->kind].noticed_ms * UINT64_C(1000) + 5000000,
                      "%s is %s", app->name, app_state_name(watch_app(app).state));
        vTaskDelay(1);
    }
    events_over(app);
    watch_note(watch);
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
        watch_note(watch);
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
    watch_note(watch);
}

static void foreign_beat(watch_t *watch)
{
    const uint32_t before = watch_stats(watch->victim).foreign_heartbeats;
    if (!helper_done()) { // it is at work; the load's tasks are foreign, too, but so is nobody here
        watch_note(watch);
        return;
    }
    helper_ask(ASK_BEAT, watch->victim, NULL);
    while (!helper_done()) {
        vTaskDelay(1);
    }
    const esp_err_t result = helper_take_result();
    TORTURE_CHECK(result == ESP_ERR_NOT_OWNER, "a foreign heartbeat: %s",
                  system_error_to_string(result));
    TORTURE_CHECK(watch_stats(watch->victim).foreign_heartbeats == before + 1,
                  "a foreign heartbeat is not counted");
    watch_note(watch);
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
        fault_wake_handler(watch);
    } else if (fault->state == IN_STARTING) {
        helper_ask(ASK_START, watch->victim, NULL);
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
    const bool forced = fault->kind == TORTURE_FOREIGN_LOCK;
    TORTURE_CHECK(boot.reason == (panic ? ESP_RST_PANIC : ESP_RST_SW) &&
                      boot.crash == (panic || forced),
                  "the boot says %s", boot_reason_name(boot.reason));
    TORTURE_CHECK(!forced || boot.error == ESP_ERR_SYSTEM_LOCK_LOST, "the boot says %s",
                  system_error_to_string(boot.error));
    TORTURE_CHECK(!(panic || forced) ||
                      (boot.culprit_known && strcmp(boot.culprit, story->culprit) == 0),
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

/* ---- all of them ---- */

static void happen(watch_t *watch, const planned_fault_t *fault)
{
    switch (fault->kind) {
    case TORTURE_HANG_HANDLER:
        if (fault->pick & 0x100u) { // nobody asks it for a sign of life: its time limit must do
            actor_watch(watch->victim, NO_WATCHDOG_MS);
        }
        atomic_store(&watch->victim->hangs, NULL);
        play_handler(watch, fault, DO_HANG, fault->pick);
        if (fault->state == IN_RUNNING && (fault->pick & 0x200u)) {
            fault_delete_worker(watch);
        }
        break;
    case TORTURE_SLOW_HANDLER: // and the others hold all workers that serve NORMAL
        for (unsigned i = 0; i < torture_plan()->services; i++) {
            events_linger(&actors[i], &actors[i] != watch->victim ? LINGER_MS : 0);
        }
        play_handler(watch, fault, DO_LINGER, 300 + fault->pick % 300);
        break;
    case TORTURE_SILENCE: // longer than its watchdog waits, shorter than a hang
        play_handler(watch, fault, DO_LINGER, 1500 + fault->pick % 2000);
        break;
    case TORTURE_HANG_INIT:
        fault_play_lifecycle(watch, fault, CODE_INIT, DO_HANG);
        break;
    case TORTURE_HANG_START:
        fault_play_lifecycle(watch, fault, CODE_START, DO_HANG);
        break;
    case TORTURE_HANG_STOP:
        fault_play_lifecycle(watch, fault, CODE_STOP, DO_HANG);
        break;
    case TORTURE_HANG_DEINIT:
        fault_play_lifecycle(watch, fault, CODE_DEINIT, DO_HANG);
        break;
    case TORTURE_START_ERROR:
        fault_play_lifecycle(watch, fault, fault->pick % 2 ? CODE_INIT : CODE_START, DO_FAIL);
        break;
    case TORTURE_APP_RETURNS:
    case TORTURE_APP_HANGS:
    case TORTURE_KILLED_TASK:
        play_app(watch, fault);
        break;
    case TORTURE_FOREIGN_LOCK:
        fault_foreign_lock(watch, fault);
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
        watch_note(watch);
        break;
    default: // CLOCK_JUMP
        load_clock_turned();
        host_clock_jump(1000 + fault->pick % 20000000);
        load_clock_turned();
        watch_note(watch);
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
    life_post_state();
    events_unsubscribe_one(watch.victim, fault->pick);
    if (around) {
        happen_around(&watch, fault);
    } else {
        happen(&watch, fault);
    }
    watch_to_the_end(&watch, fault);
    if (fault->kind == TORTURE_FOREIGN_LOCK) {
        fault_foreign_lock_over(&watch);
    }
}
