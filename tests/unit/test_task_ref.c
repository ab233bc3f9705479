// SPDX-License-Identifier: Apache-2.0
/*
 * A task is deleted by somebody else between the look whether it is there and the call on it. The
 * linker gives the calls on it to functions that take their time before they go on, so that the
 * deletion is sure to come then.
 */
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "caught_calls.h"
#include "host_control.h"
#include "ktest.h"
#include "task_ref.h"

#define INDEX CONFIG_SYSTEM_TLS_INDEX

static task_ref_t s_ref;
static TaskHandle_t s_victim;
static _Atomic uint32_t s_armed, s_struck, s_told;

static void window(TaskHandle_t task)
{
    uint32_t armed = 1;
    if (task == s_victim && atomic_compare_exchange_strong(&s_armed, &armed, 2)) {
        for (unsigned n = 0; n < 600000 && atomic_load(&s_struck) == 0; n++) {
            host_busy(100); // on the other core somebody sees the 2
        }
        host_busy(1000); // and deletes
        KTEST_CHECK(atomic_load(&s_struck) == 1);
    }
}

BaseType_t __wrap_xTaskGenericNotify(TaskHandle_t task, UBaseType_t index, uint32_t value,
                                     eNotifyAction action, uint32_t *previous)
{
    window(task);
    return __real_xTaskGenericNotify(task, index, value, action, previous);
}

void __wrap_vTaskPrioritySet(TaskHandle_t task, UBaseType_t priority)
{
    window(task);
    __real_vTaskPrioritySet(task, priority);
}

void __wrap_vTaskSuspend(TaskHandle_t task)
{
    window(task);
    __real_vTaskSuspend(task);
}

void __wrap_vTaskResume(TaskHandle_t task)
{
    window(task);
    __real_vTaskResume(task);
}

eTaskState __wrap_eTaskGetState(TaskHandle_t task)
{
    window(task);
    return __real_eTaskGetState(task);
}

UBaseType_t __wrap_uxTaskGetStackHighWaterMark(TaskHandle_t task)
{
    window(task);
    return __real_uxTaskGetStackHighWaterMark(task);
}

static void on_deleted(int index, void *value)
{
    (void)index;
    KTEST_CHECK(value == &s_ref);
    (void)task_ref_void(&s_ref); // waits until the call is over
    atomic_fetch_add(&s_told, 1);
}

static void victim_main(void *arg)
{
    (void)arg;
    vTaskSetThreadLocalStoragePointerAndDelCallback(NULL, INDEX, &s_ref, on_deleted);
    task_ref_set(&s_ref, xTaskGetCurrentTaskHandle());
    for (;;) {
        (void)ulTaskNotifyTake(pdTRUE, portMAX_DELAY);
    }
}

/** On a core of its own. */
static void outsider_main(void *arg)
{
    (void)arg;
    while (atomic_load(&s_armed) != 2) {
        vTaskDelay(1);
    }
    atomic_store(&s_struck, 1);
    vTaskDelete(s_victim);
    atomic_store(&s_struck, 2);
    vTaskDelete(NULL);
}

static void wait_for(_Atomic uint32_t *what, uint32_t value)
{
    for (unsigned ms = 0; atomic_load(what) != value; ms++) {
        assert_true(ms < ktest_patience_ms(10000));
        vTaskDelay(1);
    }
}

static void notify(void)
{
    assert_true(task_ref_notify(&s_ref, NULL));
}

static void set_priority(void)
{
    assert_true(task_ref_set_priority(&s_ref, 3));
}

static void suspend(void)
{
    assert_true(task_ref_suspend(&s_ref));
}

static void resume(void)
{
    task_ref_resume(&s_ref);
}

static void is_suspended(void)
{
    assert_false(task_ref_is_suspended(&s_ref));
}

static void stack_free(void)
{
    (void)task_ref_stack_free(&s_ref); // not all flavours can tell
}

/** The call strikes the window; after it, all of them find nobody. */
static void deleted_within(void (*call)(void))
{
    atomic_store(&s_armed, 0);
    atomic_store(&s_struck, 0);
    atomic_store(&s_told, 0);
    assert_int_equal(
        xTaskCreatePinnedToCore(victim_main, "victim", 4096, NULL, 2, &s_victim, tskNO_AFFINITY),
        pdPASS);
    assert_int_equal(xTaskCreatePinnedToCore(outsider_main, "outsider", 4096, NULL, 20, NULL, 1),
                     pdPASS);
    while (atomic_load(&s_ref) == NULL || !(eTaskGetState(s_victim) == eBlocked)) {
        vTaskDelay(1);
    }
    atomic_store(&s_armed, 1);
    call();
    wait_for(&s_struck, 2);
    wait_for(&s_told, 1);
    assert_null(atomic_load(&s_ref));
    assert_false(task_ref_notify(&s_ref, NULL));
    assert_false(task_ref_set_priority(&s_ref, 3));
    assert_false(task_ref_suspend(&s_ref));
    assert_false(task_ref_is_suspended(&s_ref));
    assert_int_equal(task_ref_mutexes_held(&s_ref), 0);
    assert_int_equal(task_ref_stack_free(&s_ref), 0);
    assert_false(task_ref_delete(&s_ref));
    task_ref_resume(&s_ref);
    vTaskDelay(2); // the outsider ends
}

static void a_task_deleted_within_a_call_outlives_the_call(void **state)
{
    (void)state;
    static void (*const calls[])(void) = {notify, set_priority, suspend,
                                          resume, is_suspended, stack_free};
    for (unsigned n = 0; n < sizeof(calls) / sizeof(calls[0]); n++) {
        deleted_within(calls[n]);
    }
}

/** Its deletion callback came before its maker knew it. */
static void one_that_is_gone_is_not_known(void **state)
{
    (void)state;
    atomic_store(&s_armed, 0);
    assert_int_equal(
        xTaskCreatePinnedToCore(victim_main, "victim", 4096, NULL, 2, &s_victim, tskNO_AFFINITY),
        pdPASS);
    while (atomic_load(&s_ref) == NULL) {
        vTaskDelay(1);
    }
    vTaskDelay(2);
    atomic_store(&s_told, 0);
    assert_true(task_ref_delete(&s_ref));
    wait_for(&s_told, 1);
    vTaskDelay(2);
    task_ref_set(&s_ref, s_victim);
    assert_null(atomic_load(&s_ref));
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_task_deleted_within_a_call_outlives_the_call),
        cmocka_unit_test(one_that_is_gone_is_not_known),
    };
    return KTEST_MAIN(argc, argv, tests);
}
