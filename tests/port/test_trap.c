// SPDX-License-Identifier: Apache-2.0

// Faults of the processor: panics, unless a hook wants the task to go on elsewhere and ending it
// would harm nobody.

#include "ktest.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "freertos/FreeRTOS.h"
#include "freertos/semphr.h"
#include "freertos/task.h"
#include "host_control.h"
#include "host_system.h"
#include "host_trap.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true // a fault that is nobody's is the sanitizer's to report
#else
#define SANITIZED false
#endif
#define CONTAINED 77

static ktest_run_t s_run;
static void *volatile s_null;
static char *volatile s_bad = (char *)16;
static volatile int s_zero;

__attribute__((no_sanitize("undefined"))) static void store(void)
{
    *(volatile int *)s_null = 1;
}

/* ---- the hook ---- */

static void land(void *arg)
{
    printf("landed: %s\n", (const char *)arg);
    host_exit(CONTAINED);
}

static host_trap_land_t take(const host_trap_t *trap, void **arg)
{
    *arg = (void *)(uintptr_t)(trap->stack_overflow ? "stack overflow" : trap->what);
    return land;
}

static void expect(void (*fn)(void *arg), int code, const char *text)
{
    static const host_sched_t scheds[] = {HOST_SCHED_THREADS, HOST_SCHED_SIM};
#if defined(__SANITIZE_THREAD__)
    const unsigned count = 1;
#else
    const unsigned count = 2;
#endif
    for (unsigned i = 0; i < count; i++) {
        const host_config_t config = {.sched = scheds[i], .restart_exits = true, .quiet = true};
        ktest_run_board(&config, fn, NULL, &s_run);
        const bool ended = SANITIZED && code == HOST_EXIT_PANIC ? s_run.exit_code != CONTAINED
                                                                : s_run.exit_code == code;
        const bool said = (SANITIZED && code == HOST_EXIT_PANIC) || strstr(s_run.output, text);
        if (!ended || !said || s_run.timed_out) {
            fail_msg("scheduler %u: exit %d signal %d, expected %d and \"%s\", printed:\n%s", i,
                     s_run.exit_code, s_run.signal, code, text, s_run.output);
        }
    }
}

/* ---- nobody's fault ---- */

static void faults(void *arg)
{
    (void)arg;
    store();
}

__attribute__((noinline)) static int without_end(int n)
{
    volatile char frame[200];
    frame[n % 200] = (char)n;
    return n < 0 ? 0 : without_end(n + 1) + frame[s_zero];
}

static void overflows(void *arg)
{
    (void)arg;
    (void)without_end(0);
}

static void jumps_nowhere(void *arg)
{
    (void)arg;
    void (*volatile nowhere)(void) = (void (*)(void))(uintptr_t)16;
    nowhere();
}

static void a_fault_of_firmware_is_a_panic(void **state)
{
    (void)state;
    expect(faults, HOST_EXIT_PANIC, "panic'ed (SIGSEGV at");
    assert_true(SANITIZED || strstr(s_run.output, "Task: main") != NULL);
    assert_true(SANITIZED || strstr(s_run.output, "Backtrace:") != NULL);
    expect(overflows, HOST_EXIT_PANIC, "panic'ed (SIGSEGV at");
    expect(jumps_nowhere, HOST_EXIT_PANIC, "panic'ed (SIGSEGV at 0x10");
}

/* ---- somebody's ---- */

static void faults_with_hook(void *arg)
{
    host_trap_set_hook(take);
    faults(arg);
}

static void overflows_with_hook(void *arg)
{
    host_trap_set_hook(take);
    overflows(arg);
}

__attribute__((no_sanitize("undefined"))) static void divides(void *arg)
{
    (void)arg;
    host_trap_set_hook(take);
    s_zero = 1000 / s_zero;
}

static void aborts(void *arg)
{
    (void)arg;
    host_trap_set_hook(take);
    abort();
}

static void one_that_is_taken_lands(void **state)
{
    (void)state;
    expect(faults_with_hook, CONTAINED, "landed: SIGSEGV");
    expect(overflows_with_hook, CONTAINED, "landed: stack overflow");
    expect(divides, CONTAINED, "landed: SIGFPE");
    expect(aborts, CONTAINED, "landed: abort()");
}

/* ---- where a task may not be ended ---- */

static void in_critical_section(void *arg)
{
    static portMUX_TYPE mux = portMUX_INITIALIZER_UNLOCKED;
    (void)arg;
    host_trap_set_hook(take);
    portENTER_CRITICAL(&mux);
    store();
}

static void with_mutex(void *arg)
{
    (void)arg;
    host_trap_set_hook(take);
    (void)xSemaphoreTake(xSemaphoreCreateMutex(), portMAX_DELAY);
    store();
}

static void with_lock_of_the_board(void *arg)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    (void)arg;
    host_trap_set_hook(take);
    (void)pthread_mutex_lock(&lock);
    store();
}

static void with_scheduler_suspended(void *arg)
{
    (void)arg;
    host_trap_set_hook(take);
    vTaskSuspendAll();
    store();
}

static void aborts_in_critical_section(void *arg)
{
    static portMUX_TYPE mux = portMUX_INITIALIZER_UNLOCKED;
    (void)arg;
    host_trap_set_hook(take);
    portENTER_CRITICAL(&mux);
    abort();
}

static void in_interrupt(void *arg)
{
    host_trap_set_hook(take);
    host_isr_run(faults, arg, 0);
}

static void it_panics_where_its_end_would_do_harm(void **state)
{
    (void)state;
    expect(in_critical_section, HOST_EXIT_PANIC, "panic'ed (SIGSEGV at");
    expect(with_mutex, HOST_EXIT_PANIC, "panic'ed (SIGSEGV at");
    expect(with_lock_of_the_board, HOST_EXIT_PANIC, "panic'ed (SIGSEGV at");
    expect(with_scheduler_suspended, HOST_EXIT_PANIC, "panic'ed (SIGSEGV at");
    expect(aborts_in_critical_section, HOST_EXIT_PANIC, "abort() was called");
    expect(in_interrupt, HOST_EXIT_PANIC, "panic'ed (SIGSEGV at");
}

/* ---- in the C library ---- */

static void copies(void *arg)
{
    host_trap_set_hook(take);
    memcpy(s_bad, arg != NULL ? arg : "sixteen bytes and more", 20);
}

static void formats(void *arg)
{
    char text[32];
    (void)arg;
    host_trap_set_hook(take);
    (void)snprintf(text, sizeof(text), "%s", s_bad);
}

static void writes_to_stream(void *arg)
{
    (void)arg;
    host_trap_set_hook(take);
    (void)fwrite(s_bad, 1, 100000, stdout);
    (void)fprintf(stdout, "%s", s_bad);
}

static void the_c_library_may_hold_a_lock(void **state)
{
    (void)state;
    if (SANITIZED) {
        return; // what is called there is the sanitizer's, of which nothing is known
    }
    expect(copies, CONTAINED, "landed: SIGSEGV");
    expect(formats, CONTAINED, "landed: SIGSEGV");
    expect(writes_to_stream, HOST_EXIT_PANIC, "panic'ed (SIGSEGV at");
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fault_of_firmware_is_a_panic),
        cmocka_unit_test(one_that_is_taken_lands),
        cmocka_unit_test(it_panics_where_its_end_would_do_harm),
        cmocka_unit_test(the_c_library_may_hold_a_lock),
    };
    (void)argc;
    (void)argv;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
