// SPDX-License-Identifier: Apache-2.0
//
// D9: the request's id was not sent to the responder, the target was ignored and the sender was
// always service 0, so every synchronous call timed out. The waiter's semaphore was given after the
// lock was released and deleted by the waiter: use after free; cancelling deleted a semaphore that
// somebody waited for; asynchronous requests had no timeout and took their places for ever.
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "ktest.h"
#include "request_internal.h"
#include "system_up.h"
#include "system_service/request_response.h"

static system_service_id_t s_asker, s_right, s_wrong;
static system_event_type_t s_ask;
static _Atomic uint32_t s_right_asked, s_wrong_asked, s_ends, s_in_time, s_too_late;
static _Atomic esp_err_t s_end;
static _Atomic system_request_id_t s_id;

static void on_right(const system_request_t *rq, void *user_data)
{
    (void)user_data;
    KTEST_CHECK(rq->id != 0);
    KTEST_CHECK(rq->from == s_asker);
    s_id = rq->id;
    s_right_asked++;
    if (rq->data_size == 0) {
        KTEST_CHECK(system_request_respond(rq->id, ESP_OK, "yes", 4) == ESP_OK);
    } else if (rq->data_size == sizeof("race")) {
        vTaskDelay(1);
        const esp_err_t ret = system_request_respond(rq->id, ESP_OK, "yes", 4);
        KTEST_CHECK(ret == ESP_OK || ret == ESP_ERR_REQUEST_NOT_FOUND);
        (*(ret == ESP_OK ? &s_in_time : &s_too_late))++;
    }
}

static void on_wrong(const system_request_t *rq, void *user_data)
{
    (void)rq;
    (void)user_data;
    s_wrong_asked++;
}

static void on_end(const system_response_t *response, void *user_data)
{
    (void)user_data;
    s_end = response->status;
    s_ends++;
}

static system_secure_key_t begin(void)
{
    const system_secure_key_t key = system_up();
    s_asker = system_up_service("asker");
    s_wrong = system_up_service("wrong");
    s_right = system_up_service("right");
    s_ask = system_up_type("d9.ask");
    s_right_asked = s_wrong_asked = s_ends = s_in_time = s_too_late = 0;
    assert_int_equal(system_request_serve(s_wrong, s_ask, on_wrong, NULL), ESP_OK);
    assert_int_equal(system_request_serve(s_right, s_ask, on_right, NULL), ESP_OK);
    return key;
}

static void the_answer_finds_the_asker(void **state)
{
    (void)state;
    const system_secure_key_t key = begin();
    char answer[4] = "";
    size_t size = sizeof(answer);
    assert_int_equal(
        system_request_sync(s_asker, s_right, s_ask, NULL, 0, 200, answer, &size, 60000), ESP_OK);
    assert_string_equal(answer, "yes");
    assert_int_equal(s_right_asked, 1);
    assert_int_equal(s_wrong_asked, 0);
    system_down(key);
}

static esp_err_t ask_with_no_time(char *answer, size_t room, uint32_t ms)
{
    for (int i = 0;; i++) {
        size_t size = room;
        const esp_err_t ret = system_request_sync(s_asker, s_right, s_ask, "race", sizeof("race"),
                                                  200, answer, &size, ms);
        if (ret != ESP_ERR_EVENT_QUEUE_FULL || host_sched() == HOST_SCHED_SIM) {
            return ret;
        }
        assert_true(i < ktest_polls(1000));
        vTaskDelay(1);
    }
}

/**
 * The waiter gives up just as the answer comes, again and again: neither is lost or freed twice,
 * and both sides agree on which of the two it was. On a busy machine it may have given up before
 * the handler began; then the handler is never called, and so often that those given up fill the
 * mailbox.
 */
static void an_answer_may_come_as_the_asker_gives_up(void **state)
{
    (void)state;
    const system_secure_key_t key = begin();
    char answer[4];
    uint32_t answered = 0;
    for (unsigned i = 1; i <= 300; i++) {
        const esp_err_t ret = ask_with_no_time(answer, sizeof(answer), 1 + i % 2);
        assert_true(ret == ESP_OK || ret == ESP_ERR_REQUEST_TIMEOUT);
        answered += ret == ESP_OK;
        // The place is free for the next one, and the id of this one is dead.
        assert_int_equal(requests_count(SYSTEM_SLOT_NONE), 0);
        if (s_right_asked > 0) {
            assert_int_equal(system_request_respond(s_id, ESP_OK, NULL, 0),
                             ESP_ERR_REQUEST_NOT_FOUND);
        }
    }
    // Served after all of them.
    size_t size = sizeof(answer);
    assert_int_equal(
        system_request_sync(s_asker, s_right, s_ask, NULL, 0, 200, answer, &size, 60000), ESP_OK);
    assert_int_equal(s_in_time, answered);
    assert_int_equal(s_in_time + s_too_late + 1, s_right_asked);
    system_down(key);
}

static void asynchronous_requests_end_in_time(void **state)
{
    (void)state;
    const system_secure_key_t key = begin();
    for (unsigned i = 1; i <= 3 * CONFIG_SYSTEM_MAX_REQUESTS; i++) {
        assert_int_equal(
            system_request_async(s_asker, s_right, s_ask, "later", 6, 200, on_end, NULL, 5, NULL),
            ESP_OK);
        assert_true(system_up_wait(&s_ends, i, 60000));
        assert_int_equal(s_end, ESP_ERR_REQUEST_TIMEOUT);
    }
    system_down(key);
}

static _Atomic uint32_t s_waited;

static void waits(void *arg)
{
    KTEST_CHECK(system_service_attach_task(s_asker) == ESP_OK);
    *(esp_err_t *)arg =
        system_request_sync(s_asker, s_right, s_ask, "later", 6, 200, NULL, NULL, 600000);
    (void)system_service_detach_task();
    s_waited++;
    vTaskDelete(NULL);
}

static void to_cancel_wakes_the_one_who_waits(void **state)
{
    (void)state;
    const system_secure_key_t key = begin();
    static esp_err_t ret;
    ret = ESP_FAIL;
    s_waited = 0;
    assert_int_equal(xTaskCreate(waits, "waits", 4096, &ret, 3, NULL), pdPASS);
    assert_true(system_up_wait(&s_right_asked, 1, 60000));
    assert_int_equal(system_request_cancel(s_asker, s_id), ESP_OK);
    assert_true(system_up_wait(&s_waited, 1, 60000));
    assert_int_equal(ret, ESP_ERR_REQUEST_CANCELLED);
    system_down(key);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_answer_finds_the_asker),
        cmocka_unit_test(an_answer_may_come_as_the_asker_gives_up),
        cmocka_unit_test(asynchronous_requests_end_in_time),
        cmocka_unit_test(to_cancel_wakes_the_one_who_waits),
    };
    return KTEST_MAIN(argc, argv, tests);
}
