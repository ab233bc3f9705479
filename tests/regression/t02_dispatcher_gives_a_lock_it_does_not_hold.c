// SPDX-License-Identifier: Apache-2.0
/*
 * The story: after each handler the dispatcher took the system's lock again, for at most a second.
 * When somebody else held it longer, the dispatcher left its loop, counted without the lock, and
 * gave back a mutex that it did not hold: FreeRTOS asserts, the device reboots.
 *
 * Here the registry is locked for longer than that while handlers run and return. Events go on
 * being delivered meanwhile, and every count is right afterwards.
 */
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "ktest.h"
#include "system_internal.h"
#include "system_up.h"

#define EVENTS 8u

static _Atomic uint32_t handled;

static void slow(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
    vTaskDelay(pdMS_TO_TICKS(20));
    handled++;
}

static void handlers_return_while_the_registry_is_locked(void **state)
{
    (void)state;
    const system_secure_key_t key = system_up();
    const system_service_id_t id = system_up_service("subscriber");
    const system_event_type_t type = system_up_type("test.event");
    system_event_bus_stats_t before, after;

    assert_int_equal(system_event_subscribe(id, type, slow, NULL), ESP_OK);
    vTaskDelay(pdMS_TO_TICKS(20));
    assert_int_equal(system_event_get_bus_stats(&before), ESP_OK);
    registry_lock();
    for (uint32_t i = 0; i < EVENTS; i++) {
        assert_int_equal(system_event_post(id, type, NULL, 0, SYSTEM_EVENT_PRIORITY_NORMAL),
                         ESP_OK);
    }
    const bool all = system_up_wait(&handled, EVENTS, 10000);
    vTaskDelay(pdMS_TO_TICKS(1500));
    registry_unlock();
    assert_true(all);
    assert_int_equal(system_event_get_bus_stats(&after), ESP_OK);
    // More where the machine was so busy that the system posted a handler's slowness: for nobody.
    assert_true(after.posted - before.posted >= EVENTS);
    assert_int_equal(after.delivered - before.delivered, EVENTS);
    assert_int_equal(after.handled - before.handled, EVENTS);
    system_down(key);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(handlers_return_while_the_registry_is_locked),
    };
    return KTEST_MAIN(argc, argv, tests);
}
