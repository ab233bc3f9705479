// SPDX-License-Identifier: Apache-2.0

// The list of tasks, and whose they are: a worker's while it works, an app's, one that a service
// attached.

#include <string.h>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "ktest.h"
#include "shell_test.h"
#include "system_service/app_manager.h"
#include "system_service/service_supervisor.h"
#include "system_service/system_service.h"

static void idle_main(app_context_t *ctx)
{
    (void)ctx->set_state(ctx, APP_STATE_RUNNING);
    while (ctx->get_state(ctx) == APP_STATE_RUNNING) {
        (void)ctx->sleep_ms(ctx, 10);
    }
}

static const app_manifest_t s_app = {
    .name = "idler",
    .entry_point = idle_main,
    .stack_size = 4096,
    .priority = 5,
};

static esp_err_t start_nothing(system_service_id_t id, void *arg)
{
    (void)id;
    (void)arg;
    return ESP_OK;
}

static const system_service_descriptor_t s_helped = {
    .name = "helped_by_a_task",
    .lifecycle = {.start = start_nothing},
};

static void helper_main(void *arg)
{
    (void)arg;
    vTaskDelay(portMAX_DELAY);
}

static void each_task_is_listed_with_its_owner(void **state)
{
    (void)state;
    system_secure_key_t key;
    system_service_id_t id;
    TaskHandle_t helper;
    shell_test_prints("ps", SHELL_OK, "stack free"); // also without the system
    assert_int_equal(system_service_init(&key), ESP_OK);
    assert_int_equal(system_service_register(s_helped.name, &s_helped, &id), ESP_OK);
    assert_int_equal(system_service_start_all(), ESP_OK);
    assert_int_equal(app_manager_register(&s_app), ESP_OK);
    assert_int_equal(app_manager_start("idler"), ESP_OK);
    // FreeRTOS cuts the name of a task.
    assert_int_equal(
        xTaskCreatePinnedToCore(helper_main, "helped_by_a_tas", 4096, NULL, 3, &helper, 1), pdPASS);

    shell_test_prints("ps", SHELL_OK, "idler            idler               5  any ");
    shell_test_prints("ps", SHELL_OK, "helped_by_a_tas  helped_by_a_task    3    1 ");
    shell_test_prints("ps", SHELL_OK, "supervisor       -  ");
    shell_test_prints("ps 20", SHELL_OK, " %\n");
    shell_test_prints("ps 0", SHELL_USAGE, "usage: ps");

    vTaskDelete(helper);
    assert_int_equal(app_manager_stop("idler"), ESP_OK);
    shell_test_prints("ps", SHELL_OK, "supervisor       -  ");
    assert_null(strstr(shell_test_output, "idler"));
    assert_int_equal(system_service_deinit(key), ESP_OK);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_task_is_listed_with_its_owner),
    };
    return KTEST_MAIN(argc, argv, tests);
}
