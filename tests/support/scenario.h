// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * One story, told over many seeds. The story runs in the task "main" of a fresh board, in a process
 * of its own per seed:
 *
 *   static void flood(void) { ... SCENARIO_CHECK(lost == 0); }
 *   int main(int argc, char **argv)
 *   {
 *       static const scenario_t s = {.name = "flood", .run = flood};
 *       return scenario_main(argc, argv, &s);
 *   }
 *
 * Arguments
 *   --sim --seeds N [--first K]   N seeds from K (default 1). Fails when one of them fails, when
 * fewer than min_distinct_percent of the trace hashes differ, or when the same seed, run again in a
 *                                 process with other addresses, gives another hash
 *   --threads                     once, on the threads scheduler
 *   --sim --seed N, -v            one seed in this very process: for a debugger; -v shows the
 * board's messages KRAKEN_SEEDS in the environment replaces the N of --seeds.
 */

#include <stdbool.h>
#include <stdint.h>

#include "host_control.h"

typedef struct {
    const char *name;
    /* Runs in the task "main". Returning means passed; the board is then stopped. */
    void (*run)(void);
    /* Changes the board of this run (faults, cores, heap) before it boots; may be NULL. */
    void (*configure)(host_config_t *config);
    /* How many of a hundred seeds must give a trace of their own. 0 = 75; 1 for a story without
     * choices. */
    uint32_t min_distinct_percent;
    /* The exit code a run must end with; 0 for a story that simply passes. */
    int expected_exit;
    /* Real seconds after which a run counts as hung and is killed; 0 = 600. */
    uint32_t hang_s;
} scenario_t;

/** @brief Run the scenario as the arguments say. @context plain program code @return exit code for
 * main() */
int scenario_main(int argc, char **argv, const scenario_t *scenario);

/** @brief The seed of this run. @context any */
uint64_t scenario_seed(void);

/** @brief A check for any context of the story: says where and when, and ends the run with exit
 * code 1. */
#define SCENARIO_CHECK(condition)                                                                  \
    ((condition) ? (void)0 : scenario_fail(__FILE__, __LINE__, #condition))

/** @brief As SCENARIO_CHECK(a op b) for integers, and prints both values. */
#define SCENARIO_CHECK_INT(a, op, b)                                                               \
    do {                                                                                           \
        const long long scenario_a = (long long)(a);                                               \
        const long long scenario_b = (long long)(b);                                               \
        if (!(scenario_a op scenario_b)) {                                                         \
            scenario_fail_int(__FILE__, __LINE__, #a " " #op " " #b, scenario_a, scenario_b);      \
        }                                                                                          \
    } while (0)

_Noreturn void scenario_fail(const char *file, int line, const char *what);
_Noreturn void scenario_fail_int(const char *file, int line, const char *what, long long a,
                                 long long b);
