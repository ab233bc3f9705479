// SPDX-License-Identifier: Apache-2.0
/*
 * The story: a fault that was injected ended its subscription by type before it struck. That went
 * through all subscriptions, one after the other: one that was made meanwhile for the next fault
 * was ended as well, with its event, and system_fault_inject() had returned ESP_OK for nothing.
 *
 * Here the next fault is injected as soon as it is accepted; each of them posts one event.
 */
#include <stdatomic.h>

#include "esp_random.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "scenario.h"
#include "system_service/fault_injection.h"
#include "system_up.h"

#define FAULTS    20
#define IN_FLIGHT 8

static _Atomic uint32_t posted;

static void on_flood(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
    atomic_fetch_add(&posted, 1);
}

static void run(void)
{
    static const service_quota_t wide = SYSTEM_UP_WIDE_QUOTA;
    static const system_service_descriptor_t own = {.own_worker = true}; /* on the other core */
    const system_secure_key_t key = system_up();
    system_service_id_t victim;
    SCENARIO_CHECK_INT(system_service_register("victim", &own, &victim), ==, ESP_OK);
    SCENARIO_CHECK_INT(quota_set(victim, &wide), ==, ESP_OK);
    const system_service_id_t listener = system_up_service("listener");
    SCENARIO_CHECK_INT(
        system_event_subscribe(listener, system_up_type("fault.flood"), on_flood, NULL), ==,
        ESP_OK);
    vTaskPrioritySet(NULL, CONFIG_SYSTEM_WORKER_PRIORITY + 1);
    for (uint32_t n = 0; n < FAULTS;) {
        const esp_err_t ret = system_fault_inject(victim, SYSTEM_FAULT_FLOOD, 1);
        SCENARIO_CHECK(ret == ESP_OK || ret == ESP_ERR_EVENT_ALREADY_SUBSCRIBED);
        n += ret == ESP_OK;
        while (posted + IN_FLIGHT < n) { // the listener's lane has room for them
            vTaskDelay(1);
        }
        if (esp_random() % 64 == 0) {
            vTaskDelay(1);
        }
    }
    SCENARIO_CHECK(system_up_wait(&posted, FAULTS, 5000));
    system_down(key);
}

int main(int argc, char **argv)
{
    static const scenario_t s = {.name = "w04_a_fault_unsubscribes_the_next", .run = run};
    return scenario_main(argc, argv, &s);
}
