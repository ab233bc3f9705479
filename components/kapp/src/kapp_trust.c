/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The trust store: a table in memory, and one blob in NVS that is written before the table changes.
 */
#include "kapp/kapp_trust.h"

#include <string.h>

#include "esp_attr.h"
#include "freertos/FreeRTOS.h"
#include "freertos/semphr.h"
#include "nvs.h"
#include "sdkconfig.h"

#include "kapp_internal.h"
#include "system_service/error_codes.h"

#define NAMESPACE    "kapp"
#define BLOB         "keys"
#define BLOB_VERSION 1u

/* One key in the blob: revoked (bit 0) and line (the rest), label (padded with zeros), key. */
#define LABEL_SIZE 16u
#define ENTRY_SIZE (1u + LABEL_SIZE + KAPP_PUBLIC_KEY_SIZE)
#define BLOB_MAX   (2u + CONFIG_KAPP_MAX_KEYS * ENTRY_SIZE)
_Static_assert(LABEL_SIZE == KAPP_LABEL_MAX + 1, "labels end with zero");
_Static_assert(CONFIG_KAPP_MAX_KEYS < 128, "a line has seven bits");

typedef struct {
    kapp_key_t keys[CONFIG_KAPP_MAX_KEYS];
    size_t count;
} store_t;

/* The trust lock (order 2, above the crypto lock): protects all of these. */
static StaticSemaphore_t s_lock_storage;
static SemaphoreHandle_t s_lock;
static EXT_RAM_BSS_ATTR store_t s_store;
static EXT_RAM_BSS_ATTR store_t s_next; /* what a change makes of it, until that is on flash */
static EXT_RAM_BSS_ATTR uint8_t s_blob[BLOB_MAX];
static bool s_damaged;

/* ---- the blob ------------------------------------------------------------------------------- */

static size_t encode(const store_t *store)
{
    uint8_t *p = s_blob;
    *p++ = BLOB_VERSION;
    *p++ = (uint8_t)store->count;
    for (size_t i = 0; i < store->count; i++) {
        *p++ = (uint8_t)(store->keys[i].line << 1 | store->keys[i].revoked);
        memset(p, 0, LABEL_SIZE);
        memcpy(p, store->keys[i].label, strnlen(store->keys[i].label, KAPP_LABEL_MAX));
        p += LABEL_SIZE;
        memcpy(p, store->keys[i].key, KAPP_PUBLIC_KEY_SIZE);
        p += KAPP_PUBLIC_KEY_SIZE;
    }
    return (size_t)(p - s_blob);
}

static bool decode(size_t size, store_t *store)
{
    const uint8_t *p = s_blob;
    if (size < 2 || p[0] != BLOB_VERSION || p[1] > CONFIG_KAPP_MAX_KEYS ||
        size != 2u + p[1] * ENTRY_SIZE) {
        return false;
    }
    store->count = p[1];
    p += 2;
    for (size_t i = 0; i < store->count; i++, p += ENTRY_SIZE) {
        if (p[0] >> 1 > CONFIG_KAPP_MAX_KEYS || p[LABEL_SIZE] != 0) {
            return false;
        }
        store->keys[i].revoked = (p[0] & 1u) != 0;
        store->keys[i].line = p[0] >> 1;
        memcpy(store->keys[i].label, p + 1, LABEL_SIZE);
        memcpy(store->keys[i].key, p + 1 + LABEL_SIZE, KAPP_PUBLIC_KEY_SIZE);
    }
    return true;
}

static esp_err_t read_blob(void)
{
    nvs_handle_t nvs;
    size_t size = sizeof(s_blob);
    esp_err_t ret = nvs_open(NAMESPACE, NVS_READONLY, &nvs);
    if (ret == ESP_ERR_NVS_NOT_FOUND) {
        return ESP_OK; /* nothing was ever stored */
    }
    if (ret != ESP_OK) {
        return ret;
    }
    ret = nvs_get_blob(nvs, BLOB, s_blob, &size);
    nvs_close(nvs);
    if (ret == ESP_ERR_NVS_NOT_FOUND) {
        return ESP_OK;
    }
    if (ret == ESP_ERR_NVS_INVALID_LENGTH || (ret == ESP_OK && !decode(size, &s_store))) {
        return ESP_ERR_KAPP_KEYS_DAMAGED;
    }
    return ret;
}

/** Write s_next, then take it over. Trust lock held. */
static esp_err_t commit_locked(void)
{
    nvs_handle_t nvs;
    esp_err_t ret = nvs_open(NAMESPACE, NVS_READWRITE, &nvs);
    if (ret != ESP_OK) {
        return ret;
    }
    ret = nvs_set_blob(nvs, BLOB, s_blob, encode(&s_next));
    if (ret == ESP_OK) {
        ret = nvs_commit(nvs);
    }
    nvs_close(nvs);
    if (ret == ESP_OK) {
        s_store = s_next;
    }
    return ret;
}

esp_err_t kapp_trust_init(void)
{
    if (s_lock == NULL) {
        s_lock = xSemaphoreCreateMutexStatic(&s_lock_storage);
    }
    (void)xSemaphoreTake(s_lock, portMAX_DELAY);
    s_store = (store_t){0};
    const esp_err_t ret = read_blob();
    s_damaged = ret != ESP_OK;
    if (s_damaged) {
        s_store.count = 0;
    }
    (void)xSemaphoreGive(s_lock);
    return ret;
}

/* ---- helpers -------------------------------------------------------------------------------- */

/** Take the lock and start a change from what there is. @return without the lock unless ESP_OK */
static esp_err_t begin(void)
{
    if (!kapp_crypto_ready()) {
        return ESP_ERR_INVALID_STATE;
    }
    (void)xSemaphoreTake(s_lock, portMAX_DELAY);
    if (s_damaged) {
        (void)xSemaphoreGive(s_lock);
        return ESP_ERR_KAPP_KEYS_DAMAGED;
    }
    s_next = s_store;
    return ESP_OK;
}

static esp_err_t end(esp_err_t ret)
{
    if (ret == ESP_OK) {
        ret = commit_locked();
    }
    (void)xSemaphoreGive(s_lock);
    return ret;
}

/** @return its place in s_next, or its count. Trust lock held. */
static size_t find_locked(const uint8_t id[KAPP_HASH_SIZE])
{
    uint8_t other[KAPP_HASH_SIZE];
    size_t i = 0;
    while (i < s_next.count && (kapp_key_id(s_next.keys[i].key, other) != ESP_OK ||
                                memcmp(id, other, sizeof(other)) != 0)) {
        i++;
    }
    return i;
}

static esp_err_t add_locked(const char *label, const uint8_t key[KAPP_PUBLIC_KEY_SIZE])
{
    for (size_t i = 0; i < s_next.count; i++) {
        if (memcmp(s_next.keys[i].key, key, KAPP_PUBLIC_KEY_SIZE) == 0) {
            return s_next.keys[i].revoked ? ESP_ERR_KAPP_SIGNER_REVOKED : ESP_ERR_KAPP_KEY_EXISTS;
        }
    }
    if (s_next.count == CONFIG_KAPP_MAX_KEYS) {
        return ESP_ERR_KAPP_KEYS_FULL;
    }
    kapp_key_t *entry = &s_next.keys[s_next.count++];
    *entry = (kapp_key_t){0};
    memcpy(entry->label, label, strnlen(label, KAPP_LABEL_MAX)); /* the rest is zero */
    memcpy(entry->key, key, KAPP_PUBLIC_KEY_SIZE);
    return ESP_OK;
}

static esp_err_t revoke_locked(const uint8_t id[KAPP_HASH_SIZE])
{
    const size_t at = find_locked(id);
    if (at == s_next.count) {
        return ESP_ERR_KAPP_KEY_NOT_FOUND;
    }
    s_next.keys[at].revoked = true;
    return ESP_OK;
}

static bool line_taken(uint8_t line)
{
    bool taken = false;
    for (size_t i = 0; i < s_next.count; i++) {
        taken = taken || s_next.keys[i].line == line;
    }
    return taken;
}

/** The old key is revoked, and the new one carries on its line. */
static esp_err_t rotate_locked(const uint8_t old_id[KAPP_HASH_SIZE], const char *label,
                               const uint8_t key[KAPP_PUBLIC_KEY_SIZE])
{
    const size_t old = find_locked(old_id);
    esp_err_t ret = revoke_locked(old_id);
    if (ret == ESP_OK) {
        ret = add_locked(label, key);
    }
    if (ret != ESP_OK) {
        return ret;
    }
    uint8_t line = s_next.keys[old].line;
    if (line == 0) { /* fewer lines than keys: one is free */
        do {
            line++;
        } while (line_taken(line));
    }
    s_next.keys[old].line = line;
    s_next.keys[s_next.count - 1].line = line;
    return ESP_OK;
}

static esp_err_t check_new(const char *label, const uint8_t key[KAPP_PUBLIC_KEY_SIZE])
{
    if (label == NULL || key == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    const size_t length = strnlen(label, KAPP_LABEL_MAX + 1);
    if (length == 0 || length > KAPP_LABEL_MAX ||
        !kapp_text_printable((const uint8_t *)label, (uint32_t)length)) {
        return ESP_ERR_INVALID_ARG;
    }
    return kapp_crypto_ready() ? kapp_crypto_check_key(key) : ESP_ERR_INVALID_STATE;
}

/* ---- public API ----------------------------------------------------------------------------- */

esp_err_t kapp_trust_add(const char *label, const uint8_t key[KAPP_PUBLIC_KEY_SIZE])
{
    esp_err_t ret = check_new(label, key);
    if (ret == ESP_OK) {
        ret = begin();
    }
    return ret == ESP_OK ? end(add_locked(label, key)) : ret;
}

esp_err_t kapp_trust_revoke(const uint8_t id[KAPP_HASH_SIZE])
{
    if (id == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    const esp_err_t ret = begin();
    return ret == ESP_OK ? end(revoke_locked(id)) : ret;
}

esp_err_t kapp_trust_rotate(const uint8_t old_id[KAPP_HASH_SIZE], const char *label,
                            const uint8_t key[KAPP_PUBLIC_KEY_SIZE])
{
    if (old_id == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    esp_err_t ret = check_new(label, key);
    if (ret == ESP_OK) {
        ret = begin();
    }
    if (ret != ESP_OK) {
        return ret;
    }
    return end(rotate_locked(old_id, label, key));
}

esp_err_t kapp_trust_remove(const uint8_t id[KAPP_HASH_SIZE])
{
    if (id == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    const esp_err_t ret = begin();
    if (ret != ESP_OK) {
        return ret;
    }
    const size_t at = find_locked(id);
    if (at == s_next.count) {
        return end(ESP_ERR_KAPP_KEY_NOT_FOUND);
    }
    s_next.count--;
    memmove(&s_next.keys[at], &s_next.keys[at + 1], (s_next.count - at) * sizeof(kapp_key_t));
    return end(ESP_OK);
}

esp_err_t kapp_trust_erase(void)
{
    if (!kapp_crypto_ready()) {
        return ESP_ERR_INVALID_STATE;
    }
    (void)xSemaphoreTake(s_lock, portMAX_DELAY);
    s_next = (store_t){0};
    const esp_err_t ret = commit_locked();
    s_damaged = s_damaged && ret != ESP_OK;
    (void)xSemaphoreGive(s_lock);
    return ret;
}

esp_err_t kapp_trust_find(const uint8_t id[KAPP_HASH_SIZE], kapp_key_t *out)
{
    if (id == NULL || out == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    esp_err_t ret = begin();
    if (ret != ESP_OK) {
        return ret;
    }
    const size_t at = find_locked(id);
    if (at < s_next.count) {
        *out = s_next.keys[at];
    } else {
        ret = ESP_ERR_KAPP_KEY_NOT_FOUND;
    }
    (void)xSemaphoreGive(s_lock);
    return ret;
}

esp_err_t kapp_trust_list(kapp_key_t *out, size_t *count)
{
    if (count == NULL || (out == NULL && *count != 0)) {
        return ESP_ERR_INVALID_ARG;
    }
    const esp_err_t ret = begin();
    if (ret != ESP_OK) {
        return ret;
    }
    const size_t room = *count;
    *count = s_store.count;
    for (size_t i = 0; i < s_store.count && i < room; i++) {
        out[i] = s_store.keys[i];
    }
    (void)xSemaphoreGive(s_lock);
    return *count > room ? ESP_ERR_INVALID_SIZE : ESP_OK;
}

bool kapp_trust_same_signer(const uint8_t a[KAPP_HASH_SIZE], const uint8_t b[KAPP_HASH_SIZE])
{
    kapp_key_t one, other;
    return memcmp(a, b, KAPP_HASH_SIZE) == 0 ||
           (kapp_trust_find(a, &one) == ESP_OK && kapp_trust_find(b, &other) == ESP_OK &&
            one.line != 0 && one.line == other.line);
}

esp_err_t kapp_trust_check(const kapp_verdict_t *verdict, bool allow_unsigned)
{
    kapp_key_t key;
    if (!verdict->is_signed) {
        return allow_unsigned ? ESP_OK : ESP_ERR_KAPP_UNSIGNED;
    }
    const esp_err_t ret = kapp_trust_find(verdict->signer, &key);
    if (ret == ESP_ERR_KAPP_KEY_NOT_FOUND || ret == ESP_ERR_KAPP_KEYS_DAMAGED) {
        return ESP_ERR_KAPP_SIGNER_UNKNOWN; /* a store that cannot be read trusts nobody */
    }
    return ret == ESP_OK && key.revoked ? ESP_ERR_KAPP_SIGNER_REVOKED : ret;
}

esp_err_t kapp_trust_verify(const uint8_t id[KAPP_HASH_SIZE], const uint8_t hash[KAPP_HASH_SIZE],
                            const uint8_t signature[KAPP_SIGNATURE_SIZE], kapp_key_t *signer)
{
    kapp_key_t key;
    if (hash == NULL || signature == NULL || signer == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    esp_err_t ret = kapp_trust_find(id, &key);
    if (ret == ESP_ERR_KAPP_KEY_NOT_FOUND) {
        return ESP_ERR_KAPP_SIGNER_UNKNOWN;
    }
    if (ret == ESP_OK) {
        ret = key.revoked ? ESP_ERR_KAPP_SIGNER_REVOKED
                          : kapp_crypto_verify(key.key, hash, signature);
    }
    if (ret == ESP_OK) {
        *signer = key;
    }
    return ret;
}
