// SPDX-License-Identifier: Apache-2.0
/*
 * Whoever posts may be kept from its core between its event and the wake-up that follows, by a
 * handler that spins there until it is found to hang. Others are not to wait as long: the next
 * event wakes a private worker, and the supervisor's ping wakes any, so that silence is not blamed
 * on whom the wake-up was for.
 */
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "caught_calls.h"
#include "event_internal.h"
#include "event_worker_internal.h"
#include "ktest.h"
#include "scripted_service.h"
#include "service_record.h"
#include "system_up.h"

static scripted_t s_service;
static _Atomic bool s_swallows; // the next notification of a worker
static system_service_id_t s_poster;
static unsigned s_slot;

/** The linker gives all calls to this. */
BaseType_t __wrap_xTaskGenericNotify(TaskHandle_t task, UBaseType_t index, uint32_t value,
                                     eNotifyAction action, uint32_t *previous)
{
    for (unsigned n = 0; n < WORKERS; n++) {
        if (atomic_load(&event_workers[n].task) == task) {
            KTEST_CHECK(
                !xPortCanYield()); // it took the worker out of the idle ones at once with it
            if (atomic_exchange(&s_swallows, false)) {
                return pdPASS;
            }
        }
    }
    return __real_xTaskGenericNotify(task, index, value, action, previous);
}

/** Who is awake is not to be woken. */
static void until_workers_sleep(void)
{
    vTaskDelay(pdMS_TO_TICKS(20));
    for (unsigned n = 0; n < WORKERS; n++) {
        const TaskHandle_t task = atomic_load(&event_workers[n].task);
        while (task != NULL && eTaskGetState(task) != eBlocked) {
            vTaskDelay(1);
        }
    }
}

static system_secure_key_t up(bool own_worker)
{
    const system_secure_key_t key = system_up();
    s_poster = system_up_service("poster");
    scripted_prepare(&s_service, "subject", NULL);
    s_service.descriptor.own_worker = own_worker;
    scripted_register(&s_service);
    assert_int_equal(system_service_start_all(), ESP_OK);
    s_slot = system_id_slot(s_service.id);
    until_workers_sleep();
    return key;
}

/** An entry is put in; who did it is not on its core to wake anybody. */
static void put_and_fall_asleep(void)
{
    mailbox_t *mailbox = event_mailbox(s_slot);
    mailbox_wake_t never = {0};
    portENTER_CRITICAL(&mailbox->lock);
    KTEST_CHECK(mailbox->running == NULL && priority_queue_count(&mailbox->queue) == 0);
    KTEST_CHECK(priority_queue_push(&mailbox->queue, SYSTEM_EVENT_LANES - 2,
                                    (queue_entry_t){POOL_NONE, SUB_PING}));
    event_mailbox_release_locked(s_slot, &never); // marks it as ready, as a post does
    portEXIT_CRITICAL(&mailbox->lock);
    KTEST_CHECK(never.some);
    vTaskDelay(pdMS_TO_TICKS(20));
    KTEST_CHECK(event_mailbox_waiting(s_slot));
}

static void the_next_event_wakes_a_private_worker(void **state)
{
    (void)state;
    const system_secure_key_t key = up(true);
    put_and_fall_asleep();
    assert_int_equal(scripted_post(&s_service, s_poster), ESP_OK);
    assert_true(system_up_wait(&s_service.calls[SCRIPTED_HANDLER], 1, 1000));
    system_down(key);
}

static void a_ping_wakes(bool own_worker)
{
    const system_secure_key_t key = up(own_worker);
    put_and_fall_asleep();
    const uint32_t before = event_mailbox_answers(s_slot);
    assert_true(event_mailbox_ping(s_slot));
    for (int ms = 0; event_mailbox_answers(s_slot) != before + 2; ms++) {
        assert_true(ms < ktest_polls(1000));
        vTaskDelay(pdMS_TO_TICKS(1));
    }
    system_down(key);
}

static void a_ping_wakes_a_private_worker(void **state)
{
    (void)state;
    a_ping_wakes(true);
}

static void a_ping_wakes_a_shared_worker(void **state)
{
    (void)state;
    a_ping_wakes(false);
}

/** Who posts has taken a sleeping worker out of the idle ones, and comes no further. */
static void a_ping_wakes_who_is_about_to_be_woken(bool own_worker)
{
    const system_secure_key_t key = up(own_worker);
    atomic_store(&s_swallows, true);
    assert_int_equal(scripted_post(&s_service, s_poster), ESP_OK);
    vTaskDelay(pdMS_TO_TICKS(20));
    assert_false(atomic_load(&s_swallows));
    assert_true(event_mailbox_waiting(s_slot));
    assert_true(event_mailbox_ping(s_slot));
    assert_true(system_up_wait(&s_service.calls[SCRIPTED_HANDLER], 1, 1000));
    system_down(key);
}

static void a_ping_wakes_a_private_worker_about_to_be_woken(void **state)
{
    (void)state;
    a_ping_wakes_who_is_about_to_be_woken(true);
}

static void a_ping_wakes_a_shared_worker_about_to_be_woken(void **state)
{
    (void)state;
    a_ping_wakes_who_is_about_to_be_woken(false);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_next_event_wakes_a_private_worker),
        cmocka_unit_test(a_ping_wakes_a_private_worker),
        cmocka_unit_test(a_ping_wakes_a_shared_worker),
        cmocka_unit_test(a_ping_wakes_a_private_worker_about_to_be_woken),
        cmocka_unit_test(a_ping_wakes_a_shared_worker_about_to_be_woken),
    };
    return KTEST_MAIN(argc, argv, tests);
}
