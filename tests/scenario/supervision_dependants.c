// SPDX-License-Identifier: Apache-2.0
/*
 * base <- middle <- top, and one that needs none of them. While base restarts, middle and top are
 * paused: their events wait and none is lost. When base is given up they are stopped; when it is
 * started by hand they start by themselves. Starting and stopping keep the order.
 */
#include <string.h>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "scenario.h"
#include "scripted_service.h"
#include "system_service/memory_pool.h"
#include "system_up.h"

static scripted_t base, middle, top, alone;
static system_service_id_t poster;

static uint64_t when(system_event_type_t type, const char *name)
{
    observed_t o;
    SCENARIO_CHECK(observer_wait(type, name, 1, 10000));
    SCENARIO_CHECK(observer_last(type, name, &o));
    return o.at_us;
}

static void pause_and_resume(void)
{
    const uint32_t handled = atomic_load(&top.calls[SCRIPTED_HANDLER]);
    atomic_store(&base.fail[SCRIPTED_START], 1); /* so that the restart takes its time */
    SCENARIO_CHECK_INT(system_service_report_fault(base.id, ESP_ERR_SERVICE_CRASHED), ==, ESP_OK);
    SCENARIO_CHECK(observer_wait(SYSTEM_EVENT_SERVICE_PAUSED, "top", 1, 10000));
    SCENARIO_CHECK(observer_wait(SYSTEM_EVENT_SERVICE_PAUSED, "middle", 1, 10000));
    for (int i = 0; i < 8; i++) {
        SCENARIO_CHECK_INT(scripted_post(&top, poster), ==, ESP_OK);
    }
    SCENARIO_CHECK(observer_wait(SYSTEM_EVENT_SERVICE_RECOVERED, "base", 1, 20000));
    SCENARIO_CHECK(observer_wait(SYSTEM_EVENT_SERVICE_RESUMED, "top", 1, 10000));
    SCENARIO_CHECK(system_up_wait(&top.calls[SCRIPTED_HANDLER], handled + 8, 10000));
    SCENARIO_CHECK_INT(observer_count(SYSTEM_EVENT_SERVICE_RESUMED, "middle"), ==, 1);
    SCENARIO_CHECK_INT(observer_count(SYSTEM_EVENT_SERVICE_PAUSED, "alone"), ==, 0);
    SCENARIO_CHECK_INT(scripted_info(top.id).fault_count, ==, 0);
    SCENARIO_CHECK_INT(atomic_load(&top.calls[SCRIPTED_START]), ==, 1); /* paused, not restarted */
}

static void give_up_and_come_back(void)
{
    atomic_store(&base.fail[SCRIPTED_START], 1000);
    SCENARIO_CHECK_INT(system_service_report_fault(base.id, ESP_ERR_SERVICE_CRASHED), ==, ESP_OK);
    SCENARIO_CHECK(scripted_wait_state(base.id, SYSTEM_SERVICE_STATE_ERROR, 60000));
    SCENARIO_CHECK(scripted_wait_state(top.id, SYSTEM_SERVICE_STATE_STOPPED, 10000));
    SCENARIO_CHECK(scripted_wait_state(middle.id, SYSTEM_SERVICE_STATE_STOPPED, 10000));
    SCENARIO_CHECK(when(SYSTEM_EVENT_SERVICE_STOPPED, "top") <=
                   when(SYSTEM_EVENT_SERVICE_STOPPED, "middle"));
    SCENARIO_CHECK_INT(system_service_start(top.id), ==, ESP_ERR_SERVICE_DEPENDENCY_FAILED);
    SCENARIO_CHECK_INT(scripted_info(alone.id).state, ==, SYSTEM_SERVICE_STATE_RUNNING);
    atomic_store(&base.fail[SCRIPTED_START], 0);
    SCENARIO_CHECK_INT(system_service_start(base.id), ==, ESP_OK);
    SCENARIO_CHECK(scripted_wait_state(middle.id, SYSTEM_SERVICE_STATE_RUNNING, 10000));
    SCENARIO_CHECK(scripted_wait_state(top.id, SYSTEM_SERVICE_STATE_RUNNING, 10000));
}

static void run(void)
{
    static const char *const needs_base[] = {"base", NULL};
    static const char *const needs_middle[] = {"middle", NULL};
    memory_pool_stats_t pool;
    const system_secure_key_t key = system_up();
    poster = system_up_service("poster");
    (void)observer_start();
    scripted_prepare(&base, "base", NULL);
    scripted_prepare(&middle, "middle", needs_base);
    scripted_prepare(&top, "top", needs_middle);
    scripted_prepare(&alone, "alone", NULL);
    scripted_register(&top);
    scripted_register(&alone);
    SCENARIO_CHECK_INT(system_service_start(top.id), ==, ESP_ERR_SERVICE_DEPENDENCY_MISSING);
    scripted_register(&middle);
    scripted_register(&base);
    SCENARIO_CHECK_INT(system_service_start_all(), ==, ESP_OK);
    SCENARIO_CHECK(when(SYSTEM_EVENT_SERVICE_STARTED, "base") <=
                   when(SYSTEM_EVENT_SERVICE_STARTED, "middle"));
    SCENARIO_CHECK(when(SYSTEM_EVENT_SERVICE_STARTED, "middle") <=
                   when(SYSTEM_EVENT_SERVICE_STARTED, "top"));
    SCENARIO_CHECK_INT(system_service_unregister(base.id), ==, ESP_ERR_SERVICE_HAS_DEPENDANTS);

    pause_and_resume();
    give_up_and_come_back();

    SCENARIO_CHECK_INT(system_service_stop(base.id), ==, ESP_OK);
    SCENARIO_CHECK_INT(scripted_info(top.id).state, ==, SYSTEM_SERVICE_STATE_STOPPED);
    SCENARIO_CHECK_INT(scripted_info(middle.id).state, ==, SYSTEM_SERVICE_STATE_STOPPED);
    SCENARIO_CHECK_INT(system_service_start(top.id), ==, ESP_OK); /* and what it needs */
    SCENARIO_CHECK_INT(scripted_info(base.id).state, ==, SYSTEM_SERVICE_STATE_RUNNING);
    SCENARIO_CHECK_INT(system_service_stop_all(), ==, ESP_OK);
    vTaskDelay(pdMS_TO_TICKS(20));
    SCENARIO_CHECK(memory_pool_get_stats(MEMORY_POOL_SMALL, &pool) == ESP_OK);
    SCENARIO_CHECK_INT(pool.used, ==, 0);
    SCENARIO_CHECK_INT(memory_pool_check(), ==, ESP_OK);
    system_down(key);
}

int main(int argc, char **argv)
{
    static const scenario_t s = {.name = "supervision_dependants", .run = run};
    return scenario_main(argc, argv, &s);
}
