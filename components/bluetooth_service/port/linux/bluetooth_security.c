/* SPDX-License-Identifier: Apache-2.0 */
#include "bluetooth_security.h"

#include <string.h>

#include "sdkconfig.h"

#include "bluetooth_bonds.h"
#include "esp_random.h"
#include "host_control.h"
#include "smp_crypto.h"

#define CLOSE_US 500000

static const smp_ops_t s_ops = {
    .cipher = smp_crypto_cipher,
    .random = esp_fill_random,
    .key_pair = smp_crypto_key_pair,
    .shared = smp_crypto_shared,
#ifdef CONFIG_BLUETOOTH_LEGACY_PAIRING
    .legacy = true,
#endif
};

/*
 * A peer that had no use for our key, or whoever pretends to be it: people may pair anew on the
 * next link. The bond stays until they have, so nobody removes it by saying so.
 */
static bluetooth_address_t s_doubted;
static bool s_doubts;

static smp_address_t mixed_in(const bluetooth_address_t *address)
{
    smp_address_t out = {.random = address->random};
    memcpy(out.bytes, address->bytes, sizeof(out.bytes));
    return out;
}

/** As the central. */
static bool encrypt(uint8_t number)
{
    bluetooth_host_link_t *link = bluetooth_host_link(number);
    link->encrypting = host_radio_encrypt(bluetooth_host_radio(), number, link->key);
    return link->encrypting;
}

/** With what an earlier pairing left. @return false: nothing, or it is encrypted already */
static bool encrypt_again(uint8_t number)
{
    bluetooth_host_link_t *link = bluetooth_host_link(number);
    if (!link->central || link->server.secured || link->doubted ||
        !bluetooth_bonds_find(&link->address, link->key)) {
        return false;
    }
    link->has_key = true;
    link->bonded = true;
    return encrypt(number);
}

/** @return true once: the next link to it does without the key */
static bool is_doubted(const bluetooth_address_t *peer)
{
    const bool same = s_doubts && peer->random == s_doubted.random &&
                      memcmp(peer->bytes, s_doubted.bytes, sizeof(peer->bytes)) == 0;
    s_doubts = s_doubts && !same;
    return same;
}

void bluetooth_security_begin(uint8_t number)
{
    bluetooth_host_link_t *link = bluetooth_host_link(number);
    const smp_address_t own = mixed_in(bluetooth_host_own());
    const smp_address_t peer = mixed_in(&link->address);
    smp_begin(&link->smp, &s_ops, link->central, &own, &peer);
    link->doubted = link->central && is_doubted(&link->address);
    (void)encrypt_again(number);
}

/** The link ends, but the peer hears first why. */
static void close_soon(bluetooth_host_link_t *link)
{
    if (!link->closing) {
        link->closing = true;
        link->smp_until = host_now_us() + CLOSE_US;
    }
}

static void failed(uint8_t number, uint8_t reason)
{
    bluetooth_host_link_t *link = bluetooth_host_link(number);
    link->smp_until = link->closing ? link->smp_until : BLUETOOTH_HOST_NEVER;
    if (link->smp.failures >= SMP_FAILURES) {
        close_soon(link);
    }
    bluetooth_host_tell((bluetooth_radio_event_t){.kind = BLUETOOTH_RADIO_NOT_PAIRED,
                                                  .link = number,
                                                  .code = reason},
                        NULL, 0);
}

static void take_key(uint8_t number)
{
    bluetooth_host_link_t *link = bluetooth_host_link(number);
    memcpy(link->key, link->smp.key, sizeof(link->key));
    smp_forget(&link->smp);
    link->has_key = true;
    link->fresh = link->bonded = link->smp.bond;
    if (link->central) { /* the peripheral waits for it to begin */
        (void)encrypt(number);
    }
}

static void act_on(uint8_t number, smp_result_t result)
{
    bluetooth_host_link_t *link = bluetooth_host_link(number);
    switch (result) {
    case SMP_SHOW_PASSKEY:
        bluetooth_host_tell((bluetooth_radio_event_t){.kind = BLUETOOTH_RADIO_PASSKEY,
                                                      .link = number,
                                                      .number = link->smp.passkey},
                            NULL, 0);
        break;
    case SMP_WANT_PASSKEY:
        bluetooth_host_tell(
            (bluetooth_radio_event_t){.kind = BLUETOOTH_RADIO_PASSKEY_WANTED, .link = number}, NULL,
            0);
        break;
    case SMP_KEY:
        take_key(number);
        break;
    case SMP_FAILED:
        failed(number, link->smp.reason);
        break;
    case SMP_GOING_ON:
        break;
    }
}

void bluetooth_security_hear(uint8_t number, const uint8_t *data, size_t size)
{
    bluetooth_host_link_t *link = bluetooth_host_link(number);
    uint8_t pdu[SMP_PDU];
    smp_result_t result;
    const bool before = smp_is_going_on(&link->smp);
    if (size != 0 && data[0] == SMP_SECURITY_REQUEST && link->central) {
        if (link->server.secured || link->encrypting) {
            return; /* it has what it asks for */
        }
        if (!before && encrypt_again(number)) { /* with a bond nobody is asked for a passkey */
            link->smp_until = host_now_us() + BLUETOOTH_HOST_TRANSACTION_US;
            return;
        }
    }
    const size_t next = smp_hear(&link->smp, data, size, pdu, &result);
    bluetooth_host_send(number, BLUETOOTH_OUT_SMP, pdu, next);
    if (!before && smp_is_going_on(&link->smp) && !link->closing) {
        link->smp_until = host_now_us() + BLUETOOTH_HOST_TRANSACTION_US;
    }
    act_on(number, result);
}

void bluetooth_security_pair(uint8_t number)
{
    bluetooth_host_link_t *link = bluetooth_host_link(number);
    uint8_t pdu[SMP_PDU];
    if (link->encrypting || link->closing) {
        return; /* how that went is told */
    }
    if (!encrypt_again(number)) {
        const size_t size = smp_start(&link->smp, pdu);
        bluetooth_host_send(number, BLUETOOTH_OUT_SMP, pdu, size);
    }
    link->smp_until = host_now_us() + BLUETOOTH_HOST_TRANSACTION_US;
}

void bluetooth_security_encryption(const host_radio_event_t *event)
{
    bluetooth_host_link_t *link = bluetooth_host_link(event->link);
    if (link == NULL) {
        return;
    }
    if (event->kind == HOST_RADIO_ENCRYPT_WANTED) {
        if (!link->has_key) {
            link->has_key = link->bonded = bluetooth_bonds_find(&link->address, link->key);
        }
        (void)host_radio_encrypt(bluetooth_host_radio(), event->link,
                                 link->has_key ? link->key : NULL);
        return;
    }
    link->server.secured = true;
    link->encrypting = false;
    link->smp_until = link->closing ? link->smp_until : BLUETOOTH_HOST_NEVER;
    if (link->fresh) { /* not before both have shown that they have it */
        link->fresh = false;
        bluetooth_bonds_keep(&link->address, link->key);
    }
    bluetooth_host_tell(
        (bluetooth_radio_event_t){.kind = BLUETOOTH_RADIO_PAIRED, .link = event->link}, NULL, 0);
}

void bluetooth_security_end(uint8_t number, uint8_t reason)
{
    bluetooth_host_link_t *link = bluetooth_host_link(number);
    if (link == NULL) {
        return;
    }
    if (link->central && link->bonded && !link->fresh && !link->server.secured &&
        (reason == HOST_RADIO_KEY_MISSING || reason == HOST_RADIO_MIC)) {
        s_doubted = link->address;
        s_doubts = true;
    }
    smp_abandon(&link->smp);
    explicit_bzero(link->key, sizeof(link->key));
}

uint64_t bluetooth_security_look(uint8_t number, uint64_t now)
{
    bluetooth_host_link_t *link = bluetooth_host_link(number);
    if (link->smp_until <= now && link->closing) {
        link->smp_until = BLUETOOTH_HOST_NEVER;
        (void)host_radio_disconnect(bluetooth_host_radio(), number, HOST_RADIO_NOT_AUTHENTIC);
    } else if (link->smp_until <= now) { /* 3.4: no more of it on this connection */
        smp_abandon(&link->smp);
        failed(number, SMP_UNSPECIFIED);
        close_soon(link);
    }
    return link->smp_until;
}
