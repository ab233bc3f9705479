/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The chip's watchdog behind the supervisor, built as the device has it: fed by a task that sleeps
 * as long as it may, it stays quiet; a task that hangs is reported.
 */
#include "ktest.h"

#include "esp_task_wdt.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "host_log.h"
#include "supervisor_backstop.h"

#define PERIOD_MS (CONFIG_ESP_TASK_WDT_TIMEOUT_S * 1000u)

static int s_fired; /* atomic: written from an interrupt */

void esp_task_wdt_isr_user_handler(void)
{
    __atomic_fetch_add(&s_fired, 1, __ATOMIC_RELAXED);
}

static int fired(void)
{
    return __atomic_load_n(&s_fired, __ATOMIC_RELAXED);
}

static int begin(void **state)
{
    const esp_task_wdt_config_t config = {.timeout_ms = PERIOD_MS};
    (void)state;
    (void)esp_task_wdt_deinit();
    __atomic_store_n(&s_fired, 0, __ATOMIC_RELAXED);
    return esp_task_wdt_init(&config) == ESP_OK ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    supervisor_backstop_end();
    (void)esp_task_wdt_deinit();
    return 0;
}

static void one_that_feeds_is_left_alone(void **state)
{
    (void)state;
    supervisor_backstop_begin();
    assert_int_equal(esp_task_wdt_status(NULL), ESP_OK);
    for (unsigned slept_ms = 0; slept_ms < 4 * PERIOD_MS;) {
        const TickType_t ticks = supervisor_backstop_feed(portMAX_DELAY);
        assert_in_range(ticks, 1, pdMS_TO_TICKS(PERIOD_MS / 2));
        vTaskDelay(ticks);
        slept_ms += ticks * portTICK_PERIOD_MS;
    }
    assert_int_equal(fired(), 0);
    assert_int_equal(supervisor_backstop_feed(1), 1); /* a nearer deadline stays */
}

static void one_that_hangs_is_reported(void **state)
{
    (void)state;
    supervisor_backstop_begin();
    (void)supervisor_backstop_feed(portMAX_DELAY);
    host_log_capture_start(false);
    vTaskDelay(pdMS_TO_TICKS(PERIOD_MS + 100));
    host_log_capture_stop();
    assert_true(fired() >= 1);
}

static void one_that_ended_is_not_missed(void **state)
{
    (void)state;
    supervisor_backstop_begin();
    supervisor_backstop_end();
    assert_int_equal(esp_task_wdt_status(NULL), ESP_ERR_NOT_FOUND);
    vTaskDelay(pdMS_TO_TICKS(2 * PERIOD_MS));
    assert_int_equal(fired(), 0);
}

static void without_the_watchdog_it_sleeps_as_long_as_it_likes(void **state)
{
    (void)state;
    assert_int_equal(esp_task_wdt_deinit(), ESP_OK);
    supervisor_backstop_begin();
    assert_int_equal(supervisor_backstop_feed(portMAX_DELAY), portMAX_DELAY);
    supervisor_backstop_end();
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_that_feeds_is_left_alone, begin, end),
        cmocka_unit_test_setup_teardown(one_that_hangs_is_reported, begin, end),
        cmocka_unit_test_setup_teardown(one_that_ended_is_not_missed, begin, end),
        cmocka_unit_test_setup_teardown(without_the_watchdog_it_sleeps_as_long_as_it_likes, begin,
                                        end),
    };
    return KTEST_MAIN(argc, argv, tests);
}
