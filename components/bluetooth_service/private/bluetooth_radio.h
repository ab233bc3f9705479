/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief What a radio tells the service: events in the order in which they happened, through one
 *        ring that never blocks. The backends put, the service takes; each side is one task.
 */

#include "bluetooth_service/bluetooth_events.h"
#include "esp_err.h"

typedef enum {
    BLUETOOTH_RADIO_RESET = 0, /**< it lost everything: no links, no advertising */
    BLUETOOTH_RADIO_FOUND,     /**< address, rssi, data = AD structures, central = scan response */
    BLUETOOTH_RADIO_CONNECTED, /**< address, central */
    BLUETOOTH_RADIO_NOT_CONNECTED, /**< address, code */
    BLUETOOTH_RADIO_DISCONNECTED,  /**< code */
    BLUETOOTH_RADIO_PASSKEY,       /**< number: show it */
    BLUETOOTH_RADIO_PASSKEY_WANTED,
    BLUETOOTH_RADIO_PAIRED,
    BLUETOOTH_RADIO_NOT_PAIRED,     /**< code */
    BLUETOOTH_RADIO_MTU,            /**< number */
    BLUETOOTH_RADIO_SUBSCRIBED,     /**< value, number = 1 or 0 */
    BLUETOOTH_RADIO_ROOM,           /**< notifications can be sent again */
    BLUETOOTH_RADIO_WRITE,          /**< a peer wrote ours: value, data */
    BLUETOOTH_RADIO_CHARACTERISTIC, /**< of the peer: handle, number = properties, data = UUID */
    BLUETOOTH_RADIO_DISCOVERED,     /**< code */
    BLUETOOTH_RADIO_READ,           /**< handle, code, data */
    BLUETOOTH_RADIO_WRITTEN,        /**< handle, code */
    BLUETOOTH_RADIO_NOTIFIED,       /**< handle, data */
} bluetooth_radio_kind_t;

typedef struct {
    uint8_t kind; /**< bluetooth_radio_kind_t */
    uint8_t link;
    uint8_t code;
    int8_t rssi_dbm;
    uint8_t value; /**< gatt_value_t */
    bool central;
    uint16_t handle;
    uint32_t number;
    bluetooth_address_t address;
    uint16_t size;
    uint8_t data[BLUETOOTH_VALUE];
} bluetooth_radio_event_t;

/* ---- bluetooth_inbox.c -------------------------------------------------------------------------
 */

/** @param wake called after every put  @context when nobody puts */
void bluetooth_inbox_begin(void (*wake)(void));
/** Put one; what does not fit its data is cut. @context the backend's task  @blocks never
 *  @return false: no room, it is counted */
bool bluetooth_inbox_put(const bluetooth_radio_event_t *event, const void *data, size_t size);
/** Room for so many. @context the backend's task */
unsigned bluetooth_inbox_room(void);
/** @context the service  @return false: there is none */
bool bluetooth_inbox_take(bluetooth_radio_event_t *event);
uint32_t bluetooth_inbox_overruns(void);

/* ---- bluetooth_values.c ------------------------------------------------------------------------
 */

/** A value of ours as it is now. @context any task  @blocks never  @return bytes, at most room */
size_t bluetooth_value_get(uint8_t value, uint8_t *out, size_t room);
