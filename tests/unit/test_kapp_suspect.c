// SPDX-License-Identifier: Apache-2.0

// Two lives of one board in the simulator: an app fails in a way that cannot be contained, and the
// next boot knows which one not to start.

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "host_system.h"
#include "kapp/kapp_install.h"
#include "ktest.h"
#include "system_service/app_manager.h"
#include "system_service/flight_recorder.h"
#include "system_up.h"

static void check(bool ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "life %" PRIu32 ": failed: %s\n", host_boot_count(), what);
        _Exit(1);
    }
}

static void wild_main(app_context_t *ctx)
{
    (void)ctx->set_state(ctx, APP_STATE_RUNNING);
    vTaskSuspendAll(); // what fails now cannot be ended alone
    abort();
}

static const app_manifest_t s_wild = {
    .name = "wild",
    .entry_point = wild_main,
    .stack_size = 4096,
    .priority = 5,
};

static void live(void *arg)
{
    (void)arg;
    boot_report_t report;
    check(!kapp_ended_last_boot("wild"), "nothing is known before the system is up");
    (void)system_up();
    check(boot_report_get(&report) == ESP_OK, "there is a report");
    if (host_boot_count() == 0) {
        check(!kapp_ended_last_boot("wild") && !kapp_ended_last_boot(""), "a fresh start");
        check(app_manager_register(&s_wild) == ESP_OK, "registers");
        (void)app_manager_start("wild");
        vTaskDelay(pdMS_TO_TICKS(1000));
        check(false, "the app takes the system with it");
    }
    check(report.crash && strcmp(report.culprit, "wild") == 0, "the app is named");
    check(kapp_ended_last_boot("wild"), "and not to be started");
    check(!kapp_ended_last_boot("will") && !kapp_ended_last_boot(""), "all others are");
    host_exit(0);
}

int main(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    const host_config_t config = {.sched = HOST_SCHED_SIM, .quiet = true, .seed = 5};
    const int code = host_boot(&config, live, NULL);
    if (code != 0 || host_boot_count() != 1) {
        fprintf(stderr, "ended with %d in life %" PRIu32 "\n", code, host_boot_count());
        return 1;
    }
    return 0;
}
