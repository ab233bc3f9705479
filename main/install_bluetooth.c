/* SPDX-License-Identifier: Apache-2.0 */
/* Packages that peers send over Bluetooth: a task that installs what comes. */
#include "boot_tables.h"

#include "sdkconfig.h"

#include "esp_log.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "bluetooth_service/bluetooth_package.h"
#include "kapp/kapp_install.h"
#include "system_service/error_codes.h"

#ifdef CONFIG_BLUETOOTH_INSTALL

static const char *TAG = "main";

#define STACK    8192 /* installing takes about 5 KB of it */
#define PRIORITY 3
#define WAIT_MS  600000

static void install(const bluetooth_package_t *package)
{
    static app_install_report_t s_report;
    const kapp_stream_t stream = {.read = bluetooth_package_read};
    const esp_err_t ret = package->update
                              ? app_manager_update_stream(&stream, package->allow_older, &s_report)
                              : app_manager_install_stream(&stream, &s_report);
    if (ret == ESP_OK) {
        ESP_LOGI(TAG, "%s came over Bluetooth", s_report.name);
    } else {
        ESP_LOGW(TAG, "a package that came over Bluetooth: %s", system_error_describe(ret));
    }
    bluetooth_package_done(ret, s_report.name);
}

static void install_task(void *arg)
{
    bluetooth_package_t package;
    (void)arg;
    for (;;) {
        if (bluetooth_package_wait(&package, WAIT_MS) == ESP_OK) {
            install(&package);
        }
    }
}

void install_bluetooth_start(void)
{
    static StaticTask_t s_task;
    static StackType_t s_stack[STACK];
    (void)xTaskCreateStatic(install_task, "bt_install", STACK, NULL, PRIORITY, s_stack, &s_task);
}

#else

void install_bluetooth_start(void)
{
}

#endif
