// SPDX-License-Identifier: Apache-2.0

// The virtual radio by itself: two of them, driven by one task. What is sent arrives whole, once
// and in order, however bad the air is, or the connection ends and says why.

#include <string.h>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "host_radio.h"
#include "ktest.h"

#define PDUS 40

static const uint8_t s_addresses[2][6] = {{1, 1, 1, 1, 1, 0xc1}, {2, 2, 2, 2, 2, 0xc2}};

static struct {
    host_radio_t *radio;
    uint8_t link;
    bool connected;
    uint8_t reason;
    int8_t rssi;
    unsigned seen;
    unsigned responses;
    unsigned taken; // PDUs in order
    bool slow;      // takes nothing
    bool encrypted;
    const uint8_t *key;
} s_end[2];

static void wake(void *arg)
{
    (void)arg;
}

static void take(unsigned i, const host_radio_event_t *event)
{
    switch (event->kind) {
    case HOST_RADIO_FOUND:
        assert_memory_equal(event->address, s_addresses[1 - i], 6);
        assert_true(event->random);
        s_end[i].rssi = event->rssi;
        s_end[i].seen++;
        s_end[i].responses += event->response;
        break;
    case HOST_RADIO_CONNECTED:
        assert_memory_equal(event->address, s_addresses[1 - i], 6);
        s_end[i].connected = true;
        s_end[i].link = event->link;
        break;
    case HOST_RADIO_DISCONNECTED:
        s_end[i].connected = false;
        s_end[i].reason = event->reason;
        break;
    case HOST_RADIO_DATA:
        assert_int_equal(event->data[4], s_end[i].taken % 256);
        for (unsigned at = 5; at < event->size; at++) {
            assert_int_equal(event->data[at], (uint8_t)(s_end[i].taken + at));
        }
        s_end[i].taken++;
        break;
    case HOST_RADIO_ENCRYPT_WANTED:
        assert_true(host_radio_encrypt(s_end[i].radio, event->link, s_end[i].key));
        break;
    case HOST_RADIO_ENCRYPTED:
        s_end[i].encrypted = true;
        break;
    case HOST_RADIO_ROOM:
        break;
    }
}

static void run(unsigned ms)
{
    host_radio_event_t event;
    for (unsigned t = 0; t < ms; t++) {
        for (unsigned i = 0; i < 2; i++) {
            (void)host_radio_run(s_end[i].radio);
            while (!s_end[i].slow && host_radio_take(s_end[i].radio, &event)) {
                take(i, &event);
            }
        }
        vTaskDelay(pdMS_TO_TICKS(1));
    }
}

static int set_up(void **state)
{
    (void)state;
    memset(s_end, 0, sizeof(s_end));
    host_radio_set_air(&(host_air_t){0});
    for (unsigned i = 0; i < 2; i++) {
        s_end[i].radio = host_radio_open(s_addresses[i], true, wake, NULL);
        assert_non_null(s_end[i].radio);
        host_radio_place(s_end[i].radio, 0);
    }
    return 0;
}

/** Radio 1 is seen by radio 0, which connects to it. */
static void connect(void)
{
    static const uint8_t s_data[] = {2, 1, 6};
    for (unsigned i = 0; i < 20 && (!s_end[0].connected || !s_end[1].connected); i++) {
        host_radio_advertise(s_end[1].radio, s_data, sizeof(s_data), NULL, 0);
        host_radio_connect(s_end[0].radio, s_addresses[1]);
        run(300);
    }
    assert_true(s_end[0].connected && s_end[1].connected);
}

static bool send(unsigned i, unsigned number, size_t size)
{
    uint8_t pdu[HOST_RADIO_L2CAP] = {(uint8_t)size, (uint8_t)(size >> 8), 4, 0, (uint8_t)number};
    for (unsigned at = 5; at < size + 4; at++) {
        pdu[at] = (uint8_t)(number + at);
    }
    return host_radio_send(s_end[i].radio, s_end[i].link, pdu, size + 4);
}

/** PDUs of all sizes in both directions. */
static void exchange(void)
{
    unsigned sent[2] = {0, 0};
    for (unsigned t = 0; t < 20000 && s_end[0].connected; t++) {
        for (unsigned i = 0; i < 2; i++) {
            while (sent[i] < PDUS && send(i, sent[i], 1 + sent[i] * 97 % (HOST_RADIO_L2CAP - 5))) {
                sent[i]++;
            }
        }
        if (s_end[0].taken == PDUS && s_end[1].taken == PDUS) {
            break;
        }
        run(1);
    }
    assert_int_equal(s_end[0].taken, PDUS);
    assert_int_equal(s_end[1].taken, PDUS);
}

static void advertising_is_heard_within_range(void **state)
{
    (void)state;
    static const uint8_t s_data[] = {2, 1, 6}, s_more[] = {2, 9, 'k'};
    host_radio_scan(s_end[0].radio, true);
    host_radio_advertise(s_end[1].radio, s_data, 3, s_more, 3);
    run(1050);
    assert_in_range(s_end[0].seen, 8, 24);
    assert_in_range(s_end[0].responses, 4, 12);
    const int near = s_end[0].rssi;
    host_radio_place(s_end[1].radio, 20);
    run(300);
    assert_true(s_end[0].rssi < near);
    host_radio_place(s_end[1].radio, 31);
    s_end[0].seen = 0;
    run(500);
    assert_int_equal(s_end[0].seen, 0);
    host_radio_place(s_end[1].radio, 0);
    host_radio_advertise(s_end[1].radio, NULL, 0, NULL, 0);
    run(200);
    assert_int_equal(s_end[0].seen, 0);
}

static void everything_arrives(void **state)
{
    (void)state;
    connect();
    exchange();
    assert_true(host_radio_disconnect(s_end[0].radio, s_end[0].link, HOST_RADIO_BY_PEER));
    run(100);
    assert_false(s_end[0].connected || s_end[1].connected);
    assert_int_equal(s_end[0].reason, HOST_RADIO_BY_US);
    assert_int_equal(s_end[1].reason, HOST_RADIO_BY_PEER);
    assert_false(send(0, 0, 1));
    assert_false(host_radio_disconnect(s_end[0].radio, s_end[0].link, HOST_RADIO_BY_PEER));
}

static void everything_arrives_through_bad_air(void **state)
{
    (void)state;
    host_radio_set_air(&(host_air_t){.loss_ppm = 300000});
    connect();
    exchange();
}

static void whoever_walks_away_is_lost(void **state)
{
    (void)state;
    connect();
    host_radio_place(s_end[0].radio, 100);
    run(1500);
    assert_true(s_end[0].connected && s_end[1].connected);
    run(1000);
    assert_false(s_end[0].connected || s_end[1].connected);
    assert_int_equal(s_end[0].reason, HOST_RADIO_TIMEOUT);
    assert_int_equal(s_end[1].reason, HOST_RADIO_TIMEOUT);
}

static void nobody_who_is_slow_loses_anything(void **state)
{
    (void)state;
    connect();
    s_end[1].slow = true;
    unsigned sent = 0;
    for (unsigned i = 0; i < 500; i++) {
        sent += send(0, sent, 20);
        run(1);
    }
    assert_in_range(sent, 16, 60); // then there was no room on the way
    assert_true(s_end[0].connected && s_end[1].connected);
    s_end[1].slow = false;
    run(200);
    assert_int_equal(s_end[1].taken, sent);
}

static void keys_that_differ_end_it(void **state)
{
    (void)state;
    static const uint8_t s_one[16] = {1}, s_two[16] = {2};
    connect();
    s_end[1].key = s_one;
    assert_true(host_radio_encrypt(s_end[0].radio, s_end[0].link, s_one));
    run(200);
    assert_true(s_end[0].encrypted && s_end[1].encrypted);
    assert_true(host_radio_encrypt(s_end[0].radio, s_end[0].link, s_two));
    run(300);
    assert_int_equal(s_end[0].reason, HOST_RADIO_MIC);
    run(2500);
    assert_false(s_end[1].connected);
}

static void without_a_key_there_is_no_encryption(void **state)
{
    (void)state;
    static const uint8_t s_one[16] = {1};
    connect();
    s_end[1].key = NULL;
    assert_true(host_radio_encrypt(s_end[0].radio, s_end[0].link, s_one));
    run(200);
    assert_false(s_end[0].encrypted || s_end[1].encrypted);
    assert_int_equal(s_end[0].reason, HOST_RADIO_KEY_MISSING);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(advertising_is_heard_within_range, set_up),
        cmocka_unit_test_setup(everything_arrives, set_up),
        cmocka_unit_test_setup(everything_arrives_through_bad_air, set_up),
        cmocka_unit_test_setup(whoever_walks_away_is_lost, set_up),
        cmocka_unit_test_setup(nobody_who_is_slow_loses_anything, set_up),
        cmocka_unit_test_setup(keys_that_differ_end_it, set_up),
        cmocka_unit_test_setup(without_a_key_there_is_no_encryption, set_up),
    };
    return KTEST_MAIN(argc, argv, tests);
}
