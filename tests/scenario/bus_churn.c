// SPDX-License-Identifier: Apache-2.0
/*
 * Subscriptions come and go while events fly. After unsubscribe has returned the handler is not
 * running and does not run again: its context is poisoned at once, so a late call would be seen.
 * No event is delivered twice to one subscription, retained events included.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "event_internal.h"
#include "scenario.h"
#include "system_service/memory_pool.h"
#include "system_up.h"

#define CHURNERS 4
#define ROUNDS   60
#define ALIVE    0xA11FEu

typedef struct {
    uint32_t alive; /* plain on purpose: unsubscribe is what orders its accesses */
    uint32_t last;
    uint32_t calls;
} context_t;

static system_service_id_t poster, owners[CHURNERS];
static system_event_type_t type, retained;
static _Atomic uint32_t stop, churners_done, poster_done, numbers;

static void on_event(const system_event_t *event, void *user_data)
{
    context_t *context = user_data;
    SCENARIO_CHECK_INT(context->alive, ==, ALIVE);
    uint32_t number;
    memcpy(&number, event->data, sizeof(number));
    SCENARIO_CHECK_INT(number, >, context->last);
    context->last = number;
    context->calls++;
    if (number % 5 == 0) {
        vTaskDelay(1); /* be inside the handler when somebody unsubscribes */
    }
    SCENARIO_CHECK_INT(context->alive, ==, ALIVE);
}

static void subscribe(unsigned me, unsigned round, context_t *context, system_subscription_t *sub)
{
    static const system_overflow_t policies[] = {
        SYSTEM_OVERFLOW_REJECT, SYSTEM_OVERFLOW_DROP_OLDEST, SYSTEM_OVERFLOW_KEEP_LATEST};
    const system_subscription_config_t config = {.overflow = policies[round % 3]};
    *context = (context_t){.alive = ALIVE};
    const esp_err_t ret = round % 4 == 3
                              ? system_event_subscribe_pattern(owners[me], "churn.retained*",
                                                               on_event, context, &config, sub)
                              : system_event_subscribe_ex(owners[me], round % 2 ? type : retained,
                                                          on_event, context, &config, sub);
    SCENARIO_CHECK_INT(ret, ==, ESP_OK);
}

static void churn(void *arg)
{
    const unsigned me = (unsigned)(uintptr_t)arg;
    static context_t contexts[CHURNERS][3];
    system_subscription_t subs[3];
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned i = 0; i < 3; i++) {
            subscribe(me, round + i, &contexts[me][i], &subs[i]);
        }
        vTaskDelay((round + me) % 3);
        for (unsigned i = 0; i < 3; i++) {
            SCENARIO_CHECK_INT(system_event_unsubscribe(owners[me], subs[i]), ==, ESP_OK);
            memset(&contexts[me][i], 0xDD, sizeof(contexts[me][i]));
        }
    }
    atomic_fetch_add(&churners_done, 1);
    vTaskDelete(NULL);
}

static void keep_posting(void *arg)
{
    (void)arg;
    while (!atomic_load(&stop)) {
        const uint32_t number = atomic_fetch_add(&numbers, 1) + 1;
        const esp_err_t ret = system_event_post(poster, number % 2 ? type : retained, &number,
                                                sizeof(number), SYSTEM_EVENT_PRIORITY_NORMAL);
        SCENARIO_CHECK(ret == ESP_OK || ret == ESP_ERR_EVENT_QUEUE_FULL ||
                       ret == ESP_ERR_EVENT_NO_MEMORY);
        if (number % 3 == 0) {
            vTaskDelay(1);
        }
    }
    atomic_store(&poster_done, 1);
    vTaskDelete(NULL);
}

static void run(void)
{
    char name[16];
    memory_pool_stats_t pool;
    const system_secure_key_t key = system_up();
    poster = system_up_service("poster");
    type = system_up_type("churn.plain");
    retained = system_up_type("churn.retained");
    SCENARIO_CHECK(system_event_set_retained(retained, true) == ESP_OK);
    for (unsigned i = 0; i < CHURNERS; i++) {
        snprintf(name, sizeof(name), "owner%u", i);
        owners[i] = system_up_service(name);
    }
    SCENARIO_CHECK(xTaskCreate(keep_posting, "poster", 4096, NULL, 5, NULL) == pdPASS);
    for (uintptr_t i = 0; i < CHURNERS; i++) {
        SCENARIO_CHECK(xTaskCreate(churn, "churn", 4096, (void *)i, 4 + i % 3, NULL) == pdPASS);
    }
    SCENARIO_CHECK(system_up_wait(&churners_done, CHURNERS, 60000));
    atomic_store(&stop, 1);
    SCENARIO_CHECK(system_up_wait(&poster_done, 1, 10000));
    SCENARIO_CHECK_INT(event_subs_count(SYSTEM_SLOT_NONE), ==, 0);
    SCENARIO_CHECK(system_event_set_retained(retained, false) == ESP_OK);
    SCENARIO_CHECK(memory_pool_get_stats(MEMORY_POOL_SMALL, &pool) == ESP_OK);
    SCENARIO_CHECK_INT(pool.used, ==, 0);
    SCENARIO_CHECK(memory_pool_check() == ESP_OK);
    system_down(key);
}

int main(int argc, char **argv)
{
    static const scenario_t s = {.name = "bus_churn", .run = run};
    return scenario_main(argc, argv, &s);
}
