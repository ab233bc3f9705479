/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A task's handle is the address of its control block, which StaticTask_t mirrors field by field;
 * uxDummy12[1] stands where FreeRTOS counts the mutexes held. task_end_self_test() makes sure.
 */
#include "task_backend.h"

uint32_t task_backend_mutexes_held(TaskHandle_t task)
{
    return ((volatile StaticTask_t *)task)->uxDummy12[1];
}
