// SPDX-License-Identifier: Apache-2.0

// The radio as its owner sees it; advertising, scanning, and how connections begin.

#include <string.h>

#include "host_control.h"
#include "radio.h"

// Vol 6 Part B 2.3: types of PDUs on the advertising channels, and the bit that says whose address
// is a random one.
#define ADV_IND     0x0
#define SCAN_RSP    0x4
#define CONNECT_IND 0x5
#define TX_RANDOM   0x40
#define RX_RANDOM   0x80
#define LL_DATA     22 // of CONNECT_IND
#define UNIT_US     1250

host_radio_event_t *radio_event(host_radio_t *radio, host_radio_kind_t kind)
{
    if (radio->event_count == RADIO_EVENTS) {
        return NULL;
    }
    host_radio_event_t *event =
        &radio->events[(radio->event_first + radio->event_count++) % RADIO_EVENTS];
    *event = (host_radio_event_t){.kind = kind, .link = HOST_RADIO_NO_LINK};
    return event;
}

host_radio_t *host_radio_open(const uint8_t address[6], bool random, void (*wake)(void *arg),
                              void *arg)
{
    host_radio_t *found = NULL;
    radio_lock();
    for (unsigned i = 0; radio_at(i) != NULL; i++) {
        host_radio_t *radio = radio_at(i);
        if (radio->on && memcmp(radio->address, address, 6) == 0) {
            found = radio;
            break;
        }
        if (!radio->on && found == NULL) {
            found = radio;
        }
    }
    if (found != NULL) {
        const int place = found->on ? found->place : 0;
        memset(found, 0, sizeof(*found));
        found->place = place;
        memcpy(found->address, address, 6);
        found->random = random;
        found->wake = wake;
        found->arg = arg;
        found->on = true;
        radio_air_join(found);
    }
    radio_unlock();
    return found;
}

void host_radio_close(host_radio_t *radio)
{
    radio_lock();
    radio->on = false;
    radio->rouse = false;
    radio_unlock();
}

void host_radio_place(host_radio_t *radio, int metres)
{
    radio_lock();
    radio->place = metres;
    radio_unlock();
}

bool host_radio_take(host_radio_t *radio, host_radio_event_t *event)
{
    radio_lock();
    const bool found = radio->event_count != 0;
    if (found) {
        *event = radio->events[radio->event_first];
        radio->event_first = (radio->event_first + 1) % RADIO_EVENTS;
        radio->event_count--;
    }
    radio_unlock();
    return found;
}

/* ---- advertising and scanning ---- */

static void send_advertisement(host_radio_t *radio, uint8_t type, const uint8_t *data, uint8_t size)
{
    uint8_t pdu[2 + 6 + HOST_RADIO_ADV];
    pdu[0] = (uint8_t)(type | (radio->random ? TX_RANDOM : 0));
    pdu[1] = (uint8_t)(6 + size);
    memcpy(pdu + 2, radio->address, 6);
    memcpy(pdu + 8, data, size);
    radio_air_send(radio, RADIO_ACCESS_ADV, pdu, 8u + size, NULL);
}

/** Scan responses come along without being asked for: there is no need to save air. */
static void advertise(host_radio_t *radio, uint64_t now)
{
    send_advertisement(radio, ADV_IND, radio->adv, radio->adv_size);
    if (radio->response_size != 0) {
        send_advertisement(radio, SCAN_RSP, radio->response, radio->response_size);
    }
    radio->advertise_us = now + RADIO_ADVERTISING_US + radio_air_random() % 10000; // advDelay
}

void host_radio_advertise(host_radio_t *radio, const uint8_t *data, size_t size,
                          const uint8_t *response, size_t response_size)
{
    radio_lock();
    radio->advertising = data != NULL && size <= HOST_RADIO_ADV && response_size <= HOST_RADIO_ADV;
    if (radio->advertising) {
        memcpy(radio->adv, data, size);
        radio->adv_size = (uint8_t)size;
        if (response_size != 0) {
            memcpy(radio->response, response, response_size);
        }
        radio->response_size = (uint8_t)response_size;
        radio->advertise_us = 0;
    }
    radio->rouse = radio->on;
    radio_unlock();
}

void host_radio_scan(host_radio_t *radio, bool on)
{
    radio_lock();
    radio->scanning = on;
    radio_unlock();
}

static void report(host_radio_t *radio, const radio_frame_t *frame, uint8_t type)
{
    host_radio_event_t *event = radio_event(radio, HOST_RADIO_FOUND);
    if (event == NULL) {
        return; // the next one comes soon
    }
    event->response = type == SCAN_RSP;
    event->random = (frame->pdu[0] & TX_RANDOM) != 0;
    event->rssi = radio_air_rssi(frame->metres);
    memcpy(event->address, frame->pdu + 2, 6);
    event->size = (uint16_t)(frame->size - 8);
    memcpy(event->data, frame->pdu + 8, event->size);
}

/* ---- how connections begin ---- */

static bool connected_to(const host_radio_t *radio, const uint8_t address[6])
{
    for (unsigned i = 0; i < HOST_RADIO_LINKS; i++) {
        if (radio->links[i].open && memcmp(radio->links[i].peer, address, 6) == 0) {
            return true;
        }
    }
    return false;
}

void host_radio_connect(host_radio_t *radio, const uint8_t address[6])
{
    radio_lock();
    radio->connecting = address != NULL;
    if (address != NULL) {
        memcpy(radio->wanted, address, 6);
    }
    radio_unlock();
}

/** The wanted one was heard. */
static void request_connection(host_radio_t *radio, const radio_frame_t *frame)
{
    uint8_t pdu[2 + 6 + 6 + LL_DATA] = {
        [1] = 6 + 6 + LL_DATA,
        [14 + 7] = 1,                                    /* WinSize */
        [14 + 10] = RADIO_INTERVAL_US / UNIT_US,         /* Interval */
        [14 + 14] = (uint8_t)(RADIO_TIMEOUT_US / 10000), /* Timeout */
        [14 + 16] = 0xff,
        0xff,
        0xff,
        0xff,
        0x1f,          /* ChM: all channels */
        [14 + 21] = 5, /* Hop */
    };
    const bool random = (frame->pdu[0] & TX_RANDOM) != 0;
    const uint32_t access = radio_air_random();
    if (access == RADIO_ACCESS_ADV) {
        return; // at the next advertisement
    }
    pdu[0] = (uint8_t)(CONNECT_IND | (radio->random ? TX_RANDOM : 0) | (random ? RX_RANDOM : 0));
    memcpy(pdu + 2, radio->address, 6);
    memcpy(pdu + 8, frame->pdu + 2, 6);
    for (unsigned i = 0; i < 4; i++) {
        pdu[14 + i] = (uint8_t)(access >> (8 * i));
    }
    if (radio_link_begin(radio, frame->pdu + 2, random, access, true) != NULL) {
        radio->connecting = false;
        radio_air_send(radio, RADIO_ACCESS_ADV, pdu, sizeof(pdu), frame->pdu + 2);
    }
}

static void hear_request(host_radio_t *radio, const radio_frame_t *frame)
{
    const uint8_t *pdu = frame->pdu;
    if (frame->size != 14 + LL_DATA || !radio->advertising ||
        memcmp(pdu + 8, radio->address, 6) != 0 || connected_to(radio, pdu + 2)) {
        return;
    }
    const uint32_t access = (uint32_t)pdu[14] | (uint32_t)pdu[15] << 8 | (uint32_t)pdu[16] << 16 |
                            (uint32_t)pdu[17] << 24;
    if (access != RADIO_ACCESS_ADV &&
        radio_link_begin(radio, pdu + 2, (pdu[0] & TX_RANDOM) != 0, access, false) != NULL) {
        radio->advertising = false;
    }
}

static void hear_advertising(host_radio_t *radio, const radio_frame_t *frame)
{
    const uint8_t type = frame->pdu[0] & 0xf;
    if (frame->size < 8 || frame->pdu[1] != frame->size - 2) {
        return;
    }
    if (type == CONNECT_IND) {
        hear_request(radio, frame);
        return;
    }
    if ((type != ADV_IND && type != SCAN_RSP) || frame->size > 8 + HOST_RADIO_ADV) {
        return;
    }
    if (radio->scanning) {
        report(radio, frame, type);
    }
    if (type == ADV_IND && radio->connecting && memcmp(frame->pdu + 2, radio->wanted, 6) == 0 &&
        !connected_to(radio, radio->wanted)) {
        request_connection(radio, frame);
    }
}

/* ---- all of it ---- */

uint64_t host_radio_run(host_radio_t *radio)
{
    uint64_t due = RADIO_NEVER;
    radio_lock();
    while (radio->on && radio->inbox_count != 0) {
        const radio_frame_t *frame = &radio->inbox[radio->inbox_first];
        if (frame->access == RADIO_ACCESS_ADV) {
            hear_advertising(radio, frame);
        } else {
            radio_link_hear(radio, frame);
        }
        radio->inbox_first = (radio->inbox_first + 1) % RADIO_INBOX;
        radio->inbox_count--;
    }
    const uint64_t now = host_now_us();
    if (radio->on && radio->advertising) {
        if (radio->advertise_us <= now) {
            advertise(radio, now);
        }
        due = radio->advertise_us;
    }
    for (unsigned i = 0; radio->on && i < HOST_RADIO_LINKS; i++) {
        const uint64_t at = radio_link_run(radio, &radio->links[i], now);
        due = at < due ? at : due;
    }
    radio_unlock();
    return due;
}

static bool s_computers; // set before the boot, then read alone

void host_radio_use_computers(void)
{
    s_computers = true;
}

bool host_radio_is_computers(void)
{
    return s_computers;
}
