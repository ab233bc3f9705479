/* SPDX-License-Identifier: Apache-2.0 */
/* apps, app */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "esp_attr.h"

#include "kapp/kapp_install.h"
#include "shell_internal.h"
#include "system_service/app_manager.h"

static void print_one(const app_installed_t *app)
{
    char version[sizeof("65535.65535.65535")];
    if (app->name[0] == '\0') {
        shell_print("%-24s (only its data)", app->id);
        return;
    }
    (void)snprintf(version, sizeof(version), "%u.%u.%u", app->version.major, app->version.minor,
                   app->version.patch);
    shell_print("%-24s %-16s %-11s %8" PRIu32 " %-16s %s", app->id, app->name, version,
                app->package_bytes, app->is_signed ? shell_signer(app->signer) : "unsigned",
                app->autostart ? "starts" : "-");
}

/** What is in the store, if it can be read: "store" says what is wrong with it. */
static void print_installed(void)
{
    size_t count = CONFIG_KAPP_MAX_INSTALLED;
    app_installed_t *apps = malloc(count * sizeof(*apps));
    if (apps != NULL && app_manager_installed(apps, &count) == ESP_OK && count != 0) {
        shell_print("%-24s %-16s %-11s %8s %-16s %s", "installed", "name", "version", "bytes",
                    "signer", "at boot");
        for (size_t i = 0; i < count; i++) {
            print_one(&apps[i]);
        }
    }
    free(apps);
}

int cmd_apps(int argc, char **argv)
{
    (void)argv;
    static EXT_RAM_BSS_ATTR app_info_t s_apps[APP_LIST_ROOM];
    size_t count = APP_LIST_ROOM;

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
        shell_print("%-16s %-8s %-10s %6" PRIu32 " %7" PRIu32 " %6" PRIu32 "  %s", app->name,
                    app->version, app_state_name(app->state), app->starts, app->crashes,
                    app->forced_stops, app->description);
    }
    print_installed();
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
