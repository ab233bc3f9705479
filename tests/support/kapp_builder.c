// SPDX-License-Identifier: Apache-2.0
#include "kapp_builder.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "kapp/kapp_trust.h"
#include "ktest.h"

void kb_free(kb_bytes_t *b)
{
    free(b->bytes);
    *b = (kb_bytes_t){0};
}

void kb_append(kb_bytes_t *b, const void *bytes, uint32_t size)
{
    if (b->room - b->size < size) {
        b->room = (b->size + size) * 2;
        b->bytes = realloc(b->bytes, b->room);
        KTEST_CHECK(b->bytes != NULL);
    }
    if (size != 0) {
        memcpy(b->bytes + b->size, bytes, size);
    }
    b->size += size;
}

void kb_u8(kb_bytes_t *b, unsigned value)
{
    const uint8_t byte = (uint8_t)value;
    kb_append(b, &byte, 1);
}

void kb_u16(kb_bytes_t *b, unsigned value)
{
    kb_u8(b, value & 0xFF);
    kb_u8(b, value >> 8 & 0xFF);
}

void kb_u32(kb_bytes_t *b, uint32_t value)
{
    kb_u16(b, value & 0xFFFF);
    kb_u16(b, value >> 16);
}

void kb_zeros(kb_bytes_t *b, uint32_t size)
{
    for (uint32_t i = 0; i < size; i++) {
        kb_u8(b, 0);
    }
}

void kb_align(kb_bytes_t *b, uint32_t to)
{
    kb_zeros(b, (to - b->size % to) % to);
}

void kb_field(kb_bytes_t *manifest, unsigned number, const void *bytes, uint32_t size)
{
    kb_u16(manifest, number);
    kb_u16(manifest, size);
    kb_append(manifest, bytes, size);
}

static void manifest_base(kb_bytes_t *manifest, const char *id, const char *name, unsigned major,
                          bool stores)
{
    const uint8_t version[6] = {(uint8_t)major, 0, 2, 0, 3, 0};
    static const uint8_t task[14] = {0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5, 0};
    static const uint8_t interfaces[12] = {KAPP_GROUP_CORE,    0, 1, 0, 0, 0,
                                           KAPP_GROUP_STORAGE, 0, 1, 0, 0, 0};
    kb_field(manifest, 1, id, (uint32_t)strlen(id));
    kb_field(manifest, 2, name, (uint32_t)strlen(name));
    kb_field(manifest, 3, version, sizeof(version));
    kb_field(manifest, 6, task, sizeof(task));
    kb_field(manifest, 7, interfaces, stores ? 12 : 6);
}

void kb_manifest(kb_bytes_t *manifest, const char *name)
{
    char id[KAPP_ID_MAX + 1] = "org.example.";
    strcat(id, name);
    kb_manifest_of(manifest, id, name, 1);
}

void kb_manifest_of(kb_bytes_t *manifest, const char *id, const char *name, unsigned major)
{
    manifest_base(manifest, id, name, major, false);
}

void kb_manifest_storing(kb_bytes_t *manifest, const char *id, const char *name, unsigned major)
{
    static const uint8_t permissions[4] = {1u << KAPP_GROUP_STORAGE, 0, 0, 0};
    manifest_base(manifest, id, name, major, true);
    kb_field(manifest, 8, permissions, sizeof(permissions));
}

void kb_section_raw(kb_package_t *p, unsigned type, unsigned flags, unsigned target,
                    const void *stored, uint32_t stored_size, uint32_t size)
{
    kb_u8(&p->table, type);
    kb_u8(&p->table, flags);
    kb_u16(&p->table, target);
    kb_u32(&p->table, stored_size);
    kb_u32(&p->table, size);
    kb_append(&p->content, stored, stored_size);
    kb_align(&p->content, 4);
    p->count++;
}

void kb_section(kb_package_t *p, kapp_section_type_t type, unsigned target, const void *bytes,
                uint32_t size, int level)
{
    if (level < 0) {
        kb_section_raw(p, type, 0, target, bytes, size, size);
        return;
    }
    uLongf room = compressBound(size);
    uint8_t *stored = malloc(room);
    KTEST_CHECK(stored != NULL && compress2(stored, &room, bytes, size, level) == Z_OK);
    kb_section_raw(p, type, 1, target, stored, (uint32_t)room, size);
    free(stored);
}

void kb_key_make(kb_key_t *key)
{
    size_t length = 0;
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    psa_set_key_type(&attributes, PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1));
    psa_set_key_bits(&attributes, 256);
    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_SIGN_HASH);
    psa_set_key_algorithm(&attributes, PSA_ALG_ECDSA(PSA_ALG_SHA_256));
    KTEST_CHECK(psa_generate_key(&attributes, &key->id) == PSA_SUCCESS);
    KTEST_CHECK(psa_export_public_key(key->id, key->public_key, sizeof(key->public_key), &length) ==
                PSA_SUCCESS);
    KTEST_CHECK(length == sizeof(key->public_key));
}

void kb_key_free(kb_key_t *key)
{
    KTEST_CHECK(psa_destroy_key(key->id) == PSA_SUCCESS);
}

void kb_sign(kb_bytes_t *package, const kb_key_t *key)
{
    size_t length = 0;
    uint8_t hash[32];
    uint8_t *block = package->bytes + package->size - 100;
    block[0] = 1;
    block[1] = 0;
    block[2] = 64;
    block[3] = 0;
    KTEST_CHECK(kapp_key_id(key->public_key, block + 4) == ESP_OK);
    KTEST_CHECK(psa_hash_compute(PSA_ALG_SHA_256, package->bytes, package->size - 64, hash,
                                 sizeof(hash), &length) == PSA_SUCCESS);
    KTEST_CHECK(psa_sign_hash(key->id, PSA_ALG_ECDSA(PSA_ALG_SHA_256), hash, sizeof(hash),
                              block + 36, 64, &length) == PSA_SUCCESS);
    KTEST_CHECK(length == 64);
}

kb_bytes_t kb_finish(kb_package_t *p, const kb_key_t *key)
{
    kb_bytes_t out = {0};
    kb_append(&out, "KAPP", 4);
    kb_u16(&out, 1);
    kb_u16(&out, 20);
    kb_u32(&out, 20 + p->table.size + p->content.size + 100);
    kb_u16(&out, p->count);
    kb_u16(&out, 12);
    kb_u32(&out, 0);
    kb_append(&out, p->table.bytes, p->table.size);
    kb_append(&out, p->content.bytes, p->content.size);
    kb_zeros(&out, 100);
    if (key != NULL) {
        kb_sign(&out, key);
    }
    kb_free(&p->table);
    kb_free(&p->content);
    *p = (kb_package_t){0};
    return out;
}
