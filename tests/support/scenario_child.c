// SPDX-License-Identifier: Apache-2.0
#include "scenario_child.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

// As much of a failing run's output as a person wants to see.
#define OUTPUT_SHOWN 6000

static time_t now_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

// In the child: never returns.
static void become_run(const char *mode, uint64_t seed, int report_fd, int output_fd)
{
    char program[] = "/proc/self/exe";
    char one[] = "--one";
    char seed_text[24];
    char fd_text[16];
    char mode_text[16];

    snprintf(seed_text, sizeof(seed_text), "%" PRIu64, seed);
    snprintf(fd_text, sizeof(fd_text), "%d", report_fd);
    snprintf(mode_text, sizeof(mode_text), "%s", mode);
    dup2(output_fd, STDOUT_FILENO);
    dup2(output_fd, STDERR_FILENO);
    const int nothing = open("/dev/null", O_RDONLY);
    if (nothing >= 0) {
        dup2(nothing, STDIN_FILENO);
    }
    char *const argv[] = {program, one, seed_text, fd_text, mode_text, NULL};
    execv(program, argv);
    _exit(127);
}

bool scenario_child_start(scenario_child_t *child, const char *mode, uint64_t seed)
{
    int fds[2];

    memset(child, 0, sizeof(*child));
    child->seed = seed;
    child->output_fd = memfd_create("scenario", MFD_CLOEXEC);
    if (child->output_fd < 0 || pipe(fds) != 0) {
        return false;
    }
    // Only this run may hold the write end, or the end of file never comes.
    fcntl(fds[0], F_SETFD, FD_CLOEXEC);
    fcntl(fds[0], F_SETFL, O_NONBLOCK);
    child->report_fd = fds[0];
    child->started = now_s();
    fflush(NULL);
    child->pid = fork();
    if (child->pid == 0) {
        become_run(mode, seed, fds[1], child->output_fd);
    }
    close(fds[1]);
    return child->pid > 0;
}

void scenario_child_guard(scenario_child_t *child, uint32_t hang_s)
{
    if (!child->killed && now_s() - child->started > (time_t)hang_s) {
        child->killed = true;
        kill(child->pid, SIGKILL);
    }
}

void scenario_child_collect(scenario_child_t *child)
{
    scenario_report_t report;

    // The run has ended: its report, smaller than a pipe, is there or never comes.
    if (read(child->report_fd, &report, sizeof(report)) == (ssize_t)sizeof(report)) {
        child->report = report;
    }
}

void scenario_child_print_output(const scenario_child_t *child)
{
    char text[OUTPUT_SHOWN + 1];
    const off_t end = lseek(child->output_fd, 0, SEEK_END);
    const off_t from = end > OUTPUT_SHOWN ? end - OUTPUT_SHOWN : 0;
    const ssize_t got = pread(child->output_fd, text, OUTPUT_SHOWN, from);

    if (got <= 0) {
        printf("    (it printed nothing)\n");
        return;
    }
    text[got] = '\0';
    printf("%s%s%s", from > 0 ? "    […]\n" : "", text, text[got - 1] == '\n' ? "" : "\n");
}

void scenario_child_close(scenario_child_t *child)
{
    close(child->report_fd);
    close(child->output_fd);
}
