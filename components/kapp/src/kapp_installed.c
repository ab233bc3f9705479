/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is installed, and which of it starts at boot.
 */
#include <string.h>

#include "installer.h"
#include "kapp_internal.h"
#include "system_service/error_codes.h"

bool kapp_stored_is_signed(const store_package_t *package)
{
    return store_directory_owned(package->signer);
}

esp_err_t kapp_installed_check_signer(const store_entry_t *entry, const store_package_t *package)
{
    const uint8_t *owner = entry->current.size != 0 ? entry->current.signer : entry->kept_of;
    return !store_directory_owned(owner) || kapp_trust_same_signer(owner, package->signer)
               ? ESP_OK
               : ESP_ERR_KAPP_SIGNER_OTHER;
}

static esp_err_t set_autostart(const char *id, bool on)
{
    unsigned place;
    store_directory_t *next;
    esp_err_t ret = kapp_installed_find(id, &place, NULL);
    if (ret == ESP_OK) {
        ret = store_change(&next);
    }
    if (ret != ESP_OK) {
        return ret;
    }
    store_entry_t *entry = &next->entries[place];
    if (entry->current.size == 0) {
        return store_change_end(ESP_ERR_APP_NOT_FOUND);
    }
    if (entry->autostart == on) { /* the flash is not worn for nothing */
        store_look_end();
        return ESP_OK;
    }
    entry->autostart = on;
    return store_change_end(ESP_OK);
}

esp_err_t app_manager_set_autostart(const char *id, bool on)
{
    if (id == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    esp_err_t ret = kapp_operation_begin();
    if (ret == ESP_OK) {
        ret = set_autostart(id, on);
        kapp_operation_end();
    }
    return ret;
}

static void describe(const store_entry_t *entry, app_installed_t *out)
{
    const store_package_t *package = &entry->current;
    *out = (app_installed_t){
        .version = package->version,
        .is_signed = kapp_stored_is_signed(package),
        .autostart = entry->autostart,
        .package_bytes = package->size,
        .data_bytes = entry->data_count * STORE_EXTENT_SIZE,
    };
    memcpy(out->id, entry->id, sizeof(out->id));
    memcpy(out->name, package->name, sizeof(out->name));
    memcpy(out->signer, package->signer, sizeof(out->signer));
}

esp_err_t app_manager_installed(app_installed_t *out, size_t *count)
{
    const store_directory_t *directory;
    if (count == NULL || (out == NULL && *count != 0)) {
        return ESP_ERR_INVALID_ARG;
    }
    const size_t room = *count;
    *count = 0;
    const esp_err_t ret = store_look(&directory);
    if (ret != ESP_OK) {
        return ret;
    }
    for (unsigned i = 0; i < CONFIG_KAPP_MAX_INSTALLED; i++) {
        if (directory->entries[i].id[0] == '\0') {
            continue;
        }
        if (*count < room) {
            describe(&directory->entries[i], &out[*count]);
        }
        (*count)++;
    }
    store_look_end();
    return *count > room ? ESP_ERR_INVALID_SIZE : ESP_OK;
}

esp_err_t kapp_store_get_usage(kapp_store_usage_t *out)
{
    unsigned all, used;
    if (out == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    *out = (kapp_store_usage_t){.apps_max = CONFIG_KAPP_MAX_INSTALLED};
    esp_err_t ret = store_count(&all, &used);
    if (ret == ESP_OK) {
        size_t count = 0;
        ret = app_manager_installed(NULL, &count);
        ret = ret == ESP_ERR_INVALID_SIZE ? ESP_OK : ret;
        out->apps = (unsigned)count;
        out->total_bytes = all * STORE_EXTENT_SIZE;
        out->used_bytes = used * STORE_EXTENT_SIZE;
        out->free_bytes = out->total_bytes - out->used_bytes;
    }
    return ret;
}
