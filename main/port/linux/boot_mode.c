/* SPDX-License-Identifier: Apache-2.0 */
#include "boot_mode.h"

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "host_control.h"
#include "host_program.h"

boot_mode_t boot_mode(void)
{
    switch (host_program_mode()) {
    case HOST_PROGRAM_SHELL:
        return BOOT_SHELL;
    case HOST_PROGRAM_PICTURE:
        return BOOT_PICTURE;
    default:
        return BOOT_DEMO;
    }
}

bool boot_mode_safe(void)
{
    return false; /* the shell's safe-mode command does it */
}

bool boot_mode_colour(void)
{
    return host_program_watched();
}

void boot_mode_demo_done(bool ok)
{
    host_exit(ok ? 0 : 1);
}

const char *boot_mode_app(void)
{
    return host_program_picture()->app;
}

_Noreturn void boot_mode_picture(bool ok)
{
    vTaskDelay(pdMS_TO_TICKS(host_program_picture()->after_ms));
    host_exit(ok ? 0 : 1);
    for (;;) {
        vTaskDelay(portMAX_DELAY);
    }
}
