/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pairing with a passkey: who is asked shows it, who asks has it entered.
 *
 * By Secure Connections (2.3.5.6.3) the two exchange public keys and compare the passkey bit by
 * bit: whoever overhears it learns nothing of the key, and whoever guesses has one try. In LE
 * legacy pairing (2.3.5.5) the passkey itself is the secret.
 */
#include "smp.h"

#include <string.h>

enum { /* 3.3: codes of PDUs */
    PAIRING_REQUEST = 0x01,
    PAIRING_RESPONSE = 0x02,
    PAIRING_CONFIRM = 0x03,
    PAIRING_RANDOM = 0x04,
    PAIRING_FAILED = 0x05,
    PAIRING_PUBLIC_KEY = 0x0c,
    PAIRING_DHKEY_CHECK = 0x0d,
};

#define DISPLAY_ONLY     0x00 /* 3.5.1, Table 3.4: capabilities */
#define DISPLAY_YES_NO   0x01
#define KEYBOARD_ONLY    0x02
#define KEYBOARD_DISPLAY 0x04
#define AUTH_BOND        0x01 /* 3.5.1, Figure 3.3: of AuthReq */
#define AUTH_MITM        0x04
#define AUTH_SECURE      0x08
#define AUTH             (AUTH_BOND | AUTH_MITM | AUTH_SECURE)
#define KEY_SIZE         16 /* no shorter one */
#define PASSKEYS         1000000u
#define ROUNDS           20 /* bits of a passkey */

enum {
    IDLE = 0,
    WAITS_RESPONSE,
    WAITS_PUBLIC_KEY,
    WAITS_PASSKEY, /* of people */
    WAITS_CONFIRM,
    WAITS_RANDOM,
    WAITS_CHECK,
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

void smp_forget(smp_t *smp)
{
    explicit_bzero(&smp->passkey, sizeof(smp->passkey));
    explicit_bzero(smp->own, sizeof(smp->own));
    explicit_bzero(smp->theirs, sizeof(smp->theirs));
    explicit_bzero(smp->key, sizeof(smp->key));
    explicit_bzero(smp->mac_key, sizeof(smp->mac_key));
    explicit_bzero(smp->own_private, sizeof(smp->own_private));
    explicit_bzero(smp->shared, sizeof(smp->shared));
}

void smp_abandon(smp_t *smp)
{
    smp->state = IDLE;
    smp_forget(smp);
}

/* ---- keys --------------------------------------------------------------------------------------
 */

/** The passkey as a number of 128 bits: the temporary key of legacy pairing, r of Secure
 *  Connections. */
static void passkey_value(const smp_t *smp, uint8_t out[16])
{
    memset(out, 0, 16);
    for (unsigned i = 0; i < 4; i++) {
        out[i] = (uint8_t)(smp->passkey >> (8 * i));
    }
}

/** What commits to a random number: ours, or the peer's once it is known. */
static bool confirm_of(const smp_t *smp, bool ours, const uint8_t random[16], uint8_t out[16])
{
    if (smp->secure) {
        const uint8_t bit = (uint8_t)(0x80 | (smp->passkey >> smp->round & 1));
        return smp_f4(smp->ops->cipher, ours ? smp->own_public : smp->peer_public,
                      ours ? smp->peer_public : smp->own_public, random, bit, out);
    }
    uint8_t key[16];
    passkey_value(smp, key);
    const bool done = smp_c1(smp->ops->cipher, key, random, smp->request, smp->response,
                             &smp->initiator, &smp->responder, out);
    explicit_bzero(key, sizeof(key));
    return done;
}

/** What proves, after all rounds, that both saw the same conversation (2.3.5.6.5). */
static bool check_of(const smp_t *smp, bool ours, uint8_t out[16])
{
    const bool first = ours == smp->initiates; /* the initiator's */
    const smp_address_t *from = first ? &smp->initiator : &smp->responder;
    const smp_address_t *to = first ? &smp->responder : &smp->initiator;
    uint8_t passkey[16];
    passkey_value(smp, passkey);
    const bool done = smp_f6(smp->ops->cipher, smp->mac_key, ours ? smp->own : smp->theirs,
                             ours ? smp->theirs : smp->own, passkey,
                             (first ? smp->request : smp->response) + 1, from, to, out);
    explicit_bzero(passkey, sizeof(passkey));
    return done;
}

/** Both random numbers of the last round are known: the keys follow. */
static bool derive(smp_t *smp)
{
    const uint8_t *first = smp->initiates ? smp->own : smp->theirs;
    const uint8_t *second = smp->initiates ? smp->theirs : smp->own;
    if (smp->secure) {
        return smp_f5(smp->ops->cipher, smp->shared, first, second, &smp->initiator,
                      &smp->responder, smp->mac_key, smp->key);
    }
    uint8_t key[16];
    passkey_value(smp, key);
    const bool done = smp_s1(smp->ops->cipher, key, second, first, smp->key);
    explicit_bzero(key, sizeof(key));
    return done;
}

static bool differ(const uint8_t *one, const uint8_t *other, size_t size)
{
    uint8_t differs = 0;
    for (size_t i = 0; i < size; i++) { /* all of it: how long it takes tells nothing */
        differs |= (uint8_t)(one[i] ^ other[i]);
    }
    return differs != 0;
}

/* ---- PDUs --------------------------------------------------------------------------------------
 */

static void failed(smp_t *smp, uint8_t reason, smp_result_t *result)
{
    smp_abandon(smp);
    smp->reason = reason;
    smp->failures += smp->failures < SMP_FAILURES ? 1 : 0;
    *result = SMP_FAILED;
}

static size_t fail(smp_t *smp, uint8_t reason, uint8_t pdu[SMP_PDU], smp_result_t *result)
{
    failed(smp, reason, result);
    pdu[0] = PAIRING_FAILED;
    pdu[1] = reason;
    return 2;
}

static size_t describe(uint8_t code, uint8_t capability, uint8_t own[7], uint8_t pdu[SMP_PDU])
{
    /* No data by other means, and no keys but the one both derive. */
    const uint8_t us[7] = {code, capability, 0, AUTH, KEY_SIZE, 0, 0};
    memcpy(own, us, sizeof(us));
    memcpy(pdu, us, sizeof(us));
    return sizeof(us);
}

static size_t send16(uint8_t code, const uint8_t value[16], uint8_t pdu[SMP_PDU])
{
    pdu[0] = code;
    memcpy(pdu + 1, value, 16);
    return 17;
}

static size_t send_confirm(smp_t *smp, uint8_t next, uint8_t pdu[SMP_PDU], smp_result_t *result)
{
    uint8_t confirm[16];
    smp->ops->random(smp->own, sizeof(smp->own));
    if (!confirm_of(smp, true, smp->own, confirm)) {
        return fail(smp, SMP_UNSPECIFIED, pdu, result);
    }
    smp->state = next;
    return send16(PAIRING_CONFIRM, confirm, pdu);
}

static size_t send_check(smp_t *smp, uint8_t next, uint8_t pdu[SMP_PDU], smp_result_t *result)
{
    uint8_t check[16];
    if (!check_of(smp, true, check)) {
        return fail(smp, SMP_UNSPECIFIED, pdu, result);
    }
    smp->state = next;
    return send16(PAIRING_DHKEY_CHECK, check, pdu);
}

/** A pair of keys for this pairing alone: one that served before may be known by now. */
static size_t send_public_key(smp_t *smp, uint8_t next, uint8_t pdu[SMP_PDU], smp_result_t *result)
{
    if (!smp->ops->key_pair(smp->own_private, smp->own_public)) {
        return fail(smp, SMP_UNSPECIFIED, pdu, result);
    }
    smp->state = next;
    pdu[0] = PAIRING_PUBLIC_KEY;
    memcpy(pdu + 1, smp->own_public, SMP_PUBLIC);
    return 1 + SMP_PUBLIC;
}

/** Key size and whether somebody is in the middle; the peer's keyboard or display is the caller's
 *  to look at. @return 0, or why not */
static uint8_t judge(smp_t *smp, const uint8_t *data)
{
    if (data[4] < 7 || data[4] > 16 || data[1] > KEYBOARD_DISPLAY || data[2] > 1) {
        return SMP_INVALID_PARAMETERS;
    }
    if (data[4] != KEY_SIZE) {
        return SMP_KEY_SIZE;
    }
    smp->secure = (data[3] & AUTH_SECURE) != 0;
    smp->bond = smp->secure && (data[3] & AUTH_BOND) != 0;
    smp->round = 0;
    return !smp->secure && !smp->ops->legacy ? SMP_AUTHENTICATION_REQUIREMENTS : 0;
}

/* ---- the conversation --------------------------------------------------------------------------
 */

static size_t hear_request(smp_t *smp, const uint8_t *data, size_t size, uint8_t pdu[SMP_PDU],
                           smp_result_t *result)
{
    uint8_t reason = size != 7 ? SMP_INVALID_PARAMETERS : judge(smp, data);
    if (smp->initiates) {
        reason = SMP_COMMAND_NOT_SUPPORTED;
    } else if (smp->failures == SMP_FAILURES) {
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
    smp->state = smp->secure ? WAITS_PUBLIC_KEY : WAITS_CONFIRM;
    *result = SMP_SHOW_PASSKEY;
    return describe(PAIRING_RESPONSE, DISPLAY_ONLY, smp->response, pdu);
}

static size_t hear_response(smp_t *smp, const uint8_t *data, size_t size, uint8_t pdu[SMP_PDU],
                            smp_result_t *result)
{
    uint8_t reason = size != 7 ? SMP_INVALID_PARAMETERS : judge(smp, data);
    /* Table 2.8: by Secure Connections a device with DisplayYesNo would have both compare. */
    if (reason == 0 && data[1] != DISPLAY_ONLY && (smp->secure || data[1] != DISPLAY_YES_NO)) {
        reason = SMP_AUTHENTICATION_REQUIREMENTS; /* it does not show a passkey */
    }
    if (reason != 0) {
        return fail(smp, reason, pdu, result);
    }
    memcpy(smp->response, data, 7);
    if (smp->secure) {
        return send_public_key(smp, WAITS_PUBLIC_KEY, pdu, result);
    }
    smp->state = WAITS_PASSKEY;
    *result = SMP_WANT_PASSKEY;
    return 0;
}

static size_t hear_public_key(smp_t *smp, const uint8_t *data, uint8_t pdu[SMP_PDU],
                              smp_result_t *result)
{
    memcpy(smp->peer_public, data + 1, SMP_PUBLIC);
    const size_t size = smp->initiates ? 0 : send_public_key(smp, WAITS_CONFIRM, pdu, result);
    if (*result == SMP_FAILED) {
        return size;
    }
    /* Our own key, sent back: whoever does so could answer with what we say ourselves. */
    if (!differ(smp->own_public, smp->peer_public, SMP_PUBLIC / 2)) {
        return fail(smp, SMP_INVALID_PARAMETERS, pdu, result);
    }
    if (!smp->ops->shared(smp->own_private, smp->peer_public, smp->shared)) {
        return fail(smp, SMP_DHKEY_CHECK_FAILED, pdu,
                    result); /* 2.3.5.6.1: no point of the curve */
    }
    if (smp->initiates) {
        smp->state = WAITS_PASSKEY;
        *result = SMP_WANT_PASSKEY;
    }
    return size;
}

static size_t hear_confirm(smp_t *smp, const uint8_t *data, uint8_t pdu[SMP_PDU],
                           smp_result_t *result)
{
    memcpy(smp->confirm, data + 1, 16);
    if (smp->initiates) {
        smp->state = WAITS_RANDOM;
        return send16(PAIRING_RANDOM, smp->own, pdu);
    }
    return send_confirm(smp, WAITS_RANDOM, pdu, result);
}

/** What was committed to is known: it was right, and the next bit follows, or the keys. */
static size_t hear_random(smp_t *smp, const uint8_t *data, uint8_t pdu[SMP_PDU],
                          smp_result_t *result)
{
    uint8_t expected[16];
    memcpy(smp->theirs, data + 1, 16);
    if (!confirm_of(smp, false, smp->theirs, expected)) {
        return fail(smp, SMP_UNSPECIFIED, pdu, result);
    }
    if (differ(expected, smp->confirm, 16)) {
        return fail(smp, SMP_CONFIRM_VALUE_FAILED, pdu, result);
    }
    if (smp->secure && smp->round + 1 < ROUNDS) {
        smp->round++;
        smp->state = WAITS_CONFIRM;
        return smp->initiates ? send_confirm(smp, WAITS_CONFIRM, pdu, result)
                              : send16(PAIRING_RANDOM, smp->own, pdu);
    }
    if (!derive(smp)) {
        return fail(smp, SMP_UNSPECIFIED, pdu, result);
    }
    if (smp->secure) {
        smp->state = WAITS_CHECK;
        return smp->initiates ? send_check(smp, WAITS_CHECK, pdu, result)
                              : send16(PAIRING_RANDOM, smp->own, pdu);
    }
    smp->state = DONE;
    *result = SMP_KEY;
    return smp->initiates ? 0 : send16(PAIRING_RANDOM, smp->own, pdu);
}

static size_t hear_check(smp_t *smp, const uint8_t *data, uint8_t pdu[SMP_PDU],
                         smp_result_t *result)
{
    uint8_t expected[16];
    if (!check_of(smp, false, expected)) {
        return fail(smp, SMP_UNSPECIFIED, pdu, result);
    }
    if (differ(expected, data + 1, 16)) {
        return fail(smp, SMP_DHKEY_CHECK_FAILED, pdu, result);
    }
    const size_t size = smp->initiates ? 0 : send_check(smp, DONE, pdu, result);
    if (*result != SMP_FAILED) {
        smp->state = DONE;
        *result = SMP_KEY;
    }
    return size;
}

static size_t hear_failed(smp_t *smp, const uint8_t *data, size_t size, smp_result_t *result)
{
    if (smp_is_going_on(smp)) {
        failed(smp, size > 1 ? data[1] : SMP_UNSPECIFIED, result);
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
        pdu[0] = SMP_SECURITY_REQUEST;
        pdu[1] = AUTH;
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
    case PAIRING_PUBLIC_KEY:
        if (smp->state == WAITS_PUBLIC_KEY && size == 1 + SMP_PUBLIC) {
            return hear_public_key(smp, data, pdu, result);
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
    case PAIRING_DHKEY_CHECK:
        if (smp->state == WAITS_CHECK && size == 17) {
            return hear_check(smp, data, pdu, result);
        }
        break;
    case PAIRING_FAILED:
        return hear_failed(smp, data, size, result);
    case SMP_SECURITY_REQUEST:
        return smp->initiates ? smp_start(smp, pdu) : 0;
    default:
        break; /* keys and others: we have asked for none */
    }
    /* Something out of turn. */
    return smp_is_going_on(smp) ? fail(smp, SMP_UNSPECIFIED, pdu, result) : 0;
}
