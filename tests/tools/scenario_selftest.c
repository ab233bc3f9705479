// SPDX-License-Identifier: Apache-2.0
//
// Scenarios that misbehave on purpose, over a board that is only pretended: for test_scenario.py,
// which shows that the scenario runner notices. SELFTEST in the environment says how.

#include "scenario.h"

#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static jmp_buf s_boot;
static int s_code;
static uint64_t s_hash;

static bool asked(const char *what)
{
    const char *how = getenv("SELFTEST");

    return how && strcmp(how, what) == 0;
}

/* ---- the pretended board ---- */

int host_boot(const host_config_t *config, void (*main_fn)(void *arg), void *arg)
{
    static int here;

    s_hash = config->sched == HOST_SCHED_SIM ? config->seed * 0x9e3779b97f4a7c15u : 0;
    if (asked("same")) {
        s_hash = 7;
    } else if (asked("address")) {
        s_hash = (uint64_t)(uintptr_t)&here;
    } else if (asked("time")) {
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        s_hash = (uint64_t)now.tv_nsec;
    }
    if (setjmp(s_boot) == 0) {
        main_fn(arg);
    }
    return s_code;
}

void host_exit(int code)
{
    s_code = code;
    longjmp(s_boot, 1);
}

uint64_t host_trace_hash(void)
{
    return s_hash;
}

uint64_t host_trace_points(void)
{
    return 1;
}

uint64_t host_now_us(void)
{
    return 1234;
}

/* ---- the story ---- */

static void story(void)
{
    printf("seed %u speaks\n", (unsigned)scenario_seed());
    if (asked("fail")) {
        SCENARIO_CHECK(scenario_seed() != 5);
    }
    if (asked("fail_int")) {
        SCENARIO_CHECK_INT(scenario_seed(), <, 3);
    }
    if (asked("crash") && scenario_seed() == 4) {
        raise(SIGSEGV);
    }
    if (asked("hang") && scenario_seed() == 3) {
        for (;;) {
            pause();
        }
    }
    if (asked("silent_exit") && scenario_seed() == 2) {
        _exit(0);
    }
}

int main(int argc, char **argv)
{
    // Only what hangs on purpose is killed so soon: the others may be slow on a busy machine.
    const scenario_t scenario = {.name = "selftest", .run = story, .hang_s = asked("hang") ? 2 : 0};

    return scenario_main(argc, argv, &scenario);
}
