// SPDX-License-Identifier: Apache-2.0
//
// The apps that come with the system: they talk, end as they say, and leave nothing.
#include <string.h>

#include "esp_heap_caps.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "custom_app.h"
#include "goodbye_app.h"
#include "hello_app.h"
#include "ktest.h"
#include "system_up.h"

static _Atomic uint32_t s_greetings, s_replies, s_farewells;

static void on_any(const system_event_t *event, void *user_data)
{
    (void)user_data;
    const char *text = event->data;
    KTEST_CHECK(event->data_size != 0 && text[event->data_size - 1] == '\0');
    s_greetings += strcmp(event->name, "hello.greeting") == 0;
    s_replies += strcmp(event->name, "goodbye.reply") == 0;
    s_farewells += strcmp(event->name, "goodbye.farewell") == 0;
}

static app_state_t state_of(const char *name)
{
    app_info_t info;
    assert_int_equal(app_manager_get_info(name, &info), ESP_OK);
    assert_int_equal(info.crashes, 0);
    assert_int_equal(info.forced_stops, 0);
    return info.state;
}

static void hello_and_goodbye_talk(void **state)
{
    (void)state;
    const system_secure_key_t key = system_up();
    const system_service_id_t witness = system_up_service("witness");
    s_greetings = s_replies = s_farewells = 0;
    assert_int_equal(system_event_subscribe_pattern(witness, "hello.*", on_any, NULL, NULL, NULL),
                     ESP_OK);
    assert_int_equal(system_event_subscribe_pattern(witness, "goodbye.*", on_any, NULL, NULL, NULL),
                     ESP_OK);
    assert_int_equal(app_manager_register(&goodbye_app_manifest), ESP_OK);
    assert_int_equal(app_manager_register(&hello_app_manifest), ESP_OK);
    assert_int_equal(app_manager_start("goodbye"), ESP_OK);
    assert_int_equal(app_manager_start("hello"), ESP_OK);
    assert_true(system_up_wait(&s_farewells, 1, 20000));
    assert_true(s_greetings >= 5);
    assert_int_equal(s_replies, 5);
    for (int i = 0; i < ktest_polls(5000) && state_of("goodbye") != APP_STATE_STOPPED; i++) {
        vTaskDelay(1);
    }
    assert_int_equal(state_of("goodbye"), APP_STATE_STOPPED);
    assert_int_equal(state_of("hello"), APP_STATE_RUNNING);
    // It can begin again.
    assert_int_equal(app_manager_start("goodbye"), ESP_OK);
    assert_true(system_up_wait(&s_replies, 6, 20000));
    assert_int_equal(app_manager_stop("goodbye"), ESP_OK);
    assert_int_equal(app_manager_stop("hello"), ESP_OK);
    assert_int_equal(state_of("hello"), APP_STATE_STOPPED);
    system_down(key);
}

static void the_template_counts_and_tells(void **state)
{
    (void)state;
    const system_secure_key_t key = system_up();
    system_event_type_t count;
    system_service_id_t custom;
    uint32_t ticks = 0;
    assert_int_equal(app_manager_register(&custom_app_manifest), ESP_OK);
    assert_int_equal(app_manager_start("custom"), ESP_OK);
    count = system_up_type("custom.count");
    assert_int_equal(system_service_find("custom", &custom), ESP_OK);
    for (int i = 0; i < 1000 && ticks < 2; i++) {
        size_t size = sizeof(ticks);
        const esp_err_t ret = system_request_sync(
            SYSTEM_SERVICE_ID_NONE, custom, count, NULL, 0, SYSTEM_EVENT_PRIORITY_NORMAL, &ticks,
            &size, ktest_patience_ms(CONFIG_SYSTEM_REQUEST_TIMEOUT_MS));
        assert_true(ret == ESP_OK || ret == ESP_ERR_REQUEST_NO_HANDLER); // not ready yet
        vTaskDelay(pdMS_TO_TICKS(20));
    }
    assert_true(ticks >= 2);
    assert_int_equal(app_manager_stop("custom"), ESP_OK);
    assert_int_equal(state_of("custom"), APP_STATE_STOPPED);
    assert_int_equal(system_request_sync(SYSTEM_SERVICE_ID_NONE, custom, count, NULL, 0,
                                         SYSTEM_EVENT_PRIORITY_NORMAL, NULL, NULL, 0),
                     ESP_ERR_SERVICE_STALE_ID);
    system_down(key);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(hello_and_goodbye_talk),
        cmocka_unit_test(the_template_counts_and_tells),
    };
    return KTEST_MAIN(argc, argv, tests);
}
