// SPDX-License-Identifier: Apache-2.0

// The Bluetooth service and a peer on the virtual air. One system for all cases, in order; a case
// begins and ends unconnected.

#include <string.h>

#include "bluetooth_peer.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "ktest.h"
#include "system_service/service_supervisor.h"
#include "system_up.h"

static bool service_has_noticed(void)
{
    return peer_state.enabled && peer_state.connections == (peer_link != HOST_RADIO_NO_LINK) &&
           (peer_state.advertising || peer_state.connections == BLUETOOTH_LINKS);
}

static system_secure_key_t s_key;
static bool s_begun;

static int set_up(void **state)
{
    (void)state;
    if (!s_begun) {
        s_begun = true;
        s_key = peer_begin();
    }
    host_radio_set_air(&(host_air_t){0});
    host_radio_place(peer_radio, 0);
    assert_int_equal(peer_do(BLUETOOTH_DO_ADVERTISE, 1), ESP_OK);
    assert_true(peer_until(service_has_noticed, 5000));
    return 0;
}

static void it_is_seen_with_its_name(void **state)
{
    (void)state;
    peer_connect();
    assert_string_equal(peer_name, CONFIG_BLUETOOTH_NAME);
    assert_true(peer_kraken);
    assert_true(peer_until(service_has_noticed, 5000)); // and can take another one
    const bluetooth_info_t info = peer_info();
    assert_true(info.radio && info.state.enabled);
    assert_memory_equal(info.address.bytes, peer_address, 6);
    assert_true(info.links[0].connected && !info.links[0].central && !info.links[0].paired);
    assert_int_equal(info.links[0].mtu, 23);
    assert_int_equal(peer_last[BLUETOOTH_TOLD_CONNECTED].link, 0);
    peer_disconnect();
    assert_true(peer_until(service_has_noticed, 5000));
    assert_int_equal(peer_told[BLUETOOTH_TOLD_DISCONNECTED], 1);
    assert_int_equal(peer_last[BLUETOOTH_TOLD_DISCONNECTED].code, HOST_RADIO_BY_PEER);
}

static void it_hides(void **state)
{
    (void)state;
    assert_int_equal(peer_do(BLUETOOTH_DO_ADVERTISE, 0), ESP_OK);
    host_radio_scan(peer_radio, true);
    peer_wait(150);
    peer_seen = 0;
    peer_wait(1200);
    assert_int_equal(peer_seen, 0);
    assert_false(peer_state.advertising);
    assert_int_equal(peer_do(BLUETOOTH_DO_ADVERTISE, 2), ESP_ERR_INVALID_ARG);
    assert_int_equal(peer_do(BLUETOOTH_DO_ADVERTISE, 1), ESP_OK);
    peer_wait(300);
    assert_true(peer_seen != 0);
    host_radio_scan(peer_radio, false);
}

static void what_it_offers_is_read(void **state)
{
    (void)state;
    uint8_t answer[ATT_MTU];
    peer_connect();
    const uint8_t mtu[] = {ATT_MTU_REQUEST, 185, 0};
    assert_int_equal(peer_ask(mtu, sizeof(mtu), answer), 3);
    assert_int_equal(answer[1], ATT_MTU);
    const uint8_t handle = (uint8_t)gatt_value_handle(GATT_VALUE_NAME);
    const uint8_t read[] = {ATT_READ, handle, 0};
    assert_int_equal(peer_ask(read, sizeof(read), answer), 1 + strlen(CONFIG_BLUETOOTH_NAME));
    assert_memory_equal(answer + 1, CONFIG_BLUETOOTH_NAME, strlen(CONFIG_BLUETOOTH_NAME));
    peer_wait(5);
    assert_int_equal(peer_info().links[0].mtu, 185);
    peer_disconnect();
}

static bool health_came(void)
{
    return peer_notifications != 0;
}

static void health_is_notified(void **state)
{
    (void)state;
    peer_connect();
    peer_notifications = 0;
    assert_int_equal(peer_subscribe(GATT_VALUE_HEALTH, true), 0);
    assert_true(peer_until(health_came, 2000)); // as it is now
    assert_int_equal(peer_notified_handle, gatt_value_handle(GATT_VALUE_HEALTH));
    assert_int_equal(peer_notified_size, 8);
    assert_int_equal(peer_notified[0], 1);
    assert_int_equal(peer_info().links[0].subscribed, 1);
    assert_int_equal(peer_subscribe(GATT_VALUE_HEALTH, false), 0);
    peer_wait(5);
    assert_int_equal(peer_info().links[0].subscribed, 0);
    peer_disconnect();
}

static void hostile_frames_do_no_harm(void **state)
{
    (void)state;
    static const uint8_t s_frames[][12] = {
        {0, 0, 4, 0},                         // ATT, nothing in it
        {8, 0, 4, 0, 0x10, 1, 0, 0xff, 0xff}, // longer than it is
        {2, 0, 9, 0, 1, 2},                   // no such channel
        {1, 0, 6, 0, 0x05},                   // a failure without a reason
        {2, 0, 6, 0, 0x03, 1},                // a confirm value without a beginning
        {4, 0, 5, 0, 0x12, 7, 0, 0},          // a signaling command
        {1, 0, 4, 0, 0x0b},                   // an answer to nothing
        {3, 0, 4, 0, 0x1b, 1, 0},             // a notification of nothing
    };
    static const size_t s_sizes[] = {4, 9, 6, 5, 6, 8, 5, 7};
    uint8_t answer[ATT_MTU];
    peer_connect();
    for (unsigned i = 0; i < sizeof(s_sizes) / sizeof(s_sizes[0]); i++) {
        while (!peer_send_raw(s_frames[i], s_sizes[i])) {
            peer_wait(1);
        }
    }
    peer_wait(200);
    const uint8_t read[] = {ATT_READ, 3, 0};
    assert_true(peer_ask(read, sizeof(read), answer) > 1);
    peer_disconnect();
}

static void it_is_lost_by_distance(void **state)
{
    (void)state;
    peer_connect();
    const uint32_t lost = peer_info().lost;
    host_radio_place(peer_radio, 1000);
    peer_wait(2500);
    assert_int_equal(peer_link, HOST_RADIO_NO_LINK);
    assert_int_equal(peer_reason, HOST_RADIO_TIMEOUT);
    assert_int_equal(peer_info().lost, lost + 1);
    assert_int_equal(peer_last[BLUETOOTH_TOLD_DISCONNECTED].code, HOST_RADIO_TIMEOUT);
}

static bool radio_is_gone(void)
{
    return !peer_state.enabled;
}

static void a_radio_that_is_gone_is_looked_for(void **state)
{
    (void)state;
    assert_int_equal(peer_do(BLUETOOTH_DO_FAULT, BLUETOOTH_FAULT_UNPLUGGED), ESP_OK);
    assert_true(peer_until(radio_is_gone, 5000));
    assert_int_equal(peer_do(BLUETOOTH_DO_SCAN, 100), ESP_ERR_NOT_FOUND);
    assert_int_equal(peer_do(BLUETOOTH_DO_FAULT, BLUETOOTH_FAULTS), ESP_ERR_INVALID_ARG);
    assert_int_equal(peer_do(BLUETOOTH_DO_FAULT, BLUETOOTH_FAULT_NONE), ESP_OK);
    assert_true(peer_until(service_has_noticed, 5000));
    peer_connect();
    peer_disconnect();
}

static bool is_gone(void)
{
    return peer_link == HOST_RADIO_NO_LINK;
}

static void a_restart_ends_connections_and_begins_anew(void **state)
{
    (void)state;
    peer_connect();
    assert_int_equal(system_service_restart(peer_service()), ESP_OK);
    assert_true(peer_until(is_gone, 5000));
    assert_int_equal(peer_reason, HOST_RADIO_TIMEOUT); // it said nothing
    assert_true(peer_until(service_has_noticed, 10000));
    peer_connect();
    peer_disconnect();
}

static int end(void **state)
{
    (void)state;
    peer_end(s_key);
    return 0;
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(it_is_seen_with_its_name, set_up),
        cmocka_unit_test_setup(it_hides, set_up),
        cmocka_unit_test_setup(what_it_offers_is_read, set_up),
        cmocka_unit_test_setup(health_is_notified, set_up),
        cmocka_unit_test_setup(hostile_frames_do_no_harm, set_up),
        cmocka_unit_test_setup(it_is_lost_by_distance, set_up),
        cmocka_unit_test_setup(a_radio_that_is_gone_is_looked_for, set_up),
        cmocka_unit_test_setup_teardown(a_restart_ends_connections_and_begins_anew, set_up, end),
    };
    return KTEST_MAIN(argc, argv, tests);
}
