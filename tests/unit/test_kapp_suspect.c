// SPDX-License-Identifier: Apache-2.0

// Two lives of one board in the simulator: an app fails in a way that cannot be contained, and the
// next boot knows which one not to start.

#include <stdlib.h>
#include <string.h>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "kapp/kapp_install.h"
#include "lives.h"
#include "system_service/app_manager.h"
#include "system_service/flight_recorder.h"
#include "system_up.h"

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
    lives_check(!kapp_ended_last_boot("wild"), "nothing is known before the system is up");
    (void)system_up();
    lives_check(boot_report_get(&report) == ESP_OK, "there is a report");
    if (host_boot_count() == 0) {
        lives_check(!kapp_ended_last_boot("wild") && !kapp_ended_last_boot(""), "a fresh start");
        lives_check(app_manager_register(&s_wild) == ESP_OK, "registers");
        (void)app_manager_start("wild");
        vTaskDelay(pdMS_TO_TICKS(1000));
        lives_check(false, "the app takes the system with it");
    }
    lives_check(report.crash && strcmp(report.culprit, "wild") == 0, "the app is named");
    lives_check(kapp_ended_last_boot("wild"), "and not to be started");
    lives_check(!kapp_ended_last_boot("will") && !kapp_ended_last_boot(""), "all others are");
    host_exit(0);
}

int main(void)
{
    return lives_run(HOST_SCHED_SIM, live, 2);
}
