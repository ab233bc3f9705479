/* SPDX-License-Identifier: Apache-2.0 */
/* log */
#include <string.h>

#include "esp_attr.h"

#include "shell_internal.h"
#include "system_service/log_control.h"

static int list_tags(void)
{
    static EXT_RAM_BSS_ATTR log_control_tag_t
        s_tags[CONFIG_SYSTEM_LOG_MAX_TAGS + CONFIG_SYSTEM_MAX_SERVICES + CONFIG_SYSTEM_MAX_APPS];
    size_t count = sizeof(s_tags) / sizeof(s_tags[0]);
    esp_log_level_t level;

    esp_err_t ret = log_control_list(s_tags, &count);
    if (ret == ESP_OK) {
        ret = log_control_get(LOG_CONTROL_ALL, &level);
    }
    if (ret != ESP_OK) {
        return shell_result("log", ret);
    }
    shell_print("%-16s %s", LOG_CONTROL_ALL, log_control_level_name(level));
    for (size_t i = 0; i < count; i++) {
        shell_print("%-16s %s%s", s_tags[i].tag, log_control_level_name(s_tags[i].level),
                    s_tags[i].changed ? "  (changed)" : "");
    }
    return SHELL_OK;
}

int cmd_log(int argc, char **argv)
{
    esp_log_level_t level;

    if (argc == 1) {
        return list_tags();
    }
    if (argc == 2 && strcmp(argv[1], "reset") == 0) {
        return shell_result("log reset", log_control_reset(LOG_CONTROL_ALL));
    }
    if (argc != 3 || log_control_level_from_name(argv[2], &level) != ESP_OK) {
        return shell_usage("log");
    }
    return shell_result(argv[1], log_control_set(argv[1], level));
}
