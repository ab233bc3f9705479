// SPDX-License-Identifier: Apache-2.0
/*
 * The story: an app's task that faulted said first that it had come to its end, and then why. The
 * keeper looked in between, or had looked for faults just before: it took the crash for an app that
 * had returned, which is started again by nobody and counted by nothing.
 *
 * Here an app crashes again and again, the earlier the better; each crash must be called one.
 */
#include "esp_random.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "scenario.h"
#include "system_service/app_manager.h"
#include "system_up.h"

#define LIVES 40

static void crash(app_context_t *ctx)
{
    (void)ctx;
    if (esp_random() % 2 == 0) { /* the keeper has been kicked just before, or is idle again */
        vTaskDelay(1);
    }
    app_manager_abort(APP_CRASH_ABORT, "on purpose", (const void *)crash);
}

static const app_manifest_t s_app = {
    .name = "crashes", .entry_point = crash, .stack_size = 8192, .priority = 5};

static void run(void)
{
    const system_secure_key_t key = system_up();
    SCENARIO_CHECK_INT(app_manager_register(&s_app), ==, ESP_OK);
    for (uint32_t n = 1; n <= LIVES; n++) {
        app_info_t info;
        SCENARIO_CHECK_INT(app_manager_start("crashes"), ==, ESP_OK);
        do {
            vTaskDelay(1);
            SCENARIO_CHECK_INT(app_manager_get_info("crashes", &info), ==, ESP_OK);
        } while (info.state != APP_STATE_CRASHED && info.state != APP_STATE_STOPPED);
        SCENARIO_CHECK_INT(info.state, ==, APP_STATE_CRASHED);
        SCENARIO_CHECK_INT(info.crashes, ==, n);
    }
    system_down(key);
}

int main(int argc, char **argv)
{
    static const scenario_t s = {.name = "w05_a_crash_passes_for_a_return", .run = run};
    return scenario_main(argc, argv, &s);
}
