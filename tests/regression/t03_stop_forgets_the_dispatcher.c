// SPDX-License-Identifier: Apache-2.0
/*
 * The story: stop() cleared a flag, waited 200 ms and forgot the dispatcher, which sat in a receive
 * without end and never saw the flag. The next start made a second dispatcher; taking the bus down
 * freed queue and mutex under the first.
 *
 * Here the system is taken down while a handler runs and others wait: the handler has returned
 * before the call does, no task and no byte is left, and after the next start each event is handled
 * once.
 */
#include "esp_heap_caps.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "ktest.h"
#include "system_up.h"

static _Atomic uint32_t entered, left, inside, handled;

static void slow(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
    KTEST_CHECK(inside++ == 0);
    entered++;
    vTaskDelay(pdMS_TO_TICKS(100));
    left++;
    inside--;
}

static void count(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
    KTEST_CHECK(inside++ == 0);
    handled++;
    inside--;
}

static uint32_t settled_tasks(void)
{
    vTaskDelay(pdMS_TO_TICKS(20)); // until the idle task has buried who ended
    return uxTaskGetNumberOfTasks();
}

static void down_is_down_and_up_is_up_once(void **state)
{
    (void)state;
    system_down(system_up()); // whatever is made once and kept is made now
    const uint32_t tasks = settled_tasks();
    const size_t heap = heap_caps_get_free_size(MALLOC_CAP_DEFAULT);

    for (uint32_t cycle = 1; cycle <= 3; cycle++) {
        const system_secure_key_t key = system_up();
        const system_service_id_t id = system_up_service("subject");
        const system_event_type_t slow_type = system_up_type("test.slow");
        const system_event_type_t type = system_up_type("test.event");
        assert_int_equal(system_event_subscribe(id, type, count, NULL), ESP_OK);
        assert_int_equal(system_event_subscribe(id, slow_type, slow, NULL), ESP_OK);
        for (uint32_t i = 0; i < 10; i++) {
            assert_int_equal(system_event_post(id, type, NULL, 0, SYSTEM_EVENT_PRIORITY_NORMAL),
                             ESP_OK);
        }
        assert_true(system_up_wait(&handled, 10 * cycle, 1000));
        const uint32_t before = entered;
        for (uint32_t i = 0; i < 10; i++) {
            assert_int_equal(
                system_event_post(id, slow_type, NULL, 0, SYSTEM_EVENT_PRIORITY_NORMAL), ESP_OK);
        }
        assert_true(system_up_wait(&entered, before + 1, 1000));
        system_down(key);
        assert_int_equal(entered, left); // nobody is inside any more
        const uint32_t after = left;
        assert_int_equal(settled_tasks(), tasks);
        assert_int_equal(heap_caps_get_free_size(MALLOC_CAP_DEFAULT), heap);
        vTaskDelay(pdMS_TO_TICKS(300));
        assert_int_equal(entered, after);
        assert_int_equal(handled, 10 * cycle);
        assert_int_not_equal(system_event_post(id, type, NULL, 0, SYSTEM_EVENT_PRIORITY_NORMAL),
                             ESP_OK);
    }
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(down_is_down_and_up_is_up_once),
    };
    return KTEST_MAIN(argc, argv, tests);
}
