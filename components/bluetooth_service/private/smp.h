/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief The Security Manager (Core Specification, Vol 3 Part H): pairing with a passkey, LE legacy
 *        style, both sides. Nothing else is accepted: what nobody compared is not safe.
 *
 * For radios that bring no host stack along. Every byte of a PDU is hostile.
 * @context one task per object  @blocks never
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SMP_PDU 17 /* the longest one */

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
};

/** AES-128 of one block; most significant byte first. */
typedef bool (*smp_cipher_t)(const uint8_t key[16], const uint8_t in[16], uint8_t out[16]);

typedef struct {
    smp_cipher_t cipher;
    void (*random)(void *out, size_t size);
} smp_ops_t;

/** What the last call came to. */
typedef enum {
    SMP_GOING_ON = 0,
    SMP_SHOW_PASSKEY, /* passkey */
    SMP_WANT_PASSKEY, /* smp_passkey() */
    SMP_KEY,          /* stk: encrypt with it */
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
    uint8_t state;
    uint8_t failures;
    uint8_t reason;
    uint32_t passkey;
    uint8_t request[7];
    uint8_t response[7];
    uint8_t own[16]; /* random number */
    uint8_t confirm[16];
    uint8_t stk[16];
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
bool smp_is_going_on(const smp_t *smp);

/* ---- functions of the cryptographic toolbox (2.2), values least significant byte first ---- */

bool smp_c1(smp_cipher_t cipher, const uint8_t k[16], const uint8_t r[16], const uint8_t preq[7],
            const uint8_t pres[7], const smp_address_t *initiator, const smp_address_t *responder,
            uint8_t out[16]);
bool smp_s1(smp_cipher_t cipher, const uint8_t k[16], const uint8_t r1[16], const uint8_t r2[16],
            uint8_t out[16]);
