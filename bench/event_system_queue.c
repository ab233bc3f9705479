// SPDX-License-Identifier: Apache-2.0

// What a firmware engineer writes without any framework: a queue and a task for each subscriber.

#include "event_system.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "freertos/FreeRTOS.h"
#include "freertos/queue.h"
#include "freertos/task.h"

#include "bench.h"

#define SUBSCRIBERS_MAX 8
#define DATA_MAX        4096u

typedef struct {
    uint32_t size;
    uint8_t data[DATA_MAX]; /* the queue's items are cut to what is needed */
} item_t;

static QueueHandle_t s_queues[SUBSCRIBERS_MAX];
static unsigned s_subscribers;
static event_system_handler_t s_handler;

static void subscriber(void *arg)
{
    item_t item;
    for (;;) {
        if (xQueueReceive(arg, &item, portMAX_DELAY) == pdTRUE) {
            s_handler(item.data, item.size);
        }
    }
}

static void start(unsigned subscribers, size_t max_size, event_system_handler_t handler)
{
    BENCH_CHECK(subscribers <= SUBSCRIBERS_MAX && max_size <= DATA_MAX);
    s_handler = handler;
    s_subscribers = subscribers;
    for (unsigned i = 0; i < subscribers; i++) {
        s_queues[i] =
            xQueueCreate(EVENT_SYSTEM_DEPTH, offsetof(item_t, data) + (UBaseType_t)max_size);
        BENCH_CHECK(s_queues[i] != NULL);
        BENCH_CHECK(xTaskCreatePinnedToCore(subscriber, "queue_sub", 8192, s_queues[i], 8, NULL,
                                            (BaseType_t)(i + 1) % 2) == pdPASS);
    }
}

static void post(const void *data, size_t size, unsigned priority)
{
    item_t item; /* not cleared: the queue copies only what it needs */
    (void)priority;
    item.size = (uint32_t)size;
    if (size != 0) {
        memcpy(item.data, data, size);
    }
    for (unsigned i = 0; i < s_subscribers; i++) {
        BENCH_CHECK(xQueueSend(s_queues[i], &item, portMAX_DELAY) == pdTRUE);
    }
}

static void stop(void)
{
    /* The tasks and queues go with the board. */
}

const event_system_t event_system_queue = {
    .name = "queue",
    .about = "a FreeRTOS queue and task for each subscriber",
    .start = start,
    .post = post,
    .stop = stop,
};
