/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "bluetooth_gap.h"
#include "bluetooth_nimble.h"
#include "bluetooth_table.h"
#include "esp_random.h"
#include "host/ble_hs.h"
#include "host/ble_store.h"
#include "nimble/nimble_port.h"

#define PASSKEYS    1000000u
#define FAILURES    3    /* then the connection ends */
#define UNSPECIFIED 0x08 /* as the Security Manager numbers it (Vol 3 Part H 3.5.5) */
#define NOT_GOOD    0x03 /* the same: Authentication Requirements */

/* The host's task's. */
static uint8_t s_failures[BLUETOOTH_LINKS];
static ble_addr_t s_wanted; /* to connect to */

static _Atomic bool s_scans;      /* people want it to */
static _Atomic uint8_t s_asking;  /* bit n: link n was asked for a passkey */
static _Atomic uint8_t s_to_pair; /* bit n: link n is to be paired */
static _Atomic uint8_t s_doubted; /* bit n: link n's peer had no use for our key */
static struct ble_npl_event s_pair;

static int on_event(struct ble_gap_event *event, void *arg);

static bluetooth_address_t address_of(const ble_addr_t *peer)
{
    bluetooth_address_t address = {.random =
                                       peer->type & 1}; /* identities count as what they are */
    memcpy(address.bytes, peer->val, sizeof(address.bytes));
    return address;
}

/* ---- connections -------------------------------------------------------------------------------
 */

static void start_scan(void)
{
    static const struct ble_gap_disc_params s_params = {0}; /* active, intervals are NimBLE's */
    (void)ble_gap_disc(nimble_own_type(), BLE_HS_FOREVER, &s_params, on_event, NULL);
}

static void not_connected(int status)
{
    const uint8_t code = status > BLE_HS_ERR_HCI_BASE && status < BLE_HS_ERR_L2C_BASE
                             ? (uint8_t)(status - BLE_HS_ERR_HCI_BASE)
                             : BLE_ERR_CONN_ESTABLISHMENT;
    nimble_tell((bluetooth_radio_event_t){.kind = BLUETOOTH_RADIO_NOT_CONNECTED,
                                          .link = BLUETOOTH_NO_LINK,
                                          .code = code,
                                          .address = address_of(&s_wanted)},
                NULL, 0);
}

static void connected(uint16_t handle)
{
    struct ble_gap_conn_desc peer;
    const uint8_t link =
        ble_gap_conn_find(handle, &peer) == 0 ? nimble_link_begin(handle) : BLUETOOTH_NO_LINK;
    if (link == BLUETOOTH_NO_LINK) {
        (void)ble_gap_terminate(handle, BLE_ERR_CONN_LIMIT);
        return;
    }
    const bool central = peer.role == BLE_GAP_ROLE_MASTER;
    s_failures[link] = 0;
    atomic_fetch_and(&s_asking, (uint8_t) ~(1u << link));
    atomic_fetch_and(&s_to_pair, (uint8_t) ~(1u << link));
    atomic_fetch_and(&s_doubted, (uint8_t) ~(1u << link));
    nimble_gatts_link(link);
    nimble_gattc_link(link);
    nimble_tell((bluetooth_radio_event_t){.kind = BLUETOOTH_RADIO_CONNECTED,
                                          .link = link,
                                          .central = central,
                                          .address = address_of(&peer.peer_id_addr)},
                NULL, 0);
    if (central) {
        (void)ble_gattc_exchange_mtu(handle, NULL, NULL); /* BLE_GAP_EVENT_MTU says how it went */
        if (nimble_bonds_is_doubted(&peer.peer_id_addr)) {
            atomic_fetch_or(&s_doubted, (uint8_t)(1u << link));
        } else if (nimble_bonds_has(&peer.peer_id_addr)) {
            (void)ble_gap_security_initiate(handle);
        }
    }
}

static void on_connect(int status, uint16_t handle)
{
    if (status == 0) {
        connected(handle);
    } else {
        not_connected(status);
    }
    if (atomic_load(&s_scans) && !ble_gap_disc_active()) {
        start_scan(); /* it had to stop for the attempt */
    }
}

static void disconnected(int reason, const struct ble_gap_conn_desc *peer)
{
    const uint8_t link = nimble_link(peer->conn_handle);
    if (link == BLUETOOTH_NO_LINK) {
        return; /* an earlier life's */
    }
    if (reason == BLE_HS_HCI_ERR(BLE_ERR_PINKEY_MISSING) && peer->role == BLE_GAP_ROLE_MASTER) {
        nimble_bonds_doubt(&peer->peer_id_addr); /* it has forgotten us, or is another one */
    }
    nimble_link_end(link);
    nimble_tell((bluetooth_radio_event_t){.kind = BLUETOOTH_RADIO_DISCONNECTED,
                                          .link = link,
                                          .code = (uint8_t)(reason - BLE_HS_ERR_HCI_BASE),
                                          .address = address_of(&peer->peer_id_addr)},
                NULL, 0);
}

static void found(const struct ble_gap_disc_desc *seen)
{
    nimble_tell(
        (bluetooth_radio_event_t){.kind = BLUETOOTH_RADIO_FOUND,
                                  .link = BLUETOOTH_NO_LINK,
                                  .rssi_dbm = seen->rssi,
                                  .central = seen->event_type == BLE_HCI_ADV_RPT_EVTYPE_SCAN_RSP,
                                  .address = address_of(&seen->addr)},
        seen->data, seen->length_data);
}

/* ---- pairing -----------------------------------------------------------------------------------
 */

static void not_paired(uint8_t link, uint16_t handle, uint8_t code)
{
    nimble_tell(
        (bluetooth_radio_event_t){.kind = BLUETOOTH_RADIO_NOT_PAIRED, .link = link, .code = code},
        NULL, 0);
    if (++s_failures[link] >= FAILURES) {
        (void)ble_gap_terminate(handle, BLE_ERR_AUTH_FAIL);
    }
}

static void encryption_changed(int status, uint16_t handle)
{
    struct ble_gap_conn_desc peer;
    const uint8_t link = nimble_link(handle);
    if (link == BLUETOOTH_NO_LINK || ble_gap_conn_find(handle, &peer) != 0) {
        return;
    }
    atomic_fetch_and(&s_asking, (uint8_t) ~(1u << link));
    if (status != 0) {
        const bool by_manager = status > BLE_HS_ERR_SM_US_BASE && status < BLE_HS_ERR_HW_BASE;
        not_paired(link, handle, by_manager ? (uint8_t)status : UNSPECIFIED);
    } else if (!peer.sec_state.authenticated) { /* nobody compared anything */
        not_paired(link, handle, NOT_GOOD);
    } else {
        nimble_tell((bluetooth_radio_event_t){.kind = BLUETOOTH_RADIO_PAIRED, .link = link}, NULL,
                    0);
    }
}

static void passkey(uint16_t handle, uint8_t action)
{
    const uint8_t link = nimble_link(handle);
    struct ble_sm_io io = {.action = action};
    if (link == BLUETOOTH_NO_LINK) {
        return;
    }
    switch (action) {
    case BLE_SM_IOACT_DISP:
        io.passkey = esp_random() % PASSKEYS;
        if (ble_sm_inject_io(handle, &io) == 0) {
            nimble_tell((bluetooth_radio_event_t){.kind = BLUETOOTH_RADIO_PASSKEY,
                                                  .link = link,
                                                  .number = io.passkey},
                        NULL, 0);
        }
        break;
    case BLE_SM_IOACT_INPUT:
        atomic_fetch_or(&s_asking, (uint8_t)(1u << link));
        nimble_tell((bluetooth_radio_event_t){.kind = BLUETOOTH_RADIO_PASSKEY_WANTED, .link = link},
                    NULL, 0);
        break;
    default: /* comparing numbers: nobody is there to say yes */
        (void)ble_sm_inject_io(handle, &io);
        break;
    }
}

/** A peer that has paired wants to again: it has forgotten us. People compare once more. */
static int pair_again(uint16_t handle)
{
    struct ble_gap_conn_desc peer;
    if (ble_gap_conn_find(handle, &peer) != 0) {
        return BLE_GAP_REPEAT_PAIRING_IGNORE;
    }
    nimble_bonds_hide(&peer.peer_id_addr);
    return BLE_GAP_REPEAT_PAIRING_RETRY;
}

static void start_pairing(uint8_t link)
{
    struct ble_gap_conn_desc peer;
    const uint16_t handle = nimble_handle(link);
    if (handle == BLE_HS_CONN_HANDLE_NONE || ble_gap_conn_find(handle, &peer) != 0) {
        return; /* its end was told */
    }
    if ((atomic_load(&s_doubted) >> link & 1) != 0) {
        nimble_bonds_hide(&peer.peer_id_addr);
    }
    /* Who asks enters what the other shows; with both at both ends nobody would know which. The
     * stack has one setting for all links and reads it when it writes a request or a response, both
     * in this task: so no other link ever sees this one's. */
    if (peer.role == BLE_GAP_ROLE_MASTER) {
        ble_hs_cfg.sm_io_cap = BLE_SM_IO_CAP_KEYBOARD_ONLY;
    }
    const int rc = ble_gap_security_initiate(handle);
    ble_hs_cfg.sm_io_cap = BLE_SM_IO_CAP_DISP_ONLY;
    if (rc != 0 && rc != BLE_HS_EALREADY) { /* that one is under way, and will be told of */
        not_paired(link, handle, UNSPECIFIED);
    }
}

static void on_pair_wanted(struct ble_npl_event *event)
{
    (void)event;
    const uint8_t wanted = atomic_exchange(&s_to_pair, 0);
    for (uint8_t link = 0; link < BLUETOOTH_LINKS; link++) {
        if ((wanted >> link & 1) != 0) {
            start_pairing(link);
        }
    }
}

void nimble_gap_begin(void)
{
    ble_npl_event_init(&s_pair, on_pair_wanted, NULL);
}

/* ---- what the host tells -----------------------------------------------------------------------
 */

static void on_subscribe(const struct ble_gap_event *event)
{
    const uint8_t link = nimble_link(event->subscribe.conn_handle);
    const uint8_t value = nimble_gatts_value(event->subscribe.attr_handle);
    if (link != BLUETOOTH_NO_LINK && value < GATT_VALUES &&
        event->subscribe.reason != BLE_GAP_SUBSCRIBE_REASON_TERM) {
        nimble_gatts_subscribed(link, value, event->subscribe.cur_notify != 0);
    }
}

static void on_notified(const struct ble_gap_event *event)
{
    uint8_t data[BLUETOOTH_VALUE];
    uint16_t size = 0;
    const uint8_t link = nimble_link(event->notify_rx.conn_handle);
    /* What is too long is cut: flat has as much as fits. */
    (void)ble_hs_mbuf_to_flat(event->notify_rx.om, data, sizeof(data), &size);
    if (link != BLUETOOTH_NO_LINK) {
        nimble_tell((bluetooth_radio_event_t){.kind = BLUETOOTH_RADIO_NOTIFIED,
                                              .link = link,
                                              .handle = event->notify_rx.attr_handle},
                    data, size);
    }
}

static void on_mtu(const struct ble_gap_event *event)
{
    const uint8_t link = nimble_link(event->mtu.conn_handle);
    if (link != BLUETOOTH_NO_LINK) {
        nimble_tell((bluetooth_radio_event_t){.kind = BLUETOOTH_RADIO_MTU,
                                              .link = link,
                                              .number = event->mtu.value},
                    NULL, 0);
    }
}

static int on_event(struct ble_gap_event *event, void *arg)
{
    (void)arg;
    switch (event->type) {
    case BLE_GAP_EVENT_CONNECT:
        on_connect(event->connect.status, event->connect.conn_handle);
        break;
    case BLE_GAP_EVENT_DISCONNECT:
        disconnected(event->disconnect.reason, &event->disconnect.conn);
        break;
    case BLE_GAP_EVENT_DISC:
        found(&event->disc);
        break;
    case BLE_GAP_EVENT_ENC_CHANGE:
        encryption_changed(event->enc_change.status, event->enc_change.conn_handle);
        break;
    case BLE_GAP_EVENT_PASSKEY_ACTION:
        passkey(event->passkey.conn_handle, event->passkey.params.action);
        break;
    case BLE_GAP_EVENT_REPEAT_PAIRING:
        return pair_again(event->repeat_pairing.conn_handle);
    case BLE_GAP_EVENT_SUBSCRIBE:
        on_subscribe(event);
        break;
    case BLE_GAP_EVENT_NOTIFY_RX:
        on_notified(event);
        break;
    case BLE_GAP_EVENT_MTU:
        on_mtu(event);
        break;
    default: /* what was sent, parameters, and what is of no use to us */
        break;
    }
    return 0;
}

void nimble_gap_reset(void)
{
    atomic_store(&s_scans, false);
    (void)ble_gap_adv_stop(); /* each refuses when there is nothing to stop */
    (void)ble_gap_disc_cancel();
    (void)ble_gap_conn_cancel();
    for (uint8_t link = 0; link < BLUETOOTH_LINKS; link++) {
        (void)ble_gap_terminate(nimble_handle(link), BLE_ERR_REM_USER_CONN_TERM);
    }
}

/* ---- the seam ----------------------------------------------------------------------------------
 */

esp_err_t bluetooth_gap_advertise(const uint8_t *data, size_t size, const uint8_t *response,
                                  size_t response_size)
{
    static const struct ble_gap_adv_params s_params = {.conn_mode = BLE_GAP_CONN_MODE_UND,
                                                       .disc_mode = BLE_GAP_DISC_MODE_GEN};
    (void)ble_gap_adv_stop();
    if (data == NULL) {
        return ESP_OK;
    }
    int rc = ble_gap_adv_set_data(data, (int)size);
    rc = rc == 0 ? ble_gap_adv_rsp_set_data(response, (int)response_size) : rc;
    rc = rc == 0
             ? ble_gap_adv_start(nimble_own_type(), NULL, BLE_HS_FOREVER, &s_params, on_event, NULL)
             : rc;
    return nimble_error(rc);
}

esp_err_t bluetooth_gap_scan(bool on)
{
    static const struct ble_gap_disc_params s_params = {0};
    atomic_store(&s_scans, on);
    if (!on || ble_gap_disc_active()) {
        const int rc = on ? 0 : ble_gap_disc_cancel();
        return rc == BLE_HS_EALREADY ? ESP_OK : nimble_error(rc);
    }
    return nimble_error(ble_gap_disc(nimble_own_type(), BLE_HS_FOREVER, &s_params, on_event, NULL));
}

esp_err_t bluetooth_gap_connect(const bluetooth_address_t *address)
{
    if (address == NULL) {
        (void)ble_gap_conn_cancel();
        return ESP_OK;
    }
    s_wanted = (ble_addr_t){.type = address->random != 0 ? BLE_ADDR_RANDOM : BLE_ADDR_PUBLIC};
    memcpy(s_wanted.val, address->bytes, sizeof(s_wanted.val));
    (void)ble_gap_disc_cancel(); /* the controller does one of both; it goes on afterwards */
    return nimble_error(
        ble_gap_connect(nimble_own_type(), &s_wanted, BLE_HS_FOREVER, NULL, on_event, NULL));
}

esp_err_t bluetooth_gap_disconnect(uint8_t link)
{
    const int rc = ble_gap_terminate(nimble_handle(link), BLE_ERR_REM_USER_CONN_TERM);
    return rc == BLE_HS_EALREADY ? ESP_OK : nimble_error(rc);
}

esp_err_t bluetooth_gap_pair(uint8_t link)
{
    if (link == BLUETOOTH_NO_LINK) {
        return nimble_error(ble_store_clear());
    }
    if (nimble_handle(link) == BLE_HS_CONN_HANDLE_NONE) {
        return ESP_ERR_NOT_FOUND;
    }
    atomic_fetch_or(&s_to_pair, (uint8_t)(1u << link));
    ble_npl_eventq_put(nimble_port_get_dflt_eventq(), &s_pair);
    return ESP_OK;
}

esp_err_t bluetooth_gap_passkey(uint8_t link, uint32_t number)
{
    struct ble_sm_io io = {.action = BLE_SM_IOACT_INPUT, .passkey = number};
    const uint16_t handle = nimble_handle(link);
    if (handle == BLE_HS_CONN_HANDLE_NONE) {
        return ESP_ERR_NOT_FOUND;
    }
    if ((atomic_fetch_and(&s_asking, (uint8_t) ~(1u << link)) >> link & 1) == 0) {
        return ESP_ERR_INVALID_STATE;
    }
    return nimble_error(ble_sm_inject_io(handle, &io));
}
