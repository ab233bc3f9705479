/* SPDX-License-Identifier: Apache-2.0 */
#include "link_common.h"

#include <sys/time.h>

#include "sdkconfig.h"

#include "esp_attr.h"
#include "esp_event.h"
#include "esp_log.h"
#include "esp_netif.h"
#include "esp_netif_sntp.h"
#include "esp_timer.h"
#include "freertos/FreeRTOS.h"
#include "freertos/queue.h"
#include "freertos/semphr.h"

static const char *TAG = "network";

#define WAITING 8

/* The queue's contents are for tasks alone. */
static EXT_RAM_BSS_ATTR uint8_t s_queue_space[WAITING * sizeof(link_event_t)];
static StaticQueue_t s_queue_state;
static QueueHandle_t s_queue;
static void (*s_changed)(void);
static bool s_time;

/* s_lock: protects s_wanted, and that nothing of a join is put after it was left. Never held while
 * a driver is called: drivers wait for the event task, and that for us. */
static StaticSemaphore_t s_lock_state;
static SemaphoreHandle_t s_lock;
static bool s_wanted;

static esp_err_t start_stack(void)
{
    const esp_err_t ret = esp_netif_init();
    return ret == ESP_ERR_INVALID_STATE ? ESP_OK : ret; /* somebody else did: fine */
}

static esp_err_t start_events(void)
{
    const esp_err_t ret = esp_event_loop_create_default();
    return ret == ESP_ERR_INVALID_STATE ? ESP_OK : ret;
}

esp_err_t link_common_set_up(const link_step_t *steps, unsigned count, unsigned *done)
{
    esp_err_t ret = ESP_OK;
    while (*done < count && ret == ESP_OK) {
        ret = steps[*done]();
        *done += ret == ESP_OK;
    }
    return ret;
}

esp_err_t link_common_open(void (*changed)(void))
{
    static const link_step_t steps[] = {start_stack, start_events};
    static unsigned s_done;
    s_changed = changed;
    if (s_queue == NULL) {
        s_lock = xSemaphoreCreateMutexStatic(&s_lock_state);
        s_queue = xQueueCreateStatic(WAITING, sizeof(link_event_t), s_queue_space, &s_queue_state);
    }
    return link_common_set_up(steps, sizeof(steps) / sizeof(steps[0]), &s_done);
}

static void put(const link_event_t *event)
{
    if (xQueueSend(s_queue, event, 0) != pdTRUE) { /* the newest says more */
        link_event_t oldest;
        (void)xQueueReceive(s_queue, &oldest, 0);
        (void)xQueueSend(s_queue, event, 0);
    }
}

void link_common_put(const link_event_t *event)
{
    put(event);
    s_changed();
}

bool link_common_tell(const link_event_t *event)
{
    (void)xSemaphoreTake(s_lock, portMAX_DELAY);
    const bool wanted = s_wanted;
    if (wanted) {
        s_wanted = event->kind == LINK_ADDRESS;
        put(event);
    }
    (void)xSemaphoreGive(s_lock);
    if (wanted) {
        s_changed();
    }
    return wanted;
}

void link_common_join(void)
{
    (void)xSemaphoreTake(s_lock, portMAX_DELAY);
    s_wanted = true;
    (void)xSemaphoreGive(s_lock);
}

void link_common_leave(void)
{
    link_event_t event;
    if (s_queue == NULL) {
        return;
    }
    (void)xSemaphoreTake(s_lock, portMAX_DELAY);
    s_wanted = false;
    for (unsigned left = WAITING; left > 0 && xQueueReceive(s_queue, &event, 0) == pdTRUE; left--) {
        if (event.kind == LINK_TIME) {
            put(&event);
        }
    }
    (void)xSemaphoreGive(s_lock);
}

bool link_common_take(link_event_t *event)
{
    return s_queue != NULL && xQueueReceive(s_queue, event, 0) == pdTRUE;
}

/* ---- the time ------------------------------------------------------------------------------- */

static void on_time(struct timeval *now)
{
    const link_event_t event = {
        .kind = LINK_TIME,
        .utc_us = (int64_t)now->tv_sec * 1000000 + now->tv_usec,
        .at_us = esp_timer_get_time(),
        .offset_minutes = CONFIG_NETWORK_UTC_OFFSET_MINUTES,
    };
    link_common_put(&event);
}

void link_common_start_time(void)
{
    if (!s_time) {
        esp_sntp_config_t config = ESP_NETIF_SNTP_DEFAULT_CONFIG(CONFIG_NETWORK_SNTP_SERVER);
        config.wait_for_sync = false;
        config.sync_cb = on_time;
        const esp_err_t ret = esp_netif_sntp_init(&config);
        s_time = ret == ESP_OK;
        if (!s_time) { /* the next address tries again */
            ESP_LOGW(TAG, "no time from %s: %s", CONFIG_NETWORK_SNTP_SERVER, esp_err_to_name(ret));
        }
    }
}
