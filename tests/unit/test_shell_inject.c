// SPDX-License-Identifier: Apache-2.0

// The shell's faults to order: each is noticed, and costs the others nothing.

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "ktest.h"
#include "shell_board.h"
#include "shell_test.h"
#include "system_service/error_codes.h"
#include "system_service/health_report.h"

static void wait_for_restart(const char *name)
{
    for (int i = 0; i < ktest_polls(1000) && shell_board_info(name).restart_count == 0; i++) {
        vTaskDelay(pdMS_TO_TICKS(10));
    }
    assert_int_equal(shell_board_info(name).restart_count, 1);
    assert_int_equal(shell_board_info(name).state, SYSTEM_SERVICE_STATE_RUNNING);
}

static void an_injected_hang_is_recovered_from(void **state)
{
    (void)state;
    shell_test_prints("inject hang base", SHELL_OK, "");
    wait_for_restart("base");
    assert_int_equal(shell_board_info("upper").fault_count, 0);
}

static void an_injected_crash_is_recovered_from(void **state)
{
    (void)state;
    shell_test_prints("inject crash base", SHELL_OK, "");
    wait_for_restart("base");
    assert_int_equal(shell_board_info("base").last_error, ESP_ERR_SERVICE_CRASHED);
}

static void an_injected_flood_is_refused(void **state)
{
    (void)state;
    shell_test_prints("inject flood base 300", SHELL_OK, "");
    for (int i = 0;
         i < ktest_polls(500) && shell_board_usage("base").violations[QUOTA_EVENTS] < 150; i++) {
        vTaskDelay(pdMS_TO_TICKS(10));
    }
    assert_true(shell_board_usage("base").violations[QUOTA_EVENTS] >= 150);
    assert_int_equal(shell_board_usage("upper").violations[QUOTA_EVENTS], 0);
}

static void an_injected_leak_is_taken_back(void **state)
{
    (void)state;
    shell_test_prints("inject leak base 7", SHELL_OK, "");
    for (int i = 0; i < ktest_polls(500) && shell_board_usage("base").memory_bytes < 7 * 64; i++) {
        vTaskDelay(pdMS_TO_TICKS(10));
    }
    assert_int_equal(shell_board_usage("base").memory_bytes, 7 * 64);
    shell_test_prints("service stop base", SHELL_OK, "");
    assert_int_equal(shell_board_usage("base").memory_bytes, 0);
}

static void an_injected_delay_is_slow(void **state)
{
    (void)state;
    uint32_t slow = 0;
    shell_test_prints("inject slow base 250", SHELL_OK, "");
    for (int i = 0; i < ktest_polls(500) && slow == 0; i++) {
        health_report_t report;
        vTaskDelay(pdMS_TO_TICKS(10));
        assert_int_equal(health_report_get(&report), ESP_OK);
        slow = report.slow_handlers;
    }
    assert_int_equal(slow, 1);
    assert_int_equal(shell_board_info("base").fault_count, 0);
}

static void inject_refuses_nonsense(void **state)
{
    (void)state;
    static const shell_test_example_t examples[] = {
        {"inject", SHELL_USAGE, "usage: inject"},
        {"inject hang", SHELL_USAGE, "usage: inject"},
        {"inject hug base", SHELL_USAGE, "usage: inject"},
        {"inject slow base 0", SHELL_USAGE, "usage: inject"},
        {"inject slow base -1", SHELL_USAGE, "usage: inject"},
        {"inject slow base 1000001", SHELL_USAGE, "usage: inject"},
        {"inject slow base 99999999999999999999", SHELL_USAGE, "usage: inject"},
        {"inject hang nobody", SHELL_FAILED, "ESP_ERR_SERVICE_NOT_FOUND"},
    };
    SHELL_TEST_EXAMPLES(examples);
}

#define SYSTEM_TEST(name) cmocka_unit_test_setup_teardown(name, shell_board_up, shell_board_down)

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        SYSTEM_TEST(an_injected_hang_is_recovered_from),
        SYSTEM_TEST(an_injected_crash_is_recovered_from),
        SYSTEM_TEST(an_injected_flood_is_refused),
        SYSTEM_TEST(an_injected_leak_is_taken_back),
        SYSTEM_TEST(an_injected_delay_is_slow),
        SYSTEM_TEST(inject_refuses_nonsense),
    };
    return KTEST_MAIN(argc, argv, tests);
}
