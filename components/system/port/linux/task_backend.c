/* SPDX-License-Identifier: Apache-2.0 */
#include "task_backend.h"

#include "host_control.h"

uint32_t task_backend_mutexes_held(TaskHandle_t task)
{
    return host_task_mutexes_held(task);
}
