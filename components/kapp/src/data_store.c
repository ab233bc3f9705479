/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose data, and the tables in NVS.
 */
#include "data_store.h"

#include <stdio.h>
#include <string.h>

#include "esp_log.h"
#include "esp_random.h"
#include "freertos/FreeRTOS.h"
#include "freertos/semphr.h"
#include "freertos/task.h"
#include "nvs.h"

#include "kapp_format.h"
#include "kapp_internal.h"
#include "system_service/app_manager.h"
#include "system_service/error_codes.h"
#include "system_service/service_manager.h"

static const char *TAG = "kapp_data";

/* Whoever removes an app waits so often and long for what it stored to go, too. */
#define FORGET_AGAIN    3
#define FORGET_AGAIN_MS 20

#define NAMESPACE "kapp"

static StaticSemaphore_t s_lock_storage;
static SemaphoreHandle_t s_lock;
static esp_err_t s_status; /* not ESP_OK: what NVS holds will be known after a restart */

void data_store_init(void)
{
    if (s_lock == NULL) {
        s_lock = xSemaphoreCreateMutexStatic(&s_lock_storage);
    }
    s_status = ESP_OK;
    data_wear_init();
}

bool data_name_valid(const char *name)
{
    const size_t length = name != NULL ? strnlen(name, APP_DATA_NAME_MAX + 1) : 0;
    return length != 0 && length <= APP_DATA_NAME_MAX &&
           kapp_text_name((const uint8_t *)name, (uint32_t)length);
}

void data_lock(void)
{
    (void)xSemaphoreTake(s_lock, portMAX_DELAY);
}

void data_unlock(void)
{
    (void)xSemaphoreGive(s_lock);
}

/* ---- who calls ------------------------------------------------------------------------------ */

typedef struct {
    system_service_id_t id;
    char name[SYSTEM_NAME_MAX + 1];
    bool installed; /* its code came out of a package; else it is part of the firmware */
} caller_t;

/** Without the data lock: the app manager's own is taken. */
static esp_err_t find_caller(caller_t *out)
{
    system_service_info_t service;
    app_info_t app;
    out->id = system_service_current();
    if (out->id == SYSTEM_SERVICE_ID_NONE || system_service_get_info(out->id, &service) != ESP_OK ||
        !service.is_app || app_manager_get_info(service.name, &app) != ESP_OK) {
        return ESP_ERR_APP_NOT_FOUND;
    }
    memcpy(out->name, service.name, sizeof(out->name));
    out->installed = app.manifest->image != NULL; /* its code runs, so there is a manifest */
    return ESP_OK;
}

/** The place of an app. An app of the firmware and an installed one may have had the same name one
 *  after the other: neither gets the other's. @return CONFIG_KAPP_MAX_INSTALLED: it has none */
static unsigned place_of(const store_directory_t *directory, const caller_t *caller)
{
    char id[KAPP_ID_MAX + 1];
    unsigned at = 0;
    bool found = false;
    (void)snprintf(id, sizeof(id), "%s%s", KAPP_BUILT_IN_PREFIX, caller->name);
    while (at < CONFIG_KAPP_MAX_INSTALLED && !found) {
        const store_entry_t *entry = &directory->entries[at];
        found = caller->installed ? store_package_called(&entry->current, caller->name) ||
                                        store_package_called(&entry->previous, caller->name)
                                  : strcmp(entry->id, id) == 0;
        at += !found;
    }
    return at;
}

/** An entry for an app of the firmware. */
static esp_err_t create_entry(const char *name, data_owner_t *out)
{
    store_directory_t *next;
    esp_err_t ret = store_change(&next);
    if (ret != ESP_OK) {
        return ret;
    }
    unsigned at = 0;
    while (at < CONFIG_KAPP_MAX_INSTALLED && next->entries[at].id[0] != '\0') {
        at++;
    }
    if (at < CONFIG_KAPP_MAX_INSTALLED) {
        store_entry_t *entry = &next->entries[at];
        *out = (data_owner_t){at, esp_random()};
        (void)snprintf(entry->id, sizeof(entry->id), "%s%s", KAPP_BUILT_IN_PREFIX, name);
        entry->birth = out->birth;
    } else {
        ret = ESP_ERR_KAPP_STORE_SLOTS;
    }
    return store_change_end(ret);
}

static esp_err_t find_owner(const caller_t *caller, bool create, data_owner_t *out)
{
    const store_directory_t *directory;
    if (system_service_current() != caller->id) { /* given up while it waited for the lock */
        return ESP_ERR_APP_NOT_FOUND;
    }
    esp_err_t ret = store_look(&directory);
    if (ret != ESP_OK) {
        return ret;
    }
    const unsigned place = place_of(directory, caller);
    if (place < CONFIG_KAPP_MAX_INSTALLED) {
        *out = (data_owner_t){place, directory->entries[place].birth};
    }
    store_look_end();
    if (place < CONFIG_KAPP_MAX_INSTALLED) {
        return ESP_OK;
    }
    if (caller->installed) { /* not from the store, or uninstalled meanwhile */
        return ESP_ERR_APP_NOT_FOUND;
    }
    return create ? create_entry(caller->name, out) : ESP_ERR_NOT_FOUND;
}

esp_err_t data_begin(bool create, data_owner_t *out)
{
    caller_t caller;
    if (s_lock == NULL) {
        return ESP_ERR_INVALID_STATE;
    }
    esp_err_t ret = find_caller(&caller);
    if (ret != ESP_OK) {
        return ret;
    }
    data_lock();
    ret = s_status != ESP_OK ? s_status : find_owner(&caller, create, out);
    if (ret != ESP_OK) {
        data_unlock();
    }
    return ret;
}

esp_err_t data_end(esp_err_t ret)
{
    data_unlock();
    return ret;
}

/* ---- the tables ----------------------------------------------------------------------------- */

static void key_of(unsigned place, data_kind_t kind, char key[8])
{
    (void)snprintf(key, 8, "%c%u", kind == DATA_SETTINGS ? 's' : 'f', place & 0xffu);
}

esp_err_t data_read(const data_owner_t *owner, data_kind_t kind, uint8_t *table, size_t max,
                    size_t *size)
{
    nvs_handle_t nvs;
    char key[8];
    *size = DATA_HEAD;
    esp_err_t ret = nvs_open(NAMESPACE, NVS_READONLY, &nvs);
    if (ret == ESP_OK) {
        size_t got = max;
        key_of(owner->place, kind, key);
        ret = nvs_get_blob(nvs, key, table, &got);
        nvs_close(nvs);
        if (ret == ESP_OK && got >= DATA_HEAD && kapp_u32(table) == owner->birth) {
            *size = got;
        }
    }
    if (ret == ESP_ERR_NVS_NOT_FOUND) {
        return ESP_OK;
    }
    return ret == ESP_ERR_NVS_INVALID_LENGTH ? ESP_ERR_KAPP_DATA_DAMAGED : ret;
}

esp_err_t data_write(const data_owner_t *owner, data_kind_t kind, uint8_t *table, size_t size)
{
    nvs_handle_t nvs;
    char key[8];
    for (unsigned i = 0; i < DATA_HEAD; i++) {
        table[i] = (uint8_t)(owner->birth >> 8 * i);
    }
    esp_err_t ret = nvs_open(NAMESPACE, NVS_READWRITE, &nvs);
    if (ret != ESP_OK) {
        return ret;
    }
    key_of(owner->place, kind, key);
    ret = nvs_set_blob(nvs, key, table, size);
    if (ret == ESP_OK) {
        ret = nvs_commit(nvs);
    }
    nvs_close(nvs);
    if (ret == ESP_ERR_NVS_REMOVE_FAILED) {
        s_status = ret; /* the next start of NVS decides between the old and the new */
        ESP_LOGE(TAG, "nothing more is stored before a restart: %s", esp_err_to_name(ret));
    }
    return ret;
}

/** @return an error: something is left */
static esp_err_t erase_keys(nvs_handle_t nvs, unsigned place)
{
    char key[8];
    esp_err_t left = ESP_OK;
    for (data_kind_t kind = DATA_SETTINGS; kind <= DATA_FILES; kind++) {
        key_of(place, kind, key);
        const esp_err_t ret = nvs_erase_key(nvs, key);
        if (ret != ESP_OK && ret != ESP_ERR_NVS_NOT_FOUND) {
            left = ret;
        }
    }
    return left;
}

static esp_err_t forget(unsigned place)
{
    nvs_handle_t nvs;
    data_lock();
    esp_err_t ret = nvs_open(NAMESPACE, NVS_READWRITE, &nvs);
    if (ret == ESP_OK) {
        ret = erase_keys(nvs, place);
        const esp_err_t committed = nvs_commit(nvs);
        nvs_close(nvs);
        ret = ret == ESP_OK ? committed : ret;
    }
    data_unlock();
    return ret;
}

void data_forget(unsigned place)
{
    esp_err_t ret = forget(place);
    for (unsigned again = 0; again < FORGET_AGAIN && ret != ESP_OK; again++) {
        vTaskDelay(pdMS_TO_TICKS(FORGET_AGAIN_MS)); /* memory may be short for a moment alone */
        ret = forget(place);
    }
    if (ret != ESP_OK) {
        ESP_LOGW(TAG, "data of place %u stay until an app is removed, or the next boot: %s", place,
                 esp_err_to_name(ret));
    }
}

void data_tidy(void)
{
    const store_directory_t *directory;
    bool unused[CONFIG_KAPP_MAX_INSTALLED];
    if (store_look(&directory) != ESP_OK) {
        return;
    }
    for (unsigned i = 0; i < CONFIG_KAPP_MAX_INSTALLED; i++) {
        unused[i] = directory->entries[i].id[0] == '\0';
    }
    store_look_end();
    for (unsigned i = 0; i < CONFIG_KAPP_MAX_INSTALLED; i++) {
        if (unused[i]) {
            data_forget(i);
        }
    }
}
