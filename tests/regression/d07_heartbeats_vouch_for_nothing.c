// SPDX-License-Identifier: Apache-2.0
/*
 * The story: each service had a task that did nothing but send heartbeats. The service could hang
 * for ever and still look healthy.
 *
 * Here a service has just such a task, a rightful one, and it goes on while a handler hangs. The
 * service is found at fault and works again all the same.
 */
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "system_service/service_supervisor.h"

#include "ktest.h"
#include "system_up.h"

static system_event_type_t type;
static _Atomic uint32_t starts, handled, beats, refused, beater_stop, beater_ended, hang_once;

static void on_event(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
    if (hang_once) {
        hang_once = 0;
        vTaskDelay(portMAX_DELAY);
    }
    handled++;
}

static esp_err_t start(system_service_id_t id, void *arg)
{
    (void)arg;
    starts++;
    return system_event_subscribe(id, type, on_event, NULL);
}

static void beat(void *arg)
{
    const system_service_id_t id = *(const system_service_id_t *)arg;
    KTEST_CHECK(system_service_attach_task(id) == ESP_OK);
    while (!beater_stop) {
        if (system_service_heartbeat(id) == ESP_OK) {
            beats++;
        } else {
            refused++;
        }
        vTaskDelay(pdMS_TO_TICKS(10));
    }
    KTEST_CHECK(system_service_detach_task() == ESP_OK);
    beater_ended++;
    vTaskDelete(NULL);
}

static void a_hang_is_noticed_in_spite_of_heartbeats(void **state)
{
    (void)state;
    static const service_watchdog_config_t watchdog = {.timeout_ms = 100, .auto_restart = true};
    static const system_service_descriptor_t service = {
        .name = "subject", .lifecycle = {.start = start}, .watchdog = &watchdog};
    const system_secure_key_t key = system_up();
    const system_service_id_t poster = system_up_service("poster");
    static system_service_id_t id;
    system_service_info_t info;

    type = system_up_type("test.event");
    assert_int_equal(system_service_register("subject", &service, &id), ESP_OK);
    assert_int_equal(system_service_start(id), ESP_OK);
    assert_int_equal(xTaskCreate(beat, "beater", 4096, &id, 5, NULL), pdPASS);
    assert_true(system_up_wait(&beats, 3, 1000));
    hang_once = 1;
    assert_int_equal(system_event_post(poster, type, NULL, 0, SYSTEM_EVENT_PRIORITY_NORMAL),
                     ESP_OK);
    assert_true(system_up_wait(&starts, 2, CONFIG_SYSTEM_HANDLER_HANG_MS + 5000));
    assert_true(beats > 100); // it never fell silent
    beater_stop = 1;
    assert_true(system_up_wait(&beater_ended, 1, 1000));
    assert_int_equal(system_service_get_info(id, &info), ESP_OK);
    assert_int_equal(info.fault_count, 1);
    assert_int_equal(info.last_error, ESP_ERR_SERVICE_HANG);
    for (int i = 0; i < ktest_polls(5000) && info.state != SYSTEM_SERVICE_STATE_RUNNING; i++) {
        vTaskDelay(1);
        assert_int_equal(system_service_get_info(id, &info), ESP_OK);
    }
    assert_int_equal(info.restart_count, 1);
    assert_int_equal(system_event_post(poster, type, NULL, 0, SYSTEM_EVENT_PRIORITY_NORMAL),
                     ESP_OK);
    assert_true(system_up_wait(&handled, 1, 1000));
    system_down(key);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hang_is_noticed_in_spite_of_heartbeats),
    };
    return KTEST_MAIN(argc, argv, tests);
}
