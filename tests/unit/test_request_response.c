// SPDX-License-Identifier: Apache-2.0

// Long, and one file: all cases ask the same three services, and each ends with all_settled().

#include <string.h>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "ktest.h"
#include "request_internal.h"
#include "system_up.h"
#include "system_service/memory_pool.h"
#include "system_service/request_response.h"

static system_secure_key_t s_key;
static system_service_id_t s_alice, s_bob, s_carol;
static system_event_type_t s_add, s_other;

typedef struct {
    int a, b;
} sum_t;

static _Atomic uint32_t s_served, s_responses;
static system_request_id_t s_kept;
static system_response_t s_last;
static int s_last_value;
static system_service_id_t s_callback_ran_as;

static void setup_all(void)
{
    s_key = system_up();
    s_alice = system_up_service("alice");
    s_bob = system_up_service("bob");
    s_carol = system_up_service("carol");
    s_add = system_up_type("calc.add");
    s_other = system_up_type("calc.other");
    s_served = s_responses = 0;
    s_kept = 0;
}

static uint32_t blocks_in_use(void)
{
    uint32_t used = 0;
    for (int i = 0; i < MEMORY_POOL_CLASSES; i++) {
        memory_pool_stats_t stats;
        assert_int_equal(memory_pool_get_stats((memory_pool_class_t)i, &stats), ESP_OK);
        used += stats.used;
    }
    return used;
}

/** Every request ended, once, and nothing is held. */
static void all_settled(void)
{
    system_request_stats_t s;
    for (int i = 0;
         i < ktest_polls(1000) && (requests_count(SYSTEM_SLOT_NONE) != 0 || blocks_in_use() != 0);
         i++) {
        vTaskDelay(1);
    }
    assert_int_equal(system_request_get_stats(&s), ESP_OK);
    assert_int_equal(s.in_flight, 0);
    assert_int_equal(s.asked, s.answered + s.timeouts + s.cancelled + s.gone);
    assert_int_equal(requests_count(SYSTEM_SLOT_NONE), 0);
}

static void tear_down_all(void)
{
    all_settled();
    system_down(s_key);
}

/* ---- handlers ---- */

static void on_add(const system_request_t *rq, void *user_data)
{
    const sum_t *sum = rq->data;
    const int result = sum->a + sum->b;
    KTEST_CHECK(rq->data_size == sizeof(*sum) && rq->type == s_add && user_data == &s_served);
    KTEST_CHECK(system_service_current() == s_bob);
    KTEST_CHECK(system_request_respond(rq->id, ESP_OK, &result, sizeof(result)) == ESP_OK);
    KTEST_CHECK(system_request_respond(rq->id, ESP_OK, &result, sizeof(result)) ==
                ESP_ERR_REQUEST_NOT_FOUND);
    s_served++;
}

static void on_refuse(const system_request_t *rq, void *user_data)
{
    (void)user_data;
    s_served++;
    KTEST_CHECK(system_request_respond(rq->id, ESP_ERR_NOT_SUPPORTED, NULL, 0) == ESP_OK);
}

static void on_keep(const system_request_t *rq, void *user_data)
{
    (void)user_data;
    s_kept = rq->id;
    s_served++;
}

static void on_response(const system_response_t *response, void *user_data)
{
    KTEST_CHECK(user_data == &s_responses);
    s_last = *response;
    s_last_value = response->data_size == sizeof(int) ? *(const int *)response->data : -1;
    s_callback_ran_as = system_service_current();
    s_responses++;
}

/* ---- cases ---- */

static void a_sync_request_is_answered(void **state)
{
    (void)state;
    setup_all();
    const sum_t sum = {40, 2};
    int result = 0;
    size_t size = sizeof(result);
    assert_int_equal(system_request_serve(s_bob, s_add, on_add, &s_served), ESP_OK);
    assert_int_equal(system_request_sync(s_alice, s_bob, s_add, &sum, sizeof(sum), 100, &result,
                                         &size, ktest_patience_ms(1000)),
                     ESP_OK);
    assert_int_equal(result, 42);
    assert_int_equal(size, sizeof(result));
    // Firmware may ask in nobody's name, and leave it to the type who answers.
    result = 0;
    assert_int_equal(system_request_sync(SYSTEM_SERVICE_ID_NONE, SYSTEM_SERVICE_ID_NONE, s_add,
                                         &sum, sizeof(sum), 200, &result, &size, 0),
                     ESP_OK);
    assert_int_equal(result, 42);
    tear_down_all();
}

static void the_responders_status_comes_through(void **state)
{
    (void)state;
    setup_all();
    assert_int_equal(system_request_serve(s_bob, s_add, on_refuse, NULL), ESP_OK);
    assert_int_equal(system_request_sync(s_alice, s_bob, s_add, NULL, 0, 200, NULL, NULL,
                                         ktest_patience_ms(1000)),
                     ESP_ERR_NOT_SUPPORTED);
    tear_down_all();
}

static void arguments_are_checked(void **state)
{
    (void)state;
    setup_all();
    char byte = 0;
    size_t size = 1;
    static char big[MEMORY_POOL_MAX_BLOCK + 1];
    assert_int_equal(system_request_serve(s_bob, s_add, NULL, NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(system_request_serve(s_bob, 0, on_refuse, NULL), ESP_ERR_EVENT_TYPE_NOT_FOUND);
    assert_int_equal(system_request_serve(0, s_add, on_refuse, NULL), ESP_ERR_SERVICE_NOT_FOUND);
    assert_int_equal(system_request_serve(s_bob, s_add, on_refuse, NULL), ESP_OK);
    assert_int_equal(system_request_serve(s_bob, s_add, on_refuse, NULL),
                     ESP_ERR_REQUEST_HANDLER_EXISTS);
    assert_int_equal(system_request_sync(s_alice, s_bob, s_add, NULL, 1, 0, NULL, NULL, 10),
                     ESP_ERR_INVALID_ARG);
    assert_int_equal(system_request_sync(s_alice, s_bob, s_add, &byte, 1, 0, NULL, &size, 10),
                     ESP_ERR_INVALID_ARG);
    assert_int_equal(system_request_sync(s_alice, s_bob, s_add, NULL, 0, 0, NULL, NULL,
                                         SYSTEM_REQUEST_TIMEOUT_MS_MAX + 1),
                     ESP_ERR_INVALID_ARG);
    assert_int_equal(
        system_request_sync(s_alice, s_bob, s_add, big, sizeof(big), 0, NULL, NULL, 10),
        ESP_ERR_EVENT_DATA_TOO_LARGE);
    assert_int_equal(system_request_sync(s_alice, s_bob, 0, NULL, 0, 0, NULL, NULL, 10),
                     ESP_ERR_EVENT_TYPE_NOT_FOUND);
    assert_int_equal(system_request_sync(s_alice, s_bob, s_other, NULL, 0, 0, NULL, NULL, 10),
                     ESP_ERR_REQUEST_NO_HANDLER);
    assert_int_equal(system_request_sync(s_alice, s_carol, s_add, NULL, 0, 0, NULL, NULL, 10),
                     ESP_ERR_REQUEST_NO_HANDLER);
    assert_int_equal(system_request_sync(s_alice, s_bob ^ 0x100, s_add, NULL, 0, 0, NULL, NULL, 10),
                     ESP_ERR_SERVICE_STALE_ID);
    assert_int_equal(system_request_async(s_alice, s_bob, s_add, NULL, 0, 0, NULL, NULL, 10, NULL),
                     ESP_ERR_INVALID_ARG);
    assert_int_equal(system_request_async(0, s_bob, s_add, NULL, 0, 0, on_response, NULL, 10, NULL),
                     ESP_ERR_INVALID_ARG);
    assert_int_equal(system_request_respond(0, ESP_OK, NULL, 1), ESP_ERR_INVALID_ARG);
    assert_int_equal(system_request_respond(0, ESP_OK, NULL, 0), ESP_ERR_REQUEST_NOT_FOUND);
    assert_int_equal(system_request_respond(0x10001, ESP_OK, big, sizeof(big)),
                     ESP_ERR_EVENT_DATA_TOO_LARGE);
    assert_int_equal(system_request_cancel(s_alice, 0xFFFFFFFFu), ESP_ERR_REQUEST_NOT_FOUND);
    assert_int_equal(system_request_get_stats(NULL), ESP_ERR_INVALID_ARG);
    tear_down_all();
}

static void an_answer_that_does_not_fit_is_named(void **state)
{
    (void)state;
    setup_all();
    const sum_t sum = {1, 1};
    char small = 'x';
    size_t size = 1;
    assert_int_equal(system_request_serve(s_bob, s_add, on_add, &s_served), ESP_OK);
    assert_int_equal(system_request_sync(s_alice, s_bob, s_add, &sum, sizeof(sum), 200, &small,
                                         &size, ktest_patience_ms(1000)),
                     ESP_ERR_REQUEST_RESPONSE_TOO_LARGE);
    assert_int_equal(small, 'x');
    assert_int_equal(size, sizeof(int));
    tear_down_all();
}

static void a_sync_request_times_out_and_the_late_answer_is_dropped(void **state)
{
    (void)state;
    system_request_stats_t stats;
    setup_all();
    assert_int_equal(system_request_serve(s_bob, s_add, on_keep, NULL), ESP_OK);
    assert_int_equal(system_request_sync(s_alice, s_bob, s_add, NULL, 0, 200, NULL, NULL, 20),
                     ESP_ERR_REQUEST_TIMEOUT);
    assert_true(system_up_wait(&s_served, 1, 5000));
    assert_int_equal(system_request_respond(s_kept, ESP_OK, NULL, 0), ESP_ERR_REQUEST_NOT_FOUND);
    assert_int_equal(system_request_get_stats(&stats), ESP_OK);
    assert_int_equal(stats.timeouts, 1);
    assert_int_equal(stats.late, 1);
    assert_int_equal(stats.answered, 0);
    tear_down_all();
}

static void an_async_request_answers_in_the_askers_mailbox(void **state)
{
    (void)state;
    setup_all();
    const sum_t sum = {3, 4};
    system_request_id_t id = 0;
    assert_int_equal(system_request_serve(s_bob, s_add, on_add, &s_served), ESP_OK);
    assert_int_equal(system_request_async(s_alice, s_bob, s_add, &sum, sizeof(sum), 0, on_response,
                                          (void *)&s_responses, 1000, &id),
                     ESP_OK);
    assert_true(system_up_wait(&s_responses, 1, 5000));
    assert_int_equal(s_last.id, id);
    assert_int_equal(s_last.status, ESP_OK);
    assert_int_equal(s_last.from, s_bob);
    assert_int_equal(s_last_value, 7);
    assert_int_equal(s_callback_ran_as, s_alice);
    assert_int_equal(system_request_cancel(s_alice, id), ESP_ERR_REQUEST_NOT_FOUND);
    tear_down_all();
}

static void an_async_request_times_out(void **state)
{
    (void)state;
    setup_all();
    assert_int_equal(system_request_serve(s_bob, s_add, on_keep, NULL), ESP_OK);
    assert_int_equal(system_request_async(s_alice, s_bob, s_add, NULL, 0, 200, on_response,
                                          (void *)&s_responses, 30, NULL),
                     ESP_OK);
    assert_true(system_up_wait(&s_responses, 1, 5000));
    assert_int_equal(s_last.status, ESP_ERR_REQUEST_TIMEOUT);
    assert_int_equal(s_last_value, -1);
    assert_int_equal(system_request_respond(s_kept, ESP_OK, NULL, 0), ESP_ERR_REQUEST_NOT_FOUND);
    vTaskDelay(50);
    assert_int_equal(s_responses, 1);
    tear_down_all();
}

static void a_cancelled_request_is_not_heard_of_again(void **state)
{
    (void)state;
    setup_all();
    system_request_id_t id;
    assert_int_equal(system_request_serve(s_bob, s_add, on_keep, NULL), ESP_OK);
    assert_int_equal(system_request_async(s_alice, s_bob, s_add, NULL, 0, 200, on_response,
                                          (void *)&s_responses, 100, &id),
                     ESP_OK);
    assert_true(system_up_wait(&s_served, 1, 5000));
    assert_int_equal(system_request_cancel(s_carol, id), ESP_ERR_NOT_OWNER);
    assert_int_equal(system_request_cancel(s_alice, id), ESP_OK);
    assert_int_equal(system_request_respond(s_kept, ESP_OK, NULL, 0), ESP_ERR_REQUEST_NOT_FOUND);
    vTaskDelay(200);
    assert_int_equal(s_responses, 0);
    tear_down_all();
}

static void an_unregistered_target_ends_its_requests(void **state)
{
    (void)state;
    setup_all();
    assert_int_equal(system_request_serve(s_bob, s_add, on_keep, NULL), ESP_OK);
    assert_int_equal(system_request_async(s_alice, s_bob, s_add, NULL, 0, 200, on_response,
                                          (void *)&s_responses, 60000, NULL),
                     ESP_OK);
    assert_true(system_up_wait(&s_served, 1, 5000));
    assert_int_equal(system_service_unregister(s_bob), ESP_OK);
    assert_true(system_up_wait(&s_responses, 1, 5000));
    assert_int_equal(s_last.status, ESP_ERR_REQUEST_TARGET_GONE);
    assert_int_equal(system_request_sync(s_alice, s_bob, s_add, NULL, 0, 200, NULL, NULL, 10),
                     ESP_ERR_SERVICE_STALE_ID);
    tear_down_all();
}

static void an_unregistered_asker_is_forgotten(void **state)
{
    (void)state;
    setup_all();
    assert_int_equal(system_request_serve(s_bob, s_add, on_keep, NULL), ESP_OK);
    assert_int_equal(system_request_async(s_alice, s_bob, s_add, NULL, 0, 200, on_response,
                                          (void *)&s_responses, 60000, NULL),
                     ESP_OK);
    assert_true(system_up_wait(&s_served, 1, 5000));
    assert_int_equal(system_service_unregister(s_alice), ESP_OK);
    assert_int_equal(system_request_respond(s_kept, ESP_OK, NULL, 0), ESP_ERR_REQUEST_NOT_FOUND);
    assert_int_equal(s_responses, 0);
    tear_down_all();
}

static void what_is_not_served_any_more_is_refused(void **state)
{
    (void)state;
    setup_all();
    const sum_t sum = {1, 2};
    assert_int_equal(system_request_unserve(s_bob, s_add), ESP_ERR_REQUEST_NO_HANDLER);
    assert_int_equal(system_request_serve(s_bob, s_add, on_add, &s_served), ESP_OK);
    assert_int_equal(system_request_unserve(s_bob, s_add), ESP_OK);
    assert_int_equal(
        system_request_sync(s_alice, s_bob, s_add, &sum, sizeof(sum), 200, NULL, NULL, 10),
        ESP_ERR_REQUEST_NO_HANDLER);
    assert_int_equal(system_request_serve(s_bob, s_add, on_add, &s_served), ESP_OK);
    tear_down_all();
}

static void what_no_handler_has_seen_ends_with_the_service(void **state)
{
    (void)state;
    setup_all();
    const unsigned slot = system_id_slot(s_bob);
    assert_int_equal(system_request_serve(s_bob, s_add, on_keep, NULL), ESP_OK);
    assert_int_equal(system_request_serve(s_bob, s_other, on_keep, NULL), ESP_OK);
    event_mailbox_pause(slot, true);
    assert_int_equal(system_request_async(s_alice, s_bob, s_add, NULL, 0, 200, on_response,
                                          (void *)&s_responses, 60000, NULL),
                     ESP_OK);
    assert_int_equal(system_request_unserve(s_bob, s_other), ESP_OK);
    vTaskDelay(pdMS_TO_TICKS(20));
    assert_int_equal(s_responses, 0); /* that was another type */
    assert_int_equal(system_request_unserve(s_bob, s_add), ESP_OK);
    assert_true(system_up_wait(&s_responses, 1, 5000));
    assert_int_equal(s_last.status, ESP_ERR_REQUEST_NO_HANDLER);
    event_mailbox_pause(slot, false);
    assert_int_equal(s_served, 0);
    tear_down_all();
}

static void a_full_table_refuses(void **state)
{
    (void)state;
    setup_all();
    system_request_id_t ids[CONFIG_SYSTEM_MAX_REQUESTS];
    assert_int_equal(system_request_serve(s_bob, s_add, on_keep, NULL), ESP_OK);
    for (unsigned i = 0; i < CONFIG_SYSTEM_MAX_REQUESTS; i++) {
        assert_int_equal(system_request_async(s_alice, s_bob, s_add, NULL, 0, 200, on_response,
                                              (void *)&s_responses, 60000, &ids[i]),
                         ESP_OK);
    }
    assert_int_equal(system_request_sync(s_alice, s_bob, s_add, NULL, 0, 200, NULL, NULL, 10),
                     ESP_ERR_REQUEST_TABLE_FULL);
    for (unsigned i = 0; i < CONFIG_SYSTEM_MAX_REQUESTS; i++) {
        assert_int_equal(system_request_cancel(s_alice, ids[i]), ESP_OK);
    }
    tear_down_all();
}

/* ---- waits that could never end ---- */

static esp_err_t s_inner_result;
static _Atomic uint32_t s_inner_done;

/** Bob, asked by Alice's handler, asks Alice. */
static void on_ask_back(const system_request_t *rq, void *user_data)
{
    (void)user_data;
    s_inner_result = system_request_sync(s_bob, s_alice, s_other, NULL, 0, 200, NULL, NULL, 60000);
    KTEST_CHECK(system_request_respond(rq->id, ESP_OK, NULL, 0) == ESP_OK);
    s_inner_done++;
}

static esp_err_t s_outer_result;
static _Atomic uint32_t s_outer_done;

static void alice_asks_bob(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
    s_outer_result = system_request_sync(s_alice, s_bob, s_add, NULL, 0, 200, NULL, NULL, 60000);
    s_outer_done++;
}

static void a_circle_of_waits_is_refused(void **state)
{
    (void)state;
    system_request_stats_t stats;
    setup_all();
    s_inner_done = s_outer_done = 0;
    const system_event_type_t go = system_up_type("go");
    assert_int_equal(system_request_serve(s_bob, s_add, on_ask_back, NULL), ESP_OK);
    assert_int_equal(system_request_serve(s_alice, s_other, on_refuse, NULL), ESP_OK);
    assert_int_equal(system_event_subscribe(s_alice, go, alice_asks_bob, NULL), ESP_OK);
    assert_int_equal(system_event_post(s_carol, go, NULL, 0, 200), ESP_OK);
    assert_true(system_up_wait(&s_outer_done, 1, 5000));
    assert_int_equal(s_inner_result, ESP_ERR_REQUEST_DEADLOCK);
    assert_int_equal(s_outer_result, ESP_OK);
    assert_int_equal(system_request_get_stats(&stats), ESP_OK);
    assert_int_equal(stats.deadlocks, 1);
    tear_down_all();
}

static void to_ask_oneself_is_refused(void **state)
{
    (void)state;
    setup_all();
    const sum_t sum = {1, 2};
    assert_int_equal(system_request_serve(s_bob, s_add, on_add, &s_served), ESP_OK);
    assert_int_equal(
        system_request_sync(s_bob, s_bob, s_add, &sum, sizeof(sum), 200, NULL, NULL, 1000),
        ESP_ERR_REQUEST_DEADLOCK);
    // Not to wait for it is fine.
    assert_int_equal(system_request_async(s_bob, s_bob, s_add, &sum, sizeof(sum), 200, on_response,
                                          (void *)&s_responses, 1000, NULL),
                     ESP_OK);
    assert_true(system_up_wait(&s_responses, 1, 5000));
    assert_int_equal(s_last_value, 3);
    tear_down_all();
}

/** Waits in its handler for Bob, who answers when the test says so. */
static void asks_and_waits(const system_event_t *event, void *user_data)
{
    (void)event;
    const system_service_id_t self = system_service_current();
    *(esp_err_t *)user_data =
        system_request_sync(self, s_bob, s_add, NULL, 0, 200, NULL, NULL, 60000);
    s_outer_done++;
}

static void the_last_shared_worker_may_not_wait(void **state)
{
    (void)state;
    setup_all();
    s_outer_done = 0;
    esp_err_t results[2] = {ESP_FAIL, ESP_FAIL};
    const system_event_type_t go = system_up_type("go");
    assert_int_equal(system_request_serve(s_bob, s_add, on_keep, NULL), ESP_OK);
    assert_int_equal(system_event_subscribe(s_alice, go, asks_and_waits, &results[0]), ESP_OK);
    assert_int_equal(system_event_subscribe(s_carol, go, asks_and_waits, &results[1]), ESP_OK);
    assert_int_equal(system_event_post(s_bob, go, NULL, 0, 200), ESP_OK);
    assert_true(system_up_wait(&s_outer_done, 1, 5000)); // refused at once
    assert_true(system_up_wait(&s_served, 1, 5000));     // by the worker that stayed free
    assert_int_equal(system_request_respond(s_kept, ESP_OK, NULL, 0), ESP_OK);
    assert_true(system_up_wait(&s_outer_done, 2, 5000));
    assert_true((results[0] == ESP_OK && results[1] == ESP_ERR_REQUEST_DEADLOCK) ||
                (results[1] == ESP_OK && results[0] == ESP_ERR_REQUEST_DEADLOCK));
    tear_down_all();
}

/* ---- an asker whose mailbox is full ---- */

static _Atomic bool s_gate_open;

static void waits_at_the_gate(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
    while (!s_gate_open) {
        vTaskDelay(1);
    }
}

static void an_answer_waits_for_room(void **state)
{
    (void)state;
    setup_all();
    const sum_t sum = {5, 6};
    const system_event_type_t go = system_up_type("go");
    s_gate_open = false;
    assert_int_equal(system_request_serve(s_bob, s_add, on_add, &s_served), ESP_OK);
    assert_int_equal(system_event_subscribe(s_alice, go, waits_at_the_gate, NULL), ESP_OK);
    for (int i = 0; i < CONFIG_SYSTEM_QUEUE_NORMAL + 2; i++) {
        (void)system_event_post(s_carol, go, NULL, 0, 200);
        vTaskDelay(1);
    }
    assert_int_equal(system_request_async(s_alice, s_bob, s_add, &sum, sizeof(sum), 200,
                                          on_response, (void *)&s_responses, 1000, NULL),
                     ESP_OK);
    assert_true(system_up_wait(&s_served, 1, 5000));
    vTaskDelay(30);
    assert_int_equal(s_responses, 0);
    s_gate_open = true;
    assert_true(system_up_wait(&s_responses, 1, 5000));
    assert_int_equal(s_last.status, ESP_OK);
    assert_int_equal(s_last_value, 11);
    tear_down_all();
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sync_request_is_answered),
        cmocka_unit_test(the_responders_status_comes_through),
        cmocka_unit_test(arguments_are_checked),
        cmocka_unit_test(an_answer_that_does_not_fit_is_named),
        cmocka_unit_test(a_sync_request_times_out_and_the_late_answer_is_dropped),
        cmocka_unit_test(an_async_request_answers_in_the_askers_mailbox),
        cmocka_unit_test(an_async_request_times_out),
        cmocka_unit_test(a_cancelled_request_is_not_heard_of_again),
        cmocka_unit_test(an_unregistered_target_ends_its_requests),
        cmocka_unit_test(an_unregistered_asker_is_forgotten),
        cmocka_unit_test(what_is_not_served_any_more_is_refused),
        cmocka_unit_test(what_no_handler_has_seen_ends_with_the_service),
        cmocka_unit_test(a_full_table_refuses),
        cmocka_unit_test(a_circle_of_waits_is_refused),
        cmocka_unit_test(to_ask_oneself_is_refused),
        cmocka_unit_test(the_last_shared_worker_may_not_wait),
        cmocka_unit_test(an_answer_waits_for_room),
    };
    return KTEST_MAIN(argc, argv, tests);
}
