// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "freertos/portmacro.h"

#ifdef __cplusplus
extern "C" {
#endif

/** @brief Memory for kernel objects: internal RAM, as on the device. @context any task @return
 * NULL: none left */
void *pvPortMalloc(size_t xWantedSize);
void vPortFree(void *pv);
size_t xPortGetFreeHeapSize(void);
size_t xPortGetMinimumEverFreeHeapSize(void);

#ifdef __cplusplus
}
#endif
