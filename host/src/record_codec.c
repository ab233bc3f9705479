// SPDX-License-Identifier: Apache-2.0

// Records and the file header as bytes.

#include <stdio.h>
#include <string.h>
#include "esp_app_desc.h"
#include "esp_rom_crc.h"
#include "record_format.h"

#define VARINT_MAX 10

static const uint8_t s_values[RECORD_KINDS] = {
    [RECORD_BOOT] = BOOT_VALUES,
    [RECORD_FLASH] = 1,
    [RECORD_CHANNEL] = 1,
    [RECORD_INPUT] = 1,
    [RECORD_RANDOM] = 1,
    [RECORD_TYPE] = 1,
    [RECORD_OWNER] = 1,
    [RECORD_DELIVERED] = EVENT_VALUES,
    [RECORD_HANDLED] = EVENT_VALUES,
    [RECORD_END] = END_VALUES,
};
_Static_assert(BOOT_VALUES <= RECORD_VALUES_MAX, "room for the values of a boot");

unsigned record_values(unsigned kind)
{
    return kind < RECORD_KINDS ? s_values[kind] : 0;
}

bool record_is_event(unsigned kind)
{
    return kind == RECORD_DELIVERED || kind == RECORD_HANDLED;
}

bool record_has_bytes(unsigned kind)
{
    return !record_is_event(kind) && kind != RECORD_BOOT && kind != RECORD_END;
}

static size_t put_varint(uint8_t *to, uint64_t value)
{
    size_t n = 0;
    while (value >= 0x80u) {
        to[n++] = (uint8_t)(value | 0x80u);
        value >>= 7;
    }
    to[n++] = (uint8_t)value;
    return n;
}

/** @return its length, 0 if it does not end within size or within 64 bits */
static size_t get_varint(const uint8_t *from, size_t size, uint64_t *value)
{
    *value = 0;
    for (size_t n = 0; n < size && n < VARINT_MAX; n++) {
        const uint64_t bits = from[n] & 0x7fu;
        if (n == VARINT_MAX - 1 && bits > 1) {
            return 0;
        }
        *value |= bits << (7 * n);
        if ((from[n] & 0x80u) == 0) {
            return n + 1;
        }
    }
    return 0;
}

size_t record_encode(const record_t *r, uint64_t before, uint8_t *to)
{
    size_t at = 0;
    to[at++] = r->kind;
    at += put_varint(to + at, r->time_us - before);
    for (unsigned i = 0; i < record_values(r->kind); i++) {
        at += put_varint(to + at, r->value[i]);
    }
    if (record_has_bytes(r->kind)) {
        at += put_varint(to + at, r->size);
        if (r->size != 0) {
            memcpy(to + at, r->bytes, r->size);
        }
        at += r->size;
    }
    return at;
}

size_t record_decode(const uint8_t *from, size_t size, uint64_t before, record_t *r)
{
    size_t at = 1;
    if (size == 0 || record_values(from[0]) == 0) {
        return 0;
    }
    *r = (record_t){.kind = from[0], .count = (uint8_t)record_values(from[0])};
    for (unsigned i = 0; i <= r->count; i++) {
        uint64_t *value = i == 0 ? &r->time_us : &r->value[i - 1];
        const size_t n = get_varint(from + at, size - at, value);
        if (n == 0) {
            return 0;
        }
        at += n;
    }
    r->time_us += before;
    if (record_has_bytes(r->kind)) {
        uint64_t length;
        const size_t n = get_varint(from + at, size - at, &length);
        if (n == 0 || length > RECORD_BYTES_MAX || length > size - at - n) {
            return 0;
        }
        r->bytes = from + at + n;
        r->size = (uint32_t)length;
        at += n + r->size;
    }
    return at;
}

bool record_same(const record_t *a, const record_t *b)
{
    return a->kind == b->kind && a->time_us == b->time_us && a->size == b->size &&
           memcmp(a->value, b->value, record_values(a->kind) * sizeof(a->value[0])) == 0 &&
           (a->size == 0 || memcmp(a->bytes, b->bytes, a->size) == 0);
}

uint64_t record_digest(uint64_t digest, const record_t *r)
{
    digest = (digest ^ (r->time_us << 8 | r->kind)) * 0x100000001b3u;
    for (unsigned i = 0; i < record_values(r->kind); i++) {
        digest = (digest ^ r->value[i]) * 0x100000001b3u;
        digest ^= digest >> 29;
    }
    return digest;
}

void record_put32(uint8_t *to, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++) {
        to[i] = (uint8_t)(value >> (8 * i));
    }
}

uint32_t record_get32(const uint8_t *from)
{
    return from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 | (uint32_t)from[3] << 24;
}

// ---- the header of the file: magic 8, version 2, its size 2, zero 4, build 32, flavour 12, CRC 4
// --

#define AT_VERSION 8
#define AT_SIZE    10
#define AT_BUILD   16
#define AT_FLAVOUR 48
#define AT_CRC     60

void record_header_make(uint8_t header[RECORD_HEADER])
{
    memset(header, 0, RECORD_HEADER);
    memcpy(header, RECORD_MAGIC, sizeof(RECORD_MAGIC) - 1);
    header[AT_VERSION] = RECORD_VERSION;
    header[AT_SIZE] = RECORD_HEADER;
    memcpy(header + AT_BUILD, esp_app_get_description()->app_elf_sha256, RECORD_BUILD_BYTES);
    memcpy(header + AT_FLAVOUR, HOST_FLAVOUR, sizeof(HOST_FLAVOUR) - 1);
    _Static_assert(sizeof(HOST_FLAVOUR) - 1 <= RECORD_FLAVOUR_MAX, "the flavour's name fits");
    record_put32(header + AT_CRC, esp_rom_crc32_le(0, header, AT_CRC));
}

header_verdict_t record_header_check(const uint8_t header[RECORD_HEADER])
{
    uint8_t own[RECORD_HEADER];
    record_header_make(own);
    if (memcmp(header, own, AT_VERSION) != 0) {
        return HEADER_FOREIGN;
    }
    if (memcmp(header + AT_VERSION, own + AT_VERSION, 2) != 0) {
        return HEADER_VERSION; // of which even the checksum may lie elsewhere
    }
    if (record_get32(header + AT_CRC) != esp_rom_crc32_le(0, header, AT_CRC)) {
        return HEADER_DAMAGED;
    }
    return memcmp(header, own, RECORD_HEADER) == 0 ? HEADER_FINE : HEADER_OTHER_BUILD;
}
