// SPDX-License-Identifier: Apache-2.0

// The PC stands still in the midst of a run on threads: the board's clock does, too.

#include "ktest.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#define STALL_MS 500
#define DELAY_MS 300
#define PAID_MS  100 // what may pass on the board while the PC stalls: a busy one goes on haltingly

static const host_config_t s_board = {.sched = HOST_SCHED_THREADS, .quiet = true};

static uint64_t pc_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

/** Another process stops this one and lets it go on. */
static pid_t stall(void)
{
    const struct timespec pause = {.tv_nsec = STALL_MS * 1000000};
    const pid_t board = getpid();
    const pid_t helper = fork();
    KTEST_CHECK(helper >= 0);
    if (helper == 0) {
        (void)kill(board, SIGSTOP);
        (void)nanosleep(&pause, NULL);
        _exit(kill(board, SIGCONT) == 0 ? 0 : 1);
    }
    return helper;
}

static void wait_for(pid_t helper)
{
    int status = -1;
    KTEST_CHECK(waitpid(helper, &status, 0) == helper && status == 0);
}

static void leaves_the_stall_out(void *arg)
{
    (void)arg;
    const uint64_t pc = pc_us();
    const uint64_t board = host_now_us();
    wait_for(stall());
    const uint64_t board_passed = host_now_us() - board;
    const uint64_t pc_passed = pc_us() - pc;
    KTEST_CHECK(pc_passed >= STALL_MS * 1000u);
    KTEST_CHECK(board_passed + (STALL_MS - PAID_MS) * 1000u <= pc_passed);
    host_exit(0);
}

static void sleeps_to_the_end(void *arg)
{
    (void)arg;
    const uint64_t pc = pc_us();
    const TickType_t start = xTaskGetTickCount();
    const pid_t helper = stall();
    vTaskDelay(pdMS_TO_TICKS(DELAY_MS));
    KTEST_CHECK(xTaskGetTickCount() - start >= pdMS_TO_TICKS(DELAY_MS));
    wait_for(helper);
    KTEST_CHECK(pc_us() - pc >= (STALL_MS - PAID_MS + DELAY_MS) * 1000u);
    host_exit(0);
}

static void read_on(void *arg)
{
    uint64_t last = 0;
    while (__atomic_load_n((int *)arg, __ATOMIC_ACQUIRE) == 0) {
        const uint64_t now = host_now_us();
        KTEST_CHECK(now >= last);
        last = now;
        taskYIELD();
    }
    __atomic_store_n((int *)arg, 2, __ATOMIC_RELEASE);
    vTaskDelete(NULL);
}

static void never_goes_back(void *arg)
{
    static int s_stop;
    (void)arg;
    KTEST_CHECK(xTaskCreate(read_on, "reader", 4096, &s_stop, 5, NULL) == pdPASS);
    for (int i = 0; i < 2; i++) {
        wait_for(stall());
    }
    __atomic_store_n(&s_stop, 1, __ATOMIC_RELEASE);
    while (__atomic_load_n(&s_stop, __ATOMIC_ACQUIRE) != 2) {
        vTaskDelay(1);
    }
    host_exit(0);
}

static void check(void (*story)(void *arg))
{
    static ktest_run_t s_run;
    ktest_run_board(&s_board, story, NULL, &s_run);
    if (s_run.exit_code != 0) {
        print_error("%s\n", s_run.output);
    }
    assert_int_equal(s_run.exit_code, 0);
}

static void the_clock_leaves_a_stall_out(void **state)
{
    (void)state;
    check(leaves_the_stall_out);
}

static void a_delay_is_not_cut_short(void **state)
{
    (void)state;
    check(sleeps_to_the_end);
}

static void the_clock_never_goes_back(void **state)
{
    (void)state;
    check(never_goes_back);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_clock_leaves_a_stall_out),
        cmocka_unit_test(a_delay_is_not_cut_short),
        cmocka_unit_test(the_clock_never_goes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
