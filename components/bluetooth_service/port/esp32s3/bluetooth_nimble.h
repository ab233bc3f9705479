/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The three seams over ESP-IDF's NimBLE host. Its callbacks, and so everything that is put into the
 * inbox, run in one task, the host's; the seams are called by the service's.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bluetooth_radio.h"
#include "esp_err.h"
#include "nimble/ble.h"

/* ---- bluetooth_nimble.c: the stack, and which connection is which link --------------------------
 */

/** @return BLE_HS_CONN_HANDLE_NONE: there is no such link */
uint16_t nimble_handle(uint8_t link);
/** @return BLUETOOTH_NO_LINK: none of ours, or of an earlier life of the service */
uint8_t nimble_link(uint16_t handle);
/** From the host's task alone. @return BLUETOOTH_NO_LINK: there is no room */
uint8_t nimble_link_begin(uint16_t handle);
void nimble_link_end(uint8_t link);
/** Which of our addresses is used. */
uint8_t nimble_own_type(void);
/** Tell the service; from the host's task alone. */
void nimble_tell(bluetooth_radio_event_t event, const void *data, size_t size);
/** What NimBLE said, as an error of ours. */
esp_err_t nimble_error(int rc);

/* ---- bluetooth_nimble_gap.c: what happens on the air, in the host's task ------------------------
 */

/** End what is under way: advertising, scanning, connections. */
void nimble_gap_reset(void);

/** Pair the links for which the service has asked. */
void nimble_gap_begin(void);

/* ---- bluetooth_nimble_bonds.c: NimBLE's store, and who may change it ----------------------------
 */

/** After the store was set up, before the stack runs. */
void nimble_bonds_begin(void);
bool nimble_bonds_has(const ble_addr_t *peer);
/** People are to compare once more: the stack finds no bond, once. It stays in the store until a
 *  new one, authenticated, takes its place. */
void nimble_bonds_hide(const ble_addr_t *peer);
/** The peer had no use for our key: not that one again on the next link. */
void nimble_bonds_doubt(const ble_addr_t *peer);
/** @return true once */
bool nimble_bonds_is_doubted(const ble_addr_t *peer);

/* ---- bluetooth_nimble_gatts.c ------------------------------------------------------------------
 */

/** Give the table to the stack, before it starts. @return 0, or an error of NimBLE */
int nimble_gatts_register(void);
/** Once it runs. */
void nimble_gatts_begin(void);
/** The value of a handle. @return GATT_VALUES: none of ours */
uint8_t nimble_gatts_value(uint16_t handle);
void nimble_gatts_subscribed(uint8_t link, uint8_t value, bool on);
/** A link begins: nobody has subscribed. */
void nimble_gatts_link(uint8_t link);

/* ---- bluetooth_nimble_gattc.c ------------------------------------------------------------------
 */

/** A link begins: nothing is under way. */
void nimble_gattc_link(uint8_t link);
