// SPDX-License-Identifier: Apache-2.0

// Locks of services: taking, waiting, refusing, forgetting. Holders that are killed are in
// tests/scenario/locks_outlive_holders.c.

#include <stdatomic.h>
#include <string.h>

#include "freertos/FreeRTOS.h"
#include "freertos/semphr.h"
#include "freertos/task.h"

#include "ktest.h"
#include "service_record.h"
#include "system_lock_internal.h"
#include "system_service/system_lock.h"
#include "system_up.h"

#define CASE(name) cmocka_unit_test_setup_teardown(name, boot, shut_down)

static system_secure_key_t key;
static system_service_id_t alice, bob;
static system_lock_t lock, other;
static _Atomic uint32_t ended;

static int boot(void **state)
{
    (void)state;
    key = system_up();
    alice = system_up_service("alice");
    bob = system_up_service("bob");
    assert_int_equal(system_lock_create(alice, "alice.data", 0, &lock), ESP_OK);
    assert_int_equal(system_lock_create(bob, "bob.data", 0, &other), ESP_OK);
    atomic_store(&ended, 0);
    return 0;
}

static int shut_down(void **state)
{
    (void)state;
    system_down(key);
    return 0;
}

static system_lock_info_t info_of(system_lock_t id)
{
    system_lock_info_t info;
    KTEST_CHECK(system_lock_get_info(id, &info) == ESP_OK);
    return info;
}

/* ---- tasks that act for a service ------------------------------------------------------------ */

/** A task attached to a service; does what it is told, one order after the other. */
typedef struct {
    system_service_id_t id;
    SemaphoreHandle_t order, done;
    esp_err_t (*fn)(system_lock_t lock, uint32_t timeout_ms);
    system_lock_t lock;
    uint32_t timeout_ms;
    esp_err_t result;
    TaskHandle_t task;
    bool quit;
} actor_t;

static void actor_main(void *arg)
{
    actor_t *actor = arg;
    KTEST_CHECK(system_service_attach_task(actor->id) == ESP_OK);
    for (;;) {
        KTEST_CHECK(xSemaphoreTake(actor->order, portMAX_DELAY) == pdTRUE);
        if (actor->quit) {
            break;
        }
        actor->result = actor->fn(actor->lock, actor->timeout_ms);
        (void)xSemaphoreGive(actor->done);
    }
    KTEST_CHECK(system_service_detach_task() == ESP_OK);
    atomic_fetch_add(&ended, 1);
    vTaskSuspend(NULL);
}

static actor_t actor(system_service_id_t id)
{
    return (actor_t){.id = id, .order = xSemaphoreCreateBinary(), .done = xSemaphoreCreateBinary()};
}

static void begin(actor_t *who, UBaseType_t priority)
{
    KTEST_CHECK(xTaskCreate(actor_main, "actor", 4096, who, priority, &who->task) == pdPASS);
}

static void tell(actor_t *who, esp_err_t (*fn)(system_lock_t, uint32_t), system_lock_t id,
                 uint32_t timeout_ms)
{
    who->fn = fn;
    who->lock = id;
    who->timeout_ms = timeout_ms;
    (void)xSemaphoreGive(who->order);
}

static esp_err_t answer(actor_t *who)
{
    assert_int_equal(xSemaphoreTake(who->done, pdMS_TO_TICKS(ktest_patience_ms(5000))), pdTRUE);
    return who->result;
}

static esp_err_t give(system_lock_t id, uint32_t ignored)
{
    (void)ignored;
    return system_lock_give(id);
}

static esp_err_t mend(system_lock_t id, uint32_t ignored)
{
    (void)ignored;
    return system_lock_mend(id);
}

static esp_err_t priority_is(system_lock_t id, uint32_t wanted)
{
    (void)id;
    return uxTaskPriorityGet(NULL) == wanted ? ESP_OK : ESP_FAIL;
}

static esp_err_t order(actor_t *who, esp_err_t (*fn)(system_lock_t, uint32_t), system_lock_t id,
                       uint32_t timeout_ms)
{
    tell(who, fn, id, timeout_ms);
    return answer(who);
}

static void end(actor_t *who)
{
    const uint32_t before = atomic_load(&ended);
    who->quit = true;
    (void)xSemaphoreGive(who->order);
    assert_true(system_up_wait(&ended, before + 1, 5000));
    while (eTaskGetState(who->task) != eSuspended) {
        vTaskDelay(1);
    }
    vTaskDelete(who->task);
    vSemaphoreDelete(who->order);
    vSemaphoreDelete(who->done);
}

/** Until so many wait. */
static void await_waiting(system_lock_t id, uint32_t n)
{
    for (int i = 0; info_of(id).waiting != n; i++) {
        assert_true(i < ktest_polls(5000));
        vTaskDelay(1);
    }
}

/* ---- cases ----------------------------------------------------------------------------------- */

static void arguments_are_checked(void **state)
{
    (void)state;
    system_lock_t id;
    system_lock_info_t info;
    assert_int_equal(system_lock_create(alice, NULL, 0, &id), ESP_ERR_INVALID_ARG);
    assert_int_equal(system_lock_create(alice, "a b", 0, &id), ESP_ERR_INVALID_ARG);
    assert_int_equal(system_lock_create(alice, "", 0, &id), ESP_ERR_INVALID_ARG);
    assert_int_equal(system_lock_create(alice, "x", 0, NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(system_lock_create(alice, "x", CONFIG_SYSTEM_EXPRESS_PRIORITY + 1, &id),
                     ESP_ERR_INVALID_ARG);
    assert_int_equal(system_lock_create(alice + 0x100, "x", 0, &id), ESP_ERR_SERVICE_STALE_ID);
    assert_int_equal(system_lock_create(bob, "alice.data", 0, &id), ESP_ERR_NOT_OWNER);
    assert_int_equal(system_lock_create(alice, "alice.data", 0, &id), ESP_OK);
    assert_int_equal(id, lock); // one's own, as after a restart
    assert_int_equal(system_lock_find("bob.data", &id), ESP_OK);
    assert_int_equal(id, other);
    assert_int_equal(system_lock_find("nobody.data", &id), ESP_ERR_LOCK_NOT_FOUND);
    assert_int_equal(system_lock_take(lock, 0), ESP_ERR_NOT_OWNER); // firmware
    assert_int_equal(system_lock_give(lock), ESP_ERR_LOCK_NOT_HELD);
    assert_int_equal(system_lock_mend(lock), ESP_ERR_LOCK_NOT_HELD);
    assert_int_equal(system_lock_give(SYSTEM_LOCK_NONE), ESP_ERR_LOCK_NOT_FOUND);
    assert_int_equal(system_lock_get_info(lock, NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(system_lock_get_info(lock + 0x100, &info), ESP_ERR_LOCK_NOT_FOUND);
}

static void the_table_is_bounded(void **state)
{
    (void)state;
    system_lock_t id;
    char name[] = "x0";
    for (int i = 2; i < CONFIG_SYSTEM_MAX_LOCKS; i++, name[1]++) {
        assert_int_equal(system_lock_create(alice, name, 0, &id), ESP_OK);
    }
    assert_int_equal(system_lock_create(alice, name, 0, &id), ESP_ERR_LOCKS_FULL);
    assert_int_equal(system_service_unregister(alice), ESP_OK);
    assert_int_equal(system_lock_create(bob, name, 0, &id), ESP_OK);
    assert_int_equal(system_lock_give(lock), ESP_ERR_LOCK_NOT_FOUND); // hers are gone
}

static void one_holds_it_and_others_wait(void **state)
{
    (void)state;
    actor_t a = actor(alice);
    actor_t b = actor(bob);
    system_service_info_t service;
    begin(&a, 3);
    begin(&b, 3);
    assert_int_equal(order(&a, system_lock_take, lock, 0), ESP_OK);
    assert_int_equal(info_of(lock).holder, alice);
    assert_int_equal(system_service_get_info(alice, &service), ESP_OK);
    assert_int_equal(service.locks_held, 1);
    assert_int_equal(order(&b, system_lock_take, lock, 0), ESP_ERR_TIMEOUT);
    assert_int_equal(order(&b, system_lock_take, lock, 20), ESP_ERR_TIMEOUT);
    assert_int_equal(order(&b, give, lock, 0), ESP_ERR_LOCK_NOT_HELD);
    tell(&b, system_lock_take, lock, SYSTEM_LOCK_WAIT_FOREVER);
    await_waiting(lock, 1);
    assert_int_equal(order(&a, give, lock, 0), ESP_OK);
    assert_int_equal(answer(&b), ESP_OK);
    assert_int_equal(info_of(lock).holder, bob);
    assert_int_equal(order(&b, mend, lock, 0), ESP_OK);
    assert_int_equal(order(&b, give, lock, 0), ESP_OK);
    const system_lock_info_t info = info_of(lock);
    assert_int_equal(info.holder, SYSTEM_SERVICE_ID_NONE);
    assert_int_equal(info.taken, 2);
    assert_int_equal(info.waited, 2);
    assert_int_equal(info.deaths, 0);
    end(&a);
    end(&b);
}

static void the_most_urgent_is_next(void **state)
{
    (void)state;
    static const uint8_t priorities[] = {2, 5, 2, 4};
    static const uint8_t expected[] = {1, 3, 0, 2};
    actor_t holder = actor(alice);
    actor_t waiting[4];
    begin(&holder, 3);
    assert_int_equal(order(&holder, system_lock_take, lock, 0), ESP_OK);
    for (unsigned i = 0; i < 4; i++) {
        waiting[i] = actor(bob);
        begin(&waiting[i], priorities[i]);
        tell(&waiting[i], system_lock_take, lock, 5000);
        await_waiting(lock, i + 1);
    }
    assert_int_equal(order(&holder, give, lock, 0), ESP_OK);
    for (unsigned i = 0; i < 4; i++) {
        actor_t *next = &waiting[expected[i]];
        assert_int_equal(answer(next), ESP_OK);
        assert_int_equal(info_of(lock).waiting, 3 - i);
        assert_int_equal(order(next, give, lock, 0), ESP_OK);
    }
    end(&holder);
    for (unsigned i = 0; i < 4; i++) {
        end(&waiting[i]);
    }
}

static void who_waits_for_the_dead_is_woken(void **state)
{
    (void)state;
    actor_t holder = actor(alice);
    actor_t waiting = actor(bob);
    begin(&holder, 3);
    begin(&waiting, 3);
    assert_int_equal(order(&holder, system_lock_take, lock, 0), ESP_OK);
    tell(&waiting, system_lock_take, lock, SYSTEM_LOCK_WAIT_FOREVER);
    await_waiting(lock, 1);
    vTaskDelete(holder.task);
    assert_int_equal(answer(&waiting), ESP_ERR_LOCK_OWNER_DEAD);
    assert_int_equal(order(&waiting, mend, lock, 0), ESP_OK);
    assert_int_equal(order(&waiting, give, lock, 0), ESP_OK);
    end(&waiting);
    vTaskDelay(2); /* it is gone */
    vSemaphoreDelete(holder.order);
    vSemaphoreDelete(holder.done);
}

static void holders_run_at_the_ceiling(void **state)
{
    (void)state;
    system_lock_t high;
    actor_t a = actor(alice);
    assert_int_equal(system_lock_create(alice, "alice.high", CONFIG_SYSTEM_EXPRESS_PRIORITY, &high),
                     ESP_OK);
    begin(&a, 3);
    assert_int_equal(order(&a, system_lock_take, lock, 0), ESP_OK);
    assert_int_equal(order(&a, priority_is, lock, CONFIG_SYSTEM_WORKER_PRIORITY), ESP_OK);
    assert_int_equal(order(&a, system_lock_take, high, 0), ESP_OK);
    assert_int_equal(order(&a, priority_is, lock, CONFIG_SYSTEM_EXPRESS_PRIORITY), ESP_OK);
    assert_int_equal(order(&a, give, lock, 0), ESP_OK); // in whichever order
    assert_int_equal(order(&a, priority_is, lock, CONFIG_SYSTEM_EXPRESS_PRIORITY), ESP_OK);
    assert_int_equal(order(&a, give, high, 0), ESP_OK);
    assert_int_equal(order(&a, priority_is, lock, 3), ESP_OK);
    assert_int_equal(order(&a, system_lock_take, lock + 0x100, 0), ESP_ERR_LOCK_NOT_FOUND);
    assert_int_equal(order(&a, priority_is, lock, 3), ESP_OK);
    end(&a);
}

static void a_deadlock_is_refused(void **state)
{
    (void)state;
    actor_t a = actor(alice);
    actor_t b = actor(bob);
    begin(&a, 3);
    begin(&b, 3);
    assert_int_equal(order(&a, system_lock_take, lock, 0), ESP_OK);
    assert_int_equal(order(&a, system_lock_take, lock, 100), ESP_ERR_SYSTEM_WOULD_DEADLOCK);
    assert_int_equal(order(&b, system_lock_take, other, 0), ESP_OK);
    tell(&a, system_lock_take, other, 5000);
    await_waiting(other, 1);
    assert_int_equal(order(&b, system_lock_take, lock, 5000), ESP_ERR_SYSTEM_WOULD_DEADLOCK);
    assert_int_equal(order(&b, give, other, 0), ESP_OK);
    assert_int_equal(answer(&a), ESP_OK);
    assert_int_equal(order(&a, give, other, 0), ESP_OK);
    assert_int_equal(order(&a, give, lock, 0), ESP_OK);
    end(&a);
    end(&b);
}

static void on_event(const system_event_t *event, void *user_data)
{
    (void)event;
    KTEST_CHECK(system_lock_take(lock, 0) == ESP_OK);
    atomic_fetch_add((_Atomic uint32_t *)user_data, 1);
}

static void what_a_handler_forgets_is_to_be_mended(void **state)
{
    (void)state;
    static _Atomic uint32_t handled;
    actor_t b = actor(bob);
    const system_event_type_t type = system_up_type("alice.event");
    atomic_store(&handled, 0);
    assert_int_equal(system_event_subscribe(alice, type, on_event, (void *)&handled), ESP_OK);
    assert_int_equal(system_event_post(alice, type, NULL, 0, SYSTEM_EVENT_PRIORITY_HIGH), ESP_OK);
    assert_true(system_up_wait(&handled, 1, 5000));
    begin(&b, 3);
    assert_int_equal(order(&b, system_lock_take, lock, 5000), ESP_ERR_LOCK_OWNER_DEAD);
    assert_true(info_of(lock).mend);
    assert_int_equal(order(&b, give, lock, 0), ESP_OK); // not mended: the next is told, too
    assert_int_equal(order(&b, system_lock_take, lock, 0), ESP_ERR_LOCK_OWNER_DEAD);
    assert_int_equal(order(&b, mend, lock, 0), ESP_OK);
    assert_int_equal(order(&b, give, lock, 0), ESP_OK);
    assert_int_equal(order(&b, system_lock_take, lock, 0), ESP_OK);
    assert_int_equal(info_of(lock).deaths, 1);
    end(&b); // and detached with it in its hands
    assert_int_equal(info_of(lock).deaths, 2);
    assert_int_equal(info_of(lock).holder, SYSTEM_SERVICE_ID_NONE);
}

static void a_lock_goes_with_its_owner(void **state)
{
    (void)state;
    actor_t a = actor(bob);
    actor_t b = actor(bob);
    begin(&a, 3);
    begin(&b, 3);
    assert_int_equal(order(&a, system_lock_take, lock, 0), ESP_OK);
    tell(&b, system_lock_take, lock, SYSTEM_LOCK_WAIT_FOREVER);
    await_waiting(lock, 1);
    assert_int_equal(system_service_unregister(alice), ESP_OK);
    assert_int_equal(answer(&b), ESP_ERR_LOCK_NOT_FOUND);
    assert_int_equal(order(&b, system_lock_take, lock, 100), ESP_ERR_LOCK_NOT_FOUND);
    assert_int_equal(order(&a, give, lock, 0), ESP_OK); // what it holds it can give
    assert_int_equal(order(&a, give, lock, 0), ESP_ERR_LOCK_NOT_FOUND);
    assert_int_equal(order(&a, priority_is, lock, 3), ESP_OK);
    end(&a);
    end(&b);
}

/** As the supervisor does when it cannot end the task of a holder. */
static void who_waits_for_the_lost_is_woken(void **state)
{
    (void)state;
    actor_t holder = actor(alice);
    actor_t waiter = actor(bob);
    begin(&holder, 3);
    begin(&waiter, 3);
    assert_int_equal(order(&holder, system_lock_take, lock, 0), ESP_OK);
    tell(&waiter, system_lock_take, lock, SYSTEM_LOCK_WAIT_FOREVER);
    await_waiting(lock, 1);
    system_locks_reclaim(system_id_slot(alice));
    assert_int_equal(answer(&waiter), ESP_ERR_SYSTEM_LOCK_LOST);
    assert_int_equal(order(&waiter, system_lock_take, lock, 100), ESP_ERR_SYSTEM_LOCK_LOST);
    assert_int_equal(order(&holder, give, lock, 0), ESP_OK); // it came back after all
    end(&holder);
    end(&waiter);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        CASE(arguments_are_checked),           CASE(the_table_is_bounded),
        CASE(one_holds_it_and_others_wait),    CASE(the_most_urgent_is_next),
        CASE(who_waits_for_the_dead_is_woken), CASE(holders_run_at_the_ceiling),
        CASE(a_deadlock_is_refused),           CASE(what_a_handler_forgets_is_to_be_mended),
        CASE(a_lock_goes_with_its_owner),      CASE(who_waits_for_the_lost_is_woken),
    };
    return KTEST_MAIN(argc, argv, tests);
}
