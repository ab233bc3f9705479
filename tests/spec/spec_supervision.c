// SPDX-License-Identifier: Apache-2.0
/*
 * The specification's sections "Service Watchdog" and "Resource Quotas", as written and run.
 * Supplied here: service_id.
 */
#include <string.h>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "memory_utils.h"
#include "resource_quota.h"
#include "service_watchdog.h"
#include "system_service/event_bus.h"
#include "system_service/service_manager.h"

#include "ktest.h"
#include "system_up.h"

static system_secure_key_t key;

static int setup(void **state)
{
    (void)state;
    key = system_up();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    system_down(key);
    return 0;
}

static void ignore(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
}

static system_service_id_t plain_service(const char *name)
{
    system_service_id_t id;
    assert_int_equal(system_service_register(name, NULL, &id), ESP_OK);
    return id;
}

static void the_service_is_watched_and_its_heartbeat_counts(void **state)
{
    (void)state;
    const system_service_id_t service_id = plain_service("spec");
    service_watchdog_stats_t stats;
    system_service_info_t info;
    watchdog_totals_t totals;

    vTaskDelay(1); // in the simulator the clock still says 0, which stands for "never"
    {
#include "snippet_watchdog.inc"
    } assert_int_equal(watchdog_get_stats(service_id, &stats), ESP_OK);
    assert_int_equal(stats.heartbeats, 1);
    assert_int_equal(stats.timeouts, 0);
    assert_int_equal(system_service_get_info(service_id, &info), ESP_OK);
    assert_true(info.last_heartbeat_us > 0);
    assert_false(info.is_critical);
    assert_int_equal(watchdog_get_totals(&totals), ESP_OK);
    assert_int_equal(totals.watched, 1);
}

static void set_quota(system_service_id_t service_id)
{
#include "snippet_quotas.inc"
}

// The four limits of the snippet bite, each with its own error.
static void each_limit_of_the_quota_bites(void **state)
{
    (void)state;
    const system_service_id_t service_id = plain_service("spec");
    system_event_type_t types[9];
    char name[8] = "spec.0";
    static const char data[257] = {0};
    quota_usage_t usage;
    uint32_t posted = 0;

    set_quota(service_id);
    for (int i = 0; i < 9; i++, name[5]++) {
        types[i] = system_up_type(name);
        assert_int_equal(system_event_subscribe(service_id, types[i], ignore, NULL),
                         i < 8 ? ESP_OK : ESP_ERR_QUOTA_SUBS_EXCEEDED);
    }
    assert_int_equal(system_event_post(service_id, types[8], data, 257, SYSTEM_EVENT_PRIORITY_LOW),
                     ESP_ERR_QUOTA_DATA_EXCEEDED);
    assert_int_equal(system_event_post(service_id, types[8], data, 256, SYSTEM_EVENT_PRIORITY_LOW),
                     ESP_OK);
    assert_null(system_mem_alloc(service_id, 32 * 1024 + 1, MEMORY_PURPOSE_GENERAL));
    void *all = system_mem_alloc(service_id, 32 * 1024 - 1024, MEMORY_PURPOSE_GENERAL);
    assert_non_null(all);
    assert_int_equal(system_mem_free(all), ESP_OK);

    // A second's worth of events at once, then one every 20 ms: a poster that does not wait is
    // refused.
    esp_err_t ret = ESP_OK;
    while (ret == ESP_OK && posted < 1000000) {
        ret = system_event_post(service_id, types[8], NULL, 0, SYSTEM_EVENT_PRIORITY_LOW);
        posted++;
    }
    assert_int_equal(ret, ESP_ERR_QUOTA_EVENTS_EXCEEDED);
    assert_true(posted >= 50);
    if (host_sched() == HOST_SCHED_SIM) {
        assert_true(posted <= 52);
    }
    assert_int_equal(quota_get_usage(service_id, &usage), ESP_OK);
    assert_int_equal(usage.violations[QUOTA_EVENTS], 1);
    assert_int_equal(usage.violations[QUOTA_SUBSCRIPTIONS], 1);
    assert_int_equal(usage.violations[QUOTA_EVENT_DATA], 1);
    assert_int_equal(usage.violations[QUOTA_MEMORY], 1);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_service_is_watched_and_its_heartbeat_counts, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(each_limit_of_the_quota_bites, setup, teardown),
    };
    return KTEST_MAIN(argc, argv, tests);
}
