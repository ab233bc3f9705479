// SPDX-License-Identifier: Apache-2.0
/*
 * The slow handlers of two services hold both general workers for longer than a third one's
 * timeout. The third is silent, but through no fault of its own: it is not restarted. CRITICAL
 * events reach it meanwhile, through the express workers.
 */
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "scenario.h"
#include "scripted_service.h"
#include "system_up.h"

static scripted_t hogs[2], starved;
static system_service_id_t poster;

static void run(void)
{
    const system_secure_key_t key = system_up();
    poster = system_up_service("poster");
    scripted_prepare(&hogs[0], "hog0", NULL);
    scripted_prepare(&hogs[1], "hog1", NULL);
    scripted_prepare(&starved, "starved", NULL);
    starved.watchdog.timeout_ms = 200;
    for (int i = 0; i < 2; i++) {
        scripted_register(&hogs[i]);
        atomic_store(&hogs[i].slow_ms, 1500);
    }
    scripted_register(&starved);
    SCENARIO_CHECK_INT(system_service_start_all(), ==, ESP_OK);
    for (int i = 0; i < 2; i++) {
        SCENARIO_CHECK_INT(scripted_post(&hogs[i], poster), ==, ESP_OK);
        SCENARIO_CHECK(system_up_wait(&hogs[i].calls[SCRIPTED_HANDLER], 1, 5000));
    }
    SCENARIO_CHECK_INT(scripted_post(&starved, poster), ==, ESP_OK); /* waits for a worker */
    vTaskDelay(pdMS_TO_TICKS(1000));
    SCENARIO_CHECK_INT(
        system_event_post(poster, starved.work, NULL, 0, SYSTEM_EVENT_PRIORITY_CRITICAL), ==,
        ESP_OK);
    SCENARIO_CHECK(system_up_wait(&starved.calls[SCRIPTED_HANDLER], 1, 5000));
    SCENARIO_CHECK(system_up_wait(&starved.calls[SCRIPTED_HANDLER], 2, 10000));
    SCENARIO_CHECK_INT(scripted_info(starved.id).fault_count, ==, 0);
    SCENARIO_CHECK_INT(scripted_info(hogs[0].id).fault_count, ==, 0);
    SCENARIO_CHECK_INT(scripted_info(hogs[1].id).fault_count, ==, 0);
    system_down(key);
}

int main(int argc, char **argv)
{
    static const scenario_t s = {.name = "supervision_starved", .run = run};
    return scenario_main(argc, argv, &s);
}
