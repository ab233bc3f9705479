// SPDX-License-Identifier: Apache-2.0

// Direct-to-task notifications: every action, waiting, clearing.

#include "ktest.h"

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

static TaskHandle_t self(void)
{
    return xTaskGetCurrentTaskHandle();
}

static void fresh(void)
{
    (void)xTaskNotifyStateClear(NULL);
    (void)ulTaskNotifyValueClear(NULL, UINT32_MAX);
}

static void giving_counts_and_taking_counts_down(void **state)
{
    (void)state;
    fresh();
    xTaskNotifyGive(self());
    xTaskNotifyGive(self());
    xTaskNotifyGive(self());
    assert_int_equal(ulTaskNotifyTake(pdFALSE, 0), 3);
    assert_int_equal(ulTaskNotifyTake(pdTRUE, 0), 2);
    assert_int_equal(ulTaskNotifyTake(pdTRUE, 0), 0);
}

static void each_action_does_what_it_says(void **state)
{
    (void)state;
    uint32_t value = 99;
    fresh();
    assert_int_equal(xTaskNotify(self(), 0x5, eSetBits), pdPASS);
    assert_int_equal(xTaskNotify(self(), 0xA0, eSetBits), pdPASS);
    assert_int_equal(xTaskNotifyWait(0, 0x5, &value, 0), pdTRUE);
    assert_int_equal(value, 0xA5);
    assert_int_equal(xTaskNotify(self(), 7, eSetValueWithOverwrite), pdPASS);
    assert_int_equal(xTaskNotify(self(), 8, eSetValueWithoutOverwrite), pdFAIL);
    assert_int_equal(xTaskNotifyWait(0, UINT32_MAX, &value, 0), pdTRUE);
    assert_int_equal(value, 7);
    assert_int_equal(xTaskNotify(self(), 8, eSetValueWithoutOverwrite), pdPASS);
    assert_int_equal(xTaskNotify(self(), 0, eNoAction), pdPASS);
    assert_int_equal(xTaskNotify(self(), 0, eIncrement), pdPASS);
    assert_int_equal(xTaskNotifyWait(0, UINT32_MAX, &value, 0), pdTRUE);
    assert_int_equal(value, 9);
}

static void the_previous_value_is_told(void **state)
{
    (void)state;
    uint32_t previous = 99;
    fresh();
    (void)xTaskNotifyAndQuery(self(), 5, eSetValueWithOverwrite, &previous);
    assert_int_equal(previous, 0);
    (void)xTaskNotifyAndQuery(self(), 6, eSetValueWithOverwrite, &previous);
    assert_int_equal(previous, 5);
}

static void bits_are_cleared_on_entry_only_when_none_is_pending(void **state)
{
    (void)state;
    uint32_t value = 0;
    fresh();
    (void)xTaskNotify(self(), 0xFF, eSetValueWithOverwrite);
    assert_int_equal(xTaskNotifyWait(0x0F, 0, &value, 0), pdTRUE);
    assert_int_equal(value, 0xFF);
    assert_int_equal(xTaskNotifyWait(0x0F, 0, &value, 1), pdFALSE);
    assert_int_equal(value, 0xF0);
}

static void waiting_times_out(void **state)
{
    (void)state;
    fresh();
    TickType_t before = xTaskGetTickCount();
    assert_int_equal(ulTaskNotifyTake(pdTRUE, 15), 0);
    assert_true(xTaskGetTickCount() - before >= 15);
}

static void notify_back(void *arg)
{
    TaskHandle_t to = arg;
    for (int i = 0; i < 1000; i++) {
        (void)ulTaskNotifyTake(pdTRUE, portMAX_DELAY);
        (void)xTaskNotifyGive(to);
    }
    vTaskDelete(NULL);
}

static void two_tasks_play_ping_pong(void **state)
{
    (void)state;
    TaskHandle_t t = NULL;
    fresh();
    xTaskCreate(notify_back, "pong", 4096, self(), 6, &t);
    for (int i = 0; i < 1000; i++) {
        (void)xTaskNotifyGive(t);
        assert_int_equal(ulTaskNotifyTake(pdTRUE, portMAX_DELAY), 1);
    }
}

static void state_and_value_are_cleared_apart(void **state)
{
    (void)state;
    uint32_t value = 0;
    fresh();
    (void)xTaskNotify(self(), 3, eSetBits);
    assert_int_equal(xTaskNotifyStateClear(NULL), pdPASS);
    assert_int_equal(xTaskNotifyStateClear(NULL), pdFAIL);
    assert_int_equal(xTaskNotifyWait(0, 0, &value, 0), pdFALSE);
    assert_int_equal(value, 3);
    assert_int_equal(ulTaskNotifyValueClear(NULL, 1), 3);
    assert_int_equal(ulTaskNotifyValueClear(NULL, 0), 2);
}

static void wait_notified(void *arg)
{
    uint32_t *got = arg;
    uint32_t value = ulTaskNotifyTake(pdTRUE, portMAX_DELAY);
    __atomic_store_n(got, value + 100, __ATOMIC_RELEASE);
    vTaskDelete(NULL);
}

/* A wait that is interrupted by suspension goes on after the resumption. */
static void a_suspended_waiter_waits_on(void **state)
{
    (void)state;
    uint32_t got = 0;
    TaskHandle_t t = NULL;
    xTaskCreatePinnedToCore(wait_notified, "waiter", 4096, &got, 5, &t, 1);
    while (eTaskGetState(t) != eBlocked) {
        vTaskDelay(1);
    }
    vTaskSuspend(t);
    assert_int_equal(eTaskGetState(t), eSuspended);
    vTaskResume(t);
    vTaskDelay(5);
    assert_int_equal(__atomic_load_n(&got, __ATOMIC_ACQUIRE), 0);
    (void)xTaskNotifyGive(t);
    while (__atomic_load_n(&got, __ATOMIC_ACQUIRE) == 0) {
        vTaskDelay(1);
    }
    assert_int_equal(got, 101);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(giving_counts_and_taking_counts_down),
        cmocka_unit_test(each_action_does_what_it_says),
        cmocka_unit_test(the_previous_value_is_told),
        cmocka_unit_test(bits_are_cleared_on_entry_only_when_none_is_pending),
        cmocka_unit_test(waiting_times_out),
        cmocka_unit_test(two_tasks_play_ping_pong),
        cmocka_unit_test(state_and_value_are_cleared_apart),
        cmocka_unit_test(a_suspended_waiter_waits_on),
    };
    return KTEST_MAIN(argc, argv, tests);
}
