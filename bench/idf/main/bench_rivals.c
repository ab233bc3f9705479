/* SPDX-License-Identifier: Apache-2.0 */
/* What ESP-IDF gives for free: notifications, queues, its event loop, the heap. */

#include <stdlib.h>
#include <string.h>

#include "esp_event.h"
#include "esp_timer.h"
#include "freertos/FreeRTOS.h"
#include "freertos/queue.h"

#include "bench_idf.h"

#define WORKER_PRIORITY 10u
#define STACK           4096u

ESP_EVENT_DEFINE_BASE(BENCH_EVENT);

typedef struct {
    uint32_t number;
    uint32_t size;
    uint8_t payload[BENCH_PAYLOAD];
} item_t;

static uint8_t s_payload[BENCH_PAYLOAD];
static volatile eTaskState s_state;

/* ---- primitives ---- */

static void critical_section(void *arg)
{
    portMUX_TYPE *lock = arg;
    portENTER_CRITICAL(lock);
    portEXIT_CRITICAL(lock);
}

static void get_time(void *arg)
{
    *(volatile int64_t *)arg = esp_timer_get_time();
}

static void heap(void *arg)
{
    void *volatile block = malloc(BENCH_PAYLOAD);
    (void)arg;
    free(block);
}

/* ---- notification ---- */

static void notified_task(void *arg)
{
    (void)arg;
    for (;;) {
        (void)ulTaskNotifyTake(pdTRUE, portMAX_DELAY);
        bench_arrived();
    }
}

static void give(void *arg)
{
    xTaskNotifyGive((TaskHandle_t)arg);
}

static void get_state(void *arg)
{
    s_state = eTaskGetState((TaskHandle_t)arg);
}

static void bench_notification(void)
{
    TaskHandle_t task;
    BENCH_CHECK(xTaskCreate(notified_task, "notified", STACK, NULL, WORKER_PRIORITY, &task) ==
                pdPASS);
    bench_alone("task notification", give, task);
    bench_call("eTaskGetState() of a task that waits", get_state, task);
    vTaskDelete(task);
}

/* ---- queue ---- */

static void queue_task(void *arg)
{
    item_t item;
    for (;;) {
        if (xQueueReceive((QueueHandle_t)arg, &item, portMAX_DELAY) == pdTRUE) {
            bench_arrived();
        }
    }
}

static void send(void *arg)
{
    item_t item = {.size = BENCH_PAYLOAD};
    memcpy(item.payload, s_payload, sizeof(item.payload));
    BENCH_CHECK(xQueueSend((QueueHandle_t)arg, &item, 0) == pdTRUE);
}

static void bench_queue(void)
{
    TaskHandle_t task;
    QueueHandle_t queue = xQueueCreate(BENCH_BURST, sizeof(item_t));
    BENCH_CHECK(queue != NULL);
    BENCH_CHECK(xTaskCreate(queue_task, "queue", STACK, queue, WORKER_PRIORITY, &task) == pdPASS);
    bench_alone("queue and task, 40 B", send, queue);
    (void)bench_burst("queue and task, burst of 32, each", send, queue, 1);
    vTaskDelete(task);
    vQueueDelete(queue);
}

/* ---- esp_event ---- */

static void on_event(void *arg, esp_event_base_t base, int32_t id, void *data)
{
    (void)arg, (void)base, (void)id, (void)data;
    bench_arrived();
}

static void post(void *arg)
{
    BENCH_CHECK(esp_event_post_to((esp_event_loop_handle_t)arg, BENCH_EVENT, 0, s_payload,
                                  sizeof(s_payload), 0) == ESP_OK);
}

static void bench_esp_event(void)
{
    const esp_event_loop_args_t args = {
        .queue_size = BENCH_BURST,
        .task_name = "esp_event",
        .task_priority = WORKER_PRIORITY,
        .task_stack_size = STACK,
        .task_core_id = tskNO_AFFINITY,
    };
    esp_event_loop_handle_t loop;
    BENCH_CHECK(esp_event_loop_create(&args, &loop) == ESP_OK);
    for (unsigned i = 0; i < 8; i++) {
        BENCH_CHECK(esp_event_handler_instance_register_with(loop, BENCH_EVENT, 0, on_event,
                                                             (void *)(uintptr_t)i, NULL) == ESP_OK);
        if (i == 0) {
            bench_alone("esp_event", post, loop);
            (void)bench_burst("esp_event, burst of 32, each", post, loop, 1);
        }
    }
    (void)bench_burst("esp_event, burst of 32, 8 subscribers, each", post, loop, 8);
    BENCH_CHECK(esp_event_loop_delete(loop) == ESP_OK);
}

void bench_rivals(void)
{
    static portMUX_TYPE lock = portMUX_INITIALIZER_UNLOCKED;
    static int64_t time;
    bench_call("critical section", critical_section, &lock);
    bench_call("esp_timer_get_time()", get_time, &time);
    bench_call("heap: malloc and free", heap, NULL);
    bench_notification();
    bench_queue();
    bench_esp_event();
}
