/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief The seam to the network interface: port/esp32s3 drives Wi-Fi or Ethernet, port/linux the
 *        interfaces of the PC, or a scripted network where nothing may depend on the PC.
 *
 * Called by the network service alone, one call at a time, arguments already checked. Nothing here
 * waits for the network: what comes of it is taken later. When the service is restarted,
 * link_backend_open() comes without a close before it, in another task.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "esp_err.h"
#include "network_service/network_events.h"
#include "system_service/error_codes.h"

/** Something that happened. */
typedef struct {
    enum {
        LINK_SCANNED, /**< link_backend_networks() is up to date; reason if it failed */
        LINK_ADDRESS, /**< connected: name, ipv4 */
        LINK_FAILED,  /**< a join came to nothing: reason */
        LINK_LOST,    /**< what was connected is no more: reason */
        LINK_TIME,    /**< the time is known: utc_us at at_us, offset_minutes */
    } kind;
    esp_err_t reason; /**< ESP_ERR_NOT_FOUND not there; ESP_ERR_NETWORK_SECRET refused;
                           ESP_ERR_TIMEOUT; ESP_FAIL */
    char name[NETWORK_NAME_MAX + 1];
    uint8_t ipv4[4];
    int64_t utc_us; /**< microseconds since 1970 ... */
    int64_t at_us;  /**< ... at this reading of esp_timer_get_time() */
    int16_t offset_minutes;
} link_event_t;

/**
 * @brief Claim the interface, connected to nothing.
 * @param[in]  changed called in any task or interrupt when there is something to take
 * @param[out] radio   networks have names and must be chosen; false: a cable
 * @return ESP_OK; ESP_ERR_NOT_FOUND there is no interface; ESP_ERR_NO_MEM; what the drivers
 *         returned
 */
esp_err_t link_backend_open(void (*changed)(void), bool *radio);

/** Leave, and release the interface. Fine on what is not open. */
void link_backend_close(void);

/** @brief Begin to look for networks; LINK_SCANNED follows.
 *  @return ESP_OK; ESP_ERR_INVALID_STATE one is under way; what the drivers returned */
esp_err_t link_backend_scan(void);

/** @brief What the last scan found, at most room; known and joined are not filled in.
 *  @return how many */
size_t link_backend_networks(network_seen_t *out, size_t room);

/**
 * @brief Begin to join a network; LINK_ADDRESS or LINK_FAILED follows.
 * @param name "" = whatever the cable leads to
 * @param host be that network instead; LINK_ADDRESS tells our own
 * @return ESP_OK; ESP_ERR_NOT_SUPPORTED it cannot be one; what the drivers returned
 */
esp_err_t link_backend_join(const char *name, const char *secret, bool host);

/** Leave what is joined or being joined; no event follows. */
void link_backend_leave(void);

/** @brief Take the oldest event. Also called every CONFIG_NETWORK_LOOK_MS. @return false: none */
bool link_backend_take(link_event_t *event);

/** @brief How strong what is joined comes in, in dBm. @return 0 = not a radio, or not known */
int8_t link_backend_rssi(void);
