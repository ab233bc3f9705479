/* SPDX-License-Identifier: Apache-2.0 */
#include "app_manager_internal.h"

#include <stdlib.h>
#include <string.h>

#include "system_service/app_manager.h"

/* Apps are switched off: services are all there is, and every fault is a panic. */
#ifndef CONFIG_SYSTEM_APPS

void app_manager_init(void)
{
}

void app_manager_deinit(void)
{
}

void app_manager_ask_stop_all(void)
{
}

void app_manager_stop_all(void)
{
}

void app_manager_fault(unsigned slot, esp_err_t reason)
{
    (void)slot;
    (void)reason;
}

esp_err_t app_manager_register(const app_manifest_t *manifest)
{
    return manifest == NULL ? ESP_ERR_INVALID_ARG : ESP_ERR_SYSTEM_DISABLED;
}

/** There is no app of any name. */
static esp_err_t none_of(const char *name)
{
    return name == NULL ? ESP_ERR_INVALID_ARG : ESP_ERR_SYSTEM_DISABLED;
}

esp_err_t app_manager_unregister(const char *name)
{
    return none_of(name);
}

esp_err_t app_manager_start(const char *name)
{
    return none_of(name);
}

esp_err_t app_manager_stop(const char *name)
{
    return none_of(name);
}

esp_err_t app_manager_restart(const char *name)
{
    return none_of(name);
}

esp_err_t app_manager_pause(const char *name)
{
    return none_of(name);
}

esp_err_t app_manager_resume(const char *name)
{
    return none_of(name);
}

esp_err_t app_manager_get_info(const char *name, app_info_t *out)
{
    return out == NULL ? ESP_ERR_INVALID_ARG : none_of(name);
}

esp_err_t app_manager_list(app_info_t *out, size_t *count)
{
    (void)out;
    if (count == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    *count = 0;
    return ESP_ERR_SYSTEM_DISABLED;
}

uint32_t app_manager_set_aside_count(void)
{
    return 0;
}

const char *app_state_name(app_state_t state)
{
    (void)state;
    return "?";
}

esp_err_t app_manager_get_crash(const char *name, app_crash_report_t *out)
{
    return out == NULL ? ESP_ERR_INVALID_ARG : none_of(name);
}

int app_crash_describe(const app_crash_report_t *report, char *out, size_t size)
{
    (void)report;
    if (size != 0) {
        out[0] = '\0';
    }
    return 0;
}

const char *app_crash_cause_name(app_crash_cause_t cause)
{
    (void)cause;
    return "?";
}

void app_manager_abort(app_crash_cause_t cause, const char *what, const void *where)
{
    (void)cause;
    (void)what;
    (void)where;
    abort();
}

#endif
