// SPDX-License-Identifier: Apache-2.0

// Software timers.

#include "ktest.h"

#include "freertos/FreeRTOS.h"
#include "freertos/event_groups.h"
#include "freertos/task.h"
#include "freertos/timers.h"

static int s_calls;
static uint32_t s_pended;

static int calls(void)
{
    return __atomic_load_n(&s_calls, __ATOMIC_ACQUIRE);
}

static void count(TimerHandle_t timer)
{
    KTEST_CHECK(pvTimerGetTimerID(timer) == (void *)7);
    KTEST_CHECK(xTaskGetCurrentTaskHandle() == xTimerGetTimerDaemonTaskHandle());
    __atomic_add_fetch(&s_calls, 1, __ATOMIC_ACQ_REL);
}

static void await_calls(int n)
{
    while (calls() < n) {
        vTaskDelay(1);
    }
}

static void step_over(void *arg, uint32_t value)
{
    (void)value;
    __atomic_store_n((bool *)arg, true, __ATOMIC_RELEASE);
}

/** Until the timer task has done everything it had begun. */
static void let_timers_finish(void)
{
    static bool s_over;
    __atomic_store_n(&s_over, false, __ATOMIC_RELEASE);
    assert_int_equal(xTimerPendFunctionCall(step_over, &s_over, 0, portMAX_DELAY), pdPASS);
    while (!__atomic_load_n(&s_over, __ATOMIC_ACQUIRE)) {
        vTaskDelay(1);
    }
}

static void a_one_shot_timer_fires_once(void **state)
{
    (void)state;
    s_calls = 0;
    TimerHandle_t t = xTimerCreate("once", 5, pdFALSE, (void *)7, count);
    assert_int_equal(xTimerIsTimerActive(t), pdFALSE);
    assert_int_equal(xTimerStart(t, portMAX_DELAY), pdPASS);
    await_calls(1);
    vTaskDelay(20);
    assert_int_equal(calls(), 1);
    assert_int_equal(xTimerIsTimerActive(t), pdFALSE);
    assert_int_equal(xTimerDelete(t, portMAX_DELAY), pdPASS);
    vTaskDelay(2);
}

static void a_periodic_timer_fires_until_stopped(void **state)
{
    (void)state;
    s_calls = 0;
    TimerHandle_t t = xTimerCreate("often", 3, pdTRUE, (void *)7, count);
    (void)xTimerStart(t, portMAX_DELAY);
    await_calls(5);
    assert_int_equal(xTimerIsTimerActive(t), pdTRUE);
    (void)xTimerStop(t, portMAX_DELAY);
    let_timers_finish();
    int then = calls();
    vTaskDelay(20);
    assert_int_equal(calls(), then);
    (void)xTimerDelete(t, portMAX_DELAY);
    vTaskDelay(2);
}

static void a_reset_starts_the_period_anew(void **state)
{
    (void)state;
    static StaticTimer_t memory;
    TickType_t start;
    TickType_t reset;
    TimerHandle_t t = xTimerCreateStatic("reset", 100, pdFALSE, (void *)7, count, &memory);
    do { /* on a busy machine it may fire before it is reset: then there is nothing to see */
        (void)xTimerStop(t, portMAX_DELAY);
        let_timers_finish();
        s_calls = 0;
        start = xTaskGetTickCount();
        (void)xTimerStart(t, portMAX_DELAY);
        vTaskDelay(50);
        reset = xTaskGetTickCount();
        (void)xTimerReset(t, portMAX_DELAY);
        let_timers_finish();
    } while (xTaskGetTickCount() - start >= 99);
    await_calls(1);
    assert_true(xTaskGetTickCount() - reset >= 99);
    (void)xTimerDelete(t, portMAX_DELAY);
    vTaskDelay(2);
}

static void changing_the_period_starts_the_timer(void **state)
{
    (void)state;
    s_calls = 0;
    TimerHandle_t t = xTimerCreate("period", 10000, pdFALSE, (void *)7, count);
    assert_int_equal(xTimerChangePeriod(t, 4, portMAX_DELAY), pdPASS);
    await_calls(1);
    assert_int_equal(xTimerGetPeriod(t), 4);
    assert_string_equal(pcTimerGetName(t), "period");
    assert_int_equal(uxTimerGetReloadMode(t), pdFALSE);
    vTimerSetReloadMode(t, pdTRUE);
    assert_int_equal(uxTimerGetReloadMode(t), pdTRUE);
    vTimerSetTimerID(t, (void *)8);
    assert_ptr_equal(pvTimerGetTimerID(t), (void *)8);
    (void)xTimerDelete(t, portMAX_DELAY);
    vTaskDelay(2);
}

static void pended(void *arg, uint32_t value)
{
    __atomic_store_n((uint32_t *)arg, value, __ATOMIC_RELEASE);
}

static void a_function_is_run_by_the_timer_task(void **state)
{
    (void)state;
    assert_int_equal(xTimerPendFunctionCall(pended, &s_pended, 42, portMAX_DELAY), pdPASS);
    while (__atomic_load_n(&s_pended, __ATOMIC_ACQUIRE) != 42) {
        vTaskDelay(1);
    }
    assert_int_equal(s_pended, 42);
}

static void from_isr(void *arg)
{
    BaseType_t woken = pdFALSE;
    KTEST_CHECK(xEventGroupSetBitsFromISR(arg, 0x10, &woken) == pdPASS);
    portYIELD_FROM_ISR(woken);
}

static void bits_set_in_an_interrupt_arrive(void **state)
{
    (void)state;
    EventGroupHandle_t g = xEventGroupCreate();
    host_isr_run(from_isr, g, 0);
    assert_int_equal(xEventGroupWaitBits(g, 0x10, pdFALSE, pdFALSE, portMAX_DELAY), 0x10);
    vTaskDelay(3);
    vEventGroupDelete(g);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_one_shot_timer_fires_once),
        cmocka_unit_test(a_periodic_timer_fires_until_stopped),
        cmocka_unit_test(a_reset_starts_the_period_anew),
        cmocka_unit_test(changing_the_period_starts_the_timer),
        cmocka_unit_test(a_function_is_run_by_the_timer_task),
        cmocka_unit_test(bits_set_in_an_interrupt_arrive),
    };
    return KTEST_MAIN(argc, argv, tests);
}
