// SPDX-License-Identifier: Apache-2.0

// Events cross between the real esp_event and the bus, each way once, and none comes back.

#include <stdatomic.h>
#include <string.h>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "esp_event_bridge/esp_event_bridge.h"
#include "ktest.h"
#include "system_service/service_supervisor.h"
#include "system_up.h"

ESP_EVENT_DEFINE_BASE(SENSOR_EVENT);
ESP_EVENT_DEFINE_BASE(LAMP_EVENT);

#define SENSOR_READ 7
#define LAMP_SET    3

static const esp_event_bridge_entry_t s_table[] = {
    {.base = &SENSOR_EVENT,
     .id = SENSOR_READ,
     .type = "sensor.read",
     .way = ESP_EVENT_BRIDGE_IN,
     .size = sizeof(uint32_t),
     .priority = SYSTEM_EVENT_PRIORITY_HIGH},
    {.base = &LAMP_EVENT,
     .id = LAMP_SET,
     .type = "lamp.set",
     .way = ESP_EVENT_BRIDGE_OUT,
     .size = sizeof(uint32_t)},
};

static system_secure_key_t s_key;
static system_service_id_t s_bridge;
static system_service_id_t s_other;
static _Atomic uint32_t s_bus_count, s_bus_value, s_loop_count, s_loop_value;

static void on_bus(const system_event_t *event, void *user_data)
{
    (void)user_data;
    uint32_t value;
    KTEST_CHECK(event->data_size == sizeof(value));
    memcpy(&value, event->data, sizeof(value));
    s_bus_value = value;
    s_bus_count++;
}

static void on_loop(void *arg, esp_event_base_t base, int32_t id, void *data)
{
    (void)arg;
    uint32_t value;
    KTEST_CHECK(base == LAMP_EVENT && id == LAMP_SET);
    memcpy(&value, data, sizeof(value));
    s_loop_value = value;
    s_loop_count++;
}

static void rest(void)
{
    vTaskDelay(pdMS_TO_TICKS(20));
}

static int set_up(void **state)
{
    (void)state;
    system_event_type_t type;
    s_key = system_up();
    s_other = system_up_service("other");
    assert_int_equal(esp_event_loop_create_default(), ESP_OK);
    assert_int_equal(esp_event_handler_register(LAMP_EVENT, LAMP_SET, on_loop, NULL), ESP_OK);
    assert_int_equal(esp_event_bridge_configure(s_table, 2, NULL), ESP_OK);
    assert_int_equal(system_service_register("esp_event", &esp_event_bridge_service, &s_bridge),
                     ESP_OK);
    assert_int_equal(system_service_start_all(), ESP_OK);
    type = system_up_type("sensor.read");
    assert_int_equal(system_event_subscribe(s_other, type, on_bus, NULL), ESP_OK);
    s_bus_count = s_loop_count = 0;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    system_down(s_key);
    assert_int_equal(esp_event_loop_delete_default(), ESP_OK);
    return 0;
}

static void post_to_loop(uint32_t value)
{
    assert_int_equal(
        esp_event_post(SENSOR_EVENT, SENSOR_READ, &value, sizeof(value), portMAX_DELAY), ESP_OK);
}

static void post_to_bus(const void *data, size_t size)
{
    assert_int_equal(system_event_post(s_other, system_up_type("lamp.set"), data, size,
                                       SYSTEM_EVENT_PRIORITY_NORMAL),
                     ESP_OK);
}

static void each_way_once(void **state)
{
    (void)state;
    const uint32_t on = 1;
    post_to_loop(42);
    assert_true(system_up_wait(&s_bus_count, 1, 2000));
    assert_int_equal(s_bus_value, 42);
    post_to_bus(&on, sizeof(on));
    assert_true(system_up_wait(&s_loop_count, 1, 2000));
    assert_int_equal(s_loop_value, 1);
    rest();
    assert_int_equal(s_bus_count, 1);
    assert_int_equal(s_loop_count, 1);
}

static void what_is_too_short_is_counted(void **state)
{
    (void)state;
    esp_event_bridge_stats_t before;
    esp_event_bridge_stats_t after;
    esp_event_bridge_get_stats(&before);
    post_to_bus("x", 1);
    do {
        vTaskDelay(1);
        esp_event_bridge_get_stats(&after);
    } while (after.dropped == before.dropped);
    assert_int_equal(after.out, before.out);
    assert_int_equal(s_loop_count, 0);
}

static void it_can_be_stopped_and_started(void **state)
{
    (void)state;
    assert_int_equal(system_service_stop(s_bridge), ESP_OK);
    post_to_loop(1);
    rest();
    assert_int_equal(s_bus_count, 0);
    assert_int_equal(system_service_start(s_bridge), ESP_OK);
    post_to_loop(2);
    assert_true(system_up_wait(&s_bus_count, 1, 2000));
    assert_int_equal(s_bus_value, 2);
    rest();
    assert_int_equal(s_bus_count, 1);
}

static void a_circle_is_refused(void **state)
{
    (void)state;
    const esp_event_bridge_entry_t circle[] = {
        s_table[0],
        {.base = &SENSOR_EVENT, .id = ESP_EVENT_ANY_ID, .type = "b", .way = ESP_EVENT_BRIDGE_OUT},
    };
    const esp_event_bridge_entry_t same_type[] = {
        s_table[0],
        {.base = &LAMP_EVENT, .id = 1, .type = "sensor.read", .way = ESP_EVENT_BRIDGE_OUT},
    };
    assert_int_equal(esp_event_bridge_configure(circle, 2, NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_event_bridge_configure(same_type, 2, NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_event_bridge_configure(NULL, 0, NULL), ESP_ERR_INVALID_ARG);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_way_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_too_short_is_counted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(it_can_be_stopped_and_started, set_up, tear_down),
        cmocka_unit_test(a_circle_is_refused),
    };
    return KTEST_MAIN(argc, argv, tests);
}
