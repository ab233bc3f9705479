// SPDX-License-Identifier: Apache-2.0
/*
 * The story, as the torture test told it after 19,425 systems: two services were slow in handlers
 * of HIGH events, and two in handlers of NORMAL ones. The first two had the express workers, the
 * others the general ones, and CRITICAL events, for which express workers are there, waited until
 * the lane of their subscriber was full and the next was refused.
 *
 * Here all of them are slow for as long, again and again; CRITICAL comes every few milliseconds.
 */
#include <stdatomic.h>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "scenario.h"
#include "system_up.h"

#define SLOW     6
#define SLOW_MS  150
#define ALARMS   60
#define ALARM_MS 10
#define LATE_US  20000

static _Atomic uint32_t s_heard, s_ran[SLOW];

static void be_slow(const system_event_t *event, void *user_data)
{
    (void)event;
    atomic_fetch_add(&s_ran[(uintptr_t)user_data], 1);
    vTaskDelay(pdMS_TO_TICKS(SLOW_MS));
}

static void on_alarm(const system_event_t *event, void *user_data)
{
    (void)user_data;
    const uint64_t late = host_now_us() - (uint64_t)event->timestamp_us;
    SCENARIO_CHECK(host_sched() != HOST_SCHED_SIM || late <= LATE_US);
    atomic_fetch_add(&s_heard, 1);
}

static void run(void)
{
    static const char *const names[SLOW] = {"high0", "high1", "high2", "high3", "low0", "low1"};
    static const char *const types[SLOW] = {"slow.high0", "slow.high1", "slow.high2",
                                            "slow.high3", "slow.low0",  "slow.low1"};
    system_service_id_t ids[SLOW];
    system_event_type_t slow[SLOW];
    const system_secure_key_t key = system_up();
    const system_service_id_t canary = system_up_service("canary");
    const system_event_type_t alarm = system_up_type("test.alarm");
    SCENARIO_CHECK_INT(system_event_subscribe(canary, alarm, on_alarm, NULL), ==, ESP_OK);
    for (uintptr_t n = 0; n < SLOW; n++) {
        ids[n] = system_up_service(names[n]);
        slow[n] = system_up_type(types[n]);
        SCENARIO_CHECK_INT(system_event_subscribe(ids[n], slow[n], be_slow, (void *)n), ==, ESP_OK);
    }
    for (uint32_t n = 0; n < ALARMS; n++) {
        for (unsigned i = 0; i < SLOW && n % 12 == 0; i++) {
            SCENARIO_CHECK_INT(system_event_post(ids[i], slow[i], NULL, 0,
                                                 i < 4 ? SYSTEM_EVENT_PRIORITY_HIGH
                                                       : SYSTEM_EVENT_PRIORITY_NORMAL),
                               ==, ESP_OK);
        }
        /* The PC may keep a worker's thread from beginning for as long as it takes to fill the
         * lane: in time is a promise that only virtual time can be held to. */
        if (host_sched() != HOST_SCHED_SIM && n > 4) {
            SCENARIO_CHECK(system_up_wait(&s_heard, n - 4, 60000));
        }
        SCENARIO_CHECK_INT(
            system_event_post(canary, alarm, NULL, 0, SYSTEM_EVENT_PRIORITY_CRITICAL), ==, ESP_OK);
        vTaskDelay(pdMS_TO_TICKS(ALARM_MS));
    }
    SCENARIO_CHECK(system_up_wait(&s_heard, ALARMS, 1000));
    for (unsigned i = 0; i < SLOW; i++) { /* late, yet not forgotten */
        SCENARIO_CHECK(system_up_wait(&s_ran[i], ALARMS / 12, 10000));
    }
    vTaskDelay(pdMS_TO_TICKS(2 * SLOW_MS));
    system_down(key);
}

int main(int argc, char **argv)
{
    static const scenario_t s = {.name = "w07_high_takes_both_express_workers", .run = run};
    return scenario_main(argc, argv, &s);
}
