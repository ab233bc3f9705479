// SPDX-License-Identifier: Apache-2.0
#include "device_test.h"

#include <inttypes.h>
#include <stdio.h>

#include "ktest.h"

static const struct CMUnitTest *s_test; /* that runs */
static unsigned s_passed;
static unsigned s_failed;

static void print_figures(void)
{
    printf("%u passed, %u failed\n", s_passed, s_failed);
}

static void run_test(void)
{
    void *state = NULL;
    if (s_test->setup != NULL && s_test->setup(&state) != 0) {
        device_assert_failed(__FILE__, __LINE__, "the setup");
    }
    s_test->test(&state);
    if (s_test->teardown != NULL && s_test->teardown(&state) != 0) {
        device_assert_failed(__FILE__, __LINE__, "the teardown");
    }
}

int ktest_main(int argc, char **argv, const struct CMUnitTest *tests, size_t count,
               const host_config_t *config)
{
    (void)argc;
    (void)argv;
    (void)config; /* there is one board */
    for (size_t i = 0; i < count; i++) {
        s_test = &tests[i];
        if (device_runner_run(s_test->name, run_test)) {
            s_passed++;
        } else {
            s_failed++;
        }
    }
    return 0;
}

void device_assert_failed(const char *file, int line, const char *what)
{
    device_runner_fail(file, line, what);
}

void device_assert_equal(const char *file, int line, uintmax_t a, uintmax_t b, const char *what)
{
    if (a != b) {
        printf("%#" PRIx64 " and %#" PRIx64 "\n", (uint64_t)a, (uint64_t)b);
        device_assert_failed(file, line, what);
    }
}

void ktest_fail(const char *file, int line, const char *what)
{
    printf("%s:%d: check failed: %s\n", file, line, what);
    s_failed++;
    print_figures();
    device_runner_stop();
}

uint32_t ktest_patience_ms(uint32_t ms)
{
    return ms > 60000 ? ms : 60000; /* an emulator on a busy machine */
}

int ktest_polls(int polls)
{
    return (int)ktest_patience_ms((uint32_t)polls);
}

int device_test_all(void)
{
    static const struct {
        const char *name;
        int (*run)(int argc, char **argv);
    } files[] = {
#define DEVICE_ENTRY(name) {#name, device_##name},
        DEVICE_CASES(DEVICE_ENTRY)
#undef DEVICE_ENTRY
    };
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        printf("---- %s\n", files[i].name);
        (void)files[i].run(0, NULL);
    }
    print_figures();
    return (int)s_failed;
}
