// SPDX-License-Identifier: Apache-2.0

// Tasks: creation, deletion, delays, suspension, priorities, thread-local pointers.

#include "ktest.h"

#include <string.h>
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "esp_heap_caps.h"

#define STACK         4096
#define SAYS_IT_BEGAN ((void *)1)

static volatile int s_step;

static int step(void)
{
    return __atomic_load_n(&s_step, __ATOMIC_ACQUIRE);
}

static int counted(const int *counter)
{
    return __atomic_load_n(counter, __ATOMIC_ACQUIRE);
}

static void await_count(const int *counter, int value)
{
    while (counted(counter) < value) {
        vTaskDelay(1);
    }
}

static void set_step(int value)
{
    __atomic_store_n(&s_step, value, __ATOMIC_RELEASE);
}

static void await_step(int value)
{
    while (step() < value) {
        vTaskDelay(1);
    }
}

static void one_step(void *arg)
{
    set_step((int)(intptr_t)arg);
    vTaskDelete(NULL);
}

/** With SAYS_IT_BEGAN it does: whoever deletes it has waited for that. */
static void sleep_for_ever(void *arg)
{
    if (arg != NULL) {
        set_step(1);
    }
    for (;;) {
        vTaskDelay(portMAX_DELAY);
    }
}

/** Its counter is its own: on a busy machine it may still count when the next test runs. */
static void count_up(void *arg)
{
    for (;;) {
        __atomic_add_fetch((int *)arg, 1, __ATOMIC_ACQ_REL);
        vTaskDelay(1);
    }
}

static TaskHandle_t create(TaskFunction_t fn, void *arg, UBaseType_t prio, BaseType_t core)
{
    TaskHandle_t t = NULL;
    assert_int_equal(xTaskCreatePinnedToCore(fn, "subject", STACK, arg, prio, &t, core), pdPASS);
    assert_non_null(t);
    return t;
}

/* ---- life ---- */

static void a_task_runs_with_its_argument(void **state)
{
    (void)state;
    set_step(0);
    create(one_step, (void *)42, 5, tskNO_AFFINITY);
    await_step(42);
    assert_int_equal(step(), 42);
}

static void main_is_as_on_the_device(void **state)
{
    (void)state;
    assert_string_equal(pcTaskGetName(NULL), "main");
    assert_int_equal(uxTaskPriorityGet(NULL), 1);
    assert_int_equal(xTaskGetCoreID(NULL), 0);
    assert_int_equal(xPortGetCoreID(), 0);
    assert_int_equal(xTaskGetSchedulerState(), taskSCHEDULER_RUNNING);
    assert_ptr_equal(xTaskGetHandle("main"), xTaskGetCurrentTaskHandle());
    assert_null(xTaskGetHandle("nobody"));
}

static void a_name_too_long_is_cut(void **state)
{
    (void)state;
    TaskHandle_t t = NULL;
    xTaskCreate(sleep_for_ever, "a name of more than fifteen", STACK, NULL, 3, &t);
    assert_int_equal(strlen(pcTaskGetName(t)), configMAX_TASK_NAME_LEN - 1);
    vTaskDelete(t);
}

static void creation_fails_without_memory(void **state)
{
    (void)state;
    TaskHandle_t t = NULL;
    assert_int_equal(xTaskCreate(sleep_for_ever, "big", 4 * 1024 * 1024, NULL, 3, &t),
                     errCOULD_NOT_ALLOCATE_REQUIRED_MEMORY);
    assert_null(t);
}

static void a_deleted_task_gives_its_memory_back(void **state)
{
    (void)state;
    /* What tests before this one deleted may come back late, and what is allocated once is now. */
    for (size_t free = 0; free != heap_caps_get_free_size(MALLOC_CAP_INTERNAL);) {
        free = heap_caps_get_free_size(MALLOC_CAP_INTERNAL);
        set_step(0);
        create(one_step, (void *)1, 5, 0);
        await_step(1);
        vTaskDelay(50);
    }
    const size_t before = heap_caps_get_free_size(MALLOC_CAP_INTERNAL);
    for (int i = 0; i < 50; i++) {
        set_step(0);
        TaskHandle_t t = create(sleep_for_ever, SAYS_IT_BEGAN, 5, tskNO_AFFINITY);
        await_step(1);
        const size_t alive = heap_caps_get_free_size(MALLOC_CAP_INTERNAL);
        vTaskDelete(t);
        while (heap_caps_get_free_size(MALLOC_CAP_INTERNAL) <= alive) {
            vTaskDelay(1);
        }
    }
    while (heap_caps_get_free_size(MALLOC_CAP_INTERNAL) < before) {
        vTaskDelay(1);
    }
}

static void a_static_task_returns_its_buffers(void **state)
{
    (void)state;
    static StackType_t stack[STACK];
    static StaticTask_t memory;
    StackType_t *got_stack = NULL;
    StaticTask_t *got_memory = NULL;
    set_step(0);
    TaskHandle_t t =
        xTaskCreateStatic(sleep_for_ever, "static", STACK, SAYS_IT_BEGAN, 3, stack, &memory);
    assert_non_null(t);
    assert_int_equal(xTaskGetStaticBuffers(t, &got_stack, &got_memory), pdTRUE);
    assert_ptr_equal(got_stack, stack);
    assert_ptr_equal(got_memory, &memory);
    assert_int_equal(xTaskGetStaticBuffers(NULL, &got_stack, &got_memory), pdFALSE);
    await_step(1);
    vTaskDelete(t);
}

static void a_computing_task_ends_at_its_next_call(void **state)
{
    (void)state;
    static int s_counted;
    TaskHandle_t t = create(count_up, &s_counted, 5, 1);
    await_count(&s_counted, 3);
    vTaskDelete(t);
    int then;
    do { /* a busy machine may keep it from its next call for long; it must get no further */
        then = counted(&s_counted);
        vTaskDelay(20);
    } while (counted(&s_counted) != then);
}

/* ---- delay ---- */

static void a_delay_lasts_the_ticks_asked_for(void **state)
{
    (void)state;
    TickType_t before = xTaskGetTickCount();
    vTaskDelay(20);
    assert_true(xTaskGetTickCount() - before >= 20);
    uint64_t us = host_now_us();
    vTaskDelay(1);
    if (host_sched() == HOST_SCHED_SIM) {
        assert_true(host_now_us() - us <= 1000);
        assert_int_equal(host_now_us() % 1000, 0);
    }
}

static void delay_until_keeps_the_period(void **state)
{
    (void)state;
    TickType_t wake = xTaskGetTickCount();
    const TickType_t start = wake;
    for (int i = 1; i <= 5; i++) {
        (void)xTaskDelayUntil(&wake, 10);
        assert_int_equal(wake, start + (TickType_t)(10 * i));
        assert_true(xTaskGetTickCount() - wake < 0x80000000u);
    }
    vTaskDelay(25);
    assert_int_equal(xTaskDelayUntil(&wake, 10), pdFALSE); /* overslept: no delay */
    assert_int_equal(wake, start + 60);
}

static void a_delay_can_be_aborted(void **state)
{
    (void)state;
    set_step(0);
    TaskHandle_t t = create(sleep_for_ever, SAYS_IT_BEGAN, 5, 1);
    await_step(1);
    while (eTaskGetState(t) != eBlocked) {
        vTaskDelay(1);
    }
    assert_int_equal(xTaskAbortDelay(t), pdPASS);
    vTaskDelete(t);
}

static void timeouts_are_counted_down(void **state)
{
    (void)state;
    TimeOut_t timeout;
    TickType_t left = 600000; /* nothing passes it meanwhile */
    vTaskSetTimeOutState(&timeout);
    assert_int_equal(xTaskCheckForTimeOut(&timeout, &left), pdFALSE);
    vTaskDelay(10);
    assert_int_equal(xTaskCheckForTimeOut(&timeout, &left), pdFALSE);
    assert_true(left <= 599990);
    left = 50;
    vTaskSetTimeOutState(&timeout);
    vTaskDelay(50);
    assert_int_equal(xTaskCheckForTimeOut(&timeout, &left), pdTRUE);
    assert_int_equal(left, 0);
    left = portMAX_DELAY;
    assert_int_equal(xTaskCheckForTimeOut(&timeout, &left), pdFALSE);
}

/* ---- suspend, priority ---- */

static void a_suspended_task_stands_still(void **state)
{
    (void)state;
    static int s_counted;
    TaskHandle_t t = create(count_up, &s_counted, 5, 1);
    await_count(&s_counted, 3);
    vTaskSuspend(t);
    while (eTaskGetState(t) != eSuspended) {
        vTaskDelay(1);
    }
    int then = counted(&s_counted);
    vTaskDelay(20);
    assert_int_equal(counted(&s_counted), then);
    vTaskResume(t);
    await_count(&s_counted, then + 3);
    vTaskDelete(t);
}

static void suspend_itself(void *arg)
{
    (void)arg;
    set_step(1);
    vTaskSuspend(NULL);
    set_step(2);
    vTaskDelete(NULL);
}

static void a_task_may_suspend_itself(void **state)
{
    (void)state;
    set_step(0);
    TaskHandle_t t = create(suspend_itself, NULL, 5, 1);
    await_step(1);
    while (eTaskGetState(t) != eSuspended) {
        vTaskDelay(1);
    }
    vTaskDelay(10);
    assert_int_equal(step(), 1);
    vTaskResume(t);
    await_step(2);
}

static void priorities_are_set_and_read(void **state)
{
    (void)state;
    TaskHandle_t t = create(sleep_for_ever, NULL, 5, 1);
    assert_int_equal(uxTaskPriorityGet(t), 5);
    vTaskPrioritySet(t, 24);
    assert_int_equal(uxTaskPriorityGet(t), 24);
    TaskStatus_t info;
    vTaskGetInfo(t, &info, pdTRUE, eInvalid);
    assert_int_equal(info.uxCurrentPriority, 24);
    assert_int_equal(info.uxBasePriority, 24);
    assert_int_equal(info.xCoreID, 1);
    assert_true(info.usStackHighWaterMark <= STACK);
    vTaskDelete(t);
}

static void the_system_state_lists_every_task(void **state)
{
    (void)state;
    TaskStatus_t all[32];
    UBaseType_t n = uxTaskGetSystemState(all, 32, NULL);
    assert_int_equal(n, uxTaskGetNumberOfTasks());
    const char *expected[] = {"main", "IDLE0", "IDLE1", "esp_timer", "Tmr Svc"};
    for (size_t e = 0; e < sizeof(expected) / sizeof(expected[0]); e++) {
        bool found = false;
        for (UBaseType_t i = 0; i < n; i++) {
            found = found || strcmp(all[i].pcTaskName, expected[e]) == 0;
        }
        assert_true(found);
    }
    assert_int_equal(uxTaskGetSystemState(all, 1, NULL), 0);
}

/* ---- thread-local pointers ---- */

static volatile intptr_t s_deleted;

static void on_delete(int index, void *value)
{
    __atomic_store_n(&s_deleted, (intptr_t)value + index, __ATOMIC_RELEASE);
}

static void local_pointers_are_deleted_with_the_task(void **state)
{
    (void)state;
    s_deleted = 0;
    set_step(0);
    TaskHandle_t t = create(sleep_for_ever, SAYS_IT_BEGAN, 5, 1);
    vTaskSetThreadLocalStoragePointerAndDelCallback(t, 0, (void *)77, on_delete);
    assert_ptr_equal(pvTaskGetThreadLocalStoragePointer(t, 0), (void *)77);
    assert_null(pvTaskGetThreadLocalStoragePointer(NULL, 0));
    await_step(1);
    vTaskDelete(t);
    while (__atomic_load_n(&s_deleted, __ATOMIC_ACQUIRE) == 0) {
        vTaskDelay(1);
    }
    assert_int_equal(s_deleted, 77);
}

/* ---- critical sections ---- */

static portMUX_TYPE s_mux = portMUX_INITIALIZER_UNLOCKED;
static int s_shared;

static void add_up(void *arg)
{
    (void)arg;
    for (int i = 0; i < 20000; i++) {
        portENTER_CRITICAL(&s_mux);
        s_shared++;
        portEXIT_CRITICAL(&s_mux);
    }
    __atomic_add_fetch(&s_step, 1, __ATOMIC_ACQ_REL);
    vTaskDelete(NULL);
}

static void critical_sections_exclude_each_other(void **state)
{
    (void)state;
    set_step(0);
    s_shared = 0;
    for (int i = 0; i < 4; i++) {
        create(add_up, NULL, 5, i % 2);
    }
    await_step(4);
    assert_int_equal(s_shared, 80000);
}

static void critical_sections_nest(void **state)
{
    (void)state;
    portENTER_CRITICAL(&s_mux);
    portENTER_CRITICAL(&s_mux);
    assert_false(xPortCanYield());
    portEXIT_CRITICAL(&s_mux);
    assert_int_equal(portTRY_ENTER_CRITICAL(&s_mux, portMUX_TRY_LOCK), pdPASS);
    portEXIT_CRITICAL(&s_mux);
    portEXIT_CRITICAL(&s_mux);
    assert_true(xPortCanYield());
    assert_int_equal(s_mux.owner, portMUX_FREE_VAL);
}

static void the_scheduler_lock_is_counted(void **state)
{
    (void)state;
    vTaskSuspendAll();
    vTaskSuspendAll();
    assert_int_equal(xTaskGetSchedulerState(), taskSCHEDULER_SUSPENDED);
    (void)xTaskResumeAll();
    assert_int_equal(xTaskGetSchedulerState(), taskSCHEDULER_SUSPENDED);
    (void)xTaskResumeAll();
    assert_int_equal(xTaskGetSchedulerState(), taskSCHEDULER_RUNNING);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_task_runs_with_its_argument),
        cmocka_unit_test(main_is_as_on_the_device),
        cmocka_unit_test(a_name_too_long_is_cut),
        cmocka_unit_test(creation_fails_without_memory),
        cmocka_unit_test(a_deleted_task_gives_its_memory_back),
        cmocka_unit_test(a_static_task_returns_its_buffers),
        cmocka_unit_test(a_computing_task_ends_at_its_next_call),
        cmocka_unit_test(a_delay_lasts_the_ticks_asked_for),
        cmocka_unit_test(delay_until_keeps_the_period),
        cmocka_unit_test(a_delay_can_be_aborted),
        cmocka_unit_test(timeouts_are_counted_down),
        cmocka_unit_test(a_suspended_task_stands_still),
        cmocka_unit_test(a_task_may_suspend_itself),
        cmocka_unit_test(priorities_are_set_and_read),
        cmocka_unit_test(the_system_state_lists_every_task),
        cmocka_unit_test(local_pointers_are_deleted_with_the_task),
        cmocka_unit_test(critical_sections_exclude_each_other),
        cmocka_unit_test(critical_sections_nest),
        cmocka_unit_test(the_scheduler_lock_is_counted),
    };
    return KTEST_MAIN(argc, argv, tests);
}
