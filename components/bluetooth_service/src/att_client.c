/* SPDX-License-Identifier: Apache-2.0 */
/* Requests to a peer, one at a time, and what it tells by itself. */
#include "att.h"

#include <string.h>

#define LAST_HANDLE 0xffff

static uint16_t get16(const uint8_t *at)
{
    return (uint16_t)(at[0] | at[1] << 8);
}

static void put16(uint8_t *at, uint16_t value)
{
    at[0] = (uint8_t)value;
    at[1] = (uint8_t)(value >> 8);
}

void att_client_begin(att_client_t *client, void (*report)(void *arg, const att_report_t *report),
                      void *arg)
{
    *client = (att_client_t){.report = report, .arg = arg, .mtu = ATT_MTU_MIN};
}

/* ---- requests ----------------------------------------------------------------------------------
 */

size_t att_client_mtu(att_client_t *client, uint8_t pdu[ATT_MTU])
{
    if (client->state != ATT_CLIENT_IDLE) {
        return 0;
    }
    client->state = ATT_CLIENT_MTU;
    pdu[0] = ATT_MTU_REQUEST;
    put16(pdu + 1, ATT_MTU);
    return 3;
}

static size_t ask_characteristics(const att_client_t *client, uint8_t pdu[ATT_MTU])
{
    pdu[0] = ATT_READ_BY_TYPE;
    put16(pdu + 1, client->next);
    put16(pdu + 3, LAST_HANDLE);
    put16(pdu + 5, GATT_UUID_CHARACTERISTIC);
    return 7;
}

size_t att_client_discover(att_client_t *client, uint8_t pdu[ATT_MTU])
{
    if (client->state != ATT_CLIENT_IDLE) {
        return 0;
    }
    client->state = ATT_CLIENT_DISCOVER;
    client->next = 1;
    return ask_characteristics(client, pdu);
}

size_t att_client_read(att_client_t *client, uint16_t handle, uint8_t pdu[ATT_MTU])
{
    if (client->state != ATT_CLIENT_IDLE) {
        return 0;
    }
    client->state = ATT_CLIENT_READ;
    client->handle = handle;
    pdu[0] = ATT_READ;
    put16(pdu + 1, handle);
    return 3;
}

static size_t write_pdu(const att_client_t *client, uint8_t opcode, uint16_t handle,
                        const uint8_t *data, size_t size, uint8_t pdu[ATT_MTU])
{
    if (size > client->mtu - 3u) {
        return 0;
    }
    pdu[0] = opcode;
    put16(pdu + 1, handle);
    if (size != 0) {
        memcpy(pdu + 3, data, size);
    }
    return 3 + size;
}

size_t att_client_write(att_client_t *client, uint16_t handle, const uint8_t *data, size_t size,
                        uint8_t pdu[ATT_MTU])
{
    const size_t length = client->state == ATT_CLIENT_IDLE
                              ? write_pdu(client, ATT_WRITE, handle, data, size, pdu)
                              : 0;
    if (length != 0) {
        client->state = ATT_CLIENT_WRITE;
        client->handle = handle;
    }
    return length;
}

size_t att_client_command(const att_client_t *client, uint16_t handle, const uint8_t *data,
                          size_t size, uint8_t pdu[ATT_MTU])
{
    return write_pdu(client, ATT_WRITE_COMMAND, handle, data, size, pdu);
}

static size_t ask_information(const att_client_t *client, uint8_t pdu[ATT_MTU])
{
    pdu[0] = ATT_FIND_INFORMATION;
    put16(pdu + 1, client->next);
    put16(pdu + 3, LAST_HANDLE);
    return 5;
}

size_t att_client_subscribe(att_client_t *client, uint16_t handle, bool on, uint8_t pdu[ATT_MTU])
{
    if (client->state != ATT_CLIENT_IDLE || handle == LAST_HANDLE) {
        return 0;
    }
    client->state = ATT_CLIENT_FIND_CONFIG;
    client->handle = handle;
    client->next = (uint16_t)(handle + 1);
    client->value = on ? 1 : 0;
    return ask_information(client, pdu);
}

/* ---- answers -----------------------------------------------------------------------------------
 */

/** What was under way is over. */
static size_t finish(att_client_t *client, uint8_t error, const uint8_t *data, size_t size)
{
    static const att_report_kind_t s_kinds[] = {
        [ATT_CLIENT_MTU] = ATT_REPORT_MTU,
        [ATT_CLIENT_DISCOVER] = ATT_REPORT_DISCOVERED,
        [ATT_CLIENT_READ] = ATT_REPORT_READ,
        [ATT_CLIENT_WRITE] = ATT_REPORT_WRITTEN,
        [ATT_CLIENT_FIND_CONFIG] = ATT_REPORT_WRITTEN,
        [ATT_CLIENT_WRITE_CONFIG] = ATT_REPORT_WRITTEN,
    };
    const att_report_t report = {
        .kind = s_kinds[client->state],
        .error = error,
        .handle = client->state == ATT_CLIENT_MTU ? 0 : client->handle,
        .number = client->mtu,
        .data = data,
        .size = size,
    };
    client->state = ATT_CLIENT_IDLE;
    client->report(client->arg, &report);
    return 0;
}

static size_t hear_error(att_client_t *client, const uint8_t *pdu, size_t size)
{
    static const uint8_t s_requests[] = {
        [ATT_CLIENT_MTU] = ATT_MTU_REQUEST,
        [ATT_CLIENT_DISCOVER] = ATT_READ_BY_TYPE,
        [ATT_CLIENT_READ] = ATT_READ,
        [ATT_CLIENT_WRITE] = ATT_WRITE,
        [ATT_CLIENT_FIND_CONFIG] = ATT_FIND_INFORMATION,
        [ATT_CLIENT_WRITE_CONFIG] = ATT_WRITE,
    };
    if (size != 5 || client->state == ATT_CLIENT_IDLE || pdu[1] != s_requests[client->state]) {
        return 0; /* of nothing that we have asked */
    }
    const bool end = client->state == ATT_CLIENT_DISCOVER && pdu[4] == ATT_ERROR_NOT_FOUND;
    const uint8_t error = pdu[4] != 0 ? pdu[4] : ATT_ERROR_UNLIKELY;
    return finish(client, end ? 0 : error, NULL, 0);
}

static size_t hear_mtu(att_client_t *client, const uint8_t *pdu, size_t size)
{
    if (size != 3) {
        return finish(client, ATT_ERROR_INVALID_PDU, NULL, 0);
    }
    const uint16_t theirs = get16(pdu + 1);
    client->mtu = theirs < ATT_MTU_MIN ? ATT_MTU_MIN : theirs < ATT_MTU ? theirs : ATT_MTU;
    return finish(client, 0, NULL, 0);
}

/** Entries of one size: handle, properties, handle of the value, UUID; handles must rise. */
static size_t hear_characteristics(att_client_t *client, const uint8_t *pdu, size_t size,
                                   uint8_t next[ATT_MTU])
{
    const size_t each = size > 1 ? pdu[1] : 0;
    if ((each != 7 && each != 21) || size < 2 + each || (size - 2) % each != 0) {
        return finish(client, ATT_ERROR_INVALID_PDU, NULL, 0);
    }
    for (size_t at = 2; at < size; at += each) {
        const uint16_t handle = get16(pdu + at);
        const uint16_t value = get16(pdu + at + 3);
        if (handle < client->next || value <= handle) {
            return finish(client, ATT_ERROR_INVALID_PDU, NULL, 0);
        }
        client->report(client->arg, &(att_report_t){
                                        .kind = ATT_REPORT_CHARACTERISTIC,
                                        .handle = value,
                                        .number = pdu[at + 2],
                                        .data = pdu + at + 5,
                                        .size = each - 5,
                                    });
        client->next = value;
    }
    return ask_characteristics(client, next);
}

/** Look for the client configuration of our value, which comes before the next characteristic. */
static size_t hear_information(att_client_t *client, const uint8_t *pdu, size_t size,
                               uint8_t next[ATT_MTU])
{
    const size_t each = size > 1 && pdu[1] == 1 ? 4 : size > 1 && pdu[1] == 2 ? 18 : 0;
    if (each == 0 || size < 2 + each || (size - 2) % each != 0) {
        return finish(client, ATT_ERROR_INVALID_PDU, NULL, 0);
    }
    for (size_t at = 2; at < size; at += each) {
        const uint16_t handle = get16(pdu + at);
        const uint16_t type = each == 4 ? get16(pdu + at + 2) : 0;
        if (handle < client->next) {
            return finish(client, ATT_ERROR_INVALID_PDU, NULL, 0);
        }
        if (type == GATT_UUID_CLIENT_CONFIG) {
            uint8_t value[2];
            put16(value, client->value);
            client->state = ATT_CLIENT_WRITE_CONFIG;
            return write_pdu(client, ATT_WRITE, handle, value, sizeof(value), next);
        }
        if (type == GATT_UUID_CHARACTERISTIC || type == GATT_UUID_PRIMARY_SERVICE ||
            handle == LAST_HANDLE) {
            return finish(client, ATT_ERROR_NOT_FOUND, NULL, 0);
        }
        client->next = (uint16_t)(handle + 1);
    }
    return ask_information(client, next);
}

static size_t hear_told(att_client_t *client, const uint8_t *pdu, size_t size,
                        uint8_t next[ATT_MTU])
{
    if (size < 3) {
        return 0;
    }
    client->report(client->arg, &(att_report_t){
                                    .kind = ATT_REPORT_NOTIFIED,
                                    .handle = get16(pdu + 1),
                                    .data = pdu + 3,
                                    .size = size - 3,
                                });
    next[0] = ATT_CONFIRMATION;
    return pdu[0] == ATT_INDICATION ? 1 : 0;
}

bool att_is_for_client(uint8_t opcode)
{
    return opcode == ATT_NOTIFICATION || opcode == ATT_INDICATION ||
           ((opcode & 1) != 0 && opcode <= ATT_WRITE_RESPONSE) || opcode == 0x17 || opcode == 0x19;
}

size_t att_client_hear(att_client_t *client, const uint8_t *pdu, size_t size, uint8_t next[ATT_MTU])
{
    const uint8_t opcode = size != 0 ? pdu[0] : 0;
    if (size == 0 || size > client->mtu) {
        return 0;
    }
    if (opcode == ATT_NOTIFICATION || opcode == ATT_INDICATION) {
        return hear_told(client, pdu, size, next);
    }
    if (opcode == ATT_ERROR) {
        return hear_error(client, pdu, size);
    }
    switch (client->state) {
    case ATT_CLIENT_MTU:
        return opcode == ATT_MTU_RESPONSE ? hear_mtu(client, pdu, size) : 0;
    case ATT_CLIENT_DISCOVER:
        return opcode == ATT_READ_BY_TYPE_RESPONSE ? hear_characteristics(client, pdu, size, next)
                                                   : 0;
    case ATT_CLIENT_READ:
        return opcode == ATT_READ_RESPONSE ? finish(client, 0, pdu + 1, size - 1) : 0;
    case ATT_CLIENT_WRITE:
    case ATT_CLIENT_WRITE_CONFIG:
        return opcode == ATT_WRITE_RESPONSE ? finish(client, 0, NULL, 0) : 0;
    case ATT_CLIENT_FIND_CONFIG:
        return opcode == ATT_FIND_INFORMATION_RESPONSE ? hear_information(client, pdu, size, next)
                                                       : 0;
    default:
        return 0; /* an answer to nothing */
    }
}
