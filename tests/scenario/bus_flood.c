// SPDX-License-Identifier: Apache-2.0
/*
 * A flood of LOW keeps one subscriber's mailbox full throughout. CRITICAL events to another
 * subscriber are neither refused nor later than without the flood; on the flooded subscriber itself
 * a CRITICAL event waits for the one handler that runs, and for nothing else.
 */
#include <stdatomic.h>

#include "esp_timer.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "event_internal.h"
#include "scenario.h"
#include "system_up.h"

#define ROUNDS         40
#define LOW_HANDLER_US 500u

static system_service_id_t poster, flooded, other;
static system_event_type_t low, to_other, to_flooded;
static _Atomic uint32_t stop, stopped, low_handled, low_refused, arrived;
static uint32_t latency_us[2][ROUNDS]; /* calm, flooded */
static unsigned phase, round_number;

static void on_low(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
    host_busy(LOW_HANDLER_US);
    atomic_fetch_add(&low_handled, 1);
}

static void on_critical(const system_event_t *event, void *user_data)
{
    (void)user_data;
    latency_us[phase][round_number] = (uint32_t)(esp_timer_get_time() - event->timestamp_us);
    atomic_fetch_add(&arrived, 1);
}

static void flood(void *arg)
{
    (void)arg;
    mailbox_t *mailbox = event_mailbox(system_id_slot(flooded));
    while (!atomic_load(&stop)) {
        if (system_event_post(poster, low, NULL, 0, SYSTEM_EVENT_PRIORITY_LOW) ==
            ESP_ERR_EVENT_QUEUE_FULL) {
            atomic_fetch_add(&low_refused, 1);
            SCENARIO_CHECK(mailbox->queue.high_water >= CONFIG_SYSTEM_QUEUE_LOW);
            vTaskDelay(1); /* the handler takes longer than a tick for two: it stays full */
        }
    }
    atomic_store(&stopped, 1);
    vTaskDelete(NULL);
}

static uint32_t worst(const uint32_t *values)
{
    uint32_t max = 0;
    for (unsigned i = 0; i < ROUNDS; i++) {
        max = values[i] > max ? values[i] : max;
    }
    return max;
}

static void post_criticals(system_event_type_t type)
{
    for (round_number = 0; round_number < ROUNDS; round_number++) {
        const uint32_t before = atomic_load(&arrived);
        system_post_result_t result;
        SCENARIO_CHECK(system_event_post_ex(poster, type, &round_number, sizeof(round_number),
                                            SYSTEM_EVENT_PRIORITY_CRITICAL, &result) == ESP_OK);
        SCENARIO_CHECK_INT(result.delivered, ==, 1);
        SCENARIO_CHECK(system_up_wait(&arrived, before + 1, 5000));
        vTaskDelay(1 + round_number % 3);
    }
}

static void run(void)
{
    const bool sim = host_sched() == HOST_SCHED_SIM;
    const system_secure_key_t key = system_up();
    poster = system_up_service("poster");
    flooded = system_up_service("flooded");
    other = system_up_service("other");
    low = system_up_type("flood.low");
    to_other = system_up_type("flood.critical_other");
    to_flooded = system_up_type("flood.critical_flooded");
    SCENARIO_CHECK(system_event_subscribe(flooded, low, on_low, NULL) == ESP_OK);
    SCENARIO_CHECK(system_event_subscribe(flooded, to_flooded, on_critical, NULL) == ESP_OK);
    SCENARIO_CHECK(system_event_subscribe(other, to_other, on_critical, NULL) == ESP_OK);

    vTaskPrioritySet(NULL,
                     CONFIG_SYSTEM_EXPRESS_PRIORITY + 1); /* a poster that is not kept waiting */
    phase = 0;
    post_criticals(to_other);
    SCENARIO_CHECK(xTaskCreatePinnedToCore(flood, "flood", 4096, NULL, 2, NULL, 1) == pdPASS);
    while (atomic_load(&low_refused) == 0) {
        vTaskDelay(1);
    }
    phase = 1;
    post_criticals(to_other);
    const uint32_t other_worst = worst(latency_us[1]);
    if (sim) { /* virtual time: only declared work takes any */
        SCENARIO_CHECK_INT(worst(latency_us[0]), <=, 10);
        SCENARIO_CHECK_INT(other_worst, <=, 10);
    }
    post_criticals(to_flooded);
    if (sim) {
        SCENARIO_CHECK_INT(worst(latency_us[1]), <=, LOW_HANDLER_US + 10);
    }
    SCENARIO_CHECK(atomic_load(&low_handled) > 0); /* LOW is late, not starved */
    atomic_store(&stop, 1);
    while (!atomic_load(&stopped)) {
        vTaskDelay(1);
    }
    system_down(key);
}

int main(int argc, char **argv)
{
    static const scenario_t s = {.name = "bus_flood", .run = run};
    return scenario_main(argc, argv, &s);
}
