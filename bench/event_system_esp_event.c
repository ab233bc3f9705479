// SPDX-License-Identifier: Apache-2.0

// ESP-IDF's own event loop, compiled unmodified from the user's ESP-IDF: one queue, one task, a
// heap allocation for each event with a payload.

#include "event_system.h"

#include "esp_event.h"

#include "bench.h"

ESP_EVENT_DEFINE_BASE(BENCH_EVENT);

static esp_event_loop_handle_t s_loop;
static event_system_handler_t s_handler;
static size_t s_size; /* esp_event does not tell its handlers */

static void on_event(void *arg, esp_event_base_t base, int32_t id, void *data)
{
    (void)arg;
    (void)base;
    (void)id;
    s_handler(data, s_size);
}

static void start(unsigned subscribers, size_t max_size, event_system_handler_t handler)
{
    const esp_event_loop_args_t args = {
        .queue_size = EVENT_SYSTEM_DEPTH,
        .task_name = "esp_event",
        .task_priority = 8,
        .task_stack_size = 8192,
        .task_core_id = 1,
    };
    s_handler = handler;
    s_size = max_size;
    BENCH_CHECK(esp_event_loop_create(&args, &s_loop) == ESP_OK);
    for (unsigned i = 0; i < subscribers; i++) {
        BENCH_CHECK(esp_event_handler_instance_register_with(s_loop, BENCH_EVENT, 0, on_event, NULL,
                                                             NULL) == ESP_OK);
    }
}

static void post(const void *data, size_t size, unsigned priority)
{
    (void)priority;
    BENCH_CHECK(esp_event_post_to(s_loop, BENCH_EVENT, 0, data, size, portMAX_DELAY) == ESP_OK);
}

static void stop(void)
{
    /* It deletes its task wherever that is just now: let it come to rest in its queue first. */
    vTaskDelay(pdMS_TO_TICKS(10));
    BENCH_CHECK(esp_event_loop_delete(s_loop) == ESP_OK);
}

const event_system_t event_system_esp_event = {
    .name = "esp_event",
    .about = "esp_event of ESP-IDF v5.5, unmodified",
    .start = start,
    .post = post,
    .stop = stop,
};
