// SPDX-License-Identifier: Apache-2.0
#include "ktest.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// Longest life of a child of ktest_run_board(): a guard against hangs, not a measurement.
#define CHILD_LIFE_S 600
// Least time on threads for what must happen.
#define PATIENCE_MS 60000

typedef struct {
    const struct CMUnitTest *tests;
    size_t count;
    const char *name;
} group_t;

static _Noreturn void usage(const char *program)
{
    fprintf(stderr, "usage: %s [--threads | --sim] [--seed N] [--filter PATTERN] [-v]\n", program);
    exit(2);
}

static void run_group(void *arg)
{
    const group_t *group = arg;

    host_exit(_cmocka_run_group_tests(group->name, group->tests, group->count, NULL, NULL) ? 1 : 0);
}

int ktest_main(int argc, char **argv, const struct CMUnitTest *tests, size_t count,
               const host_config_t *config)
{
    host_config_t board = {.restart_exits = true, .quiet = true};
    const char *slash = strrchr(argv[0], '/');
    group_t group = {tests, count, slash ? slash + 1 : argv[0]};

    if (config) {
        board = *config;
    }
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--threads") == 0) {
            board.sched = HOST_SCHED_THREADS;
        } else if (strcmp(argv[i], "--sim") == 0) {
            board.sched = HOST_SCHED_SIM;
        } else if (strcmp(argv[i], "-v") == 0) {
            board.quiet = false;
        } else if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc) {
            board.seed = strtoull(argv[++i], NULL, 0);
        } else if (strcmp(argv[i], "--filter") == 0 && i + 1 < argc) {
            cmocka_set_test_filter(argv[++i]);
        } else {
            usage(argv[0]);
        }
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    return host_boot(&board, run_group, &group);
}

uint32_t ktest_patience_ms(uint32_t ms)
{
    return host_sched() == HOST_SCHED_SIM || ms > PATIENCE_MS ? ms : PATIENCE_MS;
}

int ktest_polls(int polls)
{
    return (int)ktest_patience_ms((uint32_t)polls);
}

_Noreturn void ktest_fail(const char *file, int line, const char *what)
{
    // One write: other tasks may be printing.
    char text[512];
    const int length = snprintf(text, sizeof(text), "%s:%d: check failed: %s\n", file, line, what);

    if (length > 0) {
        const size_t size = (size_t)length < sizeof(text) ? (size_t)length : sizeof(text) - 1;
        if (write(STDERR_FILENO, text, size) < 0) {
            _exit(1);
        }
    }
    _exit(1);
}

/* ---- a board in a process of its own ---- */

static int64_t seconds_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

static void collect(int fd, pid_t child, ktest_run_t *run)
{
    const int64_t end = seconds_now() + CHILD_LIFE_S;
    size_t used = 0;
    char lost[256];

    for (;;) {
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        const size_t room = sizeof(run->output) - 1 - used;

        if (poll(&ready, 1, 1000) > 0) {
            // What does not fit is read all the same: a full pipe would block the child.
            const ssize_t got =
                read(fd, room ? run->output + used : lost, room ? room : sizeof(lost));
            if (got <= 0) {
                break;
            }
            used += room ? (size_t)got : 0;
        } else if (seconds_now() > end) {
            run->timed_out = true;
            kill(child, SIGKILL);
            break;
        }
    }
    run->output[used] = '\0';
}

void ktest_run_board(const host_config_t *config, void (*fn)(void *arg), void *arg,
                     ktest_run_t *run)
{
    int fds[2];
    int status = 0;

    memset(run, 0, sizeof(*run));
    if (host_is_running() || pipe(fds) != 0) {
        ktest_fail(__FILE__, __LINE__, "ktest_run_board() needs plain program code and a pipe");
    }
    fflush(NULL);
    const pid_t child = fork();
    if (child == 0) {
        dup2(fds[1], STDOUT_FILENO);
        dup2(fds[1], STDERR_FILENO);
        close(fds[0]);
        close(fds[1]);
        const int code = host_boot(config, fn, arg);
        fflush(NULL);
        _exit(code);
    }
    close(fds[1]);
    if (child < 0) {
        ktest_fail(__FILE__, __LINE__, "fork");
    }
    collect(fds[0], child, run);
    close(fds[0]);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    run->exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    run->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}
