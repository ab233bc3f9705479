/* SPDX-License-Identifier: Apache-2.0 */
#include "health_report_internal.h"

#include <string.h>

/* The health report is switched off: what it gathers is still counted where it happens. */
#ifndef CONFIG_SYSTEM_HEALTH_REPORT

esp_err_t health_report_init(void)
{
    return ESP_OK;
}

void health_report_deinit(void)
{
}

esp_err_t health_report_get(health_report_t *out)
{
    if (out == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    memset(out, 0, sizeof(*out));
    return ESP_ERR_SYSTEM_DISABLED;
}

esp_err_t health_report_print(health_line_t line, void *arg)
{
    (void)arg;
    return line == NULL ? ESP_ERR_INVALID_ARG : ESP_ERR_SYSTEM_DISABLED;
}

const char *health_verdict_name(health_verdict_t verdict)
{
    (void)verdict;
    return "?";
}

const char *health_reason_text(uint32_t reason)
{
    (void)reason;
    return "?";
}

#endif
