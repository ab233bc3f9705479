/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What installed apps may import.
 */
#include "kapp/kapp_interface.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "esp_log.h"
#include "esp_random.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "interface_list.h"
#include "data_app/app_data.h"
#include "kapp_internal.h"
#include "kapp_libc.h"
#include "system_service/error_codes.h"

static const char *TAG = "kapp";

#define AS_EXPORT(group, minor, name)    {#name, (kapp_function_t)name, KAPP_GROUP_##group, minor},
#define AS_OTHER(group, minor, name, by) {#name, (kapp_function_t)by, KAPP_GROUP_##group, minor},
static const kapp_export_t s_exports[] = {KAPP_INTERFACE_FUNCTIONS(AS_EXPORT, AS_OTHER)};

#define COUNT (sizeof(s_exports) / sizeof(s_exports[0]))

#define AS_VERSION(group, major, minor) [KAPP_GROUP_##group] = {KAPP_GROUP_##group, major, minor},
static const kapp_interface_list_t s_list = {
    .exports = s_exports,
    .count = COUNT,
    .groups = {KAPP_INTERFACE_GROUPS(AS_VERSION)},
};

typedef struct {
    uint32_t hash;
    uint16_t export;
} index_entry_t;

/* Sorted by hash; written by kapp_interface_init(), before any app is loaded. */
static index_entry_t s_index[COUNT];

/** FNV-1a. */
static uint32_t hash_of(const char *name)
{
    uint32_t hash = 2166136261u;
    for (; *name != '\0'; name++) {
        hash = (hash ^ (uint8_t)*name) * 16777619u;
    }
    return hash;
}

static int compare(const void *a, const void *b)
{
    const uint32_t left = ((const index_entry_t *)a)->hash;
    const uint32_t right = ((const index_entry_t *)b)->hash;
    return (left > right) - (left < right);
}

void kapp_interface_init(void)
{
    for (unsigned i = 0; i < COUNT; i++) {
        s_index[i] = (index_entry_t){hash_of(s_exports[i].name), (uint16_t)i};
    }
    qsort(s_index, COUNT, sizeof(s_index[0]), compare);
}

const kapp_interface_list_t *kapp_interface_list(void)
{
    return &s_list;
}

static const kapp_export_t *find_indexed(const char *name)
{
    const uint32_t hash = hash_of(name);
    size_t low = 0;
    size_t high = COUNT;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (s_index[middle].hash < hash) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    for (; low < COUNT && s_index[low].hash == hash; low++) {
        const kapp_export_t *found = &s_exports[s_index[low].export];
        if (strcmp(found->name, name) == 0) {
            return found;
        }
    }
    return NULL;
}

static const kapp_export_t *find(const kapp_interface_list_t *list, const char *name)
{
    if (list == &s_list) {
        return find_indexed(name);
    }
    for (unsigned i = 0; i < list->count; i++) {
        if (strcmp(list->exports[i].name, name) == 0) {
            return &list->exports[i];
        }
    }
    return NULL;
}

static const kapp_interface_t *wanted(const kapp_manifest_t *manifest, unsigned group)
{
    for (unsigned i = 0; i < manifest->interface_count; i++) {
        if (manifest->interfaces[i].group == group) {
            return &manifest->interfaces[i];
        }
    }
    return NULL;
}

esp_err_t kapp_interface_check(const kapp_importer_t *importer)
{
    if (importer == NULL || importer->list == NULL || importer->manifest == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    const kapp_manifest_t *m = importer->manifest;
    for (unsigned i = 0; i < m->interface_count; i++) {
        const kapp_interface_t *needs = &m->interfaces[i];
        const kapp_interface_t *have = &importer->list->groups[needs->group];
        if (have->major == 0) {
            ESP_LOGE(TAG, "%s needs interface %s, which this system does not have", m->name,
                     kapp_group_name(needs->group));
            return ESP_ERR_LOADER_ABI_MISMATCH;
        }
        if (have->major != needs->major || have->minor < needs->minor) {
            ESP_LOGE(TAG, "%s needs interface %s %u.%u, this system has %u.%u", m->name,
                     kapp_group_name(needs->group), needs->major, needs->minor, have->major,
                     have->minor);
            return ESP_ERR_LOADER_ABI_MISMATCH;
        }
    }
    return ESP_OK;
}

esp_err_t kapp_interface_resolve(void *arg, const char *name, uintptr_t *address)
{
    const kapp_importer_t *importer = arg;
    const kapp_manifest_t *m = importer->manifest;
    const kapp_export_t *entry = find(importer->list, name);
    if (entry == NULL) {
        ESP_LOGW(TAG, "%s imports %s, which no interface of this system has", m->name, name);
        return ESP_ERR_NOT_FOUND;
    }
    const char *group = kapp_group_name(entry->group);
    const kapp_interface_t *stated = wanted(m, entry->group);
    if (stated == NULL || stated->minor < entry->minor) {
        ESP_LOGE(TAG, "%s imports %s of interface %s %u.%u, but states %s", m->name, name, group,
                 importer->list->groups[entry->group].major, entry->minor,
                 stated == NULL ? "none" : "an older one");
        return ESP_ERR_LOADER_ABI_MISMATCH;
    }
    const uint32_t permission = 1u << entry->group;
    if (entry->group != KAPP_GROUP_CORE && (m->permissions & permission) == 0) {
        ESP_LOGE(TAG, "%s imports %s, for which its manifest must ask for the permission '%s'",
                 m->name, name, group);
        return ESP_ERR_APP_PERMISSION_DENIED;
    }
    if (entry->group != KAPP_GROUP_CORE && (importer->denied & permission) != 0) {
        ESP_LOGE(TAG, "%s imports %s, but this system does not grant it the permission '%s'",
                 m->name, name, group);
        return ESP_ERR_APP_PERMISSION_DENIED;
    }
    *address = (uintptr_t)entry->function;
    return ESP_OK;
}
