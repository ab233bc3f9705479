/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "att.h"
#include "bluez.h"

/* The base that short UUIDs stand on (Vol 3 Part B 2.5.1), and where they are in it. */
static const char s_base[] = "0000XXXX-0000-1000-8000-00805f9b34fb";

bool bluez_hex(const char *text, unsigned digits, unsigned *out)
{
    char copy[9] = "";
    if (digits >= sizeof(copy) || strnlen(text, digits) < digits) {
        return false;
    }
    for (unsigned i = 0; i < digits; i++) {
        copy[i] = text[i];
        if (!isxdigit((unsigned char)copy[i])) {
            return false;
        }
    }
    *out = (unsigned)strtoul(copy, NULL, 16);
    return true;
}

bool bluez_address_from(const char *text, bluetooth_address_t *out)
{
    if (strlen(text) != 17) {
        return false;
    }
    for (unsigned i = 0; i < 6; i++) {
        unsigned byte;
        if (!bluez_hex(text + 3 * i, 2, &byte)) {
            return false;
        }
        out->bytes[5 - i] = (uint8_t)byte;
    }
    return true;
}

void bluez_address_to(const bluetooth_address_t *address, char separator, char text[18])
{
    const uint8_t *b = address->bytes;
    const char s = separator;
    (void)snprintf(text, 18, "%02X%c%02X%c%02X%c%02X%c%02X%c%02X", b[5], s, b[4], s, b[3], s, b[2],
                   s, b[1], s, b[0]);
}

void bluez_uuid_to(const gatt_uuid_t *uuid, char text[BLUEZ_UUID])
{
    if (uuid->size == 2) {
        (void)snprintf(text, BLUEZ_UUID, "0000%02x%02x%s", uuid->bytes[1], uuid->bytes[0],
                       s_base + 8);
        return;
    }
    unsigned at = 0;
    for (unsigned i = 0; i < 16; i++) {
        const bool dash = i == 4 || i == 6 || i == 8 || i == 10;
        at += (unsigned)snprintf(text + at, BLUEZ_UUID - at, "%s%02x", dash ? "-" : "",
                                 uuid->bytes[15 - i]);
    }
}

size_t bluez_uuid_from(const char *text, uint8_t out[16])
{
    unsigned digits = 0;
    if (strlen(text) != sizeof(s_base) - 1) {
        return 0;
    }
    for (const char *at = text; *at != '\0'; at++) {
        const bool dash = s_base[at - text] == '-';
        if (dash ? *at != '-' : !isxdigit((unsigned char)*at)) {
            return 0;
        }
        unsigned half;
        if (!dash && bluez_hex(at, 1, &half)) {
            uint8_t *byte = &out[15 - digits / 2];
            *byte = (uint8_t)(digits % 2 == 0 ? half << 4 : *byte | half);
            digits++;
        }
    }
    if (strncmp(text, s_base, 4) == 0 && strcasecmp(text + 8, s_base + 8) == 0) {
        out[0] = out[12];
        out[1] = out[13];
        return 2;
    }
    return 16;
}

uint8_t bluez_att_error(const sd_bus_error *error, uint8_t not_permitted)
{
    static const struct {
        const char *name;
        uint8_t code;
    } s_errors[] = {
        {"org.bluez.Error.NotAuthorized", ATT_ERROR_AUTHENTICATION},
        {"org.bluez.Error.NotSupported", ATT_ERROR_NOT_SUPPORTED},
        {"org.bluez.Error.InvalidOffset", ATT_ERROR_INVALID_OFFSET},
        {"org.bluez.Error.InvalidValueLength", ATT_ERROR_LENGTH},
        {"org.freedesktop.DBus.Error.UnknownObject", ATT_ERROR_INVALID_HANDLE},
    };
    unsigned code;
    if (error == NULL || error->name == NULL) {
        return 0;
    }
    if (strcmp(error->name, "org.bluez.Error.NotPermitted") == 0) {
        return not_permitted;
    }
    for (unsigned i = 0; i < sizeof(s_errors) / sizeof(s_errors[0]); i++) {
        if (strcmp(error->name, s_errors[i].name) == 0) {
            return s_errors[i].code;
        }
    }
    /* BlueZ has no name for it and says it in words. */
    static const char s_words[] = "Operation failed with ATT error: 0x";
    const size_t length = sizeof(s_words) - 1;
    return error->message != NULL && strncmp(error->message, s_words, length) == 0 &&
                   bluez_hex(error->message + length, 2, &code) && code != 0
               ? (uint8_t)code
               : ATT_ERROR_UNLIKELY;
}

bool bluez_refused(sd_bus_message *answer, const char *what)
{
    const sd_bus_error *error = sd_bus_message_get_error(answer);
    if (error != NULL) {
        bluez_complain(what, error->message != NULL ? error->message : error->name);
    }
    return error != NULL;
}

const char *bluez_next_property(sd_bus_message *message)
{
    const char *name = NULL;
    if (sd_bus_message_at_end(message, 0) > 0) {
        return NULL;
    }
    return sd_bus_message_enter_container(message, SD_BUS_TYPE_DICT_ENTRY, "sv") > 0 &&
                   sd_bus_message_read(message, "s", &name) > 0
               ? name
               : NULL;
}

bool bluez_take(sd_bus_message *message, char type, void *out)
{
    const char types[2] = {type, '\0'};
    const char *contents;
    char kind;
    bool took = false;
    if (type != '\0' && sd_bus_message_peek_type(message, &kind, &contents) > 0 && kind == 'v' &&
        strcmp(contents, types) == 0) {
        took = sd_bus_message_read(message, "v", types, out) > 0;
    } else {
        (void)sd_bus_message_skip(message, "v");
    }
    (void)sd_bus_message_exit_container(message); /* the entry */
    return took;
}
