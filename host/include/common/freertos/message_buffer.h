// SPDX-License-Identifier: Apache-2.0
#pragma once

#ifndef INC_FREERTOS_H
#error "include freertos/FreeRTOS.h before freertos/message_buffer.h, as on the device"
#endif
#include "freertos/stream_buffer.h"

typedef StreamBufferHandle_t MessageBufferHandle_t;

/* Each message is kept behind its length, 4 bytes on the device and here. */
#define xMessageBufferCreate(size) xStreamBufferGenericCreate((size), (size_t)0, pdTRUE, NULL, NULL)
#define xMessageBufferCreateStatic(size, storage, buf)                                             \
    xStreamBufferGenericCreateStatic((size), 0, pdTRUE, (storage), (buf), NULL, NULL)
#define xMessageBufferGetStaticBuffers(mb, storage, buf)                                           \
    xStreamBufferGetStaticBuffers((mb), (storage), (buf))
#define xMessageBufferSend(mb, data, len, ticks) xStreamBufferSend((mb), (data), (len), (ticks))
#define xMessageBufferSendFromISR(mb, data, len, w)                                                \
    xStreamBufferSendFromISR((mb), (data), (len), (w))
#define xMessageBufferReceive(mb, data, len, ticks)                                                \
    xStreamBufferReceive((mb), (data), (len), (ticks))
#define xMessageBufferReceiveFromISR(mb, data, len, w)                                             \
    xStreamBufferReceiveFromISR((mb), (data), (len), (w))
#define vMessageBufferDelete(mb)                     vStreamBufferDelete(mb)
#define xMessageBufferIsFull(mb)                     xStreamBufferIsFull(mb)
#define xMessageBufferIsEmpty(mb)                    xStreamBufferIsEmpty(mb)
#define xMessageBufferReset(mb)                      xStreamBufferReset(mb)
#define xMessageBufferSpaceAvailable(mb)             xStreamBufferSpacesAvailable(mb)
#define xMessageBufferSpacesAvailable(mb)            xStreamBufferSpacesAvailable(mb)
#define xMessageBufferNextLengthBytes(mb)            xStreamBufferNextMessageLengthBytes(mb)
#define xMessageBufferSendCompletedFromISR(mb, w)    xStreamBufferSendCompletedFromISR((mb), (w))
#define xMessageBufferReceiveCompletedFromISR(mb, w) xStreamBufferReceiveCompletedFromISR((mb), (w))
