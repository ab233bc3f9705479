// SPDX-License-Identifier: Apache-2.0
/*
 * The story: a handler's time was measured when it returned; one that never did stopped the whole
 * bus, and nothing watched the bus. (D7: the service's heartbeats came from a task of their own, so
 * it went on looking healthy.)
 *
 * Here the handler hangs with a mutex in its hands, so its task cannot be ended without breaking
 * others: it is set aside, a fresh worker takes its place, and all others go on. Its own attached
 * task sends heartbeats all the while and does not save it.
 */
#include "freertos/FreeRTOS.h"
#include "freertos/semphr.h"
#include "freertos/task.h"

#include "ktest.h"
#include "scenario.h"
#include "scripted_service.h"
#include "system_up.h"

static scripted_t victim, other;
static SemaphoreHandle_t mutex;
static _Atomic uint32_t let_go, came_back, stop, ended;

static void hold_and_hang(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
    SCENARIO_CHECK(xSemaphoreTake(mutex, portMAX_DELAY) == pdTRUE);
    while (!atomic_load(&let_go)) {
        vTaskDelay(pdMS_TO_TICKS(20));
    }
    SCENARIO_CHECK(xSemaphoreGive(mutex) == pdTRUE);
    atomic_store(&came_back, 1);
}

static esp_err_t start_victim(system_service_id_t id, void *arg)
{
    (void)arg;
    return system_event_subscribe(id, victim.work, hold_and_hang, NULL);
}

static void keep_beating(void *arg)
{
    (void)arg;
    SCENARIO_CHECK_INT(system_service_attach_task(victim.id), ==, ESP_OK);
    while (!atomic_load(&stop)) {
        SCENARIO_CHECK_INT(system_service_heartbeat(victim.id), ==, ESP_OK);
        vTaskDelay(pdMS_TO_TICKS(100));
    }
    SCENARIO_CHECK_INT(system_service_detach_task(), ==, ESP_OK);
    atomic_store(&ended, 1);
    vTaskDelete(NULL);
}

static void run(void)
{
    watchdog_totals_t totals;
    const system_secure_key_t key = system_up();
    const system_service_id_t poster = system_up_service("poster");
    (void)observer_start();
    mutex = xSemaphoreCreateMutex();
    scripted_prepare(&victim, "victim", NULL);
    scripted_prepare(&other, "other", NULL);
    victim.descriptor.lifecycle = (system_service_lifecycle_t){.start = start_victim};
    scripted_register(&victim);
    scripted_register(&other);
    SCENARIO_CHECK_INT(system_service_start_all(), ==, ESP_OK);
    SCENARIO_CHECK(xTaskCreate(keep_beating, "beats", 4096, NULL, 4, NULL) == pdPASS);
    SCENARIO_CHECK_INT(scripted_post(&victim, poster), ==, ESP_OK);
    for (uint32_t n = 1; observer_count(SYSTEM_EVENT_SERVICE_RECOVERED, "victim") == 0; n++) {
        SCENARIO_CHECK(n < (uint32_t)ktest_polls(300));
        SCENARIO_CHECK_INT(scripted_post(&other, poster), ==, ESP_OK);
        SCENARIO_CHECK(system_up_wait(&other.calls[SCRIPTED_HANDLER], n, 10000));
        vTaskDelay(pdMS_TO_TICKS(50));
    }
    SCENARIO_CHECK_INT(watchdog_get_totals(&totals), ==, ESP_OK);
    SCENARIO_CHECK_INT(totals.quarantined_tasks, ==, 1);
    SCENARIO_CHECK_INT(scripted_info(victim.id).last_error, ==, ESP_ERR_SERVICE_HANG);
    atomic_store(&let_go, 1); /* it comes back after all: its worker ends by itself */
    SCENARIO_CHECK(system_up_wait(&came_back, 1, 10000));
    for (int i = 0; totals.quarantined_tasks != 0; i++) {
        SCENARIO_CHECK(i < ktest_polls(5000));
        vTaskDelay(1);
        SCENARIO_CHECK_INT(watchdog_get_totals(&totals), ==, ESP_OK);
    }
    atomic_store(&stop, 1);
    SCENARIO_CHECK(system_up_wait(&ended, 1, 10000));
    vSemaphoreDelete(mutex);
    system_down(key);
}

int main(int argc, char **argv)
{
    static const scenario_t s = {.name = "d08_a_hung_handler_stops_the_bus", .run = run};
    return scenario_main(argc, argv, &s);
}
