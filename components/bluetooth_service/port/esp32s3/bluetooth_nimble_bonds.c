/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between the stack and its store. NimBLE lets a bonded peer pair again only when its bond is
 * deleted first, and writes what a pairing gave before it says whether anybody compared anything:
 * whoever borrows an address could so remove a bond. Here a bond leaves the store only for an
 * authenticated one.
 */
#include "bluetooth_nimble.h"

#include "freertos/FreeRTOS.h"
#include "host/ble_hs.h"
#include "host/ble_store.h"

static ble_store_read_fn *s_read;
static ble_store_write_fn *s_write;

/* lock: all below, which the host's and the service's task use */
static portMUX_TYPE s_lock = portMUX_INITIALIZER_UNLOCKED;
static ble_addr_t s_hidden;
static bool s_hides;
static ble_addr_t s_doubted;
static bool s_doubts;

/** @return it was that one, once */
static bool take(bool *is, const ble_addr_t *which, const ble_addr_t *peer)
{
    portENTER_CRITICAL(&s_lock);
    const bool same = *is && ble_addr_cmp(which, peer) == 0;
    *is = *is && !same;
    portEXIT_CRITICAL(&s_lock);
    return same;
}

static void put(bool *is, ble_addr_t *which, const ble_addr_t *peer)
{
    portENTER_CRITICAL(&s_lock);
    *which = *peer;
    *is = true;
    portEXIT_CRITICAL(&s_lock);
}

static int read_store(int type, const union ble_store_key *key, union ble_store_value *value)
{
    if (type == BLE_STORE_OBJ_TYPE_PEER_SEC && take(&s_hides, &s_hidden, &key->sec.peer_addr)) {
        return BLE_HS_ENOENT;
    }
    return s_read(type, key, value);
}

static int write_store(int type, const union ble_store_value *value)
{
    const bool of_pairing =
        type == BLE_STORE_OBJ_TYPE_PEER_SEC || type == BLE_STORE_OBJ_TYPE_OUR_SEC;
    if (of_pairing && !value->sec.authenticated) {
        return 0; /* the link is refused as well, by encryption_changed() */
    }
    return s_write(type, value);
}

void nimble_bonds_begin(void)
{
    s_read = ble_hs_cfg.store_read_cb;
    s_write = ble_hs_cfg.store_write_cb;
    ble_hs_cfg.store_read_cb = read_store;
    ble_hs_cfg.store_write_cb = write_store;
}

bool nimble_bonds_has(const ble_addr_t *peer)
{
    struct ble_store_value_sec known;
    const struct ble_store_key_sec key = {.peer_addr = *peer};
    return ble_store_read_peer_sec(&key, &known) == 0;
}

void nimble_bonds_hide(const ble_addr_t *peer)
{
    put(&s_hides, &s_hidden, peer);
}

void nimble_bonds_doubt(const ble_addr_t *peer)
{
    put(&s_doubts, &s_doubted, peer);
}

bool nimble_bonds_is_doubted(const ble_addr_t *peer)
{
    return take(&s_doubts, &s_doubted, peer);
}
