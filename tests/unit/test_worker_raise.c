// SPDX-License-Identifier: Apache-2.0
/*
 * What is urgent does not wait behind a handler of low priority: the worker that runs it is raised
 * to express priority until it returns, whether a task or an interrupt posted the urgent event. Nor
 * does it run at the priority of general workers when one of those takes it, as it does while all
 * express workers are busy.
 */
#include <string.h>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "ktest.h"
#include "system_up.h"

static system_service_id_t id;
static system_event_type_t slow_type, urgent_type;
static _Atomic uint32_t entered, go_on, slow_done, urgent_done;
static UBaseType_t priority_before, priority_after;
static _Atomic(TaskHandle_t) worker;

static void slow(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
    priority_before = uxTaskPriorityGet(NULL);
    worker = xTaskGetCurrentTaskHandle();
    entered++;
    while (!go_on) {
        vTaskDelay(1);
    }
    priority_after = uxTaskPriorityGet(NULL);
    slow_done++;
}

static void urgent(const system_event_t *event, void *user_data)
{
    (void)user_data;
    KTEST_CHECK(event->priority <= SYSTEM_EVENT_PRIORITY_HIGH);
    KTEST_CHECK(slow_done == 1); // one handler of a subscriber at a time
    urgent_done++;
}

static void post_urgent(void *arg)
{
    BaseType_t woken = pdFALSE;
    const uint8_t *priority = arg;
    KTEST_CHECK(system_event_post_from_isr(id, urgent_type, NULL, 0, *priority, &woken) == ESP_OK);
    portYIELD_FROM_ISR(woken);
}

static void one_round(uint8_t priority, bool from_isr)
{
    const system_secure_key_t key = system_up();
    entered = go_on = slow_done = urgent_done = 0;
    id = system_up_service("subject");
    slow_type = system_up_type("test.slow");
    urgent_type = system_up_type("test.urgent");
    assert_int_equal(system_event_subscribe(id, slow_type, slow, NULL), ESP_OK);
    assert_int_equal(system_event_subscribe(id, urgent_type, urgent, NULL), ESP_OK);
    assert_int_equal(system_event_post(id, slow_type, NULL, 0, SYSTEM_EVENT_PRIORITY_LOW), ESP_OK);
    assert_true(system_up_wait(&entered, 1, 1000));
    if (from_isr) {
        host_isr_run(post_urgent, &priority, 0);
    } else {
        assert_int_equal(system_event_post(id, urgent_type, NULL, 0, priority), ESP_OK);
    }
    /* A busy machine may take its time with it. */
    for (int ms = 0;
         ms < ktest_polls(1000) && uxTaskPriorityGet(worker) != CONFIG_SYSTEM_EXPRESS_PRIORITY;
         ms++) {
        vTaskDelay(1);
    }
    go_on = 1;
    assert_true(system_up_wait(&urgent_done, 1, 1000));
    system_down(key);
    assert_int_equal(priority_before, CONFIG_SYSTEM_WORKER_PRIORITY);
    assert_int_equal(priority_after, CONFIG_SYSTEM_EXPRESS_PRIORITY);
}

static void an_urgent_event_of_a_task_raises_the_worker(void **state)
{
    (void)state;
    one_round(SYSTEM_EVENT_PRIORITY_CRITICAL, false);
    one_round(SYSTEM_EVENT_PRIORITY_HIGH, false);
}

static void an_urgent_event_of_an_interrupt_raises_the_worker(void **state)
{
    (void)state;
    one_round(SYSTEM_EVENT_PRIORITY_CRITICAL, true);
    one_round(SYSTEM_EVENT_PRIORITY_HIGH, true);
}

/* ---- taken by a general worker ------------------------------------------------------ */

static _Atomic uint32_t held, let_go, missed, seen;
static UBaseType_t priority_seen;
static bool seen_by_general;

/** Keeps an express worker. */
static void hold_express(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
    if (strcmp(pcTaskGetName(NULL), "ev_express") != 0) {
        missed++;
        return;
    }
    held++;
    while (!let_go) {
        vTaskDelay(1);
    }
}

static void look(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
    priority_seen = uxTaskPriorityGet(NULL);
    seen_by_general = strcmp(pcTaskGetName(NULL), "ev_general") == 0;
    seen++;
}

static void post_and_look(uint8_t priority, UBaseType_t expected)
{
    const uint32_t before = seen;
    assert_int_equal(system_event_post(id, urgent_type, NULL, 0, priority), ESP_OK);
    assert_true(system_up_wait(&seen, before + 1, 1000));
    assert_true(seen_by_general);
    assert_int_equal(priority_seen, expected);
}

static void a_general_worker_takes_what_is_urgent_at_its_priority(void **state)
{
    (void)state;
    static const char *const names[] = {"holder0", "holder1"};
    static const char *const types[] = {"test.hold0", "test.hold1"};
    _Static_assert(portNUM_PROCESSORS <= sizeof(names) / sizeof(names[0]), "one for each core");
    const system_secure_key_t key = system_up();
    held = let_go = seen = 0;
    urgent_type = system_up_type("test.urgent");
    id = system_up_service("subject");
    assert_int_equal(system_event_subscribe(id, urgent_type, look, NULL), ESP_OK);
    for (unsigned n = 0; n < portNUM_PROCESSORS; n++) {
        const system_service_id_t holder = system_up_service(names[n]);
        slow_type = system_up_type(types[n]);
        assert_int_equal(system_event_subscribe(holder, slow_type, hold_express, NULL), ESP_OK);
        missed = 0;
        while (held == n) { /* until it is an express worker that takes it */
            const uint32_t before = missed;
            const esp_err_t ret =
                system_event_post(holder, slow_type, NULL, 0, SYSTEM_EVENT_PRIORITY_CRITICAL);
            assert_int_equal(ret, ESP_OK);
            for (int ms = 0; held == n && missed == before; ms++) {
                assert_true(ms < ktest_polls(1000));
                vTaskDelay(1);
            }
        }
    }
    post_and_look(SYSTEM_EVENT_PRIORITY_CRITICAL, CONFIG_SYSTEM_EXPRESS_PRIORITY);
    post_and_look(SYSTEM_EVENT_PRIORITY_LOW, CONFIG_SYSTEM_WORKER_PRIORITY);
    post_and_look(SYSTEM_EVENT_PRIORITY_HIGH, CONFIG_SYSTEM_EXPRESS_PRIORITY);
    post_and_look(SYSTEM_EVENT_PRIORITY_NORMAL, CONFIG_SYSTEM_WORKER_PRIORITY);
    let_go = 1;
    system_down(key);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_urgent_event_of_a_task_raises_the_worker),
        cmocka_unit_test(an_urgent_event_of_an_interrupt_raises_the_worker),
        cmocka_unit_test(a_general_worker_takes_what_is_urgent_at_its_priority),
    };
    return KTEST_MAIN(argc, argv, tests);
}
