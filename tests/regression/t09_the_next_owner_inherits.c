// SPDX-License-Identifier: Apache-2.0
/*
 * The story: an id was the number of a slot. A service that went left its quota, its watchdog
 * entry, its subscriptions and its handlers' statistics to whoever got the slot next, and whoever
 * had kept the old id acted for the new owner.
 *
 * Here slots change hands until one comes round. The new owner has nothing of the old one, and the
 * old id is refused by every call that takes one.
 */
#include <stdio.h>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "heap_monitor.h"
#include "memory_utils.h"
#include "system_service/event_timer.h"
#include "system_service/handler_monitor.h"
#include "system_service/log_control.h"
#include "system_service/request_response.h"
#include "system_service/service_dependencies.h"
#include "system_service/service_supervisor.h"

#include "ktest.h"
#include "system_up.h"

#define SLOT(id) ((id)&0xFFu)

static _Atomic uint32_t handled;

static void on_event(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
    handled++;
}

static void serve(const system_request_t *request, void *user_data)
{
    (void)request;
    (void)user_data;
}

// A service that has used all there is to have.
static system_service_id_t live_a_life(system_event_type_t type)
{
    static const service_quota_t tight = {.max_events_per_sec = 3, .max_event_data_size = 16};
    static const service_watchdog_config_t critical = {.timeout_ms = 60000, .is_critical = true};
    const system_service_id_t id = system_up_service("old");
    const uint32_t before = handled;

    assert_int_equal(system_event_subscribe(id, type, on_event, NULL), ESP_OK);
    assert_int_equal(system_event_post(id, type, NULL, 0, SYSTEM_EVENT_PRIORITY_NORMAL), ESP_OK);
    assert_true(system_up_wait(&handled, before + 1, 1000));
    assert_int_equal(watchdog_register_service(id, &critical), ESP_OK);
    assert_int_equal(system_service_heartbeat(id), ESP_OK);
    assert_int_equal(quota_set(id, &tight), ESP_OK);
    esp_err_t ret = ESP_OK;
    for (int i = 0; i < 100 && ret == ESP_OK; i++) {
        ret = system_event_post(id, type, NULL, 0, SYSTEM_EVENT_PRIORITY_NORMAL);
    }
    assert_int_equal(ret, ESP_ERR_QUOTA_EVENTS_EXCEEDED);
    assert_non_null(system_mem_alloc(id, 100, MEMORY_PURPOSE_GENERAL));
    assert_int_equal(system_event_post_every(id, type, NULL, 0, 200, 5, NULL), ESP_OK);
    assert_int_equal(system_request_serve(id, type, serve, NULL), ESP_OK);
    return id;
}

static void the_new_owner_starts_with_nothing(system_service_id_t id)
{
    service_watchdog_stats_t watchdog;
    handler_stats_t handlers;
    system_service_info_t info;
    service_quota_t quota;
    quota_usage_t usage;
    memory_usage_t memory;

    assert_int_equal(quota_get(id, &quota), ESP_OK);
    assert_int_equal(quota.max_events_per_sec, CONFIG_SYSTEM_QUOTA_EVENTS_PER_SEC);
    assert_int_equal(quota.max_event_data_size, CONFIG_SYSTEM_QUOTA_EVENT_DATA_SIZE);
    assert_int_equal(quota_get_usage(id, &usage), ESP_OK);
    assert_int_equal(usage.events_posted, 0);
    assert_int_equal(usage.subscriptions, 0);
    assert_int_equal(usage.memory_bytes, 0);
    assert_int_equal(usage.memory_peak, 0);
    assert_int_equal(usage.violations[QUOTA_EVENTS], 0);
    assert_int_equal(memory_get_usage(id, &memory), ESP_OK);
    assert_int_equal(memory.bytes + memory.plain_bytes + memory.charged, 0);
    assert_int_equal(watchdog_get_stats(id, &watchdog), ESP_ERR_WATCHDOG_NOT_REGISTERED);
    assert_int_equal(handler_monitor_get(id, &handlers), ESP_OK);
    assert_int_equal(handlers.calls, 0);
    assert_int_equal(system_service_get_info(id, &info), ESP_OK);
    assert_false(info.is_critical);
    assert_int_equal(info.state, SYSTEM_SERVICE_STATE_REGISTERED);
    assert_int_equal(info.subscriptions, 0);
    assert_int_equal(info.events_handled, 0);
    assert_true(info.last_heartbeat_us == 0);
}

#define STALE(call) assert_int_equal(call, ESP_ERR_SERVICE_STALE_ID)

static void the_old_id_is_refused(system_service_id_t old, system_event_type_t type)
{
    static const service_watchdog_config_t watchdog = {0};
    static const service_quota_t quota = {0};
    union {
        system_service_info_t info;
        system_service_state_t state;
        service_quota_t quota;
        quota_usage_t usage;
        service_watchdog_stats_t watchdog;
        handler_stats_t handlers;
        memory_usage_t memory;
        system_service_id_t ids[1];
        service_dependency_t needs[1];
        void *loan;
    } out;
    uint32_t number;
    size_t room = 1;

    STALE(system_event_post(old, type, NULL, 0, 200));
    STALE(system_event_post_from_isr(old, type, NULL, 0, 200, NULL));
    STALE(system_event_loan(old, 10, &out.loan));
    STALE(system_event_subscribe(old, type, on_event, NULL));
    STALE(system_event_subscribe_pattern(old, "*", on_event, NULL, NULL, NULL));
    STALE(system_event_unsubscribe_type(old, type, NULL));
    STALE(system_event_post_after(old, type, NULL, 0, 200, 1, NULL));
    STALE(system_service_set_state(old, SYSTEM_SERVICE_STATE_RUNNING));
    STALE(system_service_get_state(old, &out.state));
    STALE(system_service_get_info(old, &out.info));
    STALE(system_service_heartbeat(old));
    STALE(system_service_attach_task(old));
    STALE(system_service_start(old));
    STALE(system_service_stop(old));
    STALE(system_service_restart(old));
    STALE(system_service_report_fault(old, ESP_FAIL));
    STALE(system_service_unregister(old));
    STALE(watchdog_register_service(old, &watchdog));
    STALE(watchdog_unregister_service(old));
    STALE(watchdog_enable_service(old, false));
    STALE(watchdog_get_stats(old, &out.watchdog));
    STALE(quota_set(old, &quota));
    STALE(quota_get(old, &out.quota));
    STALE(quota_get_usage(old, &out.usage));
    STALE(quota_reset_violations(old));
    STALE(handler_monitor_get(old, &out.handlers));
    STALE(memory_get_usage(old, &out.memory));
    STALE(heap_monitor_get_failures(old, &number));
    STALE(log_control_add_tag(old, "old_tag"));
    STALE(dependencies_list(old, out.needs, &room));
    STALE(dependencies_list_dependants(old, out.ids, &room));
    STALE(system_request_serve(old, type, serve, NULL));
    STALE(system_request_unserve(old, type));
    STALE(system_request_sync(old, SYSTEM_SERVICE_ID_NONE, type, NULL, 0, 200, NULL, NULL, 10));
    assert_null(system_mem_alloc(old, 10, MEMORY_PURPOSE_GENERAL));
}

static void a_slot_changes_hands_with_nothing_in_it(void **state)
{
    (void)state;
    const system_secure_key_t key = system_up();
    const system_event_type_t type = system_up_type("test.event");
    const system_service_id_t old = live_a_life(type);
    system_service_id_t id = SYSTEM_SERVICE_ID_NONE;
    char name[16];
    int lives = 0;

    assert_int_equal(system_service_unregister(old), ESP_OK);
    const uint32_t handled_then = handled;
    do { // until the slot is given away again
        if (lives > 0) {
            assert_int_equal(system_service_unregister(id), ESP_OK);
        }
        snprintf(name, sizeof(name), "new%d", lives);
        assert_int_equal(system_service_register(name, NULL, &id), ESP_OK);
    } while (SLOT(id) != SLOT(old) && ++lives < 100);
    assert_int_equal(SLOT(id), SLOT(old));
    assert_int_not_equal(id, old);
    the_new_owner_starts_with_nothing(id);
    the_old_id_is_refused(old, type);
    the_new_owner_starts_with_nothing(id); // nothing of that reached it
    vTaskDelay(pdMS_TO_TICKS(50));         // the old one's timer would fire
    assert_int_equal(handled, handled_then);
    system_down(key);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slot_changes_hands_with_nothing_in_it),
    };
    return KTEST_MAIN(argc, argv, tests);
}
