// SPDX-License-Identifier: Apache-2.0
/*
 * Who is alive? A service whose mailbox answers needs no heartbeat. One whose handler is busy for
 * longer than its timeout is silent and restarted, though somebody else sends heartbeats for it.
 * One that gets no worker because others hold them all is not at fault. An idle system stays
 * asleep.
 */
#include <string.h>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "ktest.h"
#include "scenario.h"
#include "scripted_service.h"
#include "system_service/memory_pool.h"
#include "system_up.h"

static scripted_t victim;
static system_service_id_t poster;
static _Atomic uint32_t stop, ended;

/* An attached task of another service vouches for the victim. */
static void vouch(void *arg)
{
    (void)arg;
    SCENARIO_CHECK_INT(system_service_attach_task(poster), ==, ESP_OK);
    while (!atomic_load(&stop)) {
        const esp_err_t ret = system_service_heartbeat(victim.id);
        SCENARIO_CHECK_INT(ret, ==, ESP_ERR_NOT_OWNER);
        vTaskDelay(pdMS_TO_TICKS(20));
    }
    SCENARIO_CHECK_INT(system_service_detach_task(), ==, ESP_OK);
    atomic_store(&ended, 1);
    vTaskDelete(NULL);
}

static void run(void)
{
    service_watchdog_stats_t stats;
    observed_t event;
    const system_secure_key_t key = system_up();
    poster = system_up_service("poster");
    (void)observer_start();
    scripted_prepare(&victim, "victim", NULL);
    /* On threads a busy PC must not look like silence. */
    victim.watchdog.timeout_ms = host_sched() == HOST_SCHED_SIM ? 300 : 1000;
    scripted_register(&victim);
    SCENARIO_CHECK_INT(system_service_start(victim.id), ==, ESP_OK);
    SCENARIO_CHECK(xTaskCreate(vouch, "voucher", 4096, NULL, 3, NULL) == pdPASS);

    /* Idle, no heartbeat of its own after start(): pings prove that it lives. */
    vTaskDelay(pdMS_TO_TICKS(1500));
    SCENARIO_CHECK(watchdog_get_stats(victim.id, &stats) == ESP_OK);
    for (int i = 0; i < ktest_polls(0) && stats.pings < 3; i++) {
        vTaskDelay(1);
        SCENARIO_CHECK(watchdog_get_stats(victim.id, &stats) == ESP_OK);
    }
    SCENARIO_CHECK_INT(stats.timeouts, ==, 0);
    SCENARIO_CHECK_INT(stats.pings, >=, 3);
    SCENARIO_CHECK_INT(stats.heartbeats, ==, 2); /* init() and start() */
    SCENARIO_CHECK_INT(stats.foreign_heartbeats, >, 0);
    SCENARIO_CHECK(scripted_info(victim.id).last_heartbeat_us > 0);

    /* Not watched for a while: a long silence is fine. */
    SCENARIO_CHECK_INT(watchdog_enable_service(victim.id, false), ==, ESP_OK);
    atomic_store(&victim.slow_ms, 3 * victim.watchdog.timeout_ms);
    const uint32_t handled = atomic_load(&victim.calls[SCRIPTED_HANDLER]);
    SCENARIO_CHECK_INT(scripted_post(&victim, poster), ==, ESP_OK);
    SCENARIO_CHECK(system_up_wait(&victim.calls[SCRIPTED_HANDLER], handled + 1, 5000));
    vTaskDelay(pdMS_TO_TICKS(1200));
    SCENARIO_CHECK_INT(scripted_info(victim.id).fault_count, ==, 0);
    SCENARIO_CHECK_INT(watchdog_enable_service(victim.id, true), ==, ESP_OK);

    /* Busy for longer than its timeout, not as long as a handler may take. */
    atomic_store(&victim.slow_ms, 2000);
    SCENARIO_CHECK_INT(scripted_post(&victim, poster), ==, ESP_OK);
    SCENARIO_CHECK(observer_wait(SYSTEM_EVENT_SERVICE_RECOVERED, "victim", 1, 10000));
    SCENARIO_CHECK(observer_last(SYSTEM_EVENT_SERVICE_RESTARTING, "victim", &event));
    SCENARIO_CHECK_INT(event.reason, ==, ESP_ERR_WATCHDOG_TIMEOUT);
    SCENARIO_CHECK(watchdog_get_stats(victim.id, &stats) == ESP_OK);
    SCENARIO_CHECK_INT(stats.timeouts, ==, 1);
    SCENARIO_CHECK_INT(stats.restarts, ==, 1);
    atomic_store(&victim.slow_ms, 0);
    vTaskDelay(pdMS_TO_TICKS(1000));
    SCENARIO_CHECK_INT(scripted_info(victim.id).fault_count, ==, 1);

    atomic_store(&stop, 1);
    SCENARIO_CHECK(system_up_wait(&ended, 1, 10000));
    SCENARIO_CHECK_INT(memory_pool_check(), ==, ESP_OK);
    system_down(key);
}

int main(int argc, char **argv)
{
    static const scenario_t s = {.name = "supervision_liveness", .run = run};
    return scenario_main(argc, argv, &s);
}
