// SPDX-License-Identifier: Apache-2.0

// The interface in virtual time: joining, being refused, losing, coming back, being restarted.

#include <string.h>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "ktest.h"
#include "network_up.h"
#include "nvs.h"
#include "sdkconfig.h"
#include "system_service/service_supervisor.h"

enum {
    HOME,
    OFFICE,
    CAFE,
    NETWORKS
};
static host_network_t s_networks[NETWORKS] = {
    [HOME] = {.name = "home", .secret = "correct horse", .rssi_dbm = -60},
    [OFFICE] = {.name = "office", .secret = "battery", .rssi_dbm = -72},
    [CAFE] = {.name = "cafe", .rssi_dbm = -80},
};

static void change(unsigned network, bool absent)
{
    s_networks[network].absent = absent;
    host_network_changed();
}

static void a_cable_needs_no_name(void **state)
{
    (void)state;
    uint32_t times;
    assert_true(network_up_reaches(STATUS_NETWORK_CONNECTED, 1000));
    const status_network_t now = network_up_state();
    static const uint8_t address[4] = {192, 0, 2, 10};
    assert_memory_equal(now.ipv4, address, 4);
    assert_int_equal(now.bars, 4);
    assert_int_equal(now.rssi_dbm, 0);
    assert_int_equal(network_up_time(&times).utc_us / 1000000, 1767225600);
    assert_int_equal(times, 1);
}

static void a_cut_is_told_and_it_comes_back(void **state)
{
    (void)state;
    host_network_cut(true);
    assert_true(network_up_reaches(STATUS_NETWORK_DISCONNECTED, 100));
    assert_int_equal(network_up_state().ipv4[0], 0);
    vTaskDelay(pdMS_TO_TICKS(30000));
    const network_info_t info = network_up_info();
    assert_in_range(info.attempts, 4, 7); // 1, 2, 4, 8, 16 s, a quarter of it chance
    assert_int_equal(info.reason, ESP_ERR_NOT_FOUND);
    assert_true(info.next_ms > 4000);
    host_network_cut(false);
    assert_true(network_up_reaches(STATUS_NETWORK_CONNECTED, 60000));
    assert_int_equal(network_up_info().losses, 1);
    assert_int_equal(network_up_info().attempts, 0);
}

static void the_pause_has_a_bound(void **state)
{
    (void)state;
    host_network_cut(true);
    vTaskDelay(pdMS_TO_TICKS(3600 * 1000));
    const network_info_t info = network_up_info();
    assert_in_range(info.attempts, 60, 90); // one in 45 to 60 s
    host_network_cut(false);
    assert_true(
        network_up_reaches(STATUS_NETWORK_CONNECTED, CONFIG_NETWORK_BACKOFF_MAX_S * 1000 + 1000));
}

static void off_stays_off(void **state)
{
    (void)state;
    assert_int_equal(network_up_ask(NETWORK_OFF, "", ""), ESP_OK);
    assert_true(network_up_reaches(STATUS_NETWORK_OFF, 100));
    network_scan_t scan;
    assert_int_equal(network_up_scan(&scan), ESP_ERR_INVALID_STATE);
    assert_int_equal(system_service_restart(network_up_service), ESP_OK);
    vTaskDelay(pdMS_TO_TICKS(5000));
    assert_int_equal(network_up_state().state, STATUS_NETWORK_OFF);
    assert_int_equal(network_up_ask(NETWORK_ON, "", ""), ESP_OK);
    assert_true(network_up_reaches(STATUS_NETWORK_CONNECTED, 1000));
}

static void a_radio_waits_until_it_knows_a_network(void **state)
{
    (void)state;
    host_network_set(s_networks, NETWORKS);
    assert_int_equal(system_service_restart(network_up_service), ESP_OK);
    vTaskDelay(pdMS_TO_TICKS(60000));
    assert_int_equal(network_up_state().state, STATUS_NETWORK_DISCONNECTED);
    assert_int_equal(network_up_info().next_ms, 0); // nothing to try
    network_scan_t scan;
    assert_int_equal(network_up_scan(&scan), ESP_OK);
    assert_int_equal(scan.count, 3);
    assert_string_equal(scan.seen[0].name, "home");
    assert_string_equal(scan.seen[2].name, "cafe");
    assert_int_equal(scan.seen[0].bars, 3);
    assert_int_equal(scan.seen[2].bars, 1);
    assert_true(scan.seen[0].secured);
    assert_false(scan.seen[2].secured);
    assert_false(scan.seen[0].known);
}

static void the_wrong_secret_is_told(void **state)
{
    (void)state;
    assert_int_equal(network_up_ask(NETWORK_JOIN, "home", "wrong"), ESP_OK);
    vTaskDelay(pdMS_TO_TICKS(5000));
    assert_int_equal(network_up_state().state, STATUS_NETWORK_DISCONNECTED);
    assert_int_equal(network_up_info().reason, ESP_ERR_NETWORK_SECRET);
    assert_int_equal(network_up_ask(NETWORK_JOIN, "office", "battery"), ESP_OK);
    assert_true(network_up_reaches(STATUS_NETWORK_CONNECTED, 2000)); // home is left alone
    assert_string_equal(network_up_state().name, "office");
    assert_int_equal(network_up_ask(NETWORK_JOIN, "home", "correct horse"), ESP_OK);
    vTaskDelay(pdMS_TO_TICKS(2000));
    assert_string_equal(network_up_state().name, "home");
    assert_int_equal(network_up_state().rssi_dbm, -60);
    assert_int_equal(network_up_info().known, 2);
}

static void the_best_known_network_is_joined(void **state)
{
    (void)state;
    change(HOME, true);
    vTaskDelay(pdMS_TO_TICKS(10000));
    assert_int_equal(network_up_state().state, STATUS_NETWORK_CONNECTED);
    assert_string_equal(network_up_state().name, "office");
    change(HOME, false);
    change(OFFICE, true);
    vTaskDelay(pdMS_TO_TICKS(10000));
    assert_string_equal(network_up_state().name, "home");
    change(OFFICE, false);
}

static void a_network_without_addresses_is_given_up(void **state)
{
    (void)state;
    s_networks[HOME].no_address = true;
    change(HOME, true);
    vTaskDelay(pdMS_TO_TICKS(50));
    change(HOME, false);
    assert_true(network_up_reaches(STATUS_NETWORK_CONNECTING, 5000));
    assert_string_equal(network_up_state().name, "home");
    vTaskDelay(pdMS_TO_TICKS(CONFIG_NETWORK_JOIN_TIMEOUT_S * 1000 + 5000));
    assert_int_equal(network_up_info().reason, ESP_ERR_TIMEOUT);
    assert_string_equal(network_up_state().name, "office"); // the second best
    assert_int_equal(network_up_state().state, STATUS_NETWORK_CONNECTED);
    change(OFFICE, true);
    assert_true(network_up_reaches(STATUS_NETWORK_DISCONNECTED, 100));
    assert_true(network_up_reaches(STATUS_NETWORK_CONNECTING, 5000)); // nothing else is left
    assert_string_equal(network_up_state().name, "home");
    s_networks[HOME].no_address = false;
    assert_true(network_up_reaches(STATUS_NETWORK_CONNECTED, 60000));
    change(OFFICE, false);
}

static void what_is_known_survives_a_restart(void **state)
{
    (void)state;
    assert_int_equal(system_service_restart(network_up_service), ESP_OK);
    vTaskDelay(pdMS_TO_TICKS(5000));
    assert_int_equal(network_up_state().state, STATUS_NETWORK_CONNECTED);
    assert_string_equal(network_up_state().name, "home");
    assert_int_equal(network_up_ask(NETWORK_FORGET, "home", ""), ESP_OK);
    assert_int_equal(network_up_ask(NETWORK_FORGET, "home", ""), ESP_ERR_NOT_FOUND);
    vTaskDelay(pdMS_TO_TICKS(5000));
    assert_string_equal(network_up_state().name, "office");
}

static void more_networks_than_room_push_the_oldest_out(void **state)
{
    (void)state;
    char name[] = "net0";
    for (int i = 0; i < CONFIG_NETWORK_KNOWN; i++, name[3]++) {
        assert_int_equal(network_up_ask(NETWORK_JOIN, name, "x"), ESP_OK);
    }
    assert_int_equal(network_up_info().known, CONFIG_NETWORK_KNOWN);
    assert_int_equal(network_up_ask(NETWORK_FORGET, "office", ""), ESP_ERR_NOT_FOUND);
    for (name[3] = '0'; name[3] < '0' + CONFIG_NETWORK_KNOWN; name[3]++) {
        assert_int_equal(network_up_ask(NETWORK_FORGET, name, ""), ESP_OK);
    }
}

static void it_can_be_the_network(void **state)
{
    (void)state;
    assert_int_equal(network_up_ask(NETWORK_HOST, "kraken", "tentacle"), ESP_OK);
    assert_true(network_up_reaches(STATUS_NETWORK_CONNECTED, 1000));
    assert_string_equal(network_up_state().name, "kraken");
    assert_int_equal(network_up_state().ipv4[3], 1);
    assert_int_equal(network_up_ask(NETWORK_JOIN, "cafe", ""), ESP_OK);
    vTaskDelay(pdMS_TO_TICKS(2000));
    assert_string_equal(network_up_state().name, "cafe");
}

static void damaged_memory_is_not_believed(void **state)
{
    (void)state;
    nvs_handle_t nvs;
    uint8_t rubbish[120];
    memset(rubbish, 0x41, sizeof(rubbish));
    assert_int_equal(nvs_open("network", NVS_READWRITE, &nvs), ESP_OK);
    assert_int_equal(nvs_set_blob(nvs, "known", rubbish, sizeof(rubbish)), ESP_OK);
    nvs_close(nvs);
    assert_int_equal(system_service_restart(network_up_service), ESP_OK);
    vTaskDelay(pdMS_TO_TICKS(2000));
    assert_int_equal(network_up_info().known, 0);
    assert_int_equal(network_up_ask(NETWORK_JOIN, "cafe", ""), ESP_OK);
    vTaskDelay(pdMS_TO_TICKS(2000));
    assert_string_equal(network_up_state().name, "cafe");
}

static void a_driver_that_hangs_is_got_rid_of(void **state)
{
    (void)state;
    system_service_info_t before, after;
    assert_int_equal(system_service_get_info(network_up_service, &before), ESP_OK);
    assert_int_equal(network_up_fault(NETWORK_FAULT_STUCK), ESP_OK);
    vTaskDelay(pdMS_TO_TICKS(15000));
    assert_int_equal(network_up_state().state, STATUS_NETWORK_CONNECTED);
    assert_int_equal(system_service_get_info(network_up_service, &after), ESP_OK);
    assert_int_equal(after.restart_count, before.restart_count + 1);
}

static void unplugged_by_script(void **state)
{
    (void)state;
    assert_int_equal(network_up_fault(NETWORK_FAULT_UNPLUGGED), ESP_OK);
    vTaskDelay(pdMS_TO_TICKS(500));
    assert_int_equal(network_up_state().state, STATUS_NETWORK_DISCONNECTED);
    assert_int_equal(network_up_fault(NETWORK_FAULT_NONE), ESP_OK);
    vTaskDelay(pdMS_TO_TICKS(70000));
    assert_int_equal(network_up_state().state, STATUS_NETWORK_CONNECTED);
}

static void nonsense_is_refused(void **state)
{
    (void)state;
    assert_int_equal(network_up_ask(NETWORK_JOIN, "", ""), ESP_ERR_INVALID_ARG);
    assert_int_equal(network_up_ask(NETWORK_HOST, "", ""), ESP_ERR_INVALID_ARG);
    assert_int_equal(network_up_ask(NETWORK_WISHES, "", ""), ESP_ERR_INVALID_ARG);
    assert_int_equal(network_up_fault(NETWORK_FAULTS), ESP_ERR_INVALID_ARG);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_cable_needs_no_name, network_up),
        cmocka_unit_test(a_cut_is_told_and_it_comes_back),
        cmocka_unit_test(the_pause_has_a_bound),
        cmocka_unit_test(off_stays_off),
        cmocka_unit_test(a_radio_waits_until_it_knows_a_network),
        cmocka_unit_test(the_wrong_secret_is_told),
        cmocka_unit_test(the_best_known_network_is_joined),
        cmocka_unit_test(a_network_without_addresses_is_given_up),
        cmocka_unit_test(what_is_known_survives_a_restart),
        cmocka_unit_test(more_networks_than_room_push_the_oldest_out),
        cmocka_unit_test(it_can_be_the_network),
        cmocka_unit_test(damaged_memory_is_not_believed),
        cmocka_unit_test(a_driver_that_hangs_is_got_rid_of),
        cmocka_unit_test(unplugged_by_script),
        cmocka_unit_test_teardown(nonsense_is_refused, network_up_end),
    };
    return KTEST_MAIN(argc, argv, tests);
}
