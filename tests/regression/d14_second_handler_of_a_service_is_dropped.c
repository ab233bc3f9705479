// SPDX-License-Identifier: Apache-2.0
/*
 * The story: when a service subscribed to an event a second time, with another handler, it was told
 * ESP_OK, and the second handler was never called.
 *
 * Here every handler that was accepted is called, and what is not accepted says so.
 */
#include "ktest.h"
#include "system_up.h"

static _Atomic uint32_t firsts, seconds;
static int one, two;

static void first(const system_event_t *event, void *user_data)
{
    (void)event;
    KTEST_CHECK(user_data == &one || user_data == &two);
    firsts++;
}

static void second(const system_event_t *event, void *user_data)
{
    (void)event;
    KTEST_CHECK(user_data == &one);
    seconds++;
}

static void all_handlers_of_one_service_are_called(void **state)
{
    (void)state;
    const system_secure_key_t key = system_up();
    const system_service_id_t id = system_up_service("subscriber");
    const system_event_type_t type = system_up_type("test.event");
    system_post_result_t result;

    assert_int_equal(system_event_subscribe(id, type, first, &one), ESP_OK);
    assert_int_equal(system_event_subscribe(id, type, second, &one), ESP_OK);
    assert_int_equal(system_event_subscribe(id, type, first, &two), ESP_OK);
    assert_int_equal(system_event_subscribe(id, type, first, &one),
                     ESP_ERR_EVENT_ALREADY_SUBSCRIBED);
    assert_int_equal(system_event_post_ex(id, type, NULL, 0, SYSTEM_EVENT_PRIORITY_NORMAL, &result),
                     ESP_OK);
    assert_int_equal(result.matched, 3);
    assert_int_equal(result.delivered, 3);
    assert_true(system_up_wait(&firsts, 2, 1000));
    assert_true(system_up_wait(&seconds, 1, 1000));
    system_down(key);
    assert_int_equal(firsts, 2);
    assert_int_equal(seconds, 1);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_handlers_of_one_service_are_called),
    };
    return KTEST_MAIN(argc, argv, tests);
}
