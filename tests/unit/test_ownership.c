// SPDX-License-Identifier: Apache-2.0

// What one service may do to another, and how much of what all share one may take: identity comes
// from the code that runs, not from the id that is passed.

#include <stdatomic.h>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "ktest.h"
#include "scripted_service.h"
#include "system_service/app_manager.h"
#include "system_service/event_timer.h"
#include "system_service/request_response.h"
#include "system_up.h"

#define CASE(name) cmocka_unit_test_setup_teardown(name, boot, shut_down)

static system_secure_key_t key;
static system_service_id_t alice, bob;
static system_event_type_t call_type;
static scripted_t victim;

/** What a service is to do in its own handler. */
typedef struct {
    esp_err_t (*fn)(uint32_t arg);
    uint32_t arg;
    esp_err_t result;
    _Atomic uint32_t done;
} call_t;
static call_t the_call;

static void on_call(const system_event_t *event, void *user_data)
{
    (void)event;
    call_t *c = user_data;
    c->result = c->fn(c->arg);
    atomic_fetch_add(&c->done, 1);
}

static esp_err_t as(system_service_id_t who, esp_err_t (*fn)(uint32_t arg), uint32_t arg)
{
    the_call.fn = fn;
    the_call.arg = arg;
    atomic_store(&the_call.done, 0);
    assert_int_equal(system_event_subscribe(who, call_type, on_call, &the_call), ESP_OK);
    assert_int_equal(system_event_post(who, call_type, NULL, 0, SYSTEM_EVENT_PRIORITY_NORMAL),
                     ESP_OK);
    assert_true(system_up_wait(&the_call.done, 1, 5000));
    const esp_err_t ret = system_event_unsubscribe_type(who, call_type, on_call);
    assert_true(ret == ESP_OK || ret == ESP_ERR_EVENT_NOT_SUBSCRIBED); // restarted meanwhile
    return the_call.result;
}

static int boot(void **state)
{
    (void)state;
    key = system_up();
    alice = system_up_service("alice");
    bob = system_up_service("bob");
    call_type = system_up_type("test.call");
    scripted_prepare(&victim, "victim", NULL);
    scripted_register(&victim);
    assert_int_equal(system_service_start(victim.id), ESP_OK);
    return 0;
}

static int shut_down(void **state)
{
    (void)state;
    system_down(key);
    return 0;
}

/* ---- commanding services --------------------------------------------------------------------- */

static esp_err_t restart(uint32_t id)
{
    return system_service_restart(id);
}

static esp_err_t report(uint32_t id)
{
    return system_service_report_fault(id, ESP_ERR_SERVICE_CRASHED);
}

static void nobody_restarts_or_blames_another(void **state)
{
    (void)state;
    assert_int_equal(as(alice, restart, victim.id), ESP_ERR_NOT_OWNER);
    assert_int_equal(as(alice, report, victim.id), ESP_ERR_NOT_OWNER);
    vTaskDelay(pdMS_TO_TICKS(50));
    assert_int_equal(scripted_info(victim.id).state, SYSTEM_SERVICE_STATE_RUNNING);
    assert_int_equal(scripted_info(victim.id).fault_count, 0);
    assert_int_equal(as(victim.id, report, victim.id), ESP_OK); // itself it may
    for (int i = 0; scripted_info(victim.id).restart_count != 1; i++) {
        assert_true(i < ktest_polls(5000));
        vTaskDelay(1);
    }
    assert_int_equal(system_service_restart(victim.id), ESP_OK); // and so may firmware
}

static esp_err_t enter(uint32_t arg)
{
    (void)arg;
    return system_safe_mode_enter("a service wants it");
}

static esp_err_t leave(uint32_t arg)
{
    (void)arg;
    return system_safe_mode_leave();
}

static void safe_mode_is_not_for_everybody(void **state)
{
    (void)state;
    const service_watchdog_config_t critical = {.timeout_ms = 30000, .is_critical = true};
    assert_int_equal(as(alice, enter, 0), ESP_ERR_NOT_OWNER);
    assert_false(system_safe_mode_active());
    assert_int_equal(watchdog_register_service(alice, &critical), ESP_OK);
    assert_int_equal(as(alice, enter, 0), ESP_OK); // now it is one of those that stay
    assert_true(scripted_wait_state(victim.id, SYSTEM_SERVICE_STATE_STOPPED, 5000));
    assert_true(system_safe_mode_active());
    assert_int_equal(as(alice, leave, 0), ESP_OK);
    assert_true(scripted_wait_state(victim.id, SYSTEM_SERVICE_STATE_RUNNING, 5000));

    assert_int_equal(system_safe_mode_enter("firmware may"), ESP_OK);
    assert_int_equal(watchdog_unregister_service(alice), ESP_OK);
    assert_true(system_safe_mode_active());
    assert_int_equal(system_safe_mode_leave(), ESP_OK);
    assert_false(system_safe_mode_active());
}

static void an_app_leaves_safe_mode_alone(app_context_t *ctx)
{
    (void)ctx;
    assert_int_equal(system_safe_mode_enter("an app wants it"), ESP_ERR_NOT_OWNER);
    assert_int_equal(system_safe_mode_leave(), ESP_ERR_NOT_OWNER);
    atomic_fetch_add(&the_call.done, 1);
}

static void safe_mode_is_not_for_apps(void **state)
{
    (void)state;
    static const app_manifest_t app = {.name = "panicker",
                                       .version = "1.0.0",
                                       .author = "tests",
                                       .description = "wants to stop the others",
                                       .entry_point = an_app_leaves_safe_mode_alone,
                                       .stack_size = 4096,
                                       .priority = 5};
    atomic_store(&the_call.done, 0);
    assert_int_equal(app_manager_register(&app), ESP_OK);
    assert_int_equal(app_manager_start("panicker"), ESP_OK);
    assert_true(system_up_wait(&the_call.done, 1, 5000));
    assert_false(system_safe_mode_active());
}

/* ---- retained values ------------------------------------------------------------------------- */

static esp_err_t add_type(uint32_t arg)
{
    system_event_type_t type;
    (void)arg;
    return system_event_register_type("alice.state", &type);
}

static esp_err_t retain(uint32_t type)
{
    return system_event_set_retained((system_event_type_t)type, true);
}

static esp_err_t forget(uint32_t type)
{
    return system_event_set_retained((system_event_type_t)type, false);
}

static void a_retained_value_is_its_owners(void **state)
{
    (void)state;
    assert_int_equal(as(alice, add_type, 0), ESP_OK);
    const system_event_type_t type = system_up_type("alice.state"); // hers all the same
    const system_event_type_t firmwares = system_up_type("board.state");
    assert_int_equal(as(alice, retain, type), ESP_OK);
    assert_int_equal(as(bob, retain, type), ESP_ERR_NOT_OWNER);
    assert_int_equal(as(bob, forget, type), ESP_ERR_NOT_OWNER);
    assert_int_equal(system_event_set_retained(type, false), ESP_OK);
    assert_int_equal(as(alice, retain, type), ESP_OK);
    assert_int_equal(as(bob, retain, firmwares), ESP_OK);
    assert_int_equal(system_event_set_retained(type, true), ESP_OK); // firmware takes nothing over
    assert_int_equal(as(bob, forget, type), ESP_ERR_NOT_OWNER);
    assert_int_equal(as(alice, retain, type), ESP_OK);
    assert_int_equal(as(alice, forget, SYSTEM_EVENT_SYSTEM_READY), ESP_ERR_NOT_OWNER);
    assert_int_equal(system_service_unregister(alice), ESP_OK);
    assert_int_equal(as(bob, retain, type), ESP_OK); // nobody's any more
}

/** The display did not start when the input service, which only listens, had registered its focus.
 */
static void who_listens_first_does_not_own(void **state)
{
    (void)state;
    assert_int_equal(as(bob, add_type, 0), ESP_OK);
    const system_event_type_t type = system_up_type("alice.state");
    assert_int_equal(as(alice, retain, type), ESP_OK);
    assert_int_equal(as(bob, retain, type), ESP_ERR_NOT_OWNER);
    assert_int_equal(as(bob, forget, type), ESP_ERR_NOT_OWNER);
}

/* ---- timers ---------------------------------------------------------------------------------- */

static void one_owner_cannot_have_all_timers(void **state)
{
    (void)state;
    system_event_timer_t timer = 0;
    _Static_assert(2 * CONFIG_SYSTEM_MAX_EVENT_TIMERS_PER_OWNER <= CONFIG_SYSTEM_MAX_EVENT_TIMERS,
                   "there is room for both");
    for (int i = 0; i < CONFIG_SYSTEM_MAX_EVENT_TIMERS_PER_OWNER; i++) {
        assert_int_equal(system_event_post_after(alice, call_type, NULL, 0, 200, 60000, &timer),
                         ESP_OK);
    }
    assert_int_equal(system_event_post_after(alice, call_type, NULL, 0, 200, 60000, NULL),
                     ESP_ERR_EVENT_TIMERS_EXCEEDED);
    assert_int_equal(system_event_post_every(bob, call_type, NULL, 0, 200, 60000, NULL), ESP_OK);
    assert_int_equal(system_event_timer_cancel(alice, timer), ESP_OK);
    assert_int_equal(system_event_post_after(alice, call_type, NULL, 0, 200, 60000, NULL), ESP_OK);
}

/* ---- the true culprit ------------------------------------------------------------------------ */

static void slow_server(const system_request_t *request, void *user_data)
{
    (void)user_data;
    vTaskDelay(pdMS_TO_TICKS(CONFIG_SYSTEM_HANDLER_WARN_MS + 200));
    (void)system_request_respond(request->id, ESP_OK, NULL, 0);
}

static void a_slow_request_handler_is_named_itself(void **state)
{
    (void)state;
    observed_t seen;
    (void)observer_start();
    assert_int_equal(system_request_serve(alice, call_type, slow_server, NULL), ESP_OK);
    assert_int_equal(system_request_sync(bob, alice, call_type, NULL, 0,
                                         SYSTEM_EVENT_PRIORITY_NORMAL, NULL, NULL,
                                         ktest_patience_ms(5000)),
                     ESP_OK);
    assert_true(observer_wait(SYSTEM_EVENT_HANDLER_SLOW, "alice", 1, 1000));
    assert_true(observer_last(SYSTEM_EVENT_HANDLER_SLOW, "alice", &seen));
    assert_true(seen.slow.handler == (uintptr_t)slow_server);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        CASE(nobody_restarts_or_blames_another),
        CASE(safe_mode_is_not_for_everybody),
        CASE(safe_mode_is_not_for_apps),
        CASE(a_retained_value_is_its_owners),
        CASE(who_listens_first_does_not_own),
        CASE(one_owner_cannot_have_all_timers),
        CASE(a_slow_request_handler_is_named_itself),
    };
    return KTEST_MAIN(argc, argv, tests);
}
