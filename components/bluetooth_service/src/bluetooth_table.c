/* SPDX-License-Identifier: Apache-2.0 */
/* The GATT table, and which handle is what. */
#include "bluetooth_table.h"

#include <string.h>

/* clang-format off */
#define UUID16(number) {.size = 2, .bytes = {(number) & 0xff, (number) >> 8}}
/* 4b524b4e-xxxx-4f53-9d1e-6a0c83b7f215 */
#define UUID_KRAKEN(number)                                                                        \
    {.size = 16, .bytes = {0x15, 0xf2, 0xb7, 0x83, 0x0c, 0x6a, 0x1e, 0x9d,                         \
                           0x53, 0x4f, (number) & 0xff, (number) >> 8, 0x4e, 0x4b, 0x52, 0x4b}}

static const gatt_characteristic_t s_gap[] = {
    {UUID16(0x2a00), GATT_READ, GATT_VALUE_NAME, false, 0},
    {UUID16(0x2a01), GATT_READ, GATT_VALUE_APPEARANCE, false, 0},
};

static const gatt_characteristic_t s_device[] = {
    {UUID16(0x2a29), GATT_READ, GATT_VALUE_MANUFACTURER, false, 0},
    {UUID16(0x2a24), GATT_READ, GATT_VALUE_MODEL, false, 0},
    {UUID16(0x2a26), GATT_READ, GATT_VALUE_FIRMWARE, false, 0},
};

static const gatt_characteristic_t s_kraken[] = {
    {UUID_KRAKEN(1), GATT_READ, GATT_VALUE_INFO, false, 0},
    {UUID_KRAKEN(2), GATT_READ | GATT_NOTIFY, GATT_VALUE_HEALTH, false, 0},
    {UUID_KRAKEN(3), GATT_WRITE, GATT_VALUE_CONTROL, true, 5},
    {UUID_KRAKEN(4), GATT_READ | GATT_WRITE | GATT_NOTIFY, GATT_VALUE_FILE, true, 16},
    {UUID_KRAKEN(5), GATT_WRITE_NO_ANSWER, GATT_VALUE_FILE_DATA, true, 244},
    {UUID_KRAKEN(6), GATT_READ | GATT_WRITE | GATT_NOTIFY, GATT_VALUE_SETUP, true, 98},
};

const gatt_uuid_t gatt_kraken_uuid = UUID_KRAKEN(0);

#define ITEMS(array) .count = sizeof(array) / sizeof((array)[0]), .characteristics = (array)

const gatt_service_t gatt_table[] = {
    {.uuid = UUID16(0x1800), .of_stack = true, ITEMS(s_gap)},
    {.uuid = UUID16(0x1801), .of_stack = true}, /* GATT: the table never changes */
    {.uuid = UUID16(0x180a), ITEMS(s_device)},
    {.uuid = UUID_KRAKEN(0), ITEMS(s_kraken)},
};
/* clang-format on */

const unsigned gatt_table_size = sizeof(gatt_table) / sizeof(gatt_table[0]);

static bool notifies(const gatt_characteristic_t *characteristic)
{
    return (characteristic->properties & GATT_NOTIFY) != 0;
}

static uint16_t handles_of(const gatt_service_t *service)
{
    uint16_t count = 1;
    for (unsigned i = 0; i < service->count; i++) {
        count = (uint16_t)(count + (notifies(&service->characteristics[i]) ? 3 : 2));
    }
    return count;
}

uint16_t gatt_last_handle(void)
{
    uint16_t count = 0;
    for (unsigned i = 0; i < gatt_table_size; i++) {
        count = (uint16_t)(count + handles_of(&gatt_table[i]));
    }
    return count;
}

/** @param offset from the service's own handle, 1 and up */
static void find_in(const gatt_service_t *service, uint16_t offset, gatt_attribute_t *out)
{
    unsigned i = 0;
    offset--;
    while (offset >= (notifies(&service->characteristics[i]) ? 3 : 2)) {
        offset = (uint16_t)(offset - (notifies(&service->characteristics[i]) ? 3 : 2));
        i++;
    }
    out->characteristic = &service->characteristics[i];
    out->kind = (gatt_kind_t)(GATT_KIND_CHARACTERISTIC + offset);
}

bool gatt_find(uint16_t handle, gatt_attribute_t *out)
{
    uint16_t first = 1;
    for (unsigned i = 0; i < gatt_table_size; i++) {
        const gatt_service_t *service = &gatt_table[i];
        const uint16_t count = handles_of(service);
        if (handle >= first && handle < first + count) {
            *out = (gatt_attribute_t){
                .kind = GATT_KIND_SERVICE,
                .handle = handle,
                .end = (uint16_t)(first + count - 1),
                .service = service,
            };
            if (handle != first) {
                find_in(service, (uint16_t)(handle - first), out);
            }
            return true;
        }
        first = (uint16_t)(first + count);
    }
    return false;
}

uint16_t gatt_value_handle(uint8_t value)
{
    gatt_attribute_t attribute;
    for (uint16_t handle = 1; gatt_find(handle, &attribute); handle++) {
        if (attribute.kind == GATT_KIND_VALUE && attribute.characteristic->value == value) {
            return handle;
        }
    }
    return 0;
}

void gatt_type(const gatt_attribute_t *attribute, gatt_uuid_t *out)
{
    static const uint16_t s_types[] = {
        [GATT_KIND_SERVICE] = GATT_UUID_PRIMARY_SERVICE,
        [GATT_KIND_CHARACTERISTIC] = GATT_UUID_CHARACTERISTIC,
        [GATT_KIND_CLIENT_CONFIG] = GATT_UUID_CLIENT_CONFIG,
    };
    if (attribute->kind == GATT_KIND_VALUE) {
        *out = attribute->characteristic->uuid;
        return;
    }
    const uint16_t type = s_types[attribute->kind];
    *out = (gatt_uuid_t){.size = 2, .bytes = {(uint8_t)type, (uint8_t)(type >> 8)}};
}

/** A UUID of 16 bits stands for one of 128 bits (Vol 3 Part B 2.5.1). */
bool gatt_uuid_is(const gatt_uuid_t *uuid, const uint8_t *bytes, size_t size)
{
    static const uint8_t s_base[12] = {0xfb, 0x34, 0x9b, 0x5f, 0x80, 0x00,
                                       0x00, 0x80, 0x00, 0x10, 0x00, 0x00};
    if (size == uuid->size) {
        return memcmp(uuid->bytes, bytes, size) == 0;
    }
    if (size == 16 && uuid->size == 2) {
        return memcmp(bytes, s_base, sizeof(s_base)) == 0 &&
               memcmp(bytes + 12, uuid->bytes, 2) == 0 && bytes[14] == 0 && bytes[15] == 0;
    }
    return false;
}

const gatt_characteristic_t *gatt_characteristic(uint8_t value)
{
    for (unsigned i = 0; i < gatt_table_size; i++) {
        for (unsigned j = 0; j < gatt_table[i].count; j++) {
            if (gatt_table[i].characteristics[j].value == value) {
                return &gatt_table[i].characteristics[j];
            }
        }
    }
    return NULL;
}
