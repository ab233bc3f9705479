// SPDX-License-Identifier: Apache-2.0
/*
 * Code that fails inside a library that has locked something, as printf, NVS and lwIP do: it hangs
 * there and lets go some time, or never, or somebody deletes its task. Only who lets go can be
 * ended; for all else the board restarts, in order, and says on whose account. Meanwhile somebody
 * else wants to print, too, and waits. What to expect of a seed differs so much that no other
 * faults are mixed with it: --fault foreign-lock.
 */
#include "torture_watch.h"

#include <string.h>

#include "esp_system.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

static _Atomic uint32_t s_waiting; // for the lock of the library

/** Somebody else who calls that library. */
static void caller_task(void *arg)
{
    (void)arg;
    actor_library_call();
    atomic_store(&s_waiting, 0);
    vTaskDelete(NULL);
}

/** Everybody is down, and somebody waits for what nobody can give back. */
static void check_in_order(const char *culprit)
{
    for (unsigned i = 0; i < torture_plan()->services; i++) {
        const system_service_state_t state = actor_info(&actors[i]).state;
        TORTURE_CHECK(state == SYSTEM_SERVICE_STATE_STOPPED ||
                          state == SYSTEM_SERVICE_STATE_REGISTERED ||
                          state == SYSTEM_SERVICE_STATE_ERROR,
                      "the board restarts for %s, and %s is %s", culprit, actors[i].name,
                      system_service_state_name(state));
    }
    TORTURE_CHECK(system_safe_mode_active() && atomic_load(&s_waiting) != 0,
                  "the board restarts for %s, and need not", culprit);
}

/** The supervisor restarts the board, in order. */
static void on_restart(void)
{
    torture_story_t *story = torture_story();
    if (story->last_resort) {
        check_in_order(story->culprit);
        torture_story_before_reset();
        story->crashes++;
        story->reset_pending = true;
    }
}

static uint32_t set_aside(void)
{
    watchdog_totals_t totals;
    (void)watchdog_get_totals(&totals);
    return totals.quarantined_tasks;
}

void fault_foreign_lock(watch_t *watch, const planned_fault_t *fault)
{
    static const actor_code_t codes[TORTURE_STATES] = {[IN_STARTING] = CODE_START,
                                                       [IN_RUNNING] = CODE_HANDLER,
                                                       [IN_STOPPING] = CODE_STOP,
                                                       [IN_RESTARTING] = CODE_STOP};
    const bool deleted = fault->pick % 4 == 1;
    const uint32_t lets_go_ms = fault->pick % 2 == 0 ? 1 + fault->pick / 4 % 20000 : 0;
    torture_story_t *story = torture_story();
    if (story->crashes + 1 >= CONFIG_SYSTEM_LAST_RESORT_RESTARTS) { // or it would stay up, as it is
        load_pause(true);
        vTaskDelay(pdMS_TO_TICKS((CONFIG_SYSTEM_CRASH_LOOP_HEALTHY_S + 2) * 1000)); // healthy
        load_pause(false);
    }
    actor_library_up();
    atomic_store(&watch->victim->hangs, NULL);
    actor_watch(watch->victim, NO_WATCHDOG_MS);
    if (lets_go_ms == 0) {
        TORTURE_CHECK(esp_register_shutdown_handler(on_restart) == ESP_OK, "no handler");
        story->last_resort = true;
        story->column = fault->state;
        strcpy(story->culprit, watch->victim->name);
    }
    if (fault->state == IN_RUNNING) {
        actor_tell(watch->victim, CODE_HANDLER, DO_KEEP, lets_go_ms);
        fault_wake_handler(watch);
        fault_sample(watch);
    } else {
        planned_fault_t told = *fault;
        told.pick = lets_go_ms;
        fault_play_lifecycle(watch, &told, codes[fault->state], DO_KEEP);
    }
    while (atomic_load(&watch->victim->hangs) == NULL) {
        vTaskDelay(1);
    }
    atomic_store(&s_waiting, 1);
    TORTURE_CHECK(xTaskCreate(caller_task, "caller", 4096, NULL, 12, NULL) == pdPASS, "no task");
    if (lets_go_ms != 0) {
        return;
    }
    if (deleted) {
        fault_delete_worker(watch);
    } else {
        watch_until_noticed(watch, fault);
    }
    vTaskDelay(pdMS_TO_TICKS((deleted ? 0 : CONFIG_SYSTEM_LOST_LOCK_RESTART_S * 1000) +
                             CONFIG_SYSTEM_LIFECYCLE_TIMEOUT_MS + 10000));
    torture_fail(__FILE__, __LINE__, "%s keeps a lock for ever, and nobody restarts the board",
                 watch->victim->name);
}

void fault_foreign_lock_over(const watch_t *watch)
{
    for (uint32_t ms = 0; set_aside() != 0 || atomic_load(&s_waiting) != 0; ms++) {
        TORTURE_CHECK(ms < (CONFIG_SYSTEM_LOST_LOCK_RESTART_S + 25) * 1000u,
                      "%s let go: %" PRIu32 " set aside, %" PRIu32 " wait for the library",
                      watch->victim->name, set_aside(), atomic_load(&s_waiting));
        vTaskDelay(1);
    }
}
