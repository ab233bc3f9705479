// SPDX-License-Identifier: Apache-2.0
#pragma once

typedef void (*TaskFunction_t)(void *);

/* 32-bit arithmetic as on the device: overflows above 4294967 ms at 1000 Hz, before the division.
 */
#define pdMS_TO_TICKS(xTimeInMs)                                                                   \
    ((TickType_t)(((TickType_t)(xTimeInMs) * (TickType_t)configTICK_RATE_HZ) / (TickType_t)1000U))
#define pdTICKS_TO_MS(xTicks) ((TickType_t)((uint64_t)(xTicks)*1000 / configTICK_RATE_HZ))

#define pdFALSE ((BaseType_t)0)
#define pdTRUE  ((BaseType_t)1)
#define pdPASS  (pdTRUE)
#define pdFAIL  (pdFALSE)

#define errQUEUE_EMPTY                        ((BaseType_t)0)
#define errQUEUE_FULL                         ((BaseType_t)0)
#define errCOULD_NOT_ALLOCATE_REQUIRED_MEMORY (-1)
#define errQUEUE_BLOCKED                      (-4)
#define errQUEUE_YIELD                        (-5)
