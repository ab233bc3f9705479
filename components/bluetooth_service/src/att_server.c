/* SPDX-License-Identifier: Apache-2.0 */
/* Answers to a peer's requests, in the order of the specification. */
#include "att.h"

#include <string.h>

#define VALUE_MAX 512 /* Vol 3 Part F 3.2.9 */

static uint16_t get16(const uint8_t *at)
{
    return (uint16_t)(at[0] | at[1] << 8);
}

static void put16(uint8_t *at, uint16_t value)
{
    at[0] = (uint8_t)value;
    at[1] = (uint8_t)(value >> 8);
}

void att_server_begin(att_server_t *server, const att_server_ops_t *ops, void *arg)
{
    *server = (att_server_t){.ops = ops, .arg = arg, .mtu = ATT_MTU_MIN};
}

static size_t refuse(uint8_t answer[ATT_MTU], uint8_t opcode, uint16_t handle, uint8_t error)
{
    answer[0] = ATT_ERROR;
    answer[1] = opcode;
    put16(answer + 2, handle);
    answer[4] = error;
    return 5;
}

/* ---- values ------------------------------------------------------------------------------------
 */

/** @return bytes of it, at most VALUE_MAX */
static size_t copy_value(const att_server_t *server, const gatt_attribute_t *attribute,
                         uint8_t out[VALUE_MAX])
{
    const gatt_characteristic_t *characteristic = attribute->characteristic;
    switch (attribute->kind) {
    case GATT_KIND_SERVICE:
        memcpy(out, attribute->service->uuid.bytes, attribute->service->uuid.size);
        return attribute->service->uuid.size;
    case GATT_KIND_CHARACTERISTIC: /* Vol 3 Part G 3.3.1; its value comes next */
        out[0] = characteristic->properties;
        put16(out + 1, (uint16_t)(attribute->handle + 1));
        memcpy(out + 3, characteristic->uuid.bytes, characteristic->uuid.size);
        return 3u + characteristic->uuid.size;
    case GATT_KIND_CLIENT_CONFIG:
        put16(out, (server->wanted >> characteristic->value) & 1);
        return 2;
    default:
        return server->ops->read(characteristic->value, out, VALUE_MAX);
    }
}

static uint8_t may_read(const gatt_attribute_t *attribute)
{
    return attribute->kind == GATT_KIND_VALUE &&
                   (attribute->characteristic->properties & GATT_READ) == 0
               ? ATT_ERROR_READ_NOT_PERMITTED
               : 0;
}

static bool is_of_type(const gatt_attribute_t *attribute, const uint8_t *uuid, size_t size)
{
    gatt_uuid_t type;
    gatt_type(attribute, &type);
    return gatt_uuid_is(&type, uuid, size);
}

/** Handles from..to of a request. @return an error, 0 = fine */
static uint8_t take_range(const uint8_t *pdu, uint16_t *from, uint16_t *to)
{
    *from = get16(pdu + 1);
    *to = get16(pdu + 3);
    return *from == 0 || *from > *to ? ATT_ERROR_INVALID_HANDLE : 0;
}

/* ---- requests ----------------------------------------------------------------------------------
 */

static size_t exchange_mtu(att_server_t *server, const uint8_t *pdu, size_t size, uint8_t *answer)
{
    if (size != 3) {
        return refuse(answer, pdu[0], 0, ATT_ERROR_INVALID_PDU);
    }
    const uint16_t theirs = get16(pdu + 1);
    server->mtu = theirs < ATT_MTU_MIN ? ATT_MTU_MIN : theirs < ATT_MTU ? theirs : ATT_MTU;
    answer[0] = ATT_MTU_RESPONSE;
    put16(answer + 1, ATT_MTU);
    return 3;
}

/** Pairs of a handle and its type; all of them of one size. */
static size_t find_information(const att_server_t *server, const uint8_t *pdu, size_t size,
                               uint8_t *answer)
{
    uint16_t from = 0, to = 0;
    gatt_attribute_t attribute;
    gatt_uuid_t type;
    size_t length = 2;
    const uint8_t error = size != 5 ? ATT_ERROR_INVALID_PDU : take_range(pdu, &from, &to);
    if (error != 0) {
        return refuse(answer, pdu[0], from, error);
    }
    answer[0] = ATT_FIND_INFORMATION_RESPONSE;
    for (uint32_t handle = from; handle <= to && gatt_find((uint16_t)handle, &attribute);
         handle++) {
        gatt_type(&attribute, &type);
        const uint8_t format = type.size == 2 ? 1 : 2;
        if (length > 2 && (format != answer[1] || length + 2 + type.size > server->mtu)) {
            break;
        }
        answer[1] = format;
        put16(answer + length, (uint16_t)handle);
        memcpy(answer + length + 2, type.bytes, type.size);
        length += 2u + type.size;
    }
    return length > 2 ? length : refuse(answer, pdu[0], from, ATT_ERROR_NOT_FOUND);
}

/** Groups whose first attribute has this type, of 16 bits, and value. */
static size_t find_by_type_value(const att_server_t *server, const uint8_t *pdu, size_t size,
                                 uint8_t *answer)
{
    uint8_t value[VALUE_MAX];
    uint16_t from = 0, to = 0;
    gatt_attribute_t attribute;
    size_t length = 1;
    const uint8_t error = size < 7 ? ATT_ERROR_INVALID_PDU : take_range(pdu, &from, &to);
    if (error != 0) {
        return refuse(answer, pdu[0], from, error);
    }
    answer[0] = ATT_FIND_BY_TYPE_VALUE_RESPONSE;
    for (uint32_t handle = from;
         handle <= to && gatt_find((uint16_t)handle, &attribute) && length + 4 <= server->mtu;
         handle++) {
        if (!is_of_type(&attribute, pdu + 5, 2) || may_read(&attribute) != 0) {
            continue;
        }
        const size_t have = copy_value(server, &attribute, value);
        if (have == size - 7 && memcmp(value, pdu + 7, have) == 0) {
            put16(answer + length, (uint16_t)handle);
            put16(answer + length + 2,
                  attribute.kind == GATT_KIND_SERVICE ? attribute.end : (uint16_t)handle);
            length += 4;
        }
    }
    return length > 1 ? length : refuse(answer, pdu[0], from, ATT_ERROR_NOT_FOUND);
}

/** Read By Type and Read By Group Type: handle, its group's end, value; all of them of one size. */
static size_t read_by_type(const att_server_t *server, const uint8_t *pdu, size_t size,
                           uint8_t *answer)
{
    static const uint8_t s_group[2] = {GATT_UUID_PRIMARY_SERVICE & 0xff,
                                       GATT_UUID_PRIMARY_SERVICE >> 8};
    const bool group = pdu[0] == ATT_READ_BY_GROUP;
    const size_t head = group ? 4 : 2;
    uint8_t value[VALUE_MAX];
    uint16_t from = 0, to = 0;
    gatt_attribute_t attribute;
    size_t length = 2;
    uint8_t error = size != 7 && size != 21 ? ATT_ERROR_INVALID_PDU : take_range(pdu, &from, &to);
    const gatt_uuid_t primary = {.size = 2, .bytes = {s_group[0], s_group[1]}};
    if (error == 0 && group && !gatt_uuid_is(&primary, pdu + 5, size - 5)) {
        error = ATT_ERROR_GROUP_TYPE;
    }
    if (error != 0) {
        return refuse(answer, pdu[0], from, error);
    }
    answer[0] = (uint8_t)(pdu[0] + 1);
    for (uint32_t handle = from; handle <= to && gatt_find((uint16_t)handle, &attribute);
         handle++) {
        if (!is_of_type(&attribute, pdu + 5, size - 5)) {
            continue;
        }
        error = may_read(&attribute);
        if (error != 0 && length == 2) {
            return refuse(answer, pdu[0], (uint16_t)handle, error);
        }
        size_t have = error == 0 ? copy_value(server, &attribute, value) : 0;
        const size_t most = (size_t)server->mtu - 2 - head;
        have = have > most ? most : have;
        have = have > 255 - head ? 255 - head : have; /* the size is one byte */
        if (error != 0 ||
            (length > 2 && (head + have != answer[1] || length + head + have > server->mtu))) {
            break;
        }
        answer[1] = (uint8_t)(head + have);
        put16(answer + length, (uint16_t)handle);
        if (group) {
            put16(answer + length + 2, attribute.end);
        }
        memcpy(answer + length + head, value, have);
        length += head + have;
    }
    return length > 2 ? length : refuse(answer, pdu[0], from, ATT_ERROR_NOT_FOUND);
}

static size_t read_value(const att_server_t *server, const uint8_t *pdu, size_t size,
                         uint8_t *answer)
{
    const bool blob = pdu[0] == ATT_READ_BLOB;
    uint8_t value[VALUE_MAX];
    gatt_attribute_t attribute;
    if (size != (blob ? 5 : 3)) {
        return refuse(answer, pdu[0], 0, ATT_ERROR_INVALID_PDU);
    }
    const uint16_t handle = get16(pdu + 1);
    const size_t offset = blob ? get16(pdu + 3) : 0;
    if (!gatt_find(handle, &attribute)) {
        return refuse(answer, pdu[0], handle, ATT_ERROR_INVALID_HANDLE);
    }
    const uint8_t error = may_read(&attribute);
    if (error != 0) {
        return refuse(answer, pdu[0], handle, error);
    }
    const size_t have = copy_value(server, &attribute, value);
    if (offset > have) {
        return refuse(answer, pdu[0], handle, ATT_ERROR_INVALID_OFFSET);
    }
    const size_t room = server->mtu - 1u;
    const size_t part = have - offset < room ? have - offset : room;
    answer[0] = (uint8_t)(pdu[0] + 1);
    memcpy(answer + 1, value + offset, part);
    return 1 + part;
}

static uint8_t write_config(att_server_t *server, const gatt_attribute_t *attribute,
                            const uint8_t *data, size_t size)
{
    const uint8_t value = attribute->characteristic->value;
    if (size != 2) {
        return ATT_ERROR_LENGTH;
    }
    if (get16(data) > 1) { /* there are notifications, no indications */
        return ATT_ERROR_VALUE;
    }
    const bool on = data[0] != 0;
    server->wanted = (uint16_t)((server->wanted & ~(1u << value)) | (on ? 1u << value : 0u));
    server->ops->subscribed(server->arg, value, on);
    return 0;
}

static uint8_t write_value(att_server_t *server, const gatt_attribute_t *attribute, bool command,
                           const uint8_t *data, size_t size)
{
    const gatt_characteristic_t *characteristic = attribute->characteristic;
    const uint8_t needed = command ? GATT_WRITE_NO_ANSWER : GATT_WRITE;
    if (attribute->kind == GATT_KIND_CLIENT_CONFIG && !command) {
        return write_config(server, attribute, data, size);
    }
    if (attribute->kind != GATT_KIND_VALUE || (characteristic->properties & needed) == 0) {
        return ATT_ERROR_WRITE_NOT_PERMITTED;
    }
    if (characteristic->secured && !server->secured) {
        return ATT_ERROR_AUTHENTICATION;
    }
    if (size > characteristic->longest) {
        return ATT_ERROR_LENGTH;
    }
    return server->ops->write(server->arg, characteristic->value, data, size);
}

static size_t write(att_server_t *server, const uint8_t *pdu, size_t size, uint8_t *answer)
{
    const bool command = pdu[0] == ATT_WRITE_COMMAND;
    gatt_attribute_t attribute;
    if (size < 3) {
        return command ? 0 : refuse(answer, pdu[0], 0, ATT_ERROR_INVALID_PDU);
    }
    const uint16_t handle = get16(pdu + 1);
    const uint8_t error = gatt_find(handle, &attribute)
                              ? write_value(server, &attribute, command, pdu + 3, size - 3)
                              : ATT_ERROR_INVALID_HANDLE;
    if (command) {
        return 0; /* 3.4.5.3: whatever it came to */
    }
    answer[0] = ATT_WRITE_RESPONSE;
    return error == 0 ? 1 : refuse(answer, pdu[0], handle, error);
}

size_t att_server_hear(att_server_t *server, const uint8_t *pdu, size_t size,
                       uint8_t answer[ATT_MTU])
{
    if (size == 0) {
        return 0;
    }
    if (size > server->mtu) { /* 3.2.8: nobody may send that */
        return (pdu[0] & ATT_IS_COMMAND) != 0 ? 0
                                              : refuse(answer, pdu[0], 0, ATT_ERROR_INVALID_PDU);
    }
    switch (pdu[0]) {
    case ATT_MTU_REQUEST:
        return exchange_mtu(server, pdu, size, answer);
    case ATT_FIND_INFORMATION:
        return find_information(server, pdu, size, answer);
    case ATT_FIND_BY_TYPE_VALUE:
        return find_by_type_value(server, pdu, size, answer);
    case ATT_READ_BY_TYPE:
    case ATT_READ_BY_GROUP:
        return read_by_type(server, pdu, size, answer);
    case ATT_READ:
    case ATT_READ_BLOB:
        return read_value(server, pdu, size, answer);
    case ATT_WRITE:
    case ATT_WRITE_COMMAND:
        return write(server, pdu, size, answer);
    case ATT_CONFIRMATION: /* of an indication: there are none */
        return 0;
    default:
        return (pdu[0] & ATT_IS_COMMAND) != 0 ? 0
                                              : refuse(answer, pdu[0], 0, ATT_ERROR_NOT_SUPPORTED);
    }
}

size_t att_server_notify(const att_server_t *server, uint8_t value, const uint8_t *data,
                         size_t size, uint8_t pdu[ATT_MTU])
{
    const uint16_t handle = gatt_value_handle(value);
    if (handle == 0 || (server->wanted >> value & 1) == 0) {
        return 0;
    }
    const size_t room = server->mtu - 3u;
    pdu[0] = ATT_NOTIFICATION;
    put16(pdu + 1, handle);
    memcpy(pdu + 3, data, size < room ? size : room);
    return 3 + (size < room ? size : room);
}
