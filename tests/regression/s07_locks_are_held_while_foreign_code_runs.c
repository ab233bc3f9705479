// SPDX-License-Identifier: Apache-2.0
/*
 * The story: handlers ran without a lock, but an app's exit function, the watchdog's restart and
 * the logging ran inside one: whatever they called that needed the system stood still.
 *
 * Here a task of somebody else uses the system (what takes its locks) from within every function
 * that the system calls: lifecycle functions, handlers, an app's entry point, the lines of a health
 * report. It must be through before that function returns.
 */
#include <stdatomic.h>
#include <string.h>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "system_service/app_manager.h"
#include "system_service/health_report.h"
#include "system_service/service_supervisor.h"

#include "ktest.h"
#include "system_up.h"

enum {
    IN_INIT,
    IN_START,
    IN_STOP,
    IN_DEINIT,
    IN_HANDLER,
    IN_APP,
    IN_REPORT,
    PLACES
};

static _Atomic uint32_t passed[PLACES];
static _Atomic uint32_t asked, answered, helper_stop, helper_ended;

// The stranger: takes the registry's and the app manager's locks when it is asked to.
static void stranger(void *arg)
{
    (void)arg;
    while (!atomic_load(&helper_stop)) {
        if (atomic_load(&asked) != atomic_load(&answered)) {
            system_service_id_t id;
            system_event_type_t type;
            app_info_t app;
            KTEST_CHECK(system_service_find("nobody", &id) == ESP_ERR_SERVICE_NOT_FOUND);
            KTEST_CHECK(system_event_register_type("stranger.event", &type) == ESP_OK);
            KTEST_CHECK(app_manager_get_info("nobody", &app) == ESP_ERR_APP_NOT_FOUND);
            atomic_fetch_add(&answered, 1);
        }
        vTaskDelay(1);
    }
    atomic_fetch_add(&helper_ended, 1);
    vTaskDelete(NULL);
}

static void let_the_stranger_in(int place)
{
    const uint32_t wanted = atomic_fetch_add(&asked, 1) + 1;
    if (system_up_wait(&answered, wanted, 400)) {
        atomic_fetch_add(&passed[place], 1);
    }
}

static esp_err_t on_init(system_service_id_t id, void *arg)
{
    (void)id;
    (void)arg;
    let_the_stranger_in(IN_INIT);
    return ESP_OK;
}

static esp_err_t on_start(system_service_id_t id, void *arg)
{
    (void)id;
    (void)arg;
    let_the_stranger_in(IN_START);
    return ESP_OK;
}

static esp_err_t on_stop(system_service_id_t id, void *arg)
{
    (void)id;
    (void)arg;
    let_the_stranger_in(IN_STOP);
    return ESP_OK;
}

static esp_err_t on_deinit(system_service_id_t id, void *arg)
{
    (void)id;
    (void)arg;
    let_the_stranger_in(IN_DEINIT);
    return ESP_OK;
}

static _Atomic uint32_t handled, app_ran;

static void on_event(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
    let_the_stranger_in(IN_HANDLER);
    handled++;
}

static void app_main_function(app_context_t *ctx)
{
    (void)ctx;
    let_the_stranger_in(IN_APP);
    app_ran++;
}

static void on_line(const char *line, void *arg)
{
    (void)line;
    (void)arg;
    if (atomic_load(&passed[IN_REPORT]) == 0) {
        let_the_stranger_in(IN_REPORT);
    }
}

static void the_stranger_is_let_in_everywhere(void **state)
{
    (void)state;
    static const system_service_descriptor_t service = {
        .name = "subject",
        .lifecycle = {.init = on_init, .start = on_start, .stop = on_stop, .deinit = on_deinit},
    };
    static const app_manifest_t app = {
        .name = "app", .entry_point = app_main_function, .stack_size = 4096, .priority = 5};
    const system_secure_key_t key = system_up();
    const system_event_type_t type = system_up_type("test.event");
    system_service_id_t id;

    assert_int_equal(xTaskCreate(stranger, "stranger", 4096, NULL, 6, NULL), pdPASS);
    assert_int_equal(system_service_register("subject", &service, &id), ESP_OK);
    assert_int_equal(system_service_start(id), ESP_OK);
    assert_int_equal(system_event_subscribe(id, type, on_event, NULL), ESP_OK);
    assert_int_equal(system_event_post(id, type, NULL, 0, SYSTEM_EVENT_PRIORITY_NORMAL), ESP_OK);
    assert_true(system_up_wait(&handled, 1, 5000));
    assert_int_equal(app_manager_register(&app), ESP_OK);
    assert_int_equal(app_manager_start("app"), ESP_OK);
    assert_true(system_up_wait(&app_ran, 1, 5000));
    assert_int_equal(health_report_print(on_line, NULL), ESP_OK);
    assert_int_equal(system_service_stop(id), ESP_OK);
    assert_int_equal(system_service_unregister(id), ESP_OK);
    for (int i = 0; i < PLACES; i++) {
        if (atomic_load(&passed[i]) == 0) {
            fail_msg("a lock was held in place %d", i);
        }
    }
    helper_stop = 1;
    assert_true(system_up_wait(&helper_ended, 1, 5000));
    system_down(key);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_stranger_is_let_in_everywhere),
    };
    return KTEST_MAIN(argc, argv, tests);
}
