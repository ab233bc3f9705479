// SPDX-License-Identifier: Apache-2.0
/*
 * The specification's section "Creating a New Service", as written and run. Supplied here: nothing
 * but the prototypes that -Wmissing-prototypes asks for.
 */
#include "snippet_service_structure.inc"

#include <string.h>

#include "ktest.h"
#include "system_up.h"

esp_err_t my_service_init(void);
esp_err_t my_service_start(void);

#include "snippet_service_init.inc"
#include "snippet_service_start.inc"

static _Atomic uint32_t started;
static char started_name[SYSTEM_NAME_MAX + 1];

static void on_started(const system_event_t *event, void *user_data)
{
    (void)user_data;
    strncpy(started_name, event->name, SYSTEM_NAME_MAX);
    KTEST_CHECK(event->source == my_service_id && event->data == NULL && event->data_size == 0);
    started++;
}

static void the_service_registers_runs_and_announces_itself(void **state)
{
    (void)state;
    const system_secure_key_t key = system_up();
    service_watchdog_stats_t stats;
    system_service_state_t now;
    system_event_type_t type;
    service_quota_t quota;

    assert_int_equal(my_service_init(), ESP_OK);
    assert_int_not_equal(my_service_id, SYSTEM_SERVICE_ID_NONE);
    assert_int_equal(system_event_find_type("my_service.started", &type), ESP_OK);
    assert_int_equal(type, my_events[0]);
    assert_int_equal(quota_get(my_service_id, &quota), ESP_OK);
    assert_int_equal(quota.max_events_per_sec, 50);
    assert_int_equal(quota.max_subscriptions, 8);
    assert_int_equal(quota.max_event_data_size, 256);
    assert_int_equal(quota.max_memory_bytes, 32 * 1024);

    const system_service_id_t witness = system_up_service("witness");
    assert_int_equal(system_event_subscribe(witness, type, on_started, NULL), ESP_OK);
    assert_int_equal(my_service_start(), ESP_OK);
    assert_true(system_up_wait(&started, 1, 1000));
    assert_string_equal(started_name, "my_service.started");
    assert_int_equal(system_service_get_state(my_service_id, &now), ESP_OK);
    assert_int_equal(now, SYSTEM_SERVICE_STATE_RUNNING);
    assert_int_equal(watchdog_get_stats(my_service_id, &stats), ESP_OK);
    assert_int_equal(stats.heartbeats, 1);

    // A second one of the name is refused, and the snippet hands the error on.
    assert_int_equal(my_service_init(), ESP_ERR_SERVICE_ALREADY_REGISTERED);
    system_down(key);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_service_registers_runs_and_announces_itself),
    };
    return KTEST_MAIN(argc, argv, tests);
}
