/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief What the files of the service share, grouped by the file that defines it.
 *
 * All of it runs in the service's mailbox, and in its lifecycle functions when that does not, but
 * for what bluetooth_radio.h and bluetooth_package.h say.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bluetooth_gap.h"
#include "bluetooth_gattc.h"
#include "bluetooth_gatts.h"
#include "bluetooth_radio.h"
#include "bluetooth_service/bluetooth_events.h"
#include "bluetooth_table.h"
#include "esp_err.h"
#include "system_service/request_response.h"

#define BLUETOOTH_HEADER(type) STATUS_HEADER(type, BLUETOOTH_EVENTS_VERSION)

/* ---- bluetooth_values.c: what peers read ------------------------------------------------------
 */

#define BLUETOOTH_VALUE_MAX 64

void bluetooth_value_set(uint8_t value, const void *data, size_t size);

/* ---- bluetooth_peers.c: who is connected ------------------------------------------------------
 */

void bluetooth_peers_begin(void);
/** One event of the radio. */
void bluetooth_peers_hear(bluetooth_radio_event_t *event);
/** Set a value, and let everybody know who wants to. */
void bluetooth_peers_publish(uint8_t value, const void *data, size_t size);
/** Send notifications there is room for. */
void bluetooth_peers_notify(void);
unsigned bluetooth_peers_count(void);
bool bluetooth_peers_has(uint8_t link);
void bluetooth_peers_describe(bluetooth_info_t *info);

/* ---- bluetooth_control.c: what peers want -----------------------------------------------------
 */

/** @return false: it makes no sense */
bool bluetooth_control_take(uint8_t link, const uint8_t *data, size_t size);
void bluetooth_control_health(uint8_t verdict, uint32_t reasons);
void bluetooth_control_begin(const char *name);
void bluetooth_control_describe(void);

/* ---- bluetooth_package.c: packages that peers send --------------------------------------------
 */

void bluetooth_package_begin(void);
/** The service ends. */
void bluetooth_package_end(void);
/** What was written to the file characteristic, and to its data. @return false: makes no sense */
bool bluetooth_package_order(uint8_t link, const uint8_t *data, size_t size);
bool bluetooth_package_data(uint8_t link, const uint8_t *data, size_t size);
void bluetooth_package_link_lost(uint8_t link);
/** Look whether somebody has waited too long, or something is finished. */
void bluetooth_package_look(void);
void bluetooth_package_describe(bluetooth_info_t *info);

/** There is a task that carries out what peers want; wake it. */
bool bluetooth_package_is_wanted(void);
void bluetooth_package_rouse(void);
/** Something is offered. @return what keeps the task that would take it from coming */
esp_err_t bluetooth_package_call(void);

/* ---- bluetooth_setup.c: what peers want to set up ---------------------------------------------
 */

void bluetooth_setup_begin(void);
/** What was written to the setup characteristic. @return false: makes no sense */
bool bluetooth_setup_order(const uint8_t *data, size_t size);
/** @context any task */
bool bluetooth_setup_is_offered(void);
/** Look whether it was carried out. */
void bluetooth_setup_look(void);

/* ---- bluetooth_link.c: faults between us and the radio ----------------------------------------
 */

esp_err_t bluetooth_link_inject(bluetooth_fault_t fault);
bool bluetooth_link_take(bluetooth_radio_event_t *event);
/** Before each call of a backend. @return ESP_OK, or what it would have said */
esp_err_t bluetooth_link_call(void);

/* ---- bluetooth_service.c ----------------------------------------------------------------------
 */

void bluetooth_service_tell(const bluetooth_told_t *told);
void bluetooth_service_control(const bluetooth_control_t *control);
/** Something is to be done: run soon. @context any task  @blocks never */
void bluetooth_service_wake(void);
/** A connection has ended or begun, a scan has found something. */
void bluetooth_service_connected(void);
void bluetooth_service_connect_over(void);
void bluetooth_service_radio_lost(void);
