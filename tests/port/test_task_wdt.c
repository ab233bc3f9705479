// SPDX-License-Identifier: Apache-2.0

// The task watchdog against what ESP-IDF's header promises.

#include "ktest.h"

#include <string.h>
#include "esp_task_wdt.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "host_log.h"

#define PERIOD_MS 200u

static int s_fired; // atomic: written from an interrupt

void esp_task_wdt_isr_user_handler(void)
{
    KTEST_CHECK(xPortInIsrContext());
    __atomic_fetch_add(&s_fired, 1, __ATOMIC_RELAXED);
}

static int fired(void)
{
    return __atomic_load_n(&s_fired, __ATOMIC_RELAXED);
}

static const esp_task_wdt_config_t s_config = {.timeout_ms = PERIOD_MS};

static int stop_any(void **state)
{
    (void)state;
    (void)esp_task_wdt_deinit();
    __atomic_store_n(&s_fired, 0, __ATOMIC_RELAXED);
    return 0;
}

static void calls_have_their_errors(void **state)
{
    esp_task_wdt_user_handle_t user;
    (void)state;
    assert_int_equal(esp_task_wdt_init(NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_task_wdt_deinit(), ESP_ERR_INVALID_STATE);
    assert_int_equal(esp_task_wdt_add(NULL), ESP_ERR_INVALID_STATE);
    assert_int_equal(esp_task_wdt_reset(), ESP_ERR_INVALID_STATE);
    assert_int_equal(esp_task_wdt_status(NULL), ESP_ERR_INVALID_STATE);
    assert_int_equal(esp_task_wdt_reconfigure(&s_config), ESP_ERR_INVALID_STATE);
    assert_int_equal(esp_task_wdt_init(&s_config), ESP_OK);
    assert_int_equal(esp_task_wdt_init(&s_config), ESP_ERR_INVALID_STATE);
    assert_int_equal(esp_task_wdt_reconfigure(NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_task_wdt_status(NULL), ESP_ERR_NOT_FOUND);
    assert_int_equal(esp_task_wdt_reset(), ESP_ERR_NOT_FOUND);
    assert_int_equal(esp_task_wdt_delete(NULL), ESP_ERR_NOT_FOUND);
    assert_int_equal(esp_task_wdt_add(NULL), ESP_OK);
    assert_int_equal(esp_task_wdt_add(NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_task_wdt_status(xTaskGetCurrentTaskHandle()), ESP_OK);
    assert_int_equal(esp_task_wdt_add_user(NULL, &user), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_task_wdt_add_user("user", &user), ESP_OK);
    assert_int_equal(esp_task_wdt_reset_user(NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_task_wdt_reset_user(user), ESP_OK);
    assert_int_equal(esp_task_wdt_deinit(), ESP_ERR_INVALID_STATE);
    assert_int_equal(esp_task_wdt_delete_user(user), ESP_OK);
    assert_int_equal(esp_task_wdt_delete(NULL), ESP_OK);
    assert_int_equal(esp_task_wdt_deinit(), ESP_OK);
}

static void who_reports_is_left_alone(void **state)
{
    (void)state;
    // Generous on real time: a loaded machine must not look like a hung task.
    const esp_task_wdt_config_t config = {.timeout_ms = 20000};
    assert_int_equal(esp_task_wdt_init(&config), ESP_OK);
    assert_int_equal(esp_task_wdt_add(NULL), ESP_OK);
    for (int i = 0; i < 40; i++) {
        assert_int_equal(esp_task_wdt_reset(), ESP_OK);
        vTaskDelay(host_sched() == HOST_SCHED_SIM ? pdMS_TO_TICKS(15000) : 1);
    }
    assert_int_equal(fired(), 0);
    assert_int_equal(esp_task_wdt_delete(NULL), ESP_OK);
}

static void who_does_not_is_named(void **state)
{
    esp_task_wdt_user_handle_t user;
    int cpus = -1;
    (void)state;
    host_log_capture_start(false);
    assert_int_equal(esp_task_wdt_init(&s_config), ESP_OK);
    assert_int_equal(esp_task_wdt_add(NULL), ESP_OK);
    assert_int_equal(esp_task_wdt_add_user("lazy_user", &user), ESP_OK);
    while (fired() == 0) {
        (void)esp_task_wdt_reset();
        vTaskDelay(pdMS_TO_TICKS(10));
    }
    assert_int_equal(esp_task_wdt_print_triggered_tasks(NULL, NULL, &cpus), ESP_OK);
    host_log_capture_stop();
    assert_int_equal(cpus, 0);
    assert_true(host_log_count("did not reset the watchdog in time: lazy_user") >= 1);
    assert_int_equal(esp_task_wdt_delete_user(user), ESP_OK);
    assert_int_equal(esp_task_wdt_delete(NULL), ESP_OK);
}

static void it_comes_at_the_time_set(void **state)
{
    (void)state;
    if (host_sched() != HOST_SCHED_SIM) {
        skip(); // a matter of virtual time
    }
    assert_int_equal(esp_task_wdt_init(&s_config), ESP_OK);
    assert_int_equal(esp_task_wdt_add(NULL), ESP_OK);
    (void)esp_task_wdt_reset();
    host_log_capture_start(false);
    vTaskDelay(pdMS_TO_TICKS(PERIOD_MS - 10));
    assert_int_equal(fired(), 0);
    vTaskDelay(pdMS_TO_TICKS(20));
    assert_int_equal(fired(), 1);
    vTaskDelay(pdMS_TO_TICKS(PERIOD_MS));
    assert_int_equal(fired(), 2);
    host_log_capture_stop();
    assert_int_equal(esp_task_wdt_delete(NULL), ESP_OK);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(calls_have_their_errors, stop_any),
        cmocka_unit_test_setup(who_reports_is_left_alone, stop_any),
        cmocka_unit_test_setup(who_does_not_is_named, stop_any),
        cmocka_unit_test_setup(it_comes_at_the_time_set, stop_any),
    };
    return KTEST_MAIN(argc, argv, tests);
}
