/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief The Security Manager (Core Specification, Vol 3 Part H): pairing with a passkey, both
 *        sides, by LE Secure Connections; LE legacy pairing if the owner allows it. Nothing else is
 *        accepted: what nobody compared is not safe.
 *
 * For radios that bring no host stack along. Every byte of a PDU is hostile.
 * @context one task per object  @blocks never
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SMP_PDU     65 /* the longest one: a public key (3.5.6) */
#define SMP_PUBLIC  64 /* bytes of a public key: x, y */
#define SMP_PRIVATE 32

#define SMP_FAILURES         3    /* then no more on this connection (2.3.6) */
#define SMP_SECURITY_REQUEST 0x0b /* a PDU: the peripheral asks for encryption (3.6.7) */

/** Why it failed (3.5.5). */
enum {
    SMP_PASSKEY_ENTRY_FAILED = 0x01,
    SMP_AUTHENTICATION_REQUIREMENTS = 0x03,
    SMP_CONFIRM_VALUE_FAILED = 0x04,
    SMP_NOT_SUPPORTED = 0x05,
    SMP_KEY_SIZE = 0x06,
    SMP_COMMAND_NOT_SUPPORTED = 0x07,
    SMP_UNSPECIFIED = 0x08,
    SMP_REPEATED_ATTEMPTS = 0x09,
    SMP_INVALID_PARAMETERS = 0x0a,
    SMP_DHKEY_CHECK_FAILED = 0x0b,
};

/** AES-128 of one block; most significant byte first. */
typedef bool (*smp_cipher_t)(const uint8_t key[16], const uint8_t in[16], uint8_t out[16]);

typedef struct {
    smp_cipher_t cipher;
    void (*random)(void *out, size_t size);
    /** A new pair of keys on P-256; numbers least significant byte first. */
    bool (*key_pair)(uint8_t own[SMP_PRIVATE], uint8_t public[SMP_PUBLIC]);
    /** What both sides then know. @return false: that is no point of the curve */
    bool (*shared)(const uint8_t own[SMP_PRIVATE], const uint8_t peer[SMP_PUBLIC],
                   uint8_t out[SMP_PRIVATE]);
    /** Peers that know no Secure Connections may pair as well: whoever overhears that has the key.
     */
    bool legacy;
} smp_ops_t;

/** What the last call came to. */
typedef enum {
    SMP_GOING_ON = 0,
    SMP_SHOW_PASSKEY, /* passkey */
    SMP_WANT_PASSKEY, /* smp_passkey() */
    SMP_KEY,          /* key: encrypt with it; bond: and next time again */
    SMP_FAILED,       /* reason */
} smp_result_t;

/** A device's address as pairing mixes it in. */
typedef struct {
    uint8_t random; /* 0 or 1 */
    uint8_t bytes[6];
} smp_address_t;

typedef struct {
    const smp_ops_t *ops;
    smp_address_t initiator;
    smp_address_t responder;
    bool initiates;
    bool secure; /* by Secure Connections */
    bool bond;
    uint8_t state;
    uint8_t failures;
    uint8_t reason;
    uint8_t round; /* bit of the passkey that is compared */
    uint32_t passkey;
    uint8_t request[7];
    uint8_t response[7];
    uint8_t own[16]; /* random numbers */
    uint8_t theirs[16];
    uint8_t confirm[16];
    uint8_t key[16];
    uint8_t mac_key[16];
    uint8_t own_private[SMP_PRIVATE];
    uint8_t own_public[SMP_PUBLIC];
    uint8_t peer_public[SMP_PUBLIC];
    uint8_t shared[SMP_PRIVATE];
} smp_t;

void smp_begin(smp_t *smp, const smp_ops_t *ops, bool initiates, const smp_address_t *own,
               const smp_address_t *peer);
/** Start pairing. @return size of the PDU to send; 0: it is under way */
size_t smp_start(smp_t *smp, uint8_t pdu[SMP_PDU]);
/** Hear one. @return size of the PDU to send; 0: none */
size_t smp_hear(smp_t *smp, const uint8_t *data, size_t size, uint8_t pdu[SMP_PDU],
                smp_result_t *result);
/** What was asked for by SMP_WANT_PASSKEY. @return size of the PDU to send; 0: nobody asked */
size_t smp_passkey(smp_t *smp, uint32_t passkey, uint8_t pdu[SMP_PDU]);
/** It takes too long: give up. */
void smp_abandon(smp_t *smp);
/** No secret is kept longer than it is needed: whoever has taken the key calls this. */
void smp_forget(smp_t *smp);
bool smp_is_going_on(const smp_t *smp);

/* ---- smp_toolbox.c: functions of the cryptographic toolbox (2.2), values least significant byte
 * first; each returns false when the cipher does ---- */

bool smp_c1(smp_cipher_t cipher, const uint8_t k[16], const uint8_t r[16], const uint8_t preq[7],
            const uint8_t pres[7], const smp_address_t *initiator, const smp_address_t *responder,
            uint8_t out[16]);
bool smp_s1(smp_cipher_t cipher, const uint8_t k[16], const uint8_t r1[16], const uint8_t r2[16],
            uint8_t out[16]);
bool smp_f4(smp_cipher_t cipher, const uint8_t u[32], const uint8_t v[32], const uint8_t x[16],
            uint8_t z, uint8_t out[16]);
bool smp_f5(smp_cipher_t cipher, const uint8_t w[32], const uint8_t n1[16], const uint8_t n2[16],
            const smp_address_t *a1, const smp_address_t *a2, uint8_t mac_key[16], uint8_t ltk[16]);
bool smp_f6(smp_cipher_t cipher, const uint8_t w[16], const uint8_t n1[16], const uint8_t n2[16],
            const uint8_t r[16], const uint8_t io_cap[3], const smp_address_t *a1,
            const smp_address_t *a2, uint8_t out[16]);
/** The six digits that two people compare. */
bool smp_g2(smp_cipher_t cipher, const uint8_t u[32], const uint8_t v[32], const uint8_t x[16],
            const uint8_t y[16], uint32_t *out);
