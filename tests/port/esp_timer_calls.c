// SPDX-License-Identifier: Apache-2.0

// esp_timer: each call with each of its error codes.

#include "ktest.h"

#include <string.h>
#include "esp_timer.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

static int s_calls;
static esp_timer_handle_t s_timer;

static int calls(void)
{
    return __atomic_load_n(&s_calls, __ATOMIC_ACQUIRE);
}

static void count(void *arg)
{
    KTEST_CHECK(arg == (void *)7);
    KTEST_CHECK(strcmp(pcTaskGetName(NULL), "esp_timer") == 0);
    KTEST_CHECK(uxTaskPriorityGet(NULL) == 22);
    __atomic_add_fetch(&s_calls, 1, __ATOMIC_ACQ_REL);
}

static void await_calls(int n)
{
    while (calls() < n) {
        vTaskDelay(1);
    }
}

static void step_over(void *arg)
{
    __atomic_store_n((bool *)arg, true, __ATOMIC_RELEASE);
}

/** Until the timer task has done everything it had begun. */
static void let_timers_finish(void)
{
    static bool s_over;
    const esp_timer_create_args_t args = {.callback = step_over, .arg = &s_over, .name = "last"};
    esp_timer_handle_t t = NULL;
    __atomic_store_n(&s_over, false, __ATOMIC_RELEASE);
    assert_int_equal(esp_timer_create(&args, &t), ESP_OK);
    assert_int_equal(esp_timer_start_once(t, 1), ESP_OK);
    while (!__atomic_load_n(&s_over, __ATOMIC_ACQUIRE)) {
        vTaskDelay(1);
    }
    assert_int_equal(esp_timer_delete(t), ESP_OK);
}

static esp_timer_handle_t create(esp_timer_cb_t callback, bool skip)
{
    const esp_timer_create_args_t args = {
        .callback = callback,
        .arg = (void *)7,
        .name = "subject",
        .skip_unhandled_events = skip,
    };
    esp_timer_handle_t t = NULL;
    assert_int_equal(esp_timer_create(&args, &t), ESP_OK);
    __atomic_store_n(&s_calls, 0, __ATOMIC_RELEASE);
    return t;
}

static void creation_checks_its_arguments(void **state)
{
    (void)state;
    esp_timer_handle_t t;
    esp_timer_create_args_t args = {.callback = count};
    assert_int_equal(esp_timer_create(NULL, &t), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_timer_create(&args, NULL), ESP_ERR_INVALID_ARG);
    args.dispatch_method = ESP_TIMER_MAX;
    assert_int_equal(esp_timer_create(&args, &t), ESP_ERR_INVALID_ARG);
    args = (esp_timer_create_args_t){0};
    assert_int_equal(esp_timer_create(&args, &t), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_timer_init(), ESP_ERR_INVALID_STATE); /* boot has done it */
}

static void each_call_refuses_null(void **state)
{
    (void)state;
    uint64_t v;
    assert_int_equal(esp_timer_start_once(NULL, 1), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_timer_start_periodic(NULL, 100), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_timer_restart(NULL, 100), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_timer_stop(NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_timer_delete(NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_timer_get_period(NULL, &v), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_timer_get_expiry_time(NULL, &v), ESP_ERR_INVALID_ARG);
    assert_false(esp_timer_is_active(NULL));
}

static void a_one_shot_timer_fires_once(void **state)
{
    (void)state;
    esp_timer_handle_t t = create(count, false);
    assert_int_equal(esp_timer_stop(t), ESP_ERR_INVALID_STATE);
    assert_int_equal(esp_timer_restart(t, 10), ESP_ERR_INVALID_STATE);
    int64_t before = esp_timer_get_time();
    assert_int_equal(esp_timer_start_once(t, 3000), ESP_OK);
    await_calls(1);
    assert_true(esp_timer_get_time() - before >= 3000);
    assert_false(esp_timer_is_active(t));
    vTaskDelay(10);
    assert_int_equal(calls(), 1);
    assert_int_equal(esp_timer_delete(t), ESP_OK);
}

static void a_running_timer_refuses_start_and_delete(void **state)
{
    (void)state;
    esp_timer_handle_t t = create(count, false);
    uint64_t v = 1;
    assert_int_equal(esp_timer_start_once(t, 50000000), ESP_OK);
    assert_true(esp_timer_is_active(t));
    assert_int_equal(esp_timer_start_once(t, 1), ESP_ERR_INVALID_STATE);
    assert_int_equal(esp_timer_start_periodic(t, 100), ESP_ERR_INVALID_STATE);
    assert_int_equal(esp_timer_delete(t), ESP_ERR_INVALID_STATE);
    assert_int_equal(esp_timer_get_period(t, &v), ESP_OK);
    assert_int_equal(v, 0);
    assert_int_equal(esp_timer_get_expiry_time(t, &v), ESP_OK);
    assert_true(v > (uint64_t)esp_timer_get_time());
    assert_true(esp_timer_get_next_alarm() <= (int64_t)v);
    assert_int_equal(esp_timer_stop(t), ESP_OK);
    assert_int_equal(esp_timer_delete(t), ESP_OK);
}

static void a_periodic_timer_fires_until_stopped(void **state)
{
    (void)state;
    esp_timer_handle_t t = create(count, false);
    uint64_t v = 0;
    assert_int_equal(esp_timer_start_periodic(t, 2000), ESP_OK);
    assert_int_equal(esp_timer_get_period(t, &v), ESP_OK);
    assert_int_equal(v, 2000);
    assert_int_equal(esp_timer_get_expiry_time(t, &v), ESP_ERR_NOT_SUPPORTED);
    await_calls(4);
    assert_int_equal(esp_timer_restart(t, 1000), ESP_OK);
    assert_int_equal(esp_timer_get_period(t, &v), ESP_OK);
    assert_int_equal(v, 1000);
    await_calls(8);
    assert_int_equal(esp_timer_stop(t), ESP_OK);
    let_timers_finish();
    int then = calls();
    vTaskDelay(10);
    assert_int_equal(calls(), then);
    assert_int_equal(esp_timer_delete(t), ESP_OK);
}

static void a_period_is_at_least_fifty_microseconds(void **state)
{
    (void)state;
    esp_timer_handle_t t = create(count, true);
    uint64_t v = 0;
    assert_int_equal(esp_timer_start_periodic(t, 1), ESP_OK);
    assert_int_equal(esp_timer_get_period(t, &v), ESP_OK);
    assert_int_equal(v, 50);
    assert_int_equal(esp_timer_stop(t), ESP_OK);
    assert_int_equal(esp_timer_delete(t), ESP_OK);
}

static void delete_itself(void *arg)
{
    (void)arg;
    KTEST_CHECK(esp_timer_delete(s_timer) == ESP_OK);
    __atomic_add_fetch(&s_calls, 1, __ATOMIC_ACQ_REL);
}

static void a_one_shot_timer_may_delete_itself(void **state)
{
    (void)state;
    s_timer = create(delete_itself, false);
    assert_int_equal(esp_timer_start_once(s_timer, 100), ESP_OK);
    await_calls(1);
    vTaskDelay(2);
}

static void block_once(void *arg)
{
    (void)arg;
    if (__atomic_add_fetch(&s_calls, 1, __ATOMIC_ACQ_REL) == 1) {
        host_clock_jump(10000);
    }
}

/* Ten periods missed: caught up with one by one, or dropped when the timer skips them. */
static void missed_periods_are_caught_up_or_skipped(void **state)
{
    (void)state;
    if (host_sched() != HOST_SCHED_SIM) {
        skip(); /* counts calls against the clock */
    }
    for (int skipping = 0; skipping <= 1; skipping++) {
        esp_timer_handle_t t = create(block_once, skipping == 1);
        assert_int_equal(esp_timer_start_periodic(t, 1000), ESP_OK);
        vTaskDelay(12);
        assert_int_equal(esp_timer_stop(t), ESP_OK);
        assert_int_equal(calls() >= 11, skipping == 0);
        assert_int_equal(esp_timer_delete(t), ESP_OK);
    }
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(creation_checks_its_arguments),
        cmocka_unit_test(each_call_refuses_null),
        cmocka_unit_test(a_one_shot_timer_fires_once),
        cmocka_unit_test(a_running_timer_refuses_start_and_delete),
        cmocka_unit_test(a_periodic_timer_fires_until_stopped),
        cmocka_unit_test(a_period_is_at_least_fifty_microseconds),
        cmocka_unit_test(a_one_shot_timer_may_delete_itself),
        cmocka_unit_test(missed_periods_are_caught_up_or_skipped),
    };
    return KTEST_MAIN(argc, argv, tests);
}
