// SPDX-License-Identifier: Apache-2.0
/*
 * The same app on the virtual board: what the device will be asked to run is linked and passes.
 * Arguments: --threads (default) | --sim.
 */
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "device_test.h"
#include "host_control.h"

static jmp_buf s_start;

bool device_runner_run(const char *name, void (*fn)(void))
{
    if (setjmp(s_start) != 0) {
        printf("%s: FAIL\n", name);
        return false;
    }
    fn();
    printf("%s: PASS\n", name);
    return true;
}

void device_runner_fail(const char *file, int line, const char *why)
{
    printf("%s:%d: %s\n", file, line, why);
    longjmp(s_start, 1);
}

void device_runner_stop(void)
{
    fflush(stdout);
    _exit(1);
}

static void run(void *arg)
{
    (void)arg;
    host_exit(device_test_all() != 0);
}

int main(int argc, char **argv)
{
    host_config_t board = {.restart_exits = true, .quiet = true};
    if (argc == 2 && strcmp(argv[1], "--sim") == 0) {
        board.sched = HOST_SCHED_SIM;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    return host_boot(&board, run, NULL);
}
