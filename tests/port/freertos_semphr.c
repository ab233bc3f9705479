// SPDX-License-Identifier: Apache-2.0

// Semaphores, mutexes, recursive mutexes, priority inheritance.

#include "ktest.h"

#include "freertos/FreeRTOS.h"
#include "freertos/semphr.h"
#include "freertos/task.h"

static int s_step;

static int step(void)
{
    return __atomic_load_n(&s_step, __ATOMIC_ACQUIRE);
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

static void a_binary_semaphore_starts_empty(void **state)
{
    (void)state;
    SemaphoreHandle_t s = xSemaphoreCreateBinary();
    assert_int_equal(xSemaphoreTake(s, 0), pdFALSE);
    assert_int_equal(xSemaphoreGive(s), pdTRUE);
    assert_int_equal(xSemaphoreGive(s), pdFALSE);
    assert_int_equal(uxSemaphoreGetCount(s), 1);
    assert_int_equal(xSemaphoreTake(s, 0), pdTRUE);
    vSemaphoreDelete(s);
}

static void a_counting_semaphore_counts_to_its_limit(void **state)
{
    (void)state;
    SemaphoreHandle_t s = xSemaphoreCreateCounting(3, 1);
    assert_int_equal(uxSemaphoreGetCount(s), 1);
    assert_int_equal(xSemaphoreGive(s), pdTRUE);
    assert_int_equal(xSemaphoreGive(s), pdTRUE);
    assert_int_equal(xSemaphoreGive(s), pdFALSE);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(xSemaphoreTake(s, 0), pdTRUE);
    }
    assert_int_equal(xSemaphoreTake(s, 3), pdFALSE);
    vSemaphoreDelete(s);
}

static void a_mutex_starts_free_and_knows_its_holder(void **state)
{
    (void)state;
    SemaphoreHandle_t m = xSemaphoreCreateMutex();
    assert_null(xSemaphoreGetMutexHolder(m));
    assert_int_equal(xSemaphoreTake(m, 0), pdTRUE);
    assert_ptr_equal(xSemaphoreGetMutexHolder(m), xTaskGetCurrentTaskHandle());
    assert_int_equal(xSemaphoreTake(m, 2), pdFALSE); /* not recursive */
    assert_int_equal(xSemaphoreGive(m), pdTRUE);
    assert_int_equal(xSemaphoreGive(m), pdFALSE); /* nobody has it */
    vSemaphoreDelete(m);
}

static void a_recursive_mutex_nests(void **state)
{
    (void)state;
    SemaphoreHandle_t m = xSemaphoreCreateRecursiveMutex();
    assert_int_equal(xSemaphoreGiveRecursive(m), pdFALSE);
    assert_int_equal(xSemaphoreTakeRecursive(m, 0), pdTRUE);
    assert_int_equal(xSemaphoreTakeRecursive(m, 0), pdTRUE);
    assert_int_equal(xSemaphoreGiveRecursive(m), pdTRUE);
    assert_ptr_equal(xSemaphoreGetMutexHolder(m), xTaskGetCurrentTaskHandle());
    assert_int_equal(xSemaphoreGiveRecursive(m), pdTRUE);
    assert_null(xSemaphoreGetMutexHolder(m));
    vSemaphoreDelete(m);
}

/* ---- exclusion ---- */

static SemaphoreHandle_t s_mutex;
static int s_shared;

static void add_up(void *arg)
{
    (void)arg;
    for (int i = 0; i < 500; i++) {
        KTEST_CHECK(xSemaphoreTake(s_mutex, portMAX_DELAY) == pdTRUE);
        int v = s_shared;
        taskYIELD();
        s_shared = v + 1;
        KTEST_CHECK(xSemaphoreGive(s_mutex) == pdTRUE);
    }
    __atomic_add_fetch(&s_step, 1, __ATOMIC_ACQ_REL);
    vTaskDelete(NULL);
}

static void a_mutex_excludes(void **state)
{
    (void)state;
    s_mutex = xSemaphoreCreateMutex();
    s_shared = 0;
    set_step(0);
    for (int i = 0; i < 4; i++) {
        xTaskCreate(add_up, "adder", 4096, NULL, (UBaseType_t)(4 + i % 2), NULL);
    }
    await_step(4);
    assert_int_equal(s_shared, 2000);
    vSemaphoreDelete(s_mutex);
}

/* ---- inheritance ---- */

static void take_and_give(void *arg)
{
    TickType_t wait = (TickType_t)(intptr_t)arg;
    if (xSemaphoreTake(s_mutex, wait) == pdTRUE) {
        KTEST_CHECK(xSemaphoreGive(s_mutex) == pdTRUE);
    }
    set_step(1);
    vTaskDelete(NULL);
}

static void await_blocked(TaskHandle_t t)
{
    while (eTaskGetState(t) != eBlocked) {
        vTaskDelay(1);
    }
}

static void the_holder_inherits_until_it_gives(void **state)
{
    (void)state;
    TaskHandle_t t = NULL;
    s_mutex = xSemaphoreCreateMutex();
    set_step(0);
    assert_int_equal(xSemaphoreTake(s_mutex, 0), pdTRUE);
    xTaskCreatePinnedToCore(take_and_give, "high", 4096, (void *)(intptr_t)100000, 9, &t, 1);
    await_blocked(t);
    assert_int_equal(uxTaskPriorityGet(NULL), 9);
    TaskStatus_t info;
    vTaskGetInfo(NULL, &info, pdFALSE, eInvalid);
    assert_int_equal(info.uxBasePriority, 1);
    assert_int_equal(xSemaphoreGive(s_mutex), pdTRUE);
    assert_int_equal(uxTaskPriorityGet(NULL), 1);
    await_step(1);
    vSemaphoreDelete(s_mutex);
}

static void a_waiter_that_gives_up_takes_its_priority_back(void **state)
{
    (void)state;
    TaskHandle_t t = NULL;
    s_mutex = xSemaphoreCreateMutex();
    set_step(0);
    assert_int_equal(xSemaphoreTake(s_mutex, 0), pdTRUE);
    xTaskCreatePinnedToCore(take_and_give, "high", 4096, (void *)(intptr_t)30, 9, &t, 1);
    await_step(1);
    assert_int_equal(uxTaskPriorityGet(NULL), 1);
    assert_int_equal(xSemaphoreGive(s_mutex), pdTRUE);
    vSemaphoreDelete(s_mutex);
}

static void waiters_are_served_by_priority(void **state)
{
    (void)state;
    static const UBaseType_t prios[] = {3, 7, 5};
    TaskHandle_t t[3];
    s_mutex = xSemaphoreCreateBinary();
    for (int i = 0; i < 3; i++) {
        xTaskCreatePinnedToCore(take_and_give, "waiter", 4096, (void *)(intptr_t)100000, prios[i],
                                &t[i], 1);
        await_blocked(t[i]);
    }
    vTaskPrioritySet(t[0], 8); /* the order follows */
    vTaskSuspend(t[0]);
    vTaskSuspend(t[2]);
    set_step(0);
    (void)xSemaphoreGive(s_mutex);
    await_step(1);
    for (int i = 0; i < 3; i += 2) { /* both come through before it is deleted */
        set_step(0);
        vTaskResume(t[i]);
        await_step(1);
    }
    assert_int_equal(uxSemaphoreGetCount(s_mutex), 1);
    vSemaphoreDelete(s_mutex);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_binary_semaphore_starts_empty),
        cmocka_unit_test(a_counting_semaphore_counts_to_its_limit),
        cmocka_unit_test(a_mutex_starts_free_and_knows_its_holder),
        cmocka_unit_test(a_recursive_mutex_nests),
        cmocka_unit_test(a_mutex_excludes),
        cmocka_unit_test(the_holder_inherits_until_it_gives),
        cmocka_unit_test(a_waiter_that_gives_up_takes_its_priority_back),
        cmocka_unit_test(waiters_are_served_by_priority),
    };
    return KTEST_MAIN(argc, argv, tests);
}
