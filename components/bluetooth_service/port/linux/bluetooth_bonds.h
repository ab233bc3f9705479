/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the host stack keeps in NVS: its address, and the keys of the peers that have paired.
 * Without NVS it keeps them until the program ends. With the lock of bluetooth_host.h held.
 */

#include "bluetooth_service/bluetooth_events.h"

#define BLUETOOTH_BONDS 8 /* then the oldest is forgotten */

/** Read what is kept; the first time, make an address. @param[out] own our address */
void bluetooth_bonds_open(bluetooth_address_t *own);
/** @return false: it has not paired, or was forgotten */
bool bluetooth_bonds_find(const bluetooth_address_t *peer, uint8_t key[16]);
/** In the place of what is known of this peer. */
void bluetooth_bonds_keep(const bluetooth_address_t *peer, const uint8_t key[16]);
/** @param peer NULL: all of them */
void bluetooth_bonds_forget(const bluetooth_address_t *peer);
