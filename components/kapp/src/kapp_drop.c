/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packages that somebody put into a folder: what is not installed is installed, what is installed
 * is updated.
 */
#include "esp_log.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "drop_backend.h"
#include "kapp/kapp_install.h"
#include "system_service/error_codes.h"

static const char *TAG = "kapp_drop";

#define WATCH_STACK    8192u /* signatures are checked on it */
#define WATCH_PRIORITY 2u

static bool s_stuck; /* a file stays where it is, and would be taken for ever */

static esp_err_t take(const char *path, app_install_report_t *report)
{
    const esp_err_t ret = app_manager_install(path, report);
    if (ret != ESP_ERR_APP_ALREADY_REGISTERED) {
        return ret;
    }
    const esp_err_t updated = app_manager_update(path, false, report);
    /* Not installed, and still its name is taken: by another app. */
    return updated == ESP_ERR_APP_NOT_FOUND ? ret : updated;
}

unsigned kapp_drop_scan(void)
{
    char path[DROP_PATH_MAX + 1];
    unsigned taken = 0;
    while (!s_stuck && drop_backend_next(path)) {
        app_install_report_t report;
        const esp_err_t ret = take(path, &report);
        if (ret == ESP_OK) {
            taken++;
            ESP_LOGI(TAG, "%s %u.%u.%u is installed", report.id, report.version.major,
                     report.version.minor, report.version.patch);
        } else {
            ESP_LOGE(TAG, "%s: %s", path, system_error_describe(ret));
        }
        if (!drop_backend_done(path, ret)) {
            ESP_LOGE(TAG, "%s cannot be taken away: no drop folder before the next start", path);
            s_stuck = true;
        }
    }
    return taken;
}

static void watch(void *arg)
{
    (void)arg;
    for (;;) {
        (void)kapp_drop_scan();
        vTaskDelay(pdMS_TO_TICKS(drop_backend_period_ms()));
    }
}

esp_err_t kapp_drop_start(void)
{
    (void)kapp_drop_scan();
    if (drop_backend_period_ms() == 0) {
        return ESP_OK;
    }
    return xTaskCreate(watch, "kapp_drop", WATCH_STACK, NULL, WATCH_PRIORITY, NULL) == pdPASS
               ? ESP_OK
               : ESP_ERR_NO_MEM;
}
