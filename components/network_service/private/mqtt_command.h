/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief What a backend of MQTT hands to whoever makes the calls of its library.
 */

#include "mqtt_backend.h"

typedef enum {
    CONNECT,
    DISCONNECT,
    PUBLISH,
    SUBSCRIBE
} what_t;

typedef struct {
    what_t what;
    uint32_t life; /* of the connection that it is meant for */
    uint32_t token;
    int qos;
    bool retain;
    char topic[MQTT_TOPIC_MAX + 1];
    size_t size;
    uint8_t data[CONFIG_NETWORK_MQTT_MESSAGE];
} command_t;
