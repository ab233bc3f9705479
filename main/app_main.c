/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The boot order: the core, services, apps, installed ones last, the seal, then the shell or the
 * demonstration. A part that fails is named and the rest goes on; without the core there is nothing
 * to go on with.
 */
#include "boot_mode.h"
#include "boot_tables.h"
#include "install_source.h"
#include "power.h"

#include "esp_log.h"
#include "nvs_flash.h"
#include "sdkconfig.h"

#include "demo_service/demo_service.h"
#include "kapp/kapp_install.h"
#include "shell/shell.h"
#include "system_service/service_supervisor.h"
#include "system_service/system_service.h"
#include "updater/updater.h"

static const char *TAG = "main";

#define DEMO_PAUSE_MS 1000

void app_main(void);

/** A partition of an older layout, or one that is full of it, is of no use to anybody. */
static void start_storage(void)
{
    esp_err_t ret = nvs_flash_init();
    if (ret == ESP_ERR_NVS_NO_FREE_PAGES || ret == ESP_ERR_NVS_NEW_VERSION_FOUND) {
        ESP_LOGW(TAG, "storage is begun anew: %s", esp_err_to_name(ret));
        ret = nvs_flash_erase();
        ret = ret == ESP_OK ? nvs_flash_init() : ret;
    }
    if (ret != ESP_OK) {
        ESP_LOGE(TAG, "no storage: %s", esp_err_to_name(ret));
    }
}

static void start_services(void)
{
    for (size_t i = 0; i < service_table_size; i++) {
        system_service_id_t id;
        const esp_err_t ret =
            system_service_register(service_table[i]->name, service_table[i], &id);
        if (ret != ESP_OK) {
            ESP_LOGE(TAG, "service %s: %s", service_table[i]->name, system_error_to_string(ret));
        }
    }
    const esp_err_t ret = system_service_start_all();
    if (ret != ESP_OK) {
        ESP_LOGE(TAG, "not every service started: %s", system_error_to_string(ret));
    }
}

static void start_apps(void)
{
    for (size_t i = 0; i < app_table_size; i++) {
        const app_manifest_t *manifest = app_table[i].manifest;
        esp_err_t ret = app_manager_register(manifest);
        const bool suspect = kapp_ended_last_boot(manifest->name);
        if (suspect) {
            ESP_LOGE(TAG, "app %s is not started: its code ran when the system went down",
                     manifest->name);
        }
        if (ret == ESP_OK && app_table[i].start_at_boot && !suspect) {
            ret = app_manager_start(manifest->name);
        }
        if (ret != ESP_OK) {
            ESP_LOGE(TAG, "app %s: %s", manifest->name, system_error_to_string(ret));
        }
    }
}

static bool start_asked_app(void)
{
    const char *name = boot_mode_app();
    const esp_err_t ret = name != NULL ? app_manager_start(name) : ESP_OK;
    if (ret != ESP_OK && ret != ESP_ERR_APP_ALREADY_RUNNING) {
        ESP_LOGE(TAG, "app %s: %s", name, system_error_to_string(ret));
        return false;
    }
    return true;
}

/** What is in the store. Safe mode starts none of it, as it starts no other app. */
static void start_installed_apps(void)
{
    kapp_store_usage_t usage;
    esp_err_t ret = app_interfaces_offer();
    if (ret == ESP_OK) {
        ret = kapp_init();
    }
    if (ret == ESP_ERR_KAPP_KEYS_DAMAGED) {
        ESP_LOGE(TAG, "trust store: %s", system_error_describe(ret));
        ret = ESP_OK; /* what is installed can still be seen and removed */
    }
    if (ret == ESP_OK) {
        install_source_add();
        ret = kapp_store_start(true);
    }
    if (ret == ESP_OK) {
        install_bluetooth_start();
        ret = kapp_drop_start();
    }
    if (ret == ESP_OK) {
        ret = kapp_store_get_usage(&usage);
    }
    if (ret != ESP_OK) {
        ESP_LOGE(TAG, "no installed apps: %s", system_error_describe(ret));
    } else if (usage.apps != 0) {
        ESP_LOGI(TAG, "installed apps: %u", usage.apps);
    }
#ifdef CONFIG_KAPP_DEVELOPER_MODE
    ESP_LOGW(TAG, "developer mode: unsigned apps are accepted");
#endif
}

void app_main(void)
{
    system_secure_key_t key;

    start_storage();
    ESP_ERROR_CHECK(system_service_init(&key));
    if (boot_mode_safe()) {
        const esp_err_t safe = system_safe_mode_enter("the button was held while booting");
        ESP_LOGW(TAG, "safe mode by button: %s", system_error_to_string(safe));
    }
    start_services();
    start_apps();
    start_installed_apps();
    ESP_ERROR_CHECK(system_service_seal(key));
    const esp_err_t probation = updater_start();
    if (probation != ESP_OK) {
        ESP_LOGE(TAG, "a new image will not be confirmed: %s", system_error_to_string(probation));
    }
    ESP_LOGI(TAG, "ready");
    power_start();

    const bool ok = start_asked_app();
    if (boot_mode() == BOOT_PICTURE) {
        boot_mode_picture(ok);
    }
    if (boot_mode() == BOOT_DEMO) {
        const bool watched = boot_mode_colour(); /* by somebody who reads along */
        const demo_config_t config = {
            .colour = watched, .pause_ms = watched ? DEMO_PAUSE_MS : 0, .chapter = demo_devices};
        boot_mode_demo_done(demo_run(&config));
    }
    const esp_err_t ret = shell_open();
    if (ret != ESP_OK) {
        ESP_LOGE(TAG, "no shell: %s", system_error_to_string(ret));
    }
}
