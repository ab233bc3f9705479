// SPDX-License-Identifier: Apache-2.0

// Pairing: the functions against the specification's own examples (Vol 3 Part H 2.2.3, 2.2.4), the
// conversation, and what a peer may do before and after it. One system for the cases, in order.

#include <stdlib.h>
#include <string.h>

#include "bluetooth_peer.h"
#include "ktest.h"
#include "smp_crypto.h"
#include "system_up.h"

/** The specification writes the most significant byte first. */
static void reversed(uint8_t *out, const uint8_t *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        out[i] = text[size - 1 - i];
    }
}

static void the_functions_give_what_the_specification_says(void **state)
{
    (void)state;
    static const uint8_t s_r[16] = {0x57, 0x83, 0xd5, 0x21, 0x56, 0xad, 0x6f, 0x0e,
                                    0x63, 0x88, 0x27, 0x4e, 0xc6, 0x70, 0x2e, 0xe0};
    static const uint8_t s_pres[7] = {0x05, 0x00, 0x08, 0x00, 0x00, 0x03, 0x02};
    static const uint8_t s_preq[7] = {0x07, 0x07, 0x10, 0x00, 0x00, 0x01, 0x01};
    static const uint8_t s_ia[6] = {0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6};
    static const uint8_t s_ra[6] = {0xb1, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6};
    static const uint8_t s_confirm[16] = {0x1e, 0x1e, 0x3f, 0xef, 0x87, 0x89, 0x88, 0xea,
                                          0xd2, 0xa7, 0x4d, 0xc5, 0xbe, 0xf1, 0x3b, 0x86};
    static const uint8_t s_r1[16] = {0x00, 0x0f, 0x0e, 0x0d, 0x0c, 0x0b, 0x0a, 0x09,
                                     0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88};
    static const uint8_t s_r2[16] = {0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08,
                                     0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff, 0x00};
    static const uint8_t s_stk[16] = {0x9a, 0x1f, 0xe1, 0xf0, 0xe8, 0xb0, 0xf4, 0x9b,
                                      0x5b, 0x42, 0x16, 0xae, 0x79, 0x6d, 0xa0, 0x62};
    static const uint8_t s_k[16];
    uint8_t r[16], r2[16], preq[7], pres[7], out[16], wanted[16];
    smp_address_t initiator = {.random = 1}, responder = {.random = 0};
    reversed(r, s_r, 16);
    reversed(preq, s_preq, 7);
    reversed(pres, s_pres, 7);
    reversed(initiator.bytes, s_ia, 6);
    reversed(responder.bytes, s_ra, 6);
    assert_true(smp_c1(smp_crypto_cipher, s_k, r, preq, pres, &initiator, &responder, out));
    reversed(wanted, s_confirm, 16);
    assert_memory_equal(out, wanted, 16);
    reversed(r, s_r1, 16);
    reversed(r2, s_r2, 16);
    assert_true(smp_s1(smp_crypto_cipher, s_k, r, r2, out));
    reversed(wanted, s_stk, 16);
    assert_memory_equal(out, wanted, 16);
}

/** A number as the specification prints it, as it goes through the air. */
static void number(uint8_t *out, const char *text)
{
    const size_t size = strlen(text) / 2;
    for (size_t i = 0; i < size; i++) {
        const char byte[3] = {text[2 * i], text[2 * i + 1], '\0'};
        out[size - 1 - i] = (uint8_t)strtoul(byte, NULL, 16);
    }
}

// The sample data of Vol 3 Part H appendix D, and of Vol 2 Part G 7.1.2.1 for the curve.
#define KEY_A_X     "20b003d2f297be2c5e2c83a7e9f9a5b9eff49111acf4fddbcc0301480e359de6"
#define KEY_A_Y     "dc809c49652aeb6d63329abf5a52155c766345c28fed3024741c8ed01589d28b"
#define KEY_B_X     "1ea1f0f01faf1d9609592284f19e4c0047b58afd8615a69f559077b22faaa190"
#define KEY_B_Y     "4c55f33e429dad377356703a9ab85160472d1130e28e36765f89aff915b1214a"
#define KEY_A       "3f49f6d4a3c55f3874c9b3e3d2103f504aff607beb40b7995899b8a6cd3c1abd"
#define KEY_B       "55188b3d32f6bb9a900afcfbeed4e72a59cb9ac2f19d7cfb6b4fdd49f47fc5fd"
#define KEY_DH      "ec0234a357c8ad05341010a60a397d9b99796b13b4f866f1868d34f373bfa698"
#define NUMBER_1    "d5cb8454d177733effffb2ec712baeab"
#define NUMBER_2    "a6e8e7cc25a75f6e216583f7ff3dc4cf"
#define F4_CONFIRM  "f2c916f107a9bd1cf1eda1bea974872d"
#define F5_LTK      "6986791169d7cd23980522b594750a38"
#define F5_MAC_KEY  "2965f176a1084a02fd3f6a20ce636e20"
#define F6_R        "12a3343bb453bb5408da42d20c2d0fc8"
#define F6_IO_CAP   "010102"
#define F6_CHECK    "e3c473989cd0e8c5d26c0b09da958f61"
#define ADDRESS_1   "56123737bfce"
#define ADDRESS_2   "a713702dcfc1"
#define G2_COMPARED (0x2f9ed5ba % 1000000)

static void the_curve_gives_what_the_specification_says(void)
{
    uint8_t one[SMP_PRIVATE], other[SMP_PRIVATE], a[SMP_PUBLIC], b[SMP_PUBLIC], out[SMP_PRIVATE],
        wanted[SMP_PRIVATE];
    number(one, KEY_A);
    number(other, KEY_B);
    number(a, KEY_A_X);
    number(a + 32, KEY_A_Y);
    number(b, KEY_B_X);
    number(b + 32, KEY_B_Y);
    number(wanted, KEY_DH);
    assert_true(smp_crypto_shared(one, b, out));
    assert_memory_equal(out, wanted, 32);
    assert_true(smp_crypto_shared(other, a, out));
    assert_memory_equal(out, wanted, 32);
    b[40] ^= 1;
    assert_false(smp_crypto_shared(one, b, out));
}

static void secure_connections_give_what_the_specification_says(void **state)
{
    (void)state;
    uint8_t u[32], v[32], w[32], n1[16], n2[16], r[16], io_cap[3], out[16], ltk[16], wanted[16];
    smp_address_t a1 = {0}, a2 = {0};
    uint32_t compared;
    the_curve_gives_what_the_specification_says();
    number(u, KEY_A_X);
    number(v, KEY_B); // so the appendix has it
    number(w, KEY_DH);
    number(n1, NUMBER_1);
    number(n2, NUMBER_2);
    number(r, F6_R);
    number(io_cap, F6_IO_CAP);
    number(a1.bytes, ADDRESS_1);
    number(a2.bytes, ADDRESS_2);
    assert_true(smp_f4(smp_crypto_cipher, u, v, n1, 0, out));
    number(wanted, F4_CONFIRM);
    assert_memory_equal(out, wanted, 16);
    assert_true(smp_f5(smp_crypto_cipher, w, n1, n2, &a1, &a2, out, ltk));
    number(wanted, F5_LTK);
    assert_memory_equal(ltk, wanted, 16);
    number(wanted, F5_MAC_KEY);
    assert_memory_equal(out, wanted, 16);
    assert_true(smp_f6(smp_crypto_cipher, wanted, n1, n2, r, io_cap, &a1, &a2, out));
    number(wanted, F6_CHECK);
    assert_memory_equal(out, wanted, 16);
    assert_true(smp_g2(smp_crypto_cipher, u, v, n1, n2, &compared));
    assert_int_equal(compared, G2_COMPARED);
}

/* ---- the conversation ---------------------------------------------------------------------------
 */

static system_secure_key_t s_key;
static const uint8_t s_play[] = {BLUETOOTH_CONTROL_PLAY};

static int begin(void **state)
{
    (void)state;
    s_key = peer_begin();
    return 0;
}

static int end(void **state)
{
    (void)state;
    peer_end(s_key);
    return 0;
}

static bool control_came(void)
{
    return peer_controls != 0;
}

static void only_who_has_paired_may_control(void **state)
{
    (void)state;
    peer_connect();
    assert_int_equal(peer_write(GATT_VALUE_CONTROL, s_play, 1), ATT_ERROR_AUTHENTICATION);
    assert_int_equal(peer_pair(0), 0);
    assert_true(peer_encrypted);
    assert_int_equal(peer_write(GATT_VALUE_CONTROL, s_play, 1), 0);
    assert_true(peer_until(control_came, 2000));
    assert_int_equal(peer_control.action, BLUETOOTH_CONTROL_PLAY);
    assert_int_equal(peer_control.value, 0);
    assert_int_equal(peer_control.link, 0);
    assert_true(peer_info().links[0].paired);
    assert_int_equal(peer_told[BLUETOOTH_TOLD_PAIRED], 1);
}

static void only_what_makes_sense_is_passed_on(void **state)
{
    (void)state;
    static const struct {
        uint8_t size;
        uint8_t bytes[5];
        bool good;
    } s_orders[] = {
        {1, {BLUETOOTH_CONTROL_NEXT}, true},
        {5, {BLUETOOTH_CONTROL_VOLUME, 100}, true},
        {5, {BLUETOOTH_CONTROL_SEEK, 0xff, 0xff, 0xff, 0xff}, true},
        {5, {BLUETOOTH_CONTROL_LOUDER, 5}, true},
        {0, {0}, false},
        {1, {BLUETOOTH_CONTROL_NONE}, false},
        {1, {BLUETOOTH_CONTROLS}, false},
        {1, {BLUETOOTH_CONTROL_VOLUME}, false},
        {5, {BLUETOOTH_CONTROL_VOLUME, 101}, false},
        {5, {BLUETOOTH_CONTROL_QUIETER, 0}, false},
        {5, {BLUETOOTH_CONTROL_PLAY}, false},
    };
    const uint32_t refused = peer_info().refused;
    uint32_t wrong = 0;
    for (unsigned i = 0; i < sizeof(s_orders) / sizeof(s_orders[0]); i++) {
        const unsigned before = peer_controls;
        assert_int_equal(peer_write(GATT_VALUE_CONTROL, s_orders[i].bytes, s_orders[i].size), 0);
        peer_wait(20);
        assert_int_equal(peer_controls, before + s_orders[i].good);
        wrong += !s_orders[i].good;
    }
    assert_int_equal(peer_control.action, BLUETOOTH_CONTROL_LOUDER);
    assert_int_equal(peer_control.value, 5);
    assert_int_equal(peer_info().refused, refused + wrong);
    peer_disconnect();
    peer_connect(); // the next one has to pair again
    assert_int_equal(peer_write(GATT_VALUE_CONTROL, s_play, 1), ATT_ERROR_AUTHENTICATION);
}

static bool has_gone(void)
{
    return peer_link == HOST_RADIO_NO_LINK;
}

static void a_wrong_passkey_is_refused_and_the_third_is_the_last(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        const unsigned before = peer_told[BLUETOOTH_TOLD_NOT_PAIRED];
        assert_int_equal(peer_pair(1), SMP_CONFIRM_VALUE_FAILED);
        assert_false(peer_encrypted);
        peer_wait(50);
        assert_int_equal(peer_told[BLUETOOTH_TOLD_NOT_PAIRED], before + 1);
        assert_int_equal(peer_last[BLUETOOTH_TOLD_NOT_PAIRED].code, SMP_CONFIRM_VALUE_FAILED);
    }
    assert_int_equal(peer_pair(0), SMP_REPEATED_ATTEMPTS);
    assert_int_equal(peer_write(GATT_VALUE_CONTROL, s_play, 1), ATT_ERROR_AUTHENTICATION);
    assert_true(peer_until(has_gone, 5000)); // not before it could hear why
    assert_int_equal(peer_reason, HOST_RADIO_NOT_AUTHENTIC);
    peer_connect();
    assert_int_equal(peer_pair(0), 0);
    peer_disconnect();
}

static void pairing_survives_bad_air(void **state)
{
    (void)state;
    host_radio_set_air(&(host_air_t){.loss_ppm = 250000});
    peer_connect();
    assert_int_equal(peer_pair(0), 0);
    assert_int_equal(peer_write(GATT_VALUE_CONTROL, s_play, 1), 0);
    host_radio_set_air(&(host_air_t){0});
    peer_disconnect();
}

/* ---- every byte is hostile: the object by itself ------------------------------------------------
 */

static void fill(void *out, size_t size)
{
    memset(out, 7, size);
}

static const smp_ops_t s_ops = {.cipher = smp_crypto_cipher,
                                .random = fill,
                                .key_pair = smp_crypto_key_pair,
                                .shared = smp_crypto_shared};

static void what_cannot_be_compared_is_refused(void **state)
{
    (void)state;
    static const struct {
        uint8_t pdu[7];
        uint8_t reason;
    } s_requests[] = {
        {{1, 3, 0, 12, 16, 0, 0}, SMP_AUTHENTICATION_REQUIREMENTS}, // NoInputNoOutput: Just Works
        {{1, 0, 0, 12, 16, 0, 0}, SMP_AUTHENTICATION_REQUIREMENTS}, // it can only show, as we do
        {{1, 4, 0, 4, 16, 0, 0}, SMP_AUTHENTICATION_REQUIREMENTS},  // no Secure Connections
        {{1, 4, 0, 12, 15, 0, 0}, SMP_KEY_SIZE},
        {{1, 4, 0, 12, 17, 0, 0}, SMP_INVALID_PARAMETERS},
        {{1, 5, 0, 12, 16, 0, 0}, SMP_INVALID_PARAMETERS},
        {{1, 4, 2, 12, 16, 0, 0}, SMP_INVALID_PARAMETERS},
    };
    const smp_address_t address = {0};
    uint8_t pdu[SMP_PDU];
    smp_result_t result;
    smp_t smp;
    for (unsigned i = 0; i < sizeof(s_requests) / sizeof(s_requests[0]); i++) {
        smp_begin(&smp, &s_ops, false, &address, &address);
        assert_int_equal(smp_hear(&smp, s_requests[i].pdu, 7, pdu, &result), 2);
        assert_int_equal(result, SMP_FAILED);
        assert_int_equal(pdu[0], 5);
        assert_int_equal(pdu[1], s_requests[i].reason);
    }
    smp_begin(&smp, &s_ops, false, &address, &address);
    const uint8_t random[17] = {4};
    assert_int_equal(smp_hear(&smp, random, 17, pdu, &result), 0); // out of turn
    assert_int_equal(smp_passkey(&smp, 1, pdu), 0);
    const uint8_t request[7] = {1, 2, 0, 13, 16, 0, 0};
    assert_int_equal(smp_hear(&smp, request, 7, pdu, &result), 7);
    assert_int_equal(result, SMP_SHOW_PASSKEY);
    assert_true(smp.passkey < 1000000);
    assert_int_equal(smp_hear(&smp, random, 17, pdu, &result), 2); // in the middle of it
    assert_int_equal(result, SMP_FAILED);
    assert_false(smp_is_going_on(&smp));
}

/* ---- two objects, and what somebody in the middle makes of it -----------------------------------
 */

typedef struct {
    smp_t central;
    smp_t peripheral;
    smp_result_t first;  // what it came to for the central
    smp_result_t second; // and for the peripheral
    unsigned pdus;
} pair_t;

static void begin_pair(pair_t *pair, const smp_ops_t *ops)
{
    static const smp_address_t s_one = {1, {1, 2, 3, 4, 5, 0xc6}};
    static const smp_address_t s_other = {1, {6, 5, 4, 3, 2, 0xc1}};
    memset(pair, 0, sizeof(*pair));
    smp_begin(&pair->central, ops, true, &s_one, &s_other);
    smp_begin(&pair->peripheral, ops, false, &s_other, &s_one);
}

/** Talk to the end. What is PDU number spoilt arrives changed; wrong are bits of the passkey. */
static void talk(pair_t *pair, unsigned spoilt, uint32_t wrong)
{
    uint8_t pdu[SMP_PDU], next[SMP_PDU];
    size_t size = smp_start(&pair->central, pdu);
    bool to_central = false;
    while (size != 0) {
        smp_result_t result;
        /* Of the first two, what both want; who hands out which keys is not proved, nor used. */
        pdu[size == 7 ? 3 : size - 1] ^= ++pair->pdus == spoilt ? 1 : 0;
        size = smp_hear(to_central ? &pair->central : &pair->peripheral, pdu, size, next, &result);
        if (result == SMP_WANT_PASSKEY) {
            const uint32_t passkey = pair->peripheral.passkey ^ wrong;
            assert_int_equal(size, 0);
            size = smp_passkey(&pair->central, passkey, next);
            assert_int_equal(smp_passkey(&pair->central, passkey, pdu), 0); // once
        } else if (result == SMP_KEY || result == SMP_FAILED) {
            *(to_central ? &pair->first : &pair->second) = result;
        }
        to_central = !to_central;
        memcpy(pdu, next, size);
    }
}

static void both_have_the_same_key(void **state)
{
    (void)state;
    pair_t pair;
    begin_pair(&pair, &s_ops);
    talk(&pair, 0, 0);
    assert_int_equal(pair.first, SMP_KEY);
    assert_int_equal(pair.second, SMP_KEY);
    assert_memory_equal(pair.central.key, pair.peripheral.key, 16);
    assert_true(pair.central.bond && pair.peripheral.bond);
    assert_int_equal(pair.pdus, 2 + 2 + 20 * 4 + 2); // 20 bits
    uint8_t before[16];
    memcpy(before, pair.central.key, 16);
    static const uint8_t s_nothing[SMP_PRIVATE];
    smp_forget(&pair.central);
    assert_memory_equal(pair.central.key, s_nothing, 16);
    assert_memory_equal(pair.central.mac_key, s_nothing, 16);
    assert_memory_equal(pair.central.shared, s_nothing, SMP_PRIVATE);
    assert_memory_equal(pair.central.own_private, s_nothing, SMP_PRIVATE);
    begin_pair(&pair, &s_ops); // the same random numbers, but new keys
    talk(&pair, 0, 0);
    assert_memory_not_equal(pair.central.key, before, 16);
}

static void whatever_is_changed_on_the_way_ends_it(void **state)
{
    (void)state;
    pair_t pair;
    for (unsigned spoilt = 1; spoilt <= 86; spoilt = spoilt == 12 ? 81 : spoilt + 1) {
        begin_pair(&pair, &s_ops);
        talk(&pair, spoilt, 0);
        // What comes from the peripheral alone the central alone can find; it does not encrypt
        // then.
        assert_int_equal(pair.first, SMP_FAILED);
        assert_int_equal(pair.second, spoilt == 2 || spoilt == 86 ? SMP_KEY : SMP_FAILED);
    }
    for (unsigned bit = 0; bit < 16; bit++) {
        begin_pair(&pair, &s_ops);
        talk(&pair, 0, 1u << bit);
        assert_int_equal(pair.first, SMP_FAILED);
        assert_int_equal(pair.second, SMP_FAILED);
        assert_int_equal(pair.peripheral.reason, SMP_CONFIRM_VALUE_FAILED);
    }
}

static void keys_that_are_none_are_refused(void **state)
{
    (void)state;
    const uint8_t request[7] = {1, 2, 0, 13, 16, 0, 0};
    const uint8_t response[7] = {2, 0, 0, 13, 16, 0, 0};
    uint8_t pdu[SMP_PDU], key[SMP_PDU] = {0x0c, 1};
    smp_result_t result;
    pair_t pair;
    begin_pair(&pair, &s_ops);
    assert_int_equal(smp_hear(&pair.peripheral, request, 7, pdu, &result), 7);
    assert_int_equal(smp_hear(&pair.peripheral, key, 65, pdu, &result), 2); // not on the curve
    assert_int_equal(pdu[1], SMP_DHKEY_CHECK_FAILED);
    assert_int_equal(result, SMP_FAILED);
    assert_int_equal(smp_start(&pair.central, pdu), 7);
    assert_int_equal(smp_hear(&pair.central, response, 7, pdu, &result), 65);
    memcpy(key, pdu, 65); // our own, sent back
    assert_int_equal(smp_hear(&pair.central, key, 65, pdu, &result), 2);
    assert_int_equal(pdu[1], SMP_INVALID_PARAMETERS);
    assert_int_equal(smp_start(&pair.central, pdu), 7);
    const uint8_t compares[7] = {2, 1, 0, 13, 16, 0, 0}; // it would have numbers compared
    assert_int_equal(smp_hear(&pair.central, compares, 7, pdu, &result), 2);
    assert_int_equal(pdu[1], SMP_AUTHENTICATION_REQUIREMENTS);
}

static void the_old_way_is_for_who_allows_it(void **state)
{
    (void)state;
    smp_ops_t ops = s_ops;
    ops.legacy = true;
    uint8_t pdu[SMP_PDU], next[SMP_PDU];
    smp_result_t result;
    pair_t pair;
    begin_pair(&pair, &ops);
    assert_int_equal(smp_start(&pair.central, pdu), 7);
    pdu[3] &= (uint8_t)~0x08; // an old peer
    memcpy(pair.central.request, pdu, 7);
    assert_int_equal(smp_hear(&pair.peripheral, pdu, 7, next, &result), 7);
    assert_int_equal(result, SMP_SHOW_PASSKEY);
    next[3] &= (uint8_t)~0x08;
    memcpy(pair.peripheral.response, next, 7);
    assert_int_equal(smp_hear(&pair.central, next, 7, pdu, &result), 0);
    assert_int_equal(result, SMP_WANT_PASSKEY);
    assert_int_equal(smp_passkey(&pair.central, pair.peripheral.passkey, pdu), 17);
    assert_int_equal(smp_hear(&pair.peripheral, pdu, 17, next, &result), 17);
    assert_int_equal(smp_hear(&pair.central, next, 17, pdu, &result), 17);
    assert_int_equal(smp_hear(&pair.peripheral, pdu, 17, next, &result), 17);
    assert_int_equal(result, SMP_KEY);
    assert_int_equal(smp_hear(&pair.central, next, 17, pdu, &result), 0);
    assert_int_equal(result, SMP_KEY);
    assert_memory_equal(pair.central.key, pair.peripheral.key, 16);
    assert_false(pair.central.bond || pair.peripheral.bond); // such a key serves once
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_functions_give_what_the_specification_says),
        cmocka_unit_test(secure_connections_give_what_the_specification_says),
        cmocka_unit_test(what_cannot_be_compared_is_refused),
        cmocka_unit_test(both_have_the_same_key),
        cmocka_unit_test(whatever_is_changed_on_the_way_ends_it),
        cmocka_unit_test(keys_that_are_none_are_refused),
        cmocka_unit_test(the_old_way_is_for_who_allows_it),
        cmocka_unit_test_setup(only_who_has_paired_may_control, begin),
        cmocka_unit_test(only_what_makes_sense_is_passed_on),
        cmocka_unit_test(a_wrong_passkey_is_refused_and_the_third_is_the_last),
        cmocka_unit_test_teardown(pairing_survives_bad_air, end),
    };
    return KTEST_MAIN(argc, argv, tests);
}
