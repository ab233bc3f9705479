// SPDX-License-Identifier: Apache-2.0
/*
 * A service hangs again and again with a mutex in its hands: its tasks cannot be ended without
 * breaking others. Each is set aside and a spare worker takes its place, until there is no spare
 * any more: then the system goes into safe mode and says why. What is critical goes on all the
 * while. A stop() that hangs like that is set aside, too, and the system refuses to be taken down
 * under it.
 */
#include <string.h>

#include "freertos/FreeRTOS.h"
#include "freertos/semphr.h"
#include "freertos/task.h"

#include "ktest.h"
#include "scenario.h"
#include "scripted_service.h"
#include "system_up.h"

#define HANGS (CONFIG_SYSTEM_WORKER_SPARES + 1)

static scripted_t victim, critical;
static SemaphoreHandle_t mutexes[HANGS + 1];
static _Atomic uint32_t taken, let_go, back;

static void hold_and_hang(void)
{
    SemaphoreHandle_t mutex = mutexes[atomic_fetch_add(&taken, 1)];
    SCENARIO_CHECK(xSemaphoreTake(mutex, portMAX_DELAY) == pdTRUE);
    while (!atomic_load(&let_go)) {
        vTaskDelay(pdMS_TO_TICKS(20));
    }
    SCENARIO_CHECK(xSemaphoreGive(mutex) == pdTRUE);
    atomic_fetch_add(&back, 1);
}

static void on_work(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
    hold_and_hang();
}

static esp_err_t start_victim(system_service_id_t id, void *arg)
{
    (void)arg;
    return system_event_subscribe(id, victim.work, on_work, NULL);
}

static esp_err_t stop_victim(system_service_id_t id, void *arg)
{
    (void)id;
    (void)arg;
    if (atomic_load(&taken) == HANGS) {
        hold_and_hang();
    }
    return ESP_OK;
}

static void check_critical(system_service_id_t poster)
{
    const uint32_t before = atomic_load(&critical.calls[SCRIPTED_HANDLER]);
    SCENARIO_CHECK_INT(scripted_post(&critical, poster), ==, ESP_OK);
    SCENARIO_CHECK(system_up_wait(&critical.calls[SCRIPTED_HANDLER], before + 1, 10000));
}

static void run(void)
{
    watchdog_totals_t totals;
    const system_secure_key_t key = system_up();
    const system_service_id_t poster = system_up_service("poster");
    (void)observer_start();
    for (int i = 0; i <= HANGS; i++) {
        mutexes[i] = xSemaphoreCreateMutex();
    }
    scripted_prepare(&victim, "victim", NULL);
    scripted_prepare(&critical, "critical", NULL);
    victim.descriptor.lifecycle =
        (system_service_lifecycle_t){.start = start_victim, .stop = stop_victim};
    victim.watchdog.max_restart_attempts = 10;
    critical.watchdog.is_critical = true;
    scripted_register(&victim);
    scripted_register(&critical);
    SCENARIO_CHECK_INT(system_service_start_all(), ==, ESP_OK);

    for (uint32_t n = 1; n <= HANGS; n++) {
        SCENARIO_CHECK_INT(system_safe_mode_active(), ==, false);
        SCENARIO_CHECK_INT(scripted_post(&victim, poster), ==, ESP_OK);
        SCENARIO_CHECK(observer_wait(SYSTEM_EVENT_SERVICE_RESTARTING, "victim", n, 20000));
        SCENARIO_CHECK(scripted_wait_state(
            victim.id, n < HANGS ? SYSTEM_SERVICE_STATE_RUNNING : SYSTEM_SERVICE_STATE_STOPPED,
            20000));
        check_critical(poster);
        if (n == 1) { /* what was set aside was of the run before: this stop has nothing to say */
            SCENARIO_CHECK_INT(system_service_stop(victim.id), ==, ESP_OK);
            SCENARIO_CHECK_INT(system_service_start(victim.id), ==, ESP_OK);
        }
    }
    SCENARIO_CHECK(observer_wait(SYSTEM_EVENT_SAFE_MODE_ENTERED, NULL, 1, 1000));
    SCENARIO_CHECK_INT(watchdog_get_totals(&totals), ==, ESP_OK);
    SCENARIO_CHECK_INT(atomic_load(&taken), ==, HANGS + 1); /* and stop() */
    SCENARIO_CHECK_INT(totals.quarantined_tasks, ==, HANGS + 1);
    SCENARIO_CHECK_INT(system_service_deinit(key), ==, ESP_ERR_SERVICE_STOP_TIMEOUT);

    atomic_store(&let_go, 1); /* all come back after all */
    SCENARIO_CHECK(system_up_wait(&back, HANGS + 1, 10000));
    for (int i = 0; totals.quarantined_tasks != 0; i++) {
        SCENARIO_CHECK(i < ktest_polls(5000));
        vTaskDelay(1);
        SCENARIO_CHECK_INT(watchdog_get_totals(&totals), ==, ESP_OK);
    }
    system_down(key);
}

int main(int argc, char **argv)
{
    static const scenario_t s = {.name = "supervision_cannot_be_ended", .run = run};
    return scenario_main(argc, argv, &s);
}
