// SPDX-License-Identifier: Apache-2.0

// Handles, and values set, read and erased through them.

#include "nvs.h"

#include <stdlib.h>
#include <string.h>
#include "nvs_internal.h"
#include "nvs_page.h"

#define NAMESPACES_MAX 254u
#define BLOB_VERSION   0x80u // chunks are numbered from 0 or from here, in turns

static nvs_open_handle_t *s_handles;
static nvs_handle_t s_last_id;

nvs_open_handle_t *nvs_handle_find(nvs_handle_t id)
{
    for (nvs_open_handle_t *h = s_handles; h != NULL; h = h->next) {
        if (h->id == id) {
            return h;
        }
    }
    return NULL;
}

void nvs_handles_forget(void)
{
    s_handles = NULL;
}

static void close_link(nvs_open_handle_t **link)
{
    nvs_open_handle_t *h = *link;
    *link = h->next;
    free(h);
}

void nvs_handles_close(const nvs_mount_t *mount)
{
    for (nvs_open_handle_t **link = &s_handles; *link != NULL;) {
        if ((*link)->mount == mount) {
            close_link(link);
        } else {
            link = &(*link)->next;
        }
    }
}

// ---- namespaces ----

static esp_err_t create_namespace(nvs_store_t *store, const char *name, uint8_t *number)
{
    bool taken[NAMESPACES_MAX + 1] = {false};
    for (const nvs_record_t *r = store->first; r != NULL; r = r->next) {
        if (r->ns == NVS_NS_INDEX && r->value[0] <= NAMESPACES_MAX) {
            taken[r->value[0]] = true;
        }
    }
    unsigned n = 1;
    while (n <= NAMESPACES_MAX && taken[n]) {
        n++;
    }
    if (n > NAMESPACES_MAX) {
        return ESP_ERR_NVS_NOT_ENOUGH_SPACE;
    }
    *number = (uint8_t)n;
    return nvs_store_append(store, NVS_NS_INDEX, NVS_TYPE_U8, NVS_CHUNK_ANY, name, number, 1);
}

static esp_err_t open_locked(const char *part_name, const char *name, nvs_open_mode_t mode,
                             nvs_handle_t *out)
{
    uint8_t ns;
    if (!nvs_any_mounted()) {
        return ESP_ERR_NVS_NOT_INITIALIZED;
    }
    nvs_mount_t *mount = nvs_mount_find(part_name);
    if (mount == NULL) {
        return ESP_ERR_NVS_PART_NOT_FOUND;
    }
    if (mode == NVS_READWRITE && mount->store.part->readonly) {
        return ESP_ERR_NOT_ALLOWED;
    }
    const nvs_record_t *r =
        nvs_store_find(&mount->store, NVS_NS_INDEX, NVS_TYPE_U8, NVS_CHUNK_ANY, name);
    esp_err_t err = ESP_OK;
    if (r != NULL) {
        ns = r->value[0];
    } else if (mode == NVS_READONLY) {
        err = ESP_ERR_NVS_NOT_FOUND;
    } else {
        err = create_namespace(&mount->store, name, &ns);
    }
    if (err != ESP_OK) {
        return err;
    }
    nvs_open_handle_t *h = malloc(sizeof(*h));
    if (h == NULL) {
        return ESP_ERR_NO_MEM;
    }
    *h = (nvs_open_handle_t){.next = s_handles,
                             .id = ++s_last_id,
                             .mount = mount,
                             .ns = ns,
                             .read_only = mode == NVS_READONLY};
    s_handles = h;
    *out = h->id;
    return ESP_OK;
}

esp_err_t nvs_open_from_partition(const char *part_name, const char *namespace_name,
                                  nvs_open_mode_t open_mode, nvs_handle_t *out_handle)
{
    if (part_name == NULL || namespace_name == NULL || out_handle == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    nvs_lock("nvs_open");
    esp_err_t err = open_locked(part_name, namespace_name, open_mode, out_handle);
    nvs_unlock();
    return err;
}

esp_err_t nvs_open(const char *namespace_name, nvs_open_mode_t open_mode, nvs_handle_t *out_handle)
{
    return nvs_open_from_partition(NVS_DEFAULT_PART_NAME, namespace_name, open_mode, out_handle);
}

void nvs_close(nvs_handle_t handle)
{
    nvs_lock(__func__);
    for (nvs_open_handle_t **link = &s_handles; *link != NULL; link = &(*link)->next) {
        if ((*link)->id == handle) {
            close_link(link);
            break;
        }
    }
    nvs_unlock();
}

esp_err_t nvs_commit(nvs_handle_t handle)
{
    nvs_lock(__func__);
    bool known = nvs_handle_find(handle) != NULL;
    nvs_unlock();
    return known ? ESP_OK : ESP_ERR_NVS_INVALID_HANDLE;
}

// ---- writing ----

static bool same_value(const nvs_store_t *store, const nvs_record_t *r, const void *data,
                       size_t size)
{
    uint8_t old[NVS_CHUNK_MAX];
    if (r->type != NVS_REC_STR && r->type != NVS_REC_CHUNK) {
        return memcmp(r->value, data, size) == 0;
    }
    return nvs_record_size(r) == size && nvs_store_read(store, r, old) == ESP_OK &&
           memcmp(old, data, size) == 0;
}

static esp_err_t erase_chunks(nvs_store_t *store, uint8_t ns, const char *key, uint8_t first,
                              uint8_t count)
{
    for (unsigned i = 0; i < count; i++) {
        nvs_record_t *chunk = nvs_store_find(store, ns, NVS_REC_CHUNK, (uint8_t)(first + i), key);
        esp_err_t err = chunk == NULL ? ESP_OK : nvs_store_erase(store, chunk);
        if (err != ESP_OK) {
            return err;
        }
    }
    return ESP_OK;
}

// A blob goes with its chunks; once its own record is gone they count for nothing.
static esp_err_t erase_value(nvs_store_t *store, nvs_record_t *r)
{
    nvs_blob_t make_up;
    char key[NVS_KEY_NAME_MAX_SIZE];
    bool blob = r->type == NVS_REC_BLOB;
    uint8_t ns = r->ns;
    memcpy(&make_up, r->value, sizeof(make_up));
    memcpy(key, r->key, sizeof(key));
    esp_err_t err = nvs_store_erase(store, r);
    return err == ESP_OK && blob ? erase_chunks(store, ns, key, make_up.first, make_up.count) : err;
}

static nvs_record_t *find_value(const nvs_store_t *store, uint8_t ns, const char *key)
{
    return nvs_store_find(store, ns, NVS_REC_ANY, NVS_CHUNK_ANY, key);
}

static esp_err_t after_replacing(esp_err_t err)
{
    return err == ESP_OK ? ESP_OK : ESP_ERR_NVS_REMOVE_FAILED;
}

static esp_err_t set_plain(nvs_open_handle_t *h, uint8_t type, const char *key, const void *data,
                           size_t size)
{
    nvs_store_t *store = &h->mount->store;
    nvs_record_t *old = find_value(store, h->ns, key);
    if (old != NULL && old->type == type && same_value(store, old, data, size)) {
        return ESP_OK;
    }
    esp_err_t err = nvs_store_append(store, h->ns, type, NVS_CHUNK_ANY, key, data, size);
    return err != ESP_OK || old == NULL ? err : after_replacing(erase_value(store, old));
}

static bool same_blob(const nvs_store_t *store, const nvs_record_t *blob, const uint8_t *data,
                      size_t size)
{
    nvs_blob_t make_up;
    memcpy(&make_up, blob->value, sizeof(make_up));
    if (make_up.size != size) {
        return false;
    }
    for (unsigned i = 0; i < make_up.count; i++) {
        const nvs_record_t *chunk =
            nvs_store_find(store, blob->ns, NVS_REC_CHUNK, (uint8_t)(make_up.first + i), blob->key);
        size_t n = chunk == NULL ? 0 : nvs_record_size(chunk);
        if (chunk == NULL || !same_value(store, chunk, data, n)) {
            return false;
        }
        data += n;
    }
    return true;
}

static esp_err_t append_chunks(nvs_store_t *store, uint8_t ns, const char *key, const uint8_t *data,
                               nvs_blob_t *make_up)
{
    size_t left = make_up->size;
    do {
        size_t room = nvs_store_tailroom(store);
        // A sliver at the end of a page is not worth a chunk.
        size_t n = room < left && room < NVS_CHUNK_MAX / 10 ? NVS_CHUNK_MAX : room;
        n = n < left ? n : left;
        if (make_up->count == BLOB_VERSION - 1) {
            return ESP_ERR_NVS_VALUE_TOO_LONG;
        }
        esp_err_t err = nvs_store_append(store, ns, NVS_REC_CHUNK,
                                         (uint8_t)(make_up->first + make_up->count), key, data, n);
        if (err != ESP_OK) {
            return err;
        }
        make_up->count++;
        data += n;
        left -= n;
    } while (left > 0);
    return ESP_OK;
}

static esp_err_t set_blob(nvs_open_handle_t *h, const char *key, const void *data, size_t size)
{
    nvs_store_t *store = &h->mount->store;
    nvs_record_t *old = find_value(store, h->ns, key);
    nvs_blob_t make_up = {.size = (uint32_t)size};
    if (strlen(key) >= NVS_KEY_NAME_MAX_SIZE) {
        return ESP_ERR_NVS_KEY_TOO_LONG;
    }
    if (size > (store->page_count - 1) * NVS_CHUNK_MAX) {
        return ESP_ERR_NVS_VALUE_TOO_LONG;
    }
    if (old != NULL && old->type == NVS_REC_BLOB) {
        nvs_blob_t before;
        memcpy(&before, old->value, sizeof(before));
        if (same_blob(store, old, data, size)) {
            return ESP_OK;
        }
        make_up.first = before.first == 0 ? BLOB_VERSION : 0;
    }
    esp_err_t err = append_chunks(store, h->ns, key, data, &make_up);
    if (err == ESP_OK) {
        err = nvs_store_append(store, h->ns, NVS_REC_BLOB, NVS_CHUNK_ANY, key, &make_up,
                               sizeof(make_up));
    }
    if (err != ESP_OK) {
        (void)erase_chunks(store, h->ns, key, make_up.first, make_up.count);
        return err;
    }
    return old == NULL ? ESP_OK : after_replacing(erase_value(store, old));
}

static esp_err_t set_value(nvs_handle_t handle, uint8_t type, const char *key, const void *data,
                           size_t size)
{
    esp_err_t err;
    nvs_lock("nvs_set");
    nvs_open_handle_t *h = nvs_handle_find(handle);
    if (h == NULL) {
        err = ESP_ERR_NVS_INVALID_HANDLE;
    } else if (h->read_only) {
        err = ESP_ERR_NVS_READ_ONLY;
    } else if (type == NVS_REC_BLOB) {
        err = set_blob(h, key, data, size);
    } else {
        err = set_plain(h, type, key, data, size);
    }
    nvs_unlock();
    return err;
}

esp_err_t nvs_set_str(nvs_handle_t handle, const char *key, const char *value)
{
    return set_value(handle, NVS_REC_STR, key, value, strlen(value) + 1);
}

esp_err_t nvs_set_blob(nvs_handle_t handle, const char *key, const void *value, size_t length)
{
    return set_value(handle, NVS_REC_BLOB, key, value, length);
}

// ---- reading ----

static esp_err_t get_integer(nvs_handle_t handle, uint8_t type, const char *key, void *out,
                             size_t size)
{
    esp_err_t err = ESP_ERR_NVS_INVALID_HANDLE;
    nvs_lock("nvs_get");
    const nvs_open_handle_t *h = nvs_handle_find(handle);
    if (h != NULL) {
        const nvs_record_t *r = nvs_store_find(&h->mount->store, h->ns, type, NVS_CHUNK_ANY, key);
        err = r == NULL ? ESP_ERR_NVS_NOT_FOUND : ESP_OK;
        if (r != NULL) {
            memcpy(out, r->value, size);
        }
    }
    nvs_unlock();
    return err;
}

#define NVS_INTEGER(suffix, ctype, type)                                                           \
    esp_err_t nvs_set_##suffix(nvs_handle_t handle, const char *key, ctype value)                  \
    {                                                                                              \
        return set_value(handle, type, key, &value, sizeof(value));                                \
    }                                                                                              \
    esp_err_t nvs_get_##suffix(nvs_handle_t handle, const char *key, ctype *out_value)             \
    {                                                                                              \
        return get_integer(handle, type, key, out_value, sizeof(*out_value));                      \
    }

NVS_INTEGER(i8, int8_t, NVS_TYPE_I8)
NVS_INTEGER(u8, uint8_t, NVS_TYPE_U8)
NVS_INTEGER(i16, int16_t, NVS_TYPE_I16)
NVS_INTEGER(u16, uint16_t, NVS_TYPE_U16)
NVS_INTEGER(i32, int32_t, NVS_TYPE_I32)
NVS_INTEGER(u32, uint32_t, NVS_TYPE_U32)
NVS_INTEGER(i64, int64_t, NVS_TYPE_I64)
NVS_INTEGER(u64, uint64_t, NVS_TYPE_U64)

static size_t value_size(const nvs_record_t *r)
{
    nvs_blob_t make_up;
    memcpy(&make_up, r->value, sizeof(make_up));
    return r->type == NVS_REC_BLOB ? make_up.size : nvs_record_size(r);
}

static esp_err_t read_blob(const nvs_store_t *store, const nvs_record_t *blob, uint8_t *out)
{
    nvs_blob_t make_up;
    memcpy(&make_up, blob->value, sizeof(make_up));
    for (unsigned i = 0; i < make_up.count; i++) {
        const nvs_record_t *chunk =
            nvs_store_find(store, blob->ns, NVS_REC_CHUNK, (uint8_t)(make_up.first + i), blob->key);
        esp_err_t err = chunk == NULL ? ESP_ERR_NVS_NOT_FOUND : nvs_store_read(store, chunk, out);
        if (err != ESP_OK) {
            return err;
        }
        out += nvs_record_size(chunk);
    }
    return ESP_OK;
}

static esp_err_t get_sized_locked(nvs_handle_t handle, uint8_t type, const char *key, void *out,
                                  size_t *length)
{
    const nvs_open_handle_t *h = nvs_handle_find(handle);
    if (h == NULL) {
        return ESP_ERR_NVS_INVALID_HANDLE;
    }
    const nvs_store_t *store = &h->mount->store;
    const nvs_record_t *r = nvs_store_find(store, h->ns, type, NVS_CHUNK_ANY, key);
    if (r == NULL) {
        return ESP_ERR_NVS_NOT_FOUND;
    }
    if (length == NULL) {
        return ESP_ERR_NVS_INVALID_LENGTH;
    }
    size_t room = *length;
    *length = value_size(r);
    if (out == NULL) {
        return ESP_OK;
    }
    if (room < *length) {
        return ESP_ERR_NVS_INVALID_LENGTH;
    }
    return type == NVS_REC_BLOB ? read_blob(store, r, out) : nvs_store_read(store, r, out);
}

esp_err_t nvs_get_str(nvs_handle_t handle, const char *key, char *out_value, size_t *length)
{
    nvs_lock(__func__);
    esp_err_t err = get_sized_locked(handle, NVS_REC_STR, key, out_value, length);
    nvs_unlock();
    return err;
}

esp_err_t nvs_get_blob(nvs_handle_t handle, const char *key, void *out_value, size_t *length)
{
    nvs_lock(__func__);
    esp_err_t err = get_sized_locked(handle, NVS_REC_BLOB, key, out_value, length);
    nvs_unlock();
    return err;
}

esp_err_t nvs_find_key(nvs_handle_t handle, const char *key, nvs_type_t *out_type)
{
    esp_err_t err = ESP_ERR_NVS_INVALID_HANDLE;
    nvs_lock(__func__);
    const nvs_open_handle_t *h = nvs_handle_find(handle);
    if (h != NULL) {
        const nvs_record_t *r = find_value(&h->mount->store, h->ns, key);
        err = r == NULL ? ESP_ERR_NVS_NOT_FOUND : ESP_OK;
        if (r != NULL && out_type != NULL) {
            *out_type = r->type == NVS_REC_BLOB ? NVS_TYPE_BLOB : (nvs_type_t)r->type;
        }
    }
    nvs_unlock();
    return err;
}

// ---- erasing ----

static esp_err_t erase_all_locked(nvs_open_handle_t *h)
{
    nvs_store_t *store = &h->mount->store;
    for (nvs_record_t *r = store->first, *next; r != NULL; r = next) {
        next = r->next;
        if (r->ns != h->ns) {
            continue;
        }
        esp_err_t err = nvs_store_erase(store, r);
        if (err != ESP_OK) {
            return err;
        }
    }
    return ESP_OK;
}

static esp_err_t erase_key_locked(nvs_open_handle_t *h, const char *key)
{
    nvs_record_t *r = find_value(&h->mount->store, h->ns, key);
    return r == NULL ? ESP_ERR_NVS_NOT_FOUND : erase_value(&h->mount->store, r);
}

// key NULL: everything in the namespace
static esp_err_t erase(nvs_handle_t handle, const char *key)
{
    esp_err_t err;
    nvs_lock("nvs_erase");
    nvs_open_handle_t *h = nvs_handle_find(handle);
    if (h == NULL) {
        err = ESP_ERR_NVS_INVALID_HANDLE;
    } else if (h->read_only) {
        err = ESP_ERR_NVS_READ_ONLY;
    } else {
        err = key != NULL ? erase_key_locked(h, key) : erase_all_locked(h);
    }
    nvs_unlock();
    return err;
}

esp_err_t nvs_erase_key(nvs_handle_t handle, const char *key)
{
    return key == NULL ? ESP_ERR_INVALID_ARG : erase(handle, key);
}

esp_err_t nvs_erase_all(nvs_handle_t handle)
{
    return erase(handle, NULL);
}
