// SPDX-License-Identifier: Apache-2.0
#include "bluetooth_sender.h"

#include <string.h>

#include "bluetooth_peer.h"
#include "ktest.h"

static uint32_t get32(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static void put32(uint8_t *at, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++) {
        at[i] = (uint8_t)(value >> (8 * i));
    }
}

void sender_join(void)
{
    static const uint8_t s_mtu[] = {ATT_MTU_REQUEST, ATT_MTU, 0};
    uint8_t answer[ATT_MTU];
    peer_connect();
    assert_int_equal(peer_ask(s_mtu, sizeof(s_mtu), answer), 3);
    assert_int_equal(peer_pair(0), 0);
    assert_int_equal(peer_subscribe(GATT_VALUE_FILE, true), 0);
    peer_wait(50);
}

uint8_t sender_status(void)
{
    return peer_notified[0];
}

uint32_t sender_offset(void)
{
    return get32(peer_notified + 4);
}

int32_t sender_error(void)
{
    return (int32_t)get32(peer_notified + 8);
}

static uint32_t granted(void)
{
    return sender_offset() + (uint32_t)(peer_notified[2] | peer_notified[3] << 8);
}

void sender_order(uint32_t size, uint32_t crc, uint8_t flags)
{
    uint8_t order[10] = {1, [9] = flags};
    put32(order + 1, size);
    put32(order + 5, crc);
    peer_notified[0] = SENDER_IDLE; // what was said before is of no use any more
    assert_int_equal(peer_write(GATT_VALUE_FILE, order, sizeof(order)), 0);
}

void sender_piece(const uint8_t *data, uint32_t at, uint32_t size)
{
    uint8_t pdu[7 + SENDER_PIECE] = {ATT_WRITE_COMMAND,
                                     (uint8_t)gatt_value_handle(GATT_VALUE_FILE_DATA)};
    put32(pdu + 3, at);
    memcpy(pdu + 7, data + at, size);
    peer_send(pdu, 7 + size);
}

bool sender_is_received(void)
{
    return sender_status() == SENDER_RECEIVING;
}

bool sender_has_ended(void)
{
    return sender_status() == SENDER_INSTALLED || sender_status() == SENDER_FAILED ||
           peer_link == HOST_RADIO_NO_LINK;
}

void sender_send_to(const uint8_t *data, uint32_t end)
{
    uint32_t at = sender_offset();
    unsigned seen = peer_notifications;
    for (unsigned turns = 0; at < end && !sender_has_ended(); turns++) {
        assert_true(turns < 20000);
        if (seen != peer_notifications && sender_offset() < at &&
            peer_notified[2] + peer_notified[3] != 0 && granted() <= at) {
            at = sender_offset();
        }
        seen = peer_notifications;
        const uint32_t left = granted() > at ? granted() - at : 0;
        uint32_t size = left < SENDER_PIECE ? left : SENDER_PIECE;
        size = size < end - at ? size : end - at;
        if (size == 0) {
            peer_wait(1);
            continue;
        }
        sender_piece(data, at, size);
        at += size;
    }
}

void sender_send(const uint8_t *data, uint32_t size, uint32_t crc, uint8_t flags)
{
    sender_order(size, crc, flags);
    assert_true(peer_until(sender_is_received, 2000));
    sender_send_to(data, size);
    assert_true(peer_until(sender_has_ended, 20000));
}
