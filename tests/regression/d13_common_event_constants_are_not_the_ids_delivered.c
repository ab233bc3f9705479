// SPDX-License-Identifier: Apache-2.0
/*
 * The story: the header of common events gave fixed numbers (100 = network.connected, ...), but
 * registering a type handed out the next slot. Nine of twelve constants named a type that did not
 * exist, the others named the wrong one, and nothing ever posted any of them.
 *
 * Here every constant is the id of its name, and events of the core arrive under their constants.
 */
#include <string.h>

#include "system_service/common_events.h"

#include "ktest.h"
#include "system_up.h"

static struct {
    _Atomic uint32_t count;
    system_event_type_t type;
    char name[SYSTEM_NAME_MAX + 1];
    service_event_t payload;
} got;

static void on_registered(const system_event_t *event, void *user_data)
{
    (void)user_data;
    KTEST_CHECK(event->data_size == sizeof(service_event_t));
    const service_event_t *payload = event->data;
    if (strcmp(payload->name, "witness") == 0) {
        return; // its own announcement was still on its way
    }
    got.type = event->type;
    strncpy(got.name, event->name, SYSTEM_NAME_MAX);
    got.payload = *payload;
    got.count++;
}

#define COMMON_EVENT_ROW(constant, name, retained, payload) {constant, name},

static void every_constant_is_the_id_of_its_name(void **state)
{
    (void)state;
    static const struct {
        int constant;
        const char *name;
    } rows[] = {COMMON_EVENT_LIST(COMMON_EVENT_ROW)};
    const system_secure_key_t key = system_up();
    system_event_type_t type;
    char name[SYSTEM_NAME_MAX + 1];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(system_event_find_type(rows[i].name, &type), ESP_OK);
        assert_int_equal(type, rows[i].constant);
        assert_int_equal(system_event_get_type_name(type, name, sizeof(name)), ESP_OK);
        assert_string_equal(name, rows[i].name);
        // Registering the name finds the same type instead of making another one.
        assert_int_equal(system_event_register_type(rows[i].name, &type), ESP_OK);
        assert_int_equal(type, rows[i].constant);
    }
    assert_int_equal(system_event_register_type("network.connected", &type), ESP_OK);
    assert_int_equal(type, SYSTEM_EVENT_COMMON_COUNT + 1);
    system_down(key);
}

static void the_core_posts_them_under_their_constants(void **state)
{
    (void)state;
    const system_secure_key_t key = system_up();
    const system_service_id_t witness = system_up_service("witness");

    assert_int_equal(
        system_event_subscribe(witness, SYSTEM_EVENT_SERVICE_REGISTERED, on_registered, NULL),
        ESP_OK);
    const system_service_id_t newcomer = system_up_service("newcomer");
    assert_true(system_up_wait(&got.count, 1, 1000));
    assert_int_equal(got.type, SYSTEM_EVENT_SERVICE_REGISTERED);
    assert_string_equal(got.name, "service.registered");
    assert_int_equal(got.payload.id, newcomer);
    assert_string_equal(got.payload.name, "newcomer");
    assert_int_equal(got.payload.reason, ESP_OK);
    system_down(key);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_constant_is_the_id_of_its_name),
        cmocka_unit_test(the_core_posts_them_under_their_constants),
    };
    return KTEST_MAIN(argc, argv, tests);
}
