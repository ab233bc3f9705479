/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Installing and removing apps, and bringing them back at boot.
 */
#include "kapp/kapp_install.h"

#include <stdlib.h>
#include <string.h>

#include "esp_log.h"
#include "esp_random.h"
#include "freertos/FreeRTOS.h"
#include "freertos/semphr.h"

#include "data_store.h"
#include "installer.h"
#include "kapp/kapp_app.h"
#include "kapp_internal.h"
#include "system_service/app_manager.h"
#include "system_service/error_codes.h"
#include "system_service/service_manager.h"

static const char *TAG = "kapp";

/* The operation lock (order 0, above all others of this component): one operation at a time. Held
 * while streams are read and apps are stopped, which is why streams may not begin operations. */
static StaticSemaphore_t s_lock_storage;
static SemaphoreHandle_t s_lock;

/* What the sources of the apps that are known refer to. Operation lock. */
static store_package_t *s_known[CONFIG_KAPP_MAX_INSTALLED];

void kapp_install_init(void)
{
    if (s_lock == NULL) {
        s_lock = xSemaphoreCreateMutexStatic(&s_lock_storage);
    }
}

static bool caller_is_app(void)
{
    system_service_info_t info;
    const system_service_id_t id = system_service_current();
    return id != SYSTEM_SERVICE_ID_NONE && system_service_get_info(id, &info) == ESP_OK &&
           info.is_app;
}

esp_err_t kapp_operation_begin(void)
{
    if (s_lock == NULL) {
        return ESP_ERR_INVALID_STATE;
    }
    if (caller_is_app()) {
        return ESP_ERR_NOT_OWNER;
    }
    (void)xSemaphoreTake(s_lock, portMAX_DELAY);
    return ESP_OK;
}

void kapp_operation_end(void)
{
    (void)xSemaphoreGive(s_lock);
}

bool kapp_installed_runs(unsigned place)
{
    app_info_t info;
    return s_known[place] != NULL && app_manager_get_info(s_known[place]->name, &info) == ESP_OK &&
           info.state != APP_STATE_REGISTERED && info.state != APP_STATE_STOPPED &&
           (info.state != APP_STATE_CRASHED || info.starts_again);
}

/* ---- the directory and the app manager ------------------------------------------------------ */

static bool is_called(const store_entry_t *entry, const char *id)
{
    return entry->id[0] != '\0' && strcmp(entry->id, id) == 0;
}

esp_err_t kapp_installed_find(const char *id, unsigned *place, store_entry_t *entry)
{
    const store_directory_t *directory;
    unsigned at = 0;
    const esp_err_t ret = store_look(&directory);
    if (ret != ESP_OK) {
        return ret;
    }
    while (at < CONFIG_KAPP_MAX_INSTALLED && !is_called(&directory->entries[at], id)) {
        at++;
    }
    for (unsigned i = 0; at == CONFIG_KAPP_MAX_INSTALLED && i < CONFIG_KAPP_MAX_INSTALLED; i++) {
        if (store_package_called(&directory->entries[i].current, id)) {
            at = i;
            break;
        }
    }
    if (at < CONFIG_KAPP_MAX_INSTALLED && entry != NULL) {
        memcpy(entry, &directory->entries[at], sizeof(*entry));
    }
    store_look_end();
    *place = at;
    return at < CONFIG_KAPP_MAX_INSTALLED ? ESP_OK : ESP_ERR_APP_NOT_FOUND;
}

esp_err_t kapp_installed_check_name(const char *name, unsigned place)
{
    const store_directory_t *directory;
    app_info_t info;
    bool own = false;
    bool others = false;
    const esp_err_t ret = store_look(&directory);
    if (ret != ESP_OK) {
        return ret;
    }
    for (unsigned i = 0; i < CONFIG_KAPP_MAX_INSTALLED; i++) {
        const store_entry_t *entry = &directory->entries[i];
        if (store_package_called(&entry->current, name) ||
            store_package_called(&entry->previous, name)) {
            own = own || i == place;
            others = others || i != place;
        }
    }
    store_look_end();
    /* What the app manager knows and the directory does not is built in. */
    others = others || (!own && app_manager_get_info(name, &info) == ESP_OK);
    return others ? ESP_ERR_APP_ALREADY_REGISTERED : ESP_OK;
}

esp_err_t kapp_installed_register(unsigned place, const store_package_t *package)
{
    store_package_t *known = malloc(sizeof(*known));
    kapp_verdict_t verdict = {0};
    if (known == NULL) {
        return ESP_ERR_NO_MEM;
    }
    memcpy(known, package, sizeof(*known));
    memcpy(verdict.hash, package->hash, sizeof(verdict.hash));
    memcpy(verdict.signer, package->signer, sizeof(verdict.signer));
    verdict.is_signed = kapp_stored_is_signed(package);
    const kapp_source_t source = kapp_stored_source(known);
    const esp_err_t ret = kapp_app_register_verified(&source, &verdict, kapp_allow_unsigned());
    if (ret != ESP_OK) {
        free(known);
        return ret;
    }
    s_known[place] = known;
    return ESP_OK;
}

esp_err_t kapp_installed_unregister(unsigned place)
{
    if (s_known[place] == NULL) {
        return ESP_OK;
    }
    const char *name = s_known[place]->name;
    esp_err_t ret = app_manager_stop(name);
    if (ret == ESP_ERR_TIMEOUT) {
        return ret;
    }
    ret = kapp_app_unregister(name);
    if (ret == ESP_OK || ret == ESP_ERR_APP_NOT_FOUND) {
        free(s_known[place]);
        s_known[place] = NULL;
        ret = ESP_OK;
    }
    return ret;
}

/* ---- at boot -------------------------------------------------------------------------------- */

/** Make the app of a place known, and start it. */
static void bring_back(unsigned place, const store_entry_t *entry, bool start)
{
    esp_err_t ret = kapp_installed_register(place, &entry->current);
    if (ret != ESP_OK) {
        ESP_LOGE(TAG, "%s cannot be used: %s", entry->id, system_error_describe(ret));
        return;
    }
    if (start && entry->autostart && kapp_ended_last_boot(entry->current.name)) {
        ESP_LOGE(TAG, "%s is not started: its code ran when the system went down", entry->id);
    } else if (start && entry->autostart) {
        ret = app_manager_start(entry->current.name);
        if (ret != ESP_OK) {
            ESP_LOGE(TAG, "%s does not start: %s", entry->id, system_error_describe(ret));
        }
    }
}

/** A copy of an entry. @return false: there is no package */
static bool copy_entry(unsigned place, store_entry_t *out)
{
    const store_directory_t *directory;
    if (store_look(&directory) != ESP_OK) {
        return false;
    }
    memcpy(out, &directory->entries[place], sizeof(*out));
    store_look_end();
    return out->current.size != 0;
}

esp_err_t kapp_store_start(bool start_apps)
{
    esp_err_t ret = kapp_operation_begin();
    if (ret != ESP_OK) {
        return ret;
    }
    store_entry_t *entry = malloc(sizeof(*entry));
    ret = entry == NULL ? ESP_ERR_NO_MEM : store_mount();
    for (unsigned i = 0; ret == ESP_OK && i < CONFIG_KAPP_MAX_INSTALLED; i++) {
        if (s_known[i] == NULL && copy_entry(i, entry)) {
            bring_back(i, entry, start_apps);
        }
    }
    free(entry);
    if (ret == ESP_OK) {
        data_tidy();
    }
    kapp_operation_end();
    return ret;
}

/* ---- installing ----------------------------------------------------------------------------- */

void kapp_report(app_install_report_t *report, const staged_t *staged)
{
    memcpy(report->id, staged->manifest.id, sizeof(report->id));
    memcpy(report->name, staged->manifest.name, sizeof(report->name));
    report->version = staged->manifest.version;
}

/** The place for a new app: that of its kept data if they are its signer's, or a free one. */
static esp_err_t find_place(const staged_t *staged, unsigned *place)
{
    const char *id = staged->manifest.id;
    const store_directory_t *directory;
    unsigned unused = CONFIG_KAPP_MAX_INSTALLED;
    unsigned own = CONFIG_KAPP_MAX_INSTALLED;
    esp_err_t ret = store_look(&directory);
    if (ret != ESP_OK) {
        return ret;
    }
    for (unsigned i = CONFIG_KAPP_MAX_INSTALLED; i-- > 0;) {
        unused = directory->entries[i].id[0] == '\0' ? i : unused;
        own = is_called(&directory->entries[i], id) ? i : own;
    }
    if (own < CONFIG_KAPP_MAX_INSTALLED) {
        const store_entry_t *entry = &directory->entries[own];
        ret = entry->current.size != 0 ? ESP_ERR_APP_ALREADY_REGISTERED
                                       : kapp_installed_check_signer(entry, &staged->package);
    }
    store_look_end();
    *place = own < CONFIG_KAPP_MAX_INSTALLED ? own : unused;
    if (ret == ESP_OK && *place == CONFIG_KAPP_MAX_INSTALLED) {
        ret = ESP_ERR_KAPP_STORE_SLOTS;
    }
    return ret;
}

/** The one step in which it becomes installed. */
static esp_err_t commit_new(unsigned place, const staged_t *staged)
{
    store_directory_t *next;
    const esp_err_t ret = store_change(&next);
    if (ret != ESP_OK) {
        return ret;
    }
    store_entry_t *entry = &next->entries[place];
    if (entry->id[0] == '\0') {
        entry->birth = esp_random();
    }
    memcpy(entry->id, staged->manifest.id, sizeof(entry->id));
    entry->current = staged->package;
    memset(entry->kept_of, 0, sizeof(entry->kept_of));
    return store_change_end(ESP_OK);
}

static esp_err_t install_staged(const staged_t *staged)
{
    unsigned place;
    esp_err_t ret = find_place(staged, &place);
    if (ret == ESP_OK) {
        ret = kapp_installed_check_name(staged->manifest.name, place);
    }
    if (ret == ESP_OK) { /* first what can fail for lack of room, then the step that cannot */
        ret = kapp_installed_register(place, &staged->package);
    }
    if (ret == ESP_OK) {
        ret = commit_new(place, staged);
        if (ret != ESP_OK) {
            (void)kapp_installed_unregister(place);
        }
    }
    return ret;
}

esp_err_t app_manager_install_stream(const kapp_stream_t *stream, app_install_report_t *report)
{
    app_install_report_t unwanted = {0};
    staged_t *staged = NULL;
    report = report != NULL ? report : &unwanted;
    *report = (app_install_report_t){0};
    if (stream == NULL || stream->read == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    esp_err_t ret = kapp_operation_begin();
    if (ret != ESP_OK) {
        return ret;
    }
    ret = kapp_stage(stream, &staged);
    if (ret == ESP_OK) {
        kapp_report(report, staged);
        ret = install_staged(staged);
    }
    kapp_unstage(staged);
    kapp_operation_end();
    return ret;
}

esp_err_t app_manager_install(const char *location, app_install_report_t *report)
{
    const kapp_opener_t *opener;
    kapp_stream_t stream;
    if (location == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    esp_err_t ret = kapp_stream_open(location, &stream, &opener);
    if (ret == ESP_OK) {
        ret = app_manager_install_stream(&stream, report);
        opener->close(&stream);
    }
    return ret;
}

/* ---- removing ------------------------------------------------------------------------------- */

static esp_err_t commit_gone(unsigned place, bool keep_data)
{
    store_directory_t *next;
    data_lock(); /* an app of the firmware may be storing something in this place */
    esp_err_t ret = store_change(&next);
    if (ret == ESP_OK) {
        store_entry_t *entry = &next->entries[place];
        if (keep_data) { /* a version on probation goes with the one that it was to replace */
            entry->autostart = false;
            if (entry->current.size != 0) {
                memcpy(entry->kept_of, entry->current.signer, sizeof(entry->kept_of));
            }
            memset(&entry->current, 0, sizeof(entry->current));
            memset(&entry->previous, 0, sizeof(entry->previous));
        } else {
            memset(entry, 0, sizeof(*entry));
        }
        ret = store_change_end(ESP_OK);
    }
    data_unlock();
    return ret;
}

static esp_err_t uninstall(const char *id, bool keep_data, store_entry_t *entry)
{
    unsigned place;
    app_info_t info;
    esp_err_t ret = kapp_installed_find(id, &place, entry);
    if (ret != ESP_OK) {
        return ret == ESP_ERR_APP_NOT_FOUND && app_manager_get_info(id, &info) == ESP_OK
                   ? ESP_ERR_KAPP_STORE_BUILT_IN
                   : ret;
    }
    const bool known = s_known[place] != NULL;
    ret = kapp_installed_unregister(place);
    if (ret != ESP_OK) {
        return ret;
    }
    ret = commit_gone(place, keep_data);
    if (ret == ESP_OK && !keep_data) {
        data_tidy();                     /* of this place, and what an earlier one may have left */
    } else if (ret != ESP_OK && known) { /* it is still installed */
        (void)kapp_installed_register(place, entry->previous.size != 0 ? &entry->previous
                                                                       : &entry->current);
    }
    return ret;
}

esp_err_t app_manager_uninstall(const char *id, bool keep_data)
{
    if (id == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    esp_err_t ret = kapp_operation_begin();
    if (ret != ESP_OK) {
        return ret;
    }
    store_entry_t *entry = malloc(sizeof(*entry));
    ret = entry != NULL ? uninstall(id, keep_data, entry) : ESP_ERR_NO_MEM;
    free(entry);
    kapp_operation_end();
    return ret;
}

/** Stop all installed apps, and make them unknown. */
static esp_err_t forget_all(void)
{
    for (unsigned i = 0; i < CONFIG_KAPP_MAX_INSTALLED; i++) {
        const esp_err_t ret = kapp_installed_unregister(i);
        if (ret != ESP_OK) {
            return ret;
        }
    }
    return ESP_OK;
}

esp_err_t kapp_store_stop(void)
{
    esp_err_t ret = kapp_operation_begin();
    if (ret == ESP_OK) {
        ret = forget_all();
        kapp_operation_end();
    }
    return ret;
}

static esp_err_t erase(void)
{
    for (unsigned i = 0; i < CONFIG_KAPP_MAX_INSTALLED; i++) {
        if (kapp_installed_runs(i)) {
            return ESP_ERR_APP_IN_USE;
        }
    }
    esp_err_t ret = forget_all();
    if (ret == ESP_OK) {
        data_lock();
        ret = store_format();
        data_unlock();
    }
    if (ret == ESP_OK) {
        data_tidy();
    }
    return ret;
}

esp_err_t kapp_store_erase(void)
{
    esp_err_t ret = kapp_operation_begin();
    if (ret == ESP_OK) {
        ret = erase();
        kapp_operation_end();
    }
    return ret;
}
