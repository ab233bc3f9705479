// SPDX-License-Identifier: Apache-2.0
/*
 * Each lifecycle function, by the seed, hangs or returns an error: on the first start, on the way
 * down and in a restart. Every time it is noticed, the caller is told which, nobody else is held
 * up, and the service can be used again afterwards.
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

static void works(scripted_t *service)
{
    const uint32_t before = atomic_load(&service->calls[SCRIPTED_HANDLER]);
    SCENARIO_CHECK_INT(scripted_post(service, poster), ==, ESP_OK);
    SCENARIO_CHECK(system_up_wait(&service->calls[SCRIPTED_HANDLER], before + 1, 10000));
}

static void start_fails(scripted_code_t code, bool hangs)
{
    const esp_err_t expected = hangs ? ESP_ERR_SERVICE_START_TIMEOUT : ESP_ERR_SERVICE_START_FAILED;
    const uint32_t deinits = atomic_load(&victim.calls[SCRIPTED_DEINIT]);
    const uint32_t failures = observer_count(SYSTEM_EVENT_SERVICE_FAILED, "victim");
    atomic_store(hangs ? &victim.hang[code] : &victim.fail[code], 1);
    SCENARIO_CHECK_INT(system_service_start(victim.id), ==, expected);
    SCENARIO_CHECK_INT(scripted_info(victim.id).state, ==, SYSTEM_SERVICE_STATE_ERROR);
    SCENARIO_CHECK_INT(scripted_info(victim.id).last_error, ==, hangs ? expected : ESP_FAIL);
    SCENARIO_CHECK_INT(scripted_info(victim.id).subscriptions, ==, 0);
    SCENARIO_CHECK(observer_wait(SYSTEM_EVENT_SERVICE_FAILED, "victim", failures + 1, 1000));
    /* What init() did is undone, unless it or start() was cut in the middle of it. */
    SCENARIO_CHECK_INT(atomic_load(&victim.calls[SCRIPTED_DEINIT]), ==,
                       deinits + (code == SCRIPTED_START && !hangs));
    SCENARIO_CHECK_INT(system_service_start(victim.id), ==, ESP_OK);
    works(&victim);
    SCENARIO_CHECK_INT(system_service_stop(victim.id), ==, ESP_OK);
}

static void stop_fails(scripted_code_t code, bool hangs)
{
    SCENARIO_CHECK_INT(system_service_start(victim.id), ==, ESP_OK);
    atomic_store(hangs ? &victim.hang[code] : &victim.fail[code], 1);
    SCENARIO_CHECK_INT(system_service_stop(victim.id), ==,
                       hangs ? ESP_ERR_SERVICE_STOP_TIMEOUT : ESP_ERR_SERVICE_STOP_FAILED);
    SCENARIO_CHECK_INT(scripted_info(victim.id).state, ==, SYSTEM_SERVICE_STATE_STOPPED);
    SCENARIO_CHECK_INT(scripted_info(victim.id).subscriptions, ==, 0);
}

static void restart_fails_once(scripted_code_t code, bool hangs)
{
    observed_t recovered;
    service_watchdog_stats_t before, after;
    const uint32_t recoveries = observer_count(SYSTEM_EVENT_SERVICE_RECOVERED, "victim");
    const bool goes_up = code == SCRIPTED_INIT || code == SCRIPTED_START;
    SCENARIO_CHECK_INT(system_service_start(victim.id), ==, ESP_OK);
    SCENARIO_CHECK(watchdog_get_stats(victim.id, &before) == ESP_OK);
    atomic_store(hangs ? &victim.hang[code] : &victim.fail[code], 1);
    SCENARIO_CHECK_INT(system_service_report_fault(victim.id, ESP_ERR_SERVICE_CRASHED), ==, ESP_OK);
    SCENARIO_CHECK(observer_wait(SYSTEM_EVENT_SERVICE_RECOVERED, "victim", recoveries + 1, 20000));
    SCENARIO_CHECK(observer_last(SYSTEM_EVENT_SERVICE_RECOVERED, "victim", &recovered));
    SCENARIO_CHECK(watchdog_get_stats(victim.id, &after) == ESP_OK);
    SCENARIO_CHECK_INT(after.restarts, ==, before.restarts + 1);
    SCENARIO_CHECK_INT(after.restarts_failed, ==, before.restarts_failed + goes_up);
    if (host_sched() == HOST_SCHED_SIM && !goes_up) {
        SCENARIO_CHECK_INT(recovered.recovery_ms, <=, 5000);
    }
    works(&victim);
    works(&bystander);
    SCENARIO_CHECK_INT(system_service_stop(victim.id), ==, ESP_OK);
    vTaskDelay(pdMS_TO_TICKS(CONFIG_SYSTEM_RESTART_WINDOW_MS * (host_sched() == HOST_SCHED_SIM)));
}

static void run(void)
{
    memory_pool_stats_t pool;
    const system_secure_key_t key = system_up();
    const uint64_t seed = scenario_seed();
    const scripted_code_t code = (scripted_code_t)(seed % SCRIPTED_HANDLER);
    const bool hangs = seed / 4 % 2;
    poster = system_up_service("poster");
    (void)observer_start();
    scripted_prepare(&victim, "victim", NULL);
    scripted_prepare(&bystander, "bystander", NULL);
    victim.how = seed / 8 % 2 ? SCRIPTED_SPIN : SCRIPTED_SLEEP;
    scripted_register(&victim);
    scripted_register(&bystander);
    SCENARIO_CHECK_INT(system_service_start(bystander.id), ==, ESP_OK);
    if (code == SCRIPTED_INIT || code == SCRIPTED_START) {
        start_fails(code, hangs);
    } else {
        stop_fails(code, hangs);
    }
    restart_fails_once(code, hangs);
    works(&bystander);
    SCENARIO_CHECK_INT(scripted_info(bystander.id).fault_count, ==, 0);
    for (int ms = 0; ms < ktest_polls(50); ms++) {
        vTaskDelay(pdMS_TO_TICKS(1));
        SCENARIO_CHECK(memory_pool_get_stats(MEMORY_POOL_SMALL, &pool) == ESP_OK);
        if (pool.used <= 1 && host_sched() == HOST_SCHED_THREADS && ms >= 50) {
            break;
        }
    }
    SCENARIO_CHECK_INT(memory_pool_check(), ==, ESP_OK);
    SCENARIO_CHECK_INT(pool.used, <=, 1); /* the last health report, if a minute has passed */
    system_down(key);
}

int main(int argc, char **argv)
{
    static const scenario_t s = {.name = "supervision_lifecycle_fails", .run = run};
    return scenario_main(argc, argv, &s);
}
