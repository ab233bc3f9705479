/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief What the Bluetooth service tells, and what it can be asked. Types only.
 *
 * Payloads begin with a header (status_events.h): their version, 1 for all of these, and their
 * size. bluetooth.state is in status_events.h.
 *
 * | name              | kind            | payload             | answer           |
 * |-------------------|-----------------|---------------------|------------------|
 * | bluetooth.state   | event, retained | status_bluetooth_t  |                  |
 * | bluetooth.control | event           | bluetooth_control_t |                  |
 * | bluetooth.told    | event           | bluetooth_told_t    |                  |
 * | bluetooth.do      | request         | bluetooth_do_t      | none             |
 * | bluetooth.get     | request         | none                | bluetooth_info_t |
 */

#include "system_service/status_events.h"

#ifdef __cplusplus
extern "C" {
#endif

#define BLUETOOTH_SERVICE_NAME   "bluetooth"
#define BLUETOOTH_EVENTS_VERSION 1

#define BLUETOOTH_CONTROL_EVENT "bluetooth.control"
#define BLUETOOTH_TOLD_EVENT    "bluetooth.told"
#define BLUETOOTH_DO_REQUEST    "bluetooth.do"
#define BLUETOOTH_GET_REQUEST   "bluetooth.get"

/* ---- what a peer wants of whoever plays --------------------------------------------------------
 */

/** What a peer that may do so wrote to the control characteristic. */
typedef enum {
    BLUETOOTH_CONTROL_NONE = 0,
    BLUETOOTH_CONTROL_PLAY,
    BLUETOOTH_CONTROL_PAUSE,
    BLUETOOTH_CONTROL_TOGGLE, /**< play if it is paused, else pause */
    BLUETOOTH_CONTROL_STOP,
    BLUETOOTH_CONTROL_NEXT,
    BLUETOOTH_CONTROL_PREVIOUS,
    BLUETOOTH_CONTROL_VOLUME,  /**< value: percent, 0..100 */
    BLUETOOTH_CONTROL_LOUDER,  /**< value: percent points, 1..100 */
    BLUETOOTH_CONTROL_QUIETER, /**< value: percent points, 1..100 */
    BLUETOOTH_CONTROL_SEEK,    /**< value: milliseconds from the beginning */
    BLUETOOTH_CONTROLS,        /**< how many there are */
} bluetooth_control_action_t;

/** bluetooth.control, priority HIGH. Only what is in its range is posted. */
typedef struct {
    status_header_t header;
    uint8_t action; /**< bluetooth_control_action_t */
    uint8_t link;   /**< of the peer that wants it */
    uint8_t reserved[2];
    uint32_t value; /**< 0 where the action has none */
} bluetooth_control_t;

/* ---- what happens on the air -------------------------------------------------------------------
 */

#define BLUETOOTH_LINKS   3 /**< connections at once; a link is a number from 0 */
#define BLUETOOTH_NO_LINK 0xff
#define BLUETOOTH_NAME    29 /**< longest name in an advertisement, with its end */
#define BLUETOOTH_VALUE   244

/** A device's address: least significant byte first, as on the air. */
typedef struct {
    uint8_t bytes[6];
    uint8_t random; /**< 0 public, 1 random */
    uint8_t reserved;
} bluetooth_address_t;

/** What bluetooth.told is about, and which of its fields are of use beside link. */
typedef enum {
    BLUETOOTH_TOLD_FOUND = 0,     /**< a scan found it: address, rssi_dbm, kraken, name */
    BLUETOOTH_TOLD_CONNECTED,     /**< address; central: we have connected to it */
    BLUETOOTH_TOLD_NOT_CONNECTED, /**< bluetooth.do connect came to nothing: address, code */
    BLUETOOTH_TOLD_DISCONNECTED,  /**< address; code: why, as Bluetooth numbers it (Vol 1 Part F) */
    BLUETOOTH_TOLD_PASSKEY, /**< value: show this number to people, who enter it at the peer */
    BLUETOOTH_TOLD_PASSKEY_WANTED, /**< the peer shows a number: bluetooth.do passkey gives it */
    BLUETOOTH_TOLD_PAIRED,         /**< the link is encrypted, and the peer is who it is */
    BLUETOOTH_TOLD_NOT_PAIRED,     /**< code: why, as the Security Manager numbers it */
    BLUETOOTH_TOLD_CHARACTERISTIC, /**< discovered: handle, value = its properties, data = UUID */
    BLUETOOTH_TOLD_READ,           /**< handle, data; code: an error of ATT, 0 = fine */
    BLUETOOTH_TOLD_WRITTEN,        /**< handle; code: an error of ATT, 0 = fine */
    BLUETOOTH_TOLD_NOTIFIED,       /**< handle, data */
    BLUETOOTH_TOLD_DISCOVERED,     /**< all of them; code: an error of ATT, 0 = fine */
    BLUETOOTH_TOLD_INSTALLED,      /**< a package that came over the air: name; code 0 */
    BLUETOOTH_TOLD_NOT_INSTALLED,  /**< status says why */
    BLUETOOTH_TOLD_KINDS,          /**< how many there are */
} bluetooth_told_kind_t;

/** bluetooth.told */
typedef struct {
    status_header_t header;
    uint8_t kind; /**< bluetooth_told_kind_t */
    uint8_t link; /**< BLUETOOTH_NO_LINK = none */
    uint8_t code;
    int8_t rssi_dbm;
    bluetooth_address_t address;
    bool central;
    bool kraken; /**< it advertises the Kraken service */
    uint16_t handle;
    uint32_t value;
    int32_t status; /**< esp_err_t */
    char name[BLUETOOTH_NAME];
    uint8_t data_size;
    uint8_t data[BLUETOOTH_VALUE]; /**< cut at this size */
} bluetooth_told_t;

/* ---- what it can be asked ----------------------------------------------------------------------
 */

typedef enum {
    BLUETOOTH_DO_ADVERTISE = 0, /**< value: 1 = be seen and be connected to, 0 = do not */
    BLUETOOTH_DO_SCAN,          /**< value: so many ms, 1..60000; 0 = stop */
    BLUETOOTH_DO_CONNECT,       /**< address; bluetooth.told says how it went */
    BLUETOOTH_DO_DISCONNECT,    /**< link */
    BLUETOOTH_DO_PAIR,      /**< link; bluetooth.told says how it went. Once paired, a passkey is
                                 not asked for again */
    BLUETOOTH_DO_PASSKEY,   /**< link, value: what the peer shows, 0..999999 */
    BLUETOOTH_DO_DISCOVER,  /**< link */
    BLUETOOTH_DO_READ,      /**< link, handle */
    BLUETOOTH_DO_WRITE,     /**< link, handle, data */
    BLUETOOTH_DO_SUBSCRIBE, /**< link, handle of the value, value: 1 or 0 */
    BLUETOOTH_DO_FAULT,     /**< value: bluetooth_fault_t; from firmware alone */
    BLUETOOTH_DO_FORGET,    /**< all who have paired; from firmware alone */
    BLUETOOTH_DOES,         /**< how many there are */
} bluetooth_do_kind_t;

/** bluetooth.do. Answered with ESP_OK: it is under way or done; ESP_ERR_INVALID_ARG a value out of
 *  its range; ESP_ERR_NOT_FOUND there is no such link, or no radio; ESP_ERR_INVALID_STATE something
 *  of the kind is under way on it; ESP_ERR_NO_MEM BLUETOOTH_LINKS are connected; ESP_ERR_NOT_OWNER
 *  an app asks for a fault or to forget; ESP_ERR_SYSTEM_DISABLED faults are not built in. */
typedef struct {
    status_header_t header;
    uint8_t what; /**< bluetooth_do_kind_t */
    uint8_t link;
    uint16_t handle;
    uint32_t value;
    bluetooth_address_t address;
    uint8_t data_size;
    uint8_t data[BLUETOOTH_VALUE];
} bluetooth_do_t;

/** What is to go wrong between the service and its radio. */
typedef enum {
    BLUETOOTH_FAULT_NONE = 0,
    BLUETOOTH_FAULT_UNPLUGGED, /**< the radio does not answer */
    BLUETOOTH_FAULT_STUCK,     /**< the next call of it never returns; once */
    BLUETOOTH_FAULT_SHORT,     /**< of what arrives, the second half is missing */
    BLUETOOTH_FAULT_WRONG,     /**< what arrives is not what was sent */
    BLUETOOTH_FAULTS,          /**< how many there are */
} bluetooth_fault_t;

/** A connection as bluetooth.get tells it. */
typedef struct {
    bool connected;
    bool central; /**< we have connected to it */
    bool paired;
    uint8_t subscribed; /**< characteristics of ours that it wants to hear of */
    uint16_t mtu;
    uint16_t reserved;
    bluetooth_address_t address;
} bluetooth_link_t;

/** The answer to bluetooth.get. Counts since boot. */
typedef struct {
    status_header_t header;
    status_bluetooth_t state;
    bluetooth_address_t address; /**< ours */
    char name[BLUETOOTH_NAME];
    bool radio; /**< it answers */
    uint8_t reserved[2];
    bluetooth_link_t links[BLUETOOTH_LINKS];
    uint32_t connections; /**< made */
    uint32_t lost;        /**< of these, ended by distance or silence */
    uint32_t written;     /**< values that peers wrote */
    uint32_t refused;     /**< of these, wrong ones */
    uint32_t notified;    /**< values sent to peers */
    uint32_t postponed;   /**< of these, ones that had to wait for room */
    uint32_t overrun;     /**< events of the radio that came faster than they could be taken */
    uint32_t received;    /**< bytes of packages */
    uint32_t installed;   /**< packages */
} bluetooth_info_t;

#ifdef __cplusplus
}
#endif
