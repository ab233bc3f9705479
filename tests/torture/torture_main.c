// SPDX-License-Identifier: Apache-2.0
/*
 * The runner: seeds in processes of their own, two at a time; progress, the table, and the
 * shrinking of a seed that fails. A seed's process starts this program again, so that a reset of
 * its board, which starts the program again with the same arguments, stays within the seed.
 */
#include "torture.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "torture_table.h"

#define PARALLEL 2
/* A seed hangs when it has computed for so long, which a loaded machine does not change: under
 * AddressSanitizer one takes some seconds. On real threads its own time is the machine's. */
#define HANG_CPU_S     300
#define HANG_THREADS_S 1500
#define STANDSTILL_S   600 /* or when it has not computed at all for so long */
#define OUTPUT_SHOWN   3000

typedef struct {
    uint64_t first, seeds;
    uint32_t restarts;
    uint32_t minutes; // 0 = as many seeds as asked for
    torture_limits_t limits;
    bool one, verbose, threads, whole_table, no_shrink;
    int report_fd;
} options_t;

typedef struct {
    uint64_t seed;
    pid_t pid;
    int report_fd, output_fd;
    time_t started;
    time_t moved;   // when it was seen to compute last
    int64_t cpu_us; // what it had computed then
    int status;
    bool killed, threads;
    torture_report_t report;
} child_t;

static volatile sig_atomic_t s_enough; // asked to come to an end: with a table all the same

static void on_enough(int number)
{
    (void)number;
    s_enough = 1;
}

static time_t now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

/* ---- one process ---- */

static void arguments_of(const options_t *options, uint64_t seed, char text[6][32], char *argv[24])
{
    unsigned n = 0;
    argv[n++] = (char *)"torture";
    argv[n++] = (char *)"--seed";
    snprintf(text[0], 32, "%" PRIu64, seed);
    argv[n++] = text[0];
    if (options->threads) {
        argv[n++] = (char *)"--threads";
    }
    if (options->limits.only_kind >= 0) {
        argv[n++] = (char *)"--fault";
        snprintf(text[1], 32, "%s", torture_kinds[options->limits.only_kind].name);
        argv[n++] = text[1];
    }
    if (options->limits.drop_faults != 0) {
        argv[n++] = (char *)"--drop";
        snprintf(text[2], 32, "%" PRIu32, options->limits.drop_faults);
        argv[n++] = text[2];
    }
    if (options->limits.max_services != 0) {
        argv[n++] = (char *)"--services";
        snprintf(text[3], 32, "%" PRIu32, options->limits.max_services);
        argv[n++] = text[3];
    }
    if (options->limits.max_apps != UINT32_MAX) {
        argv[n++] = (char *)"--apps";
        snprintf(text[4], 32, "%" PRIu32, options->limits.max_apps);
        argv[n++] = text[4];
    }
    argv[n] = NULL;
}

static void start_child(child_t *child, const options_t *options, uint64_t seed)
{
    int fds[2];
    char text[6][32];
    char *argv[24];
    memset(child, 0, sizeof(*child));
    child->seed = seed;
    child->started = child->moved = now_s();
    child->threads = options->threads;
    child->output_fd = memfd_create("torture", MFD_CLOEXEC);
    if (child->output_fd < 0 || pipe(fds) != 0) {
        perror("torture");
        exit(2);
    }
    fcntl(fds[0], F_SETFD, FD_CLOEXEC);
    child->report_fd = fds[0];
    fflush(NULL);
    child->pid = fork();
    if (child->pid == 0) {
        unsigned n = 0;
        setpgid(0, 0); // Ctrl-C is for the runner
        arguments_of(options, seed, text, argv);
        while (argv[n] != NULL) {
            n++;
        }
        argv[n++] = (char *)"--report";
        snprintf(text[5], 32, "%d", fds[1]);
        argv[n++] = text[5];
        argv[n] = NULL;
        dup2(child->output_fd, STDOUT_FILENO);
        dup2(child->output_fd, STDERR_FILENO);
        execv("/proc/self/exe", argv);
        _exit(127);
    }
    close(fds[1]);
}

static bool has_passed(const child_t *child)
{
    return !child->killed && WIFEXITED(child->status) && WEXITSTATUS(child->status) == 0 &&
           child->report.complete == TORTURE_COMPLETE;
}

/** What a process computed so far, however often it was kept from its processor. */
static int64_t cpu_us(pid_t pid)
{
    clockid_t clock;
    struct timespec used;
    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &used) != 0) {
        return 0; // it has just ended
    }
    return used.tv_sec * INT64_C(1000000) + used.tv_nsec / 1000;
}

static bool hangs(child_t *child)
{
    const time_t now = now_s();
    const int64_t used_us = cpu_us(child->pid);
    if (used_us != child->cpu_us) {
        child->cpu_us = used_us;
        child->moved = now;
    }
    return now - child->moved > STANDSTILL_S ||
           (child->threads ? now - child->started > HANG_THREADS_S
                           : used_us > HANG_CPU_S * INT64_C(1000000));
}

/** @return true when it has ended */
static bool look_at_child(child_t *child)
{
    if (waitpid(child->pid, &child->status, WNOHANG) != child->pid) {
        if (!child->killed && hangs(child)) {
            child->killed = true;
            kill(child->pid, SIGKILL);
        }
        return false;
    }
    if (read(child->report_fd, &child->report, sizeof(child->report)) !=
        (ssize_t)sizeof(child->report)) {
        child->report.complete = 0;
    }
    return true;
}

static void close_child(child_t *child)
{
    close(child->report_fd);
    close(child->output_fd);
    child->pid = 0;
}

static void print_output(const child_t *child)
{
    char text[OUTPUT_SHOWN + 1];
    const off_t end = lseek(child->output_fd, 0, SEEK_END);
    const off_t from = end > OUTPUT_SHOWN ? end - OUTPUT_SHOWN : 0;
    const ssize_t got = pread(child->output_fd, text, OUTPUT_SHOWN, from);
    text[got > 0 ? got : 0] = '\0';
    printf("%s\n", text);
    if (child->killed) {
        printf("seed %" PRIu64 ": hung, killed\n", child->seed);
    } else if (WIFSIGNALED(child->status)) {
        printf("seed %" PRIu64 ": ended by signal %d\n", child->seed, WTERMSIG(child->status));
    }
}

/* ---- shrinking ---- */

static bool fails(const options_t *options, uint64_t seed)
{
    const struct timespec pause = {.tv_nsec = 2000000};
    child_t child;
    start_child(&child, options, seed);
    while (!look_at_child(&child)) {
        nanosleep(&pause, NULL);
    }
    const bool failed = !has_passed(&child);
    close_child(&child);
    return failed;
}

/** Leave out what the failure does not need: faults, apps, services. */
static void shrink(options_t *options, uint64_t seed)
{
    for (uint32_t i = 0; i < FAULTS_MAX; i++) {
        options_t less = *options;
        less.limits.drop_faults |= 1u << i;
        if (fails(&less, seed)) {
            *options = less;
        }
    }
    for (uint32_t apps = 0; apps < APPS_MAX; apps++) {
        options_t less = *options;
        less.limits.max_apps = apps;
        if (fails(&less, seed)) {
            *options = less;
            break;
        }
    }
    for (uint32_t services = 2; services < SERVICES_MAX; services++) {
        options_t less = *options;
        less.limits.max_services = services;
        if (fails(&less, seed)) {
            *options = less;
            break;
        }
    }
}

static void print_command(const options_t *options, uint64_t seed)
{
    char text[6][32];
    char *argv[24];
    arguments_of(options, seed, text, argv);
    printf("again: ./kraken torture");
#if defined(TORTURE_EVERY_ACCESS)
    printf(" --flavour sim");
#endif
    for (unsigned i = 1; argv[i] != NULL; i++) {
        printf(" %s", argv[i]);
    }
    printf("\n");
}

static void explain(const options_t *options, const child_t *child)
{
    options_t small = *options;
    printf("\nseed %" PRIu64 " failed:\n", child->seed);
    print_output(child);
    if (!options->no_shrink) {
        printf("shrinking ...\n");
        fflush(stdout);
        shrink(&small, child->seed);
    }
    print_command(&small, child->seed);
}

/* ---- many seeds ---- */

static void progress(uint64_t done, const options_t *options, time_t started)
{
    static time_t s_last;
    const time_t now = now_s();
    if (now - s_last < 5) {
        return;
    }
    s_last = now;
    if (options->minutes != 0) {
        printf("%" PRIu64 " seeds, %d of %" PRIu32 " s\n", done, (int)(now - started),
               options->minutes * 60);
    } else {
        printf("%" PRIu64 " of %" PRIu64 " seeds, %d s\n", done, options->seeds,
               (int)(now - started));
    }
    fflush(stdout);
}

static bool more(const options_t *options, uint64_t begun, time_t started)
{
    if (s_enough) {
        return false;
    }
    return options->minutes != 0 ? now_s() - started < (time_t)options->minutes * 60
                                 : begun < options->seeds;
}

static int run_many(const options_t *options)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    const time_t started = now_s();
    child_t table[PARALLEL] = {0};
    uint64_t begun = 0;
    uint64_t done = 0;
    bool failed = false;
    unsigned running = 0;
    table_begin();
    signal(SIGINT, on_enough);
    signal(SIGTERM, on_enough);
    while (running > 0 || (!failed && more(options, begun, started))) {
        bool moved = false;
        for (unsigned i = 0; i < PARALLEL; i++) {
            child_t *child = &table[i];
            if (child->pid == 0 && !failed && more(options, begun, started)) {
                start_child(child, options, options->first + begun++);
                running++;
                moved = true;
            } else if (child->pid != 0 && look_at_child(child)) {
                running--;
                moved = true;
                if (has_passed(child)) {
                    table_add(&child->report);
                    done++;
                } else if (!failed) {
                    failed = true;
                    explain(options, child);
                }
                close_child(child);
                progress(done, options, started);
            }
        }
        if (!moved) {
            nanosleep(&pause, NULL);
        }
    }
    const bool whole = table_print(done, (unsigned)(now_s() - started), options->limits.only_kind);
    if (failed) {
        return 1;
    }
    if (options->whole_table && !whole) {
        printf("a cell of the table is empty: more seeds are needed\n");
        return 1;
    }
    return 0;
}

/* ---- arguments ---- */

static int find_kind(const char *name)
{
    for (int i = 0; i < TORTURE_FAULT_KINDS; i++) {
        if (strcmp(torture_kinds[i].name, name) == 0) {
            return i;
        }
    }
    return -1;
}

static bool take_option(options_t *options, const char *name, const char *value)
{
    const uint64_t number = strtoull(value, NULL, 0);
    if (strcmp(name, "--seeds") == 0) {
        options->seeds = number;
    } else if (strcmp(name, "--first") == 0) {
        options->first = number;
    } else if (strcmp(name, "--minutes") == 0) {
        options->minutes = (uint32_t)number;
    } else if (strcmp(name, "--seed") == 0) {
        options->first = number;
        options->one = true;
    } else if (strcmp(name, "--restarts") == 0) {
        options->restarts = (uint32_t)number;
        options->one = true;
        options->limits.drop_faults = UINT32_MAX;
        return number != 0;
    } else if (strcmp(name, "--drop") == 0) {
        options->limits.drop_faults = (uint32_t)number;
    } else if (strcmp(name, "--services") == 0) {
        options->limits.max_services = (uint32_t)number;
    } else if (strcmp(name, "--apps") == 0) {
        options->limits.max_apps = (uint32_t)number;
    } else if (strcmp(name, "--report") == 0) {
        options->report_fd = (int)number;
    } else if (strcmp(name, "--fault") == 0) {
        options->limits.only_kind = find_kind(value);
        return options->limits.only_kind >= 0;
    } else {
        return false;
    }
    return true;
}

static bool parse(int argc, char **argv, options_t *options)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "-v") == 0) {
            options->verbose = true;
        } else if (strcmp(argv[i], "--threads") == 0) {
            options->threads = true;
        } else if (strcmp(argv[i], "--whole-table") == 0) {
            options->whole_table = true;
        } else if (strcmp(argv[i], "--no-shrink") == 0) {
            options->no_shrink = true;
        } else if (i + 1 >= argc || !take_option(options, argv[i], argv[i + 1])) {
            return false;
        } else {
            i++;
        }
    }
    return options->seeds != 0;
}

static int usage(void)
{
    fprintf(stderr, "usage: torture [--seeds N | --minutes M] [--first K] [--fault KIND] "
                    "[--whole-table] [--no-shrink] [--threads]\n"
                    "       torture --restarts N [--seed N] [-v]\n"
                    "       torture --seed N [-v] [--fault KIND] [--drop BITS] [--services N] "
                    "[--apps N]\nkinds:");
    for (int i = 0; i < TORTURE_FAULT_KINDS; i++) {
        fprintf(stderr, " %s", torture_kinds[i].name);
    }
    fprintf(stderr, "\n");
    return 2;
}

int main(int argc, char **argv)
{
    options_t options = {.first = 1,
                         .seeds = 200,
                         .limits = {.only_kind = -1, .max_apps = UINT32_MAX},
                         .report_fd = -1};
    static torture_plan_t plan;
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (!parse(argc, argv, &options)) {
        return usage();
    }
    if (!options.one) {
        return run_many(&options);
    }
    torture_make_plan(options.first, &options.limits, &plan);
    plan.restarts = options.restarts;
    const int code = torture_run(&plan, options.threads, options.verbose, options.report_fd);
    if (options.report_fd < 0) {
        printf("torture: seed %" PRIu64 " %s\n", options.first, code == 0 ? "passed" : "failed");
    }
    return code;
}
