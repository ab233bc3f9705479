// SPDX-License-Identifier: Apache-2.0

// Two devices that pair while somebody stands between them: what is sent is passed on, changed,
// dropped, sent twice or replaced. Both or neither have a key, or the one that has it alone waits
// in vain; and a key that both have is the same.
//
// The input: a byte of options, then the moves of the one between, a byte each and what it needs.

#include <string.h>

#include "esp_random.h"
#include "fuzz.h"
#include "smp_crypto.h"

#define WRONG  1 /* options: the passkey is entered wrongly */
#define LEGACY 2
#define MOVES  400

enum { /* what is done with the next PDU, in the lower three bits */
    PASS = 0,
    CHANGE = 1, /* place, value */
    DROP = 2,
    TWICE = 3,
    REPLACE = 4, /* size, bytes */
    START = 5,   /* bit 3: the peripheral asks */
    SHORTEN = 6, /* size */
    FORGET = 7,  /* it took too long */
};

typedef struct {
    smp_t smp;
    bool has_key;
    bool secure;     /* that key is of LE Secure Connections */
    uint8_t key[16]; /* taken when it is told, as the host does: the pairing forgets it */
    size_t size;     /* of what it sends next */
    uint8_t pdu[SMP_PDU];
} side_t;

typedef struct {
    const uint8_t *at;
    size_t left;
} input_t;

static uint8_t next(input_t *input)
{
    if (input->left == 0) {
        return 0;
    }
    input->left--;
    return *input->at++;
}

static void fill(void *out, size_t size)
{
    static uint8_t s_count;
    memset(out, s_count++, size);
}

/** The real curve is linked, and not used. */
void esp_fill_random(void *out, size_t size)
{
    fill(out, size);
}

/* The curve takes a millisecond: numbers that make a shared one are enough here. */
static bool key_pair(uint8_t own[SMP_PRIVATE], uint8_t public[SMP_PUBLIC])
{
    fill(own, SMP_PRIVATE);
    memset(public, 3, SMP_PUBLIC);
    memcpy(public, own, SMP_PRIVATE);
    return true;
}

static bool shared(const uint8_t own[SMP_PRIVATE], const uint8_t peer[SMP_PUBLIC],
                   uint8_t out[SMP_PRIVATE])
{
    for (unsigned i = 0; i < SMP_PRIVATE; i++) {
        out[i] = own[i] ^ peer[i];
    }
    return peer[SMP_PUBLIC - 1] == 3; /* else it is no point of this curve */
}

/** @param pdu a copy of its own: what is behind its end is not ours */
static void hear(side_t *to, const uint8_t *data, size_t size, uint32_t passkey)
{
    uint8_t *pdu = malloc(size != 0 ? size : 1);
    smp_result_t result;
    FUZZ_CHECK(pdu != NULL);
    memcpy(pdu, data, size);
    to->size = smp_hear(&to->smp, pdu, size, to->pdu, &result);
    free(pdu);
    FUZZ_CHECK(to->size <= SMP_PDU && to->smp.failures <= 3);
    to->has_key = to->has_key && !smp_is_going_on(&to->smp); /* that was an earlier pairing's */
    FUZZ_CHECK(result != SMP_FAILED || !smp_is_going_on(&to->smp));
    FUZZ_CHECK(result != SMP_KEY || !smp_is_going_on(&to->smp));
    if (result == SMP_WANT_PASSKEY) {
        FUZZ_CHECK(to->smp.initiates && to->size == 0);
        to->size = smp_passkey(&to->smp, passkey, to->pdu);
    } else if (result == SMP_KEY) {
        to->has_key = true;
        to->secure = to->smp.secure;
        memcpy(to->key, to->smp.key, sizeof(to->key));
    } else if (result == SMP_FAILED) {
        to->has_key = false;
    }
}

static void move(side_t *from, side_t *to, input_t *input, uint32_t wrong)
{
    uint8_t pdu[256];
    size_t size = from->size;
    const uint8_t what = next(input);
    const side_t *peripheral = from->smp.initiates ? to : from;
    const uint32_t passkey = (peripheral->smp.passkey + wrong) % 1000000;
    memcpy(pdu, from->pdu, size);
    from->size = 0;
    switch (what & 7) {
    case CHANGE: {
        const uint8_t place = next(input);
        pdu[size != 0 ? place % size : 0] = next(input);
        break;
    }
    case DROP:
        return;
    case TWICE:
        if (size != 0) {
            hear(to, pdu, size, passkey);
        }
        break;
    case REPLACE:
        size = next(input);
        for (size_t i = 0; i < size; i++) {
            pdu[i] = next(input);
        }
        break;
    case START:
        to->size = smp_start(&to->smp, to->pdu);
        to->has_key = to->has_key && !smp_is_going_on(&to->smp);
        return;
    case SHORTEN: {
        const uint8_t less = next(input);
        size = less < size ? less : size;
        break;
    }
    case FORGET:
        smp_abandon(&to->smp);
        return;
    default:
        break;
    }
    if (size != 0 || (what & 7) == REPLACE) {
        hear(to, pdu, size, passkey);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const smp_address_t s_one = {1, {1, 2, 3, 4, 5, 0xc6}};
    static const smp_address_t s_other = {0, {6, 5, 4, 3, 2, 0xc1}};
    input_t input = {data, size};
    const uint8_t options = next(&input);
    const smp_ops_t ops = {.cipher = smp_crypto_cipher,
                           .random = fill,
                           .key_pair = key_pair,
                           .shared = shared,
                           .legacy = (options & LEGACY) != 0};
    static side_t central, peripheral;
    memset(&central, 0, sizeof(central));
    memset(&peripheral, 0, sizeof(peripheral));
    smp_begin(&central.smp, &ops, true, &s_one, &s_other);
    smp_begin(&peripheral.smp, &ops, false, &s_other, &s_one);
    central.size = smp_start(&central.smp, central.pdu);
    for (unsigned moves = 0; moves < MOVES && (input.left != 0 || moves == 0); moves++) {
        if (moves % 2 == 0) {
            move(&central, &peripheral, &input, options & WRONG);
        } else {
            move(&peripheral, &central, &input, options & WRONG);
        }
    }
    if (central.has_key && peripheral.has_key && central.secure && peripheral.secure) {
        FUZZ_CHECK(memcmp(central.key, peripheral.key, sizeof(central.key)) == 0);
        FUZZ_CHECK((options & WRONG) == 0);
    }
    FUZZ_CHECK(!central.has_key || central.secure || (options & LEGACY) != 0);
    FUZZ_CHECK(!peripheral.has_key || peripheral.secure || (options & LEGACY) != 0);
    return 0;
}
