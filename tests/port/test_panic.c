// SPDX-License-Identifier: Apache-2.0

// What ends the board: panics, heap damage, calls from interrupts; and what is printed then.

#include "ktest.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "esp_err.h"
#include "esp_heap_caps.h"
#include "esp_log.h"
#include "esp_partition.h"
#include "esp_system.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "host_flash.h"
#include "host_system.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define OWN_ALLOCATOR false
#else
#define OWN_ALLOCATOR true
#endif

static ktest_run_t s_run;

static void run(void (*fn)(void *arg), host_sched_t sched)
{
    const host_config_t config = {.sched = sched, .restart_exits = true, .quiet = true};
    ktest_run_board(&config, fn, NULL, &s_run);
}

// The thread sanitizer's build has no simulator.
static host_sched_t last_sched(void)
{
#if defined(__SANITIZE_THREAD__)
    return HOST_SCHED_THREADS;
#else
    return HOST_SCHED_SIM;
#endif
}

static void expect(void (*fn)(void *arg), int code, const char *text)
{
    for (host_sched_t s = HOST_SCHED_THREADS; s <= last_sched(); s++) {
        run(fn, s);
        if (s_run.exit_code != code || strstr(s_run.output, text) == NULL) {
            fail_msg("scheduler %d: exit %d signal %d, expected %d and \"%s\", printed:\n%s", s,
                     s_run.exit_code, s_run.signal, code, text, s_run.output);
        }
    }
}

static void calls_abort(void *arg)
{
    (void)arg;
    abort();
}

static void abort_is_a_panic_that_names_the_task(void **state)
{
    (void)state;
    expect(calls_abort, HOST_EXIT_PANIC, "Guru Meditation Error");
    assert_non_null(strstr(s_run.output, "abort() was called"));
    assert_non_null(strstr(s_run.output, "Task: main"));
    assert_non_null(strstr(s_run.output, "Backtrace:"));
}

static void fails_assertion(void *arg)
{
    assert(arg != NULL);
}

static void failed_assert_is_a_panic(void **state)
{
    (void)state;
    expect(fails_assertion, HOST_EXIT_PANIC, "assert failed: fails_assertion");
}

static void fails_check(void *arg)
{
    (void)arg;
    ESP_ERROR_CHECK(ESP_ERR_INVALID_CRC);
}

static void failed_error_check_prints_what_failed(void **state)
{
    (void)state;
    expect(fails_check, HOST_EXIT_PANIC,
           "ESP_ERROR_CHECK failed: esp_err_t 0x109 (ESP_ERR_INVALID_CRC)");
    assert_non_null(strstr(s_run.output, "func: fails_check\nexpression: ESP_ERR_INVALID_CRC"));
}

static void aborts_system(void *arg)
{
    (void)arg;
    esp_system_abort("details of my own");
}

static void system_abort_gives_the_details(void **state)
{
    (void)state;
    expect(aborts_system, HOST_EXIT_PANIC, "details of my own");
}

static void frees_twice(void *arg)
{
    char *volatile p = malloc(40);
    (void)arg;
    heap_caps_free(p);
    heap_caps_free(p);
}

static void frees_twice_after_merging(void *arg)
{
    char *volatile p[4];
    (void)arg;
    for (int i = 0; i < 4; i++) {
        p[i] = malloc(40);
    }
    heap_caps_free(p[1]);
    heap_caps_free(p[2]);
    heap_caps_free(p[1]);
}

static void frees_inside(void *arg)
{
    char *volatile p = malloc(40);
    (void)arg;
    heap_caps_free(p + 8);
}

static void overruns(void *arg)
{
    char *volatile p = malloc(40);
    void *volatile behind = malloc(40);
    (void)arg;
    memset(p, 'x', heap_caps_get_allocated_size(p) + 8);
    heap_caps_free(p);
    free(behind);
}

static void heap_damage_is_named(void **state)
{
    (void)state;
    if (!OWN_ALLOCATOR) {
        skip(); // the sanitizer reports these, in its own words
    }
    expect(frees_twice, HOST_EXIT_PANIC, "is free already (double free)");
    expect(frees_twice_after_merging, HOST_EXIT_PANIC, "CORRUPT HEAP: free(");
    expect(frees_inside, HOST_EXIT_PANIC, "CORRUPT HEAP: free(");
    expect(overruns, HOST_EXIT_PANIC, "was written beyond its end");
}

static void isr_mallocs(void *arg)
{
    (void)arg;
    void *volatile p = malloc(4);
    (void)p;
}

static void isr_logs(void *arg)
{
    (void)arg;
    ESP_LOGI("isr", "not allowed");
}

static void isr_logs_early(void *arg)
{
    (void)arg;
    ESP_EARLY_LOGI("isr", "allowed in an interrupt");
}

static void (*s_isr)(void *arg);

static void runs_isr(void *arg)
{
    (void)arg;
    host_isr_run(s_isr, NULL, 0);
    host_exit(0);
}

static void calls_from_interrupts_are_refused_by_name(void **state)
{
    (void)state;
    s_isr = isr_mallocs;
    expect(runs_isr, HOST_EXIT_PANIC, "malloc() called from an interrupt");
    s_isr = isr_logs;
    expect(runs_isr, HOST_EXIT_PANIC, "esp_log_write() called from an interrupt");
    s_isr = isr_logs_early;
    expect(runs_isr, 0, "isr: allowed in an interrupt");
}

static void first_handler(void)
{
    esp_rom_printf("first handler\n");
}

static void second_handler(void)
{
    esp_rom_printf("second handler\n");
}

static void other_handler(void)
{
}

static void third_handler(void)
{
}

static void fourth_handler(void)
{
}

static void sixth_handler(void)
{
}

static void restarts(void *arg)
{
    (void)arg;
    KTEST_CHECK(esp_register_shutdown_handler(first_handler) == ESP_OK);
    KTEST_CHECK(esp_register_shutdown_handler(second_handler) == ESP_OK);
    KTEST_CHECK(esp_register_shutdown_handler(second_handler) == ESP_ERR_INVALID_STATE);
    KTEST_CHECK(esp_register_shutdown_handler(other_handler) == ESP_OK);
    KTEST_CHECK(esp_register_shutdown_handler(third_handler) == ESP_OK);
    KTEST_CHECK(esp_register_shutdown_handler(fourth_handler) == ESP_OK);
    KTEST_CHECK(esp_register_shutdown_handler(sixth_handler) == ESP_ERR_NO_MEM);
    KTEST_CHECK(esp_unregister_shutdown_handler(other_handler) == ESP_OK);
    KTEST_CHECK(esp_unregister_shutdown_handler(other_handler) == ESP_ERR_INVALID_STATE);
    KTEST_CHECK(esp_reset_reason() == ESP_RST_POWERON);
    esp_restart();
}

static void restart_runs_the_handlers_backwards(void **state)
{
    (void)state;
    expect(restarts, HOST_EXIT_RESTART, "second handler\nfirst handler\n");
}

static void loses_power(void *arg)
{
    (void)arg;
    const esp_partition_t *p =
        esp_partition_find_first(ESP_PARTITION_TYPE_DATA, ESP_PARTITION_SUBTYPE_DATA_NVS, NULL);
    host_flash_cut_power_after(2, HOST_POWER_CUT_RESETS, 1);
    (void)esp_partition_write(p, 0, "1234", 4);
    esp_rom_printf("still alive\n");
}

static void power_cut_can_reset_the_board(void **state)
{
    (void)state;
    expect(loses_power, HOST_EXIT_RESTART, "");
    assert_null(strstr(s_run.output, "still alive"));
}

static void looks_for_a_partition(void *arg)
{
    (void)arg;
    (void)esp_partition_find_first(ESP_PARTITION_TYPE_DATA, ESP_PARTITION_SUBTYPE_DATA_NVS, NULL);
    esp_rom_printf("it was read\n");
    (void)fflush(NULL);
    _Exit(0); // nobody looks for leaks of the program around
}

static void numbers_of_the_partition_table_are_not_cut(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "nvs, data, nvs, 0x9000, 0x100006000\n", // would be 0x6000 in 32 bits
        "nvs, data, nvs, 0x9000, 4194305K\n",    // would be 1K
        "nvs, data, nvs, 0x9000, 4096M\n",
        "nvs, data, nvs, 0x9000, -4096\n",
        "nvs, data, nvs, 0x100009000, 0x6000\n",
        "nvs, data, nvs, 0xffff0000, 64K\n", // ends beyond 32 bits
        "nvs, data, nvs, 0x9000, 99999999999999999999\n",
        "nvs, data, nvs, 0x9000, 24KB\n",
    };
    for (size_t n = 0; n < sizeof(bad) / sizeof(bad[0]); n++) {
        host_flash_use_table(bad[n]);
        expect(looks_for_a_partition, HOST_EXIT_PANIC, "partition table, line 1: ");
    }
    host_flash_use_table("nvs, data, nvs, 0x9000, 24K\n");
    expect(looks_for_a_partition, 0, "it was read");
    host_flash_use_table(NULL);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(abort_is_a_panic_that_names_the_task),
        cmocka_unit_test(failed_assert_is_a_panic),
        cmocka_unit_test(failed_error_check_prints_what_failed),
        cmocka_unit_test(system_abort_gives_the_details),
        cmocka_unit_test(heap_damage_is_named),
        cmocka_unit_test(calls_from_interrupts_are_refused_by_name),
        cmocka_unit_test(restart_runs_the_handlers_backwards),
        cmocka_unit_test(power_cut_can_reset_the_board),
        cmocka_unit_test(numbers_of_the_partition_table_are_not_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
