// SPDX-License-Identifier: Apache-2.0
/*
 * Somebody deletes the task of a worker where nothing can be taken back: while it looks for work,
 * in a handler that holds a mutex, or inside a call of ours. It is announced, and the board
 * restarts into safe mode.
 */
#include <stdatomic.h>

#include "freertos/FreeRTOS.h"
#include "freertos/semphr.h"
#include "freertos/task.h"

#include "host_system.h"
#include "ktest.h"
#include "scenario.h"
#include "scripted_service.h"
#include "system_service/request_response.h"
#include "system_up.h"

enum {
    IDLE,
    WITH_A_MUTEX,
    IN_A_CALL,
    WAYS
};

static scripted_t s_victim;
static system_service_id_t s_silent;
static system_event_type_t s_ask;
static SemaphoreHandle_t s_mutex;
static _Atomic(TaskHandle_t) s_task;

static unsigned way(void)
{
    return (unsigned)(scenario_seed() % WAYS);
}

static void no_answer(const system_request_t *request, void *user_data)
{
    (void)request;
    (void)user_data;
}

static void on_work(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
    if (way() == WITH_A_MUTEX) {
        SCENARIO_CHECK(xSemaphoreTake(s_mutex, portMAX_DELAY) == pdTRUE);
    }
    atomic_store(&s_task, xTaskGetCurrentTaskHandle());
    if (way() == IN_A_CALL) {
        (void)system_request_sync(s_victim.id, s_silent, s_ask, NULL, 0, 200, NULL, NULL, 60000);
    }
    for (;;) {
        vTaskDelay(pdMS_TO_TICKS(20));
    }
}

static esp_err_t start(system_service_id_t id, void *arg)
{
    (void)arg;
    return system_event_subscribe(id, s_victim.work, on_work, NULL);
}

static void run(void)
{
    observed_t seen;
    (void)system_up();
    const system_service_id_t poster = system_up_service("poster");
    s_silent = system_up_service("silent");
    s_ask = system_up_type("silent.ask");
    s_mutex = xSemaphoreCreateMutex();
    SCENARIO_CHECK_INT(system_request_serve(s_silent, s_ask, no_answer, NULL), ==, ESP_OK);
    (void)observer_start();
    scripted_prepare(&s_victim, "victim", NULL);
    s_victim.descriptor.lifecycle = (system_service_lifecycle_t){.start = start};
    scripted_register(&s_victim);
    SCENARIO_CHECK_INT(system_service_start_all(), ==, ESP_OK);
    if (way() == IDLE) {
        vTaskDelay(pdMS_TO_TICKS(100));
        SCENARIO_CHECK(host_task_kill("ev_general"));
    } else {
        SCENARIO_CHECK_INT(scripted_post(&s_victim, poster), ==, ESP_OK);
        for (int ms = 0; atomic_load(&s_task) == NULL; ms++) {
            SCENARIO_CHECK(ms < ktest_polls(5000));
            vTaskDelay(pdMS_TO_TICKS(1));
        }
        vTaskDelay(pdMS_TO_TICKS(5));
        vTaskDelete(atomic_load(&s_task));
    }
    const char *const culprit = way() == IDLE ? "event_worker" : "victim";
    SCENARIO_CHECK(observer_wait(SYSTEM_EVENT_LAST_RESORT, culprit, 1, 2000));
    SCENARIO_CHECK(observer_last(SYSTEM_EVENT_LAST_RESORT, culprit, &seen));
    SCENARIO_CHECK_INT(seen.reason, ==, ESP_ERR_SYSTEM_LOCK_LOST);
    for (int ms = 0; !system_safe_mode_active(); ms++) { // it is announced first
        SCENARIO_CHECK(ms < ktest_polls(1000));
        vTaskDelay(pdMS_TO_TICKS(1));
    }
    vTaskDelay(pdMS_TO_TICKS(60000));
    SCENARIO_CHECK(!"the board restarts");
}

int main(int argc, char **argv)
{
    static const scenario_t s = {.name = "supervision_worker_lost",
                                 .run = run,
                                 .min_distinct_percent = 40,
                                 .expected_exit = HOST_EXIT_RESTART};
    return scenario_main(argc, argv, &s);
}
