// SPDX-License-Identifier: Apache-2.0
#pragma once

// One run of a scenario in a process of its own, as scenario.c sees it.

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

/** What a run tells its parent through the report pipe when its board has stopped. */
typedef struct {
    uint64_t hash;
    uint64_t points;
    uint64_t stack_address; /* proof that two runs had different addresses */
    int32_t exit_code;
    uint32_t complete; /* SCENARIO_REPORT_COMPLETE, or nothing was reported */
} scenario_report_t;

#define SCENARIO_REPORT_COMPLETE 0x5ce7a110u

typedef struct {
    uint64_t seed;
    pid_t pid;
    int report_fd;
    int output_fd; /* a file in memory that holds what the run printed */
    time_t started;
    bool killed;
    int status; /* of waitpid() */
    scenario_report_t report;
} scenario_child_t;

/** Start this program again for one seed, in a fresh address space. mode is "--sim" or "--threads".
 */
bool scenario_child_start(scenario_child_t *child, const char *mode, uint64_t seed);

/** Kill a run that lives longer than hang_s. */
void scenario_child_guard(scenario_child_t *child, uint32_t hang_s);

/** Take over what an ended run left: its status is in child->status. */
void scenario_child_collect(scenario_child_t *child);

/** Print the end of what the run printed. */
void scenario_child_print_output(const scenario_child_t *child);

/** Close what is still open. */
void scenario_child_close(scenario_child_t *child);
