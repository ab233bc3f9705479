// SPDX-License-Identifier: Apache-2.0
/*
 * The story: restart attempts never went back to zero, so three incidents in the lifetime of a
 * device were the end of a service; and that end was not reported.
 *
 * Here a service fails ten times, each after the window has passed, and is restarted each time; its
 * attempts are back at zero by then.
 */
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "ktest.h"
#include "scripted_service.h"
#include "system_up.h"

static void a_fault_a_day_is_no_crash_loop(void **state)
{
    (void)state;
    static scripted_t service;
    service_watchdog_stats_t stats;
    const system_secure_key_t key = system_up();
    scripted_prepare(&service, "service", NULL);
    service.watchdog.max_restart_attempts = 1;
    scripted_register(&service);
    assert_int_equal(system_service_start(service.id), ESP_OK);
    for (uint32_t day = 1; day <= 10; day++) {
        assert_int_equal(system_service_report_fault(service.id, ESP_FAIL), ESP_OK);
        for (int i = 0; scripted_info(service.id).restart_count < day; i++) {
            assert_true(i < ktest_polls(20000));
            vTaskDelay(1);
        }
        assert_int_equal(watchdog_get_stats(service.id, &stats), ESP_OK);
        assert_int_equal(stats.attempts_in_window, 1);
        vTaskDelay(pdMS_TO_TICKS(CONFIG_SYSTEM_RESTART_WINDOW_MS + 100));
        assert_int_equal(watchdog_get_stats(service.id, &stats), ESP_OK);
        assert_int_equal(stats.attempts_in_window, 0);
    }
    assert_int_equal(scripted_info(service.id).state, SYSTEM_SERVICE_STATE_RUNNING);
    system_down(key);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {cmocka_unit_test(a_fault_a_day_is_no_crash_loop)};
    return KTEST_MAIN(argc, argv, tests);
}
