// SPDX-License-Identifier: Apache-2.0
/*
 * The story: on its way into safe mode the system has the apps stopped by a lifecycle runner. Who
 * shut the system down at once was told ESP_ERR_TIMEOUT, and the system stayed half down, although
 * nothing hung: that runner had not had its turn yet. The end waits for what runners do now.
 *
 * Here nobody of the priority of workers has a turn for a while.
 */
#include <stdatomic.h>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "scenario.h"
#include "system_service/service_supervisor.h"
#include "system_up.h"

#define BUSY_MS 200

static _Atomic uint32_t s_busy, s_done;

static void be_in_the_way(void *arg)
{
    (void)arg;
    const TickType_t until = xTaskGetTickCount() + pdMS_TO_TICKS(BUSY_MS);
    atomic_fetch_add(&s_busy, 1);
    while ((int32_t)(until - xTaskGetTickCount()) > 0) {
        host_busy(1000);
    }
    atomic_fetch_add(&s_done, 1);
    vTaskDelete(NULL);
}

static void run(void)
{
    const system_secure_key_t key = system_up();
    vTaskPrioritySet(NULL, CONFIG_SYSTEM_WORKER_PRIORITY + 2);
    vTaskDelay(pdMS_TO_TICKS(20)); /* all are where they wait */
    for (BaseType_t core = 0; core < portNUM_PROCESSORS; core++) {
        SCENARIO_CHECK(xTaskCreatePinnedToCore(be_in_the_way, "busy", 4096, NULL,
                                               CONFIG_SYSTEM_WORKER_PRIORITY + 1, NULL,
                                               core) == pdPASS);
    }
    SCENARIO_CHECK(system_up_wait(&s_busy, portNUM_PROCESSORS, 1000));
    SCENARIO_CHECK_INT(system_safe_mode_enter("test"), ==, ESP_OK);
    vTaskDelay(pdMS_TO_TICKS(2)); /* the runner was asked */
    SCENARIO_CHECK_INT(system_safe_mode_leave(), ==, ESP_OK);
    system_down(key);
    SCENARIO_CHECK(system_up_wait(&s_done, portNUM_PROCESSORS, 10000));
}

int main(int argc, char **argv)
{
    static const scenario_t s = {.name = "w09_a_runner_is_at_work_at_the_end", .run = run};
    return scenario_main(argc, argv, &s);
}
