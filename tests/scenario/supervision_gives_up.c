// SPDX-License-Identifier: Apache-2.0
/*
 * A service that fails again and again is restarted, later each time, as often as its limit allows,
 * and then given up; it counts as a failure, never as a success. If it is critical the system goes
 * into safe mode: what is not critical is stopped, and starts again when safe mode is left.
 */
#include <string.h>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "scenario.h"
#include "scripted_service.h"
#include "system_service/memory_pool.h"
#include "system_up.h"

static scripted_t victim, needed, other;
static system_service_id_t poster;

static void check_safe_mode(bool critical)
{
    SCENARIO_CHECK_INT(system_safe_mode_active(), ==, critical);
    if (!critical) {
        SCENARIO_CHECK_INT(scripted_info(other.id).state, ==, SYSTEM_SERVICE_STATE_RUNNING);
        SCENARIO_CHECK_INT(system_safe_mode_leave(), ==, ESP_ERR_INVALID_STATE);
        return;
    }
    SCENARIO_CHECK(scripted_wait_state(other.id, SYSTEM_SERVICE_STATE_STOPPED, 10000));
    SCENARIO_CHECK(observer_wait(SYSTEM_EVENT_SAFE_MODE_ENTERED, NULL, 1, 1000));
    SCENARIO_CHECK_INT(scripted_info(other.id).subscriptions, ==, 0);
    SCENARIO_CHECK_INT(system_service_start(other.id), ==, ESP_ERR_SYSTEM_SAFE_MODE);
    SCENARIO_CHECK_INT(system_safe_mode_enter("again"), ==, ESP_ERR_INVALID_STATE);
    /* What a critical service needs goes on. */
    SCENARIO_CHECK_INT(scripted_info(needed.id).state, ==, SYSTEM_SERVICE_STATE_RUNNING);
    SCENARIO_CHECK_INT(system_safe_mode_leave(), ==, ESP_OK);
    SCENARIO_CHECK(scripted_wait_state(other.id, SYSTEM_SERVICE_STATE_RUNNING, 10000));
    SCENARIO_CHECK_INT(system_safe_mode_active(), ==, 0);
}

static void run(void)
{
    static const char *const needs[] = {"needed", NULL};
    observed_t failed;
    service_watchdog_stats_t stats;
    watchdog_totals_t totals;
    const system_secure_key_t key = system_up();
    const bool critical = scenario_seed() % 2;
    const uint32_t limit = 1 + (uint32_t)(scenario_seed() / 2 % 4);
    poster = system_up_service("poster");
    (void)observer_start();
    scripted_prepare(&needed, "needed", NULL);
    scripted_prepare(&victim, "victim", needs);
    scripted_prepare(&other, "other", NULL);
    victim.watchdog.is_critical = critical;
    victim.watchdog.max_restart_attempts = limit;
    scripted_register(&victim);
    scripted_register(&other);
    scripted_register(&needed);
    SCENARIO_CHECK_INT(system_service_start_all(), ==, ESP_OK);

    /* Its start() fails for ever from now on. */
    atomic_store(&victim.fail[SCRIPTED_START], 1000);
    SCENARIO_CHECK_INT(system_service_report_fault(victim.id, ESP_ERR_SERVICE_CRASHED), ==, ESP_OK);
    SCENARIO_CHECK(scripted_wait_state(victim.id, SYSTEM_SERVICE_STATE_ERROR, 60000));
    SCENARIO_CHECK(observer_wait(SYSTEM_EVENT_SERVICE_FAILED, "victim", 1, 1000));
    SCENARIO_CHECK(observer_last(SYSTEM_EVENT_SERVICE_FAILED, "victim", &failed));
    SCENARIO_CHECK_INT(failed.reason, ==, ESP_ERR_SERVICE_GIVEN_UP);
    SCENARIO_CHECK_INT(observer_count(SYSTEM_EVENT_SERVICE_RESTARTING, "victim"), ==, limit);
    SCENARIO_CHECK_INT(observer_count(SYSTEM_EVENT_SERVICE_RECOVERED, "victim"), ==, 0);
    SCENARIO_CHECK_INT(atomic_load(&victim.calls[SCRIPTED_START]), ==, 1 + limit);
    SCENARIO_CHECK(watchdog_get_stats(victim.id, &stats) == ESP_OK);
    SCENARIO_CHECK_INT(stats.restarts, ==, 0);
    SCENARIO_CHECK_INT(stats.restarts_failed, ==, limit);
    SCENARIO_CHECK(watchdog_get_totals(&totals) == ESP_OK);
    SCENARIO_CHECK_INT(totals.given_up, ==, 1);
    SCENARIO_CHECK_INT(totals.safe_mode_entries, ==, critical);
    check_safe_mode(critical);

    /* By hand it starts when the cause is gone. */
    atomic_store(&victim.fail[SCRIPTED_START], 0);
    SCENARIO_CHECK_INT(system_service_start(victim.id), ==, ESP_OK);
    SCENARIO_CHECK_INT(scripted_post(&victim, poster), ==, ESP_OK);
    SCENARIO_CHECK(system_up_wait(&victim.calls[SCRIPTED_HANDLER], 1, 10000));
    SCENARIO_CHECK_INT(memory_pool_check(), ==, ESP_OK);
    system_down(key);
}

int main(int argc, char **argv)
{
    static const scenario_t s = {.name = "supervision_gives_up", .run = run};
    return scenario_main(argc, argv, &s);
}
