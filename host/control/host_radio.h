// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * The virtual board's Bluetooth radio: the link layer (Core Specification, Vol 6 Part B), LE
 * uncoded, legacy advertising, and an air that has distance and loss. Test peers are further radios
 * of the same process; other programs join through a folder of Unix sockets.
 *
 * A radio has no clock of its own: whoever owns it calls host_radio_run() when it asks for that, or
 * is woken. One task owns one radio.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HOST_RADIO_LINKS   4   /* connections at once */
#define HOST_RADIO_ADV     31  /* bytes of advertising data */
#define HOST_RADIO_L2CAP   525 /* longest L2CAP PDU, its header included */
#define HOST_RADIO_NO_LINK 0xff

/* Why a connection ended: Vol 1 Part F. */
#define HOST_RADIO_NOT_AUTHENTIC   0x05
#define HOST_RADIO_KEY_MISSING     0x06
#define HOST_RADIO_TIMEOUT         0x08 /* nothing was heard for the supervision timeout */
#define HOST_RADIO_BY_PEER         0x13 /* its user */
#define HOST_RADIO_BY_US           0x16
#define HOST_RADIO_MIC             0x3d /* keys that differ */
#define HOST_RADIO_NOT_ESTABLISHED 0x3e /* no answer to the request to connect */

typedef struct host_radio host_radio_t;

typedef enum {
    HOST_RADIO_FOUND, /* advertising data: address, random, rssi, response, data */
    HOST_RADIO_CONNECTED,
    HOST_RADIO_DISCONNECTED,   /* reason */
    HOST_RADIO_DATA,           /* an L2CAP PDU: data */
    HOST_RADIO_ROOM,           /* host_radio_send() would work again */
    HOST_RADIO_ENCRYPT_WANTED, /* the central has a key: give ours, host_radio_encrypt() */
    HOST_RADIO_ENCRYPTED,
} host_radio_kind_t;

typedef struct {
    host_radio_kind_t kind;
    uint8_t link;
    uint8_t reason;
    int8_t rssi;
    bool central;
    bool response; /* to a scan */
    bool random;
    uint8_t address[6]; /* of the peer, least significant byte first */
    uint16_t size;
    uint8_t data[HOST_RADIO_L2CAP];
} host_radio_event_t;

/* The air of this process. */
typedef struct {
    uint32_t loss_ppm; /* of every PDU */
    uint32_t range_m;  /* nothing is heard beyond; 0 = 30 */
} host_air_t;

/** @brief Meet others in a folder. With the threads scheduler alone. @context plain program code
 * before host_boot() @return false: errno says why, or it is no folder */
bool host_radio_share(const char *folder);

/** @brief Use the computer's own radio, by BlueZ; no virtual one is opened then. With the threads
 * scheduler alone. @context plain program code before host_boot() */
void host_radio_use_computers(void);

/** @context any */
bool host_radio_is_computers(void);

/** @context any task */
void host_radio_set_air(const host_air_t *air);

/**
 * @brief Switch a radio on; one that has this address already begins anew, and its connections are
 *        gone without a word.
 * @param wake called as an interrupt of core 0 when something was heard
 * @context any task  @return NULL: there are too many
 */
host_radio_t *host_radio_open(const uint8_t address[6], bool random, void (*wake)(void *arg),
                              void *arg);

/** @brief Switch it off: it hears and sends nothing. @context any task */
void host_radio_close(host_radio_t *radio);

/** @brief Where it is, on a line. @context any task */
void host_radio_place(host_radio_t *radio, int metres);

/** @brief Do what is due. @context the owner @return when to call it again (host_now_us()) */
uint64_t host_radio_run(host_radio_t *radio);

/** @brief Take the oldest event. @context the owner @return false: there is none */
bool host_radio_take(host_radio_t *radio, host_radio_event_t *event);

/** @brief Be seen (data != NULL) or not. Both at most HOST_RADIO_ADV bytes; a connection ends it.
 * @context any task */
void host_radio_advertise(host_radio_t *radio, const uint8_t *data, size_t size,
                          const uint8_t *response, size_t response_size);

/** @context any task */
void host_radio_scan(host_radio_t *radio, bool on);

/** @brief Connect to that address as soon as it is heard; NULL = to nobody. @context any task */
void host_radio_connect(host_radio_t *radio, const uint8_t address[6]);

/** @context any task @return false: there is no such connection */
bool host_radio_disconnect(host_radio_t *radio, uint8_t link, uint8_t reason);

/** @brief Send an L2CAP PDU. It arrives whole and in order, or the connection ends.
 * @context any task @return false: no room, HOST_RADIO_ROOM follows; or no such connection */
bool host_radio_send(host_radio_t *radio, uint8_t link, const void *pdu, size_t size);

/** @brief The central's key starts encryption, the peripheral's answers it; NULL refuses. What is
 * sent is not really encrypted, but keys that differ end the connection as on the air.
 * @context any task @return false: no such connection, or nothing to answer */
bool host_radio_encrypt(host_radio_t *radio, uint8_t link, const uint8_t key[16]);

#ifdef __cplusplus
}
#endif
