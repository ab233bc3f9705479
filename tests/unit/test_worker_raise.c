// SPDX-License-Identifier: Apache-2.0
/*
 * What is urgent does not wait behind a handler of low priority: the worker that runs it is raised
 * to express priority until it returns, whether a task or an interrupt posted the urgent event.
 */
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "ktest.h"
#include "system_up.h"

static system_service_id_t id;
static system_event_type_t slow_type, urgent_type;
static _Atomic uint32_t entered, go_on, slow_done, urgent_done;
static UBaseType_t priority_before, priority_after;

static void slow(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
    priority_before = uxTaskPriorityGet(NULL);
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
    vTaskDelay(5);
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

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_urgent_event_of_a_task_raises_the_worker),
        cmocka_unit_test(an_urgent_event_of_an_interrupt_raises_the_worker),
    };
    return KTEST_MAIN(argc, argv, tests);
}
