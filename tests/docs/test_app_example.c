// SPDX-License-Identifier: Apache-2.0

// The app of docs/APP_DEVELOPMENT.md raises its alarm, survives a pause, and stops when asked.

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "ktest.h"
#include "system_service/app_manager.h"
#include "system_service/service_manager.h"
#include "system_service/system_service.h"

extern const app_manifest_t alarm_app_manifest;

static _Atomic unsigned s_alarms;

static void on_alarm(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
    s_alarms++;
}

static bool wait_for_alarms(unsigned n)
{
    for (int i = 0; i < ktest_polls(500) && s_alarms < n; i++) {
        vTaskDelay(pdMS_TO_TICKS(10));
    }
    return s_alarms >= n;
}

static bool wait_until_subscribed(void)
{
    system_service_info_t info = {0};
    app_info_t app;
    for (int i = 0; i < ktest_polls(500) && info.subscriptions == 0; i++) {
        vTaskDelay(pdMS_TO_TICKS(10));
        if (app_manager_get_info("alarm", &app) == ESP_OK) {
            (void)system_service_get_info(app.id, &info);
        }
    }
    return info.subscriptions == 1;
}

static void it_raises_its_alarm_and_stops(void **state)
{
    (void)state;
    system_secure_key_t key;
    system_service_id_t thermometer;
    system_event_type_t reading;
    system_event_type_t alarm;
    int32_t tenths = 299;
    app_info_t info;

    assert_int_equal(system_service_init(&key), ESP_OK);
    assert_int_equal(system_service_register("thermometer", NULL, &thermometer), ESP_OK);
    assert_int_equal(system_event_register_type("thermometer.reading", &reading), ESP_OK);
    assert_int_equal(system_event_register_type("alarm.hot", &alarm), ESP_OK);
    assert_int_equal(system_event_subscribe(thermometer, alarm, on_alarm, NULL), ESP_OK);
    assert_int_equal(app_manager_register(&alarm_app_manifest), ESP_OK);
    assert_int_equal(app_manager_start("alarm"), ESP_OK);
    assert_true(wait_until_subscribed());

    for (; tenths <= 303; tenths++) {
        assert_int_equal(system_event_post(thermometer, reading, &tenths, sizeof(tenths),
                                           SYSTEM_EVENT_PRIORITY_NORMAL),
                         ESP_OK);
    }
    assert_true(wait_for_alarms(3));
    assert_int_equal(app_manager_pause("alarm"), ESP_OK);
    assert_int_equal(system_event_post(thermometer, reading, &tenths, sizeof(tenths),
                                       SYSTEM_EVENT_PRIORITY_NORMAL),
                     ESP_OK);
    vTaskDelay(pdMS_TO_TICKS(100));
    assert_int_equal(s_alarms, 3); // it waits in the mailbox
    assert_int_equal(app_manager_resume("alarm"), ESP_OK);
    assert_true(wait_for_alarms(4));
    assert_int_equal(app_manager_stop("alarm"), ESP_OK);
    assert_int_equal(app_manager_get_info("alarm", &info), ESP_OK);
    assert_int_equal(info.state, APP_STATE_STOPPED);
    assert_int_equal(app_manager_unregister("alarm"), ESP_OK);
    assert_int_equal(system_service_deinit(key), ESP_OK);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {cmocka_unit_test(it_raises_its_alarm_and_stops)};
    return KTEST_MAIN(argc, argv, tests);
}
