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

/** What is hidden from the stack counts. */
static bool in_store(const ble_addr_t *peer)
{
    union ble_store_value known;
    const union ble_store_key key = {.sec = {.peer_addr = *peer}};
    return s_read(BLE_STORE_OBJ_TYPE_PEER_SEC, &key, &known) == 0;
}

/** The address it had when it paired before: one for each bond, and there is always room. */
static void forget_address(const ble_addr_t *peer)
{
    const union ble_store_key key = {.rpa_rec = {.peer_rpa_addr = *peer}};
    (void)ble_hs_cfg.store_delete_cb(BLE_STORE_OBJ_TYPE_PEER_ADDR, &key);
}

/**
 * Of a pairing in which nobody compared anything the stack would keep more than the keys: which
 * address the peer had, and what it subscribed to. Where there is no more room for one of these it
 * unpairs another peer, so nothing is kept of who has no bond.
 */
static int write_store(int type, const union ble_store_value *value)
{
    switch (type) {
    case BLE_STORE_OBJ_TYPE_PEER_SEC:
    case BLE_STORE_OBJ_TYPE_OUR_SEC:
        if (!value->sec.authenticated) {
            /* Not 0: the controller would be told to resolve the peer's addresses. The link is
             * refused as well, by encryption_changed(). */
            return BLE_HS_EAUTHEN;
        }
        break;
    case BLE_STORE_OBJ_TYPE_CCCD: /* without it, a subscription holds as long as the link does */
        if (in_store(&value->cccd.peer_addr)) {
            const int rc = s_write(type, value);
            return rc == BLE_HS_ESTORE_CAP ? 0 : rc;
        }
        return 0;
    case BLE_STORE_OBJ_TYPE_PEER_ADDR:
        if (!in_store(&value->rpa_rec.peer_addr)) {
            return 0;
        }
        forget_address(&value->rpa_rec.peer_addr);
        break;
    default:
        break;
    }
    return s_write(type, value);
}

/** The oldest bond gives way. NimBLE's own ble_store_util_status_rr() refuses while the radio
 *  advertises or scans, which is nearly always. */
static int make_room(struct ble_store_status_event *event, void *arg)
{
    (void)arg;
    return event->event_code == BLE_STORE_EVENT_OVERFLOW ? ble_store_util_delete_oldest_peer() : 0;
}

void nimble_bonds_begin(void)
{
    ble_hs_cfg.store_status_cb = make_room;
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
