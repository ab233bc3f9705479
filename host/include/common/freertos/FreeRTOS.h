// SPDX-License-Identifier: Apache-2.0
#pragma once

#define INC_FREERTOS_H /* its parts refuse to be included without it, as ESP-IDF's do */

#include <stddef.h>
#include <stdint.h>
#include "freertos/FreeRTOSConfig.h"
#include "freertos/projdefs.h"
#include "freertos/portable.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Memory of the statically allocated objects: opaque, and larger than on the device because the
 * host's pointers are. A static task's handle is not the address of its StaticTask_t here: the
 * thread behind a deleted task may need its record for a moment longer than the caller keeps the
 * buffer.
 */
typedef struct xSTATIC_TCB {
    void *pvReserved[44];
} StaticTask_t;

typedef struct xSTATIC_QUEUE {
    void *pvReserved[20];
} StaticQueue_t;
typedef StaticQueue_t StaticSemaphore_t;

typedef struct xSTATIC_EVENT_GROUP {
    void *pvReserved[8];
} StaticEventGroup_t;

typedef struct xSTATIC_TIMER {
    void *pvReserved[12];
} StaticTimer_t;

typedef struct xSTATIC_STREAM_BUFFER {
    void *pvReserved[16];
} StaticStreamBuffer_t;
typedef StaticStreamBuffer_t StaticMessageBuffer_t;

#ifdef __cplusplus
}
#endif

#include "freertos/idf_additions.h"
