// SPDX-License-Identifier: Apache-2.0
/*
 * Three services under one supervisor, the second needs the first. With one_for_all all three
 * restart when one fails; with rest_for_one only those that need it; with one_for_one it alone.
 * When the supervisor's restarts are used up its parent restarts everything below it, and when
 * those are, too, the services are given up. A service outside never notices.
 */
#include <string.h>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "ktest.h"
#include "scenario.h"
#include "scripted_service.h"
#include "system_service/memory_pool.h"
#include "system_up.h"

enum {
    FIRST,
    SECOND,
    THIRD,
    MEMBERS
};

static scripted_t members[MEMBERS], outside;

static uint32_t restarts(unsigned n)
{
    return scripted_info(members[n].id).restart_count;
}

static void all_run(void)
{
    for (unsigned n = 0; n < MEMBERS; n++) {
        SCENARIO_CHECK(scripted_wait_state(members[n].id, SYSTEM_SERVICE_STATE_RUNNING, 20000));
    }
}

static void fail_and_settle(unsigned n)
{
    const uint32_t before = restarts(n);
    SCENARIO_CHECK_INT(system_service_report_fault(members[n].id, ESP_FAIL), ==, ESP_OK);
    for (int i = 0; restarts(n) == before; i++) {
        SCENARIO_CHECK(i < ktest_polls(20000));
        vTaskDelay(1);
    }
    vTaskDelay(pdMS_TO_TICKS(100));
    all_run();
}

static void run(void)
{
    static const char *const names[MEMBERS] = {"first", "second", "third"};
    static const char *const needs[] = {"first", NULL};
    const system_secure_key_t key = system_up();
    const system_strategy_t strategy = (system_strategy_t)(scenario_seed() % 3);
    const system_supervisor_config_t above = {.name = "above", .max_restarts = 1};
    system_supervisor_config_t config = {.name = "group", .strategy = strategy, .max_restarts = 2};
    system_supervisor_t group;
    (void)observer_start();
    SCENARIO_CHECK_INT(system_supervisor_create(&above, &config.parent), ==, ESP_OK);
    SCENARIO_CHECK_INT(system_supervisor_create(&config, &group), ==, ESP_OK);
    for (unsigned n = 0; n < MEMBERS; n++) {
        scripted_prepare(&members[n], names[n], n == SECOND ? needs : NULL);
        members[n].watchdog.max_restart_attempts = 10;
        scripted_register(&members[n]);
        SCENARIO_CHECK_INT(system_supervisor_assign(members[n].id, group), ==, ESP_OK);
    }
    scripted_prepare(&outside, "outside", NULL);
    scripted_register(&outside);
    SCENARIO_CHECK_INT(system_service_start_all(), ==, ESP_OK);

    fail_and_settle(FIRST);
    SCENARIO_CHECK_INT(restarts(SECOND), ==, strategy != SYSTEM_STRATEGY_ONE_FOR_ONE);
    SCENARIO_CHECK_INT(restarts(THIRD), ==, strategy == SYSTEM_STRATEGY_ONE_FOR_ALL);
    const uint32_t second = restarts(SECOND);
    fail_and_settle(THIRD);
    SCENARIO_CHECK_INT(restarts(SECOND), ==, second + (strategy == SYSTEM_STRATEGY_ONE_FOR_ALL));

    /* The group's two restarts are used up: the parent restarts all of it, once. */
    const uint32_t first = restarts(FIRST);
    fail_and_settle(THIRD);
    SCENARIO_CHECK_INT(restarts(FIRST), ==, first + 1);
    SCENARIO_CHECK_INT(system_service_report_fault(members[THIRD].id, ESP_FAIL), ==, ESP_OK);
    for (unsigned n = 0; n < MEMBERS; n++) {
        SCENARIO_CHECK(scripted_wait_state(members[n].id, SYSTEM_SERVICE_STATE_ERROR, 20000));
    }
    SCENARIO_CHECK_INT(system_safe_mode_active(), ==, false);
    SCENARIO_CHECK_INT(scripted_info(outside.id).state, ==, SYSTEM_SERVICE_STATE_RUNNING);
    SCENARIO_CHECK_INT(atomic_load(&outside.calls[SCRIPTED_START]), ==, 1);
    SCENARIO_CHECK_INT(memory_pool_check(), ==, ESP_OK);
    system_down(key);
}

int main(int argc, char **argv)
{
    static const scenario_t s = {.name = "supervision_groups", .run = run};
    return scenario_main(argc, argv, &s);
}
