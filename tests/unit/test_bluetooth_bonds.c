// SPDX-License-Identifier: Apache-2.0

// Who has paired is known again, and nobody takes that away who only says so. One system for the
// cases, in order.

#include "bluetooth_peer.h"
#include "ktest.h"
#include "system_service/service_supervisor.h"
#include "system_up.h"

static system_secure_key_t s_key;
static const uint8_t s_play[] = {BLUETOOTH_CONTROL_PLAY};

static int begin(void **state)
{
    (void)state;
    s_key = peer_begin();
    peer_connect();
    assert_int_equal(peer_pair(0), 0);
    peer_disconnect();
    return 0;
}

static int end(void **state)
{
    (void)state;
    peer_end(s_key);
    return 0;
}

static void who_has_paired_is_known_again(void **state)
{
    (void)state;
    const unsigned shown = peer_told[BLUETOOTH_TOLD_PASSKEY];
    const unsigned paired = peer_told[BLUETOOTH_TOLD_PAIRED];
    peer_connect();
    assert_int_equal(peer_write(GATT_VALUE_CONTROL, s_play, 1), ATT_ERROR_AUTHENTICATION);
    assert_true(peer_encrypt_again(false));
    assert_int_equal(peer_write(GATT_VALUE_CONTROL, s_play, 1), 0);
    peer_wait(20);
    assert_int_equal(peer_told[BLUETOOTH_TOLD_PASSKEY], shown); // nobody was asked
    assert_int_equal(peer_told[BLUETOOTH_TOLD_PAIRED], paired + 1);
    assert_true(peer_info().links[0].paired);
    peer_disconnect();
    peer_connect();
    assert_false(peer_encrypt_again(true)); // somebody else with that address
    assert_int_equal(peer_reason, HOST_RADIO_MIC);
    peer_wait(2500);
    assert_int_equal(system_service_restart(peer_service()), ESP_OK);
    peer_connect(); // nor does a restart forget
    assert_true(peer_encrypt_again(false));
    peer_disconnect();
}

/** Whoever borrows a device's address can begin to pair, and so much. */
static void who_breaks_off_a_pairing_leaves_the_bond(void **state)
{
    (void)state;
    static const uint8_t s_request[] = {7, 0, 6, 0, 1, 2, 0, 13, 16, 0, 0};
    peer_connect();
    assert_true(peer_send_raw(s_request, sizeof(s_request)));
    peer_wait(200);
    peer_disconnect();
    peer_connect();
    assert_true(peer_encrypt_again(false));
    assert_int_equal(peer_write(GATT_VALUE_CONTROL, s_play, 1), 0);
    peer_disconnect();
    peer_connect();
    assert_int_equal(peer_pair(1), SMP_CONFIRM_VALUE_FAILED);
    peer_disconnect();
    peer_connect();
    assert_true(peer_encrypt_again(false));
    peer_disconnect();
}

/** The same where the service is the central: who knows no key, or a wrong one, says so at once. */
static void who_has_no_use_for_the_key_leaves_the_bond(void **state)
{
    (void)state;
    peer_be_connected();
    assert_true(peer_encrypted);
    peer_disconnect();
    for (int i = 0; i < 2; i++) {
        peer_refuses = i == 0;
        peer_key_wrong_by = (uint8_t)i;
        peer_be_connected();
        peer_wait(2500);
        assert_int_equal(peer_link, HOST_RADIO_NO_LINK);
        assert_int_equal(peer_last[BLUETOOTH_TOLD_DISCONNECTED].code,
                         i == 0 ? HOST_RADIO_KEY_MISSING : HOST_RADIO_MIC);
        peer_refuses = false;
        peer_key_wrong_by = 0;
        peer_be_connected(); // people may pair anew, but need not
        assert_false(peer_encrypted);
        peer_disconnect();
        peer_be_connected();
        assert_true(peer_encrypted);
        peer_disconnect();
    }
    peer_refuses = true;
    peer_be_connected();
    peer_wait(2500);
    peer_refuses = false;
    peer_be_connected();
    assert_true(peer_be_paired()); // a new bond takes the place of the old one
    peer_disconnect();
    peer_be_connected();
    assert_true(peer_encrypted);
    peer_disconnect();
}

static void who_asks_for_encryption_gets_the_bonds(void **state)
{
    (void)state;
    const unsigned wanted = peer_told[BLUETOOTH_TOLD_PASSKEY_WANTED];
    peer_be_connected();
    peer_ask_security();
    peer_wait(500);
    assert_true(peer_encrypted);
    assert_int_equal(peer_told[BLUETOOTH_TOLD_PASSKEY_WANTED], wanted);
    assert_int_not_equal(peer_link, HOST_RADIO_NO_LINK);
    peer_disconnect();
}

static void who_encrypts_without_a_key_is_sent_away(void **state)
{
    (void)state;
    assert_int_equal(peer_do(BLUETOOTH_DO_FORGET, 0), ESP_OK);
    peer_connect();
    assert_false(peer_encrypt_again(false));
    assert_false(peer_encrypted);
    assert_int_equal(peer_link, HOST_RADIO_NO_LINK);
    assert_int_equal(peer_reason, HOST_RADIO_KEY_MISSING);
    peer_wait(2500); // until the service has noticed
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(who_has_paired_is_known_again, begin),
        cmocka_unit_test(who_breaks_off_a_pairing_leaves_the_bond),
        cmocka_unit_test(who_has_no_use_for_the_key_leaves_the_bond),
        cmocka_unit_test(who_asks_for_encryption_gets_the_bonds),
        cmocka_unit_test_teardown(who_encrypts_without_a_key_is_sent_away, end),
    };
    return KTEST_MAIN(argc, argv, tests);
}
