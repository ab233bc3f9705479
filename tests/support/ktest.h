// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * cmocka inside the virtual board. The test functions run one after the other in the task "main"
 * (priority 1, core 0), so they may call everything of FreeRTOS and ESP-IDF, in whichever scheduler
 * the command line names:
 *
 *   static void adds_up(void **state) { ... assert_int_equal(1 + 1, 2); }
 *   int main(int argc, char **argv)
 *   {
 *       static const struct CMUnitTest tests[] = {cmocka_unit_test(adds_up)};
 *       return KTEST_MAIN(argc, argv, tests);
 *   }
 *
 * Arguments: --threads (default) | --sim, --seed N, --filter PATTERN, -v (board messages).
 *
 * cmocka's assertions jump back into the test function: they may be used in the task "main" alone.
 * Other tasks, timer callbacks and interrupts check with KTEST_CHECK(), which ends the whole
 * program with a failure.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "host_control.h"

#define KTEST_MAIN(argc, argv, tests)                                                              \
    ktest_main(argc, argv, tests, sizeof(tests) / sizeof((tests)[0]), NULL)

/** @brief Like KTEST_MAIN, with a board of one's own: seed and scheduler are filled in from the
 * arguments. */
#define KTEST_MAIN_CONFIG(argc, argv, tests, config)                                               \
    ktest_main(argc, argv, tests, sizeof(tests) / sizeof((tests)[0]), config)

/** @brief A check for any context: prints the place and ends the program with exit code 1. */
#define KTEST_CHECK(condition) ((condition) ? (void)0 : ktest_fail(__FILE__, __LINE__, #condition))

/**
 * @brief Boot the board and run the tests in it.
 * @context plain program code
 * @return exit code for main(): 0 when every test passed
 */
int ktest_main(int argc, char **argv, const struct CMUnitTest *tests, size_t count,
               const host_config_t *config);

/** @brief Report and end the program. @context any */
_Noreturn void ktest_fail(const char *file, int line, const char *what);

/**
 * @brief How long to wait for something that must happen, when ms should do.
 *
 * In the simulator time is exact, and ms is the answer. On threads the machine may be busy with
 * something else: then it is a minute at least, which costs nothing where it happens. What must not
 * happen is waited for with vTaskDelay().
 *
 * @context any task
 */
uint32_t ktest_patience_ms(uint32_t ms);

/** @brief The same for a loop that looks, waits a tick or some, and looks again. @context any task
 */
int ktest_polls(int polls);

/** How a board in a process of its own ended. */
typedef struct {
    int exit_code;      /* -1 when a signal ended it */
    int signal;         /* 0 when it exited */
    bool timed_out;     /* it was killed by ktest_run_board() */
    char output[16384]; /* stdout and stderr, cut at the end, always a string */
} ktest_run_t;

/**
 * @brief Boot a board in a child process and wait for its end.
 *
 * For what ends the program: panics, deadlock reports, restarts. The caller's statics are copied
 * into the child.
 *
 * @context plain program code, not inside a task (use a test registered as PLAIN)
 * @blocks  until the child ended, at most 10 min
 */
void ktest_run_board(const host_config_t *config, void (*fn)(void *arg), void *arg,
                     ktest_run_t *run);
