// SPDX-License-Identifier: Apache-2.0
/*
 * The story: four modules made their mutex when they were first used. Two tasks that came first at
 * the same time made two, and each was locked out by nobody.
 *
 * Here tasks on both cores use each of these modules for the first time at once. Nothing is made
 * then: not one allocation, and what they did is all there.
 */
#include <stdatomic.h>
#include <stdio.h>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "system_service/app_manager.h"
#include "system_service/handler_monitor.h"
#include "system_service/log_control.h"
#include "system_service/request_response.h"
#include "system_service/service_dependencies.h"

#include "host_heap.h"
#include "scenario.h"
#include "system_up.h"

#define TASKS 4

static system_service_id_t owners[TASKS];
static system_event_type_t types[TASKS];
static _Atomic uint32_t ready, go, done;

static void serve(const system_request_t *request, void *user_data)
{
    (void)request;
    (void)user_data;
}

static void first_use(void *arg)
{
    const unsigned me = (unsigned)(uintptr_t)arg;
    static const char *const tags[TASKS] = {"tag0", "tag1", "tag2", "tag3"};
    system_request_stats_t requests;
    service_dependency_t needs[1];
    handler_stats_t handlers;
    app_info_t apps[1];
    size_t count = 1;

    atomic_fetch_add(&ready, 1);
    while (!atomic_load(&go)) {
        vTaskDelay(1);
    }
    SCENARIO_CHECK(log_control_add_tag(owners[me], tags[me]) == ESP_OK);
    SCENARIO_CHECK(system_request_serve(owners[me], types[me], serve, NULL) == ESP_OK);
    SCENARIO_CHECK(system_request_get_stats(&requests) == ESP_OK);
    SCENARIO_CHECK(app_manager_list(apps, &count) == ESP_OK);
    count = 1;
    SCENARIO_CHECK(dependencies_list(owners[me], needs, &count) == ESP_OK);
    SCENARIO_CHECK(handler_monitor_get(owners[me], &handlers) == ESP_OK);
    atomic_fetch_add(&done, 1);
    while (atomic_load(&go) != 2) {
        vTaskDelay(1);
    }
    atomic_fetch_add(&done, 1);
    vTaskDelete(NULL);
}

static void run(void)
{
    const system_secure_key_t key = system_up();
    char name[16];

    for (uintptr_t i = 0; i < TASKS; i++) {
        snprintf(name, sizeof(name), "owner%u", (unsigned)i);
        owners[i] = system_up_service(name);
        snprintf(name, sizeof(name), "type%u", (unsigned)i);
        types[i] = system_up_type(name);
        SCENARIO_CHECK(xTaskCreatePinnedToCore(first_use, "first", 4096, (void *)i, 5, NULL,
                                               (BaseType_t)(i % 2)) == pdPASS);
    }
    SCENARIO_CHECK(system_up_wait(&ready, TASKS, 10000));
    const uint64_t requests_before = host_heap_requests();
    atomic_store(&go, 1);
    SCENARIO_CHECK(system_up_wait(&done, TASKS, 60000));
    SCENARIO_CHECK_INT(host_heap_requests(), ==, requests_before);
    // Each registration took place once and is still there: nobody wrote over another's.
    for (unsigned i = 0; i < TASKS; i++) {
        esp_log_level_t level;
        snprintf(name, sizeof(name), "tag%u", i);
        SCENARIO_CHECK(log_control_get(name, &level) == ESP_OK);
        SCENARIO_CHECK(log_control_add_tag(owners[(i + 1) % TASKS], name) == ESP_ERR_LOG_TAG_TAKEN);
        SCENARIO_CHECK(system_request_serve(owners[i], types[i], serve, NULL) ==
                       ESP_ERR_REQUEST_HANDLER_EXISTS);
    }
    atomic_store(&go, 2);
    SCENARIO_CHECK(system_up_wait(&done, 2 * TASKS, 10000));
    system_down(key);
}

int main(int argc, char **argv)
{
    static const scenario_t s = {.name = "t05_mutexes_are_made_at_first_use", .run = run};
    return scenario_main(argc, argv, &s);
}
