/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief The periodic report's task: what system_service.c calls.
 *
 * The report has a task of its own, below every worker: a report that takes its time on a slow
 * console delays nobody, and a supervisor that hangs is still reported on.
 */

#include "system_service/health_report.h"

/** Nothing has happened yet; start the task if CONFIG_SYSTEM_HEALTH_REPORT_PERIOD_S is not 0.
 *  Called when everything else is up.
 *  @context init only  @return ESP_OK; ESP_ERR_NO_MEM */
esp_err_t health_report_init(void);

/** End the task; returns when a report that is being printed is done. Fine before the init too.
 *  @context the task that calls system_service_deinit() */
void health_report_deinit(void);
