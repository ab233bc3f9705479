// SPDX-License-Identifier: Apache-2.0
/*
 * The story: the functions that describe a service never wrote whether it was critical nor how
 * often it had been restarted. The caller read what its stack held; the watchdog was such a caller.
 *
 * Here every record is filled with two different patterns before it is asked for: what comes back
 * must not depend on them, and must be true.
 */
#include <string.h>

#include "heap_monitor.h"
#include "memory_utils.h"
#include "system_service/handler_monitor.h"
#include "system_service/health_report.h"
#include "system_service/request_response.h"

#include "ktest.h"
#include "system_up.h"

static const service_watchdog_config_t s_critical = {.is_critical = true};
static const system_service_descriptor_t s_vital = {.name = "vital", .watchdog = &s_critical};

static union {
    system_service_info_t info;
    service_quota_t quota;
    quota_usage_t usage;
    service_watchdog_stats_t watchdog;
    watchdog_totals_t watchdog_totals;
    memory_usage_t memory;
    memory_totals_t memory_totals;
    memory_pool_stats_t pool;
    memory_pool_totals_t pool_totals;
    heap_stats_t heap;
    system_event_bus_stats_t bus;
    system_request_stats_t requests;
    handler_stats_t handlers;
} first, second;

// Ask twice over different patterns. Bytes between fields may differ, so fields are compared by
// hand where there are such bytes.
#define ASK(expression)                                                                            \
    do {                                                                                           \
        memset(&first, 0xA5, sizeof(first));                                                       \
        memset(&second, 0x5A, sizeof(second));                                                     \
        void *out = &first;                                                                        \
        assert_int_equal(expression, ESP_OK);                                                      \
        out = &second;                                                                             \
        assert_int_equal(expression, ESP_OK);                                                      \
    } while (0)
#define SAME(record) assert_memory_equal(&first.record, &second.record, sizeof(first.record))

static void every_field_is_written(void **state)
{
    (void)state;
    const system_secure_key_t key = system_up();
    const system_service_id_t plain = system_up_service("plain");
    system_service_id_t vital;

    assert_int_equal(system_service_register("vital", &s_vital, &vital), ESP_OK);
    vTaskDelay(pdMS_TO_TICKS(20));
    ASK(system_service_get_info(vital, out));
    assert_true(first.info.is_critical);
    assert_false(first.info.is_app);
    assert_int_equal(first.info.restart_count, 0);
    assert_int_equal(first.info.fault_count, 0);
    assert_int_equal(first.info.subscriptions, 0);
    assert_int_equal(first.info.events_waiting, second.info.events_waiting);
    assert_int_equal(first.info.mailbox_high_water, second.info.mailbox_high_water);
    assert_int_equal(first.info.events_handled, second.info.events_handled);
    assert_int_equal(first.info.events_refused, 0);
    assert_int_equal(first.info.events_displaced, 0);
    assert_int_equal(first.info.last_error, ESP_OK);
    assert_true(first.info.restartable == second.info.restartable);
    assert_true(first.info.last_heartbeat_us == second.info.last_heartbeat_us);
    ASK(system_service_get_info(plain, out));
    assert_false(first.info.is_critical);
    assert_false(first.info.restartable);

    ASK(quota_get(plain, out));
    SAME(quota);
    ASK(quota_get_usage(plain, out));
    assert_false(first.usage.throttled);
    assert_int_equal(first.usage.cpu_percent, second.usage.cpu_percent);
    assert_memory_equal(first.usage.violations, second.usage.violations,
                        sizeof(first.usage.violations));
    ASK(watchdog_get_stats(vital, out));
    assert_int_equal(first.watchdog.restarts, 0);
    assert_int_equal(first.watchdog.foreign_heartbeats, 0);
    assert_int_equal(first.watchdog.worst_recovery_ms, 0);
    ASK(watchdog_get_totals(out));
    SAME(watchdog_totals);
    ASK(memory_get_usage(plain, out));
    SAME(memory);
    ASK(memory_get_totals(out));
    SAME(memory_totals);
    ASK(memory_pool_get_stats(MEMORY_POOL_SMALL, out));
    SAME(pool);
    ASK(memory_pool_get_totals(out));
    SAME(pool_totals);
    ASK(heap_monitor_get_stats(out));
    SAME(heap);
    ASK(system_event_get_bus_stats(out));
    SAME(bus);
    ASK(system_request_get_stats(out));
    SAME(requests);
    ASK(handler_monitor_get(plain, out));
    assert_int_equal(first.handlers.calls, 0);
    assert_int_equal(first.handlers.max_us, 0);
    assert_int_equal(first.handlers.p99_us, 0);
    system_down(key);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_is_written),
    };
    return KTEST_MAIN(argc, argv, tests);
}
