/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief Numbers of the package format, version 1; docs/KAPP_FORMAT.md says what they mean.
 */

#include <stdint.h>

#define KAPP_MAGIC          "KAPP"
#define KAPP_MAGIC_SIZE     4u
#define KAPP_FORMAT_VERSION 1u
#define KAPP_HEADER_SIZE    20u
#define KAPP_ENTRY_SIZE     12u
#define KAPP_ALIGN          4u
#define KAPP_MANIFEST_LIMIT 2048u
#define KAPP_FLAG_ZLIB      0x01u

/* The signature block: kind, size of the value, signer, value. */
#define KAPP_SIGNATURE_NONE       0u
#define KAPP_SIGNATURE_ECDSA_P256 1u
#define KAPP_SIGNATURE_BLOCK_SIZE (4u + 32u + KAPP_SIGNATURE_SIZE)

/* Fields of the manifest. One that a reader may ignore has this bit. */
#define KAPP_FIELD_OPTIONAL 0x8000u

typedef enum {
    KAPP_FIELD_ID = 1,
    KAPP_FIELD_NAME = 2,
    KAPP_FIELD_VERSION = 3,
    KAPP_FIELD_AUTHOR = 4,
    KAPP_FIELD_DESCRIPTION = 5,
    KAPP_FIELD_TASK = 6,
    KAPP_FIELD_INTERFACES = 7,
    KAPP_FIELD_PERMISSIONS = 8,
    KAPP_FIELD_PATTERNS = 9,
    KAPP_FIELD_QUOTA = 10,
    KAPP_FIELD_MEMORY = 11,
    KAPP_FIELD_ASSETS = 12,
    KAPP_FIELD_END = 13,
} kapp_field_t;

static inline uint16_t kapp_u16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t kapp_u32(const uint8_t *p)
{
    return kapp_u16(p) | (uint32_t)kapp_u16(p + 2) << 16;
}
