// SPDX-License-Identifier: Apache-2.0
/*
 * Code that fails inside a library that has locked something, as printf, NVS and lwIP do: it hangs
 * there and lets go some time, or never, or somebody deletes its task. Only who lets go can be
 * ended; for all else the board restarts, in order, and says on whose account. What to expect of a
 * seed differs so much that no other faults are mixed with it: --fault foreign-lock.
 */
#include "torture_watch.h"

#include <string.h>

#include "esp_system.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

/** The supervisor restarts the board, in order. */
static void on_restart(void)
{
    torture_story_t *story = torture_story();
    if (story->last_resort) {
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
        vTaskDelay(pdMS_TO_TICKS((CONFIG_SYSTEM_CRASH_LOOP_HEALTHY_S + 2) * 1000)); // healthy
    }
    actor_library_up();
    atomic_store(&watch->victim->hangs, NULL);
    actor_watch(watch->victim, NO_WATCHDOG_MS);
    if (lets_go_ms == 0) {
        (void)esp_register_shutdown_handler(on_restart);
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
    for (uint32_t ms = 0; set_aside() != 0; ms++) {
        TORTURE_CHECK(ms < (CONFIG_SYSTEM_LOST_LOCK_RESTART_S + 25) * 1000u,
                      "%s is still set aside", watch->victim->name);
        vTaskDelay(1);
    }
}
