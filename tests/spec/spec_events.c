// SPDX-License-Identifier: Apache-2.0
/*
 * The specification's sections "Priority Event Queues" and "Event Registration and Subscription",
 * as written and run. Supplied here: service_id, event_type, data, size, publisher_id,
 * subscriber_id, the type my_data_t and the log tag. The second snippet has a function between its
 * statements: it is compiled as it stands, as a nested function.
 */
#include <string.h>

#include "esp_log.h"
#include "freertos/FreeRTOS.h"
#include "freertos/semphr.h"

#include "system_service/event_bus.h"

#include "host_log.h"
#include "ktest.h"
#include "system_up.h"

static const char *TAG = "spec";
static system_secure_key_t key;

typedef struct {
    int value;
} my_data_t;

static struct {
    _Atomic uint32_t count;
    uint8_t priority[8];
    int value;
} got;

static int setup(void **state)
{
    (void)state;
    memset(&got, 0, sizeof(got));
    key = system_up();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    system_down(key);
    return 0;
}

static void note(const system_event_t *event, void *user_data)
{
    (void)user_data;
    KTEST_CHECK(got.count < 8);
    got.priority[got.count] = event->priority;
    if (event->data_size == sizeof(my_data_t)) {
        got.value = ((const my_data_t *)event->data)->value;
    }
    got.count++;
}

static void wait_for_gate(const system_event_t *event, void *user_data)
{
    (void)event;
    xSemaphoreTake(user_data, portMAX_DELAY);
}

static void the_priorities_have_the_values_given(void **state)
{
    (void)state;
    assert_int_equal(SYSTEM_EVENT_PRIORITY_CRITICAL, 0);
    assert_int_equal(SYSTEM_EVENT_PRIORITY_HIGH, 100);
    assert_int_equal(SYSTEM_EVENT_PRIORITY_NORMAL, 200);
    assert_int_equal(SYSTEM_EVENT_PRIORITY_LOW, 255);
}

// While a handler is busy, events of all priorities gather, the urgent last: it comes out first.
static void critical_events_are_handled_first(void **state)
{
    (void)state;
    const system_service_id_t service_id = system_up_service("spec");
    const system_event_type_t gate_type = system_up_type("spec.gate");
    const system_event_type_t event_type = system_up_type("spec.event");
    SemaphoreHandle_t gate = xSemaphoreCreateBinary();
    const char data[4] = "abc";
    const size_t size = sizeof(data);

    assert_int_equal(system_event_subscribe(service_id, gate_type, wait_for_gate, gate), ESP_OK);
    assert_int_equal(system_event_subscribe(service_id, event_type, note, NULL), ESP_OK);
    assert_int_equal(
        system_event_post(service_id, gate_type, NULL, 0, SYSTEM_EVENT_PRIORITY_CRITICAL), ESP_OK);
    assert_int_equal(system_event_post(service_id, event_type, NULL, 0, SYSTEM_EVENT_PRIORITY_LOW),
                     ESP_OK);
    assert_int_equal(
        system_event_post(service_id, event_type, NULL, 0, SYSTEM_EVENT_PRIORITY_NORMAL), ESP_OK);
    {
#include "snippet_priorities.inc"
    } assert_int_equal(system_event_post(service_id, event_type, NULL, 0,
                                         SYSTEM_EVENT_PRIORITY_CRITICAL),
                       ESP_OK);
    xSemaphoreGive(gate);
    assert_true(system_up_wait(&got.count, 4, 5000));
    static const uint8_t order[] = {0, 100, 200, 255};
    assert_memory_equal(got.priority, order, sizeof(order));
    assert_int_equal(system_event_unsubscribe_type(service_id, gate_type, NULL), ESP_OK);
    vSemaphoreDelete(gate);
}

static void subscribe_and_post(system_service_id_t publisher_id, system_service_id_t subscriber_id)
{
// As in ESP-IDF's own build, a parameter that is not used is no error.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"
#include "snippet_events.inc"
#pragma GCC diagnostic pop
}

static void the_handler_sees_the_name_of_its_event(void **state)
{
    (void)state;
    const system_service_id_t publisher = system_up_service("publisher");
    const system_service_id_t subscriber = system_up_service("subscriber");
    const system_service_id_t witness = system_up_service("witness");
    const system_event_type_t type = system_up_type("my_service.data_ready");

    assert_int_equal(system_event_subscribe(witness, type, note, NULL), ESP_OK);
    host_log_capture_start(false);
    subscribe_and_post(publisher, subscriber);
    assert_true(system_up_wait(&got.count, 1, 1000));
    for (int i = 0;
         i < ktest_polls(1000) && host_log_count("Event received: my_service.data_ready") == 0;
         i++) {
        vTaskDelay(1);
    }
    host_log_capture_stop();
    assert_int_equal(host_log_count("Event received: my_service.data_ready"), 1);
    assert_int_equal(got.value, 42);
    assert_int_equal(got.priority[0], SYSTEM_EVENT_PRIORITY_HIGH);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_priorities_have_the_values_given),
        cmocka_unit_test_setup_teardown(critical_events_are_handled_first, setup, teardown),
        cmocka_unit_test_setup_teardown(the_handler_sees_the_name_of_its_event, setup, teardown),
    };
    return KTEST_MAIN(argc, argv, tests);
}
