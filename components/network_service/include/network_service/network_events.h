/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief What the network service tells, and what it can be asked. Types only.
 *
 * Payloads begin with a header (status_events.h): their version, 1 for all of these, and their
 * size. network.state and time.state, which everybody shows, are in status_events.h.
 *
 * | name            | kind            | payload           | answer                          |
 * |-----------------|-----------------|-------------------|---------------------------------|
 * | network.state   | event, retained | status_network_t  |                                 |
 * | time.state      | event, retained | status_time_t     |                                 |
 * | network.bridge  | event, retained | network_bridge_t  |                                 |
 * | network.get     | request         | none              | network_info_t                  |
 * | network.control | request         | network_control_t | NETWORK_SCAN: network_scan_t    |
 */

#include "esp_err.h"
#include "system_service/status_events.h"

#ifdef __cplusplus
extern "C" {
#endif

#define NETWORK_SERVICE_NAME   "network"
#define NETWORK_EVENTS_VERSION 1

#define NETWORK_BRIDGE_EVENT    "network.bridge"
#define NETWORK_GET_REQUEST     "network.get"
#define NETWORK_CONTROL_REQUEST "network.control"

#define NETWORK_NAME_MAX   32  /**< bytes of a network's name, or of a user's */
#define NETWORK_SECRET_MAX 64  /**< bytes of its secret */
#define NETWORK_TEXT_MAX   127 /**< bytes of a broker's address, or of a rule */
#define NETWORK_SCAN_MAX   16  /**< networks that a scan tells of, the strongest */
#define NETWORK_RULES_MAX  8   /**< of the bridge */

/** How the bridge to the MQTT broker is. */
typedef enum {
    NETWORK_BRIDGE_OFF = 0,    /**< no broker is set */
    NETWORK_BRIDGE_WAITING,    /**< for the network, or for the next attempt */
    NETWORK_BRIDGE_CONNECTING, /**< the broker has not answered yet */
    NETWORK_BRIDGE_CONNECTED,
} network_bridge_state_t;

/** network.bridge: posted when its state changes. */
typedef struct {
    status_header_t header;
    uint8_t state; /**< network_bridge_state_t */
    uint8_t reserved[3];
    esp_err_t reason; /**< why the last connection or attempt ended */
} network_bridge_t;

/** What network.control is to do. */
typedef enum {
    NETWORK_ON = 0,       /**< look for networks, and stay connected */
    NETWORK_OFF,          /**< leave, and stay away: also after a reboot */
    NETWORK_SCAN,         /**< which networks are there? Answered when that is known */
    NETWORK_JOIN,         /**< remember name and secret, and join it now */
    NETWORK_FORGET,       /**< the network called name; it is left if it is joined */
    NETWORK_HOST,         /**< be a network called name, with that secret, until the next reboot */
    NETWORK_FAULT,        /**< let something go wrong, see fault */
    NETWORK_BRIDGE_SET,   /**< text: address of the broker, with "?v=3" or "?v=5" behind it for a
                               protocol, "" = none; name, secret: the user's */
    NETWORK_BRIDGE_RULE,  /**< text: "out PATTERN [QOS] [retain]" or "in PATTERN [QOS]" */
    NETWORK_BRIDGE_CLEAR, /**< forget all rules */
    NETWORK_WISHES,       /**< how many there are */
} network_wish_t;

/** What is to go wrong between the service and the network. */
typedef enum {
    NETWORK_FAULT_NONE = 0,  /**< all is well again */
    NETWORK_FAULT_UNPLUGGED, /**< no network, from now on */
    NETWORK_FAULT_STUCK,     /**< the next call of the driver never returns; once */
    NETWORK_FAULT_SHORT,     /**< each download breaks off after 1000 bytes */
    NETWORK_FAULT_WRONG,     /**< bytes of downloads are not what the server sent */
    NETWORK_FAULTS,          /**< how many there are */
} network_fault_t;

/**
 * network.control. Answered with ESP_OK, or
 *  - ESP_ERR_INVALID_ARG       a value out of its range; a rule or address that makes no sense
 *  - ESP_ERR_NOT_OWNER         an app asks: it may scan, nothing else
 *  - ESP_ERR_INVALID_STATE     a scan while it is switched off
 *  - ESP_ERR_NOT_FINISHED      a scan that had to give way to something else: try again
 *  - ESP_ERR_NOT_FOUND         NETWORK_FORGET: no such network is known
 *  - ESP_ERR_NOT_SUPPORTED     NETWORK_HOST: this hardware cannot
 *  - ESP_ERR_NO_MEM            no room for another rule
 *  - ESP_ERR_SYSTEM_DISABLED   without CONFIG_SYSTEM_FAULT_INJECTION, or without the bridge
 *  - an error of NVS: done, but not after the next reboot
 */
typedef struct {
    status_header_t header;
    uint8_t what;  /**< network_wish_t */
    uint8_t fault; /**< network_fault_t, for NETWORK_FAULT */
    char name[NETWORK_NAME_MAX + 1];
    char secret[NETWORK_SECRET_MAX + 1]; /**< "" = none; never told to anybody */
    char text[NETWORK_TEXT_MAX + 1];
} network_control_t;

/** A network within reach. */
typedef struct {
    char name[NETWORK_NAME_MAX + 1];
    int8_t rssi_dbm; /**< 0 = not a radio */
    uint8_t bars;    /**< 0..4, for showing */
    bool secured;    /**< it wants a secret */
    bool known;      /**< it will be joined by itself */
    bool joined;
} network_seen_t;

/** The answer to NETWORK_SCAN. */
typedef struct {
    status_header_t header;
    uint32_t count;
    network_seen_t seen[NETWORK_SCAN_MAX]; /**< the strongest first */
} network_scan_t;

/** The answer to network.get; all counts since boot. */
typedef struct {
    status_header_t header;
    status_network_t state;
    bool on;
    bool radio;
    uint8_t known;       /**< networks that are remembered */
    uint8_t rules;       /**< of the bridge */
    esp_err_t reason;    /**< why the network was last lost or not joined; ESP_OK = it never was */
    uint32_t attempts;   /**< in vain, since it was last connected */
    uint32_t next_ms;    /**< until the next attempt; 0 = none is waiting */
    uint32_t joins;      /**< times it got an address */
    uint32_t losses;     /**< times it lost the network without being asked to */
    uint32_t downloads;  /**< that were begun */
    uint32_t resumed;    /**< times one of them went on after it broke off */
    uint32_t failed;     /**< of them, downloads that came to nothing */
    uint64_t bytes;      /**< downloaded */
    uint32_t clock_sets; /**< times the network told the time */
    network_bridge_t bridge;
    uint32_t queued;    /**< messages that wait for the broker, or for its receipt */
    uint32_t published; /**< messages that the broker has */
    uint32_t dropped;   /**< messages given up because the queue was full */
    uint32_t received;  /**< messages that became events */
    uint32_t unknown;   /**< messages for events that nobody here knows */
    char broker[NETWORK_TEXT_MAX + 1];
    char base[32]; /**< topics of this board begin so */
} network_info_t;

#ifdef __cplusplus
}
#endif
