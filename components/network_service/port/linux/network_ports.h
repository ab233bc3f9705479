/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief The two sets of backends of the PC: its own network, and the scripted one of
 *        host_network.h. host_network_real() tells which.
 */

#include "http_backend.h"
#include "link_backend.h"

typedef struct {
    esp_err_t (*open)(void (*changed)(void), bool *radio);
    void (*close)(void);
    esp_err_t (*scan)(void);
    size_t (*networks)(network_seen_t *out, size_t room);
    esp_err_t (*join)(const char *name, const char *secret, bool host);
    void (*leave)(void);
    bool (*take)(link_event_t *event);
    int8_t (*rssi)(void);
} link_port_t;

extern const link_port_t link_host;
extern const link_port_t link_scripted;

typedef struct {
    esp_err_t (*open)(unsigned slot, const http_request_t *request, http_answer_t *answer);
    esp_err_t (*read)(unsigned slot, void *to, size_t room, size_t *got);
    void (*close)(unsigned slot);
} http_port_t;

extern const http_port_t http_curl;
extern const http_port_t http_scripted;
