// SPDX-License-Identifier: Apache-2.0
/*
 * The story: "running" and "initialized" were plain bools that two cores shared. A start soon after
 * a stop found the old task still there, and left the system with two.
 *
 * Here the system goes down and comes up again at once, several times, with events in flight and
 * tasks on both cores that go on calling it. There are as many tasks as before each time.
 */
#include <stdatomic.h>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "scenario.h"
#include "system_up.h"

#define CYCLES 5

static _Atomic uint32_t handled, stop, asked, ended;

static void on_event(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
    atomic_fetch_add(&handled, 1);
}

// Asks the system how it is, whether it is up or not.
static void keep_asking(void *arg)
{
    (void)arg;
    while (!atomic_load(&stop)) {
        system_service_id_t id = SYSTEM_SERVICE_ID_NONE;
        const esp_err_t ret = system_service_find("subject", &id);
        SCENARIO_CHECK(ret == ESP_OK || ret == ESP_ERR_SERVICE_NOT_FOUND ||
                       ret == ESP_ERR_SYSTEM_NOT_INITIALIZED);
        (void)system_service_heartbeat(id);
        atomic_fetch_add(&asked, 1);
        vTaskDelay(1);
    }
    atomic_fetch_add(&ended, 1);
    vTaskDelete(NULL);
}

static uint32_t settled_tasks(void)
{
    // A task that has ended is counted until the idle task has buried it.
    vTaskDelay(pdMS_TO_TICKS(20));
    return uxTaskGetNumberOfTasks();
}

static void run(void)
{
    uint32_t down_before = 0, up_before = 0;

    for (int cycle = 0; cycle < CYCLES; cycle++) {
        const uint32_t down = settled_tasks();
        const system_secure_key_t key = system_up();
        SCENARIO_CHECK(system_service_init(NULL) == ESP_ERR_INVALID_STATE);
        const uint32_t up = settled_tasks();
        if (cycle == 0) {
            down_before = down;
            up_before = up;
            for (int core = 0; core < 2; core++) {
                SCENARIO_CHECK(xTaskCreatePinnedToCore(keep_asking, "asker", 4096, NULL, 3, NULL,
                                                       core) == pdPASS);
            }
        } else {
            SCENARIO_CHECK_INT(down, ==, down_before + 2);
            SCENARIO_CHECK_INT(up, ==, up_before + 2);
        }
        const system_service_id_t id = system_up_service("subject");
        const system_event_type_t type = system_up_type("test.event");
        SCENARIO_CHECK(system_event_subscribe(id, type, on_event, NULL) == ESP_OK);
        for (int i = 0; i < 10; i++) {
            SCENARIO_CHECK(system_event_post(id, type, NULL, 0, SYSTEM_EVENT_PRIORITY_NORMAL) ==
                           ESP_OK);
        }
        system_down(key);
        SCENARIO_CHECK(system_service_deinit(key) == ESP_ERR_SYSTEM_NOT_INITIALIZED);
    }
    atomic_store(&stop, 1);
    SCENARIO_CHECK(system_up_wait(&ended, 2, 10000));
    SCENARIO_CHECK_INT(asked, >, CYCLES);
    SCENARIO_CHECK_INT(settled_tasks(), ==, down_before);
}

int main(int argc, char **argv)
{
    static const scenario_t s = {.name = "t12_start_after_stop_makes_tasks_twice", .run = run};
    return scenario_main(argc, argv, &s);
}
