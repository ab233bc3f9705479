// SPDX-License-Identifier: Apache-2.0
/*
 * What the supervisor and the watchdog promise call by call; stories are in tests/scenario.
 */
#include <string.h>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "event_internal.h"
#include "ktest.h"
#include "scripted_service.h"
#include "system_service/memory_pool.h"
#include "system_service/memory_utils.h"
#include "system_up.h"

static system_secure_key_t key;
static system_service_id_t poster;
static scripted_t a, b;
static _Atomic esp_err_t from_inside;
static _Atomic uint32_t asked;

static int setup(void **state)
{
    (void)state;
    key = system_up();
    poster = system_up_service("poster");
    (void)observer_start();
    atomic_store(&asked, 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    system_down(key);
    return 0;
}

static void starting_and_stopping_twice_is_fine(void **state)
{
    (void)state;
    scripted_prepare(&a, "a", NULL);
    scripted_register(&a);
    assert_true(observer_wait(SYSTEM_EVENT_SERVICE_REGISTERED, "a", 1, 1000));
    assert_int_equal(system_service_start(a.id), ESP_OK);
    assert_int_equal(system_service_start(a.id), ESP_OK);
    assert_int_equal(atomic_load(&a.calls[SCRIPTED_START]), 1);
    assert_int_equal(scripted_info(a.id).state, SYSTEM_SERVICE_STATE_RUNNING);
    assert_int_equal(system_service_stop(a.id), ESP_OK);
    assert_int_equal(system_service_stop(a.id), ESP_OK);
    assert_int_equal(atomic_load(&a.calls[SCRIPTED_STOP]), 1);
    assert_int_equal(atomic_load(&a.calls[SCRIPTED_DEINIT]), 1);
    assert_int_equal(scripted_info(a.id).state, SYSTEM_SERVICE_STATE_STOPPED);
    assert_int_equal(system_service_start(a.id), ESP_OK);
    assert_int_equal(atomic_load(&a.calls[SCRIPTED_INIT]), 2);
}

static void bad_ids_are_refused(void **state)
{
    (void)state;
    const system_service_id_t stale = poster + 256;
    service_watchdog_config_t config = SERVICE_WATCHDOG_CONFIG_DEFAULT();
    service_watchdog_stats_t stats;
    assert_int_equal(system_service_start(0), ESP_ERR_SERVICE_NOT_FOUND);
    assert_int_equal(system_service_start(stale), ESP_ERR_SERVICE_STALE_ID);
    assert_int_equal(system_service_start(poster), ESP_ERR_SERVICE_NOT_RESTARTABLE);
    assert_int_equal(system_service_stop(stale), ESP_ERR_SERVICE_STALE_ID);
    assert_int_equal(system_service_restart(stale), ESP_ERR_SERVICE_STALE_ID);
    assert_int_equal(system_service_restart(poster), ESP_ERR_SERVICE_NOT_RESTARTABLE);
    assert_int_equal(system_service_report_fault(stale, ESP_FAIL), ESP_ERR_SERVICE_STALE_ID);
    assert_int_equal(system_service_heartbeat(stale), ESP_ERR_SERVICE_STALE_ID);
    assert_int_equal(watchdog_register_service(stale, &config), ESP_ERR_SERVICE_STALE_ID);
    assert_int_equal(watchdog_register_service(poster, NULL), ESP_ERR_INVALID_ARG);
    config.timeout_ms = 9;
    assert_int_equal(watchdog_register_service(poster, &config), ESP_ERR_WATCHDOG_INVALID_TIMEOUT);
    config.timeout_ms = 3600001;
    assert_int_equal(watchdog_register_service(poster, &config), ESP_ERR_WATCHDOG_INVALID_TIMEOUT);
    assert_int_equal(watchdog_unregister_service(poster), ESP_ERR_WATCHDOG_NOT_REGISTERED);
    assert_int_equal(watchdog_enable_service(poster, true), ESP_ERR_WATCHDOG_NOT_REGISTERED);
    assert_int_equal(watchdog_get_stats(poster, &stats), ESP_ERR_WATCHDOG_NOT_REGISTERED);
    assert_int_equal(watchdog_get_stats(poster, NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(watchdog_get_totals(NULL), ESP_ERR_INVALID_ARG);
}

static void ask_from_a_handler(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
    atomic_store(&from_inside, system_service_stop_all());
    atomic_fetch_add(&asked, 1);
}

static esp_err_t ask_from_start(system_service_id_t id, void *arg)
{
    (void)arg;
    atomic_store(&from_inside, system_service_start(id));
    return ESP_OK;
}

static void waiting_calls_are_refused_from_the_inside(void **state)
{
    (void)state;
    static const system_service_descriptor_t inner = {.name = "inner",
                                                      .lifecycle = {.start = ask_from_start}};
    const system_event_type_t type = system_up_type("ask");
    system_service_id_t id;
    assert_int_equal(system_event_subscribe(poster, type, ask_from_a_handler, NULL), ESP_OK);
    assert_int_equal(system_event_post(poster, type, NULL, 0, 0), ESP_OK);
    assert_true(system_up_wait(&asked, 1, 1000));
    assert_int_equal(atomic_load(&from_inside), ESP_ERR_INVALID_STATE);
    assert_int_equal(system_service_register("inner", &inner, &id), ESP_OK);
    atomic_store(&from_inside, ESP_OK);
    assert_int_equal(system_service_start(id), ESP_OK);
    assert_int_equal(atomic_load(&from_inside), ESP_ERR_INVALID_STATE);
}

static void a_restart_by_request_counts_no_fault(void **state)
{
    (void)state;
    scripted_prepare(&a, "a", NULL);
    scripted_register(&a);
    assert_int_equal(system_service_restart(a.id), ESP_ERR_INVALID_STATE);
    assert_int_equal(system_service_start(a.id), ESP_OK);
    assert_int_equal(system_service_restart(a.id), ESP_OK);
    assert_true(observer_wait(SYSTEM_EVENT_SERVICE_RECOVERED, "a", 1, 5000));
    assert_int_equal(scripted_info(a.id).fault_count, 0);
    assert_int_equal(scripted_info(a.id).restart_count, 1);
    service_watchdog_stats_t stats;
    assert_int_equal(watchdog_get_stats(a.id, &stats), ESP_OK);
    assert_int_equal(stats.attempts_in_window, 0);
}

static void without_auto_restart_a_fault_is_the_end(void **state)
{
    (void)state;
    scripted_prepare(&a, "a", NULL);
    a.watchdog.auto_restart = false;
    scripted_register(&a);
    assert_int_equal(system_service_start(a.id), ESP_OK);
    assert_int_equal(system_service_report_fault(a.id, ESP_FAIL), ESP_OK);
    assert_true(scripted_wait_state(a.id, SYSTEM_SERVICE_STATE_ERROR, 5000));
    assert_int_equal(scripted_info(a.id).subscriptions, 0);
    assert_int_equal(scripted_info(a.id).last_error, ESP_FAIL);
    assert_int_equal(atomic_load(&a.calls[SCRIPTED_STOP]), 1);
    assert_int_equal(observer_count(SYSTEM_EVENT_SERVICE_RESTARTING, "a"), 0);
}

static void states_of_driven_services_are_not_to_be_set(void **state)
{
    (void)state;
    scripted_prepare(&a, "a", NULL);
    scripted_register(&a);
    assert_int_equal(system_service_set_state(a.id, SYSTEM_SERVICE_STATE_RUNNING),
                     ESP_ERR_SERVICE_INVALID_TRANSITION);
    assert_int_equal(system_service_set_state(poster, (system_service_state_t)99),
                     ESP_ERR_INVALID_ARG);
    assert_int_equal(system_service_set_state(poster, SYSTEM_SERVICE_STATE_RESTARTING),
                     ESP_ERR_SERVICE_INVALID_TRANSITION);
    assert_int_equal(system_service_set_state(poster, SYSTEM_SERVICE_STATE_RUNNING), ESP_OK);
    assert_true(observer_wait(SYSTEM_EVENT_SERVICE_STARTED, "poster", 1, 1000));
    assert_int_equal(system_service_set_state(poster + 256, SYSTEM_SERVICE_STATE_RUNNING),
                     ESP_ERR_SERVICE_STALE_ID);
}

static void supervisors_are_checked(void **state)
{
    (void)state;
    system_supervisor_t group = 0;
    system_supervisor_config_t config = {.name = "group"};
    assert_int_equal(system_supervisor_create(NULL, &group), ESP_ERR_INVALID_ARG);
    assert_int_equal(system_supervisor_create(&config, NULL), ESP_ERR_INVALID_ARG);
    config.parent = 1;
    assert_int_equal(system_supervisor_create(&config, &group), ESP_ERR_INVALID_ARG);
    config.parent = SYSTEM_SUPERVISOR_ROOT;
    config.max_restarts = 21;
    assert_int_equal(system_supervisor_create(&config, &group), ESP_ERR_INVALID_ARG);
    config.max_restarts = 0;
    assert_int_equal(system_supervisor_create(&config, &group), ESP_OK);
    assert_int_equal(system_supervisor_create(&config, &group), ESP_ERR_SERVICE_ALREADY_REGISTERED);
    assert_int_equal(system_supervisor_assign(poster, group), ESP_OK);
    assert_int_equal(system_supervisor_assign(poster, (system_supervisor_t)(group + 1)),
                     ESP_ERR_INVALID_ARG);
    assert_int_equal(system_supervisor_assign(poster + 256, group), ESP_ERR_SERVICE_STALE_ID);
    static const char *const names[] = {"g2", "g3", "g4", "g5"};
    for (unsigned i = 0; i < 4; i++) {
        config.name = names[i];
        assert_int_equal(system_supervisor_create(&config, &group),
                         i + 2 <= CONFIG_SYSTEM_MAX_SUPERVISORS ? ESP_OK
                                                                : ESP_ERR_SERVICE_TABLE_FULL);
    }
}

static void what_is_stopped_can_be_removed_and_its_name_used_again(void **state)
{
    (void)state;
    scripted_prepare(&a, "a", NULL);
    scripted_register(&a);
    assert_int_equal(system_service_start(a.id), ESP_OK);
    const system_service_id_t old = a.id;
    assert_int_equal(system_service_unregister(a.id), ESP_OK);
    assert_int_equal(atomic_load(&a.calls[SCRIPTED_STOP]), 1);
    assert_int_equal(system_service_start(old), ESP_ERR_SERVICE_STALE_ID);
    scripted_prepare(&b, "a", NULL);
    scripted_register(&b);
    assert_int_not_equal(b.id, old);
    assert_int_equal(system_service_start(b.id), ESP_OK);
}

static void an_idle_system_sleeps(void **state)
{
    (void)state;
    if (host_sched() != HOST_SCHED_SIM) {
        skip();
    }
    scripted_prepare(&a, "a", NULL);
    scripted_register(&a);
    assert_int_equal(system_service_start(a.id), ESP_OK);
    vTaskDelay(pdMS_TO_TICKS(2000));
    /* Its watchdog of 30 s sends a ping each third of it; nothing else may happen for 5 s. */
    const uint64_t before = host_switches();
    vTaskDelay(pdMS_TO_TICKS(5000));
    assert_true(host_switches() - before <= 4);
}

static void unheard(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
}

static void a_refusal_is_reported_though_nothing_runs(void **state)
{
    (void)state;
    const service_quota_t quota = {.max_events_per_sec = 1};
    const system_event_type_t type = system_up_type("unheard");
    assert_int_equal(quota_set(poster, &quota), ESP_OK);
    vTaskDelay(pdMS_TO_TICKS(200)); /* the supervisor rests */
    for (int i = 0; i < 20; i++) {
        (void)system_event_post(poster, type, NULL, 0, SYSTEM_EVENT_PRIORITY_NORMAL);
    }
    assert_true(observer_wait(SYSTEM_EVENT_QUOTA_VIOLATION, NULL, 1, 2000));
    assert_int_equal(observer_count(SYSTEM_EVENT_QUOTA_VIOLATION, NULL), 1);
}

static void subscribe_too_often(void)
{
    assert_int_equal(system_event_subscribe(poster, system_up_type("one"), unheard, NULL), ESP_OK);
    assert_int_equal(system_event_subscribe(poster, system_up_type("two"), unheard, NULL),
                     ESP_ERR_QUOTA_SUBS_EXCEEDED);
}

static void take_too_much(void)
{
    assert_int_equal(system_service_attach_task(poster), ESP_OK);
    assert_null(memory_alloc(2000, MEMORY_PURPOSE_GENERAL));
    assert_int_equal(system_service_detach_task(), ESP_OK);
}

static void take_too_large_a_block(void)
{
    assert_int_equal(system_service_attach_task(poster), ESP_OK);
    assert_null(memory_pool_alloc(2000));
    assert_int_equal(system_service_detach_task(), ESP_OK);
}

static void borrow_too_much(void)
{
    void *payload;
    assert_int_equal(system_event_loan(poster, 2000, &payload), ESP_ERR_QUOTA_MEMORY_EXCEEDED);
}

/** Counted where it happens, and looked at by a supervisor that has nothing else to do. */
static void each_refusal_is_reported_though_nothing_runs(void **state)
{
    (void)state;
    static void (*const offences[])(void) = {subscribe_too_often, take_too_much,
                                             take_too_large_a_block, borrow_too_much};
    const service_quota_t quota = {
        .max_subscriptions = 1, .max_memory_bytes = 1000, .max_event_data_size = 4096};
    assert_int_equal(quota_set(poster, &quota), ESP_OK);
    for (unsigned n = 0; n < sizeof(offences) / sizeof(offences[0]); n++) {
        vTaskDelay(pdMS_TO_TICKS(CONFIG_SYSTEM_QUOTA_VIOLATION_WINDOW_MS + 500)); /* it rests */
        offences[n]();
        assert_true(observer_wait(SYSTEM_EVENT_QUOTA_VIOLATION, NULL, n + 1, 2000));
    }
}

static _Atomic uint32_t s_depth, s_refusals;

/** Each call that is refused lets go of what protects a call: else its task could not be ended. */
static void asks_for_too_much(const system_event_t *event, void *user_data)
{
    (void)user_data;
    KTEST_CHECK(event->type == a.work);
    s_refusals += memory_pool_alloc(2048) == NULL;
    s_refusals += memory_alloc(2048, MEMORY_PURPOSE_GENERAL) == NULL;
    s_refusals += system_event_post(a.id, a.work + 1000, NULL, 0, 200) != ESP_OK;
    s_depth += system_identity()->depth;
    atomic_fetch_add(&asked, 1);
}

static esp_err_t start_greedy(system_service_id_t id, void *arg)
{
    (void)arg;
    return system_event_subscribe(id, a.work, asks_for_too_much, NULL);
}

static void a_refused_call_leaves_no_trace(void **state)
{
    (void)state;
    scripted_prepare(&a, "a", NULL);
    a.descriptor.lifecycle = (system_service_lifecycle_t){.start = start_greedy};
    a.quota.max_memory_bytes = 1024;
    scripted_register(&a);
    assert_int_equal(system_service_start(a.id), ESP_OK);
    s_depth = s_refusals = 0;
    assert_int_equal(scripted_post(&a, poster), ESP_OK);
    assert_true(system_up_wait(&asked, 1, 1000));
    assert_int_equal(s_refusals, 3);
    assert_int_equal(s_depth, 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        CASE(starting_and_stopping_twice_is_fine),
        CASE(bad_ids_are_refused),
        CASE(waiting_calls_are_refused_from_the_inside),
        CASE(a_restart_by_request_counts_no_fault),
        CASE(without_auto_restart_a_fault_is_the_end),
        CASE(states_of_driven_services_are_not_to_be_set),
        CASE(supervisors_are_checked),
        CASE(an_idle_system_sleeps),
        CASE(a_refused_call_leaves_no_trace),
        CASE(a_refusal_is_reported_though_nothing_runs),
        CASE(each_refusal_is_reported_though_nothing_runs),
        CASE(what_is_stopped_can_be_removed_and_its_name_used_again),
    };
    return KTEST_MAIN(argc, argv, tests);
}
