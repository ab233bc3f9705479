// SPDX-License-Identifier: Apache-2.0

// Stream and message buffers: one ring of bytes, one writer, one reader.

#include "freertos/FreeRTOS.h"
#include "freertos/stream_buffer.h"

#include <string.h>
#include "host_internal.h"
#include "sched.h"

#define BUFFER_LIVE 0x05B0FFE5u
#define LENGTH_SIZE 4u /* bytes in front of each message, as on the device */

struct StreamBufferDef_t {
    uint32_t magic;
    uint32_t ordinal;
    uint8_t *bytes;
    size_t size, first, used; /* one byte less than the ring can be used, as on the device */
    size_t trigger;
    k_waitlist_t reader, writer;
    bool is_static, messages;
};

_Static_assert(sizeof(struct StreamBufferDef_t) <= sizeof(StaticStreamBuffer_t), "too small");

static StreamBufferHandle_t checked(StreamBufferHandle_t b, const char *call)
{
    configASSERT(b != NULL);
    if (b->magic != BUFFER_LIVE) {
        host_panic("%s(%p): not a stream or message buffer, or one that was deleted", call,
                   (void *)b);
    }
    return b;
}

/* ---- life ---- */

static void init(StreamBufferHandle_t b, size_t size, size_t trigger, bool messages, uint8_t *bytes)
{
    memset(b, 0, sizeof(*b));
    b->magic = BUFFER_LIVE;
    b->ordinal = k_next_ordinal();
    b->bytes = bytes;
    b->size = size;
    b->trigger = trigger > 0 ? trigger : 1;
    b->messages = messages;
}

StreamBufferHandle_t
xStreamBufferGenericCreate(size_t xBufferSizeBytes, size_t xTriggerLevelBytes,
                           BaseType_t xIsMessageBuffer,
                           StreamBufferCallbackFunction_t pxSendCompletedCallback,
                           StreamBufferCallbackFunction_t pxReceiveCompletedCallback)
{
    (void)k_task_call("xStreamBufferCreate", 0);
    /* configUSE_SB_COMPLETED_CALLBACK is 0 in ESP-IDF: the callbacks are not called */
    (void)pxSendCompletedCallback;
    (void)pxReceiveCompletedCallback;
    configASSERT(xBufferSizeBytes > (xIsMessageBuffer != pdFALSE ? LENGTH_SIZE : 0));
    configASSERT(xTriggerLevelBytes <= xBufferSizeBytes);
    StaticStreamBuffer_t *memory = pvPortMalloc(sizeof(*memory) + xBufferSizeBytes + 1);
    if (memory == NULL) {
        return NULL;
    }
    StreamBufferHandle_t b = (StreamBufferHandle_t)memory;
    init(b, xBufferSizeBytes + 1, xTriggerLevelBytes, xIsMessageBuffer != pdFALSE,
         (uint8_t *)(memory + 1));
    return b;
}

StreamBufferHandle_t xStreamBufferGenericCreateStatic(
    size_t xBufferSizeBytes, size_t xTriggerLevelBytes, BaseType_t xIsMessageBuffer,
    uint8_t *const pucStreamBufferStorageArea, StaticStreamBuffer_t *const pxStaticStreamBuffer,
    StreamBufferCallbackFunction_t pxSendCompletedCallback,
    StreamBufferCallbackFunction_t pxReceiveCompletedCallback)
{
    (void)pxSendCompletedCallback;
    (void)pxReceiveCompletedCallback;
    configASSERT(pucStreamBufferStorageArea != NULL && pxStaticStreamBuffer != NULL);
    configASSERT(xBufferSizeBytes > (xIsMessageBuffer != pdFALSE ? LENGTH_SIZE : 0));
    configASSERT(xTriggerLevelBytes <= xBufferSizeBytes);
    StreamBufferHandle_t b = (StreamBufferHandle_t)pxStaticStreamBuffer;
    init(b, xBufferSizeBytes, xTriggerLevelBytes, xIsMessageBuffer != pdFALSE,
         pucStreamBufferStorageArea);
    b->is_static = true;
    return b;
}

BaseType_t xStreamBufferGetStaticBuffers(StreamBufferHandle_t xStreamBuffer,
                                         uint8_t **ppucStreamBufferStorageArea,
                                         StaticStreamBuffer_t **ppxStaticStreamBuffer)
{
    StreamBufferHandle_t b = checked(xStreamBuffer, "xStreamBufferGetStaticBuffers");
    if (!b->is_static) {
        return pdFALSE;
    }
    *ppucStreamBufferStorageArea = b->bytes;
    *ppxStaticStreamBuffer = (StaticStreamBuffer_t *)b;
    return pdTRUE;
}

void vStreamBufferDelete(StreamBufferHandle_t xStreamBuffer)
{
    StreamBufferHandle_t b = checked(xStreamBuffer, "vStreamBufferDelete");
    (void)k_task_call("vStreamBufferDelete", b->ordinal);
    b->magic = 0;
    if (!b->is_static) {
        vPortFree(b);
    }
}

BaseType_t xStreamBufferReset(StreamBufferHandle_t xStreamBuffer)
{
    StreamBufferHandle_t b = checked(xStreamBuffer, "xStreamBufferReset");
    (void)k_task_call("xStreamBufferReset", b->ordinal);
    k_lock();
    bool idle = b->reader.first == NULL && b->writer.first == NULL;
    if (idle) {
        b->first = 0;
        b->used = 0;
    }
    k_unlock();
    return idle ? pdPASS : pdFAIL;
}

/* ---- bytes, lock held ---- */

static size_t space(const struct StreamBufferDef_t *b)
{
    return b->size - 1 - b->used;
}

static void put(StreamBufferHandle_t b, const void *data, size_t length)
{
    size_t at = (b->first + b->used) % b->size;
    size_t head = configMIN(length, b->size - at);
    memcpy(b->bytes + at, data, head);
    memcpy(b->bytes, (const uint8_t *)data + head, length - head);
    b->used += length;
}

static void peek(const struct StreamBufferDef_t *b, void *data, size_t length)
{
    size_t head = configMIN(length, b->size - b->first);
    memcpy(data, b->bytes + b->first, head);
    memcpy((uint8_t *)data + head, b->bytes, length - head);
}

static void get(StreamBufferHandle_t b, void *data, size_t length)
{
    peek(b, data, length);
    b->first = (b->first + length) % b->size;
    b->used -= length;
}

static size_t message_length(const struct StreamBufferDef_t *b)
{
    uint32_t length = 0;
    if (b->used > LENGTH_SIZE) {
        peek(b, &length, sizeof(length));
    }
    return length;
}

/* @return bytes taken: all of a message or none; as many of a stream as fit */
static size_t write_some(StreamBufferHandle_t b, const void *data, size_t length)
{
    if (b->messages) {
        if (space(b) < length + LENGTH_SIZE) {
            return 0;
        }
        uint32_t prefix = (uint32_t)length;
        put(b, &prefix, sizeof(prefix));
    } else {
        length = configMIN(length, space(b));
    }
    put(b, data, length);
    return length;
}

/* @return bytes read; a message larger than the buffer stays where it is */
static size_t read_some(StreamBufferHandle_t b, void *data, size_t size)
{
    size_t length = configMIN(size, b->used);
    if (b->messages) {
        length = message_length(b);
        if (length == 0 || length > size) {
            return 0;
        }
        uint32_t prefix;
        get(b, &prefix, sizeof(prefix));
    }
    get(b, data, length);
    return length;
}

static tcb_t *wake_reader(StreamBufferHandle_t b)
{
    return b->used >= b->trigger || b->messages ? k_wake_one(&b->reader) : NULL;
}

/* ---- sending ---- */

size_t xStreamBufferSend(StreamBufferHandle_t xStreamBuffer, const void *pvTxData,
                         size_t xDataLengthBytes, TickType_t xTicksToWait)
{
    StreamBufferHandle_t b = checked(xStreamBuffer, "xStreamBufferSend");
    (void)k_task_call("xStreamBufferSend", b->ordinal);
    configASSERT(pvTxData != NULL);
    /* What could never fit is not waited for: a message fails, of a stream the part that fits goes.
     */
    size_t wanted = xDataLengthBytes + (b->messages ? LENGTH_SIZE : 0);
    bool hopeless = wanted > b->size - 1;
    if (hopeless && b->messages) {
        xTicksToWait = 0;
    } else if (hopeless) {
        wanted = b->size - 1;
    }
    uint64_t deadline = xTicksToWait == 0 ? 0 : k_deadline(xTicksToWait);
    bool late = xTicksToWait == 0;
    k_lock();
    while (space(b) < wanted && !late) {
        configASSERT(b->writer.first == NULL);
        late = k_block(&b->writer, deadline, "room in buffer", b->ordinal) == K_TIMEOUT;
    }
    size_t sent = write_some(b, pvTxData, xDataLengthBytes);
    if (sent > 0) {
        (void)wake_reader(b);
    }
    k_unlock();
    return sent;
}

size_t xStreamBufferSendFromISR(StreamBufferHandle_t xStreamBuffer, const void *pvTxData,
                                size_t xDataLengthBytes,
                                BaseType_t *const pxHigherPriorityTaskWoken)
{
    StreamBufferHandle_t b = checked(xStreamBuffer, "xStreamBufferSendFromISR");
    (void)k_any_call("xStreamBufferSendFromISR", b->ordinal);
    k_lock();
    size_t sent = write_some(b, pvTxData, xDataLengthBytes);
    if (sent > 0 && k_outranks(wake_reader(b)) && pxHigherPriorityTaskWoken != NULL) {
        *pxHigherPriorityTaskWoken = pdTRUE;
    }
    k_unlock();
    return sent;
}

/* ---- receiving ---- */

size_t xStreamBufferReceive(StreamBufferHandle_t xStreamBuffer, void *pvRxData,
                            size_t xBufferLengthBytes, TickType_t xTicksToWait)
{
    StreamBufferHandle_t b = checked(xStreamBuffer, "xStreamBufferReceive");
    (void)k_task_call("xStreamBufferReceive", b->ordinal);
    configASSERT(pvRxData != NULL);
    uint64_t deadline = xTicksToWait == 0 ? 0 : k_deadline(xTicksToWait);
    bool late = xTicksToWait == 0;
    size_t enough = 1;
    k_lock();
    while (b->used < enough && !late) {
        configASSERT(b->reader.first == NULL);
        enough = b->messages ? 1 : b->trigger; /* once asleep, the trigger level counts */
        late = k_block(&b->reader, deadline, "bytes in buffer", b->ordinal) == K_TIMEOUT;
    }
    size_t got = read_some(b, pvRxData, xBufferLengthBytes);
    if (got > 0) {
        (void)k_wake_one(&b->writer);
    }
    k_unlock();
    return got;
}

size_t xStreamBufferReceiveFromISR(StreamBufferHandle_t xStreamBuffer, void *pvRxData,
                                   size_t xBufferLengthBytes,
                                   BaseType_t *const pxHigherPriorityTaskWoken)
{
    StreamBufferHandle_t b = checked(xStreamBuffer, "xStreamBufferReceiveFromISR");
    (void)k_any_call("xStreamBufferReceiveFromISR", b->ordinal);
    k_lock();
    size_t got = read_some(b, pvRxData, xBufferLengthBytes);
    if (got > 0 && k_outranks(k_wake_one(&b->writer)) && pxHigherPriorityTaskWoken != NULL) {
        *pxHigherPriorityTaskWoken = pdTRUE;
    }
    k_unlock();
    return got;
}

/* ---- asking ---- */

size_t xStreamBufferSpacesAvailable(StreamBufferHandle_t xStreamBuffer)
{
    StreamBufferHandle_t b = checked(xStreamBuffer, "xStreamBufferSpacesAvailable");
    k_lock();
    size_t n = space(b);
    k_unlock();
    return n;
}

size_t xStreamBufferBytesAvailable(StreamBufferHandle_t xStreamBuffer)
{
    StreamBufferHandle_t b = checked(xStreamBuffer, "xStreamBufferBytesAvailable");
    k_lock();
    size_t n = b->used;
    k_unlock();
    return n;
}

BaseType_t xStreamBufferIsFull(StreamBufferHandle_t xStreamBuffer)
{
    size_t least = checked(xStreamBuffer, "xStreamBufferIsFull")->messages ? LENGTH_SIZE : 0;
    return xStreamBufferSpacesAvailable(xStreamBuffer) <= least ? pdTRUE : pdFALSE;
}

BaseType_t xStreamBufferIsEmpty(StreamBufferHandle_t xStreamBuffer)
{
    return xStreamBufferBytesAvailable(xStreamBuffer) == 0 ? pdTRUE : pdFALSE;
}

BaseType_t xStreamBufferSetTriggerLevel(StreamBufferHandle_t xStreamBuffer, size_t xTriggerLevel)
{
    StreamBufferHandle_t b = checked(xStreamBuffer, "xStreamBufferSetTriggerLevel");
    size_t level = xTriggerLevel > 0 ? xTriggerLevel : 1;
    k_lock();
    bool ok = level < b->size;
    if (ok) {
        b->trigger = level;
    }
    k_unlock();
    return ok ? pdTRUE : pdFALSE;
}

size_t xStreamBufferNextMessageLengthBytes(StreamBufferHandle_t xStreamBuffer)
{
    StreamBufferHandle_t b = checked(xStreamBuffer, "xStreamBufferNextMessageLengthBytes");
    k_lock();
    size_t n = b->messages ? message_length(b) : 0;
    k_unlock();
    return n;
}

static BaseType_t completed(k_waitlist_t *wl, BaseType_t *woken)
{
    k_lock();
    const tcb_t *t = k_wake_one(wl);
    if (woken != NULL && k_outranks(t)) {
        *woken = pdTRUE;
    }
    k_unlock();
    return t != NULL ? pdTRUE : pdFALSE;
}

BaseType_t xStreamBufferSendCompletedFromISR(StreamBufferHandle_t xStreamBuffer,
                                             BaseType_t *pxHigherPriorityTaskWoken)
{
    StreamBufferHandle_t b = checked(xStreamBuffer, "xStreamBufferSendCompletedFromISR");
    return completed(&b->reader, pxHigherPriorityTaskWoken);
}

BaseType_t xStreamBufferReceiveCompletedFromISR(StreamBufferHandle_t xStreamBuffer,
                                                BaseType_t *pxHigherPriorityTaskWoken)
{
    StreamBufferHandle_t b = checked(xStreamBuffer, "xStreamBufferReceiveCompletedFromISR");
    return completed(&b->writer, pxHigherPriorityTaskWoken);
}
