// SPDX-License-Identifier: Apache-2.0
/*
 * One service, restarted again and again in one life of the system, while it is in the middle of
 * whatever it does: its handler never returns, it makes every call that takes something, and gives
 * it back, until its worker is cut. Pools, heap and tables must be where they were.
 */
#include "torture.h"

#include <stdio.h>
#include <string.h>

#include "esp_heap_caps.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "service_record.h"
#include "system_service/memory_pool.h"
#include "system_service/memory_utils.h"
#include "system_service/request_response.h"

#define CHECK_EVERY    50
#define FAULT_EVERY_MS 4000 // fewer than the restarts that are allowed within the window
#define WAIT_MS        8000

static void on_nothing(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
}

static void on_no_answer(const system_response_t *response, void *user_data)
{
    (void)response;
    (void)user_data;
}

static void borrow(const actor_t *actor, uint32_t n)
{
    void *block = NULL;
    if (system_event_loan(actor->id, 1 + n % 900, &block) == ESP_OK) {
        if (n & 0x10000u) {
            (void)system_event_return(actor->id, block);
        } else { // of a type that nobody hears
            (void)system_event_publish(actor->id, actor->ask, block, 1, SYSTEM_EVENT_PRIORITY_LOW,
                                       NULL);
        }
    }
}

static void listen(const actor_t *actor)
{
    system_subscription_t handle;
    if (system_event_subscribe_ex(actor->id, actor->ask, on_nothing, NULL, NULL, &handle) ==
        ESP_OK) {
        (void)system_event_unsubscribe(actor->id, handle);
    }
}

static void set_timer(const actor_t *actor, uint32_t n)
{
    system_event_timer_t timer;
    if (system_event_post_after(actor->id, actor->ask, NULL, 0, SYSTEM_EVENT_PRIORITY_LOW,
                                1 + n % 100, &timer) == ESP_OK) {
        (void)system_event_timer_cancel(actor->id, timer);
    }
}

static void ask(const actor_t *actor)
{
    const actor_t *to = &actors[(unsigned)(actor - actors + 1) % torture_plan()->services];
    const uint32_t number = 0;
    system_request_id_t request;
    if (system_request_async(actor->id, to->id, to->ask, &number, sizeof(number),
                             SYSTEM_EVENT_PRIORITY_LOW, on_no_answer, NULL, 100,
                             &request) == ESP_OK) {
        (void)system_request_cancel(actor->id, request);
    }
}

void actor_churn(actor_t *actor)
{
    torture_random_t random = {.state = host_now_us()};
    for (;;) {
        const uint32_t n = torture_random(&random);
        books_untold(2); // cut, it cannot say what became of its event
        switch (n % 8) {
        case 0:
            (void)memory_pool_free(memory_pool_alloc(1 + n % 3000));
            break;
        case 1:
            (void)memory_free(memory_alloc(1 + n % 500, MEMORY_PURPOSE_GENERAL));
            break;
        case 2:
            borrow(actor, n);
            break;
        case 3:
            listen(actor);
            break;
        case 4:
            set_timer(actor, n);
            break;
        case 5:
            ask(actor);
            break;
        case 6:
            (void)system_service_heartbeat(actor->id);
            break;
        default:
            break;
        }
        host_busy(10 + n % 100); // calls cost no virtual time by themselves
    }
}

static void kill_once(actor_t *victim, torture_random_t *random, uint64_t *last_fault_us)
{
    const uint32_t life = atomic_load(&victim->life);
    atomic_store(&victim->happened_us, 0);
    actor_tell(victim, CODE_HANDLER, DO_CHURN, 0);
    for (int i = 0; atomic_load(&victim->happened_us) == 0; i++) {
        TORTURE_CHECK(i < WAIT_MS, "%s: no handler runs", victim->name);
        (void)load_flood(victim, 1, SYSTEM_EVENT_PRIORITY_NORMAL);
        vTaskDelay(1);
    }
    host_busy(torture_below(random, 3000));
    esp_err_t ret;
    if (host_now_us() - *last_fault_us >= FAULT_EVERY_MS * UINT64_C(1000)) {
        *last_fault_us = host_now_us();
        ret = system_service_report_fault(victim->id, ESP_ERR_SERVICE_CRASHED);
    } else {
        ret = system_service_restart(victim->id);
    }
    TORTURE_CHECK(ret == ESP_OK, "%s: %s", victim->name, system_error_to_string(ret));
    for (int i = 0; atomic_load(&victim->life) == life ||
                    actor_info(victim).state != SYSTEM_SERVICE_STATE_RUNNING;
         i++) {
        TORTURE_CHECK(i < WAIT_MS, "%s stays %s", victim->name,
                      system_service_state_name(actor_info(victim).state));
        vTaskDelay(1);
    }
}

void restarts_play(uint32_t times)
{
    const torture_plan_t *plan = torture_plan();
    actor_t *victim = &actors[plan->seed % plan->services];
    torture_random_t random = {.state = plan->seed};
    uint64_t last_fault_us = 0;
    vTaskPrioritySet(NULL, 20);      // the handler computes, on this core too
    vTaskDelay(pdMS_TO_TICKS(2000)); // the apps take their memory
    checks_at_rest();
    const size_t heap = heap_caps_get_free_size(MALLOC_CAP_INTERNAL);
    for (uint32_t n = 1; n <= times; n++) {
        kill_once(victim, &random, &last_fault_us);
        if (n % CHECK_EVERY == 0 || n == times) {
            checks_at_rest();
            const size_t now = heap_caps_get_free_size(MALLOC_CAP_INTERNAL);
            TORTURE_CHECK(now == heap, "after %" PRIu32 " restarts %u bytes of heap, before %u", n,
                          (unsigned)now, (unsigned)heap);
        }
        if (n % 1000 == 0 || n == times) {
            printf("%" PRIu32 " of %" PRIu32 " restarts of %s, %" PRIu64
                   " events, %u bytes of heap free as before\n",
                   n, times, victim->name, (uint64_t)torture_report()->events, (unsigned)heap);
            fflush(stdout);
        }
    }
}
