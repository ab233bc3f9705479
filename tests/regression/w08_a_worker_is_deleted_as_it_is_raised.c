// SPDX-License-Identifier: Apache-2.0
/*
 * The story: something urgent comes for a service whose handler runs, so the poster raises the
 * worker. It looked whether that worker was there, and called vTaskPrioritySet() on its task. In
 * between somebody else deleted the task, on the other core: a panic in the poster. Look and call
 * are one critical section now, and so is what makes the handle void.
 *
 * Here the linker gives vTaskPrioritySet() to a function that takes its time on a worker's task,
 * during which the task is deleted.
 */
#include <stdatomic.h>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "caught_calls.h"
#include "scenario.h"
#include "scripted_service.h"
#include "system_up.h"

#define ROUNDS 2

static scripted_t s_service;
static _Atomic(TaskHandle_t) s_victim;
static _Atomic uint32_t s_round; // the outsider strikes once in each
static _Atomic uint32_t s_strikes, s_done;

void __wrap_vTaskPrioritySet(TaskHandle_t task, UBaseType_t priority)
{
    if (task != NULL && task == atomic_load(&s_victim)) {
        const uint32_t round = atomic_fetch_add(&s_round, 1) + 1;
        for (unsigned n = 0; n < 100000 && atomic_load(&s_strikes) < round; n++) {
            host_busy(100); // on the other core somebody sees it
        }
        host_busy(1000); // and deletes
    }
    __real_vTaskPrioritySet(task, priority);
}

static void hang(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
    atomic_store(&s_victim, xTaskGetCurrentTaskHandle());
    for (;;) {
        vTaskDelay(1);
    }
}

static void urgent(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
}

static void outsider(void *arg)
{
    (void)arg;
    for (uint32_t round = 1; round <= ROUNDS; round++) {
        while (atomic_load(&s_round) < round) {
            vTaskDelay(1);
        }
        const TaskHandle_t victim = atomic_exchange(&s_victim, NULL);
        atomic_fetch_add(&s_strikes, 1);
        vTaskDelete(victim);
    }
    atomic_store(&s_done, 1);
    vTaskDelete(NULL);
}

static void run(void)
{
    const system_secure_key_t key = system_up();
    const system_service_id_t poster = system_up_service("poster");
    const system_event_type_t slow = system_up_type("w08.slow");
    const system_event_type_t fast = system_up_type("w08.fast");
    scripted_prepare(&s_service, "subject", NULL);
    scripted_register(&s_service);
    SCENARIO_CHECK_INT(system_service_start_all(), ==, ESP_OK);
    SCENARIO_CHECK(xTaskCreatePinnedToCore(outsider, "outsider", 4096, NULL,
                                           configMAX_PRIORITIES - 1, NULL,
                                           portNUM_PROCESSORS - 1) == pdPASS);
    for (uint32_t round = 1; round <= ROUNDS; round++) {
        SCENARIO_CHECK_INT(system_event_subscribe(s_service.id, slow, hang, NULL), ==, ESP_OK);
        SCENARIO_CHECK_INT(system_event_subscribe(s_service.id, fast, urgent, NULL), ==, ESP_OK);
        SCENARIO_CHECK_INT(system_event_post(poster, slow, NULL, 0, SYSTEM_EVENT_PRIORITY_LOW), ==,
                           ESP_OK);
        while (atomic_load(&s_victim) == NULL) {
            vTaskDelay(1);
        }
        SCENARIO_CHECK_INT(system_event_post(poster, fast, NULL, 0, SYSTEM_EVENT_PRIORITY_CRITICAL),
                           ==, ESP_OK);
        SCENARIO_CHECK(system_up_wait(&s_strikes, round, 10000));
        SCENARIO_CHECK(system_up_wait(&s_service.calls[SCRIPTED_START], round + 1, 10000));
        SCENARIO_CHECK(scripted_wait_state(s_service.id, SYSTEM_SERVICE_STATE_RUNNING, 10000));
    }
    SCENARIO_CHECK(system_up_wait(&s_done, 1, 10000));
    system_down(key);
}

int main(int argc, char **argv)
{
    static const scenario_t s = {.name = "w08_a_worker_is_deleted_as_it_is_raised", .run = run};
    return scenario_main(argc, argv, &s);
}
