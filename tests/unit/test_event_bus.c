// SPDX-License-Identifier: Apache-2.0
#include <stdatomic.h>
#include <string.h>

#include "freertos/FreeRTOS.h"
#include "freertos/semphr.h"
#include "freertos/task.h"

#include "system_service/event_timer.h"

#include "ktest.h"
#include "event_internal.h"
#include "resource_quota_internal.h"
#include "system_up.h"

static system_secure_key_t key;
static system_service_id_t alice, bob;
static system_event_type_t ping;

/** What handlers saw, in order. */
static struct {
    _Atomic uint32_t count;
    system_event_t events[256];
    uint8_t payload[256][16];
    _Atomic uint32_t hold; /* handlers wait while this is not 0 */
} seen;

static void record(const system_event_t *event, void *user_data)
{
    (void)user_data;
    while (atomic_load(&seen.hold)) {
        vTaskDelay(1);
    }
    const uint32_t n = atomic_load(&seen.count);
    KTEST_CHECK(n < 256);
    seen.events[n] = *event;
    if (event->data_size <= 16 && event->data_size != 0) {
        memcpy(seen.payload[n], event->data, event->data_size);
    }
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
    atomic_store(&seen.hold, 0);
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

/* ---- posting and handling ------------------------------------------------------------------- */

static void a_handler_sees_what_was_posted(void **state)
{
    (void)state;
    const uint8_t data[5] = {1, 2, 3, 4, 5};
    assert_int_equal(system_event_subscribe(bob, ping, record, NULL), ESP_OK);
    assert_int_equal(system_event_post(alice, ping, data, 5, SYSTEM_EVENT_PRIORITY_HIGH), ESP_OK);
    assert_true(system_up_wait(&seen.count, 1, 1000));
    const system_event_t *event = &seen.events[0];
    assert_int_equal(event->type, ping);
    assert_string_equal(event->name, "test.ping");
    assert_int_equal(event->source, alice);
    assert_int_equal(event->priority, SYSTEM_EVENT_PRIORITY_HIGH);
    assert_int_equal(event->data_size, 5);
    assert_memory_equal(seen.payload[0], data, 5);
}

static void a_post_without_payload_has_no_data(void **state)
{
    (void)state;
    assert_int_equal(system_event_subscribe(bob, ping, record, NULL), ESP_OK);
    assert_int_equal(system_event_post(alice, ping, NULL, 0, 255), ESP_OK);
    assert_true(system_up_wait(&seen.count, 1, 1000));
    assert_null(seen.events[0].data);
    assert_int_equal(seen.events[0].data_size, 0);
}

static void bad_posts_are_refused_each_with_its_error(void **state)
{
    (void)state;
    static uint8_t big[4097];
    system_post_result_t result = {.matched = 7};
    assert_int_equal(system_event_post(alice, ping, NULL, 1, 0), ESP_ERR_INVALID_ARG);
    assert_int_equal(system_event_post(alice, 0, NULL, 0, 0), ESP_ERR_EVENT_TYPE_NOT_FOUND);
    assert_int_equal(system_event_post(alice, 60000, NULL, 0, 0), ESP_ERR_EVENT_TYPE_NOT_FOUND);
    assert_int_equal(system_event_post(0, ping, NULL, 0, 0), ESP_ERR_SERVICE_NOT_FOUND);
    assert_int_equal(system_event_post(alice + 256, ping, NULL, 0, 0), ESP_ERR_SERVICE_STALE_ID);
    assert_int_equal(system_event_post_ex(alice, ping, big, sizeof(big), 0, &result),
                     ESP_ERR_EVENT_DATA_TOO_LARGE);
    assert_int_equal(result.matched, 0);
    assert_int_equal(bus().posted, 0);
}

static void without_subscribers_a_post_succeeds_and_leaves_nothing(void **state)
{
    (void)state;
    memory_pool_stats_t pool;
    assert_int_equal(system_event_post(alice, ping, "x", 1, 200), ESP_OK);
    assert_int_equal(memory_pool_get_stats(MEMORY_POOL_SMALL, &pool), ESP_OK);
    assert_int_equal(pool.used, 0);
    assert_int_equal(bus().delivered, 0);
}

static void higher_priorities_overtake_what_waits(void **state)
{
    (void)state;
    static const uint8_t order[] = {255, 200, 100, 0, 255, 0};
    assert_int_equal(system_event_subscribe(bob, ping, record, NULL), ESP_OK);
    pause_bob(true);
    for (unsigned i = 0; i < sizeof(order); i++) {
        assert_int_equal(system_event_post(alice, ping, NULL, 0, order[i]), ESP_OK);
    }
    pause_bob(false);
    assert_true(system_up_wait(&seen.count, sizeof(order), 1000));
    static const uint8_t expected[] = {0, 0, 100, 200, 255, 255};
    for (unsigned i = 0; i < sizeof(order); i++) {
        assert_int_equal(seen.events[i].priority, expected[i]);
    }
}

static void one_payload_serves_all_subscribers(void **state)
{
    (void)state;
    system_post_result_t result;
    memory_pool_stats_t pool;
    assert_int_equal(system_event_subscribe(alice, ping, ignore, NULL), ESP_OK);
    assert_int_equal(system_event_subscribe(bob, ping, record, NULL), ESP_OK);
    assert_int_equal(system_event_subscribe(bob, ping, ignore, NULL), ESP_OK);
    pause_bob(true);
    event_mailbox_pause(system_id_slot(alice), true);
    assert_int_equal(memory_pool_get_stats(MEMORY_POOL_MEDIUM, &pool), ESP_OK);
    const uint32_t before = pool.used;
    uint8_t data[200] = {0};
    assert_int_equal(system_event_post_ex(alice, ping, data, 200, 200, &result), ESP_OK);
    assert_int_equal(result.matched, 3);
    assert_int_equal(result.delivered, 3);
    assert_int_equal(memory_pool_get_stats(MEMORY_POOL_MEDIUM, &pool), ESP_OK);
    assert_int_equal(pool.used, before + 1);
    pause_bob(false);
    event_mailbox_pause(system_id_slot(alice), false);
    assert_true(system_up_wait(&seen.count, 1, 1000));
}

/* ---- subscriptions -------------------------------------------------------------------------- */

static void the_same_subscription_twice_is_refused_another_handler_is_not(void **state)
{
    (void)state;
    assert_int_equal(system_event_subscribe(bob, ping, record, NULL), ESP_OK);
    assert_int_equal(system_event_subscribe(bob, ping, record, NULL),
                     ESP_ERR_EVENT_ALREADY_SUBSCRIBED);
    assert_int_equal(system_event_subscribe(bob, ping, record, &key), ESP_OK);
    assert_int_equal(system_event_subscribe(bob, ping, ignore, NULL), ESP_OK);
    assert_int_equal(event_subs_count(system_id_slot(bob)), 3);
    assert_int_equal(system_event_post(alice, ping, NULL, 0, 200), ESP_OK);
    assert_true(system_up_wait(&seen.count, 2, 1000));
}

static void bad_subscriptions_are_refused_each_with_its_error(void **state)
{
    (void)state;
    const system_subscription_config_t no_wait = {.overflow = SYSTEM_OVERFLOW_BLOCK};
    const system_subscription_config_t unknown = {.overflow = (system_overflow_t)9};
    assert_int_equal(system_event_subscribe(bob, ping, NULL, NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(system_event_subscribe(bob, 0, record, NULL), ESP_ERR_EVENT_TYPE_NOT_FOUND);
    assert_int_equal(system_event_subscribe(0, ping, record, NULL), ESP_ERR_SERVICE_NOT_FOUND);
    assert_int_equal(system_event_subscribe(bob + 256, ping, record, NULL),
                     ESP_ERR_SERVICE_STALE_ID);
    assert_int_equal(system_event_subscribe_ex(bob, ping, record, NULL, &no_wait, NULL),
                     ESP_ERR_INVALID_ARG);
    assert_int_equal(system_event_subscribe_ex(bob, ping, record, NULL, &unknown, NULL),
                     ESP_ERR_INVALID_ARG);
    assert_int_equal(event_subs_count(system_id_slot(bob)), 0);
}

static void after_unsubscribing_nothing_arrives_not_even_what_waited(void **state)
{
    (void)state;
    system_subscription_t sub;
    assert_int_equal(system_event_subscribe_ex(bob, ping, record, NULL, NULL, &sub), ESP_OK);
    pause_bob(true);
    assert_int_equal(system_event_post(alice, ping, NULL, 0, 200), ESP_OK);
    assert_int_equal(system_event_unsubscribe(bob, sub), ESP_OK);
    assert_int_equal(system_event_unsubscribe(bob, sub), ESP_ERR_EVENT_NOT_SUBSCRIBED);
    pause_bob(false);
    assert_int_equal(system_event_post(alice, ping, NULL, 0, 200), ESP_OK);
    vTaskDelay(pdMS_TO_TICKS(20));
    assert_int_equal(atomic_load(&seen.count), 0);
    assert_int_equal(bus().discarded, 1);
}

static bool bobs_handler_runs(void)
{
    mailbox_t *mailbox = event_mailbox(system_id_slot(bob));
    portENTER_CRITICAL(&mailbox->lock);
    const bool runs = mailbox->running_sub != SUB_NONE;
    portEXIT_CRITICAL(&mailbox->lock);
    return runs;
}

static void let_go_later(void *arg)
{
    (void)arg;
    vTaskDelay(pdMS_TO_TICKS(30));
    atomic_store(&seen.hold, 0);
    vTaskDelete(NULL);
}

static void unsubscribing_waits_for_the_running_handler(void **state)
{
    (void)state;
    system_subscription_t sub;
    assert_int_equal(system_event_subscribe_ex(bob, ping, record, NULL, NULL, &sub), ESP_OK);
    atomic_store(&seen.hold, 1);
    assert_int_equal(system_event_post(alice, ping, NULL, 0, 200), ESP_OK);
    while (!bobs_handler_runs()) {
        vTaskDelay(1);
    }
    /* The handler is let go later, by another task: unsubscribe must not be back before. */
    assert_int_equal(xTaskCreate(let_go_later, "let_go", 4096, NULL, 1, NULL), pdPASS);
    assert_int_equal(system_event_unsubscribe(bob, sub), ESP_OK);
    assert_int_equal(atomic_load(&seen.count), 1);
}

static system_subscription_t self_sub;
static _Atomic uint32_t self_result;

static void unsubscribe_myself(const system_event_t *event, void *user_data)
{
    record(event, user_data);
    atomic_store(&self_result, 1 + (system_event_unsubscribe(bob, self_sub) == ESP_OK));
}

static void a_handler_may_unsubscribe_itself(void **state)
{
    (void)state;
    atomic_store(&self_result, 0);
    assert_int_equal(
        system_event_subscribe_ex(bob, ping, unsubscribe_myself, NULL, NULL, &self_sub), ESP_OK);
    pause_bob(true);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(system_event_post(alice, ping, NULL, 0, 200), ESP_OK);
    }
    pause_bob(false);
    assert_true(system_up_wait(&seen.count, 1, 1000));
    assert_true(system_up_wait(&self_result, 1, 20));
    vTaskDelay(pdMS_TO_TICKS(20));
    assert_int_equal(atomic_load(&self_result), 2);
    assert_int_equal(atomic_load(&seen.count), 1);
    assert_int_equal(event_subs_count(SYSTEM_SLOT_NONE), 0);
}

static void patterns_match_present_and_future_types(void **state)
{
    (void)state;
    system_subscription_t sub;
    assert_int_equal(system_event_subscribe_pattern(bob, "test.*", record, NULL, NULL, &sub),
                     ESP_OK);
    const system_event_type_t later = system_up_type("test.later");
    const system_event_type_t other = system_up_type("other.thing");
    assert_int_equal(system_event_post(alice, ping, NULL, 0, 200), ESP_OK);
    assert_int_equal(system_event_post(alice, later, NULL, 0, 200), ESP_OK);
    assert_int_equal(system_event_post(alice, other, NULL, 0, 200), ESP_OK);
    assert_true(system_up_wait(&seen.count, 2, 1000));
    assert_int_equal(system_event_unsubscribe(bob, sub), ESP_OK);
    assert_int_equal(system_event_post(alice, later, NULL, 0, 200), ESP_OK);
    vTaskDelay(pdMS_TO_TICKS(10));
    assert_int_equal(atomic_load(&seen.count), 2);
    static const char *const bad[] = {NULL, "", "a*b", "**", "12345678901234567890123456789012"};
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(system_event_subscribe_pattern(bob, bad[i], record, NULL, NULL, NULL),
                         ESP_ERR_EVENT_PATTERN_INVALID);
    }
}

static void a_retained_event_greets_new_subscribers(void **state)
{
    (void)state;
    assert_int_equal(system_event_set_retained(ping, true), ESP_OK);
    assert_int_equal(system_event_post(alice, ping, "1", 1, 200), ESP_OK);
    assert_int_equal(system_event_post(alice, ping, "2", 1, 200), ESP_OK);
    assert_int_equal(system_event_subscribe(bob, ping, record, NULL), ESP_OK);
    assert_true(system_up_wait(&seen.count, 1, 1000));
    assert_int_equal(seen.payload[0][0], '2');
    assert_int_equal(system_event_set_retained(ping, false), ESP_OK);
    assert_int_equal(system_event_subscribe(alice, ping, record, NULL), ESP_OK);
    vTaskDelay(pdMS_TO_TICKS(10));
    assert_int_equal(atomic_load(&seen.count), 1);
    assert_int_equal(system_event_set_retained(0, true), ESP_ERR_EVENT_TYPE_NOT_FOUND);
}

/* ---- identity ------------------------------------------------------------------------------- */

static void post_as_bob(const system_event_t *event, void *user_data)
{
    (void)event;
    atomic_store((_Atomic uint32_t *)user_data,
                 1 + (uint32_t)system_event_post(bob, ping, NULL, 0, 200));
}

static void a_borrowed_id_gives_no_rights(void **state)
{
    (void)state;
    static _Atomic uint32_t result;
    atomic_store(&result, 0);
    const system_event_type_t go = system_up_type("test.go");
    assert_int_equal(system_event_subscribe(alice, go, post_as_bob, &result), ESP_OK);
    assert_int_equal(system_event_post(bob, go, NULL, 0, 200), ESP_OK);
    assert_true(system_up_wait(&result, 1, 1000));
    assert_int_equal(atomic_load(&result), 1 + (uint32_t)ESP_ERR_NOT_OWNER);
}

/* ---- loans, ISRs, timers -------------------------------------------------------------------- */

static void a_loan_is_published_without_a_copy(void **state)
{
    (void)state;
    void *payload;
    assert_int_equal(system_event_subscribe(bob, ping, record, NULL), ESP_OK);
    assert_int_equal(system_event_loan(alice, 100, &payload), ESP_OK);
    memcpy(payload, "zero copy", 10);
    assert_int_equal(system_event_publish(bob, ping, payload, 10, 200, NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(system_event_publish(alice, ping, payload, 101, 200, NULL),
                     ESP_ERR_INVALID_ARG);
    assert_int_equal(system_event_publish(alice, ping, payload, 10, 200, NULL), ESP_OK);
    assert_int_equal(system_event_publish(alice, ping, payload, 10, 200, NULL),
                     ESP_ERR_INVALID_ARG);
    assert_true(system_up_wait(&seen.count, 1, 1000));
    assert_ptr_equal(seen.events[0].data, payload);
    assert_int_equal(seen.events[0].data_size, 10);
    assert_int_equal(system_event_loan(alice, 100, &payload), ESP_OK);
    assert_int_equal(system_event_return(bob, payload), ESP_ERR_INVALID_ARG);
    assert_int_equal(system_event_return(alice, payload), ESP_OK);
    assert_int_equal(system_event_return(alice, payload), ESP_ERR_INVALID_ARG);
    assert_int_equal(quota_memory_used(system_id_slot(alice)), 0);
    assert_int_equal(memory_pool_check(), ESP_OK);
}

static void post_as_isr(void *arg)
{
    BaseType_t woken = pdFALSE;
    const char data[12] = "from an ISR";
    *(esp_err_t *)arg = system_event_post_from_isr(alice, ping, data, 12, 0, &woken);
    portYIELD_FROM_ISR(woken);
}

static void an_isr_posts_a_real_payload(void **state)
{
    (void)state;
    esp_err_t ret = ESP_FAIL;
    assert_int_equal(system_event_subscribe(bob, ping, record, NULL), ESP_OK);
    host_isr_run(post_as_isr, &ret, 1);
    assert_int_equal(ret, ESP_OK);
    assert_true(system_up_wait(&seen.count, 1, 1000));
    assert_string_equal((char *)seen.payload[0], "from an ISR");
}

static void timers_post_once_and_again_and_can_be_cancelled(void **state)
{
    (void)state;
    system_event_timer_t again, never;
    assert_int_equal(system_event_subscribe(bob, ping, record, NULL), ESP_OK);
    assert_int_equal(system_event_post_after(alice, ping, "o", 1, 200, 5, NULL), ESP_OK);
    assert_int_equal(system_event_post_after(alice, ping, "n", 1, 200, 5000, &never), ESP_OK);
    assert_int_equal(system_event_post_every(alice, ping, "e", 1, 200, 10, &again), ESP_OK);
    assert_int_equal(system_event_timer_cancel(bob, never), ESP_ERR_NOT_OWNER);
    assert_int_equal(system_event_timer_cancel(alice, never), ESP_OK);
    assert_int_equal(system_event_timer_cancel(alice, never), ESP_ERR_EVENT_TIMER_NOT_FOUND);
    assert_true(system_up_wait(&seen.count, 4, 5000));
    assert_int_equal(system_event_timer_cancel(alice, again), ESP_OK);
    assert_int_equal(event_timers_count(SYSTEM_SLOT_NONE), 0);
    assert_int_equal(seen.payload[0][0], 'o');
    assert_int_equal(seen.payload[1][0], 'e');
    assert_int_equal(system_event_post_every(alice, ping, NULL, 0, 200, 0, NULL),
                     ESP_ERR_INVALID_ARG);
    uint8_t big[SYSTEM_EVENT_TIMER_DATA_MAX + 1] = {0};
    assert_int_equal(system_event_post_after(alice, ping, big, sizeof(big), 200, 5, NULL),
                     ESP_ERR_EVENT_DATA_TOO_LARGE);
    assert_int_equal(system_event_post_after(alice, ping, big, sizeof(big) - 1, 200, 5, NULL),
                     ESP_OK);
}

/* ---- the end of an owner -------------------------------------------------------------------- */

static void what_goes_takes_all_it_owned_along(void **state)
{
    (void)state;
    void *loan;
    system_event_timer_t timer;
    memory_pool_stats_t pool;
    assert_int_equal(system_event_subscribe(bob, ping, record, NULL), ESP_OK);
    assert_int_equal(system_event_loan(bob, 3000, &loan), ESP_OK);
    assert_int_equal(system_event_post_every(bob, ping, NULL, 0, 200, 1000, &timer), ESP_OK);
    pause_bob(true);
    assert_int_equal(system_event_post(alice, ping, NULL, 0, 200), ESP_OK);
    const system_service_id_t old = bob;
    assert_int_equal(system_service_unregister(bob), ESP_OK);
    assert_int_equal(event_subs_count(SYSTEM_SLOT_NONE), 0);
    assert_int_equal(event_timers_count(SYSTEM_SLOT_NONE), 0);
    assert_int_equal(memory_pool_get_stats(MEMORY_POOL_XLARGE, &pool), ESP_OK);
    assert_int_equal(pool.used, 0);
    bob = system_up_service("robert"); /* may get the same slot: the old id must not reach it */
    assert_int_equal(system_event_subscribe(old, ping, record, NULL), ESP_ERR_SERVICE_STALE_ID);
    assert_int_equal(system_event_post(old, ping, NULL, 0, 200), ESP_ERR_SERVICE_STALE_ID);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        CASE(a_handler_sees_what_was_posted),
        CASE(a_post_without_payload_has_no_data),
        CASE(bad_posts_are_refused_each_with_its_error),
        CASE(without_subscribers_a_post_succeeds_and_leaves_nothing),
        CASE(higher_priorities_overtake_what_waits),
        CASE(one_payload_serves_all_subscribers),
        CASE(the_same_subscription_twice_is_refused_another_handler_is_not),
        CASE(bad_subscriptions_are_refused_each_with_its_error),
        CASE(after_unsubscribing_nothing_arrives_not_even_what_waited),
        CASE(unsubscribing_waits_for_the_running_handler),
        CASE(a_handler_may_unsubscribe_itself),
        CASE(patterns_match_present_and_future_types),
        CASE(a_retained_event_greets_new_subscribers),
        CASE(a_borrowed_id_gives_no_rights),
        CASE(a_loan_is_published_without_a_copy),
        CASE(an_isr_posts_a_real_payload),
        CASE(timers_post_once_and_again_and_can_be_cancelled),
        CASE(what_goes_takes_all_it_owned_along),
    };
    return KTEST_MAIN(argc, argv, tests);
}
