// SPDX-License-Identifier: Apache-2.0
/*
 * The specification's section "App Development", as written and run. Supplied here: the prototypes,
 * event_type, my_event, data and my_event_handler.
 */
#include <string.h>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "system_service/app_manager.h"

#include "ktest.h"
#include "system_up.h"

static system_event_type_t event_type, my_event;
static struct {
    int value;
} data = {42};
static _Atomic uint32_t handled;
static _Atomic uint32_t greeted;

void my_app_main(app_context_t *ctx);

static void my_event_handler(const system_event_t *event, void *user_data)
{
    KTEST_CHECK(user_data == NULL && event->type == event_type);
    handled++;
}

#include "snippet_app.inc"

static void on_my_event(const system_event_t *event, void *user_data)
{
    (void)user_data;
    KTEST_CHECK(event->data_size == sizeof(data) && memcmp(event->data, &data, sizeof(data)) == 0);
    KTEST_CHECK(event->priority == SYSTEM_EVENT_PRIORITY_NORMAL);
    greeted++;
}

static app_state_t app_state(void)
{
    app_info_t info;
    assert_int_equal(app_manager_get_info("my_app", &info), ESP_OK);
    return info.state;
}

static void wait_for_state(app_state_t wanted)
{
    for (int i = 0; i < ktest_polls(10000) && app_state() != wanted; i++) {
        vTaskDelay(1);
    }
    assert_string_equal(app_state_name(app_state()), app_state_name(wanted));
}

static void the_app_runs_pauses_resumes_and_stops(void **state)
{
    (void)state;
    const system_secure_key_t key = system_up();
    event_type = system_up_type("spec.to_app");
    my_event = system_up_type("spec.from_app");
    const system_service_id_t witness = system_up_service("witness");
    app_info_t info;
    uint32_t subscriptions_before, subscriptions_after;

    assert_int_equal(system_event_subscribe(witness, my_event, on_my_event, NULL), ESP_OK);
    assert_int_equal(system_service_get_stats(key, NULL, NULL, &subscriptions_before), ESP_OK);
    assert_int_equal(app_manager_register(&my_app_manifest), ESP_OK);
    assert_int_equal(app_state(), APP_STATE_REGISTERED);
    assert_int_equal(app_manager_start("my_app"), ESP_OK);
    assert_true(system_up_wait(&greeted, 1, 5000));
    wait_for_state(APP_STATE_RUNNING);
    assert_int_equal(system_event_post(witness, event_type, NULL, 0, SYSTEM_EVENT_PRIORITY_NORMAL),
                     ESP_OK);
    assert_true(system_up_wait(&handled, 1, 5000));

    // Its loop survives a pause: what arrives meanwhile waits, and is handled afterwards.
    assert_int_equal(app_manager_pause("my_app"), ESP_OK);
    wait_for_state(APP_STATE_PAUSED);
    assert_int_equal(system_event_post(witness, event_type, NULL, 0, SYSTEM_EVENT_PRIORITY_NORMAL),
                     ESP_OK);
    vTaskDelay(pdMS_TO_TICKS(20));
    assert_int_equal(handled, 1);
    assert_int_equal(app_manager_resume("my_app"), ESP_OK);
    wait_for_state(APP_STATE_RUNNING);
    assert_true(system_up_wait(&handled, 2, 5000));

    // Asked to stop, it leaves its loop by itself and nothing of it is left.
    assert_int_equal(app_manager_stop("my_app"), ESP_OK);
    assert_int_equal(app_state(), APP_STATE_STOPPED);
    assert_int_equal(app_manager_get_info("my_app", &info), ESP_OK);
    assert_int_equal(info.forced_stops, 0);
    assert_int_equal(info.crashes, 0);
    assert_int_equal(system_service_get_stats(key, NULL, NULL, &subscriptions_after), ESP_OK);
    assert_int_equal(subscriptions_after, subscriptions_before);

    // And it can be started again.
    assert_int_equal(app_manager_start("my_app"), ESP_OK);
    assert_true(system_up_wait(&greeted, 2, 5000));
    assert_int_equal(app_manager_stop("my_app"), ESP_OK);
    assert_int_equal(app_manager_unregister("my_app"), ESP_OK);
    system_down(key);
}

static void the_manifest_holds_what_was_written(void **state)
{
    (void)state;
    assert_string_equal(my_app_manifest.name, "my_app");
    assert_string_equal(my_app_manifest.version, "1.0.0");
    assert_string_equal(my_app_manifest.author, "Developer");
    assert_string_equal(my_app_manifest.description, "My application");
    assert_ptr_equal(my_app_manifest.entry_point, my_app_main);
    assert_int_equal(my_app_manifest.stack_size, 4096);
    assert_int_equal(my_app_manifest.priority, 5);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_manifest_holds_what_was_written),
        cmocka_unit_test(the_app_runs_pauses_resumes_and_stops),
    };
    return KTEST_MAIN(argc, argv, tests);
}
