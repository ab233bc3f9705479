// SPDX-License-Identifier: Apache-2.0

// Pairing: the functions against the specification's own examples (Vol 3 Part H 2.2.3, 2.2.4), the
// conversation, and what a peer may do before and after it. One system for the cases, in order.

#include <string.h>

#include "bluetooth_peer.h"
#include "ktest.h"
#include "mbedtls/aes.h"
#include "system_up.h"

static bool cipher(const uint8_t key[16], const uint8_t in[16], uint8_t out[16])
{
    mbedtls_aes_context aes;
    mbedtls_aes_init(&aes);
    const bool done = mbedtls_aes_setkey_enc(&aes, key, 128) == 0 &&
                      mbedtls_aes_crypt_ecb(&aes, MBEDTLS_AES_ENCRYPT, in, out) == 0;
    mbedtls_aes_free(&aes);
    return done;
}

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
    assert_true(smp_c1(cipher, s_k, r, preq, pres, &initiator, &responder, out));
    reversed(wanted, s_confirm, 16);
    assert_memory_equal(out, wanted, 16);
    reversed(r, s_r1, 16);
    reversed(r2, s_r2, 16);
    assert_true(smp_s1(cipher, s_k, r, r2, out));
    reversed(wanted, s_stk, 16);
    assert_memory_equal(out, wanted, 16);
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
    peer_disconnect();
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

static void who_encrypts_without_a_key_is_sent_away(void **state)
{
    (void)state;
    static const uint8_t s_guess[16] = {1};
    peer_connect();
    assert_true(host_radio_encrypt(peer_radio, peer_link, s_guess));
    peer_wait(200);
    assert_false(peer_encrypted);
    assert_int_equal(peer_link, HOST_RADIO_NO_LINK);
    assert_int_equal(peer_reason, HOST_RADIO_KEY_MISSING);
    peer_wait(2500); // until the service has noticed
}

/* ---- every byte is hostile: the object by itself ------------------------------------------------
 */

static void fill(void *out, size_t size)
{
    memset(out, 7, size);
}

static void what_cannot_be_compared_is_refused(void **state)
{
    (void)state;
    static const smp_ops_t s_ops = {cipher, fill};
    static const struct {
        uint8_t pdu[7];
        uint8_t reason;
    } s_requests[] = {
        {{1, 3, 0, 4, 16, 0, 0}, SMP_AUTHENTICATION_REQUIREMENTS}, // NoInputNoOutput: Just Works
        {{1, 0, 0, 4, 16, 0, 0}, SMP_AUTHENTICATION_REQUIREMENTS}, // it can only show, as we do
        {{1, 4, 0, 4, 15, 0, 0}, SMP_KEY_SIZE},
        {{1, 4, 0, 4, 17, 0, 0}, SMP_INVALID_PARAMETERS},
        {{1, 5, 0, 4, 16, 0, 0}, SMP_INVALID_PARAMETERS},
        {{1, 4, 2, 4, 16, 0, 0}, SMP_INVALID_PARAMETERS},
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
    const uint8_t request[7] = {1, 2, 0, 4, 16, 0, 0};
    assert_int_equal(smp_hear(&smp, request, 7, pdu, &result), 7);
    assert_int_equal(result, SMP_SHOW_PASSKEY);
    assert_true(smp.passkey < 1000000);
    assert_int_equal(smp_hear(&smp, random, 17, pdu, &result), 2); // in the middle of it
    assert_int_equal(result, SMP_FAILED);
    assert_false(smp_is_going_on(&smp));
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_functions_give_what_the_specification_says),
        cmocka_unit_test(what_cannot_be_compared_is_refused),
        cmocka_unit_test_setup(only_who_has_paired_may_control, begin),
        cmocka_unit_test(only_what_makes_sense_is_passed_on),
        cmocka_unit_test(a_wrong_passkey_is_refused_and_the_third_is_the_last),
        cmocka_unit_test(pairing_survives_bad_air),
        cmocka_unit_test_teardown(who_encrypts_without_a_key_is_sent_away, end),
    };
    return KTEST_MAIN(argc, argv, tests);
}
