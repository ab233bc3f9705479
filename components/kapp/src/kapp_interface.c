/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What installed apps may import.
 */
#include "kapp/kapp_interface.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "esp_attr.h"
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

#define OWN_COUNT (sizeof(s_exports) / sizeof(s_exports[0]))
_Static_assert(OWN_COUNT <= KAPP_EXPORTS_MAX, "KAPP_EXPORTS_MAX is too small");

#define AS_VERSION(group, major, minor) [KAPP_GROUP_##group] = {KAPP_GROUP_##group, major, minor},
static const kapp_interface_t s_own_groups[KAPP_GROUP_COUNT] = {KAPP_INTERFACE_GROUPS(AS_VERSION)};

typedef struct {
    uint32_t hash;
    uint16_t export;
} index_entry_t;

/* Everything below is written before any app is loaded: by kapp_interface_add() and
 * kapp_interface_init(). */
static const kapp_interface_part_t *s_parts[KAPP_GROUP_COUNT]; /* NULL: nobody offers it */
static EXT_RAM_BSS_ATTR kapp_export_t s_all[KAPP_EXPORTS_MAX];
static EXT_RAM_BSS_ATTR index_entry_t s_index[KAPP_EXPORTS_MAX]; /* sorted by hash */
static kapp_interface_list_t s_list = {.exports = s_all};

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
    uint16_t count = OWN_COUNT;
    memcpy(s_all, s_exports, sizeof(s_exports));
    memcpy(s_list.groups, s_own_groups, sizeof(s_own_groups));
    for (unsigned group = 0; group < KAPP_GROUP_COUNT; group++) {
        const kapp_interface_part_t *part = s_parts[group];
        for (unsigned i = 0; part != NULL && i < part->count; i++) {
            s_all[count++] = part->exports[i];
        }
        s_list.groups[group] = part != NULL ? part->version : s_list.groups[group];
    }
    for (unsigned i = 0; i < count; i++) {
        s_index[i] = (index_entry_t){hash_of(s_all[i].name), (uint16_t)i};
    }
    qsort(s_index, count, sizeof(s_index[0]), compare);
    s_list.count = count;
}

static bool belongs(const kapp_interface_part_t *part)
{
    for (unsigned i = 0; i < part->count; i++) {
        if (part->exports[i].group != part->version.group) {
            return false;
        }
    }
    return true;
}

esp_err_t kapp_interface_add(const kapp_interface_part_t *part)
{
    if (part == NULL || part->version.group >= KAPP_GROUP_COUNT || part->version.major == 0 ||
        !belongs(part)) {
        return ESP_ERR_INVALID_ARG;
    }
    if (s_parts[part->version.group] != NULL || s_own_groups[part->version.group].major != 0) {
        return ESP_ERR_INVALID_STATE;
    }
    size_t count = OWN_COUNT + part->count;
    unsigned rights = part->right_count;
    for (unsigned group = 0; group < KAPP_GROUP_COUNT; group++) {
        count += s_parts[group] != NULL ? s_parts[group]->count : 0;
        rights += s_parts[group] != NULL ? s_parts[group]->right_count : 0;
    }
    if (count > KAPP_EXPORTS_MAX || rights > KAPP_PART_RIGHTS_MAX) {
        return ESP_ERR_NO_MEM;
    }
    s_parts[part->version.group] = part;
    kapp_interface_init();
    return ESP_OK;
}

const kapp_interface_part_t *kapp_interface_part(unsigned group)
{
    return group < KAPP_GROUP_COUNT ? s_parts[group] : NULL;
}

const kapp_interface_list_t *kapp_interface_list(void)
{
    return &s_list;
}

static const kapp_export_t *find_indexed(const char *name)
{
    const uint32_t hash = hash_of(name);
    size_t low = 0;
    size_t high = s_list.count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (s_index[middle].hash < hash) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    for (; low < s_list.count && s_index[low].hash == hash; low++) {
        const kapp_export_t *found = &s_all[s_index[low].export];
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
