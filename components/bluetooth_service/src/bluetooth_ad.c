/* SPDX-License-Identifier: Apache-2.0 */
/* Advertising data: structures of a length, a type and content. */
#include "bluetooth_ad.h"

#include <string.h>

#include "bluetooth_table.h"

enum { /* Supplement, Part A 1 */
    AD_FLAGS = 0x01,
    AD_SOME_UUID128 = 0x06,
    AD_ALL_UUID128 = 0x07,
    AD_SHORT_NAME = 0x08,
    AD_NAME = 0x09,
};
#define FLAGS 0x06 /* LE General Discoverable Mode, BR/EDR Not Supported */

static size_t put(uint8_t *at, uint8_t type, const void *data, size_t size)
{
    at[0] = (uint8_t)(size + 1);
    at[1] = type;
    memcpy(at + 2, data, size);
    return 2 + size;
}

size_t bluetooth_ad_build(uint8_t out[BLUETOOTH_ADV])
{
    static const uint8_t s_flags = FLAGS;
    size_t size = put(out, AD_FLAGS, &s_flags, 1);
    size += put(out + size, AD_ALL_UUID128, gatt_kraken_uuid.bytes, gatt_kraken_uuid.size);
    return size;
}

size_t bluetooth_ad_build_response(uint8_t out[BLUETOOTH_ADV], const char *name)
{
    const size_t room = BLUETOOTH_ADV - 2;
    const size_t length = strlen(name);
    return length <= room ? put(out, AD_NAME, name, length) : put(out, AD_SHORT_NAME, name, room);
}

/** Only what can be shown: control characters become dots. */
static void take_name(char name[BLUETOOTH_NAME], const uint8_t *data, size_t size)
{
    size = size < BLUETOOTH_NAME - 1 ? size : BLUETOOTH_NAME - 1;
    for (size_t i = 0; i < size; i++) {
        name[i] = data[i] >= ' ' && data[i] != 0x7f ? (char)data[i] : '.';
    }
    name[size] = '\0';
}

void bluetooth_ad_read(const uint8_t *data, size_t size, bool *kraken, char name[BLUETOOTH_NAME])
{
    /* A length of 0 ends it early; one beyond the end is not believed. */
    for (size_t at = 0; at + 1 < size && data[at] != 0; at += 1u + data[at]) {
        const uint8_t *content = data + at + 2;
        const size_t length = data[at] - 1u;
        if (at + 1 + data[at] > size) {
            return;
        }
        switch (data[at + 1]) {
        case AD_SOME_UUID128:
        case AD_ALL_UUID128:
            for (size_t i = 0; i + 16 <= length; i += 16) {
                *kraken = *kraken || memcmp(content + i, gatt_kraken_uuid.bytes, 16) == 0;
            }
            break;
        case AD_SHORT_NAME:
        case AD_NAME:
            take_name(name, content, length);
            break;
        default:
            break;
        }
    }
}
