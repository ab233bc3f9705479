// SPDX-License-Identifier: Apache-2.0
/*
 * A handler never returns: it sleeps or computes, by the seed. It is named while it runs, within
 * 100 ms of its limit; its service is restarted and works again, within five seconds of being found
 * to hang; all the others go on meanwhile; nothing is left behind.
 */
#include <string.h>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "ktest.h"
#include "scenario.h"
#include "scripted_service.h"
#include "system_service/memory_pool.h"
#include "system_up.h"

static scripted_t victim, bystander;
static system_service_id_t poster;

static uint32_t bystander_handled(void)
{
    return atomic_load(&bystander.calls[SCRIPTED_HANDLER]);
}

static void hang_once(void)
{
    observed_t slow;
    const uint32_t warnings = observer_count(SYSTEM_EVENT_HANDLER_SLOW, "victim");
    const uint32_t recoveries = observer_count(SYSTEM_EVENT_SERVICE_RECOVERED, "victim");
    const uint32_t handled = atomic_load(&victim.calls[SCRIPTED_HANDLER]);
    atomic_store(&victim.hang[SCRIPTED_HANDLER], 1);
    SCENARIO_CHECK_INT(scripted_post(&victim, poster), ==, ESP_OK);
    SCENARIO_CHECK_INT(scripted_post(&victim, poster), ==, ESP_OK); /* waits behind it */

    SCENARIO_CHECK(observer_wait(SYSTEM_EVENT_HANDLER_SLOW, "victim", warnings + 1, 20000));
    SCENARIO_CHECK(observer_last(SYSTEM_EVENT_HANDLER_SLOW, "victim", &slow));
    SCENARIO_CHECK_INT(slow.slow.type, ==, victim.work);
    SCENARIO_CHECK(slow.slow.handler != 0);
    SCENARIO_CHECK_INT(slow.slow.running_ms, >=, CONFIG_SYSTEM_HANDLER_WARN_MS);
    if (host_sched() == HOST_SCHED_SIM) {
        SCENARIO_CHECK_INT(slow.slow.running_ms, <=, CONFIG_SYSTEM_HANDLER_WARN_MS + 100);
    }
    for (int ms = 0; observer_count(SYSTEM_EVENT_SERVICE_RECOVERED, "victim") == recoveries;
         ms += 50) {
        const uint32_t before = bystander_handled();
        SCENARIO_CHECK(ms < ktest_polls(20000));
        SCENARIO_CHECK_INT(scripted_post(&bystander, poster), ==, ESP_OK);
        SCENARIO_CHECK(system_up_wait(&bystander.calls[SCRIPTED_HANDLER], before + 1, 10000));
        vTaskDelay(pdMS_TO_TICKS(50));
    }
    SCENARIO_CHECK_INT(observer_count(SYSTEM_EVENT_HANDLER_SLOW, "victim"), ==, warnings + 1);
    SCENARIO_CHECK(scripted_wait_state(victim.id, SYSTEM_SERVICE_STATE_RUNNING, 1000));
    SCENARIO_CHECK_INT(scripted_post(&victim, poster), ==, ESP_OK);
    SCENARIO_CHECK(system_up_wait(&victim.calls[SCRIPTED_HANDLER], handled + 2, 10000));
}

static void run(void)
{
    memory_pool_stats_t before, after;
    observed_t recovered;
    watchdog_totals_t totals;
    service_watchdog_stats_t stats;
    const system_secure_key_t key = system_up();
    poster = system_up_service("poster");
    (void)observer_start();
    scripted_prepare(&victim, "victim", NULL);
    scripted_prepare(&bystander, "bystander", NULL);
    victim.how = scenario_seed() % 2 ? SCRIPTED_SPIN : SCRIPTED_SLEEP;
    victim.descriptor.own_worker = scenario_seed() / 2 % 2;
    scripted_register(&victim);
    scripted_register(&bystander);
    SCENARIO_CHECK_INT(system_service_start_all(), ==, ESP_OK);
    vTaskDelay(pdMS_TO_TICKS(50)); /* the observer is through with what the start posted */
    SCENARIO_CHECK(memory_pool_get_stats(MEMORY_POOL_SMALL, &before) == ESP_OK);

    hang_once();
    SCENARIO_CHECK(observer_last(SYSTEM_EVENT_SERVICE_RECOVERED, "victim", &recovered));
    SCENARIO_CHECK_INT(recovered.reason, ==, ESP_ERR_SERVICE_HANG);
    if (host_sched() == HOST_SCHED_SIM) {
        SCENARIO_CHECK_INT(recovered.recovery_ms, <=, 5000);
    }
    hang_once();

    const system_service_info_t info = scripted_info(victim.id);
    SCENARIO_CHECK_INT(info.fault_count, ==, 2);
    SCENARIO_CHECK_INT(info.restart_count, ==, 2);
    SCENARIO_CHECK_INT(info.last_error, ==, ESP_ERR_SERVICE_HANG);
    SCENARIO_CHECK(watchdog_get_stats(victim.id, &stats) == ESP_OK);
    SCENARIO_CHECK_INT(stats.restarts, ==, 2);
    SCENARIO_CHECK_INT(stats.attempts_in_window, ==, 2);
    SCENARIO_CHECK(watchdog_get_totals(&totals) == ESP_OK);
    SCENARIO_CHECK_INT(totals.restarts, ==, 2);
    SCENARIO_CHECK_INT(totals.quarantined_tasks, ==, 0); /* it could be ended */
    SCENARIO_CHECK_INT(scripted_info(bystander.id).fault_count, ==, 0);

    vTaskDelay(pdMS_TO_TICKS(50));
    SCENARIO_CHECK(memory_pool_get_stats(MEMORY_POOL_SMALL, &after) == ESP_OK);
    SCENARIO_CHECK_INT(after.used, ==, before.used);
    SCENARIO_CHECK_INT(memory_pool_check(), ==, ESP_OK);
    system_down(key);
}

int main(int argc, char **argv)
{
    static const scenario_t s = {.name = "supervision_handler_hangs", .run = run};
    return scenario_main(argc, argv, &s);
}
