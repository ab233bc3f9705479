// SPDX-License-Identifier: Apache-2.0

// The names of event types.

#include <stdio.h>

#include "ktest.h"
#include "event_internal.h"
#include "system_up.h"

static system_secure_key_t key;
static system_event_type_t ping;

static int setup(void **state)
{
    (void)state;
    key = system_up();
    ping = system_up_type("test.ping");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    system_down(key);
    return 0;
}

static void a_name_is_one_type_however_often_it_is_registered(void **state)
{
    (void)state;
    system_event_type_t again, found;
    char name[32];
    assert_int_equal(system_event_register_type("test.ping", &again), ESP_OK);
    assert_int_equal(again, ping);
    assert_int_equal(system_event_find_type("test.ping", &found), ESP_OK);
    assert_int_equal(found, ping);
    assert_int_equal(system_event_find_type("test.pong", &found), ESP_ERR_EVENT_TYPE_NOT_FOUND);
    assert_int_equal(system_event_get_type_name(ping, name, sizeof(name)), ESP_OK);
    assert_string_equal(name, "test.ping");
    assert_int_equal(system_event_get_type_name(ping, name, 9), ESP_ERR_INVALID_SIZE);
    assert_string_equal(name, "");
    assert_int_equal(system_event_get_type_name(ping, name, 0), ESP_ERR_INVALID_SIZE);
    assert_int_equal(system_event_get_type_name(999, name, 32), ESP_ERR_EVENT_TYPE_NOT_FOUND);
}

static void bad_names_are_refused_each_with_its_error(void **state)
{
    (void)state;
    system_event_type_t type;
    assert_int_equal(system_event_register_type(NULL, &type), ESP_ERR_INVALID_ARG);
    assert_int_equal(system_event_register_type("x", NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(system_event_register_type("", &type), ESP_ERR_INVALID_ARG);
    assert_int_equal(system_event_register_type("with space", &type), ESP_ERR_EVENT_NAME_INVALID);
    assert_int_equal(system_event_register_type("12345678901234567890123456789012", &type),
                     ESP_ERR_EVENT_NAME_TOO_LONG);
    assert_int_equal(system_event_register_type("1234567890123456789012345678901", &type), ESP_OK);
}

static void the_table_of_types_is_bounded(void **state)
{
    (void)state;
    system_event_type_t type;
    char name[16];
    esp_err_t ret = ESP_OK;
    unsigned n = 0;
    for (; ret == ESP_OK; n++) {
        snprintf(name, sizeof(name), "t%u", n);
        ret = system_event_register_type(name, &type);
    }
    assert_int_equal(ret, ESP_ERR_EVENT_TYPES_FULL);
    assert_int_equal(event_types_count(), CONFIG_SYSTEM_MAX_EVENT_TYPES);
    assert_int_equal(system_event_register_type("test.ping", &type), ESP_OK);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        CASE(a_name_is_one_type_however_often_it_is_registered),
        CASE(bad_names_are_refused_each_with_its_error),
        CASE(the_table_of_types_is_bounded),
    };
    return KTEST_MAIN(argc, argv, tests);
}
