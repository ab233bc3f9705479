// SPDX-License-Identifier: Apache-2.0

// A connection: PDUs in turn, each acknowledged by the next one (Vol 6 Part B 4.5).

#include <string.h>

#include "esp_rom_crc.h"
#include "host_control.h"
#include "radio.h"

// Vol 6 Part B 2.4: LLID and flags of a data channel PDU's header.
#define LLID_MORE    1 // also an empty one
#define LLID_BEGIN   2
#define LLID_CONTROL 3
#define LLID         3
#define NESN         (1 << 2)
#define SN           (1 << 3)
#define MD           (1 << 4)

#define EXCHANGES    16 // at most, in one connection event
#define ESTABLISH_US (6 * RADIO_INTERVAL_US)

radio_link_t *radio_link_begin(host_radio_t *radio, const uint8_t peer[6], bool random,
                               uint32_t access, bool central)
{
    const uint64_t now = host_now_us();
    for (unsigned i = 0; i < HOST_RADIO_LINKS; i++) {
        radio_link_t *link = &radio->links[i];
        if (!link->open) {
            memset(link, 0, sizeof(*link));
            link->open = true;
            link->central = central;
            memcpy(link->peer, peer, 6);
            link->peer_random = random;
            link->access = access;
            link->heard_us = now;
            link->opened_us = now;
            link->anchor_us = now + 1; // after the request to connect
            return link;
        }
    }
    return NULL;
}

static host_radio_event_t *tell(host_radio_t *radio, const radio_link_t *link,
                                host_radio_kind_t kind)
{
    host_radio_event_t *event = radio_event(radio, kind);
    if (event != NULL) {
        event->link = (uint8_t)(link - radio->links);
        event->central = link->central;
        event->random = link->peer_random;
        memcpy(event->address, link->peer, 6);
    }
    return event;
}

/** @return false: nobody can be told yet */
static bool end(host_radio_t *radio, radio_link_t *link, uint8_t reason)
{
    host_radio_event_t *event = tell(radio, link, HOST_RADIO_DISCONNECTED);
    if (event != NULL) {
        event->reason = reason;
        link->open = false;
    }
    return event != NULL;
}

bool radio_link_control(radio_link_t *link, uint8_t opcode, const uint8_t *data, uint8_t size)
{
    if (link->controls == sizeof(link->control) / sizeof(link->control[0]) ||
        size > RADIO_CONTROL - 2) {
        return false;
    }
    uint8_t *at = link->control[link->controls++];
    at[0] = (uint8_t)(size + 1);
    at[1] = opcode;
    if (size != 0) {
        memcpy(at + 2, data, size);
    }
    return true;
}

/* ---- sending ---- */

static bool has_more(const radio_link_t *link)
{
    return link->controls != 0 || link->send_count != 0;
}

/** Choose what goes next, an empty PDU if there is nothing. */
static void load(radio_link_t *link)
{
    link->flight_llid = LLID_MORE;
    link->flight_size = 0;
    if (link->controls != 0) {
        link->flight_llid = LLID_CONTROL;
        link->flight_size = link->control[0][0];
        memcpy(link->flight, link->control[0] + 1, link->flight_size);
        memmove(link->control[0], link->control[1], RADIO_CONTROL);
        link->controls--;
    } else if (link->send_count != 0) {
        const uint16_t left = (uint16_t)(link->sends[link->send_first].size - link->sent);
        link->flight_llid = link->sent == 0 ? LLID_BEGIN : LLID_MORE;
        link->flight_size = left > RADIO_FRAGMENT ? RADIO_FRAGMENT : left;
        memcpy(link->flight, link->sends[link->send_first].pdu + link->sent, link->flight_size);
    }
    link->in_flight = true;
}

static void transmit(host_radio_t *radio, radio_link_t *link)
{
    uint8_t pdu[2 + RADIO_FRAGMENT];
    if (!link->in_flight) {
        load(link);
    }
    pdu[0] = (uint8_t)(link->flight_llid | (link->nesn ? NESN : 0) | (link->sn ? SN : 0) |
                       (has_more(link) ? MD : 0));
    pdu[1] = (uint8_t)link->flight_size;
    memcpy(pdu + 2, link->flight, link->flight_size);
    radio_air_send(radio, link->access, pdu, 2u + link->flight_size, link->peer);
}

/** The peer has what was in flight. */
static void acknowledged(host_radio_t *radio, radio_link_t *link)
{
    link->sn = !link->sn;
    link->in_flight = false;
    if (link->flight_llid == LLID_CONTROL) {
        if (link->flight[0] == RADIO_LL_TERMINATE_IND) {
            link->told_end = true;
        }
        return;
    }
    if (link->flight_size == 0) {
        return;
    }
    link->sent = (uint16_t)(link->sent + link->flight_size);
    if (link->sent == link->sends[link->send_first].size) {
        link->sent = 0;
        link->send_first = (link->send_first + 1) % RADIO_SENDS;
        link->send_count--;
        if (link->refused && tell(radio, link, HOST_RADIO_ROOM) != NULL) {
            link->refused = false;
        }
    }
}

/* ---- receiving ---- */

static uint32_t check_of(const uint8_t key[16])
{
    return esp_rom_crc32_le(0, key, 16);
}

/** @return false: no room to tell it, the peer must say it again */
static bool hear_control(host_radio_t *radio, radio_link_t *link, const uint8_t *data, size_t size)
{
    uint8_t check[4];
    switch (data[0]) {
    case RADIO_LL_TERMINATE_IND:
        return size != 2 || end(radio, link, data[1]);
    case RADIO_LL_ENC_REQ:
        if (link->central || link->asked) {
            return true;
        }
        link->asked = tell(radio, link, HOST_RADIO_ENCRYPT_WANTED) != NULL;
        return link->asked;
    case RADIO_LL_START_ENC_REQ: // with a check of the peripheral's key, which the air has not
        for (unsigned i = 0; i < 4; i++) {
            check[i] = (uint8_t)(check_of(link->key) >> (8 * i));
        }
        if (!link->central || !link->asked || size != 5) {
            return true;
        }
        if (memcmp(check, data + 1, 4) != 0) {
            return end(radio, link, HOST_RADIO_MIC);
        }
        link->asked = false;
        return tell(radio, link, HOST_RADIO_ENCRYPTED) != NULL &&
               radio_link_control(link, RADIO_LL_START_ENC_RSP, NULL, 0);
    case RADIO_LL_START_ENC_RSP:
        if (link->central || !link->asked) {
            return true;
        }
        link->asked = false;
        return tell(radio, link, HOST_RADIO_ENCRYPTED) != NULL;
    case RADIO_LL_REJECT_IND:
        return !link->asked || end(radio, link, size > 1 ? data[1] : HOST_RADIO_KEY_MISSING);
    case RADIO_LL_UNKNOWN_RSP:
        return true;
    default:
        return radio_link_control(link, RADIO_LL_UNKNOWN_RSP, data, 1);
    }
}

static bool hear_data(host_radio_t *radio, radio_link_t *link, bool begins, const uint8_t *data,
                      size_t size)
{
    if (begins) {
        link->in_size = 0;
    }
    if (link->in_size + size > sizeof(link->in)) {
        return true; // longer than anything we take: the rest of it is nonsense
    }
    memcpy(link->in + link->in_size, data, size);
    const uint16_t have = (uint16_t)(link->in_size + size);
    const uint16_t whole =
        have >= 4 ? (uint16_t)(4 + (link->in[0] | link->in[1] << 8)) : UINT16_MAX;
    if (have < whole) {
        link->in_size = have;
        return true;
    }
    host_radio_event_t *event = tell(radio, link, HOST_RADIO_DATA);
    if (event == NULL) {
        return false; // in_size is as before: the same fragment comes again
    }
    event->size = have;
    memcpy(event->data, link->in, have);
    link->in_size = 0;
    return true;
}

static bool hear_new(host_radio_t *radio, radio_link_t *link, const radio_frame_t *frame)
{
    const uint8_t *data = frame->pdu + 2;
    const size_t size = frame->pdu[1];
    if (size == 0) {
        return true;
    }
    return (frame->pdu[0] & LLID) == LLID_CONTROL
               ? hear_control(radio, link, data, size)
               : hear_data(radio, link, (frame->pdu[0] & LLID) == LLID_BEGIN, data, size);
}

static void hear_pdu(host_radio_t *radio, radio_link_t *link, const radio_frame_t *frame)
{
    const uint8_t head = frame->pdu[0];
    if (!link->established) {
        if (tell(radio, link, HOST_RADIO_CONNECTED) == NULL) {
            return;
        }
        link->established = true;
    }
    link->heard_us = host_now_us();
    if (link->in_flight && ((head & NESN) != 0) != link->sn) {
        acknowledged(radio, link);
    }
    if (((head & SN) != 0) == link->nesn && hear_new(radio, link, frame)) {
        link->nesn = !link->nesn;
    }
    if (!link->open) { // the peer ended it: one more PDU, so that it knows
        transmit(radio, link);
        return;
    }
    if (link->told_end) {
        (void)end(radio, link, HOST_RADIO_BY_US);
    } else if (!link->central) {
        transmit(radio, link);
    } else if (link->exchanges < EXCHANGES && ((head & MD) != 0 || has_more(link))) {
        link->exchanges++;
        transmit(radio, link);
    }
}

void radio_link_hear(host_radio_t *radio, const radio_frame_t *frame)
{
    for (unsigned i = 0; i < HOST_RADIO_LINKS; i++) {
        radio_link_t *link = &radio->links[i];
        if (link->open && link->access == frame->access) {
            if (frame->size >= 2 && frame->pdu[1] == frame->size - 2 &&
                frame->pdu[1] <= RADIO_FRAGMENT) {
                hear_pdu(radio, link, frame);
            }
            return;
        }
    }
}

/* ---- time ---- */

uint64_t radio_link_run(host_radio_t *radio, radio_link_t *link, uint64_t now)
{
    if (!link->open) {
        return RADIO_NEVER;
    }
    const uint64_t limit = link->established ? RADIO_TIMEOUT_US : ESTABLISH_US;
    if (now >= link->heard_us + limit || (link->told_end && link->ending != 0)) {
        const uint8_t reason = link->ending != 0   ? HOST_RADIO_BY_US
                               : link->established ? HOST_RADIO_TIMEOUT
                                                   : HOST_RADIO_NOT_ESTABLISHED;
        return end(radio, link, reason) ? RADIO_NEVER : now + RADIO_INTERVAL_US;
    }
    if (!link->central) {
        return link->heard_us + limit;
    }
    if (now >= link->anchor_us) {
        link->exchanges = 0;
        link->anchor_us += RADIO_INTERVAL_US;
        if (link->anchor_us <= now) {
            link->anchor_us = now + RADIO_INTERVAL_US; // late: events that were missed are gone
        }
        transmit(radio, link);
    }
    return link->anchor_us;
}

/* ---- for the owner ---- */

static radio_link_t *find(host_radio_t *radio, uint8_t link)
{
    return link < HOST_RADIO_LINKS && radio->links[link].open && radio->links[link].established
               ? &radio->links[link]
               : NULL;
}

bool host_radio_disconnect(host_radio_t *radio, uint8_t number, uint8_t reason)
{
    radio_lock();
    radio_link_t *link = find(radio, number);
    bool known = link != NULL;
    if (known && link->ending == 0) {
        known = radio_link_control(link, RADIO_LL_TERMINATE_IND, &reason, 1);
        link->ending = known ? reason : 0;
    }
    radio_unlock();
    return known;
}

bool host_radio_send(host_radio_t *radio, uint8_t number, const void *pdu, size_t size)
{
    radio_lock();
    radio_link_t *link = find(radio, number);
    const bool room = link != NULL && link->ending == 0 && link->send_count < RADIO_SENDS &&
                      size >= 4 && size <= HOST_RADIO_L2CAP;
    if (room) {
        const unsigned last = (link->send_first + link->send_count++) % RADIO_SENDS;
        link->sends[last].size = (uint16_t)size;
        memcpy(link->sends[last].pdu, pdu, size);
    } else if (link != NULL) {
        link->refused = true;
    }
    radio_unlock();
    return room;
}

bool host_radio_encrypt(host_radio_t *radio, uint8_t number, const uint8_t key[16])
{
    static const uint8_t s_numbers[RADIO_CONTROL - 2]; // Rand, EDIV, SKD and IV: all zero here
    const uint8_t missing = HOST_RADIO_KEY_MISSING;
    uint8_t check[4];
    bool done = false;
    radio_lock();
    radio_link_t *link = find(radio, number);
    if (link != NULL && link->central && key != NULL && !link->asked) {
        memcpy(link->key, key, 16);
        done = link->asked = radio_link_control(link, RADIO_LL_ENC_REQ, s_numbers, 22);
    } else if (link != NULL && !link->central && link->asked) {
        for (unsigned i = 0; key != NULL && i < 4; i++) {
            check[i] = (uint8_t)(check_of(key) >> (8 * i));
        }
        done = key != NULL ? radio_link_control(link, RADIO_LL_START_ENC_REQ, check, 4)
                           : radio_link_control(link, RADIO_LL_REJECT_IND, &missing, 1);
        link->asked = key != NULL;
    }
    radio_unlock();
    return done;
}
