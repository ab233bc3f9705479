/* SPDX-License-Identifier: Apache-2.0 */
/* install, update (of apps, and of the firmware), uninstall, autostart, store */
#include <inttypes.h>
#include <string.h>

#include "kapp/kapp_install.h"
#include "shell_internal.h"
#include "system_service/error_codes.h"

/** What went wrong, and what can be done about it. */
static int refused(const char *what, esp_err_t ret)
{
    shell_print("%s: %s: %s", what, system_error_to_string(ret), system_error_describe(ret));
    return SHELL_FAILED;
}

int shell_installed(const char *what, esp_err_t ret, const app_install_report_t *report)
{
    if (ret == ESP_ERR_APP_ALREADY_REGISTERED) {
        shell_print("%s: there is an app with this id or the name \"%s\": try update", what,
                    report->name);
        return SHELL_FAILED;
    }
    if (ret != ESP_OK) {
        return refused(what, ret);
    }
    shell_print("%s %u.%u.%u is installed as \"%s\"", report->id, report->version.major,
                report->version.minor, report->version.patch, report->name);
    return SHELL_OK;
}

int shell_updated(const char *what, esp_err_t ret, const app_install_report_t *report)
{
    if (report->rolled_back) {
        shell_print("%s %u.%u.%u failed, %u.%u.%u is back", report->id, report->version.major,
                    report->version.minor, report->version.patch, report->replaced.major,
                    report->replaced.minor, report->replaced.patch);
    }
    if (report->unconfirmed) {
        shell_print("%s %u.%u.%u runs, but the next boot starts %u.%u.%u: update again", report->id,
                    report->version.major, report->version.minor, report->version.patch,
                    report->replaced.major, report->replaced.minor, report->replaced.patch);
    }
    if (ret == ESP_ERR_APP_NOT_FOUND && report->id[0] != '\0') {
        shell_print("%s: %s is not installed: try install", what, report->id);
        return SHELL_FAILED;
    }
    if (ret == ESP_ERR_LOADER_VERSION_OLDER) {
        shell_print("%s: %u.%u.%u is installed: \"update FILE older\" goes back", what,
                    report->replaced.major, report->replaced.minor, report->replaced.patch);
        return SHELL_FAILED;
    }
    if (ret != ESP_OK) {
        return refused(what, ret);
    }
    shell_print("%s: %u.%u.%u in place of %u.%u.%u", report->id, report->version.major,
                report->version.minor, report->version.patch, report->replaced.major,
                report->replaced.minor, report->replaced.patch);
    return SHELL_OK;
}

int cmd_install(int argc, char **argv)
{
    app_install_report_t report;
    if (argc != 2) {
        return shell_usage("install");
    }
    return shell_installed(argv[1], app_manager_install(argv[1], &report), &report);
}

int cmd_update(int argc, char **argv)
{
    app_install_report_t report;
    if (argc >= 3 && strcmp(argv[1], "firmware") == 0) {
        const bool older = argc == 4 && strcmp(argv[3], "older") == 0;
        return argc == 3 || older ? shell_update_firmware(argv[2], older) : shell_usage("update");
    }
    const bool allow_older = argc == 3 && strcmp(argv[2], "older") == 0;
    if (argc != 2 && !allow_older) {
        return shell_usage("update");
    }
    return shell_updated(argv[1], app_manager_update(argv[1], allow_older, &report), &report);
}

int cmd_uninstall(int argc, char **argv)
{
    const bool keep = argc == 3 && strcmp(argv[2], "keep") == 0;
    if (argc != 2 && !keep) {
        return shell_usage("uninstall");
    }
    const esp_err_t ret = app_manager_uninstall(argv[1], keep);
    return ret == ESP_OK ? SHELL_OK : refused(argv[1], ret);
}

int cmd_autostart(int argc, char **argv)
{
    const bool on = argc == 3 && strcmp(argv[2], "on") == 0;
    if (argc != 3 || (!on && strcmp(argv[2], "off") != 0)) {
        return shell_usage("autostart");
    }
    const esp_err_t ret = app_manager_set_autostart(argv[1], on);
    return ret == ESP_OK ? SHELL_OK : refused(argv[1], ret);
}

int cmd_store(int argc, char **argv)
{
    kapp_store_usage_t usage;
    esp_err_t ret;
    if (argc == 2 && strcmp(argv[1], "erase") == 0) {
        ret = kapp_store_erase();
        return ret == ESP_OK ? SHELL_OK : refused("store", ret);
    }
    if (argc != 1) {
        return shell_usage("store");
    }
    ret = kapp_store_get_usage(&usage);
    if (ret != ESP_OK) {
        return refused("store", ret);
    }
    shell_print("%" PRIu32 " KB of %" PRIu32 " KB used, %" PRIu32 " KB free; %u of %u apps",
                usage.used_bytes / 1024, usage.total_bytes / 1024, usage.free_bytes / 1024,
                usage.apps, usage.apps_max);
    return SHELL_OK;
}
