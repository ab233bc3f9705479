/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "demo_internal.h"
#include "system_service/system_service.h"

bool demo_run(const demo_config_t *config)
{
    void (*const steps[])(void) = {
        demo_step_boot,  demo_step_apps,  demo_step_priorities, demo_step_hang,
        demo_step_quota, config->chapter, demo_step_health,
    };

    demo_check_begin(config);
    printf("\nKraken-OS, demonstrated: each claim is checked against what the system recorded.\n");
    const esp_err_t ret = demo_observer_start();
    if (!demo_check(ret == ESP_OK, "an observer listens on the bus (%s)",
                    system_error_to_string(ret))) {
        return demo_check_end();
    }
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        if (steps[i] != NULL) {
            vTaskDelay(pdMS_TO_TICKS(config->pause_ms));
            steps[i]();
        }
    }
    demo_observer_stop();
    return demo_check_end();
}
