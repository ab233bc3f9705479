// SPDX-License-Identifier: Apache-2.0
/*
 * The story: asking for a type's name with room for 0 bytes wrote the byte before the buffer. A
 * post with a size but no data delivered that size with a NULL. A name of more than 31 bytes was
 * stored cut but compared whole, so the same name was never found again and each registration used
 * up one more type.
 *
 * Here each of these is refused by name, and nothing is written or used up.
 */
#include <string.h>

#include "ktest.h"
#include "system_up.h"

#define LONG_NAME "a_name_of_exactly_thirty_two_byt"

static void wrong_lengths_are_refused(void **state)
{
    (void)state;
    const system_secure_key_t key = system_up();
    const system_service_id_t id = system_up_service("service");
    const system_event_type_t type = system_up_type("test.event");
    struct {
        char before;
        char room[8];
    } buffer = {.before = '!', .room = "kept"};
    system_event_type_t first, second, third;
    system_service_id_t other;
    system_event_bus_stats_t before, after;

    assert_int_equal(strlen(LONG_NAME), SYSTEM_NAME_MAX + 1);
    assert_int_equal(system_event_get_type_name(type, buffer.room, 0), ESP_ERR_INVALID_SIZE);
    assert_int_equal(buffer.before, '!');
    assert_string_equal(buffer.room, "kept");

    assert_int_equal(system_event_get_bus_stats(&before), ESP_OK);
    assert_int_equal(system_event_post(id, type, NULL, 4, SYSTEM_EVENT_PRIORITY_NORMAL),
                     ESP_ERR_INVALID_ARG);
    assert_int_equal(system_event_get_bus_stats(&after), ESP_OK);
    assert_int_equal(after.posted, before.posted);

    for (int i = 0; i < CONFIG_SYSTEM_MAX_EVENT_TYPES; i++) {
        assert_int_equal(system_event_register_type(LONG_NAME, &first),
                         ESP_ERR_EVENT_NAME_TOO_LONG);
        assert_int_equal(system_service_register(LONG_NAME, NULL, &other),
                         ESP_ERR_SERVICE_NAME_TOO_LONG);
    }
    // The longest name that fits is found again, and is another than one that differs at its end.
    assert_int_equal(system_event_register_type(LONG_NAME + 1, &first), ESP_OK);
    assert_int_equal(system_event_register_type(LONG_NAME + 1, &second), ESP_OK);
    assert_int_equal(first, second);
    assert_int_equal(system_event_register_type("_name_of_exactly_thirty_two_bys", &third), ESP_OK);
    assert_int_not_equal(first, third);
    system_down(key);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_lengths_are_refused),
    };
    return KTEST_MAIN(argc, argv, tests);
}
