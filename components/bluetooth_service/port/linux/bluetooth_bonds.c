/* SPDX-License-Identifier: Apache-2.0 */
#include "bluetooth_bonds.h"

#include <string.h>

#include "esp_log.h"
#include "esp_random.h"
#include "nvs.h"

static const char *TAG = "bluetooth";

#define SPACE   "bluetooth"
#define ADDRESS "address"
#define BONDS   "bonds"

typedef struct {
    uint8_t address[6];
    uint8_t random;
    uint8_t key[16];
} bond_t;

/* As it is stored: the oldest first, without holes. */
static bond_t s_bonds[BLUETOOTH_BONDS];
static unsigned s_count;
static uint8_t s_own[6];
static bool s_read;

static esp_err_t store(const char *name, const void *data, size_t size)
{
    nvs_handle_t nvs;
    esp_err_t ret = nvs_open(SPACE, NVS_READWRITE, &nvs);
    if (ret != ESP_OK) {
        return ret;
    }
    ret = size != 0 ? nvs_set_blob(nvs, name, data, size) : nvs_erase_key(nvs, name);
    ret = ret == ESP_OK ? nvs_commit(nvs) : ret;
    nvs_close(nvs);
    return ret == ESP_ERR_NVS_NOT_FOUND ? ESP_OK : ret;
}

static void save(const char *name, const void *data, size_t size)
{
    const esp_err_t ret = store(name, data, size);
    if (ret != ESP_OK && ret != ESP_ERR_NVS_NOT_INITIALIZED) { /* a program that has none knows */
        ESP_LOGW(TAG, "%s: not kept over a reboot: %s", name, esp_err_to_name(ret));
    }
}

static size_t load(const char *name, void *out, size_t room)
{
    nvs_handle_t nvs;
    if (nvs_open(SPACE, NVS_READONLY, &nvs) != ESP_OK) {
        return 0;
    }
    const esp_err_t ret = nvs_get_blob(nvs, name, out, &room);
    nvs_close(nvs);
    return ret == ESP_OK ? room : 0;
}

void bluetooth_bonds_open(bluetooth_address_t *own)
{
    if (!s_read) {
        s_read = true;
        const size_t size = load(BONDS, s_bonds, sizeof(s_bonds));
        s_count = size % sizeof(bond_t) == 0 ? (unsigned)(size / sizeof(bond_t)) : 0;
        if (load(ADDRESS, s_own, sizeof(s_own)) != sizeof(s_own)) {
            /* Static random (Vol 6 Part B 1.3.2.1): peers know us by it, so it stays. */
            esp_fill_random(s_own, sizeof(s_own));
            s_own[5] |= 0xc0;
            save(ADDRESS, s_own, sizeof(s_own));
        }
    }
    *own = (bluetooth_address_t){.random = 1};
    memcpy(own->bytes, s_own, sizeof(s_own));
}

/** @return its place; s_count: none */
static unsigned place_of(const bluetooth_address_t *peer)
{
    unsigned i = 0;
    while (i < s_count &&
           (s_bonds[i].random != peer->random || memcmp(s_bonds[i].address, peer->bytes, 6) != 0)) {
        i++;
    }
    return i;
}

bool bluetooth_bonds_find(const bluetooth_address_t *peer, uint8_t key[16])
{
    const unsigned place = place_of(peer);
    if (place == s_count) {
        return false;
    }
    memcpy(key, s_bonds[place].key, 16);
    return true;
}

static void take_out(unsigned place)
{
    s_count--;
    memmove(&s_bonds[place], &s_bonds[place + 1], (s_count - place) * sizeof(bond_t));
    explicit_bzero(&s_bonds[s_count], sizeof(bond_t));
}

void bluetooth_bonds_keep(const bluetooth_address_t *peer, const uint8_t key[16])
{
    const unsigned place = place_of(peer);
    if (place < s_count) {
        take_out(place);
    } else if (s_count == BLUETOOTH_BONDS) {
        take_out(0);
    }
    bond_t *bond = &s_bonds[s_count++];
    memcpy(bond->address, peer->bytes, 6);
    bond->random = peer->random;
    memcpy(bond->key, key, 16);
    save(BONDS, s_bonds, s_count * sizeof(bond_t));
}

void bluetooth_bonds_forget(const bluetooth_address_t *peer)
{
    const unsigned place = peer != NULL ? place_of(peer) : 0;
    if (place == s_count) {
        return;
    }
    if (peer != NULL) {
        take_out(place);
    } else {
        explicit_bzero(s_bonds, sizeof(s_bonds));
        s_count = 0;
    }
    save(BONDS, s_bonds, s_count * sizeof(bond_t));
}
