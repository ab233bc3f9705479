// SPDX-License-Identifier: Apache-2.0
/*
 * Somebody deletes a task of those who look after all others. A runner of lifecycle functions is
 * replaced, and what it was to do counts as failed at once, unless it had a mutex: then, and when
 * it is the supervisor, the board restarts into safe mode, and says why.
 */
#include <stdatomic.h>

#include "freertos/FreeRTOS.h"
#include "freertos/semphr.h"
#include "freertos/task.h"

#include "host_system.h"
#include "ktest.h"
#include "scenario.h"
#include "scripted_service.h"
#include "system_up.h"

enum {
    SUPERVISOR,
    WITH_A_MUTEX,
    WAYS
};

static scripted_t s_victim;
static SemaphoreHandle_t s_mutex;
static _Atomic uint32_t s_sits; /* so many times start() does not return */
static bool s_with_mutex;

static esp_err_t start(system_service_id_t id, void *arg)
{
    (void)id;
    (void)arg;
    if (atomic_load(&s_sits) == 0) {
        return ESP_OK;
    }
    atomic_fetch_sub(&s_sits, 1);
    if (s_with_mutex) {
        SCENARIO_CHECK(xSemaphoreTake(s_mutex, portMAX_DELAY) == pdTRUE);
    }
    scripted_sit();
}

static void wait_for_restarts(uint32_t n)
{
    for (int ms = 0; scripted_info(s_victim.id).restart_count != n; ms++) {
        SCENARIO_CHECK(ms < ktest_polls(60000));
        vTaskDelay(pdMS_TO_TICKS(1));
    }
    SCENARIO_CHECK(scripted_wait_state(s_victim.id, SYSTEM_SERVICE_STATE_RUNNING, 5000));
}

/** One that has nothing to do, more often than there are runners. */
static void idle_runners_are_replaced(void)
{
    for (uint32_t n = 1; n <= CONFIG_SYSTEM_LIFECYCLE_RUNNERS + 1; n++) {
        SCENARIO_CHECK(host_task_kill("lifecycle"));
        vTaskDelay(pdMS_TO_TICKS(20));
        SCENARIO_CHECK_INT(system_service_restart(s_victim.id), ==, ESP_OK);
        wait_for_restarts(n);
    }
}

/** In a function: noticed at once, not when its time is up. */
static void a_function_that_is_cut_has_failed(void)
{
    const uint32_t before = scripted_info(s_victim.id).restart_count;
    atomic_store(&s_sits, 1);
    const uint64_t from = host_now_us();
    SCENARIO_CHECK_INT(system_service_restart(s_victim.id), ==, ESP_OK);
    vTaskDelete(scripted_who_sits());
    wait_for_restarts(before + 1);
    SCENARIO_CHECK(host_sched() != HOST_SCHED_SIM ||
                   host_now_us() - from < CONFIG_SYSTEM_LIFECYCLE_TIMEOUT_MS * UINT64_C(1000));
}

static void run(void)
{
    observed_t seen;
    (void)system_up();
    s_mutex = xSemaphoreCreateMutex();
    (void)observer_start();
    scripted_prepare(&s_victim, "victim", NULL);
    s_victim.descriptor.lifecycle = (system_service_lifecycle_t){.start = start};
    s_victim.watchdog.max_restart_attempts = 20;
    scripted_register(&s_victim);
    SCENARIO_CHECK_INT(system_service_start_all(), ==, ESP_OK);
    idle_runners_are_replaced();
    a_function_that_is_cut_has_failed();
    SCENARIO_CHECK(!system_safe_mode_active());

    s_with_mutex = scenario_seed() % WAYS == WITH_A_MUTEX;
    if (s_with_mutex) {
        atomic_store(&s_sits, 1);
        SCENARIO_CHECK_INT(system_service_restart(s_victim.id), ==, ESP_OK);
        vTaskDelete(scripted_who_sits());
    } else {
        vTaskDelay(pdMS_TO_TICKS(scenario_seed() % 200));
        SCENARIO_CHECK(host_task_kill("supervisor"));
    }
    const char *const culprit = s_with_mutex ? "victim" : "supervisor";
    SCENARIO_CHECK(observer_wait(SYSTEM_EVENT_LAST_RESORT, culprit, 1, 2000));
    SCENARIO_CHECK(observer_last(SYSTEM_EVENT_LAST_RESORT, culprit, &seen));
    SCENARIO_CHECK_INT(seen.reason, ==,
                       s_with_mutex ? ESP_ERR_SYSTEM_LOCK_LOST : ESP_ERR_SYSTEM_NO_TASK_LEFT);
    vTaskDelay(pdMS_TO_TICKS(60000));
    SCENARIO_CHECK(!"the board restarts");
}

int main(int argc, char **argv)
{
    static const scenario_t s = {.name = "supervision_keeper_deleted",
                                 .run = run,
                                 .min_distinct_percent = 40,
                                 .expected_exit = HOST_EXIT_RESTART};
    return scenario_main(argc, argv, &s);
}
