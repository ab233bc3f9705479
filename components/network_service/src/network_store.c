/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Networks and their secrets, in NVS. Whoever can read the flash can read them, unless NVS
 * encryption is on. Runs in the service's worker.
 */
#include "network_internal.h"

#include <string.h>

#include "sdkconfig.h"

#include "esp_attr.h"
#include "esp_log.h"
#include "nvs.h"
#include "system_service/error_codes.h"

static const char *TAG = "network";

#define SPACE     "network"
#define KEY_KNOWN "known"
#define KEY_OFF   "off"
#define FORMAT    1

/* As it lies in NVS: what follows the last one is not written. */
typedef struct {
    uint8_t format;
    uint8_t count;
    network_credential_t known[CONFIG_NETWORK_KNOWN];
} stored_t;

static EXT_RAM_BSS_ATTR stored_t s_stored;
static bool s_off;

static size_t size_of(unsigned count)
{
    return offsetof(stored_t, known) + count * sizeof(network_credential_t);
}

static bool is_whole(size_t size)
{
    if (size < size_of(0) || s_stored.format != FORMAT || s_stored.count > CONFIG_NETWORK_KNOWN ||
        size != size_of(s_stored.count)) {
        return false;
    }
    for (unsigned i = 0; i < s_stored.count; i++) {
        const network_credential_t *known = &s_stored.known[i];
        if (known->name[0] == '\0' || known->name[NETWORK_NAME_MAX] != '\0' ||
            known->secret[NETWORK_SECRET_MAX] != '\0') {
            return false;
        }
    }
    return true;
}

void network_store_begin(void)
{
    nvs_handle_t nvs;
    size_t size = sizeof(s_stored);
    uint8_t off = 0;
    memset(&s_stored, 0, sizeof(s_stored));
    s_stored.format = FORMAT;
    s_off = false;
    if (nvs_open(SPACE, NVS_READONLY, &nvs) != ESP_OK) {
        return; /* nothing was ever stored, or there is no NVS */
    }
    const esp_err_t ret = nvs_get_blob(nvs, KEY_KNOWN, &s_stored, &size);
    if (ret != ESP_ERR_NVS_NOT_FOUND && (ret != ESP_OK || !is_whole(size))) {
        ESP_LOGE(TAG, "the known networks cannot be read (%s): join them again",
                 ret != ESP_OK ? system_error_to_string(ret) : "another format");
        memset(&s_stored, 0, sizeof(s_stored));
        s_stored.format = FORMAT;
    }
    s_off = nvs_get_u8(nvs, KEY_OFF, &off) == ESP_OK && off != 0;
    nvs_close(nvs);
}

static esp_err_t write_known(void)
{
    nvs_handle_t nvs;
    esp_err_t ret = nvs_open(SPACE, NVS_READWRITE, &nvs);
    if (ret != ESP_OK) {
        return ret;
    }
    ret = nvs_set_blob(nvs, KEY_KNOWN, &s_stored, size_of(s_stored.count));
    ret = ret == ESP_OK ? nvs_commit(nvs) : ret;
    nvs_close(nvs);
    return ret;
}

unsigned network_store_count(void)
{
    return s_stored.count;
}

const network_credential_t *network_store_get(unsigned index)
{
    return &s_stored.known[index];
}

const network_credential_t *network_store_find(const char *name)
{
    for (unsigned i = 0; i < s_stored.count; i++) {
        if (strcmp(s_stored.known[i].name, name) == 0) {
            return &s_stored.known[i];
        }
    }
    return NULL;
}

static void take_out(unsigned index)
{
    s_stored.count--;
    memmove(&s_stored.known[index], &s_stored.known[index + 1],
            (s_stored.count - index) * sizeof(network_credential_t));
    memset(&s_stored.known[s_stored.count], 0, sizeof(network_credential_t));
}

esp_err_t network_store_put(const char *name, const char *secret)
{
    network_credential_t one = {0};
    memcpy(one.name, name, strnlen(name, NETWORK_NAME_MAX));
    memcpy(one.secret, secret, strnlen(secret, NETWORK_SECRET_MAX));
    const network_credential_t *before = network_store_find(one.name);
    if (before != NULL) {
        take_out((unsigned)(before - s_stored.known));
    } else if (s_stored.count == CONFIG_NETWORK_KNOWN) {
        take_out(CONFIG_NETWORK_KNOWN - 1);
    }
    memmove(&s_stored.known[1], &s_stored.known[0], s_stored.count * sizeof(network_credential_t));
    s_stored.known[0] = one;
    s_stored.count++;
    return write_known();
}

esp_err_t network_store_forget(const char *name)
{
    const network_credential_t *known = network_store_find(name);
    if (known == NULL) {
        return ESP_ERR_NOT_FOUND;
    }
    take_out((unsigned)(known - s_stored.known));
    return write_known();
}

bool network_store_on(void)
{
    return !s_off;
}

esp_err_t network_store_set_on(bool on)
{
    nvs_handle_t nvs;
    if (s_off == !on) {
        return ESP_OK;
    }
    s_off = !on;
    esp_err_t ret = nvs_open(SPACE, NVS_READWRITE, &nvs);
    if (ret != ESP_OK) {
        return ret;
    }
    ret = nvs_set_u8(nvs, KEY_OFF, s_off);
    ret = ret == ESP_OK ? nvs_commit(nvs) : ret;
    nvs_close(nvs);
    return ret;
}
