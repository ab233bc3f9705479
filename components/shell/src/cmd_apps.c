/* SPDX-License-Identifier: Apache-2.0 */
/* apps, app */
#include <inttypes.h>
#include <string.h>

#include "shell_internal.h"
#include "system_service/app_manager.h"

int cmd_apps(int argc, char **argv)
{
    (void)argv;
    static app_info_t s_apps[CONFIG_SYSTEM_MAX_APPS];
    size_t count = CONFIG_SYSTEM_MAX_APPS;

    if (argc != 1) {
        return shell_usage("apps");
    }
    const esp_err_t ret = app_manager_list(s_apps, &count);
    if (ret != ESP_OK) {
        return shell_result("apps", ret);
    }
    shell_print("%-16s %-8s %-10s %6s %7s %6s  %s", "name", "version", "state", "starts", "crashes",
                "forced", "description");
    for (size_t i = 0; i < count; i++) {
        const app_info_t *app = &s_apps[i];
        const app_manifest_t *manifest = app->manifest;
        shell_print("%-16s %-8s %-10s %6" PRIu32 " %7" PRIu32 " %6" PRIu32 "  %s", manifest->name,
                    manifest->version != NULL ? manifest->version : "", app_state_name(app->state),
                    app->starts, app->crashes, app->forced_stops,
                    manifest->description != NULL ? manifest->description : "");
    }
    return SHELL_OK;
}

int cmd_app(int argc, char **argv)
{
    static const struct {
        const char *name;
        esp_err_t (*call)(const char *app);
    } actions[] = {
        {"start", app_manager_start},     {"stop", app_manager_stop},
        {"pause", app_manager_pause},     {"resume", app_manager_resume},
        {"restart", app_manager_restart},
    };

    for (size_t i = 0; argc == 3 && i < sizeof(actions) / sizeof(actions[0]); i++) {
        if (strcmp(argv[1], actions[i].name) == 0) {
            return shell_result(argv[2], actions[i].call(argv[2]));
        }
    }
    return shell_usage("app");
}
