/* SPDX-License-Identifier: Apache-2.0 */
/* Who is connected, what they want to hear of, and what the radio tells about them. */
#include <string.h>

#include "bluetooth_ad.h"
#include "bluetooth_internal.h"
#include "esp_log.h"

static const char *TAG = "bluetooth";

#define BY_DISTANCE 0x08 /* reasons (Vol 1 Part F): Connection Timeout */

typedef struct {
    bool open;
    bool central;
    bool paired;
    bool full;       /* no room for notifications; we are told when there is */
    uint16_t wanted; /* bit n: value n */
    uint16_t due;    /* of these, what has changed */
    uint16_t mtu;
    bluetooth_address_t address;
} peer_t;

static peer_t s_peers[BLUETOOTH_LINKS];
static uint32_t s_connections;
static uint32_t s_lost;
static uint32_t s_written;
static uint32_t s_refused;
static uint32_t s_notified;
static uint32_t s_postponed;

void bluetooth_peers_begin(void)
{
    memset(s_peers, 0, sizeof(s_peers));
}

bool bluetooth_peers_has(uint8_t link)
{
    return link < BLUETOOTH_LINKS && s_peers[link].open;
}

unsigned bluetooth_peers_count(void)
{
    unsigned count = 0;
    for (unsigned i = 0; i < BLUETOOTH_LINKS; i++) {
        count += s_peers[i].open ? 1 : 0;
    }
    return count;
}

void bluetooth_peers_describe(bluetooth_info_t *info)
{
    for (unsigned i = 0; i < BLUETOOTH_LINKS; i++) {
        const peer_t *peer = &s_peers[i];
        if (peer->open) {
            info->links[i] = (bluetooth_link_t){
                .connected = true,
                .central = peer->central,
                .paired = peer->paired,
                .subscribed = (uint8_t)__builtin_popcount(peer->wanted),
                .mtu = peer->mtu,
                .address = peer->address,
            };
        }
    }
    info->connections = s_connections;
    info->lost = s_lost;
    info->written = s_written;
    info->refused = s_refused;
    info->notified = s_notified;
    info->postponed = s_postponed;
}

/* ---- notifications -----------------------------------------------------------------------------
 */

void bluetooth_peers_publish(uint8_t value, const void *data, size_t size)
{
    bluetooth_value_set(value, data, size);
    for (unsigned i = 0; i < BLUETOOTH_LINKS; i++) {
        if (s_peers[i].open && (s_peers[i].wanted >> value & 1) != 0) {
            s_peers[i].due |= (uint16_t)(1u << value);
        }
    }
}

/** @return false: no room */
static bool notify(uint8_t link, uint8_t value)
{
    uint8_t data[BLUETOOTH_VALUE_MAX];
    const size_t size = bluetooth_value_get(value, data, sizeof(data));
    esp_err_t ret = bluetooth_link_call();
    ret = ret == ESP_OK ? bluetooth_gatts_notify(link, value, data, size) : ret;
    if (ret == ESP_ERR_NO_MEM) {
        s_postponed++;
        return false;
    }
    s_notified += ret == ESP_OK ? 1 : 0; /* else it has unsubscribed or gone meanwhile */
    return true;
}

/** A value that changes faster than a peer can be told is told as it is then. */
void bluetooth_peers_notify(void)
{
    for (uint8_t i = 0; i < BLUETOOTH_LINKS; i++) {
        peer_t *peer = &s_peers[i];
        for (uint8_t value = 0; peer->open && !peer->full && value < GATT_VALUES; value++) {
            if ((peer->due >> value & 1) != 0) {
                peer->full = !notify(i, value);
                peer->due &= (uint16_t) ~(peer->full ? 0u : 1u << value);
            }
        }
    }
}

/* ---- what the radio tells ----------------------------------------------------------------------
 */

static bluetooth_told_t told_of(const bluetooth_radio_event_t *event, bluetooth_told_kind_t kind)
{
    bluetooth_told_t told = {
        .header = BLUETOOTH_HEADER(bluetooth_told_t),
        .kind = (uint8_t)kind,
        .link = event->link,
        .code = event->code,
        .rssi_dbm = event->rssi_dbm,
        .address = event->address,
        .central = event->central,
        .handle = event->handle,
        .value = event->number,
    };
    return told;
}

static void pass_on(const bluetooth_radio_event_t *event, bluetooth_told_kind_t kind)
{
    bluetooth_told_t told = told_of(event, kind);
    told.data_size = (uint8_t)event->size;
    memcpy(told.data, event->data, event->size);
    bluetooth_service_tell(&told);
}

static void found(const bluetooth_radio_event_t *event)
{
    bluetooth_told_t told = told_of(event, BLUETOOTH_TOLD_FOUND);
    told.central = false;
    bluetooth_ad_read(event->data, event->size, &told.kraken, told.name);
    bluetooth_service_tell(&told);
}

static void connected(const bluetooth_radio_event_t *event)
{
    if (event->link >= BLUETOOTH_LINKS) {
        return;
    }
    s_peers[event->link] =
        (peer_t){.open = true, .central = event->central, .mtu = 23, .address = event->address};
    s_connections++;
    bluetooth_control_describe();
    bluetooth_service_connected();
    if (event->central) {
        bluetooth_service_connect_over();
    }
    const bluetooth_told_t told = told_of(event, BLUETOOTH_TOLD_CONNECTED);
    bluetooth_service_tell(&told);
}

static void disconnected(const bluetooth_radio_event_t *event)
{
    if (!bluetooth_peers_has(event->link)) {
        return;
    }
    s_peers[event->link].open = false;
    s_lost += event->code == BY_DISTANCE ? 1 : 0;
    bluetooth_package_link_lost(event->link);
    bluetooth_service_connected();
    const bluetooth_told_t told = told_of(event, BLUETOOTH_TOLD_DISCONNECTED);
    bluetooth_service_tell(&told);
}

static void passkey(const bluetooth_radio_event_t *event)
{
    ESP_LOGW(TAG, "a peer wants to pair: enter %06u there", (unsigned)event->number);
    pass_on(event, BLUETOOTH_TOLD_PASSKEY);
}

static void passkey_wanted(const bluetooth_radio_event_t *event)
{
    ESP_LOGW(TAG, "link %u: the peer shows a passkey: enter it here", event->link);
    pass_on(event, BLUETOOTH_TOLD_PASSKEY_WANTED);
}

static void paired(const bluetooth_radio_event_t *event)
{
    s_peers[event->link].paired = true;
    pass_on(event, BLUETOOTH_TOLD_PAIRED);
}

static void subscribed(const bluetooth_radio_event_t *event)
{
    peer_t *peer = &s_peers[event->link];
    const uint16_t bit = (uint16_t)(1u << event->value);
    peer->wanted = (uint16_t)(event->number != 0 ? peer->wanted | bit : peer->wanted & ~bit);
    peer->due = (uint16_t)(event->number != 0 ? peer->due | bit : peer->due & ~bit);
}

static void written(bluetooth_radio_event_t *event)
{
    bool good = false;
    switch (event->value) {
    case GATT_VALUE_CONTROL:
        good = bluetooth_control_take(event->link, event->data, event->size);
        break;
    case GATT_VALUE_FILE:
        good = bluetooth_package_order(event->link, event->data, event->size);
        break;
    case GATT_VALUE_FILE_DATA:
        good = bluetooth_package_data(event->link, event->data, event->size);
        break;
    case GATT_VALUE_SETUP:
        good = bluetooth_setup_order(event->data, event->size);
        explicit_bzero(event->data, event->size);
        break;
    default:
        break;
    }
    s_written++;
    s_refused += good ? 0 : 1;
}

/** Of a peer that is connected. */
static void hear_peer(bluetooth_radio_event_t *event)
{
    switch (event->kind) {
    case BLUETOOTH_RADIO_DISCONNECTED:
        disconnected(event);
        break;
    case BLUETOOTH_RADIO_PASSKEY:
        passkey(event);
        break;
    case BLUETOOTH_RADIO_PASSKEY_WANTED:
        passkey_wanted(event);
        break;
    case BLUETOOTH_RADIO_PAIRED:
        paired(event);
        break;
    case BLUETOOTH_RADIO_NOT_PAIRED:
        pass_on(event, BLUETOOTH_TOLD_NOT_PAIRED);
        break;
    case BLUETOOTH_RADIO_MTU:
        s_peers[event->link].mtu = (uint16_t)event->number;
        break;
    case BLUETOOTH_RADIO_SUBSCRIBED:
        subscribed(event);
        break;
    case BLUETOOTH_RADIO_ROOM:
        s_peers[event->link].full = false;
        break;
    case BLUETOOTH_RADIO_WRITE:
        written(event);
        break;
    case BLUETOOTH_RADIO_CHARACTERISTIC:
        pass_on(event, BLUETOOTH_TOLD_CHARACTERISTIC);
        break;
    case BLUETOOTH_RADIO_DISCOVERED:
        pass_on(event, BLUETOOTH_TOLD_DISCOVERED);
        break;
    case BLUETOOTH_RADIO_READ:
        pass_on(event, BLUETOOTH_TOLD_READ);
        break;
    case BLUETOOTH_RADIO_WRITTEN:
        pass_on(event, BLUETOOTH_TOLD_WRITTEN);
        break;
    case BLUETOOTH_RADIO_NOTIFIED:
        pass_on(event, BLUETOOTH_TOLD_NOTIFIED);
        break;
    default:
        break;
    }
}

void bluetooth_peers_hear(bluetooth_radio_event_t *event)
{
    switch (event->kind) {
    case BLUETOOTH_RADIO_RESET:
        bluetooth_service_radio_lost();
        break;
    case BLUETOOTH_RADIO_FOUND:
        found(event);
        break;
    case BLUETOOTH_RADIO_CONNECTED:
        connected(event);
        break;
    case BLUETOOTH_RADIO_NOT_CONNECTED:
        bluetooth_service_connect_over();
        pass_on(event, BLUETOOTH_TOLD_NOT_CONNECTED);
        break;
    default:
        if (bluetooth_peers_has(event->link)) {
            hear_peer(event);
        }
        break;
    }
}
