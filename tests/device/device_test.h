// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * The test app for the target: which files of tests/unit it is made of, and what runs them.
 */

#include <stdbool.h>

/** Each file's main(), see cases/. */
#define DEVICE_CASES(CASE)                                                                         \
    CASE(error_codes)                                                                              \
    CASE(memory_pool)                                                                              \
    CASE(priority_queue)                                                                           \
    CASE(event_time)                                                                               \
    CASE(event_bus)                                                                                \
    CASE(request_response)                                                                         \
    CASE(ownership)                                                                                \
    CASE(system_lock)                                                                              \
    CASE(task_memory)                                                                              \
    CASE(app_manager)                                                                              \
    CASE(input_edges)                                                                              \
    CASE(kapp_elf)

#define DEVICE_DECLARE(name) int device_##name(int argc, char **argv);
DEVICE_CASES(DEVICE_DECLARE)
#undef DEVICE_DECLARE

/** Run them all and print "N passed, N failed". @return how many failed */
int device_test_all(void);

/* ---- main/runner_unity.c on the device, pc/runner_pc.c on the PC ---- */

/** Run one test. @return it came to its end */
bool device_runner_run(const char *name, void (*fn)(void));
/** Leave it from wherever it is, having said why. */
_Noreturn void device_runner_fail(const char *file, int line, const char *why);
/** The figures are printed: go no further. */
_Noreturn void device_runner_stop(void);
