/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A screen of LVGL's as an app: below the status bar, in front or behind others, turned with the
 * screen, and as before when the display service was restarted.
 */
#include "display_lvgl.h"
#include "display_service/display_service.h"
#include "esp_log.h"
#include "system_service/service_manager.h"
#include "system_service/service_supervisor.h"
#include "system_service/system_service.h"

static const char *TAG = "lvgl_app";

static void count(lv_timer_t *timer)
{
    static uint32_t s_seconds;
    lv_label_set_text_fmt(lv_timer_get_user_data(timer), "%u s", (unsigned)++s_seconds);
}

static void run(app_context_t *ctx)
{
    display_lvgl_t screen;
    uint32_t rest_ms;
    const esp_err_t ret = display_lvgl_open(ctx, "LVGL", &screen);
    if (ret != ESP_OK) {
        ESP_LOGE(TAG, "no screen: %s", esp_err_to_name(ret));
        return;
    }
    lv_obj_t *label = lv_label_create(lv_screen_active());
    lv_label_set_text(label, "Hello");
    lv_obj_center(label);
    lv_timer_t *timer = lv_timer_create(count, 1000, label);
    do {
        (void)display_lvgl_run(&screen, &rest_ms); /* what it could not show it shows later */
    } while (ctx->sleep_ms(ctx, rest_ms));
    lv_timer_delete(timer);
    display_lvgl_close(&screen);
}

static const app_manifest_t s_app = {
    .name = "lvgl", .entry_point = run, .stack_size = 16384, .priority = 5};

void app_main(void)
{
    system_secure_key_t key;
    system_service_id_t id;
    ESP_ERROR_CHECK(system_service_init(&key));
    ESP_ERROR_CHECK(system_service_register(display_service.name, &display_service, &id));
    ESP_ERROR_CHECK(system_service_start_all());
    ESP_ERROR_CHECK(app_manager_register(&s_app));
    ESP_ERROR_CHECK(app_manager_start(s_app.name));
    ESP_ERROR_CHECK(system_service_seal(key));
}
