// SPDX-License-Identifier: Apache-2.0
/*
 * A service is restarted at random moments, while events for it arrive, while its handler runs,
 * with timers, loans and pool blocks in its hands. After 50 restarts a seed (a thousand in twenty)
 * every pool, subscription and timer is where it was.
 */
#include <string.h>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "ktest.h"
#include "scenario.h"
#include "scripted_service.h"
#include "system_service/event_timer.h"
#include "system_service/memory_pool.h"
#include "system_up.h"

#define RESTARTS 50

static scripted_t victim;
static system_service_id_t poster;
static _Atomic uint32_t stop, posting_done, leaks;

/* What it never gives back: the system has to. */
static void leak(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
    void *payload;
    (void)memory_pool_alloc(200);
    (void)system_event_loan(victim.id, 40, &payload);
    (void)system_event_post_every(victim.id, victim.work, NULL, 0, SYSTEM_EVENT_PRIORITY_LOW, 3,
                                  NULL);
    atomic_fetch_add(&leaks, 1);
}

static esp_err_t leaky_start(system_service_id_t id, void *arg)
{
    (void)arg;
    return system_event_subscribe(id, victim.work, leak, NULL);
}

static void keep_posting(void *arg)
{
    (void)arg;
    while (!atomic_load(&stop)) {
        (void)scripted_post(&victim, poster);
        vTaskDelay(host_random_u32() % 3);
    }
    atomic_store(&posting_done, 1);
    vTaskDelete(NULL);
}

static uint32_t blocks_in_use(void)
{
    uint32_t used = 0;
    for (int n = 0; n < MEMORY_POOL_CLASSES; n++) {
        memory_pool_stats_t stats;
        SCENARIO_CHECK(memory_pool_get_stats((memory_pool_class_t)n, &stats) == ESP_OK);
        used += stats.used;
    }
    return used;
}

static void run(void)
{
    uint32_t subscriptions_before, subscriptions;
    const system_secure_key_t key = system_up();
    poster = system_up_service("poster");
    scripted_prepare(&victim, "victim", NULL);
    victim.descriptor.lifecycle = (system_service_lifecycle_t){.start = leaky_start};
    victim.descriptor.own_worker = scenario_seed() % 2;
    scripted_register(&victim);
    SCENARIO_CHECK_INT(system_service_start(victim.id), ==, ESP_OK);
    SCENARIO_CHECK(system_service_get_stats(key, NULL, NULL, &subscriptions_before) == ESP_OK);
    const uint32_t before = blocks_in_use();
    SCENARIO_CHECK(xTaskCreate(keep_posting, "poster", 4096, NULL, 5, NULL) == pdPASS);
    for (uint32_t n = 1; n <= RESTARTS; n++) {
        SCENARIO_CHECK(system_up_wait(&leaks, atomic_load(&leaks) + host_random_u32() % 3, 10000));
        while (system_service_restart(victim.id) != ESP_OK) {
            vTaskDelay(1);
        }
        for (int i = 0; scripted_info(victim.id).restart_count < n; i++) {
            SCENARIO_CHECK(i < ktest_polls(20000));
            vTaskDelay(1);
        }
    }
    atomic_store(&stop, 1);
    SCENARIO_CHECK(system_up_wait(&posting_done, 1, 10000));
    SCENARIO_CHECK_INT(scripted_info(victim.id).fault_count, ==, 0);
    SCENARIO_CHECK(atomic_load(&leaks) > RESTARTS / 2);
    SCENARIO_CHECK_INT(system_service_restart(victim.id), ==, ESP_OK);
    while (scripted_info(victim.id).restart_count < RESTARTS + 1) {
        vTaskDelay(1);
    }
    vTaskDelay(pdMS_TO_TICKS(20));
    SCENARIO_CHECK(system_service_get_stats(key, NULL, NULL, &subscriptions) == ESP_OK);
    SCENARIO_CHECK_INT(subscriptions, ==, subscriptions_before);
    SCENARIO_CHECK_INT(system_service_stop(victim.id), ==, ESP_OK);
    vTaskDelay(pdMS_TO_TICKS(20)); /* nobody allocates or frees now */
    SCENARIO_CHECK_INT(memory_pool_check(), ==, ESP_OK);
    SCENARIO_CHECK_INT(blocks_in_use(), <=, before + 1); /* a health report may be retained */
    system_down(key);
}

int main(int argc, char **argv)
{
    static const scenario_t s = {.name = "supervision_random_restarts", .run = run};
    return scenario_main(argc, argv, &s);
}
