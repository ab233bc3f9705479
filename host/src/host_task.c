// SPDX-License-Identifier: Apache-2.0

#include "host_task.h"

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "host_control.h"
#include "host_system.h"

bool host_in_isr(void)
{
    return host_is_running() && xPortInIsrContext();
}

bool host_in_board(void)
{
    return host_is_running() && (xTaskGetCurrentTaskHandle() != NULL || xPortInIsrContext());
}

const char *host_task_name(void)
{
    if (!host_in_board()) {
        return "(none)";
    }
    return xPortInIsrContext() ? "interrupt" : pcTaskGetName(NULL);
}

int host_core_id(void)
{
    return host_in_board() ? (int)xPortGetCoreID() : 0;
}

void host_refuse_isr(const char *call)
{
    if (host_in_isr()) {
        host_panic(ESP_RST_PANIC, "%s() called from an interrupt", call);
    }
}
