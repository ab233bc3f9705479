/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief What we offer to peers: the one GATT table, for every radio. Constant; any context.
 *
 * Numbers and names are the Core Specification's, Vol 3 Part G; UUIDs are kept as they are sent,
 * least significant byte first.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GATT_UUID_PRIMARY_SERVICE 0x2800
#define GATT_UUID_CHARACTERISTIC  0x2803
#define GATT_UUID_CLIENT_CONFIG   0x2902 /* who wants to be notified writes 1 there */

/** Properties of a characteristic (3.3.1.1). */
#define GATT_READ             0x02
#define GATT_WRITE_NO_ANSWER  0x04
#define GATT_WRITE            0x08
#define GATT_NOTIFY           0x10
#define GATT_PROPERTIES_WRITE (GATT_WRITE | GATT_WRITE_NO_ANSWER)

typedef struct {
    uint8_t size; /* 2 or 16 */
    uint8_t bytes[16];
} gatt_uuid_t;

/** Our characteristics. */
typedef enum {
    GATT_VALUE_NAME = 0,     /* of the GAP service */
    GATT_VALUE_APPEARANCE,   /* the same */
    GATT_VALUE_MANUFACTURER, /* of the Device Information service */
    GATT_VALUE_MODEL,
    GATT_VALUE_FIRMWARE,
    GATT_VALUE_INFO, /* the rest are the Kraken service's */
    GATT_VALUE_HEALTH,
    GATT_VALUE_CONTROL,
    GATT_VALUE_FILE,
    GATT_VALUE_FILE_DATA,
    GATT_VALUE_SETUP,
    GATT_VALUES,
} gatt_value_t;

typedef struct {
    gatt_uuid_t uuid;
    uint8_t properties;
    uint8_t value;    /* gatt_value_t */
    bool secured;     /* writing wants a link that is encrypted with a passkey */
    uint16_t longest; /* bytes that can be written */
} gatt_characteristic_t;

typedef struct {
    gatt_uuid_t uuid;
    bool of_stack; /* a host stack brings it along, and wants the values alone */
    uint8_t count;
    const gatt_characteristic_t *characteristics;
} gatt_service_t;

extern const gatt_service_t gatt_table[];
extern const unsigned gatt_table_size;
/** The Kraken service's UUID, for advertisements. */
extern const gatt_uuid_t gatt_kraken_uuid;

/** What a handle stands for. */
typedef enum {
    GATT_KIND_SERVICE,
    GATT_KIND_CHARACTERISTIC,
    GATT_KIND_VALUE,
    GATT_KIND_CLIENT_CONFIG,
} gatt_kind_t;

typedef struct {
    gatt_kind_t kind;
    uint16_t handle;
    uint16_t end; /* of a service: its last handle */
    const gatt_service_t *service;
    const gatt_characteristic_t *characteristic; /* NULL for a service */
} gatt_attribute_t;

/** The attribute of a handle, counted from 1 through the table. @return false: there is none */
bool gatt_find(uint16_t handle, gatt_attribute_t *out);
uint16_t gatt_last_handle(void);
/** The handle of a value; 0: there is none. */
uint16_t gatt_value_handle(uint8_t value);
/** An attribute's type. */
void gatt_type(const gatt_attribute_t *attribute, gatt_uuid_t *out);
bool gatt_uuid_is(const gatt_uuid_t *uuid, const uint8_t *bytes, size_t size);
const gatt_characteristic_t *gatt_characteristic(uint8_t value);
