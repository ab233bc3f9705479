// SPDX-License-Identifier: Apache-2.0
/*
 * The story: the dispatcher asked its four queues in turn and slept a tick, for ever: hundreds of
 * wake-ups a second with nothing to do, and up to a tick (10 ms there) before an event was seen, so
 * that "less than 1 ms" could not be. And as long as anything urgent waited, LOW was never looked
 * at.
 *
 * Here, on the virtual clock: an idle system does (next to) nothing, an event is handled in no time
 * at all, and LOW gets its turn in the middle of an endless stream of HIGH.
 */
#include <stdatomic.h>

#include "esp_timer.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "ktest.h"
#include "system_up.h"

static system_secure_key_t key;
static system_service_id_t id;
static system_event_type_t type, low_type;
static _Atomic uint32_t highs, lows, highs_before_low;
static _Atomic uint32_t handled;
static int64_t latency_us;

static int setup(void **state)
{
    (void)state;
    key = system_up();
    id = system_up_service("subject");
    type = system_up_type("test.event");
    low_type = system_up_type("test.low");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    system_down(key);
    return 0;
}

static void an_idle_system_sleeps(void **state)
{
    (void)state;
    vTaskDelay(pdMS_TO_TICKS(1000)); // let the boot come to rest
    const uint64_t before = host_switches();
    vTaskDelay(pdMS_TO_TICKS(10000));
    // Four queues asked at 100 Hz would be a thousand switches; pings and reports are a few.
    assert_true(host_switches() - before <= 100);
}

static void on_event(const system_event_t *event, void *user_data)
{
    (void)user_data;
    latency_us = esp_timer_get_time() - event->timestamp_us;
    handled++;
}

static void an_event_does_not_wait_for_a_tick(void **state)
{
    (void)state;
    assert_int_equal(system_event_subscribe(id, type, on_event, NULL), ESP_OK);
    for (uint32_t i = 1; i <= 20; i++) {
        vTaskDelay(1);
        assert_int_equal(system_event_post(id, type, NULL, 0, SYSTEM_EVENT_PRIORITY_HIGH), ESP_OK);
        assert_true(system_up_wait(&handled, i, 100));
        assert_true(latency_us < 1000);
    }
}

// Each HIGH event posts the next one: there is always one waiting.
static void on_high(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
    if (atomic_load(&lows) == 0 && atomic_fetch_add(&highs, 1) < 10000) {
        KTEST_CHECK(system_event_post(id, type, NULL, 0, SYSTEM_EVENT_PRIORITY_HIGH) == ESP_OK);
    }
}

static void on_low(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
    atomic_store(&highs_before_low, atomic_load(&highs));
    lows++;
}

static void low_gets_its_turn(void **state)
{
    (void)state;
    assert_int_equal(system_event_subscribe(id, type, on_high, NULL), ESP_OK);
    assert_int_equal(system_event_subscribe(id, low_type, on_low, NULL), ESP_OK);
    assert_int_equal(system_event_post(id, type, NULL, 0, SYSTEM_EVENT_PRIORITY_HIGH), ESP_OK);
    assert_int_equal(system_event_post(id, low_type, NULL, 0, SYSTEM_EVENT_PRIORITY_LOW), ESP_OK);
    assert_true(system_up_wait(&lows, 1, 5000));
    assert_in_range(highs_before_low, 0, 1000);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_idle_system_sleeps, setup, teardown),
        cmocka_unit_test_setup_teardown(an_event_does_not_wait_for_a_tick, setup, teardown),
        cmocka_unit_test_setup_teardown(low_gets_its_turn, setup, teardown),
    };
    return KTEST_MAIN(argc, argv, tests);
}
