// SPDX-License-Identifier: Apache-2.0

// Interrupt context: what runs there, what it may call, what it wakes.

#include "ktest.h"

#include "freertos/FreeRTOS.h"
#include "freertos/queue.h"
#include "freertos/semphr.h"
#include "freertos/task.h"

static portMUX_TYPE s_mux = portMUX_INITIALIZER_UNLOCKED;
static int s_shared;

static void look_round(void *arg)
{
    int *core = arg;
    KTEST_CHECK(xPortInIsrContext() == pdTRUE);
    KTEST_CHECK(xTaskGetTickCountFromISR() == xTaskGetTickCountFromISR());
    *core = xPortGetCoreID();
}

static void a_handler_runs_on_its_core(void **state)
{
    (void)state;
    for (int c = 0; c < 2; c++) {
        int core = -1;
        host_isr_run(look_round, &core, c);
        assert_int_equal(core, c);
    }
    assert_int_equal(xPortInIsrContext(), pdFALSE);
}

static void send_from_isr(void *arg)
{
    static int next;
    BaseType_t woken = pdFALSE;
    next++;
    KTEST_CHECK(xQueueSendFromISR(arg, &next, &woken) == pdPASS);
    portYIELD_FROM_ISR(woken);
}

static void a_queue_is_fed_from_an_interrupt(void **state)
{
    (void)state;
    QueueHandle_t q = xQueueCreate(4, sizeof(int));
    for (int i = 1; i <= 20; i++) {
        int v = 0;
        assert_true(host_isr_raise(send_from_isr, q, i % 2));
        assert_int_equal(xQueueReceive(q, &v, portMAX_DELAY), pdPASS);
        assert_int_equal(v, i);
    }
    vTaskDelay(2);
    vQueueDelete(q);
}

static void fill_from_isr(void *arg)
{
    QueueHandle_t q = arg;
    int v = 1;
    KTEST_CHECK(xQueueIsQueueEmptyFromISR(q) == pdTRUE);
    KTEST_CHECK(xQueueSendFromISR(q, &v, NULL) == pdPASS);
    KTEST_CHECK(xQueueIsQueueFullFromISR(q) == pdTRUE);
    KTEST_CHECK(xQueueSendFromISR(q, &v, NULL) == errQUEUE_FULL);
    KTEST_CHECK(uxQueueMessagesWaitingFromISR(q) == 1);
    KTEST_CHECK(xQueuePeekFromISR(q, &v) == pdPASS);
    KTEST_CHECK(xQueueReceiveFromISR(q, &v, NULL) == pdPASS);
    KTEST_CHECK(xQueueReceiveFromISR(q, &v, NULL) == pdFAIL);
}

static void the_isr_calls_of_a_queue_never_block(void **state)
{
    (void)state;
    QueueHandle_t q = xQueueCreate(1, sizeof(int));
    host_isr_run(fill_from_isr, q, 1);
    vQueueDelete(q);
}

static void notify_from_isr(void *arg)
{
    BaseType_t woken = pdFALSE;
    vTaskNotifyGiveFromISR(arg, &woken);
    portYIELD_FROM_ISR();
    (void)woken;
}

static void a_task_is_notified_from_an_interrupt(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        assert_true(host_isr_raise(notify_from_isr, xTaskGetCurrentTaskHandle(), i % 2));
        assert_int_equal(ulTaskNotifyTake(pdTRUE, portMAX_DELAY), 1);
    }
}

static void give_from_isr(void *arg)
{
    BaseType_t woken = pdFALSE;
    (void)xSemaphoreGiveFromISR(arg, &woken);
}

static void an_alarm_interrupts_at_its_time(void **state)
{
    (void)state;
    SemaphoreHandle_t s = xSemaphoreCreateBinary();
    uint64_t at = host_now_us() + 4500;
    assert_true(host_isr_raise_at(give_from_isr, s, 1, at));
    assert_int_equal(xSemaphoreTake(s, portMAX_DELAY), pdTRUE);
    assert_true(host_now_us() >= at);
    vTaskDelay(2);
    vSemaphoreDelete(s);
}

static void add_in_isr(void *arg)
{
    (void)arg;
    portENTER_CRITICAL_ISR(&s_mux);
    s_shared++;
    portEXIT_CRITICAL_ISR(&s_mux);
}

static void a_mux_excludes_interrupts(void **state)
{
    (void)state;
    s_shared = 0;
    for (int i = 0; i < 500; i++) {
        while (!host_isr_raise(add_in_isr, NULL, i % 2)) {
            vTaskDelay(1);
        }
        portENTER_CRITICAL(&s_mux);
        int v = s_shared;
        host_point(1);
        s_shared = v + 1;
        portEXIT_CRITICAL(&s_mux);
    }
    for (;;) {
        portENTER_CRITICAL(&s_mux);
        int v = s_shared;
        portEXIT_CRITICAL(&s_mux);
        if (v == 1000) {
            break;
        }
        vTaskDelay(1);
    }
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_handler_runs_on_its_core),
        cmocka_unit_test(a_queue_is_fed_from_an_interrupt),
        cmocka_unit_test(the_isr_calls_of_a_queue_never_block),
        cmocka_unit_test(a_task_is_notified_from_an_interrupt),
        cmocka_unit_test(an_alarm_interrupts_at_its_time),
        cmocka_unit_test(a_mux_excludes_interrupts),
    };
    return KTEST_MAIN(argc, argv, tests);
}
