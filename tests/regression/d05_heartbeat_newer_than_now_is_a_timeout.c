// SPDX-License-Identifier: Apache-2.0
/*
 * The story: "now" was read before the lock was taken and the difference was unsigned. A heartbeat
 * that came in between was newer than "now", which gave a silence of 49 days: an instant timeout.
 * Heartbeats that did not get the lock in 10 ms were dropped.
 *
 * Here two tasks send heartbeats without a pause while the supervisor looks every few milliseconds:
 * none is lost, none is a timeout.
 */
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "scenario.h"
#include "scripted_service.h"
#include "system_up.h"

#define SENDERS 2
#define BEATS   400

static system_service_id_t service;
static _Atomic uint32_t ended;

static void beat(void *arg)
{
    (void)arg;
    SCENARIO_CHECK_INT(system_service_attach_task(service), ==, ESP_OK);
    for (unsigned n = 0; n < BEATS; n++) {
        SCENARIO_CHECK_INT(system_service_heartbeat(service), ==, ESP_OK);
        if (n % 4 == 0) {
            vTaskDelay(1);
        }
    }
    SCENARIO_CHECK_INT(system_service_detach_task(), ==, ESP_OK);
    atomic_fetch_add(&ended, 1);
    vTaskDelete(NULL);
}

static void run(void)
{
    /* Short enough to be looked at all the time; threads of a busy machine may be late. */
    const service_watchdog_config_t config = {.timeout_ms =
                                                  host_sched() == HOST_SCHED_SIM ? 10 : 5000};
    service_watchdog_stats_t stats;
    const system_secure_key_t key = system_up();
    service = system_up_service("service");
    SCENARIO_CHECK_INT(watchdog_register_service(service, &config), ==, ESP_OK);
    SCENARIO_CHECK_INT(system_service_set_state(service, SYSTEM_SERVICE_STATE_RUNNING), ==, ESP_OK);
    for (int n = 0; n < SENDERS; n++) {
        SCENARIO_CHECK(xTaskCreate(beat, "beat", 4096, NULL, 5, NULL) == pdPASS);
    }
    SCENARIO_CHECK(system_up_wait(&ended, SENDERS, 60000));
    SCENARIO_CHECK_INT(watchdog_get_stats(service, &stats), ==, ESP_OK);
    SCENARIO_CHECK_INT(stats.heartbeats, ==, SENDERS * BEATS);
    SCENARIO_CHECK_INT(stats.timeouts, ==, 0);
    SCENARIO_CHECK_INT(scripted_info(service).state, ==, SYSTEM_SERVICE_STATE_RUNNING);
    system_down(key);
}

int main(int argc, char **argv)
{
    static const scenario_t s = {.name = "d05_heartbeat_newer_than_now_is_a_timeout", .run = run};
    return scenario_main(argc, argv, &s);
}
