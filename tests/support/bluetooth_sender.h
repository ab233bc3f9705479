// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * A peer that sends a package, as docs/services/bluetooth.md says. After bluetooth_peer.h, whose
 * last notification is that of the file characteristic.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SENDER_PIECE  200
#define SENDER_OLDER  1 /* flags */
#define SENDER_UPDATE 2

enum {
    SENDER_IDLE = 0,
    SENDER_RECEIVING,
    SENDER_INSTALLING,
    SENDER_INSTALLED,
    SENDER_FAILED,
    SENDER_INTERRUPTED,
};

/** Connect, pair, and subscribe to how it goes. */
void sender_join(void);
/** What the board said last. */
uint8_t sender_status(void);
/** The board has everything before that. */
uint32_t sender_offset(void);
/** The error it told. */
int32_t sender_error(void);

/** Say what comes. */
void sender_order(uint32_t size, uint32_t crc, uint8_t flags);
/** Send a piece, whether the board wants it or not. */
void sender_piece(const uint8_t *data, uint32_t at, uint32_t size);
/** Send up to a place, no further than granted; begins again where the board says. */
void sender_send_to(const uint8_t *data, uint32_t end);
/** All of it, and wait for how it went. */
void sender_send(const uint8_t *data, uint32_t size, uint32_t crc, uint8_t flags);
/** It is installed, has failed, or the connection has ended. */
bool sender_has_ended(void);
bool sender_is_received(void);
