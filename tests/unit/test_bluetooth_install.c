// SPDX-License-Identifier: Apache-2.0

// An app over the air: a real package, signed, of a real program, goes through the radio and the
// firmware's installing task, and runs. What was changed on the way, what nobody signed, and what
// broke off in the middle leave what was there as it was. One system for all cases, in order.

#include <stdatomic.h>
#include <string.h>

#include "app_store.h"
#include "bluetooth_peer.h"
#include "bluetooth_sender.h"
#include "boot_tables.h"
#include "esp_heap_caps.h"
#include "esp_rom_crc.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "host_flash.h"
#include "ktest.h"
#include "network_service/network_events.h"
#include "system_service/error_codes.h"
#include "system_service/request_response.h"
#include "system_up.h"

static void send(const kb_bytes_t *package, uint8_t flags)
{
    sender_send(package->bytes, (uint32_t)package->size,
                esp_rom_crc32_le(0, package->bytes, (uint32_t)package->size), flags);
}

static bool is_running(void)
{
    app_info_t info;
    return app_manager_get_info("hello", &info) == ESP_OK && info.state == APP_STATE_RUNNING;
}

static int set_up(void **state)
{
    assert_int_equal(app_store_set_up(state), 0);
    install_bluetooth_start();
    peer_attach();
    peer_wait(20);
    sender_join();
    return 0;
}

static void what_was_sent_runs(void **state)
{
    (void)state;
    send(&app_store_v1, 0);
    assert_int_equal(sender_status(), SENDER_INSTALLED);
    assert_string_equal(app_store_info("hello").manifest->version, "1.2.3");
    peer_wait(20);
    assert_string_equal(peer_last[BLUETOOTH_TOLD_INSTALLED].name, "hello");
    assert_int_equal(app_manager_start("hello"), ESP_OK);
    assert_true(peer_until(is_running, 2000));
    assert_int_equal(app_manager_stop("hello"), ESP_OK);
}

static void only_an_update_takes_its_place(void **state)
{
    (void)state;
    send(&app_store_v2, 0);
    assert_int_equal(sender_status(), SENDER_FAILED);
    assert_int_equal(sender_error(), ESP_ERR_APP_ALREADY_REGISTERED);
    assert_string_equal(app_store_info("hello").manifest->version, "1.2.3");
    send(&app_store_v2, SENDER_UPDATE);
    assert_int_equal(sender_status(), SENDER_INSTALLED);
    assert_string_equal(app_store_info("hello").manifest->version, "2.2.3");
    send(&app_store_v1, SENDER_UPDATE);
    assert_int_equal(sender_status(), SENDER_FAILED); // it is older
    send(&app_store_v1, SENDER_UPDATE | SENDER_OLDER);
    assert_int_equal(sender_status(), SENDER_INSTALLED);
    assert_string_equal(app_store_info("hello").manifest->version, "1.2.3");
}

static void what_nobody_vouches_for_is_not_installed(void **state)
{
    (void)state;
    kb_key_t stranger;
    kb_key_make(&stranger);
    kb_bytes_t strange = program_package_of(PROGRAM_HELLO, APP_STORE_ID, "hello", 3, &stranger);
    send(&strange, SENDER_UPDATE);
    assert_int_equal(sender_status(), SENDER_FAILED);
    assert_int_not_equal(sender_error(), ESP_OK);
    kb_free(&strange);
    app_store_v2.bytes[app_store_v2.size / 2] ^= 1; // and its sum is that of the changed one
    send(&app_store_v2, SENDER_UPDATE);
    assert_int_equal(sender_status(), SENDER_FAILED);
    app_store_v2.bytes[app_store_v2.size / 2] ^= 1;
    assert_string_equal(app_store_info("hello").manifest->version, "1.2.3");
}

/* ---- setting up ---------------------------------------------------------------------------------
 */

static network_control_t s_asked; // the network service's part
static _Atomic int32_t s_answer;

static void on_network(const system_request_t *request, void *user_data)
{
    (void)user_data;
    KTEST_CHECK(request->data_size == sizeof(s_asked) && request->from == SYSTEM_SERVICE_ID_NONE);
    memcpy(&s_asked, request->data, sizeof(s_asked));
    KTEST_CHECK(system_request_respond(request->id, atomic_load(&s_answer), NULL, 0) == ESP_OK);
}

static bool is_set_up(void)
{
    return peer_notified_handle == gatt_value_handle(GATT_VALUE_SETUP) && peer_notified[0] > 1;
}

static int32_t setup_error(void)
{
    return (int32_t)(peer_notified[4] | peer_notified[5] << 8);
}

/** @return what was notified then */
static uint8_t set_up_with(const void *order, size_t size)
{
    peer_notified_handle = 0;
    assert_int_equal(peer_write(GATT_VALUE_SETUP, order, size), 0);
    assert_true(peer_until(is_set_up, 5000));
    return peer_notified[0];
}

static void a_network_is_joined(void **state)
{
    (void)state;
    static const char s_order[] = "\1\4homea secret";
    static const char s_long[] = "\1\41"
                                 "an overlong name of thirty-three!";
    const system_service_id_t network = system_up_service("network");
    assert_int_equal(
        system_request_serve(network, system_up_type(NETWORK_CONTROL_REQUEST), on_network, NULL),
        ESP_OK);
    assert_int_equal(peer_subscribe(GATT_VALUE_FILE, false), 0);
    assert_int_equal(peer_subscribe(GATT_VALUE_SETUP, true), 0);
    peer_wait(50);
    assert_int_equal(set_up_with(s_order, sizeof(s_order) - 1), 2); // done
    assert_int_equal(s_asked.what, NETWORK_JOIN);
    assert_string_equal(s_asked.name, "home");
    assert_string_equal(s_asked.secret, "a secret");
    atomic_store(&s_answer, ESP_ERR_NO_MEM);
    assert_int_equal(set_up_with("\1\4open", 6), 3);
    assert_int_equal(setup_error(), ESP_ERR_NO_MEM);
    assert_string_equal(s_asked.secret, "");
    assert_int_equal(set_up_with(s_long, sizeof(s_long) - 1), 3);
    assert_int_equal(set_up_with("\1\0", 2), 3);
    assert_int_equal(set_up_with("\1\5home", 6), 3);
    assert_int_equal(set_up_with("\2RESE", 5), 3);
    assert_int_equal(setup_error(), ESP_ERR_INVALID_ARG);
    assert_int_equal(peer_subscribe(GATT_VALUE_SETUP, false), 0);
    assert_int_equal(peer_subscribe(GATT_VALUE_FILE, true), 0);
    peer_wait(50);
}

/* ---- its task -----------------------------------------------------------------------------------
 */

#define HOARDED 64

static void *s_hoard[HOARDED];

/** Take internal memory until no block is left that a stack fits into. */
static void hoard(void)
{
    for (unsigned i = 0; i < HOARDED; i++) {
        const size_t largest = heap_caps_get_largest_free_block(MALLOC_CAP_INTERNAL);
        s_hoard[i] = largest < 4096 ? NULL : heap_caps_malloc(largest, MALLOC_CAP_INTERNAL);
    }
    assert_true(heap_caps_get_largest_free_block(MALLOC_CAP_INTERNAL) < 4096);
}

static void let_go(void)
{
    for (unsigned i = 0; i < HOARDED; i++) {
        heap_caps_free(s_hoard[i]);
    }
}

static bool is_gone(void)
{
    return xTaskGetHandle("bt_install") == NULL;
}

static void its_task_is_there_while_it_is_needed(void **state)
{
    (void)state;
    const uint32_t size = (uint32_t)app_store_v2.size;
    assert_true(peer_until(is_gone, 10000));
    hoard();
    sender_order(size, esp_rom_crc32_le(0, app_store_v2.bytes, size), SENDER_UPDATE);
    assert_true(peer_until(sender_has_ended, 2000));
    assert_int_equal(sender_status(), SENDER_FAILED);
    assert_int_equal(sender_error(), ESP_ERR_NO_MEM);
    assert_int_equal(peer_subscribe(GATT_VALUE_FILE, false), 0);
    assert_int_equal(peer_subscribe(GATT_VALUE_SETUP, true), 0);
    peer_wait(50);
    assert_int_equal(set_up_with("\1\4home", 6), 3);
    assert_int_equal(setup_error(), ESP_ERR_NO_MEM);
    assert_true(is_gone());
    let_go();
    atomic_store(&s_answer, ESP_OK);
    assert_int_equal(set_up_with("\1\4home", 6), 2);
    assert_false(is_gone());
    assert_true(peer_until(is_gone, 10000));
    assert_int_equal(peer_subscribe(GATT_VALUE_SETUP, false), 0);
    assert_int_equal(peer_subscribe(GATT_VALUE_FILE, true), 0);
    peer_wait(50);
}

static void who_walks_away_in_the_middle_goes_on(void **state)
{
    (void)state;
    const uint32_t size = (uint32_t)app_store_v2.size;
    const bluetooth_info_t before = peer_info();
    sender_order(size, esp_rom_crc32_le(0, app_store_v2.bytes, size), SENDER_UPDATE);
    assert_true(peer_until(sender_is_received, 2000));
    sender_send_to(app_store_v2.bytes, size / 2);
    host_radio_place(peer_radio, 500);
    peer_wait(2500);
    assert_int_equal(peer_link, HOST_RADIO_NO_LINK);
    assert_int_equal(peer_info().lost, before.lost + 1);
    assert_string_equal(app_store_info("hello").manifest->version, "1.2.3");
    assert_int_equal(app_manager_start("hello"), ESP_OK); // what was there still runs
    assert_true(peer_until(is_running, 2000));
    host_radio_place(peer_radio, 0);
    host_radio_set_air(&(host_air_t){.loss_ppm = 100000});
    sender_join();
    send(&app_store_v2, SENDER_UPDATE);
    assert_int_equal(sender_status(), SENDER_INSTALLED);
    assert_int_equal(peer_info().received, before.received + size);
    assert_string_equal(app_store_info("hello").manifest->version, "2.2.3");
    assert_true(peer_until(is_running, 5000)); // the update has started it again
    assert_int_equal(app_manager_stop("hello"), ESP_OK);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_was_sent_runs, set_up),
        cmocka_unit_test(only_an_update_takes_its_place),
        cmocka_unit_test(what_nobody_vouches_for_is_not_installed),
        cmocka_unit_test(a_network_is_joined),
        cmocka_unit_test(its_task_is_there_while_it_is_needed),
        cmocka_unit_test_teardown(who_walks_away_in_the_middle_goes_on, app_store_tear_down),
    };
    host_flash_use_table(app_store_table);
    return KTEST_MAIN(argc, argv, tests);
}
