/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "kapp/kapp_install.h"
#include "system_service/flight_recorder.h"

bool kapp_ended_last_boot(const char *name)
{
    boot_report_t report;
    return boot_report_get(&report) == ESP_OK && report.crash && report.culprit_known &&
           strcmp(report.culprit, name) == 0;
}
