// SPDX-License-Identifier: Apache-2.0
/*
 * The story: the dispatcher copied handler and user_data, let the lock go and called. Unsubscribe
 * returned meanwhile, the caller freed user_data, and the handler used it. And since the slot could
 * be given away during the call, the scan that went on afterwards skipped subscribers or served one
 * twice.
 *
 * Here a subscription's context is poisoned the moment that unsubscribe has returned, while its
 * handler is inside, and others come and go beside a subscriber that must get every event once.
 */
#include <stdatomic.h>
#include <string.h>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "scenario.h"
#include "system_up.h"

#define ROUNDS 40
#define ALIVE  0xA11FEu

typedef struct {
    uint32_t alive; // plain on purpose: unsubscribe is what orders the accesses
} context_t;

static system_service_id_t poster, fleeting, steady;
static system_event_type_t type;
static _Atomic uint32_t entered, steady_count;
static uint32_t steady_last;

static void on_fleeting(const system_event_t *event, void *user_data)
{
    (void)event;
    const context_t *context = user_data;
    SCENARIO_CHECK_INT(context->alive, ==, ALIVE);
    atomic_fetch_add(&entered, 1);
    vTaskDelay(2);
    SCENARIO_CHECK_INT(context->alive, ==, ALIVE);
}

static void on_steady(const system_event_t *event, void *user_data)
{
    (void)user_data;
    uint32_t number;
    memcpy(&number, event->data, sizeof(number));
    SCENARIO_CHECK_INT(number, ==, steady_last + 1); // none skipped, none twice
    steady_last = number;
    atomic_fetch_add(&steady_count, 1);
}

static void run(void)
{
    const system_secure_key_t key = system_up();
    static context_t context;

    poster = system_up_service("poster");
    fleeting = system_up_service("fleeting");
    steady = system_up_service("steady");
    type = system_up_type("test.event");
    for (uint32_t round = 1; round <= ROUNDS; round++) {
        system_subscription_t sub;
        const uint32_t before = atomic_load(&entered);
        context.alive = ALIVE;
        SCENARIO_CHECK(
            system_event_subscribe_ex(fleeting, type, on_fleeting, &context, NULL, &sub) == ESP_OK);
        if (round == 1) { // behind the fleeting one in the table
            SCENARIO_CHECK(system_event_subscribe(steady, type, on_steady, NULL) == ESP_OK);
        }
        SCENARIO_CHECK(system_event_post(poster, type, &round, sizeof(round),
                                         SYSTEM_EVENT_PRIORITY_NORMAL) == ESP_OK);
        if (round % 4 != 0) { // else: it may go before the handler was called at all
            SCENARIO_CHECK(system_up_wait(&entered, before + 1, 10000));
        }
        SCENARIO_CHECK(system_event_unsubscribe(fleeting, sub) == ESP_OK);
        memset(&context, 0xDD, sizeof(context));
    }
    SCENARIO_CHECK(system_up_wait(&steady_count, ROUNDS, 10000));
    SCENARIO_CHECK_INT(entered, >=, ROUNDS * 3 / 4);
    system_down(key);
    SCENARIO_CHECK_INT(steady_count, ==, ROUNDS);
}

int main(int argc, char **argv)
{
    static const scenario_t s = {.name = "t01_unsubscribe_does_not_wait_for_the_handler",
                                 .run = run};
    return scenario_main(argc, argv, &s);
}
