// SPDX-License-Identifier: Apache-2.0
/*
 * The story: a service that was disabled could never be enabled again, and one that was
 * unregistered kept its watchdog entry: half a minute later it timed out, "critical". (T9: the next
 * owner of its place also inherited its quota and its counts.)
 *
 * Here disabling and enabling work, what is gone is not watched, and its successor starts clean.
 */
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "ktest.h"
#include "scripted_service.h"
#include "system_up.h"

static scripted_t service;

static void disabled_can_be_enabled_again(void **state)
{
    (void)state;
    const system_secure_key_t key = system_up();
    watchdog_totals_t totals;
    scripted_prepare(&service, "service", NULL);
    scripted_register(&service);
    assert_int_equal(system_service_start(service.id), ESP_OK);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(watchdog_enable_service(service.id, false), ESP_OK);
        assert_int_equal(watchdog_get_totals(&totals), ESP_OK);
        assert_int_equal(totals.watched, 0);
        assert_int_equal(watchdog_enable_service(service.id, true), ESP_OK);
        assert_int_equal(watchdog_get_totals(&totals), ESP_OK);
        assert_int_equal(totals.watched, 1);
    }
    system_down(key);
}

static void what_is_gone_does_not_time_out_and_leaves_its_successor_nothing(void **state)
{
    (void)state;
    const system_secure_key_t key = system_up();
    service_watchdog_stats_t stats;
    watchdog_totals_t totals;
    scripted_prepare(&service, "service", NULL);
    service.watchdog.is_critical = true;
    scripted_register(&service);
    assert_int_equal(system_service_start(service.id), ESP_OK);
    assert_int_equal(system_service_report_fault(service.id, ESP_FAIL), ESP_OK);
    while (scripted_info(service.id).restart_count == 0) {
        vTaskDelay(1);
    }
    // Only now: on a busy machine it may well be silent for so long.
    service.watchdog.timeout_ms = 200;
    assert_int_equal(watchdog_register_service(service.id, &service.watchdog), ESP_OK);
    const system_service_id_t old = service.id;
    assert_int_equal(system_service_unregister(service.id), ESP_OK);
    vTaskDelay(pdMS_TO_TICKS(500));
    assert_int_equal(watchdog_get_totals(&totals), ESP_OK);
    assert_int_equal(totals.timeouts, 0);
    assert_int_equal(totals.watched, 0);
    assert_false(system_safe_mode_active());
    assert_int_equal(system_service_heartbeat(old), ESP_ERR_SERVICE_STALE_ID);

    scripted_prepare(&service, "successor", NULL);
    scripted_register(&service);
    assert_int_equal(service.id & 0xFF, old & 0xFF); /* the same place */
    assert_int_equal(watchdog_get_stats(service.id, &stats), ESP_OK);
    assert_int_equal(stats.heartbeats, 0);
    assert_int_equal(stats.restarts, 0);
    assert_int_equal(stats.attempts_in_window, 0);
    assert_int_equal(scripted_info(service.id).fault_count, 0);
    assert_false(scripted_info(service.id).is_critical);
    system_down(key);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(disabled_can_be_enabled_again),
        cmocka_unit_test(what_is_gone_does_not_time_out_and_leaves_its_successor_nothing),
    };
    return KTEST_MAIN(argc, argv, tests);
}
