// SPDX-License-Identifier: Apache-2.0

// A package from a peer: through bad air, beyond the ring, called off, cut off, and over a restart
// of the service. What is read is what was sent, or the reader is told why not. One system for all
// cases, in order.

#include <stdatomic.h>
#include <string.h>

#include "bluetooth_peer.h"
#include "bluetooth_sender.h"
#include "bluetooth_service/bluetooth_package.h"
#include "bluetooth_service/bluetooth_setup.h"
#include "esp_rom_crc.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "ktest.h"
#include "system_service/service_supervisor.h"
#include "system_up.h"

#define SIZE 50000

static uint8_t s_sent[SIZE];
static system_secure_key_t s_key;
static bool s_begun;

/* ---- the reader ---------------------------------------------------------------------------------
 */

static _Atomic uint32_t s_read;   // bytes of this package
static _Atomic uint32_t s_ended;  // packages
static _Atomic int32_t s_result;  // of the last one
static _Atomic bool s_waits_long; // between two reads
static _Atomic bool s_older;
static _Atomic bool s_forgets; // to say how setting up went: it is gone, or stuck

static esp_err_t read_all(void)
{
    static uint8_t s_buffer[3000];
    size_t got;
    do {
        const esp_err_t ret = bluetooth_package_read(NULL, s_buffer, sizeof(s_buffer), &got);
        if (ret != ESP_OK) {
            return ret;
        }
        KTEST_CHECK(memcmp(s_buffer, s_sent + atomic_load(&s_read), got) == 0);
        atomic_fetch_add(&s_read, (uint32_t)got);
        vTaskDelay(pdMS_TO_TICKS(atomic_load(&s_waits_long) ? 300 : 5));
    } while (got != 0);
    return ESP_OK;
}

static void reader(void *arg)
{
    (void)arg;
    bluetooth_package_t package;
    static bluetooth_setup_t s_order;
    for (;;) {
        const esp_err_t waited = bluetooth_package_wait(&package, 1000);
        if (waited == ESP_ERR_NOT_FINISHED && bluetooth_setup_take(&s_order)) {
            if (!atomic_exchange(&s_forgets, false)) {
                bluetooth_setup_done(ESP_OK);
            }
        } else if (waited == ESP_OK) {
            atomic_store(&s_read, 0);
            KTEST_CHECK(package.size == SIZE && !package.update);
            atomic_store(&s_older, package.allow_older);
            const esp_err_t ret = read_all();
            bluetooth_package_done(ret, ret == ESP_OK ? "a name" : "");
            atomic_store(&s_result, ret);
            atomic_fetch_add(&s_ended, 1);
        }
    }
}

static int set_up(void **state)
{
    (void)state;
    if (!s_begun) {
        s_begun = true;
        s_key = peer_begin();
        for (unsigned i = 0; i < SIZE; i++) {
            s_sent[i] = (uint8_t)(i * 7 + i / 256);
        }
        KTEST_CHECK(xTaskCreate(reader, "reader", 4096, NULL, 5, NULL) == pdPASS);
        peer_wait(20);
    }
    atomic_store(&s_waits_long, false);
    host_radio_set_air(&(host_air_t){0});
    host_radio_place(peer_radio, 0);
    if (peer_link == HOST_RADIO_NO_LINK) {
        sender_join();
    }
    return 0;
}

static uint32_t crc(void)
{
    return esp_rom_crc32_le(0, s_sent, SIZE);
}

static void send_all(uint32_t sum)
{
    sender_send(s_sent, SIZE, sum, 0);
}

static void what_is_sent_is_read(void **state)
{
    (void)state;
    send_all(crc());
    assert_int_equal(sender_status(), SENDER_INSTALLED);
    assert_int_equal(atomic_load(&s_read), SIZE);
    peer_wait(20);
    assert_int_equal(peer_told[BLUETOOTH_TOLD_INSTALLED], 1);
    assert_string_equal(peer_last[BLUETOOTH_TOLD_INSTALLED].name, "a name");
    assert_int_equal(peer_info().received, SIZE);
    assert_int_equal(peer_info().installed, 1);
}

static void bad_air_makes_it_slow_not_wrong(void **state)
{
    (void)state;
    host_radio_set_air(&(host_air_t){.loss_ppm = 150000});
    send_all(crc());
    assert_int_equal(sender_status(), SENDER_INSTALLED);
}

static void a_slow_reader_is_waited_for(void **state)
{
    (void)state;
    atomic_store(&s_waits_long, true);
    send_all(crc());
    assert_int_equal(sender_status(), SENDER_INSTALLED);
    assert_int_equal(peer_info().overrun, 0);
}

static void a_damaged_one_is_refused(void **state)
{
    (void)state;
    send_all(crc() ^ 1);
    assert_int_equal(sender_status(), SENDER_FAILED);
    assert_int_equal(sender_error(), ESP_ERR_INVALID_CRC);
    peer_wait(20);
    assert_int_equal(peer_last[BLUETOOTH_TOLD_NOT_INSTALLED].status, ESP_ERR_INVALID_CRC);
}

static void pieces_out_of_place_are_sent_again(void **state)
{
    (void)state;
    sender_order(SIZE, crc(), 1);
    assert_true(peer_until(sender_is_received, 2000));
    sender_send_to(s_sent, 1000);
    peer_wait(50);
    const unsigned before = peer_notifications;
    sender_piece(s_sent, 1200, 200); // 1000..1199 is missing
    sender_piece(s_sent, 1400, 200);
    peer_wait(100);
    assert_int_equal(peer_notifications, before + 1); // said once
    assert_int_equal(sender_offset(), 1000);
    sender_send_to(s_sent, SIZE);
    assert_true(peer_until(sender_has_ended, 20000));
    assert_int_equal(sender_status(), SENDER_INSTALLED);
    assert_true(atomic_load(&s_older));
}

static void orders_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    const uint32_t refused = peer_info().refused;
    sender_order(0, 0, 0);
    peer_wait(50);
    assert_int_equal(sender_status(), SENDER_FAILED);
    assert_int_equal(sender_error(), ESP_ERR_INVALID_SIZE);
    sender_order(CONFIG_BLUETOOTH_PACKAGE_MAX + 1u, 0, 0);
    assert_int_equal(peer_write(GATT_VALUE_FILE, (const uint8_t[]){2}, 1), 0);
    assert_int_equal(peer_write(GATT_VALUE_FILE, (const uint8_t[]){9, 9}, 2), 0);
    sender_piece(s_sent, 0, 100);
    peer_wait(50);
    assert_int_equal(peer_info().refused, refused + 5);
}

static void it_can_be_called_off(void **state)
{
    (void)state;
    const uint32_t ended = atomic_load(&s_ended);
    sender_order(SIZE, crc(), 0);
    assert_true(peer_until(sender_is_received, 2000));
    sender_send_to(s_sent, 20000);
    assert_int_equal(peer_write(GATT_VALUE_FILE, (const uint8_t[]){2}, 1), 0);
    assert_true(peer_until(sender_has_ended, 2000));
    assert_int_equal(sender_error(), ESP_ERR_NOT_FINISHED);
    assert_true(system_up_wait(&s_ended, ended + 1, 2000));
    assert_int_equal(atomic_load(&s_result), ESP_ERR_NOT_FINISHED);
}

/** Send the beginning, and be out of range. */
static void walk_away_at(uint32_t place)
{
    peer_wait(1100); // until the last one is told
    sender_order(SIZE, crc(), 0);
    assert_true(peer_until(sender_is_received, 2000));
    sender_send_to(s_sent, place);
    host_radio_place(peer_radio, 500);
    peer_wait(2500);
    assert_int_equal(peer_link, HOST_RADIO_NO_LINK);
}

static void come_back(void)
{
    host_radio_place(peer_radio, 0);
    sender_join();
}

static void whoever_walks_away_goes_on_where_it_was(void **state)
{
    (void)state;
    const uint32_t ended = atomic_load(&s_ended);
    const uint32_t received = peer_info().received;
    walk_away_at(10000);
    peer_wait(CONFIG_BLUETOOTH_RESUME_MS / 2);
    assert_int_equal(atomic_load(&s_ended), ended);
    come_back();
    sender_order(SIZE, crc(), 0);
    assert_true(peer_until(sender_is_received, 2000));
    assert_in_range(sender_offset(), 5000, 10000); // what was acknowledged is there
    sender_send_to(s_sent, 30000);
    host_radio_place(peer_radio, 500); // and once more
    peer_wait(2500);
    come_back();
    sender_order(SIZE, crc(), 0);
    assert_true(peer_until(sender_is_received, 2000));
    assert_in_range(sender_offset(), 25000, 30000);
    sender_send_to(s_sent, SIZE);
    assert_true(peer_until(sender_has_ended, 20000));
    assert_int_equal(sender_status(), SENDER_INSTALLED);
    assert_int_equal(peer_info().received, received + SIZE); // each byte once
    assert_int_equal(atomic_load(&s_ended), ended + 1);
}

static void whoever_does_not_come_back_loses_it(void **state)
{
    (void)state;
    const uint32_t ended = atomic_load(&s_ended);
    walk_away_at(10000);
    peer_wait(CONFIG_BLUETOOTH_RESUME_MS + 1000);
    assert_true(system_up_wait(&s_ended, ended + 1, 5000));
    assert_int_equal(atomic_load(&s_result), ESP_ERR_NOT_FINISHED);
    come_back();
    sender_order(SIZE, crc(), 0);
    assert_true(peer_until(sender_is_received, 2000));
    assert_int_equal(sender_offset(), 0);
    assert_int_equal(peer_write(GATT_VALUE_FILE, (const uint8_t[]){2}, 1), 0);
    assert_true(system_up_wait(&s_ended, ended + 2, 2000));
}

static void another_order_calls_an_interrupted_one_off(void **state)
{
    (void)state;
    const uint32_t ended = atomic_load(&s_ended);
    walk_away_at(10000);
    come_back();
    sender_order(SIZE, crc() ^ 1, 0);
    assert_true(peer_until(sender_has_ended, 2000));
    assert_int_equal(sender_status(), SENDER_FAILED);
    assert_true(system_up_wait(&s_ended, ended + 1, 2000));
    assert_int_equal(atomic_load(&s_result), ESP_ERR_NOT_FINISHED);
    peer_wait(1100);
    send_all(crc());
    assert_int_equal(sender_status(), SENDER_INSTALLED);
}

static void a_restart_in_the_middle_is_told_to_the_reader(void **state)
{
    (void)state;
    const uint32_t ended = atomic_load(&s_ended);
    sender_order(SIZE, crc(), 0);
    assert_true(peer_until(sender_is_received, 2000));
    sender_send_to(s_sent, 10000);
    assert_int_equal(system_service_restart(peer_service()), ESP_OK);
    assert_true(system_up_wait(&s_ended, ended + 1, 5000));
    assert_int_not_equal(atomic_load(&s_result), ESP_OK);
    assert_true(peer_until(sender_has_ended, 5000));
    peer_wait(2000);
    assert_int_equal(peer_link, HOST_RADIO_NO_LINK);
}

static uint8_t setup_status(void)
{
    const uint8_t request[] = {ATT_READ, (uint8_t)gatt_value_handle(GATT_VALUE_SETUP), 0};
    uint8_t answer[ATT_MTU];
    assert_true(peer_ask(request, sizeof(request), answer) >= 9);
    return answer[1];
}

static void an_order_that_nobody_finishes_is_given_up(void **state)
{
    (void)state;
    static const char s_order[] = "\1\4homea secret";
    const unsigned size = sizeof(s_order) - 1;
    atomic_store(&s_forgets, true);
    assert_int_equal(peer_write(GATT_VALUE_SETUP, s_order, size), 0);
    peer_wait(CONFIG_BLUETOOTH_SETUP_MS - 2000);
    assert_int_equal(setup_status(), 1); // under way
    assert_int_equal(peer_write(GATT_VALUE_SETUP, s_order, size), 0);
    peer_wait(4000);
    assert_int_equal(setup_status(), 3);
    assert_int_equal(peer_write(GATT_VALUE_SETUP, s_order, size), 0);
    peer_wait(100);
    assert_int_equal(setup_status(), 2);
}

static void and_the_next_one_arrives(void **state)
{
    (void)state;
    send_all(crc());
    assert_int_equal(sender_status(), SENDER_INSTALLED);
    peer_end(s_key);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_is_sent_is_read, set_up),
        cmocka_unit_test_setup(bad_air_makes_it_slow_not_wrong, set_up),
        cmocka_unit_test_setup(a_slow_reader_is_waited_for, set_up),
        cmocka_unit_test_setup(a_damaged_one_is_refused, set_up),
        cmocka_unit_test_setup(pieces_out_of_place_are_sent_again, set_up),
        cmocka_unit_test_setup(orders_that_make_no_sense_are_refused, set_up),
        cmocka_unit_test_setup(it_can_be_called_off, set_up),
        cmocka_unit_test_setup(whoever_walks_away_goes_on_where_it_was, set_up),
        cmocka_unit_test_setup(whoever_does_not_come_back_loses_it, set_up),
        cmocka_unit_test_setup(another_order_calls_an_interrupted_one_off, set_up),
        cmocka_unit_test_setup(a_restart_in_the_middle_is_told_to_the_reader, set_up),
        cmocka_unit_test_setup(an_order_that_nobody_finishes_is_given_up, set_up),
        cmocka_unit_test_setup(and_the_next_one_arrives, set_up),
    };
    return KTEST_MAIN(argc, argv, tests);
}
