// SPDX-License-Identifier: Apache-2.0

// The service of docs/SERVICE_DEVELOPMENT.md does what the page says: it works, is restarted after
// a hang, is kept to its quota, and is short.

#include <stdio.h>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "ktest.h"
#include "system_service/fault_injection.h"
#include "system_service/service_supervisor.h"
#include "system_service/system_service.h"

extern const system_service_descriptor_t thermometer_service;

static system_secure_key_t s_key;
static system_service_id_t s_id;
static _Atomic unsigned s_readings;

static void on_reading(const system_event_t *event, void *user_data)
{
    (void)user_data;
    KTEST_CHECK(event->data_size == sizeof(int32_t) && event->source == s_id);
    s_readings++;
}

static int boot(void **state)
{
    (void)state;
    system_service_id_t listener;
    system_event_type_t reading;
    s_readings = 0;
    return system_service_init(&s_key) == ESP_OK &&
                   system_service_register("listener", NULL, &listener) == ESP_OK &&
                   system_event_register_type("thermometer.reading", &reading) == ESP_OK &&
                   system_event_subscribe(listener, reading, on_reading, NULL) == ESP_OK &&
                   system_service_register("thermometer", &thermometer_service, &s_id) == ESP_OK &&
                   system_service_start(s_id) == ESP_OK
               ? 0
               : -1;
}

static int shut_down(void **state)
{
    (void)state;
    return system_service_deinit(s_key) == ESP_OK ? 0 : -1;
}

static bool wait_for_readings(unsigned n)
{
    for (int i = 0; i < ktest_polls(1000) && s_readings < n; i++) {
        vTaskDelay(pdMS_TO_TICKS(10));
    }
    return s_readings >= n;
}

static void it_measures(void **state)
{
    (void)state;
    assert_true(wait_for_readings(2));
}

static void it_is_restarted_after_a_hang(void **state)
{
    (void)state;
    system_service_info_t info = {0};
    assert_int_equal(system_fault_inject(s_id, SYSTEM_FAULT_HANG, 0), ESP_OK);
    for (int i = 0; i < ktest_polls(1000) && info.restart_count == 0; i++) {
        vTaskDelay(pdMS_TO_TICKS(10));
        assert_int_equal(system_service_get_info(s_id, &info), ESP_OK);
    }
    assert_int_equal(info.restart_count, 1);
    assert_int_equal(info.state, SYSTEM_SERVICE_STATE_RUNNING);
    s_readings = 0;
    assert_true(wait_for_readings(1));
}

static void it_is_kept_to_its_quota(void **state)
{
    (void)state;
    quota_usage_t usage = {0};
    assert_int_equal(system_fault_inject(s_id, SYSTEM_FAULT_FLOOD, 200), ESP_OK);
    for (int i = 0; i < ktest_polls(500) && usage.violations[QUOTA_EVENTS] < 150; i++) {
        vTaskDelay(pdMS_TO_TICKS(10));
        assert_int_equal(quota_get_usage(s_id, &usage), ESP_OK);
    }
    assert_true(usage.violations[QUOTA_EVENTS] >= 150);
}

static void it_has_fewer_than_60_lines(void **state)
{
    (void)state;
    FILE *file = fopen(EXAMPLE_FILE, "r");
    unsigned lines = 0;
    assert_non_null(file);
    for (int c = fgetc(file); c != EOF; c = fgetc(file)) {
        lines += c == '\n';
    }
    fclose(file);
    assert_in_range(lines, 30, 59);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_measures, boot, shut_down),
        cmocka_unit_test_setup_teardown(it_is_restarted_after_a_hang, boot, shut_down),
        cmocka_unit_test_setup_teardown(it_is_kept_to_its_quota, boot, shut_down),
        cmocka_unit_test(it_has_fewer_than_60_lines),
    };
    return KTEST_MAIN(argc, argv, tests);
}
