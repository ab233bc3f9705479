/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The host stack of the PC: L2CAP's fixed channels over the virtual board's radio, ATT and SMP on
 * them. One task; the seams call in under its lock.
 */

#include "att.h"
#include "bluetooth_radio.h"
#include "host_radio.h"
#include "smp.h"

#define BLUETOOTH_HOST_NEVER          UINT64_MAX
#define BLUETOOTH_HOST_TRANSACTION_US 30000000 /* of ATT (Vol 3 Part F 3.3.3), SMP (Part H 3.4) */

/* What waits for room on a link: at most one PDU of each kind, as the protocols have it. */
enum {
    BLUETOOTH_OUT_SERVER,
    BLUETOOTH_OUT_CLIENT,
    BLUETOOTH_OUT_SMP,
    BLUETOOTH_OUTS,
};

typedef struct {
    bool open;
    bool central;
    bool subscriber_waits; /* a notification found no room */
    bool has_key;
    bool bonded;     /* the key serves again */
    bool fresh;      /* it is to be kept */
    bool encrypting; /* as central: it has begun */
    bool doubted;    /* the peer had no use for our key: not that one again on this link */
    bool closing;    /* it ends at smp_until */
    uint8_t key[16];
    bluetooth_address_t address;
    att_server_t server;
    att_client_t client;
    smp_t smp;
    uint64_t client_until; /* host_now_us(); an answer that takes longer ends the link */
    uint64_t smp_until;
    struct {
        uint16_t size;
        uint8_t pdu[ATT_MTU];
    } outs[BLUETOOTH_OUTS];
} bluetooth_host_link_t;

/** Everything below with the lock held. */
void bluetooth_host_lock(void);
void bluetooth_host_unlock(void);
/** NULL: there is no radio. */
host_radio_t *bluetooth_host_radio(void);
/** NULL: there is no such link. */
bluetooth_host_link_t *bluetooth_host_link(uint8_t link);
/** Send, or keep until there is room. */
void bluetooth_host_send(uint8_t link, unsigned kind, const uint8_t *pdu, size_t size);
/** A request of ours is on its way. */
void bluetooth_host_expect(uint8_t link);
/** Send a notification. @return false: no room, it is told when there is */
bool bluetooth_host_notify(uint8_t link, const uint8_t *pdu, size_t size);
/** Tell the service; what it has no room for is counted. */
void bluetooth_host_tell(bluetooth_radio_event_t event, const void *data, size_t size);
/** Our address. */
const bluetooth_address_t *bluetooth_host_own(void);

/** Switch on. @return ESP_OK; ESP_ERR_NO_MEM */
esp_err_t bluetooth_host_open(bluetooth_address_t *own);
void bluetooth_host_close(void);
