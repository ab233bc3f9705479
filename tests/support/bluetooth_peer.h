// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * A device that talks to the Bluetooth service over the virtual air: a radio of its own, driven by
 * the test's task, with ATT and SMP PDUs as bytes. And the service it talks to.
 */

#include "att.h"
#include "bluetooth_service/bluetooth_events.h"
#include "host_radio.h"
#include "smp.h"
#include "system_service/system_service.h"

extern host_radio_t *peer_radio;
extern uint8_t peer_link;       /* to the service; HOST_RADIO_NO_LINK = none */
extern uint8_t peer_reason;     /* why the last one ended */
extern unsigned peer_seen;      /* advertisements */
extern uint8_t peer_address[6]; /* of the service, once seen */
extern char peer_name[BLUETOOTH_NAME];
extern bool peer_kraken;
extern bool peer_encrypted;
extern unsigned peer_notifications;
extern uint8_t peer_notified[ATT_MTU]; /* the last one's value */
extern size_t peer_notified_size;
extern uint16_t peer_notified_handle;

/** The core, the service in it, an observer of its events, and a peer on the air. */
system_secure_key_t peer_begin(void);
void peer_end(system_secure_key_t key);
/** The same in a core that is up already. */
void peer_attach(void);
system_service_id_t peer_service(void);

/** Let so much time pass. */
void peer_wait(uint32_t ms);
/** Let time pass until *flag, at most ms. @return false: it did not come */
bool peer_until(bool (*done)(void), uint32_t ms);
/** Listen for the service and connect to it; fails the test if it cannot. */
void peer_connect(void);
void peer_disconnect(void);

/** Send an ATT PDU. */
void peer_send(const void *pdu, size_t size);
/** Send a request and wait for its answer. @return its size */
size_t peer_ask(const void *pdu, size_t size, uint8_t answer[ATT_MTU]);
/** Write a value of the service, or subscribe to it. @return 0, or the error of ATT */
uint8_t peer_write(uint8_t value, const void *data, size_t size);
uint8_t peer_subscribe(uint8_t value, bool on);
/** Pair; wrong_by is added to the passkey that the service tells. @return 0, or why it failed */
uint8_t peer_pair(uint32_t wrong_by);
/** Encrypt with the key of the last pairing, or with a wrong one. @return false: the link ended */
bool peer_encrypt_again(bool wrong);
/** Be connected to by the service, which is the central then; fails the test if it does not. */
void peer_be_connected(void);
/** Ask the central for encryption. */
void peer_ask_security(void);
/** The service pairs with us, the passkey is the right one. @return it worked */
bool peer_be_paired(void);
extern bool peer_refuses; /* to encrypt: it knows no key */
extern uint8_t peer_key_wrong_by;

/** Send an L2CAP PDU as it is. */
bool peer_send_raw(const void *frame, size_t size);

/** Ask the service. */
esp_err_t peer_do(bluetooth_do_kind_t what, uint32_t value);
esp_err_t peer_wish(bluetooth_do_t wish);
bluetooth_info_t peer_info(void);

/* What the service told. */
extern status_bluetooth_t peer_state;
extern unsigned peer_told[BLUETOOTH_TOLD_KINDS];
extern bluetooth_told_t peer_last[BLUETOOTH_TOLD_KINDS];
extern unsigned peer_controls;
extern bluetooth_control_t peer_control;
