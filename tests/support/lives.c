// SPDX-License-Identifier: Apache-2.0
#include "lives.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

int lives_run(host_sched_t sched, void (*live)(void *arg), uint32_t lives)
{
    const host_config_t config = {.sched = sched, .quiet = true, .seed = 5};
    const int code = host_boot(&config, live, NULL);
    if (code != 0 || host_boot_count() + 1 != lives) {
        fprintf(stderr, "ended with %d in life %" PRIu32 "\n", code, host_boot_count());
        return 1;
    }
    printf("%" PRIu32 " lives, one board\n", lives);
    return 0;
}

void lives_check(bool ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "life %" PRIu32 " at %" PRIu64 " ms: failed: %s\n", host_boot_count(),
                host_now_us() / 1000, what);
        _Exit(1);
    }
}
