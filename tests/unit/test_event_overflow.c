// SPDX-License-Identifier: Apache-2.0

// Events for which there is no room: what each policy does with them, and what the poster is told.

#include <stdatomic.h>
#include <string.h>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "ktest.h"
#include "event_internal.h"
#include "system_up.h"

static system_secure_key_t key;
static system_service_id_t alice, bob;
static system_event_type_t ping;

/** The numbers that were handled, in order. */
static struct {
    _Atomic uint32_t count;
    uint8_t numbers[256];
} seen;

static void record(const system_event_t *event, void *user_data)
{
    (void)user_data;
    const uint32_t n = atomic_load(&seen.count);
    KTEST_CHECK(n < sizeof(seen.numbers) && event->data_size == 1);
    seen.numbers[n] = *(const uint8_t *)event->data;
    atomic_store(&seen.count, n + 1);
}

static void ignore(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
}

static int setup(void **state)
{
    (void)state;
    memset(&seen, 0, sizeof(seen));
    key = system_up();
    alice = system_up_service("alice");
    bob = system_up_service("bob");
    ping = system_up_type("test.ping");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    system_down(key);
    return 0;
}

static system_event_bus_stats_t bus(void)
{
    system_event_bus_stats_t out;
    assert_int_equal(system_event_get_bus_stats(&out), ESP_OK);
    return out;
}

/** Put bob's mailbox to rest and undo it: events wait meanwhile. */
static void pause_bob(bool paused)
{
    event_mailbox_pause(system_id_slot(bob), paused);
}

static void subscribe_with(system_overflow_t overflow, uint32_t block_ms)
{
    const system_subscription_config_t config = {.overflow = overflow, .block_ms = block_ms};
    assert_int_equal(system_event_subscribe_ex(bob, ping, record, NULL, &config, NULL), ESP_OK);
}

static esp_err_t post_number(uint8_t n, system_post_result_t *result)
{
    return system_event_post_ex(alice, ping, &n, 1, SYSTEM_EVENT_PRIORITY_HIGH, result);
}

static void fill_bobs_high_lane(void)
{
    for (unsigned i = 0; i < CONFIG_SYSTEM_QUEUE_HIGH; i++) {
        assert_int_equal(post_number((uint8_t)i, NULL), ESP_OK);
    }
}

static void reject_tells_the_poster_and_counts(void **state)
{
    (void)state;
    system_post_result_t result;
    system_service_info_t info;
    subscribe_with(SYSTEM_OVERFLOW_REJECT, 0);
    pause_bob(true);
    fill_bobs_high_lane();
    assert_int_equal(system_event_subscribe(alice, ping, ignore, NULL), ESP_OK);
    assert_int_equal(post_number(99, &result), ESP_ERR_EVENT_QUEUE_FULL);
    assert_int_equal(result.matched, 2);
    assert_int_equal(result.refused, 1);
    assert_int_equal(result.delivered, 1);
    assert_int_equal(system_service_get_info(bob, &info), ESP_OK);
    assert_int_equal(info.events_refused, 1);
    assert_int_equal(bus().refused, 1);
    pause_bob(false);
    assert_true(system_up_wait(&seen.count, CONFIG_SYSTEM_QUEUE_HIGH, 1000));
}

static void drop_oldest_makes_room_and_says_so(void **state)
{
    (void)state;
    system_post_result_t result;
    subscribe_with(SYSTEM_OVERFLOW_DROP_OLDEST, 0);
    pause_bob(true);
    fill_bobs_high_lane();
    assert_int_equal(post_number(99, &result), ESP_OK);
    assert_int_equal(result.displaced, 1);
    pause_bob(false);
    assert_true(system_up_wait(&seen.count, CONFIG_SYSTEM_QUEUE_HIGH, 1000));
    assert_int_equal(seen.numbers[0], 1); /* number 0 went */
    assert_int_equal(seen.numbers[CONFIG_SYSTEM_QUEUE_HIGH - 1], 99);
    assert_int_equal(bus().displaced, 1);
}

static void keep_latest_keeps_one_event_a_type(void **state)
{
    (void)state;
    subscribe_with(SYSTEM_OVERFLOW_KEEP_LATEST, 0);
    pause_bob(true);
    for (uint8_t i = 0; i < 40; i++) {
        assert_int_equal(system_event_post(alice, ping, &i, 1, i % 2 ? 255 : 0), ESP_OK);
    }
    pause_bob(false);
    assert_true(system_up_wait(&seen.count, 1, 1000));
    vTaskDelay(pdMS_TO_TICKS(10));
    assert_int_equal(atomic_load(&seen.count), 1);
    assert_int_equal(seen.numbers[0], 39);
    assert_int_equal(bus().displaced, 39);
}

static void block_waits_for_room_but_not_for_ever(void **state)
{
    (void)state;
    subscribe_with(SYSTEM_OVERFLOW_BLOCK, 50);
    pause_bob(true);
    fill_bobs_high_lane();
    const TickType_t before = xTaskGetTickCount();
    assert_int_equal(post_number(99, NULL), ESP_ERR_EVENT_QUEUE_FULL);
    assert_true(xTaskGetTickCount() - before >= pdMS_TO_TICKS(50));
    assert_int_equal(system_event_unsubscribe_type(bob, ping, record), ESP_OK);
    subscribe_with(SYSTEM_OVERFLOW_BLOCK, 60000);
    fill_bobs_high_lane();
    pause_bob(false);
    assert_int_equal(post_number(100, NULL), ESP_OK);
    assert_true(system_up_wait(&seen.count, CONFIG_SYSTEM_QUEUE_HIGH + 1, 1000));
}

static void post_from_handler(const system_event_t *event, void *user_data)
{
    (void)event;
    atomic_store((_Atomic uint32_t *)user_data,
                 1 + (uint32_t)system_event_post(alice, ping, NULL, 0, 100));
}

static void block_acts_as_reject_in_a_worker(void **state)
{
    (void)state;
    static _Atomic uint32_t result;
    atomic_store(&result, 0);
    const system_event_type_t go = system_up_type("test.go");
    subscribe_with(SYSTEM_OVERFLOW_BLOCK, 60000);
    assert_int_equal(system_event_subscribe(alice, go, post_from_handler, &result), ESP_OK);
    pause_bob(true);
    fill_bobs_high_lane();
    assert_int_equal(system_event_post(alice, go, NULL, 0, 200), ESP_OK);
    assert_true(system_up_wait(&result, 1, 1000));
    assert_int_equal(atomic_load(&result), 1 + (uint32_t)ESP_ERR_EVENT_QUEUE_FULL);
    pause_bob(false);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        CASE(reject_tells_the_poster_and_counts), CASE(drop_oldest_makes_room_and_says_so),
        CASE(keep_latest_keeps_one_event_a_type), CASE(block_waits_for_room_but_not_for_ever),
        CASE(block_acts_as_reject_in_a_worker),
    };
    return KTEST_MAIN(argc, argv, tests);
}
