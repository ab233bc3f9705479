/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief The seam to an MQTT client: one connection to one broker. When to connect, what waits
 * while there is none, and what is sent again is above it.
 *
 * Called by the network service alone, one call at a time, arguments already checked. Nothing here
 * waits for the broker. When the service is restarted, mqtt_backend_open() comes without a close
 * before it, in another task.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sdkconfig.h"

#include "esp_err.h"
#include "network_service/network_events.h"
#include "system_service/error_codes.h"

#define MQTT_TOPIC_MAX 95

typedef struct {
    char uri[NETWORK_TEXT_MAX + 1];  /**< mqtt://host[:port] or mqtts://host[:port] */
    char user[NETWORK_NAME_MAX + 1]; /**< "" = nobody */
    char password[NETWORK_SECRET_MAX + 1];
    char client[24];
    char will[MQTT_TOPIC_MAX + 1]; /**< topic that says "offline", retained, when we vanish */
    uint16_t keepalive_s;
    bool v5; /**< MQTT 5, else 3.1.1 */
} mqtt_config_t;

typedef struct {
    enum {
        MQTT_CONNECTED,
        MQTT_DISCONNECTED, /**< also when a connection did not come about: reason */
        MQTT_PUBLISHED,    /**< the broker has it, or for QoS 0: it is sent: token */
        MQTT_MESSAGE,      /**< topic, data, size */
    } kind;
    esp_err_t reason; /**< ESP_ERR_NETWORK_HOST, ESP_ERR_NETWORK_SECRET, ESP_ERR_NETWORK_TRUNCATED,
                           ESP_ERR_NOT_SUPPORTED it does not speak this protocol */
    uint32_t token;
    char topic[MQTT_TOPIC_MAX + 1];
    uint32_t size;
    uint8_t data[CONFIG_NETWORK_MQTT_MESSAGE];
} mqtt_event_t;

/** @brief Get ready. @param[in] changed called in any task or interrupt when there is something to
 *  take  @return ESP_OK; ESP_ERR_NO_MEM; ESP_ERR_NOT_SUPPORTED there is no client */
esp_err_t mqtt_backend_open(void (*changed)(void));

/** Drop the connection, without a will, and give everything back. Fine on what is not open. */
void mqtt_backend_close(void);

/** @brief Begin a connection, with nothing left over from the last one; MQTT_CONNECTED or
 *  MQTT_DISCONNECTED follows. *config is copied. @return ESP_OK; ESP_ERR_NO_MEM */
esp_err_t mqtt_backend_connect(const mqtt_config_t *config);

/** Say goodbye. No event follows. */
void mqtt_backend_disconnect(void);

/** @brief Send; MQTT_PUBLISHED with this token follows, or MQTT_DISCONNECTED.
 *  @return ESP_OK it is copied; ESP_ERR_NO_MEM ask again later; ESP_ERR_INVALID_STATE */
esp_err_t mqtt_backend_publish(uint32_t token, const char *topic, const void *data, size_t size,
                               int qos, bool retain);

/** @return ESP_OK; ESP_ERR_NO_MEM ask again later; ESP_ERR_INVALID_STATE */
esp_err_t mqtt_backend_subscribe(const char *filter, int qos);

/** @brief Take the oldest event; messages that are too long are left out. @return false: none */
bool mqtt_backend_take(mqtt_event_t *event);
