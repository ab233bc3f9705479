/* SPDX-License-Identifier: Apache-2.0 */
#include "log_control_internal.h"

/* Control of the log is switched off: ESP-IDF's esp_log_level_set() is there as ever. */
#ifndef CONFIG_SYSTEM_LOG_CONTROL

void log_control_init(void)
{
}

void log_control_reclaim(unsigned slot)
{
    (void)slot;
}

esp_err_t log_control_add_tag(system_service_id_t id, const char *tag)
{
    (void)id;
    return tag == NULL ? ESP_ERR_INVALID_ARG : ESP_ERR_SYSTEM_DISABLED;
}

esp_err_t log_control_set(const char *name, esp_log_level_t level)
{
    (void)level;
    return name == NULL ? ESP_ERR_INVALID_ARG : ESP_ERR_SYSTEM_DISABLED;
}

esp_err_t log_control_get(const char *name, esp_log_level_t *out)
{
    return name == NULL || out == NULL ? ESP_ERR_INVALID_ARG : ESP_ERR_SYSTEM_DISABLED;
}

esp_err_t log_control_reset(const char *name)
{
    return name == NULL ? ESP_ERR_INVALID_ARG : ESP_ERR_SYSTEM_DISABLED;
}

esp_err_t log_control_list(log_control_tag_t *out, size_t *count)
{
    (void)out;
    if (count == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    *count = 0;
    return ESP_ERR_SYSTEM_DISABLED;
}

const char *log_control_level_name(esp_log_level_t level)
{
    (void)level;
    return "?";
}

esp_err_t log_control_level_from_name(const char *name, esp_log_level_t *out)
{
    (void)name;
    (void)out;
    return ESP_ERR_INVALID_ARG;
}

#endif
