/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cryptographic toolbox of pairing (Vol 3 Part H 2.2). Values come and go as on the air, least
 * significant byte first; inside they are as the specification writes them, the other way round.
 */
#include <string.h>

#include "smp.h"

#define MESSAGE_MAX 80 /* f6 has 65 */

static void turn(uint8_t *out, const uint8_t *in, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        out[i] = in[size - 1 - i];
    }
}

static void xor16(uint8_t to[16], const uint8_t with[16])
{
    for (unsigned i = 0; i < 16; i++) {
        to[i] ^= with[i];
    }
}

/* ---- LE legacy pairing -------------------------------------------------------------------------
 */

/** e (2.2.1) */
static bool encrypt(smp_cipher_t cipher, const uint8_t key[16], uint8_t block[16])
{
    uint8_t k[16], in[16], out[16];
    turn(k, key, 16);
    turn(in, block, 16);
    const bool done = cipher(k, in, out);
    if (done) {
        turn(block, out, 16);
    }
    explicit_bzero(k, sizeof(k));
    explicit_bzero(out, sizeof(out));
    return done;
}

bool smp_c1(smp_cipher_t cipher, const uint8_t k[16], const uint8_t r[16], const uint8_t preq[7],
            const uint8_t pres[7], const smp_address_t *initiator, const smp_address_t *responder,
            uint8_t out[16])
{
    uint8_t p1[16] = {initiator->random, responder->random};
    uint8_t p2[16] = {0};
    memcpy(p1 + 2, preq, 7);
    memcpy(p1 + 9, pres, 7);
    memcpy(p2, responder->bytes, 6);
    memcpy(p2 + 6, initiator->bytes, 6);
    memcpy(out, r, 16);
    xor16(out, p1);
    if (!encrypt(cipher, k, out)) {
        return false;
    }
    xor16(out, p2);
    return encrypt(cipher, k, out);
}

bool smp_s1(smp_cipher_t cipher, const uint8_t k[16], const uint8_t r1[16], const uint8_t r2[16],
            uint8_t out[16])
{
    memcpy(out, r2, 8);
    memcpy(out + 8, r1, 8);
    return encrypt(cipher, k, out);
}

/* ---- AES-CMAC (2.2.5, RFC 4493), most significant byte first ------------------------------------
 */

/** Times x in GF(2^128). */
static void double_it(uint8_t block[16])
{
    const uint8_t carry = (uint8_t)(block[0] >> 7);
    for (unsigned i = 0; i < 15; i++) {
        block[i] = (uint8_t)(block[i] << 1 | block[i + 1] >> 7);
    }
    block[15] = (uint8_t)(block[15] << 1 ^ (carry != 0 ? 0x87 : 0));
}

/** @param size 1 and up */
static bool cmac(smp_cipher_t cipher, const uint8_t key[16], const uint8_t *message, size_t size,
                 uint8_t out[16])
{
    uint8_t subkey[16], block[16] = {0}, last[16] = {0};
    const uint8_t zero[16] = {0};
    const size_t before = (size - 1) / 16 * 16; /* bytes of whole blocks before the last one */
    if (!cipher(key, zero, subkey)) {
        return false;
    }
    double_it(subkey);
    memcpy(last, message + before, size - before);
    if (size - before < 16) {
        last[size - before] = 0x80;
        double_it(subkey);
    }
    xor16(last, subkey);
    for (size_t at = 0; at < before; at += 16) {
        xor16(block, message + at);
        if (!cipher(key, block, out)) {
            return false;
        }
        memcpy(block, out, 16);
    }
    xor16(block, last);
    return cipher(key, block, out);
}

/* ---- LE Secure Connections ---------------------------------------------------------------------
 */

/* A message that grows, most significant byte first. */
typedef struct {
    size_t size;
    uint8_t bytes[MESSAGE_MAX];
} message_t;

static void add(message_t *message, const uint8_t *value, size_t size)
{
    turn(message->bytes + message->size, value, size);
    message->size += size;
}

static void add_address(message_t *message, const smp_address_t *address)
{
    message->bytes[message->size++] = address->random;
    add(message, address->bytes, 6);
}

/** @param key, out least significant byte first */
static bool cmac_of(smp_cipher_t cipher, const uint8_t key[16], const message_t *message,
                    uint8_t out[16])
{
    uint8_t k[16], mac[16];
    turn(k, key, 16);
    const bool done = cmac(cipher, k, message->bytes, message->size, mac);
    if (done) {
        turn(out, mac, 16);
    }
    explicit_bzero(k, sizeof(k));
    return done;
}

bool smp_f4(smp_cipher_t cipher, const uint8_t u[32], const uint8_t v[32], const uint8_t x[16],
            uint8_t z, uint8_t out[16])
{
    message_t message = {0};
    add(&message, u, 32);
    add(&message, v, 32);
    add(&message, &z, 1);
    return cmac_of(cipher, x, &message, out);
}

bool smp_f5(smp_cipher_t cipher, const uint8_t w[32], const uint8_t n1[16], const uint8_t n2[16],
            const smp_address_t *a1, const smp_address_t *a2, uint8_t mac_key[16], uint8_t ltk[16])
{
    static const uint8_t s_salt[16] = {0x6c, 0x88, 0x83, 0x91, 0xaa, 0xf5, 0xa5, 0x38,
                                       0x60, 0x37, 0x0b, 0xdb, 0x5a, 0x60, 0x83, 0xbe};
    static const uint8_t s_id[4] = {0x65, 0x6c, 0x74, 0x62}; /* "btle" */
    static const uint8_t s_length[2] = {0, 1};               /* 256 bits */
    uint8_t secret[32], t[16], mac[16];
    turn(secret, w, 32);
    bool done = cmac(cipher, s_salt, secret, sizeof(secret), t);
    for (uint8_t counter = 0; counter < 2 && done; counter++) {
        message_t message = {.size = 1, .bytes = {counter}};
        add(&message, s_id, sizeof(s_id));
        add(&message, n1, 16);
        add(&message, n2, 16);
        add_address(&message, a1);
        add_address(&message, a2);
        add(&message, s_length, sizeof(s_length));
        done = cmac(cipher, t, message.bytes, message.size, mac);
        if (done) {
            turn(counter == 0 ? mac_key : ltk, mac, 16);
        }
    }
    explicit_bzero(secret, sizeof(secret));
    explicit_bzero(t, sizeof(t));
    explicit_bzero(mac, sizeof(mac));
    return done;
}

bool smp_f6(smp_cipher_t cipher, const uint8_t w[16], const uint8_t n1[16], const uint8_t n2[16],
            const uint8_t r[16], const uint8_t io_cap[3], const smp_address_t *a1,
            const smp_address_t *a2, uint8_t out[16])
{
    message_t message = {0};
    add(&message, n1, 16);
    add(&message, n2, 16);
    add(&message, r, 16);
    add(&message, io_cap, 3);
    add_address(&message, a1);
    add_address(&message, a2);
    return cmac_of(cipher, w, &message, out);
}

bool smp_g2(smp_cipher_t cipher, const uint8_t u[32], const uint8_t v[32], const uint8_t x[16],
            const uint8_t y[16], uint32_t *out)
{
    message_t message = {0};
    uint8_t mac[16];
    add(&message, u, 32);
    add(&message, v, 32);
    add(&message, y, 16);
    if (!cmac_of(cipher, x, &message, mac)) {
        return false;
    }
    *out = ((uint32_t)mac[0] | (uint32_t)mac[1] << 8 | (uint32_t)mac[2] << 16 |
            (uint32_t)mac[3] << 24) %
           1000000;
    return true;
}
