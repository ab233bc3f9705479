// SPDX-License-Identifier: Apache-2.0

// What is stored: figures, and one entry after another.

#include "nvs.h"

#include <stdlib.h>
#include <string.h>
#include "nvs_internal.h"

// The place is a count, not a pointer: entries may come and go between two calls.
struct nvs_opaque_iterator_t {
    char label[NVS_PART_NAME_MAX_SIZE + 1];
    bool any_ns;
    uint8_t ns;
    nvs_type_t type;
    size_t next;
    nvs_entry_info_t info;
};

esp_err_t nvs_get_stats(const char *part_name, nvs_stats_t *nvs_stats)
{
    if (nvs_stats == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    memset(nvs_stats, 0, sizeof(*nvs_stats));
    nvs_lock(__func__);
    const nvs_mount_t *mount =
        nvs_mount_find(part_name != NULL ? part_name : NVS_DEFAULT_PART_NAME);
    if (mount != NULL) {
        for (const nvs_record_t *r = mount->store.first; r != NULL; r = r->next) {
            nvs_stats->used_entries += r->span;
            nvs_stats->namespace_count += r->ns == NVS_NS_INDEX;
        }
        nvs_stats->total_entries = mount->store.page_count * NVS_PAGE_ENTRIES;
        nvs_stats->free_entries = nvs_stats->total_entries - nvs_stats->used_entries;
        nvs_stats->available_entries = nvs_stats->free_entries >= NVS_PAGE_ENTRIES
                                           ? nvs_stats->free_entries - NVS_PAGE_ENTRIES
                                           : 0;
    }
    nvs_unlock();
    return mount != NULL ? ESP_OK : ESP_ERR_NVS_NOT_INITIALIZED;
}

esp_err_t nvs_get_used_entry_count(nvs_handle_t handle, size_t *used_entries)
{
    if (used_entries == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    *used_entries = 0;
    nvs_lock(__func__);
    const nvs_open_handle_t *h = nvs_handle_find(handle);
    if (h != NULL) {
        for (const nvs_record_t *r = h->mount->store.first; r != NULL; r = r->next) {
            *used_entries += r->ns == h->ns ? r->span : 0u;
        }
    }
    nvs_unlock();
    return h != NULL ? ESP_OK : ESP_ERR_NVS_INVALID_HANDLE;
}

static bool listed(const nvs_iterator_t it, const nvs_record_t *r)
{
    if (r->ns == NVS_NS_INDEX || r->type == NVS_REC_CHUNK || (!it->any_ns && r->ns != it->ns)) {
        return false;
    }
    uint8_t type = r->type == NVS_REC_BLOB ? NVS_TYPE_BLOB : r->type;
    return it->type == NVS_TYPE_ANY || it->type == (nvs_type_t)type;
}

static void describe(const nvs_store_t *store, const nvs_record_t *r, nvs_entry_info_t *info)
{
    memset(info, 0, sizeof(*info));
    memcpy(info->key, r->key, sizeof(info->key));
    info->type = r->type == NVS_REC_BLOB ? NVS_TYPE_BLOB : (nvs_type_t)r->type;
    for (const nvs_record_t *n = store->first; n != NULL; n = n->next) {
        if (n->ns == NVS_NS_INDEX && n->value[0] == r->ns) {
            memcpy(info->namespace_name, n->key, sizeof(info->namespace_name));
        }
    }
}

// nvs lock held. @return false at the end
static bool advance(nvs_iterator_t it)
{
    const nvs_mount_t *mount = nvs_mount_find(it->label);
    size_t place = 0;
    if (mount == NULL) {
        return false;
    }
    for (const nvs_record_t *r = mount->store.first; r != NULL; r = r->next) {
        if (listed(it, r) && place++ == it->next) {
            describe(&mount->store, r, &it->info);
            it->next++;
            return true;
        }
    }
    return false;
}

// nvs lock held. Gives the iterator away, or frees it.
static esp_err_t start(nvs_iterator_t it, nvs_iterator_t *out)
{
    if (it == NULL) {
        return ESP_ERR_NO_MEM;
    }
    if (!advance(it)) {
        free(it);
        return ESP_ERR_NVS_NOT_FOUND;
    }
    *out = it;
    return ESP_OK;
}

static nvs_iterator_t new_iterator(const nvs_mount_t *mount, nvs_type_t type)
{
    nvs_iterator_t it = calloc(1, sizeof(*it));
    if (it != NULL) {
        memcpy(it->label, mount->label, sizeof(it->label));
        it->type = type;
    }
    return it;
}

esp_err_t nvs_entry_find(const char *part_name, const char *namespace_name, nvs_type_t type,
                         nvs_iterator_t *output_iterator)
{
    if (part_name == NULL || output_iterator == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    esp_err_t err = ESP_ERR_NVS_NOT_FOUND;
    *output_iterator = NULL;
    nvs_lock(__func__);
    const nvs_mount_t *mount = nvs_mount_find(part_name);
    const nvs_record_t *ns = mount == NULL || namespace_name == NULL
                                 ? NULL
                                 : nvs_store_find(&mount->store, NVS_NS_INDEX, NVS_TYPE_U8,
                                                  NVS_CHUNK_ANY, namespace_name);
    if (mount != NULL && (namespace_name == NULL || ns != NULL)) {
        nvs_iterator_t it = new_iterator(mount, type);
        if (it != NULL) {
            it->any_ns = ns == NULL;
            it->ns = ns == NULL ? 0 : ns->value[0];
        }
        err = start(it, output_iterator);
    }
    nvs_unlock();
    return err;
}

esp_err_t nvs_entry_find_in_handle(nvs_handle_t handle, nvs_type_t type,
                                   nvs_iterator_t *output_iterator)
{
    if (output_iterator == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    esp_err_t err = ESP_ERR_NVS_INVALID_HANDLE;
    *output_iterator = NULL;
    nvs_lock(__func__);
    const nvs_open_handle_t *h = nvs_handle_find(handle);
    if (h != NULL) {
        nvs_iterator_t it = new_iterator(h->mount, type);
        if (it != NULL) {
            it->ns = h->ns;
        }
        err = start(it, output_iterator);
    }
    nvs_unlock();
    return err;
}

esp_err_t nvs_entry_next(nvs_iterator_t *iterator)
{
    if (iterator == NULL || *iterator == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    nvs_lock(__func__);
    bool more = advance(*iterator);
    nvs_unlock();
    if (!more) {
        free(*iterator);
        *iterator = NULL;
    }
    return more ? ESP_OK : ESP_ERR_NVS_NOT_FOUND;
}

esp_err_t nvs_entry_info(const nvs_iterator_t iterator, nvs_entry_info_t *out_info)
{
    if (iterator == NULL || out_info == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    *out_info = iterator->info;
    return ESP_OK;
}

void nvs_release_iterator(nvs_iterator_t iterator)
{
    free(iterator);
}
