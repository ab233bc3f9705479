/* SPDX-License-Identifier: Apache-2.0 */
/* firmware: which image runs, and another one in its place */
#include <inttypes.h>
#include <string.h>

#include "shell_internal.h"
#include "system_service/error_codes.h"
#include "updater/updater.h"

static int refused(const char *what, esp_err_t ret)
{
    shell_print("%s: %s: %s", what, system_error_to_string(ret), system_error_describe(ret));
    return SHELL_FAILED;
}

static int show(void)
{
    updater_state_t state;
    updater_get(&state);
    shell_print("%s %s runs from %s, %s", state.product, state.running, state.slot,
                state.on_probation ? "not confirmed yet" : "confirmed");
    if (state.next[0] != '\0') {
        shell_print("%s is started by the next reset", state.next);
    }
    if (state.given_up[0] != '\0') {
        shell_print("%s was given up: it did not confirm itself", state.given_up);
    }
    return SHELL_OK;
}

int shell_update_firmware(const char *location, bool allow_older)
{
    updater_report_t report;
    const esp_err_t ret = updater_install(location, allow_older, &report);
    if (ret == ESP_ERR_UPDATE_SAME || ret == ESP_ERR_UPDATE_OLDER) {
        shell_print("%s is %s, and %s runs", location, report.version, report.running);
    }
    if (ret != ESP_OK) {
        return refused(location, ret);
    }
    shell_print("%s, %" PRIu32 " bytes, lies in %s: \"reboot\" starts it on probation",
                report.version, report.image_bytes, report.slot);
    return SHELL_OK;
}

int cmd_firmware(int argc, char **argv)
{
    const char *verb = argc > 1 ? argv[1] : "";
    if (argc == 1) {
        return show();
    }
    if (argc == 2 && strcmp(verb, "confirm") == 0) {
        const esp_err_t ret = updater_confirm();
        return ret == ESP_OK ? show() : refused(verb, ret);
    }
    if (argc == 2 && strcmp(verb, "back") == 0) {
        return refused(verb, updater_back());
    }
    return shell_usage("firmware");
}
