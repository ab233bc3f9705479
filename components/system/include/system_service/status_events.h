/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief State that services tell each other, and everybody who shows it: retained events, each
 *        posted by the one service named beside it.
 *
 * A service never includes another one; what several of them must understand is here. A payload
 * begins with its version and its size. A field is only ever added at the end, which makes the size
 * grow; the version changes when an old reader would understand it wrongly. So a reader wants its
 * own version and at least the size it knows: status_event_fits().
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "system_service/system_types.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The beginning of every versioned payload. */
typedef struct {
    uint16_t version;
    uint16_t size; /**< of the whole payload in bytes */
} status_header_t;

/** Fill in a header: {.header = STATUS_HEADER(status_network_t, 1), ...} */
#define STATUS_HEADER(type, number)                                                                \
    {                                                                                              \
        .version = (number), .size = (uint16_t)sizeof(type)                                        \
    }

/** True when a payload has this version and at least so many bytes. @context any  @blocks never */
static inline bool status_event_fits(const void *data, size_t data_size, uint16_t version,
                                     size_t size)
{
    const status_header_t *header = (const status_header_t *)data;
    return data != NULL && data_size >= sizeof(*header) && header->version == version &&
           header->size >= size && data_size >= size;
}

/* ---- network service --------------------------------------------------------------------------
 */

#define STATUS_NETWORK_EVENT   "network.state"
#define STATUS_NETWORK_VERSION 1

typedef enum {
    STATUS_NETWORK_OFF = 0, /**< switched off, or there is none */
    STATUS_NETWORK_DISCONNECTED,
    STATUS_NETWORK_SCANNING,
    STATUS_NETWORK_CONNECTING, /**< joined or joining, no address yet */
    STATUS_NETWORK_CONNECTED,  /**< has an address */
} status_network_state_t;

typedef struct {
    status_header_t header;
    uint8_t state;   /**< status_network_state_t */
    int8_t rssi_dbm; /**< 0 = not a radio, or not known */
    uint8_t bars;    /**< 0..4, for showing */
    uint8_t reserved;
    uint8_t ipv4[4]; /**< 0.0.0.0 = none */
    char name[33];   /**< of the network joined or being joined, "" = none */
} status_network_t;

/* ---- bluetooth service ------------------------------------------------------------------------
 */

#define STATUS_BLUETOOTH_EVENT   "bluetooth.state"
#define STATUS_BLUETOOTH_VERSION 1

typedef struct {
    status_header_t header;
    bool enabled;
    bool advertising;
    bool scanning;
    uint8_t connections; /**< peers connected now */
} status_bluetooth_t;

/* ---- time: whoever sets the clock, as a rule the network service by SNTP ------------------------
 */

#define STATUS_TIME_EVENT   "time.state"
#define STATUS_TIME_VERSION 1

typedef struct {
    status_header_t header;
    int16_t offset_minutes; /**< local time minus UTC */
    int16_t reserved;
    int64_t utc_us; /**< microseconds since 1970 at ... */
    int64_t at_us;  /**< ... this reading of esp_timer_get_time() */
} status_time_t;

/* ---- display service --------------------------------------------------------------------------
 */

#define STATUS_FOCUS_EVENT   "display.focus"
#define STATUS_FOCUS_VERSION 1

/** Whose surface is shown: the app that input is for. */
typedef struct {
    status_header_t header;
    system_service_id_t app; /**< SYSTEM_SERVICE_ID_NONE = no app is shown */
    char name[SYSTEM_NAME_MAX + 1];
    uint16_t width; /**< of the screen as it is turned now: what touch coordinates count in */
    uint16_t height;
    uint16_t top;     /**< rows above the app's surface: subtract from a touch's y */
    uint16_t degrees; /**< 0, 90, 180, 270 clockwise */
} status_focus_t;

#ifdef __cplusplus
}
#endif
