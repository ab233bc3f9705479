// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the files of the radio share. All of it with the radio lock held, unless said otherwise.

#include "host_radio.h"

#define RADIO_MAX            8
#define RADIO_PDU            (2 + 255) // header, payload (Vol 6 Part B 2.3, 2.4)
#define RADIO_FRAGMENT       251
#define RADIO_ACCESS_ADV     0x8e89bed6u // Vol 6 Part B 2.1.2
#define RADIO_INBOX          64
#define RADIO_EVENTS         32
#define RADIO_SENDS          4
#define RADIO_CONTROL        24 // an LL control PDU's opcode and parameters
#define RADIO_INTERVAL_US    15000
#define RADIO_TIMEOUT_US     2000000 // supervision
#define RADIO_ADVERTISING_US 100000
#define RADIO_NEVER          UINT64_MAX

// What goes through the air: where the sender is, then what it sends, as the specification has it.
typedef struct {
    uint8_t place[2];
    uint8_t access[4];
    uint8_t pdu[RADIO_PDU];
} radio_bytes_t;

typedef struct {
    int metres; // to the sender
    uint32_t access;
    uint16_t size;
    uint8_t pdu[RADIO_PDU];
} radio_frame_t;

typedef struct {
    bool open;
    bool central;
    bool established; // heard from the peer
    uint8_t peer[6];
    bool peer_random;
    uint32_t access;
    uint64_t heard_us;
    uint64_t opened_us;
    uint64_t anchor_us; // the central's next connection event
    unsigned exchanges; // in this one

    bool sn; // Vol 6 Part B 4.5.9
    bool nesn;
    bool in_flight; // last PDU is not acknowledged
    uint8_t flight_llid;
    uint16_t flight_size;
    uint8_t flight[RADIO_FRAGMENT];

    uint8_t control[2][RADIO_CONTROL]; // size first
    unsigned controls;
    struct {
        uint16_t size;
        uint8_t pdu[HOST_RADIO_L2CAP];
    } sends[RADIO_SENDS];
    unsigned send_first;
    unsigned send_count;
    uint16_t sent; // bytes of the first one
    bool refused;  // somebody waits for room

    uint8_t in[HOST_RADIO_L2CAP];
    uint16_t in_size;

    uint8_t ending; // our reason to the peer; 0 = none
    bool told_end;  // it is on its way
    bool asked;     // to encrypt
    uint8_t key[16];
} radio_link_t;

struct host_radio {
    bool on;
    bool random;
    uint8_t address[6];
    int place;
    void (*wake)(void *arg);
    void *arg;
    bool rouse; // to be woken once the lock is given back

    bool advertising;
    uint64_t advertise_us; // next
    uint8_t adv[HOST_RADIO_ADV];
    uint8_t adv_size;
    uint8_t response[HOST_RADIO_ADV];
    uint8_t response_size;
    bool scanning;
    bool connecting;
    uint8_t wanted[6];
    radio_link_t links[HOST_RADIO_LINKS];

    radio_frame_t inbox[RADIO_INBOX];
    unsigned inbox_first;
    unsigned inbox_count;
    host_radio_event_t events[RADIO_EVENTS];
    unsigned event_first;
    unsigned event_count;
};

/* ---- radio_air.c ---- */

void radio_lock(void);
/** Gives the lock back, then wakes whoever heard something. */
void radio_unlock(void);
host_radio_t *radio_at(unsigned index);
/** Send to whoever hears it. to = NULL: everybody; else other programs send it to that one only. */
void radio_air_send(host_radio_t *from, uint32_t access, const uint8_t *pdu, size_t size,
                    const uint8_t *to);
/** Meet the others of the folder, if there is one. */
void radio_air_join(const host_radio_t *radio);
uint32_t radio_air_random(void);
int8_t radio_air_rssi(int metres);

/* ---- host_radio.c ---- */

/** NULL: no room. */
host_radio_event_t *radio_event(host_radio_t *radio, host_radio_kind_t kind);

/* ---- radio_link.c ---- */

radio_link_t *radio_link_begin(host_radio_t *radio, const uint8_t peer[6], bool random,
                               uint32_t access, bool central);
void radio_link_hear(host_radio_t *radio, const radio_frame_t *frame);
/** Do what is due. @return when there is more */
uint64_t radio_link_run(host_radio_t *radio, radio_link_t *link, uint64_t now);
bool radio_link_control(radio_link_t *link, uint8_t opcode, const uint8_t *data, uint8_t size);

#define RADIO_LL_TERMINATE_IND 0x02 // Vol 6 Part B 2.4.2
#define RADIO_LL_ENC_REQ       0x03
#define RADIO_LL_START_ENC_REQ 0x05
#define RADIO_LL_START_ENC_RSP 0x06
#define RADIO_LL_UNKNOWN_RSP   0x07
#define RADIO_LL_REJECT_IND    0x0d
