// SPDX-License-Identifier: Apache-2.0
/*
 * The story: a quota was checked under a lock, the lock was let go, the thing was done, and then it
 * was counted under the lock again. Tasks that checked at the same time all passed.
 *
 * Here tasks race for the last places of each quota. What is granted is never more than the limit,
 * at any moment and in the end.
 */
#include <stdatomic.h>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "memory_utils.h"

#include "scenario.h"
#include "system_up.h"

#define TASKS      4
#define TRIES      4
#define SUBS_LIMIT 5u
#define BLOCK      1000u
#define MEM_LIMIT  (BLOCK * 6)

static system_service_id_t owner;
static system_event_type_t type;
static int contexts[TASKS][TRIES];
static _Atomic uint32_t go, done, subscribed, subs_refused, blocks, blocks_refused;

static void ignore(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
}

static void race(void *arg)
{
    const unsigned me = (unsigned)(uintptr_t)arg;
    while (!atomic_load(&go)) {
        vTaskDelay(1);
    }
    for (unsigned i = 0; i < TRIES; i++) {
        const esp_err_t ret = system_event_subscribe(owner, type, ignore, &contexts[me][i]);
        SCENARIO_CHECK(ret == ESP_OK || ret == ESP_ERR_QUOTA_SUBS_EXCEEDED);
        atomic_fetch_add(ret == ESP_OK ? &subscribed : &subs_refused, 1);
        if (system_mem_alloc(owner, BLOCK, MEMORY_PURPOSE_GENERAL) != NULL) {
            atomic_fetch_add(&blocks, 1);
        } else {
            atomic_fetch_add(&blocks_refused, 1);
        }
    }
    atomic_fetch_add(&done, 1);
    vTaskDelete(NULL);
}

static void run(void)
{
    const system_secure_key_t key = system_up();
    const service_quota_t quota = {.max_subscriptions = SUBS_LIMIT, .max_memory_bytes = MEM_LIMIT};
    quota_usage_t usage;

    owner = system_up_service("owner");
    type = system_up_type("test.event");
    SCENARIO_CHECK(quota_set(owner, &quota) == ESP_OK);
    for (uintptr_t i = 0; i < TASKS; i++) {
        SCENARIO_CHECK(xTaskCreate(race, "race", 4096, (void *)i, 5, NULL) == pdPASS);
    }
    atomic_store(&go, 1);
    SCENARIO_CHECK(system_up_wait(&done, TASKS, 60000));
    SCENARIO_CHECK(quota_get_usage(owner, &usage) == ESP_OK);
    SCENARIO_CHECK_INT(subscribed, ==, SUBS_LIMIT);
    SCENARIO_CHECK_INT(usage.subscriptions, ==, SUBS_LIMIT);
    SCENARIO_CHECK_INT(usage.violations[QUOTA_SUBSCRIPTIONS], ==, subs_refused);
    // A block may be charged with its bookkeeping, so one less than fits by its bare size is fine.
    SCENARIO_CHECK_INT(usage.memory_peak, <=, MEM_LIMIT);
    SCENARIO_CHECK_INT(usage.memory_bytes, >=, atomic_load(&blocks) * BLOCK);
    SCENARIO_CHECK_INT(blocks, >=, MEM_LIMIT / BLOCK - 1);
    SCENARIO_CHECK_INT(usage.violations[QUOTA_MEMORY], ==, blocks_refused);
    system_down(key);
}

int main(int argc, char **argv)
{
    static const scenario_t s = {.name = "d02_quota_check_and_count_are_two_steps", .run = run};
    return scenario_main(argc, argv, &s);
}
