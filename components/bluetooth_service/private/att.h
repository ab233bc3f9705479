/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief The Attribute Protocol (Core Specification, Vol 3 Part F), both sides, one connection
 *        each. No state but what is passed, no heap; every byte of a PDU is hostile.
 *
 * For radios that bring no host stack along. @context one task per object  @blocks never
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bluetooth_table.h"

#define ATT_MTU_MIN 23
/* A PDU of the longest kind just fits into one PDU of the link layer: 251 - 4 of L2CAP. */
#define ATT_MTU 247

/** Opcodes (3.4.8). */
enum {
    ATT_ERROR = 0x01,
    ATT_MTU_REQUEST = 0x02,
    ATT_MTU_RESPONSE = 0x03,
    ATT_FIND_INFORMATION = 0x04,
    ATT_FIND_INFORMATION_RESPONSE = 0x05,
    ATT_FIND_BY_TYPE_VALUE = 0x06,
    ATT_FIND_BY_TYPE_VALUE_RESPONSE = 0x07,
    ATT_READ_BY_TYPE = 0x08,
    ATT_READ_BY_TYPE_RESPONSE = 0x09,
    ATT_READ = 0x0a,
    ATT_READ_RESPONSE = 0x0b,
    ATT_READ_BLOB = 0x0c,
    ATT_READ_BLOB_RESPONSE = 0x0d,
    ATT_READ_BY_GROUP = 0x10,
    ATT_READ_BY_GROUP_RESPONSE = 0x11,
    ATT_WRITE = 0x12,
    ATT_WRITE_RESPONSE = 0x13,
    ATT_NOTIFICATION = 0x1b,
    ATT_INDICATION = 0x1d,
    ATT_CONFIRMATION = 0x1e,
    ATT_WRITE_COMMAND = 0x52,
};
#define ATT_IS_COMMAND 0x40 /* such a PDU is never answered */

/** Errors (3.4.1.1). */
enum {
    ATT_ERROR_INVALID_HANDLE = 0x01,
    ATT_ERROR_READ_NOT_PERMITTED = 0x02,
    ATT_ERROR_WRITE_NOT_PERMITTED = 0x03,
    ATT_ERROR_INVALID_PDU = 0x04,
    ATT_ERROR_AUTHENTICATION = 0x05,
    ATT_ERROR_NOT_SUPPORTED = 0x06,
    ATT_ERROR_INVALID_OFFSET = 0x07,
    ATT_ERROR_NOT_FOUND = 0x0a,
    ATT_ERROR_NOT_LONG = 0x0b,
    ATT_ERROR_LENGTH = 0x0d,
    ATT_ERROR_UNLIKELY = 0x0e,
    ATT_ERROR_GROUP_TYPE = 0x10,
    ATT_ERROR_RESOURCES = 0x11,
    ATT_ERROR_VALUE = 0x13,
};

/* ---- att_server.c ------------------------------------------------------------------------------
 */

/** What the server asks for. */
typedef struct {
    /** Copy a value. @return its size, at most room */
    size_t (*read)(uint8_t value, uint8_t *out, size_t room);
    /** Take what a peer wrote. @return 0, or an error of ATT */
    uint8_t (*write)(void *arg, uint8_t value, const uint8_t *data, size_t size);
    /** It wants to be notified, or no more. */
    void (*subscribed)(void *arg, uint8_t value, bool on);
} att_server_ops_t;

typedef struct {
    const att_server_ops_t *ops;
    void *arg;
    uint16_t mtu;
    uint16_t wanted; /* bit n: notifications of value n */
    bool secured;    /* the link is encrypted with a passkey */
} att_server_t;

void att_server_begin(att_server_t *server, const att_server_ops_t *ops, void *arg);
/** Hear a PDU of a client. @return size of the answer; 0: there is none */
size_t att_server_hear(att_server_t *server, const uint8_t *pdu, size_t size,
                       uint8_t answer[ATT_MTU]);
/** A notification's PDU. @return its size; 0: it is not wanted. What is too long is cut. */
size_t att_server_notify(const att_server_t *server, uint8_t value, const uint8_t *data,
                         size_t size, uint8_t pdu[ATT_MTU]);

/* ---- att_client.c ------------------------------------------------------------------------------
 */

/** What a client is doing; one thing at a time (3.3.2). */
typedef enum {
    ATT_CLIENT_IDLE = 0,
    ATT_CLIENT_MTU,
    ATT_CLIENT_DISCOVER,
    ATT_CLIENT_READ,
    ATT_CLIENT_WRITE,
    ATT_CLIENT_FIND_CONFIG,
    ATT_CLIENT_WRITE_CONFIG,
} att_client_state_t;

typedef enum {
    ATT_REPORT_MTU,            /* number */
    ATT_REPORT_CHARACTERISTIC, /* handle of its value, number = properties, data = UUID */
    ATT_REPORT_DISCOVERED,     /* error */
    ATT_REPORT_READ,           /* error, handle, data */
    ATT_REPORT_WRITTEN,        /* error, handle */
    ATT_REPORT_NOTIFIED,       /* handle, data */
} att_report_kind_t;

typedef struct {
    att_report_kind_t kind;
    uint8_t error;
    uint16_t handle;
    uint16_t number;
    const uint8_t *data;
    size_t size;
} att_report_t;

typedef struct {
    void (*report)(void *arg, const att_report_t *report);
    void *arg;
    uint16_t mtu;
    uint8_t state; /* att_client_state_t */
    uint16_t handle;
    uint16_t next;  /* where a search goes on */
    uint16_t value; /* to write */
} att_client_t;

void att_client_begin(att_client_t *client, void (*report)(void *arg, const att_report_t *report),
                      void *arg);
/* Each gives the PDU to send and its size; 0: something is under way, or data is too long. */
size_t att_client_mtu(att_client_t *client, uint8_t pdu[ATT_MTU]);
size_t att_client_discover(att_client_t *client, uint8_t pdu[ATT_MTU]);
size_t att_client_read(att_client_t *client, uint16_t handle, uint8_t pdu[ATT_MTU]);
size_t att_client_write(att_client_t *client, uint16_t handle, const uint8_t *data, size_t size,
                        uint8_t pdu[ATT_MTU]);
/** A write that is not answered; any number of them. */
size_t att_client_command(const att_client_t *client, uint16_t handle, const uint8_t *data,
                          size_t size, uint8_t pdu[ATT_MTU]);
/** Want notifications of a value, or no more. */
size_t att_client_subscribe(att_client_t *client, uint16_t handle, bool on, uint8_t pdu[ATT_MTU]);
/** Hear a PDU of a server. @return size of the PDU to send next; 0: none */
size_t att_client_hear(att_client_t *client, const uint8_t *pdu, size_t size,
                       uint8_t next[ATT_MTU]);
/** A PDU is for a client (responses, notifications), not for a server. */
bool att_is_for_client(uint8_t opcode);
