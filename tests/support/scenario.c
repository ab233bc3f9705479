// SPDX-License-Identifier: Apache-2.0
#include "scenario.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "scenario_child.h"

#define PARALLEL         2 // a scenario's runs at the same time
#define MAX_SEEDS        100000
#define DEFAULT_HANG_S   600
#define DEFAULT_DISTINCT 75
#define REPEATS          3 // seeds that are run a second time
#define FAILURES_SHOWN   5

static const scenario_t *s_scenario;
static uint64_t s_seed;

typedef struct {
    const char *mode;
    uint64_t first;
    uint64_t seeds; // 0 = none asked for
    bool one;       // run one seed in this process
    bool verbose;
} options_t;

typedef struct {
    uint64_t *hashes; // by seed index; 0 where the run failed
    uint64_t *stacks;
    uint64_t passed;
    uint64_t failed;
} tally_t;

/* ---- the story's side ---- */

uint64_t scenario_seed(void)
{
    return s_seed;
}

static _Noreturn void fail_text(const char *text)
{
    if (write(STDERR_FILENO, text, strlen(text)) < 0) {
        _exit(1);
    }
    // Not host_exit(): a failed check may stand in an interrupt or with a lock held.
    _exit(1);
}

_Noreturn void scenario_fail(const char *file, int line, const char *what)
{
    char text[512];

    snprintf(text, sizeof(text), "%s:%d: seed %" PRIu64 ", %" PRIu64 " us: check failed: %s\n",
             file, line, s_seed, host_now_us(), what);
    fail_text(text);
}

_Noreturn void scenario_fail_int(const char *file, int line, const char *what, long long a,
                                 long long b)
{
    char text[640];

    snprintf(text, sizeof(text),
             "%s:%d: seed %" PRIu64 ", %" PRIu64 " us: check failed: %s (%lld, %lld)\n", file, line,
             s_seed, host_now_us(), what, a, b);
    fail_text(text);
}

static void story(void *arg)
{
    (void)arg;
    s_scenario->run();
    host_exit(s_scenario->expected_exit);
}

static int boot_story(const char *mode, uint64_t seed, bool verbose)
{
    host_config_t board = {
        .sched = strcmp(mode, "--sim") == 0 ? HOST_SCHED_SIM : HOST_SCHED_THREADS,
        .seed = seed,
        .restart_exits = true,
        .quiet = !verbose,
    };

    s_seed = seed;
    if (s_scenario->configure) {
        s_scenario->configure(&board);
    }
    return host_boot(&board, story, NULL);
}

// "--one SEED FD MODE": what scenario_child_start() asks of the program it starts.
static int run_as_child(char **argv)
{
    scenario_report_t report = {.complete = SCENARIO_REPORT_COMPLETE};
    const int fd = atoi(argv[3]);

    report.stack_address = (uint64_t)(uintptr_t)&report;
    report.exit_code = boot_story(argv[4], strtoull(argv[2], NULL, 10), true);
    report.hash = host_trace_hash();
    report.points = host_trace_points();
    fflush(NULL);
    if (write(fd, &report, sizeof(report)) != (ssize_t)sizeof(report)) {
        return 125;
    }
    return report.exit_code;
}

/* ---- the runner's side ---- */

static uint32_t hang_s(void)
{
    return s_scenario->hang_s ? s_scenario->hang_s : DEFAULT_HANG_S;
}

static bool run_passed(const scenario_child_t *child)
{
    if (child->killed || !WIFEXITED(child->status) ||
        WEXITSTATUS(child->status) != s_scenario->expected_exit) {
        return false;
    }
    // A program that merely ended has not told its story to the end; only an expected panic may.
    return s_scenario->expected_exit != 0 || child->report.complete == SCENARIO_REPORT_COMPLETE;
}

static void explain(const scenario_child_t *child, const options_t *options)
{
    char program[512];
    const ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - 1);

    program[length > 0 ? length : 0] = '\0';
    printf("  seed %" PRIu64 ": ", child->seed);
    if (child->killed) {
        printf("hung, killed after %" PRIu32 " s\n", hang_s());
    } else if (WIFSIGNALED(child->status)) {
        printf("ended by signal %d\n", WTERMSIG(child->status));
    } else if (WEXITSTATUS(child->status) == s_scenario->expected_exit) {
        printf("ended without a report: something called exit()\n");
    } else {
        printf("exit code %d instead of %d\n", WEXITSTATUS(child->status),
               s_scenario->expected_exit);
    }
    scenario_child_print_output(child);
    printf("  again: %s %s --seed %" PRIu64 " -v\n", program, options->mode, child->seed);
}

static void finish(scenario_child_t *child, const options_t *options, tally_t *tally)
{
    const uint64_t index = child->seed - options->first;

    scenario_child_collect(child);
    if (run_passed(child)) {
        tally->passed++;
        // A run that must end by a panic reports nothing; it has no hash to compare.
        tally->hashes[index] = child->report.hash;
        tally->stacks[index] = child->report.stack_address;
    } else if (++tally->failed <= FAILURES_SHOWN) {
        explain(child, options);
    }
    scenario_child_close(child);
    child->pid = 0;
}

// Wait until one of the running children has ended, and take it off the table.
static void wait_for_one(scenario_child_t *table, size_t count, const options_t *options,
                         tally_t *tally)
{
    const struct timespec pause = {.tv_nsec = 2000000};

    for (;;) {
        for (size_t i = 0; i < count; i++) {
            scenario_child_t *child = &table[i];
            if (child->pid <= 0) {
                continue;
            }
            scenario_child_guard(child, hang_s());
            if (waitpid(child->pid, &child->status, WNOHANG) == child->pid) {
                finish(child, options, tally);
                return;
            }
        }
        nanosleep(&pause, NULL);
    }
}

static void run_seeds(const options_t *options, tally_t *tally)
{
    scenario_child_t table[PARALLEL] = {0};
    uint64_t next = 0;
    size_t running = 0;

    while (next < options->seeds || running > 0) {
        if (next < options->seeds && running < PARALLEL) {
            scenario_child_t *free_slot = table[0].pid ? &table[1] : &table[0];
            if (!scenario_child_start(free_slot, options->mode, options->first + next)) {
                perror("scenario: cannot start a run");
                exit(1);
            }
            next++;
            running++;
            continue;
        }
        wait_for_one(table, PARALLEL, options, tally);
        running--;
    }
}

static int compare_hashes(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a;
    const uint64_t y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

static uint64_t count_distinct(const uint64_t *hashes, uint64_t count)
{
    uint64_t *sorted = calloc(count, sizeof(*sorted));
    uint64_t distinct = 0;

    if (!sorted) {
        return 0;
    }
    memcpy(sorted, hashes, count * sizeof(*sorted));
    qsort(sorted, count, sizeof(*sorted), compare_hashes);
    for (uint64_t i = 0; i < count; i++) {
        distinct += i == 0 || sorted[i] != sorted[i - 1];
    }
    free(sorted);
    return distinct;
}

static bool addresses_are_random(void)
{
    char setting = '0';
    FILE *file = fopen("/proc/sys/kernel/randomize_va_space", "r");

    if (file) {
        setting = (char)fgetc(file);
        fclose(file);
    }
    return setting != '0' && !(personality(0xffffffff) & ADDR_NO_RANDOMIZE);
}

// The same seed again, in processes with addresses of their own: the traces must not notice.
static bool repeat_seeds(const options_t *options, const tally_t *tally)
{
    const uint64_t picks[REPEATS] = {0, options->seeds / 2, options->seeds - 1};
    bool moved = false;

    for (size_t i = 0; i < REPEATS; i++) {
        tally_t again_tally = {0};
        uint64_t hash = 0;
        uint64_t stack = 0;
        options_t again = *options;
        again.first = options->first + picks[i];
        again.seeds = 1;
        again_tally.hashes = &hash;
        again_tally.stacks = &stack;
        run_seeds(&again, &again_tally);
        if (again_tally.failed || hash != tally->hashes[picks[i]]) {
            printf("  seed %" PRIu64 ": the second run differs: trace %016" PRIx64
                   ", before %016" PRIx64 "\n",
                   again.first, hash, tally->hashes[picks[i]]);
            return false;
        }
        moved = moved || stack != tally->stacks[picks[i]];
    }
    if (!moved && addresses_are_random()) {
        printf("  the repeated runs had the same addresses, so they prove nothing\n");
        return false;
    }
    return true;
}

static bool judge_traces(const options_t *options, const tally_t *tally)
{
    const uint64_t percent =
        s_scenario->min_distinct_percent ? s_scenario->min_distinct_percent : DEFAULT_DISTINCT;
    const uint64_t distinct = count_distinct(tally->hashes, options->seeds);

    if (s_scenario->expected_exit != 0 && distinct == 1 && tally->hashes[0] == 0) {
        return true;
    }
    printf("  %" PRIu64 " distinct traces of %" PRIu64 "\n", distinct, options->seeds);
    if (distinct * 100 < percent * options->seeds) {
        printf("  too few: the seeds do not explore (at least %" PRIu64 " %% wanted)\n", percent);
        return false;
    }
    return repeat_seeds(options, tally);
}

static int run_many(const options_t *options)
{
    tally_t tally = {0};
    bool good = false;

    tally.hashes = calloc(options->seeds, sizeof(*tally.hashes));
    tally.stacks = calloc(options->seeds, sizeof(*tally.stacks));
    if (tally.hashes && tally.stacks) {
        run_seeds(options, &tally);
        printf("scenario %s %s: %" PRIu64 " runs, %" PRIu64 " passed, %" PRIu64 " failed\n",
               s_scenario->name, options->mode, options->seeds, tally.passed, tally.failed);
        good = tally.failed == 0;
        if (good && strcmp(options->mode, "--sim") == 0) {
            good = judge_traces(options, &tally);
        }
    }
    free(tally.hashes);
    free(tally.stacks);
    return good ? 0 : 1;
}

static int run_here(const options_t *options)
{
    const int code = boot_story(options->mode, options->first, options->verbose);

    printf("scenario %s seed %" PRIu64 ": exit code %d, trace %016" PRIx64 ", %" PRIu64 " points\n",
           s_scenario->name, options->first, code, host_trace_hash(), host_trace_points());
    return code == s_scenario->expected_exit ? 0 : 1;
}

static bool parse(int argc, char **argv, options_t *options)
{
    const char *wanted = getenv("KRAKEN_SEEDS");

    for (int i = 1; i < argc; i++) {
        const bool has_value = i + 1 < argc;
        if (strcmp(argv[i], "--sim") == 0) {
            options->mode = "--sim";
        } else if (strcmp(argv[i], "--threads") == 0) {
            options->mode = "--threads";
        } else if (strcmp(argv[i], "-v") == 0) {
            options->verbose = true;
        } else if (strcmp(argv[i], "--seeds") == 0 && has_value) {
            options->seeds = strtoull(wanted ? wanted : argv[i + 1], NULL, 0);
            i++;
        } else if (strcmp(argv[i], "--first") == 0 && has_value) {
            options->first = strtoull(argv[++i], NULL, 0);
        } else if (strcmp(argv[i], "--seed") == 0 && has_value) {
            options->first = strtoull(argv[++i], NULL, 0);
            options->one = true;
        } else {
            return false;
        }
    }
    return options->seeds > 0 && options->seeds <= MAX_SEEDS;
}

int scenario_main(int argc, char **argv, const scenario_t *scenario)
{
    options_t options = {.mode = "--threads", .first = 1, .seeds = 1};

    // A run may end without flushing: by _exit() in a failed check, by a signal, by a panic.
    setvbuf(stdout, NULL, _IOLBF, 0);
    s_scenario = scenario;
    if (argc == 5 && strcmp(argv[1], "--one") == 0) {
        return run_as_child(argv);
    }
    if (!parse(argc, argv, &options)) {
        fprintf(stderr, "usage: %s --sim --seeds N [--first K] | --threads | --sim --seed N [-v]\n",
                argv[0]);
        return 2;
    }
    return options.one ? run_here(&options) : run_many(&options);
}
