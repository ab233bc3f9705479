// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Makes app packages, right and wrong ones, for tests. Written from docs/KAPP_FORMAT.md and not
 * from the reader. Every failure of the builder itself ends the test.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "psa/crypto.h"

#include "kapp/kapp.h"

/** Bytes that grow at the end. Zero is an empty one; release with kb_free(). */
typedef struct {
    uint8_t *bytes;
    uint32_t size;
    uint32_t room;
} kb_bytes_t;

void kb_free(kb_bytes_t *b);
void kb_append(kb_bytes_t *b, const void *bytes, uint32_t size);
void kb_u8(kb_bytes_t *b, unsigned value);
void kb_u16(kb_bytes_t *b, unsigned value);
void kb_u32(kb_bytes_t *b, uint32_t value);
void kb_zeros(kb_bytes_t *b, uint32_t size);
void kb_align(kb_bytes_t *b, uint32_t to);

/** One field of a manifest. */
void kb_field(kb_bytes_t *manifest, unsigned number, const void *bytes, uint32_t size);
/** The fields that every manifest needs, for an app of this name: org.example.NAME, 1.2.3. */
void kb_manifest(kb_bytes_t *manifest, const char *name);
/** The same for any id, and version MAJOR.2.3. */
void kb_manifest_of(kb_bytes_t *manifest, const char *id, const char *name, unsigned major);

/** The same for one that stores something. */
void kb_manifest_storing(kb_bytes_t *manifest, const char *id, const char *name, unsigned major);

/** A package in the making. Zero is an empty one. */
typedef struct {
    kb_bytes_t table, content;
    unsigned count;
} kb_package_t;

/** Add a section; level < 0: not compressed, else zlib's level. */
void kb_section(kb_package_t *p, kapp_section_type_t type, unsigned target, const void *bytes,
                uint32_t size, int level);
/** Add a section whose stored bytes are these, whatever they are. */
void kb_section_raw(kb_package_t *p, unsigned type, unsigned flags, unsigned target,
                    const void *stored, uint32_t stored_size, uint32_t size);

/** A key pair. */
typedef struct {
    psa_key_id_t id;
    uint8_t public_key[KAPP_PUBLIC_KEY_SIZE];
} kb_key_t;

/** Make a key pair. */
void kb_key_make(kb_key_t *key);
void kb_key_free(kb_key_t *key);

/** Put everything together and sign it; key NULL: unsigned. Releases what p holds. */
kb_bytes_t kb_finish(kb_package_t *p, const kb_key_t *key);
/** Sign a package again after something in it was changed. */
void kb_sign(kb_bytes_t *package, const kb_key_t *key);
