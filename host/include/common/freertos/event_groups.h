// SPDX-License-Identifier: Apache-2.0
#pragma once

#ifndef INC_FREERTOS_H
#error "include freertos/FreeRTOS.h before freertos/event_groups.h, as on the device"
#endif
#include "freertos/timers.h"

#ifdef __cplusplus
extern "C" {
#endif

struct EventGroupDef_t;
typedef struct EventGroupDef_t *EventGroupHandle_t;
/* 24 bits are the user's; the top byte is the kernel's. */
typedef TickType_t EventBits_t;

EventGroupHandle_t xEventGroupCreate(void);
EventGroupHandle_t xEventGroupCreateStatic(StaticEventGroup_t *pxEventGroupBuffer);
/** @return the bits when the wait ended, before they were cleared; those at the timeout otherwise
 */
EventBits_t xEventGroupWaitBits(EventGroupHandle_t xEventGroup, const EventBits_t uxBitsToWaitFor,
                                const BaseType_t xClearOnExit, const BaseType_t xWaitForAllBits,
                                TickType_t xTicksToWait);
/** @return the bits before they were cleared */
EventBits_t xEventGroupClearBits(EventGroupHandle_t xEventGroup, const EventBits_t uxBitsToClear);
/** @return the bits when the call returns: a waiter may have cleared some already */
EventBits_t xEventGroupSetBits(EventGroupHandle_t xEventGroup, const EventBits_t uxBitsToSet);
EventBits_t xEventGroupSync(EventGroupHandle_t xEventGroup, const EventBits_t uxBitsToSet,
                            const EventBits_t uxBitsToWaitFor, TickType_t xTicksToWait);
/* From an interrupt setting and clearing are handed to the timer task; pdFAIL: its queue is full.
 */
BaseType_t xEventGroupSetBitsFromISR(EventGroupHandle_t xEventGroup, const EventBits_t uxBitsToSet,
                                     BaseType_t *pxHigherPriorityTaskWoken);
BaseType_t xEventGroupClearBitsFromISR(EventGroupHandle_t xEventGroup,
                                       const EventBits_t uxBitsToClear);
EventBits_t xEventGroupGetBitsFromISR(EventGroupHandle_t xEventGroup);
#define xEventGroupGetBits(xEventGroup) xEventGroupClearBits((xEventGroup), 0)
/** @brief Waiters are woken with 0 bits. */
void vEventGroupDelete(EventGroupHandle_t xEventGroup);
BaseType_t xEventGroupGetStaticBuffer(EventGroupHandle_t xEventGroup,
                                      StaticEventGroup_t **ppxEventGroupBuffer);
void vEventGroupSetBitsCallback(void *pvEventGroup, uint32_t ulBitsToSet);
void vEventGroupClearBitsCallback(void *pvEventGroup, uint32_t ulBitsToClear);

#ifdef __cplusplus
}
#endif
