// SPDX-License-Identifier: Apache-2.0
/*
 * The story: two tasks unregister the same service at once. Both were told that it is stopped and
 * its belongings are taken back; the first forgot it, somebody else registered and got its place,
 * and the second, who passed the place on instead of the id, forgot that one: a service that its
 * owner thought was registered was not, and its id led nowhere.
 *
 * Here all other places are taken, so that the next owner can only get this one.
 */
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "scenario.h"
#include "system_up.h"

#define ROUNDS 10
#define TASKS  2

static _Atomic system_service_id_t s_old;
static _Atomic uint32_t s_ended, s_removed;

static void remover(void *arg)
{
    (void)arg;
    const esp_err_t ret = system_service_unregister(atomic_load(&s_old));
    SCENARIO_CHECK(ret == ESP_OK || ret == ESP_ERR_SERVICE_STALE_ID ||
                   ret == ESP_ERR_SERVICE_NOT_FOUND);
    atomic_fetch_add(&s_removed, ret == ESP_OK);
    atomic_fetch_add(&s_ended, 1);
    vTaskDelete(NULL);
}

/** @return how many places there were */
static uint32_t take_all_places(void)
{
    uint32_t taken = 0;
    for (;; taken++) {
        char name[16];
        system_service_id_t id;
        snprintf(name, sizeof(name), "filler%" PRIu32, taken);
        const esp_err_t ret = system_service_register(name, NULL, &id);
        if (ret == ESP_ERR_SERVICE_TABLE_FULL) {
            return taken;
        }
        SCENARIO_CHECK_INT(ret, ==, ESP_OK);
        atomic_store(&s_old, id);
    }
}

static void run(void)
{
    const system_secure_key_t key = system_up();
    vTaskPrioritySet(NULL, 5); // as the others: it takes its turns
    SCENARIO_CHECK_INT(take_all_places(), >, 1);
    for (unsigned round = 0; round < ROUNDS; round++) {
        system_service_id_t next;
        system_service_info_t info;
        const char *const name = round % 2 ? "odd" : "even";
        atomic_store(&s_ended, 0);
        atomic_store(&s_removed, 0);
        for (BaseType_t n = 0; n < TASKS; n++) {
            SCENARIO_CHECK(xTaskCreatePinnedToCore(remover, "remover", 4096, NULL, 5, NULL,
                                                   n % portNUM_PROCESSORS) == pdPASS);
        }
        esp_err_t ret;
        for (int i = 0; (ret = system_service_register(name, NULL, &next)) != ESP_OK; i++) {
            SCENARIO_CHECK_INT(ret, ==, ESP_ERR_SERVICE_TABLE_FULL);
            SCENARIO_CHECK(i < 1000000);
            taskYIELD();
        }
        SCENARIO_CHECK(system_up_wait(&s_ended, TASKS, 60000));
        SCENARIO_CHECK_INT(atomic_load(&s_removed), ==, 1);
        SCENARIO_CHECK_INT(system_service_get_info(next, &info), ==, ESP_OK);
        SCENARIO_CHECK_INT(info.id, ==, next);
        atomic_store(&s_old, next);
    }
    system_down(key);
}

int main(int argc, char **argv)
{
    static const scenario_t s = {.name = "w06_the_next_owner_is_forgotten", .run = run};
    return scenario_main(argc, argv, &s);
}
