/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "freertos/FreeRTOS.h"

#ifdef __cplusplus
extern "C" {
#endif

/** @brief Wait. Not a pause point, and a request to stop does not end it: sleep_ms() of the context
 *         is both. */
void vTaskDelay(TickType_t ticks);
/** @brief Ticks since boot. */
TickType_t xTaskGetTickCount(void);

#ifdef __cplusplus
}
#endif
