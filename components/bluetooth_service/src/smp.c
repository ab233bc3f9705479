/* SPDX-License-Identifier: Apache-2.0 */
/* Pairing with a passkey: who is asked shows it, who asks has it entered. */
#include "smp.h"

#include <string.h>

enum { /* 3.3: codes of PDUs */
    PAIRING_REQUEST = 0x01,
    PAIRING_RESPONSE = 0x02,
    PAIRING_CONFIRM = 0x03,
    PAIRING_RANDOM = 0x04,
    PAIRING_FAILED = 0x05,
    SECURITY_REQUEST = 0x0b,
};

#define DISPLAY_ONLY     0x00 /* 3.5.1, Table 3.4: capabilities */
#define KEYBOARD_ONLY    0x02
#define KEYBOARD_DISPLAY 0x04
#define AUTH_MITM        0x04 /* 3.5.1, Figure 3.3: of AuthReq */
#define KEY_SIZE         16   /* no shorter one */
#define PASSKEYS         1000000u
#define FAILURES         3 /* then no more on this connection (2.3.6) */

enum {
    IDLE = 0,
    WAITS_RESPONSE,
    WAITS_PASSKEY, /* of people */
    WAITS_CONFIRM,
    WAITS_RANDOM,
    DONE,
};

void smp_begin(smp_t *smp, const smp_ops_t *ops, bool initiates, const smp_address_t *own,
               const smp_address_t *peer)
{
    *smp = (smp_t){
        .ops = ops,
        .initiates = initiates,
        .initiator = initiates ? *own : *peer,
        .responder = initiates ? *peer : *own,
    };
}

bool smp_is_going_on(const smp_t *smp)
{
    return smp->state != IDLE && smp->state != DONE;
}

void smp_abandon(smp_t *smp)
{
    smp->state = IDLE;
}

/* ---- the toolbox -------------------------------------------------------------------------------
 */

/** The cipher counts bytes from the other end. */
static bool encrypt(smp_cipher_t cipher, const uint8_t key[16], uint8_t block[16])
{
    uint8_t k[16], in[16], out[16];
    for (unsigned i = 0; i < 16; i++) {
        k[i] = key[15 - i];
        in[i] = block[15 - i];
    }
    const bool done = cipher(k, in, out);
    for (unsigned i = 0; done && i < 16; i++) {
        block[i] = out[15 - i];
    }
    return done;
}

static void xor16(uint8_t to[16], const uint8_t with[16])
{
    for (unsigned i = 0; i < 16; i++) {
        to[i] ^= with[i];
    }
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

static void temporary_key(const smp_t *smp, uint8_t key[16])
{
    memset(key, 0, 16);
    for (unsigned i = 0; i < 4; i++) {
        key[i] = (uint8_t)(smp->passkey >> (8 * i));
    }
}

static bool confirm_of(const smp_t *smp, const uint8_t random[16], uint8_t out[16])
{
    uint8_t key[16];
    temporary_key(smp, key);
    return smp_c1(smp->ops->cipher, key, random, smp->request, smp->response, &smp->initiator,
                  &smp->responder, out);
}

/* ---- PDUs --------------------------------------------------------------------------------------
 */

static size_t fail(smp_t *smp, uint8_t reason, uint8_t pdu[SMP_PDU], smp_result_t *result)
{
    smp->state = IDLE;
    smp->reason = reason;
    smp->failures += smp->failures < FAILURES ? 1 : 0;
    *result = SMP_FAILED;
    pdu[0] = PAIRING_FAILED;
    pdu[1] = reason;
    return 2;
}

static size_t describe(uint8_t code, uint8_t capability, uint8_t own[7], uint8_t pdu[SMP_PDU])
{
    const uint8_t us[7] = {code, capability, 0 /* no OOB data */, AUTH_MITM, KEY_SIZE, 0, 0};
    memcpy(own, us, sizeof(us));
    memcpy(pdu, us, sizeof(us));
    return sizeof(us);
}

static size_t send_confirm(smp_t *smp, uint8_t next, uint8_t pdu[SMP_PDU], smp_result_t *result)
{
    smp->ops->random(smp->own, sizeof(smp->own));
    if (!confirm_of(smp, smp->own, pdu + 1)) {
        return fail(smp, SMP_UNSPECIFIED, pdu, result);
    }
    pdu[0] = PAIRING_CONFIRM;
    smp->state = next;
    return 17;
}

static size_t send_random(const smp_t *smp, uint8_t pdu[SMP_PDU])
{
    pdu[0] = PAIRING_RANDOM;
    memcpy(pdu + 1, smp->own, 16);
    return 17;
}

/** Key size and whether somebody is in the middle; the peer's keyboard or display is the caller's
 *  to look at. @return 0, or why not */
static uint8_t judge(const uint8_t *data)
{
    if (data[4] < 7 || data[4] > 16 || data[1] > KEYBOARD_DISPLAY || data[2] > 1) {
        return SMP_INVALID_PARAMETERS;
    }
    return data[4] != KEY_SIZE ? SMP_KEY_SIZE : 0;
}

static size_t hear_request(smp_t *smp, const uint8_t *data, size_t size, uint8_t pdu[SMP_PDU],
                           smp_result_t *result)
{
    uint8_t reason = size != 7 ? SMP_INVALID_PARAMETERS : judge(data);
    if (smp->initiates) {
        reason = SMP_COMMAND_NOT_SUPPORTED;
    } else if (smp->failures == FAILURES) {
        reason = SMP_REPEATED_ATTEMPTS;
    } else if (reason == 0 && data[1] != KEYBOARD_ONLY && data[1] != KEYBOARD_DISPLAY) {
        reason = SMP_AUTHENTICATION_REQUIREMENTS; /* Table 2.8: nobody can enter what we show */
    }
    if (reason != 0) {
        return fail(smp, reason, pdu, result);
    }
    memcpy(smp->request, data, 7);
    smp->ops->random(&smp->passkey, sizeof(smp->passkey));
    smp->passkey %= PASSKEYS;
    smp->state = WAITS_CONFIRM;
    *result = SMP_SHOW_PASSKEY;
    return describe(PAIRING_RESPONSE, DISPLAY_ONLY, smp->response, pdu);
}

static size_t hear_response(smp_t *smp, const uint8_t *data, size_t size, uint8_t pdu[SMP_PDU],
                            smp_result_t *result)
{
    uint8_t reason = size != 7 ? SMP_INVALID_PARAMETERS : judge(data);
    if (reason == 0 && data[1] != DISPLAY_ONLY && data[1] != 1 /* DisplayYesNo */) {
        reason = SMP_AUTHENTICATION_REQUIREMENTS; /* Table 2.8: it does not show a passkey */
    }
    if (reason != 0) {
        return fail(smp, reason, pdu, result);
    }
    memcpy(smp->response, data, 7);
    smp->state = WAITS_PASSKEY;
    *result = SMP_WANT_PASSKEY;
    return 0;
}

static size_t hear_confirm(smp_t *smp, const uint8_t *data, uint8_t pdu[SMP_PDU],
                           smp_result_t *result)
{
    memcpy(smp->confirm, data + 1, 16);
    if (smp->initiates) {
        smp->state = WAITS_RANDOM;
        return send_random(smp, pdu);
    }
    return send_confirm(smp, WAITS_RANDOM, pdu, result);
}

static size_t hear_random(smp_t *smp, const uint8_t *data, uint8_t pdu[SMP_PDU],
                          smp_result_t *result)
{
    uint8_t key[16], expected[16];
    const uint8_t *srand = smp->initiates ? data + 1 : smp->own;
    const uint8_t *mrand = smp->initiates ? smp->own : data + 1;
    if (!confirm_of(smp, data + 1, expected)) {
        return fail(smp, SMP_UNSPECIFIED, pdu, result);
    }
    uint8_t differs = 0;
    for (unsigned i = 0; i < 16; i++) {
        differs |= (uint8_t)(expected[i] ^ smp->confirm[i]);
    }
    if (differs != 0) {
        return fail(smp, SMP_CONFIRM_VALUE_FAILED, pdu, result);
    }
    temporary_key(smp, key);
    if (!smp_s1(smp->ops->cipher, key, srand, mrand, smp->stk)) {
        return fail(smp, SMP_UNSPECIFIED, pdu, result);
    }
    smp->state = DONE;
    *result = SMP_KEY;
    return smp->initiates ? 0 : send_random(smp, pdu);
}

static size_t hear_failed(smp_t *smp, const uint8_t *data, size_t size, smp_result_t *result)
{
    if (smp_is_going_on(smp)) {
        smp->state = IDLE;
        smp->failures += smp->failures < FAILURES ? 1 : 0;
        smp->reason = size > 1 ? data[1] : SMP_UNSPECIFIED;
        *result = SMP_FAILED;
    }
    return 0;
}

/* ---- the two ends of it ------------------------------------------------------------------------
 */

size_t smp_start(smp_t *smp, uint8_t pdu[SMP_PDU])
{
    if (smp_is_going_on(smp)) {
        return 0;
    }
    if (!smp->initiates) { /* only the central pairs: ask it to (3.6.7) */
        pdu[0] = SECURITY_REQUEST;
        pdu[1] = AUTH_MITM;
        return 2;
    }
    smp->state = WAITS_RESPONSE;
    return describe(PAIRING_REQUEST, KEYBOARD_DISPLAY, smp->request, pdu);
}

size_t smp_passkey(smp_t *smp, uint32_t passkey, uint8_t pdu[SMP_PDU])
{
    smp_result_t result;
    if (smp->state != WAITS_PASSKEY || passkey >= PASSKEYS) {
        return 0;
    }
    smp->passkey = passkey;
    return send_confirm(smp, WAITS_CONFIRM, pdu, &result);
}

size_t smp_hear(smp_t *smp, const uint8_t *data, size_t size, uint8_t pdu[SMP_PDU],
                smp_result_t *result)
{
    *result = SMP_GOING_ON;
    if (size == 0) {
        return 0;
    }
    switch (data[0]) {
    case PAIRING_REQUEST:
        return hear_request(smp, data, size, pdu, result);
    case PAIRING_RESPONSE:
        if (smp->state == WAITS_RESPONSE) {
            return hear_response(smp, data, size, pdu, result);
        }
        break;
    case PAIRING_CONFIRM:
        if (smp->state == WAITS_CONFIRM && size == 17) {
            return hear_confirm(smp, data, pdu, result);
        }
        break;
    case PAIRING_RANDOM:
        if (smp->state == WAITS_RANDOM && size == 17) {
            return hear_random(smp, data, pdu, result);
        }
        break;
    case PAIRING_FAILED:
        return hear_failed(smp, data, size, result);
    case SECURITY_REQUEST:
        return smp->initiates ? smp_start(smp, pdu) : 0;
    default:
        break; /* keys and others: we have asked for none */
    }
    /* Something out of turn. */
    return smp_is_going_on(smp) ? fail(smp, SMP_UNSPECIFIED, pdu, result) : 0;
}
