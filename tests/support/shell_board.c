// SPDX-License-Identifier: Apache-2.0
#include "shell_board.h"

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "ktest.h"
#include "shell/shell.h"
#include "system_service/app_manager.h"
#include "system_service/service_supervisor.h"
#include "system_service/system_service.h"

static system_secure_key_t s_key;

static esp_err_t start_nothing(system_service_id_t id, void *arg)
{
    (void)id;
    (void)arg;
    return ESP_OK;
}

static const system_service_descriptor_t s_base = {
    .name = "base",
    .lifecycle = {.start = start_nothing},
};
static const char *const s_needs[] = {"base", NULL};
static const system_service_descriptor_t s_upper = {
    .name = "upper",
    .lifecycle = {.start = start_nothing},
    .depends_on = s_needs,
};

static void app_main_loop(app_context_t *ctx)
{
    (void)ctx->set_state(ctx, APP_STATE_RUNNING);
    while (ctx->get_state(ctx) == APP_STATE_RUNNING) {
        (void)ctx->sleep_ms(ctx, 10);
    }
}

static const app_manifest_t s_app = {
    .name = "idler",
    .version = "1.2.3",
    .description = "does nothing, for ever",
    .entry_point = app_main_loop,
    .stack_size = 4096,
    .priority = 5,
};

int shell_board_up(void **state)
{
    (void)state;
    static const system_service_descriptor_t *const services[] = {&shell_service, &s_base,
                                                                  &s_upper};
    system_service_id_t id;
    if (system_service_init(&s_key) != ESP_OK) {
        return -1;
    }
    for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++) {
        if (system_service_register(services[i]->name, services[i], &id) != ESP_OK) {
            return -1;
        }
    }
    if (system_service_start_all() != ESP_OK || app_manager_register(&s_app) != ESP_OK ||
        app_manager_start("idler") != ESP_OK) {
        return -1;
    }
    app_info_t app;
    do {
        vTaskDelay(1);
        KTEST_CHECK(app_manager_get_info("idler", &app) == ESP_OK);
    } while (app.state != APP_STATE_RUNNING);
    return 0;
}

int shell_board_down(void **state)
{
    (void)state;
    return system_service_deinit(s_key) == ESP_OK ? 0 : -1;
}

system_service_info_t shell_board_info(const char *name)
{
    system_service_id_t id;
    system_service_info_t info = {0};
    assert_int_equal(system_service_find(name, &id), ESP_OK);
    assert_int_equal(system_service_get_info(id, &info), ESP_OK);
    return info;
}

quota_usage_t shell_board_usage(const char *name)
{
    quota_usage_t usage;
    assert_int_equal(quota_get_usage(shell_board_info(name).id, &usage), ESP_OK);
    return usage;
}
