/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief What the files of the service share, grouped by the file that defines it.
 *
 * All but the downloads runs in the service's worker, and in its lifecycle functions when the
 * worker does not.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http_backend.h"
#include "link_backend.h"
#include "network_service/network_events.h"

#define NETWORK_NEVER  INT64_MAX
#define NETWORK_MS(ms) ((int64_t)(ms)*1000)

/* ---- network_store.c: what is remembered ------------------------------------------------------
 */

typedef struct {
    char name[NETWORK_NAME_MAX + 1];
    char secret[NETWORK_SECRET_MAX + 1];
} network_credential_t;

/** Read what earlier boots left. What cannot be read counts as nothing. */
void network_store_begin(void);
unsigned network_store_count(void);
/** The most recently joined first. @param[in] index below network_store_count() */
const network_credential_t *network_store_get(unsigned index);
const network_credential_t *network_store_find(const char *name);
/** Put it first; the one that was not joined for longest goes. @return ESP_OK; an error of NVS: it
 *  is known until the next reboot */
esp_err_t network_store_put(const char *name, const char *secret);
/** @return ESP_OK; ESP_ERR_NOT_FOUND; an error of NVS */
esp_err_t network_store_forget(const char *name);
bool network_store_on(void);
esp_err_t network_store_set_on(bool on);

/* ---- network_machine.c: the interface and what becomes of it ----------------------------------
 */

void network_machine_begin(void (*changed)(void));
void network_machine_end(void);
/** Take what happened, and do what is due. */
void network_machine_work(int64_t now_us);
/** When there is something to do next. */
int64_t network_machine_due(void);
/** @return as network.control */
esp_err_t network_machine_control(const network_control_t *wish);
/** Begin a scan for somebody. @return ESP_OK: network_service_scanned() follows */
esp_err_t network_machine_scan(void);
void network_machine_describe(status_network_t *state);
void network_machine_count(network_info_t *info);
/** Pause after so many attempts in vain. */
int64_t network_back_off_us(uint32_t attempts);
/** 0..4 for a strength in dBm. */
uint8_t network_machine_bars(int8_t rssi_dbm);

/* ---- network_link.c: faults between us and the network ----------------------------------------
 */

esp_err_t network_link_inject(network_fault_t fault);
esp_err_t network_link_open(void (*changed)(void), bool *radio);
esp_err_t network_link_scan(void);
esp_err_t network_link_join(const char *name, const char *secret, bool host);
bool network_link_take(link_event_t *event);
esp_err_t network_link_http_open(unsigned slot, const http_request_t *request,
                                 http_answer_t *answer);
esp_err_t network_link_http_read(unsigned slot, void *to, size_t room, size_t *got);

/* ---- network_url.c ----------------------------------------------------------------------------
 */

/** An address that may be asked for: http or https, a host, nothing that could end a line. */
bool network_url_valid(const char *url);
bool network_url_secure(const char *url);
/** What a Location means on a page. @return false: nowhere we may go, or too long */
bool network_url_resolve(const char *base, const char *location, char out[NETWORK_URL_MAX + 1]);

/* ---- network_http.c: downloads, in the tasks of those who want them ---------------------------
 */

/** Downloads may try now, or wait. */
void network_http_set_connected(bool connected);
void network_http_count(network_info_t *info);

/* ---- network_bridge.c: events and MQTT --------------------------------------------------------
 */

void network_bridge_begin(system_service_id_t id, void (*changed)(void));
void network_bridge_end(void);
void network_bridge_set_online(bool online);
void network_bridge_work(int64_t now_us);
int64_t network_bridge_due(void);
/** @return as network.control */
esp_err_t network_bridge_control(const network_control_t *wish);
void network_bridge_describe(network_bridge_t *bridge);
void network_bridge_count(network_info_t *info);

/* ---- network_service.c ------------------------------------------------------------------------
 */

/** Everything that waits for a scan gets its answer. */
void network_service_scanned(esp_err_t ret);
void network_service_set_time(const link_event_t *event);
