/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief Where code runs and whose it is, asked by every call of the bus and of the pools.
 *
 * Tasks of the simulator share one thread of the host, so the board's own pointer is the only one.
 */

#include <stdbool.h>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

/** @context any */
static inline bool identity_backend_in_isr(void)
{
    return xPortInIsrContext();
}

/** @context any */
static inline bool identity_backend_in_task(void)
{
    return !xPortInIsrContext() && xTaskGetSchedulerState() != taskSCHEDULER_NOT_STARTED;
}

/** Of the calling task. @context any task */
static inline void *identity_backend_get(void)
{
    return pvTaskGetThreadLocalStoragePointer(NULL, CONFIG_SYSTEM_TLS_INDEX);
}

/** The FreeRTOS pointer is all there is. @context any task */
static inline void identity_backend_set(void *identity)
{
    (void)identity;
}
