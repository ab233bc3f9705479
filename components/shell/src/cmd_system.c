/* SPDX-License-Identifier: Apache-2.0 */
/* health, reboot, sleep, quit */
#include <stdio.h>

#include "esp_system.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "shell_face.h"
#include "shell_internal.h"
#include "system_service/health_report.h"

/** Long enough for the line above to leave a UART at 115200 baud. */
#define BEFORE_REBOOT_MS  50
#define SLEEP_SECONDS_MAX 86400

static void print_line(const char *line, void *arg)
{
    (void)arg;
    shell_print("%s", line);
}

int cmd_health(int argc, char **argv)
{
    (void)argv;
    return argc == 1 ? shell_result("health", health_report_print(print_line, NULL))
                     : shell_usage("health");
}

int cmd_reboot(int argc, char **argv)
{
    (void)argv;
    if (argc != 1) {
        return shell_usage("reboot");
    }
    shell_print("rebooting");
    vTaskDelay(pdMS_TO_TICKS(BEFORE_REBOOT_MS));
    esp_restart();
}

int cmd_sleep(int argc, char **argv)
{
    uint32_t seconds;
    if (argc != 2 || !shell_number(argv[1], 0, SLEEP_SECONDS_MAX, &seconds)) {
        return shell_usage("sleep");
    }
    shell_wait(seconds * 1000);
    return SHELL_OK;
}

int cmd_quit(int argc, char **argv)
{
    (void)argv;
    if (argc != 1) {
        return shell_usage("quit");
    }
    if (!shell_face_quit()) {
        shell_print("there is nowhere to go; try reboot");
        return SHELL_FAILED;
    }
    return SHELL_OK;
}
