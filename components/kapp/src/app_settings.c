/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settings of apps: one table an app, of a key's length, the key, a value's size (2), the value.
 */
#include <stdlib.h>
#include <string.h>

#include "data_store.h"
#include "kapp_format.h"
#include "system_service/error_codes.h"
#include "system_service/memory_utils.h"

#define ENTRY_HEAD 3u /* besides the key and the value */
#define TABLE_MAX  (DATA_HEAD + CONFIG_KAPP_APP_SETTINGS_BYTES)

/** One setting in a table. */
typedef struct {
    size_t at;   /* where it begins */
    size_t size; /* of all of it */
    const uint8_t *value;
    size_t value_size;
} setting_t;

/** Find a key. @return ESP_OK; ESP_ERR_NOT_FOUND; ESP_ERR_KAPP_DATA_DAMAGED */
static esp_err_t find(const uint8_t *table, size_t size, const char *key, setting_t *out)
{
    const size_t wanted = strlen(key);
    for (size_t at = DATA_HEAD; at < size; at += out->size) {
        const size_t length = table[at];
        const size_t left = size - at;
        if (left < ENTRY_HEAD + length) {
            return ESP_ERR_KAPP_DATA_DAMAGED;
        }
        const size_t value_size = kapp_u16(table + at + 1 + length);
        *out = (setting_t){at, ENTRY_HEAD + length + value_size, table + at + ENTRY_HEAD + length,
                           value_size};
        if (left < out->size) {
            return ESP_ERR_KAPP_DATA_DAMAGED;
        }
        if (length == wanted && memcmp(table + at + 1, key, length) == 0) {
            return ESP_OK;
        }
    }
    return ESP_ERR_NOT_FOUND;
}

static esp_err_t get(const data_owner_t *owner, uint8_t *table, const char *key, void *to,
                     size_t *size)
{
    size_t all;
    setting_t s = {0};
    esp_err_t ret = data_read(owner, DATA_SETTINGS, table, TABLE_MAX, &all);
    if (ret == ESP_OK) {
        ret = find(table, all, key, &s);
    }
    if (ret != ESP_OK) {
        return ret;
    }
    const size_t room = *size;
    *size = s.value_size;
    if (s.value_size > room) {
        return ESP_ERR_INVALID_SIZE;
    }
    if (s.value_size != 0) { /* else there may be nothing to copy to */
        memcpy(to, s.value, s.value_size);
    }
    return ESP_OK;
}

/** @param value NULL: the setting is to go */
static esp_err_t set(const data_owner_t *owner, uint8_t *table, const char *key, const void *value,
                     size_t size)
{
    size_t all;
    setting_t s = {0};
    esp_err_t ret = data_read(owner, DATA_SETTINGS, table, TABLE_MAX, &all);
    if (ret == ESP_OK) {
        ret = find(table, all, key, &s);
    }
    if (ret == ESP_OK) {
        if (value != NULL && size == s.value_size && memcmp(value, s.value, size) == 0) {
            return ESP_OK;
        }
        memmove(table + s.at, table + s.at + s.size, all - s.at - s.size);
        all -= s.size;
    } else if (ret != ESP_ERR_NOT_FOUND || value == NULL) {
        return ret;
    }
    if (value != NULL) {
        const size_t length = strlen(key);
        if (size > TABLE_MAX - all || ENTRY_HEAD + length > TABLE_MAX - all - size) {
            return ESP_ERR_KAPP_DATA_QUOTA;
        }
        uint8_t *to = table + all;
        *to++ = (uint8_t)length;
        // NOLINTNEXTLINE(bugprone-not-null-terminated-result): its length stands before it
        memcpy(to, key, length);
        to += length;
        *to++ = (uint8_t)size;
        *to++ = (uint8_t)(size >> 8);
        memcpy(to, value, size);
        all += ENTRY_HEAD + length + size;
    }
    ret = data_wear_take(owner, 0, DATA_TABLE_COST(all));
    return ret == ESP_OK ? data_write(owner, DATA_SETTINGS, table, all) : ret;
}

esp_err_t app_settings_get(const char *key, void *out, size_t *size)
{
    data_owner_t owner;
    if (!data_name_valid(key) || size == NULL || (out == NULL && *size != 0)) {
        return ESP_ERR_INVALID_ARG;
    }
    memory_touch(out, *size < TABLE_MAX ? *size : TABLE_MAX, true);
    memory_touch(size, sizeof(*size), true);
    uint8_t *table = malloc(TABLE_MAX);
    if (table == NULL) {
        return ESP_ERR_NO_MEM;
    }
    esp_err_t ret = data_begin(false, &owner);
    if (ret == ESP_OK) {
        ret = data_end(get(&owner, table, key, out, size));
    }
    free(table);
    return ret;
}

static esp_err_t change(const char *key, const void *value, size_t size)
{
    data_owner_t owner;
    uint8_t *table = malloc(TABLE_MAX);
    if (table == NULL) {
        return ESP_ERR_NO_MEM;
    }
    esp_err_t ret = data_begin(value != NULL, &owner);
    if (ret == ESP_OK) {
        ret = data_end(set(&owner, table, key, value, size));
    }
    free(table);
    return ret;
}

esp_err_t app_settings_set(const char *key, const void *value, size_t size)
{
    if (!data_name_valid(key) || value == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    if (size > CONFIG_KAPP_APP_SETTINGS_BYTES) {
        return ESP_ERR_KAPP_DATA_QUOTA;
    }
    memory_touch(value, size, false);
    return change(key, value, size);
}

esp_err_t app_settings_erase(const char *key)
{
    return data_name_valid(key) ? change(key, NULL, 0) : ESP_ERR_INVALID_ARG;
}
