// SPDX-License-Identifier: Apache-2.0

// Who is calling, as far as heap, log and panics want to know.

#include "host_task.h"

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "host_control.h"
#include "host_internal.h"
#include "host_system.h"

bool host_in_isr(void)
{
    return host_is_running() && xPortInIsrContext();
}

int host_core_id(void)
{
    return host_in_task() ? (int)xPortGetCoreID() : 0;
}

void host_refuse_isr(const char *call)
{
    if (host_in_isr()) {
        host_panic("%s() called from an interrupt", call);
    }
}
