// SPDX-License-Identifier: Apache-2.0
/*
 * The story: restarting a service was left undone: it returned ESP_OK and counted a restart;
 * nothing had ever been given it to start again. Safe mode was a flag and a log line.
 *
 * Here a service without lifecycle functions is never counted as restarted: it is reclaimed, in
 * ERROR, and announced. And safe mode stops what is not critical.
 */
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "ktest.h"
#include "scripted_service.h"
#include "system_up.h"

static _Atomic uint32_t handled;

static void count(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
    atomic_fetch_add(&handled, 1);
}

static void nothing_to_restart_with_is_no_success(void **state)
{
    (void)state;
    const system_secure_key_t key = system_up();
    const system_service_id_t poster = system_up_service("poster");
    const system_service_id_t bare = system_up_service("bare");
    const system_event_type_t type = system_up_type("bare.event");
    const service_watchdog_config_t config = SERVICE_WATCHDOG_CONFIG_DEFAULT();
    service_watchdog_stats_t stats;
    (void)observer_start();
    assert_int_equal(watchdog_register_service(bare, &config), ESP_OK);
    assert_int_equal(system_service_set_state(bare, SYSTEM_SERVICE_STATE_RUNNING), ESP_OK);
    assert_int_equal(system_event_subscribe(bare, type, count, NULL), ESP_OK);
    assert_int_equal(system_service_report_fault(bare, ESP_FAIL), ESP_OK);
    assert_true(observer_wait(SYSTEM_EVENT_SERVICE_FAILED, "bare", 1, 5000));
    assert_int_equal(scripted_info(bare).state, SYSTEM_SERVICE_STATE_ERROR);
    assert_int_equal(scripted_info(bare).subscriptions, 0);
    assert_int_equal(scripted_info(bare).restart_count, 0);
    assert_int_equal(watchdog_get_stats(bare, &stats), ESP_OK);
    assert_int_equal(stats.restarts, 0);
    assert_int_equal(system_event_post(poster, type, NULL, 0, 0), ESP_OK);
    vTaskDelay(pdMS_TO_TICKS(20));
    assert_int_equal(atomic_load(&handled), 0);
    system_down(key);
}

static void safe_mode_stops_what_is_not_critical(void **state)
{
    (void)state;
    static scripted_t plain, critical;
    const system_secure_key_t key = system_up();
    scripted_prepare(&plain, "plain", NULL);
    scripted_prepare(&critical, "critical", NULL);
    critical.watchdog.is_critical = true;
    scripted_register(&plain);
    scripted_register(&critical);
    assert_int_equal(system_service_start_all(), ESP_OK);
    assert_int_equal(system_safe_mode_enter("test"), ESP_OK);
    assert_true(scripted_wait_state(plain.id, SYSTEM_SERVICE_STATE_STOPPED, 5000));
    assert_int_equal(atomic_load(&plain.calls[SCRIPTED_STOP]), 1);
    assert_int_equal(scripted_info(critical.id).state, SYSTEM_SERVICE_STATE_RUNNING);
    assert_int_equal(system_safe_mode_leave(), ESP_OK);
    assert_true(scripted_wait_state(plain.id, SYSTEM_SERVICE_STATE_RUNNING, 5000));
    system_down(key);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_to_restart_with_is_no_success),
        cmocka_unit_test(safe_mode_stops_what_is_not_critical),
    };
    return KTEST_MAIN(argc, argv, tests);
}
