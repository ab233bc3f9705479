// SPDX-License-Identifier: Apache-2.0

// Event groups.

#include "ktest.h"

#include "freertos/FreeRTOS.h"
#include "freertos/event_groups.h"
#include "freertos/task.h"

static EventGroupHandle_t s_group;
static uint32_t s_got[3];

static void set_later(void *arg)
{
    vTaskDelay(5);
    (void)xEventGroupSetBits(s_group, (EventBits_t)(uintptr_t)arg);
    vTaskDelete(NULL);
}

static void bits_are_set_and_cleared(void **state)
{
    (void)state;
    EventGroupHandle_t g = xEventGroupCreate();
    assert_int_equal(xEventGroupGetBits(g), 0);
    assert_int_equal(xEventGroupSetBits(g, 0x7), 0x7);
    assert_int_equal(xEventGroupClearBits(g, 0x2), 0x7); /* those before */
    assert_int_equal(xEventGroupGetBits(g), 0x5);
    vEventGroupDelete(g);
}

static void waiting_for_any_and_for_all(void **state)
{
    (void)state;
    s_group = xEventGroupCreate();
    (void)xEventGroupSetBits(s_group, 0x1);
    assert_int_equal(xEventGroupWaitBits(s_group, 0x3, pdFALSE, pdFALSE, 0), 0x1);
    assert_int_equal(xEventGroupWaitBits(s_group, 0x3, pdTRUE, pdTRUE, 3), 0x1); /* timeout */
    assert_int_equal(xEventGroupGetBits(s_group), 0x1);
    xTaskCreate(set_later, "setter", 4096, (void *)0x2, 5, NULL);
    assert_int_equal(xEventGroupWaitBits(s_group, 0x3, pdTRUE, pdTRUE, portMAX_DELAY), 0x3);
    assert_int_equal(xEventGroupGetBits(s_group), 0);
    vTaskDelay(3);
    vEventGroupDelete(s_group);
}

static void wait_for(void *arg)
{
    int i = (int)(intptr_t)arg;
    uint32_t bits = xEventGroupWaitBits(s_group, 1u << i | 0x80, pdTRUE, pdFALSE, portMAX_DELAY);
    __atomic_store_n(&s_got[i], bits, __ATOMIC_RELEASE);
    vTaskDelete(NULL);
}

/* One call to set wakes every task that is satisfied, though each of them clears. */
static void setting_wakes_all_that_are_satisfied(void **state)
{
    (void)state;
    s_group = xEventGroupCreate();
    TaskHandle_t t[3];
    for (int i = 0; i < 3; i++) {
        __atomic_store_n(&s_got[i], 0, __ATOMIC_RELEASE);
        xTaskCreate(wait_for, "waiter", 4096, (void *)(intptr_t)i, 5, &t[i]);
        while (eTaskGetState(t[i]) != eBlocked) {
            vTaskDelay(1);
        }
    }
    assert_int_equal(xEventGroupSetBits(s_group, 0x180), 0x100);
    for (int i = 0; i < 3; i++) {
        while (__atomic_load_n(&s_got[i], __ATOMIC_ACQUIRE) == 0) {
            vTaskDelay(1);
        }
        assert_int_equal(s_got[i], 0x180);
    }
    vEventGroupDelete(s_group);
}

static void meet(void *arg)
{
    int i = (int)(intptr_t)arg;
    uint32_t bits = xEventGroupSync(s_group, 1u << i, 0x7, portMAX_DELAY);
    __atomic_store_n(&s_got[i], bits, __ATOMIC_RELEASE);
    vTaskDelete(NULL);
}

static void tasks_meet_at_a_rendezvous(void **state)
{
    (void)state;
    s_group = xEventGroupCreate();
    for (int i = 0; i < 2; i++) {
        __atomic_store_n(&s_got[i], 0, __ATOMIC_RELEASE);
        xTaskCreate(meet, "meet", 4096, (void *)(intptr_t)i, 5, NULL);
    }
    assert_int_equal(xEventGroupSync(s_group, 0x4, 0x7, portMAX_DELAY), 0x7);
    for (int i = 0; i < 2; i++) {
        while (__atomic_load_n(&s_got[i], __ATOMIC_ACQUIRE) == 0) {
            vTaskDelay(1);
        }
        assert_int_equal(s_got[i], 0x7);
    }
    assert_int_equal(xEventGroupGetBits(s_group), 0);
    assert_int_equal(xEventGroupSync(s_group, 0x4, 0x7, 2), 0x4);
    vTaskDelay(3);
    vEventGroupDelete(s_group);
}

static void deleting_releases_the_waiters(void **state)
{
    (void)state;
    static StaticEventGroup_t memory;
    s_group = xEventGroupCreateStatic(&memory);
    TaskHandle_t t = NULL;
    __atomic_store_n(&s_got[0], 99, __ATOMIC_RELEASE);
    xTaskCreate(wait_for, "waiter", 4096, (void *)0, 5, &t);
    while (eTaskGetState(t) != eBlocked) {
        vTaskDelay(1);
    }
    vEventGroupDelete(s_group);
    while (__atomic_load_n(&s_got[0], __ATOMIC_ACQUIRE) == 99) {
        vTaskDelay(1);
    }
    assert_int_equal(s_got[0], 0);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(bits_are_set_and_cleared),
        cmocka_unit_test(waiting_for_any_and_for_all),
        cmocka_unit_test(setting_wakes_all_that_are_satisfied),
        cmocka_unit_test(tasks_meet_at_a_rendezvous),
        cmocka_unit_test(deleting_releases_the_waiters),
    };
    return KTEST_MAIN(argc, argv, tests);
}
