// SPDX-License-Identifier: Apache-2.0

// A package from a peer: through bad air, beyond the ring, called off, cut off, and over a restart
// of the service. What is read is what was sent, or the reader is told why not. One system for all
// cases, in order.

#include <stdatomic.h>
#include <string.h>

#include "bluetooth_peer.h"
#include "bluetooth_service/bluetooth_package.h"
#include "esp_rom_crc.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "ktest.h"
#include "system_service/service_supervisor.h"
#include "system_up.h"

#define SIZE  50000
#define PIECE 200

enum { /* as docs/services/bluetooth.md numbers them */
    IDLE = 0,
    RECEIVING,
    INSTALLING,
    INSTALLED,
    FAILED,
};

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
    for (;;) {
        if (bluetooth_package_wait(&package, 1000) == ESP_OK) {
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

/* ---- the sender ---------------------------------------------------------------------------------
 */

static uint32_t get32(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static void put32(uint8_t *at, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++) {
        at[i] = (uint8_t)(value >> (8 * i));
    }
}

static uint8_t status(void)
{
    return peer_notified[0];
}

static uint32_t granted(void)
{
    return get32(peer_notified + 4) + (uint32_t)(peer_notified[2] | peer_notified[3] << 8);
}

static void begin_order(uint32_t size, uint32_t crc, uint8_t flags)
{
    uint8_t order[10] = {1, [9] = flags};
    put32(order + 1, size);
    put32(order + 5, crc);
    assert_int_equal(peer_write(GATT_VALUE_FILE, order, sizeof(order)), 0);
}

static void send_piece(uint32_t at, uint32_t size)
{
    uint8_t pdu[7 + PIECE] = {ATT_WRITE_COMMAND, (uint8_t)gatt_value_handle(GATT_VALUE_FILE_DATA)};
    put32(pdu + 3, at);
    memcpy(pdu + 7, s_sent + at, size);
    peer_send(pdu, 7 + size);
}

static bool is_receiving(void)
{
    return status() == RECEIVING;
}

static bool has_ended(void)
{
    return status() == INSTALLED || status() == FAILED || peer_link == HOST_RADIO_NO_LINK;
}

/** Send up to a place, no further than granted; begins again where the receiver says. */
static void send_to(uint32_t end)
{
    uint32_t at = get32(peer_notified + 4);
    unsigned seen = peer_notifications;
    for (unsigned turns = 0; at < end && !has_ended(); turns++) {
        assert_true(turns < 20000);
        if (seen != peer_notifications && get32(peer_notified + 4) < at &&
            peer_notified[2] + peer_notified[3] != 0 && granted() <= at) {
            at = get32(peer_notified + 4);
        }
        seen = peer_notifications;
        const uint32_t left = granted() > at ? granted() - at : 0;
        uint32_t size = left < PIECE ? left : PIECE;
        size = size < end - at ? size : end - at;
        if (size == 0) {
            peer_wait(1);
            continue;
        }
        send_piece(at, size);
        at += size;
    }
}

static void join(void)
{
    static const uint8_t s_mtu[] = {ATT_MTU_REQUEST, ATT_MTU, 0};
    uint8_t answer[ATT_MTU];
    peer_connect();
    assert_int_equal(peer_ask(s_mtu, sizeof(s_mtu), answer), 3);
    assert_int_equal(peer_pair(0), 0);
    assert_int_equal(peer_subscribe(GATT_VALUE_FILE, true), 0);
    peer_wait(50);
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
        join();
    }
    return 0;
}

static void send_all(uint32_t crc)
{
    begin_order(SIZE, crc, 0);
    assert_true(peer_until(is_receiving, 2000));
    send_to(SIZE);
    assert_true(peer_until(has_ended, 20000));
}

static uint32_t crc(void)
{
    return esp_rom_crc32_le(0, s_sent, SIZE);
}

static void what_is_sent_is_read(void **state)
{
    (void)state;
    send_all(crc());
    assert_int_equal(status(), INSTALLED);
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
    assert_int_equal(status(), INSTALLED);
}

static void a_slow_reader_is_waited_for(void **state)
{
    (void)state;
    atomic_store(&s_waits_long, true);
    send_all(crc());
    assert_int_equal(status(), INSTALLED);
    assert_int_equal(peer_info().overrun, 0);
}

static void a_damaged_one_is_refused(void **state)
{
    (void)state;
    send_all(crc() ^ 1);
    assert_int_equal(status(), FAILED);
    assert_int_equal((int32_t)get32(peer_notified + 8), ESP_ERR_INVALID_CRC);
    peer_wait(20);
    assert_int_equal(peer_last[BLUETOOTH_TOLD_NOT_INSTALLED].status, ESP_ERR_INVALID_CRC);
}

static void pieces_out_of_place_are_sent_again(void **state)
{
    (void)state;
    begin_order(SIZE, crc(), 1);
    assert_true(peer_until(is_receiving, 2000));
    send_to(1000);
    peer_wait(50);
    const unsigned before = peer_notifications;
    send_piece(1200, 200); // 1000..1199 is missing
    send_piece(1400, 200);
    peer_wait(100);
    assert_int_equal(peer_notifications, before + 1); // said once
    assert_int_equal(get32(peer_notified + 4), 1000);
    send_to(SIZE);
    assert_true(peer_until(has_ended, 20000));
    assert_int_equal(status(), INSTALLED);
    assert_true(atomic_load(&s_older));
}

static void orders_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    const uint32_t refused = peer_info().refused;
    begin_order(0, 0, 0);
    peer_wait(50);
    assert_int_equal(status(), FAILED);
    assert_int_equal(get32(peer_notified + 8), ESP_ERR_INVALID_SIZE);
    begin_order(CONFIG_BLUETOOTH_PACKAGE_MAX + 1u, 0, 0);
    assert_int_equal(peer_write(GATT_VALUE_FILE, (const uint8_t[]){2}, 1), 0);
    assert_int_equal(peer_write(GATT_VALUE_FILE, (const uint8_t[]){9, 9}, 2), 0);
    send_piece(0, 100);
    peer_wait(50);
    assert_int_equal(peer_info().refused, refused + 5);
}

static void it_can_be_called_off(void **state)
{
    (void)state;
    const uint32_t ended = atomic_load(&s_ended);
    begin_order(SIZE, crc(), 0);
    assert_true(peer_until(is_receiving, 2000));
    send_to(20000);
    assert_int_equal(peer_write(GATT_VALUE_FILE, (const uint8_t[]){2}, 1), 0);
    assert_true(peer_until(has_ended, 2000));
    assert_int_equal(get32(peer_notified + 8), ESP_ERR_NOT_FINISHED);
    assert_true(system_up_wait(&s_ended, ended + 1, 2000));
    assert_int_equal(atomic_load(&s_result), ESP_ERR_NOT_FINISHED);
}

static void whoever_walks_away_in_the_middle_loses_it(void **state)
{
    (void)state;
    const uint32_t ended = atomic_load(&s_ended);
    peer_wait(1100); // until the last one is told
    begin_order(SIZE, crc(), 0);
    assert_true(peer_until(is_receiving, 2000));
    send_to(10000);
    host_radio_place(peer_radio, 500);
    peer_wait(2500);
    assert_int_equal(peer_link, HOST_RADIO_NO_LINK);
    assert_true(system_up_wait(&s_ended, ended + 1, 5000));
    assert_int_equal(atomic_load(&s_result), ESP_ERR_NOT_FINISHED);
}

static void a_restart_in_the_middle_is_told_to_the_reader(void **state)
{
    (void)state;
    const uint32_t ended = atomic_load(&s_ended);
    begin_order(SIZE, crc(), 0);
    assert_true(peer_until(is_receiving, 2000));
    send_to(10000);
    assert_int_equal(system_service_restart(peer_service()), ESP_OK);
    assert_true(system_up_wait(&s_ended, ended + 1, 5000));
    assert_int_not_equal(atomic_load(&s_result), ESP_OK);
    assert_true(peer_until(has_ended, 5000));
    peer_wait(2000);
    assert_int_equal(peer_link, HOST_RADIO_NO_LINK);
}

static void and_the_next_one_arrives(void **state)
{
    (void)state;
    send_all(crc());
    assert_int_equal(status(), INSTALLED);
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
        cmocka_unit_test_setup(whoever_walks_away_in_the_middle_loses_it, set_up),
        cmocka_unit_test_setup(a_restart_in_the_middle_is_told_to_the_reader, set_up),
        cmocka_unit_test_setup(and_the_next_one_arrives, set_up),
    };
    return KTEST_MAIN(argc, argv, tests);
}
