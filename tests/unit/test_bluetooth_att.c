// SPDX-License-Identifier: Apache-2.0

// The Attribute Protocol and advertising data, byte by byte as the Core Specification has them
// (Vol 3 Part F and G; Supplement, Part A).

#include <string.h>

#include "att.h"
#include "bluetooth_ad.h"
#include "ktest.h"

static uint8_t s_written[ATT_MTU];
static size_t s_written_size;
static uint8_t s_written_value;
static uint8_t s_write_error;
static size_t s_value_size;
static int s_subscribed;

static size_t read_value(uint8_t value, uint8_t *out, size_t room)
{
    const size_t size = s_value_size < room ? s_value_size : room;
    for (size_t i = 0; i < size; i++) {
        out[i] = (uint8_t)(value + i);
    }
    return size;
}

static uint8_t write_value(void *arg, uint8_t value, const uint8_t *data, size_t size)
{
    (void)arg;
    memcpy(s_written, data, size);
    s_written_size = size;
    s_written_value = value;
    return s_write_error;
}

static void subscribed(void *arg, uint8_t value, bool on)
{
    (void)arg;
    s_subscribed = on ? value : -1;
}

static const att_server_ops_t s_ops = {read_value, write_value, subscribed};
static att_server_t s_server;

static int set_up(void **state)
{
    (void)state;
    att_server_begin(&s_server, &s_ops, NULL);
    s_value_size = 4;
    s_write_error = 0;
    s_written_size = SIZE_MAX;
    s_subscribed = -2;
    return 0;
}

#define ASK(answer, ...)                                                                           \
    att_server_hear(&s_server, (const uint8_t[]){__VA_ARGS__}, sizeof((uint8_t[]){__VA_ARGS__}),   \
                    answer)

#define EXPECT(answer, size, ...)                                                                  \
    do {                                                                                           \
        const uint8_t wanted[] = {__VA_ARGS__};                                                    \
        assert_int_equal(size, sizeof(wanted));                                                    \
        assert_memory_equal(answer, wanted, sizeof(wanted));                                       \
    } while (0)

#define LOW(handle)  ((uint8_t)(handle))
#define HIGH(handle) ((uint8_t)((handle) >> 8))

static void handles_are_in_order(void **state)
{
    (void)state;
    gatt_attribute_t attribute;
    unsigned values = 0;
    assert_false(gatt_find(0, &attribute));
    for (uint16_t handle = 1; handle <= gatt_last_handle(); handle++) {
        assert_true(gatt_find(handle, &attribute));
        assert_int_equal(attribute.handle, handle);
        assert_in_range(attribute.end, handle, gatt_last_handle());
        values += attribute.kind == GATT_KIND_VALUE;
        assert_int_equal(attribute.kind == GATT_KIND_SERVICE, attribute.characteristic == NULL);
    }
    assert_false(gatt_find((uint16_t)(gatt_last_handle() + 1), &attribute));
    assert_int_equal(values, GATT_VALUES);
    for (uint8_t value = 0; value < GATT_VALUES; value++) {
        assert_true(gatt_find(gatt_value_handle(value), &attribute));
        assert_int_equal(attribute.characteristic->value, value);
        assert_ptr_equal(attribute.characteristic, gatt_characteristic(value));
    }
    assert_int_equal(gatt_value_handle(GATT_VALUES), 0);
    assert_null(gatt_characteristic(GATT_VALUES));
}

static void mtu_is_the_smaller_one_and_never_below_23(void **state)
{
    (void)state;
    uint8_t answer[ATT_MTU];
    EXPECT(answer, ASK(answer, 0x02, 100, 0), 0x03, LOW(ATT_MTU), HIGH(ATT_MTU));
    assert_int_equal(s_server.mtu, 100);
    (void)ASK(answer, 0x02, 5, 0);
    assert_int_equal(s_server.mtu, 23);
    (void)ASK(answer, 0x02, 0xff, 0xff);
    assert_int_equal(s_server.mtu, ATT_MTU);
    EXPECT(answer, ASK(answer, 0x02, 100), 0x01, 0x02, 0, 0, 0x04);
    EXPECT(answer, ASK(answer, 0x02, 100, 0, 0), 0x01, 0x02, 0, 0, 0x04);
}

static void services_are_discovered(void **state)
{
    (void)state;
    uint8_t answer[ATT_MTU];
    // The GAP service 1..5, GATT 6, Device Information 7..13; the next one has a longer UUID.
    EXPECT(answer, ASK(answer, 0x10, 1, 0, 0xff, 0xff, 0x00, 0x28), 0x11, 6, 1, 0, 5, 0, 0x00, 0x18,
           6, 0, 6, 0, 0x01, 0x18, 7, 0, 13, 0, 0x0a, 0x18);
    const size_t size = ASK(answer, 0x10, 14, 0, 0xff, 0xff, 0x00, 0x28);
    assert_int_equal(size, 2 + 20);
    assert_int_equal(answer[1], 20);
    assert_memory_equal(answer + 6, gatt_kraken_uuid.bytes, 16);
    assert_int_equal(answer[4] | answer[5] << 8, gatt_last_handle());
    EXPECT(answer, ASK(answer, 0x10, 15, 0, 0xff, 0xff, 0x00, 0x28), 0x01, 0x10, 15, 0, 0x0a);
    // Only primary services are groups; also by the long form of their UUID.
    EXPECT(answer, ASK(answer, 0x10, 1, 0, 0xff, 0xff, 0x03, 0x28), 0x01, 0x10, 1, 0, 0x10);
    const size_t by_long = ASK(answer, 0x10, 1, 0, 0xff, 0xff, 0xfb, 0x34, 0x9b, 0x5f, 0x80, 0, 0,
                               0x80, 0, 0x10, 0, 0, 0x00, 0x28, 0, 0);
    assert_int_equal(by_long, 2 + 3 * 6);
    // By value: the Device Information service.
    EXPECT(answer, ASK(answer, 0x06, 1, 0, 0xff, 0xff, 0x00, 0x28, 0x0a, 0x18), 0x07, 7, 0, 13, 0);
    EXPECT(answer, ASK(answer, 0x06, 1, 0, 0xff, 0xff, 0x00, 0x28, 0x0b, 0x18), 0x01, 0x06, 1, 0,
           0x0a);
}

static void wrong_ranges_and_lengths_are_refused(void **state)
{
    (void)state;
    uint8_t answer[ATT_MTU];
    EXPECT(answer, ASK(answer, 0x10, 0, 0, 0xff, 0xff, 0x00, 0x28), 0x01, 0x10, 0, 0, 0x01);
    EXPECT(answer, ASK(answer, 0x08, 5, 0, 4, 0, 0x03, 0x28), 0x01, 0x08, 5, 0, 0x01);
    EXPECT(answer, ASK(answer, 0x08, 5, 0, 9, 0, 0x03), 0x01, 0x08, 0, 0, 0x04);
    EXPECT(answer, ASK(answer, 0x04, 5, 0, 9), 0x01, 0x04, 0, 0, 0x04);
    EXPECT(answer, ASK(answer, 0x04, 0xf0, 0, 0xff, 0xff), 0x01, 0x04, 0xf0, 0, 0x0a);
    EXPECT(answer, ASK(answer, 0x06, 5, 0, 9, 0), 0x01, 0x06, 0, 0, 0x04);
    EXPECT(answer, ASK(answer, 0x0a, 3), 0x01, 0x0a, 0, 0, 0x04);
    EXPECT(answer, ASK(answer, 0x12, 3), 0x01, 0x12, 0, 0, 0x04);
    EXPECT(answer, ASK(answer, 0x16, 3, 0, 0, 0, 1), 0x01, 0x16, 0, 0, 0x06); // Prepare Write
    EXPECT(answer, ASK(answer, 0x3f), 0x01, 0x3f, 0, 0, 0x06);
    assert_int_equal(ASK(answer, 0x7f), 0); // commands are never answered
    assert_int_equal(ASK(answer, 0xd2, 1, 0, 1), 0);
    assert_int_equal(ASK(answer, 0x52, 1), 0);
    assert_int_equal(ASK(answer, 0x1e), 0);
    assert_int_equal(att_server_hear(&s_server, answer, 0, answer), 0);
    uint8_t endless[24] = {0x0a, 3, 0}; // longer than the MTU
    EXPECT(answer, att_server_hear(&s_server, endless, sizeof(endless), answer), 0x01, 0x0a, 0, 0,
           0x04);
}

static void attributes_are_found_with_their_types(void **state)
{
    (void)state;
    uint8_t answer[ATT_MTU];
    EXPECT(answer, ASK(answer, 0x04, 1, 0, 4, 0), 0x05, 1, 1, 0, 0x00, 0x28, 2, 0, 0x03, 0x28, 3, 0,
           0x00, 0x2a, 4, 0, 0x03, 0x28);
    const uint16_t health = gatt_value_handle(GATT_VALUE_HEALTH);
    // A UUID of 128 bits comes alone; the client configuration follows it.
    size_t size = ASK(answer, 0x04, LOW(health), 0, LOW(health + 1), 0);
    assert_int_equal(size, 2 + 18);
    assert_int_equal(answer[1], 2);
    EXPECT(answer, ASK(answer, 0x04, LOW(health + 1), 0, LOW(health + 1), 0), 0x05, 1,
           LOW(health + 1), 0, 0x02, 0x29);
    // A declaration: properties, handle of the value, UUID.
    size = ASK(answer, 0x08, LOW(health - 1), 0, LOW(health), 0, 0x03, 0x28);
    assert_int_equal(size, 2 + 2 + 19);
    EXPECT(answer + 1, (size_t)6, 21, LOW(health - 1), 0, 0x12, LOW(health), 0);
}

static void values_are_read_in_whole_and_in_parts(void **state)
{
    (void)state;
    uint8_t answer[ATT_MTU];
    EXPECT(answer, ASK(answer, 0x0a, 3, 0), 0x0b, 0, 1, 2, 3);
    EXPECT(answer, ASK(answer, 0x08, 1, 0, 5, 0, 0x00, 0x2a), 0x09, 6, 3, 0, 0, 1, 2, 3);
    EXPECT(answer, ASK(answer, 0x0a, 1, 0), 0x0b, 0x00, 0x18);
    s_value_size = 50;
    assert_int_equal(ASK(answer, 0x0a, 3, 0), 23);
    assert_int_equal(ASK(answer, 0x0c, 3, 0, 22, 0), 23);
    assert_int_equal(answer[1], 22);
    EXPECT(answer, ASK(answer, 0x0c, 3, 0, 44, 0), 0x0d, 44, 45, 46, 47, 48, 49);
    EXPECT(answer, ASK(answer, 0x0c, 3, 0, 50, 0), 0x0d);
    EXPECT(answer, ASK(answer, 0x0c, 3, 0, 51, 0), 0x01, 0x0c, 3, 0, 0x07);
    EXPECT(answer, ASK(answer, 0x0a, 0xff, 0), 0x01, 0x0a, 0xff, 0, 0x01);
    const uint16_t data = gatt_value_handle(GATT_VALUE_FILE_DATA);
    EXPECT(answer, ASK(answer, 0x0a, LOW(data), 0), 0x01, 0x0a, LOW(data), 0, 0x02);
    assert_int_equal(ASK(answer, 0x08, 1, 0, 5, 0, 0x00, 0x2a), 23); // cut, as the size says
    assert_int_equal(answer[1], 21);
}

static void only_a_safe_link_may_write(void **state)
{
    (void)state;
    uint8_t answer[ATT_MTU];
    const uint8_t control = LOW(gatt_value_handle(GATT_VALUE_CONTROL));
    const uint8_t data = LOW(gatt_value_handle(GATT_VALUE_FILE_DATA));
    EXPECT(answer, ASK(answer, 0x12, control, 0, 1), 0x01, 0x12, control, 0, 0x05);
    assert_int_equal(ASK(answer, 0x52, data, 0, 1), 0);
    assert_int_equal(s_written_size, SIZE_MAX);
    s_server.secured = true;
    EXPECT(answer, ASK(answer, 0x12, control, 0, 7, 42, 0, 0, 0), 0x13);
    assert_int_equal(s_written_value, GATT_VALUE_CONTROL);
    assert_int_equal(s_written_size, 5);
    EXPECT(answer, ASK(answer, 0x12, control, 0), 0x13);
    assert_int_equal(s_written_size, 0);
    EXPECT(answer, ASK(answer, 0x12, control, 0, 1, 2, 3, 4, 5, 6), 0x01, 0x12, control, 0, 0x0d);
    EXPECT(answer, ASK(answer, 0x12, data, 0, 1), 0x01, 0x12, data, 0, 0x03); // without answer only
    assert_int_equal(ASK(answer, 0x52, data, 0, 9), 0);
    assert_int_equal(s_written_value, GATT_VALUE_FILE_DATA);
    s_written_size = SIZE_MAX;
    assert_int_equal(ASK(answer, 0x52, control, 0, 9), 0); // with answer only
    assert_int_equal(s_written_size, SIZE_MAX);
    EXPECT(answer, ASK(answer, 0x12, 3, 0, 'x'), 0x01, 0x12, 3, 0, 0x03);
    EXPECT(answer, ASK(answer, 0x12, 0, 0, 'x'), 0x01, 0x12, 0, 0, 0x01);
    s_write_error = ATT_ERROR_RESOURCES;
    EXPECT(answer, ASK(answer, 0x12, control, 0, 1), 0x01, 0x12, control, 0, 0x11);
}

static void notifications_go_to_who_wants_them(void **state)
{
    (void)state;
    uint8_t answer[ATT_MTU], value[100] = {7};
    const uint16_t health = gatt_value_handle(GATT_VALUE_HEALTH);
    const uint8_t config = LOW(health + 1);
    assert_int_equal(att_server_notify(&s_server, GATT_VALUE_HEALTH, value, 4, answer), 0);
    EXPECT(answer, ASK(answer, 0x0a, config, 0), 0x0b, 0, 0);
    EXPECT(answer, ASK(answer, 0x12, config, 0, 1, 0), 0x13);
    assert_int_equal(s_subscribed, GATT_VALUE_HEALTH);
    EXPECT(answer, ASK(answer, 0x0a, config, 0), 0x0b, 1, 0);
    EXPECT(answer, att_server_notify(&s_server, GATT_VALUE_HEALTH, value, 2, answer), 0x1b,
           LOW(health), 0, 7, 0);
    assert_int_equal(att_server_notify(&s_server, GATT_VALUE_HEALTH, value, 100, answer), 23);
    assert_int_equal(att_server_notify(&s_server, GATT_VALUE_FILE, value, 4, answer), 0);
    EXPECT(answer, ASK(answer, 0x12, config, 0, 2, 0), 0x01, 0x12, config, 0, 0x13); // indications
    EXPECT(answer, ASK(answer, 0x12, config, 0, 1), 0x01, 0x12, config, 0, 0x0d);
    EXPECT(answer, ASK(answer, 0x12, config, 0, 0, 0), 0x13);
    assert_int_equal(s_subscribed, -1);
    assert_int_equal(att_server_notify(&s_server, GATT_VALUE_HEALTH, value, 4, answer), 0);
}

/* ---- the client, which asks the server above ----------------------------------------------------
 */

static att_client_t s_client;
static att_report_t s_last;
static unsigned s_reports;
static uint16_t s_handles[32];
static unsigned s_found;
static uint8_t s_properties[32];

static void report(void *arg, const att_report_t *told)
{
    (void)arg;
    s_last = *told;
    s_reports++;
    if (told->kind == ATT_REPORT_CHARACTERISTIC) {
        s_handles[s_found] = told->handle;
        s_properties[s_found++] = (uint8_t)told->number;
    }
}

static void converse(uint8_t *pdu, size_t size)
{
    uint8_t answer[ATT_MTU];
    for (unsigned turns = 0; size != 0; turns++) {
        assert_true(turns < 40);
        const size_t answered = att_server_hear(&s_server, pdu, size, answer);
        assert_true(answered != 0 && att_is_for_client(answer[0]));
        size = att_client_hear(&s_client, answer, answered, pdu);
    }
}

static void a_client_finds_and_uses_everything(void **state)
{
    (void)state;
    uint8_t pdu[ATT_MTU];
    att_client_begin(&s_client, report, NULL);
    s_found = 0;
    converse(pdu, att_client_discover(&s_client, pdu));
    assert_int_equal(s_last.kind, ATT_REPORT_DISCOVERED);
    assert_int_equal(s_last.error, 0);
    assert_int_equal(s_found, GATT_VALUES);
    for (uint8_t value = 0; value < GATT_VALUES; value++) {
        assert_int_equal(s_handles[value], gatt_value_handle(value));
        assert_int_equal(s_properties[value], gatt_characteristic(value)->properties);
    }
    converse(pdu, att_client_mtu(&s_client, pdu));
    assert_int_equal(s_client.mtu, ATT_MTU);
    converse(pdu, att_client_read(&s_client, s_handles[GATT_VALUE_NAME], pdu));
    assert_int_equal(s_last.kind, ATT_REPORT_READ);
    assert_int_equal(s_last.size, 4);
    converse(pdu, att_client_read(&s_client, 0x1234, pdu));
    assert_int_equal(s_last.error, ATT_ERROR_INVALID_HANDLE);
    converse(pdu, att_client_subscribe(&s_client, s_handles[GATT_VALUE_FILE], true, pdu));
    assert_int_equal(s_last.kind, ATT_REPORT_WRITTEN);
    assert_int_equal(s_last.error, 0);
    assert_int_equal(s_subscribed, GATT_VALUE_FILE);
    converse(pdu, att_client_subscribe(&s_client, s_handles[GATT_VALUE_NAME], true, pdu));
    assert_int_equal(s_last.error, ATT_ERROR_NOT_FOUND);
    converse(pdu, att_client_write(&s_client, s_handles[GATT_VALUE_CONTROL], pdu + 100, 1, pdu));
    assert_int_equal(s_last.error, ATT_ERROR_AUTHENTICATION);
    assert_int_equal(att_client_write(&s_client, 3, pdu, ATT_MTU, pdu), 0);
}

static void a_client_is_not_led_astray(void **state)
{
    (void)state;
    uint8_t pdu[ATT_MTU];
    att_client_begin(&s_client, report, NULL);
    s_reports = 0;
    const uint8_t unasked[] = {0x0b, 1, 2};
    assert_int_equal(att_client_hear(&s_client, unasked, 3, pdu), 0);
    const uint8_t stray_error[] = {0x01, 0x0a, 3, 0, 0x0a};
    assert_int_equal(att_client_hear(&s_client, stray_error, 5, pdu), 0);
    assert_int_equal(s_reports, 0);
    assert_int_equal(att_client_discover(&s_client, pdu), 7);
    assert_int_equal(att_client_read(&s_client, 3, pdu), 0); // one thing at a time
    assert_int_equal(att_client_hear(&s_client, stray_error, 5, pdu), 0);
    assert_int_equal(s_reports, 0);
    // Handles that do not rise would go on for ever.
    const uint8_t first[] = {0x09, 7, 2, 0, 2, 3, 0, 0x00, 0x2a};
    assert_int_equal(att_client_hear(&s_client, first, sizeof(first), pdu), 7);
    assert_int_equal(att_client_hear(&s_client, first, sizeof(first), pdu), 0);
    assert_int_equal(s_last.kind, ATT_REPORT_DISCOVERED);
    assert_int_equal(s_last.error, ATT_ERROR_INVALID_PDU);
    // An indication is confirmed, whatever is under way.
    const uint8_t indication[] = {0x1d, 9, 0, 'x'};
    EXPECT(pdu, att_client_hear(&s_client, indication, sizeof(indication), pdu), 0x1e);
    assert_int_equal(s_last.kind, ATT_REPORT_NOTIFIED);
}

/* ---- advertising data ---------------------------------------------------------------------------
 */

static void advertisements_are_as_the_supplement_says(void **state)
{
    (void)state;
    uint8_t data[BLUETOOTH_ADV];
    size_t size = bluetooth_ad_build(data);
    assert_int_equal(size, 3 + 18);
    EXPECT(data, (size_t)5, 2, 0x01, 0x06, 17, 0x07);
    assert_memory_equal(data + 5, gatt_kraken_uuid.bytes, 16);
    bool kraken = false;
    char name[BLUETOOTH_NAME] = "unchanged";
    bluetooth_ad_read(data, size, &kraken, name);
    assert_true(kraken);
    assert_string_equal(name, "unchanged");
    size = bluetooth_ad_build_response(data, "Kraken");
    EXPECT(data, size, 7, 0x09, 'K', 'r', 'a', 'k', 'e', 'n');
    bluetooth_ad_read(data, size, &kraken, name);
    assert_string_equal(name, "Kraken");
    size = bluetooth_ad_build_response(data, "a name of more than twenty-nine bytes");
    assert_int_equal(size, 31);
    assert_int_equal(data[0], 30);
    assert_int_equal(data[1], 0x08);
}

static void damaged_advertisements_are_read_as_far_as_they_go(void **state)
{
    (void)state;
    char name[BLUETOOTH_NAME] = "";
    bool kraken = false;
    bluetooth_ad_read((const uint8_t[]){0}, 1, &kraken, name);
    bluetooth_ad_read((const uint8_t[]){5}, 1, &kraken, name);
    bluetooth_ad_read((const uint8_t[]){5, 0x09, 'a', 'b'}, 4, &kraken, name);
    bluetooth_ad_read((const uint8_t[]){1, 0x07, 17, 0x07, 1}, 5, &kraken, name);
    assert_string_equal(name, "");
    assert_false(kraken);
    bluetooth_ad_read((const uint8_t[]){1, 0x09, 4, 0x08, 'a', '\n', 0x7f, 0, 3, 0x09, 'x', 'y'},
                      12, &kraken, name);
    assert_string_equal(name, "a.."); // a length of 0 ends it
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(handles_are_in_order, set_up),
        cmocka_unit_test_setup(mtu_is_the_smaller_one_and_never_below_23, set_up),
        cmocka_unit_test_setup(services_are_discovered, set_up),
        cmocka_unit_test_setup(wrong_ranges_and_lengths_are_refused, set_up),
        cmocka_unit_test_setup(attributes_are_found_with_their_types, set_up),
        cmocka_unit_test_setup(values_are_read_in_whole_and_in_parts, set_up),
        cmocka_unit_test_setup(only_a_safe_link_may_write, set_up),
        cmocka_unit_test_setup(notifications_go_to_who_wants_them, set_up),
        cmocka_unit_test_setup(a_client_finds_and_uses_everything, set_up),
        cmocka_unit_test_setup(a_client_is_not_led_astray, set_up),
        cmocka_unit_test(advertisements_are_as_the_supplement_says),
        cmocka_unit_test(damaged_advertisements_are_read_as_far_as_they_go),
    };
    return KTEST_MAIN(argc, argv, tests);
}
