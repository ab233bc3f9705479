/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What peers send over Bluetooth, packages and what they set up: a task that does it. It is there
 * while there is something to do, since its stack is internal RAM.
 */
#include "boot_tables.h"

#include <stdatomic.h>
#include <string.h>

#include "sdkconfig.h"

#include "esp_log.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "bluetooth_service/bluetooth_package.h"
#include "bluetooth_service/bluetooth_setup.h"
#include "esp_system.h"
#include "kapp/kapp_install.h"
#include "network_service/network_events.h"
#include "nvs_flash.h"
#include "system_service/error_codes.h"
#include "system_service/request_response.h"

#ifdef CONFIG_BLUETOOTH_INSTALL

static const char *TAG = "main";

#define STACK    8192 /* installing takes about 5 KB of it */
#define PRIORITY 3
#define WAIT_MS  2000  /* for the next one */
#define JOIN_MS  10000 /* what is remembered goes to the flash, which takes its time */

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

static esp_err_t join(const bluetooth_setup_t *order)
{
    network_control_t wish = {.header = STATUS_HEADER(network_control_t, NETWORK_EVENTS_VERSION),
                              .what = NETWORK_JOIN};
    _Static_assert(sizeof(wish.name) == sizeof(order->name), "any name of a network fits");
    _Static_assert(sizeof(wish.secret) == sizeof(order->secret), "so does its secret");
    system_event_type_t type;
    memcpy(wish.name, order->name, sizeof(wish.name));
    memcpy(wish.secret, order->secret, sizeof(wish.secret));
    esp_err_t ret = system_event_register_type(NETWORK_CONTROL_REQUEST, &type);
    ret = ret == ESP_OK
              ? system_request_sync(SYSTEM_SERVICE_ID_NONE, SYSTEM_SERVICE_ID_NONE, type, &wish,
                                    sizeof(wish), SYSTEM_EVENT_PRIORITY_NORMAL, NULL, NULL, JOIN_MS)
              : ret;
    explicit_bzero(&wish, sizeof(wish));
    return ret;
}

/** Settings, bonds, networks, keys and apps go; the next boot is the first one. */
static esp_err_t forget_all(void)
{
    ESP_LOGW(TAG, "a peer wants everything forgotten: factory reset");
    esp_err_t ret = kapp_store_stop();
    ret = ret == ESP_OK ? kapp_store_erase() : ret;
    if (ret != ESP_OK && ret != ESP_ERR_INVALID_STATE && ret != ESP_ERR_KAPP_STORE_MISSING) {
        return ret; /* an app does not end: nothing was erased */
    }
    ret = nvs_flash_erase();
    if (ret == ESP_OK) {
        esp_restart();
    }
    return ret;
}

static void set_up(void)
{
    bluetooth_setup_t order;
    if (!bluetooth_setup_take(&order)) {
        return;
    }
    const esp_err_t ret = order.what == BLUETOOTH_SETUP_JOIN ? join(&order) : forget_all();
    explicit_bzero(&order, sizeof(order));
    if (ret != ESP_OK) {
        ESP_LOGW(TAG, "what a peer wants to set up: %s", system_error_to_string(ret));
    }
    bluetooth_setup_done(ret);
}

static void serve(void)
{
    bluetooth_package_t package;
    for (;;) {
        const esp_err_t ret = bluetooth_package_wait(&package, WAIT_MS);
        if (ret == ESP_OK) {
            install(&package);
        } else if (ret == ESP_ERR_NOT_FINISHED) {
            set_up();
        } else {
            return;
        }
    }
}

static _Atomic bool s_there; /* whoever sets it is the task, or creates it */

static void install_task(void *arg)
{
    (void)arg;
    do {
        serve();
        atomic_store(&s_there, false);
        /* What was offered before that has called nobody. */
    } while (bluetooth_package_is_offered() && !atomic_exchange(&s_there, true));
    vTaskDelete(NULL);
}

static esp_err_t call(void)
{
    if (atomic_exchange(&s_there, true) ||
        xTaskCreate(install_task, "bt_install", STACK, NULL, PRIORITY, NULL) == pdPASS) {
        return ESP_OK;
    }
    atomic_store(&s_there, false);
    ESP_LOGE(TAG,
             "what comes over Bluetooth: no %d bytes of internal RAM for the task that "
             "would take it; stop an app and try again",
             STACK);
    return ESP_ERR_NO_MEM;
}

void install_bluetooth_start(void)
{
    bluetooth_package_on_offer(call);
}

#else

void install_bluetooth_start(void)
{
}

#endif
