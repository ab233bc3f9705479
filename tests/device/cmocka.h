// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * The words of cmocka that our tests use, for the test app of the target, which has Unity. Found
 * instead of the library's by the order of folders.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct CMUnitTest {
    const char *name;
    void (*test)(void **state);
    int (*setup)(void **state);
    int (*teardown)(void **state);
};

// clang-format off
#define cmocka_unit_test(fn)                         {#fn, fn, NULL, NULL}
#define cmocka_unit_test_setup(fn, up)               {#fn, fn, up, NULL}
#define cmocka_unit_test_setup_teardown(fn, up, down) {#fn, fn, up, down}
// clang-format on

#define DEVICE_ASSERT(condition, text)                                                             \
    ((condition) ? (void)0 : device_assert_failed(__FILE__, __LINE__, text))

#define assert_true(value)            DEVICE_ASSERT(value, #value)
#define assert_false(value)           DEVICE_ASSERT(!(value), "not " #value)
#define assert_null(value)            DEVICE_ASSERT((value) == NULL, #value " is NULL")
#define assert_non_null(value)        DEVICE_ASSERT((value) != NULL, #value " is not NULL")
#define assert_ptr_equal(a, b)        DEVICE_ASSERT((const void *)(a) == (const void *)(b), #a " is " #b)
#define assert_string_equal(a, b)     DEVICE_ASSERT(strcmp(a, b) == 0, #a " is " #b)
#define assert_string_not_equal(a, b) DEVICE_ASSERT(strcmp(a, b) != 0, #a " is not " #b)
#define assert_memory_equal(a, b, n)  DEVICE_ASSERT(memcmp(a, b, n) == 0, #a " is " #b)
#define assert_int_equal(a, b)                                                                     \
    device_assert_equal(__FILE__, __LINE__, (uintmax_t)(a), (uintmax_t)(b), #a " is " #b)
#define assert_int_not_equal(a, b) DEVICE_ASSERT((uintmax_t)(a) != (uintmax_t)(b), #a " is not " #b)
#define assert_in_range(value, low, high)                                                          \
    DEVICE_ASSERT((uintmax_t)(value) >= (uintmax_t)(low) &&                                        \
                      (uintmax_t)(value) <= (uintmax_t)(high),                                     \
                  #value " is within " #low " and " #high)
#define fail_msg(...) (printf(__VA_ARGS__), printf("\n"), DEVICE_ASSERT(false, "see above"))

#define print_message(...) ((void)printf(__VA_ARGS__))
#define print_error(...)   ((void)printf(__VA_ARGS__))

/** End the running test. @context the task "main" */
_Noreturn void device_assert_failed(const char *file, int line, const char *what);
void device_assert_equal(const char *file, int line, uintmax_t a, uintmax_t b, const char *what);
