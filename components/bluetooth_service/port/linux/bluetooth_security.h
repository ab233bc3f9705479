/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Pairing and encryption of the host stack's links, by their number. With the lock of
 * bluetooth_host.h held. */

#include "bluetooth_host.h"

/** A link begins; one to a peer that has paired before is encrypted at once. */
void bluetooth_security_begin(uint8_t number);
/** A PDU of the Security Manager. */
void bluetooth_security_hear(uint8_t number, const uint8_t *data, size_t size);
/** What the radio says of keys and encryption. */
void bluetooth_security_encryption(const host_radio_event_t *event);
/** A link has ended, and why: after a key that the peer does not accept people may pair anew. */
void bluetooth_security_end(uint8_t number, uint8_t reason);
/** Pair, or encrypt with the key of an earlier time. */
void bluetooth_security_pair(uint8_t number);
/** Give up what takes too long. @return when to look again (host_now_us()) */
uint64_t bluetooth_security_look(uint8_t number, uint64_t now);
