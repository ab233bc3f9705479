// SPDX-License-Identifier: Apache-2.0

// Kraken-OS with everything switched on: quotas, monitors, statistics.

#include "event_system.h"

#include <stdio.h>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "bench.h"

/* The highest rate of a quota is 1,000,000 events a second: one poster alone would measure that. */
#define POSTERS 4u

static system_service_id_t s_posters[POSTERS];
static unsigned s_turn;
static system_event_type_t s_type;
static event_system_handler_t s_handler;
static system_secure_key_t s_key;

static void on_event(const system_event_t *event, void *user_data)
{
    (void)user_data;
    s_handler(event->data, event->data_size);
}

static void start(unsigned subscribers, size_t max_size, event_system_handler_t handler)
{
    static const system_subscription_config_t wait = {
        .overflow = SYSTEM_OVERFLOW_BLOCK,
        .block_ms = SYSTEM_EVENT_BLOCK_MS_MAX,
    };
    (void)max_size;
    s_handler = handler;
    s_key = bench_system_up();
    for (unsigned i = 0; i < POSTERS; i++) {
        char name[16];
        snprintf(name, sizeof(name), "poster%u", i);
        s_posters[i] = bench_service(name);
    }
    s_type = bench_type("bench.event");
    for (unsigned i = 0; i < subscribers; i++) {
        char name[16];
        snprintf(name, sizeof(name), "sub%u", i);
        BENCH_CHECK(system_event_subscribe_ex(bench_service(name), s_type, on_event, NULL, &wait,
                                              NULL) == ESP_OK);
    }
}

static void post(const void *data, size_t size, unsigned priority)
{
    const system_service_id_t poster = s_posters[s_turn++ % POSTERS];
    esp_err_t ret;
    do {
        ret = system_event_post(poster, s_type, data, size, (uint8_t)priority);
        if (ret == ESP_ERR_EVENT_NO_MEMORY) {
            /* There are fewer large blocks than places in a mailbox: the pool is what is full. */
            taskYIELD();
        }
    } while (ret == ESP_ERR_EVENT_NO_MEMORY);
    BENCH_CHECK(ret == ESP_OK);
}

static void stop(void)
{
    BENCH_CHECK(system_service_deinit(s_key) == ESP_OK);
}

const event_system_t event_system_kraken = {
    .name = "kraken",
    .about = "Kraken-OS, quotas, monitors and statistics on",
    .start = start,
    .post = post,
    .stop = stop,
};
